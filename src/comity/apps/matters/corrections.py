"""Corrections: matters that an import opens when it would change rows which the other side brought.

Whose rows they are sees each change before and after, and accepts all, accepts some, or refuses. Nothing is accepted by
silence, and the rows keep who brought them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from comity.apps.books.models import Delivery
from comity.apps.books.queries import book_folder, zone
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import due_when_raised, move, raised_now
from comity.apps.parties.mailing import mail_side, page_path, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.book.importing.corrections import NoProposalError, Proposal, count_proposals, proposals
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import OPEN, Move, State
from comity.review.i18n.words import Words

SHOWN = 200  # changes on a page; the file of the matter has them all


def open_correction(member: MemberContext, delivery: Delivery) -> None:
    """Open the matter of what a delivery would change, unless it is there already."""
    outcome, side = delivery.outcome, member.side
    if side is None:
        return
    about = {"table": outcome["table"], "number": outcome["number"]}
    try:
        counts = count_proposals(book_folder(member.relationship.pk), **about, key=str(delivery.pk))
    except NoProposalError:
        return  # answered already, or of an earlier delivery of the same file, whose matter is there
    if _of(member, delivery) is not None:
        return

    def title(words: Words) -> str:
        table = words.named("table", outcome["table"])
        return words("correction.title", table=table, rows=words.number(sum(counts.values())))

    words = words_for(supported_language(member.membership.person.language))
    said = {"delivery": str(delivery.pk), "name": delivery.name, "counts": counts}
    matter = Matter(
        relationship=member.relationship,
        kind=Kind.CORRECTION,
        asks=side.value,
        answers=side.other.value,
        title=title(words)[:160],
        records=about | said,
    )
    matter.reply_by = due_when_raised(matter, zone(member))
    raised_now(member, matter, words("correction.text", name=delivery.name))
    address = page_path(member, "matter", matter=matter.pk)
    mail_side(member, side.other, Action.ANSWER, "correction", address, title=title)


def _of(member: MemberContext, delivery: Delivery) -> Matter | None:
    ours = Matter.objects.filter(relationship=member.relationship, kind=Kind.CORRECTION)
    return ours.filter(records__delivery=str(delivery.pk)).first()


def withdraw_correction(member: MemberContext, delivery: Delivery) -> None:
    """Withdraw what a delivery proposed, now that its own side has taken it back."""
    matter = _of(member, delivery)
    if matter is not None and matter.state in OPEN:
        words = words_for(supported_language(member.membership.person.language))
        move(member, matter, Move.WITHDRAW, words("correction.taken_back", name=delivery.name), zone(member))


def changes(member: MemberContext, matter: Matter, first: int = 0, most: int = SHOWN) -> list[Proposal]:
    """What a correction would change or, once it is answered, would have changed, row by row."""
    if matter.kind != Kind.CORRECTION:
        return []
    about = {name: matter.records[name] for name in ("table", "number")} | {"key": matter.records["delivery"]}
    try:
        return list(islice(proposals(book_folder(member.relationship.pk), **about, first=first, most=most), most))
    except NoProposalError:
        return []


def accepted(matter: Matter) -> set[int] | None:
    """The numbers of the changes that were accepted where only some were; None where all or none were, or it waits."""
    if matter.kind != Kind.CORRECTION or matter.state != State.ACCEPTED:
        return None
    step = matter.steps.filter(move=Move.ACCEPT).first()
    return None if step is None or "rows" not in step.terms else set(step.terms["rows"])


COLUMNS = ("change", "kind", "row", "column", "before", "after")


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is shown: its row by its key, and each changed value by its column, before and after."""

    number: int
    kind: str
    row: str
    values: list[tuple[str, object, object]]


def change(one: Proposal) -> Change:
    """A change as it is shown."""
    names = dict.fromkeys((*one.before, *one.after))
    values = [(name, one.before.get(name), one.after.get(name)) for name in names]
    row = ", ".join(str(value) for value in one.key.values())
    return Change(one.number, one.kind, row, [value for value in values if value[1:] != (None, None)])


def change_rows(member: MemberContext, matter: Matter) -> list[tuple[Any, ...]]:
    """The same as a table, as `COLUMNS` names it: one line for each changed value."""
    shown = (change(one) for one in changes(member, matter, most=1_000_000))
    return [(one.number, one.kind, one.row, *value) for one in shown for value in one.values]


def chosen(matter: Matter, numbers: Sequence[int]) -> list[int] | None:
    """The changes that are accepted, by number; None for all."""
    total = sum(matter.records.get("counts", {}).values())
    known = sorted({number for number in numbers if 0 < number <= total})
    return None if len(known) == total else known
