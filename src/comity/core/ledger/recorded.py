"""The ledger as the entries of a record hold it, so that it can be checked without the room that wrote it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from comity.core.chain import Entry
from comity.core.ledger.accounts import Account, End, Line, Transaction, Way
from comity.core.values import Side

POSTED = "posted"  # the kind of such an entry


class UnreadableEntryError(ValueError):
    """An entry of the ledger whose content is none: says which."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction in the record.

    :ivar facts: what a recount asks of the step, as the app of its subject wrote it
    :ivar ended: whether the step ended its subject
    """

    transaction: Transaction
    facts: Mapping[str, Any]
    ended: bool


def recorded(entries: Iterable[Entry]) -> Iterator[Recorded]:
    """Yield the transactions that a record holds, in order.

    :raises UnreadableEntryError: for an entry of the ledger that cannot be read
    """
    for entry in entries:
        if entry.content.get("kind") == POSTED:
            try:
                yield _recorded(entry.content)
            except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                raise UnreadableEntryError(f"entry {entry.number} is no transaction: {error!r}") from None


def _recorded(content: Mapping[str, Any]) -> Recorded:
    held = content["content"]
    of, facts = held["of"], held["facts"]
    lines = tuple(
        Line(
            Account(Side(leg["side"]), Way(leg["way"]), str(leg["kind"])),
            Decimal(leg["amount"]),
            str(leg["promise"]),
            End(leg["ended"]) if leg["ended"] else None,
        )
        for leg in held["lines"]
    )
    side = facts.get("side")
    transaction = Transaction(
        number=int(held["number"]),
        day=date.fromisoformat(held["day"]),
        recorded_at=datetime.fromisoformat(str(content["recorded_at"])).astimezone(UTC),
        cause=str(held["cause"]),
        subject=(str(of["type"]), str(of["id"])),
        step=int(of["step"]),
        lines=lines,
        side=Side(side) if side else None,
        for_day=date.fromisoformat(held["for"]) if held["for"] else None,
    )
    return Recorded(transaction, facts, bool(held["ended"]))
