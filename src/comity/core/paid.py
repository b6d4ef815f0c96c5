"""Paid against received (P11): the split of what was invoiced as service by what was received for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

IN_TARGET, LATE, REPEATED, IDLE, NOT_SPLIT = "in_target", "late", "repeated", "idle", "not_split"
SHARES = (IN_TARGET, LATE, REPEATED, IDLE, NOT_SPLIT)
RECEIVED = (IN_TARGET, LATE, REPEATED)


@dataclass(frozen=True, slots=True)
class Billed:
    """How many contacts a service was invoiced for, and how many the records tell of: handled, and in all."""

    quantity: float
    handled: int
    came: int


@dataclass(frozen=True, slots=True)
class SharedLine:
    """The lines by contact of one service, and what became of the contacts that they are for.

    `billed` holds what was invoiced against what is recorded, where no other service is done in the same queues.
    """

    service: str
    amount: Decimal
    contacts: Mapping[str, int]
    billed: Billed | None = None


@dataclass(frozen=True, slots=True)
class PaidStats:
    """What was invoiced as service for a period, and what was received in it.

    Amounts in the book's currency. `seconds` is the time invoiced by hour and minute lines. `contacts` and
    `handled_s` hold, for `in_target`, `late`, `repeated` and `not_split` (contacts that no KPI judges), how many
    contacts were handled and the time that they took. A contact is in one class only.
    `callers_by` is the column by which contacts of one caller are known, None where they are not; `by_chance` is how
    many of them would be repeated if all came at random moments. `by_contact` are the lines by contact; `unassigned`
    the services by contact of which nobody said which of the contacts they are for, where contacts and intervals tell
    of different work. `counted_from` are the tables that tell of it, each of other queues.
    """

    amount: Decimal
    by_contact: tuple[SharedLine, ...]
    by_time: Decimal
    seconds: float
    contacts: Mapping[str, int] = field(default_factory=dict)
    handled_s: Mapping[str, float] = field(default_factory=dict)
    callers_known: bool = True
    callers_by: str | None = None
    by_chance: float | None = None
    unassigned: tuple[str, ...] = ()
    counted_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaidSplit:
    """Shares of `amount` that add up to 1, in the order of `SHARES`; who answers for each, None where not said.

    What was paid for repeated contacts is None where callers are not known: it is in the other shares then.
    `repeats` are the repeated contacts, and `repeats_by_chance` how many there would be if all came at random moments;
    `callers_by` is the column by which callers are known.

    `billed` holds, by service, what was invoiced by contact against what is recorded; `unassigned` and `counted_from`
    are as in `PaidStats`.

    `cost_per_contact_in_target` is the whole amount over the contacts in target (those repeated are not among
    them); None where there is none.
    """

    amount: float
    shares: Mapping[str, float | None]
    amounts: Mapping[str, float | None]
    answers_for: Mapping[str, str | None]
    contacts_in_target: int
    cost_per_contact_in_target: float | None
    callers_by: str | None = None
    repeats: int | None = None
    repeats_by_chance: float | None = None
    billed: Mapping[str, Billed] = field(default_factory=dict)
    unassigned: tuple[str, ...] = ()
    counted_from: tuple[str, ...] = ()


def split_paid(stats: PaidStats, answers_for: Mapping[str, str] | None = None) -> PaidSplit | None:
    """Split what was paid by what was received for it; None where nothing above zero was invoiced.

    Lines by contact are shared out by the number of contacts in each class, each service by those that it is for;
    lines by hour or minute by the time handled in each class; what of the time was invoiced but not handled is `idle`.
    When more time was handled than invoiced, the handled time is shared out and none is idle. All other lines, and
    what cannot be judged, are `not_split`. A contact that is repeated is `repeated`, in time or not: what it cost would
    have been saved by settling the one before. The classes are those of specification `readings.md`, "Levels".

    :param answers_for: side by share, as the book's definition says
    """
    if stats.amount <= 0:
        return None
    amounts = dict.fromkeys(SHARES, 0.0)
    for line in stats.by_contact:
        _distribute(amounts, float(line.amount), line.contacts, float(sum(line.contacts.values())))
    handled = math.fsum(stats.handled_s.values())
    if handled > 0 and stats.seconds > 0:
        _distribute(amounts, float(stats.by_time), stats.handled_s, max(handled, stats.seconds))
        amounts[IDLE] = float(stats.by_time) * max(stats.seconds - handled, 0.0) / max(handled, stats.seconds)
    amount = float(stats.amount)
    # What is left over, so that the shares add up however the lines were priced.
    amounts[NOT_SPLIT] = amount - math.fsum(amounts[name] for name in (*RECEIVED, IDLE))
    if abs(amounts[NOT_SPLIT]) < amount * 1e-12:  # rounding of the terms above, not money
        amounts[NOT_SPLIT] = 0.0
    sides = answers_for or {}
    shares: dict[str, float | None] = {name: value / amount for name, value in amounts.items()}
    shown: dict[str, float | None] = dict(amounts)
    if not stats.callers_known:
        shares[REPEATED] = shown[REPEATED] = None
    in_target = stats.contacts.get(IN_TARGET, 0)
    return PaidSplit(
        amount=amount,
        shares=shares,
        amounts=shown,
        answers_for={name: sides.get(name) for name in SHARES},
        contacts_in_target=in_target,
        cost_per_contact_in_target=amount / in_target if in_target else None,
        callers_by=stats.callers_by,
        repeats=stats.contacts.get(REPEATED, 0) if stats.callers_by is not None else None,
        repeats_by_chance=stats.by_chance,
        billed={line.service: line.billed for line in stats.by_contact if line.billed is not None},
        unassigned=stats.unassigned,
        counted_from=stats.counted_from,
    )


def _distribute(amounts: dict[str, float], amount: float, parts: Mapping[str, float], whole: float) -> None:
    """Distribute an amount by the parts of a whole; the share of what is in no class is left out, as not split."""
    if whole <= 0:
        return
    for name in RECEIVED:
        amounts[name] += amount * parts.get(name, 0.0) / whole
