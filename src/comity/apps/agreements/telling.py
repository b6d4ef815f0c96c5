"""Who is told of a change: the log, and a mail to the people of a side who decide for it."""

from collections.abc import Callable, Iterable

from comity.apps.agreements.models import Change
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.parties.mailing import mail_people, mail_side, page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.parties.rights import Action
from comity.core.agreements.changes import Proposal
from comity.core.agreements.first_text import for_reader
from comity.core.values import Side
from comity.review.i18n.words import Words


def change_data(change: Change, proposal: Proposal) -> dict[str, object]:
    """Return what an event of the log holds of a change."""
    return {"number": change.number, "title": str(proposal.says.get("title", ""))}


def change_path(member: MemberContext, change: Change) -> str:
    """Return the path of a change's page."""
    return page_path(member, "agreement_change", change=change.pk)


def tell(member: MemberContext, change: Change, event: Event, proposal: Proposal, side: Side) -> None:
    """Add an event to the log, as done by the member, and mail a side of it by the texts of the same name."""
    audit(member, event, SubjectType.AGREEMENT, change_data(change, proposal), shared=True)
    mail_change(member, change, event.value, proposal, [side])


def mail_change(member: MemberContext, change: Change, key: str, proposal: Proposal, sides: Iterable[Side]) -> None:
    """Mail the people who decide for some sides that it is their turn, or what became of a change.

    :param key: of the catalogue: `key`.subject and `key`.mail take party (the member's), number and title
    """
    for side in sides:
        mail_side(member, side, Action.AGREE, key, change_path(member, change), **_texts(member, change, proposal))


def mail_cosigners(member: MemberContext, change: Change, proposal: Proposal, people: Iterable[Person]) -> None:
    """Mail people of the member's own side that their signature is needed beside the member's."""
    assert member.side is not None
    path, texts = change_path(member, change), _texts(member, change, proposal)
    mail_people(member, member.side, people, "change_cosign", path, **texts)


def _texts(member: MemberContext, change: Change, proposal: Proposal) -> dict[str, Callable[[Words], str]]:
    party, title = member.side, str(proposal.says.get("title", ""))
    return {
        "party": lambda words: member.party(words)(party),
        "title": lambda words: for_reader(title, words.language),
        "number": lambda _: str(change.number),
    }
