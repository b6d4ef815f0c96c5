"""The ledger on Today: what waits for a side's agreement, and a difference that the night's recount found.

Its own subjects, opening lists and reversals, are registered here too.
"""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from comity.apps.i18n import language, words_for
from comity.apps.ledger import queries
from comity.apps.ledger.queries import told_differences
from comity.apps.ledger.subjects import Counted, SubjectLink, SubjectType, add_subject_type
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import (
    InboxGroup,
    InboxItem,
    InboxSource,
    Panel,
    PanelArea,
    PanelContext,
    add_inbox_source,
    add_panel,
)
from comity.apps.parties.rights import Action
from comity.apps.record.queries import read_ahead_consents
from comity.core.ledger.opened import OPENING, REVERSAL
from comity.core.values import Side
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel, the part of the inbox and the subjects."""
    add_panel(Panel("ledger/_differs.html", PanelArea.TOP, 18, _differs))
    add_inbox_source(InboxSource("ledger", _proposed, read_ahead=read_ahead_consents))
    add_subject_type(SubjectType(OPENING, _links, queries.count_opened))
    add_subject_type(SubjectType(REVERSAL, _links, _nothing))


def _links(member: MemberContext, ids: Collection[UUID]) -> Mapping[UUID, SubjectLink]:
    words, url = words_for(language()), reverse("ledger_agreed", kwargs={"relationship": member.relationship.pk})
    kept = [one for one in queries.agreed_changes(member) if one.pk in ids]
    return {one.pk: SubjectLink(words(f"ledger.{one.content['content']['what']}_title"), url) for one in kept}


def _nothing(member: MemberContext) -> list[Counted]:  # noqa: ARG001 - as subjects are counted
    """Count nothing: what a reversal posts is of the promises of other subjects."""
    return []


def _proposed(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    waiting = queries.waiting_change(member)
    if waiting is None:
        return
    side = Side(waiting.side).other
    yield InboxItem(
        group=InboxGroup.CONFIRM,
        side=side,
        title=words("ledger.proposed_item", party=member.party(words)(waiting.side)),
        url=reverse("ledger_agreed", kwargs={"relationship": member.relationship.pk}),
        action=words("inbox.ledger_do") if member.side is side and member.may(Action.AGREE) else "",
    )


def _differs(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if not member.may(Action.AGREE):
        return None
    differences = told_differences(member)
    return {"differences": differences, "link": True} if differences else None
