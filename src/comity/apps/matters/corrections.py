"""Corrections: matters that an import opens when it would change rows of the other side.

The side of the rows sees each change before and after, and accepts all, accepts some, or refuses. Silence accepts
nothing, and the rows keep their `brought_by`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from comity.apps.books.models import Delivery
from comity.apps.books.queries import book_folder, zone
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import first_reply_due, move, save_raised_matter
from comity.apps.parties.mailing import supported_language
from comity.apps.parties.member_context import MemberContext
from comity.book.importing.corrections import NoProposalError, Proposal, count_proposals, proposals
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import OPEN, Move, State

SHOWN_CHANGES = 200  # changes on a page; the file of the matter has them all


def open_correction(member: MemberContext, delivery: Delivery) -> None:
    """Open the matter of the changes that a delivery proposes, unless it exists."""
    outcome, side = delivery.outcome, member.side
    if side is None:
        return
    import_key = {"table": outcome["table"], "number": outcome["number"]}
    try:
        counts = count_proposals(book_folder(member.relationship.pk), **import_key, key=str(delivery.pk))
    except NoProposalError:
        return  # answered already, or of an earlier delivery of the same file, whose matter exists
    if _correction_of_delivery(member, delivery) is not None:
        return

    words = words_for(supported_language(member.membership.person.language))
    table = words.named("table", outcome["table"])
    rows, party = words.number(sum(counts.values())), member.relationship.organisation(side.other).name
    title = words("correction.title", table=table, rows=rows, party=party)
    delivery_data = {"delivery": str(delivery.pk), "name": delivery.name, "counts": counts}
    matter = Matter(
        relationship=member.relationship,
        kind=Kind.CORRECTION,
        asks=side.value,
        answers=side.other.value,
        title=title[:160],
        records=import_key | delivery_data,
    )
    matter.reply_by = first_reply_due(member, matter, zone(member))
    save_raised_matter(member, matter, words("correction.text", name=delivery.name))


def _correction_of_delivery(member: MemberContext, delivery: Delivery) -> Matter | None:
    corrections = Matter.objects.filter(relationship=member.relationship, kind=Kind.CORRECTION)
    return corrections.filter(records__delivery=str(delivery.pk)).first()


def withdraw_correction(member: MemberContext, delivery: Delivery) -> None:
    """Withdraw the correction of a delivery whose own side has undone it."""
    matter = _correction_of_delivery(member, delivery)
    if matter is not None and matter.state in OPEN:
        words = words_for(supported_language(member.membership.person.language))
        move(member, matter, Move.WITHDRAW, words("correction.taken_back", name=delivery.name), zone(member))


def changes(member: MemberContext, matter: Matter, first: int = 0, limit: int = SHOWN_CHANGES) -> list[Proposal]:
    """List the changes that a correction proposes, or proposed before its answer: `limit` of them, from `first` on."""
    if matter.kind != Kind.CORRECTION:
        return []
    import_key = {name: matter.records[name] for name in ("table", "number")} | {"key": matter.records["delivery"]}
    try:
        return list(
            islice(proposals(book_folder(member.relationship.pk), **import_key, first=first, most=limit), limit)
        )
    except NoProposalError:
        return []


def accepted_numbers(matter: Matter) -> set[int] | None:
    """Return the numbers of the accepted changes where only some were; None where all or none were, or it is open."""
    if matter.kind != Kind.CORRECTION or matter.state != State.ANSWERED:
        return None
    step = matter.steps.filter(move=Move.AGREE).first()
    return None if step is None or "rows" not in step.terms else set(step.terms["rows"])


CHANGE_COLUMNS = ("change", "kind", "row", "column", "before", "after")


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is shown.

    :ivar row: the key of its row, as text
    :ivar values: each changed value: column, before, after
    """

    number: int
    kind: str
    row: str
    values: list[tuple[str, object, object]]


def change_of_proposal(proposal: Proposal) -> Change:
    """Convert a proposal into a change as it is shown."""
    names = dict.fromkeys((*proposal.before, *proposal.after))
    values = [(name, proposal.before.get(name), proposal.after.get(name)) for name in names]
    row = ", ".join(str(value) for value in proposal.key.values())
    return Change(proposal.number, proposal.kind, row, [value for value in values if value[1:] != (None, None)])


def change_rows(member: MemberContext, matter: Matter) -> list[tuple[Any, ...]]:
    """Return all changes as rows of `CHANGE_COLUMNS`, one for each changed value."""
    row_changes = (change_of_proposal(one) for one in changes(member, matter, limit=1_000_000))
    return [(one.number, one.kind, one.row, *value) for one in row_changes for value in one.values]


def selected_numbers(matter: Matter, numbers: Sequence[int]) -> list[int] | None:
    """Return the valid ones among the numbers of changes, sorted; None where they are all."""
    total = sum(matter.records.get("counts", {}).values())
    known_numbers = sorted({number for number in numbers if 0 < number <= total})
    return None if len(known_numbers) == total else known_numbers
