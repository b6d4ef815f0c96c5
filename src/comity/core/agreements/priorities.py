"""Which KPIs matter most: each side's order made apart and sealed, both set beside each other, and one joint order.

A side orders the KPIs by itself, with ties, and names those that it would drop; it writes what it needs, and what it
believes that the other needs. It gives its seal before it sees the other's order, so that neither can follow the other:
a digest over 128 random bits and the canonical form, from which nothing can be read or guessed, and which fits nothing
else afterwards.

Source: the specification of agreements, "Priorities".
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from comity.core.agreements.canonical import salted_digest
from comity.core.agreements.changes import Edit
from comity.core.agreements.clauses import check_field
from comity.core.agreements.fields import Value
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import Text, patch
from comity.core.values import Side

SCHEMA = "comity.priorities/1"
ORDER_SCHEMA = "comity.joint_order/1"
SEAL_SCHEMA = "comity.seal/1"
RANDOM_BYTES = 16
MIN_KPIS, MAX_KPIS = 2, 100  # the place in the joint order is at most 100
MAX_NEEDS = 3
LONGEST_NEED = 300
LARGEST_SHOWN = 3  # differences that are told as sentences


@dataclass(frozen=True, slots=True)
class Ranking:
    """One side's order, whole or a draft.

    :ivar tiers: the KPIs, the most important first; those of one tier are tied
    :ivar dropped: those that the side would drop: behind all others, tied
    :ivar needs: what the side needs, at most three
    :ivar believed: what it believes that the other side needs, at most three
    """

    tiers: tuple[tuple[str, ...], ...] = ()
    dropped: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    believed: tuple[str, ...] = ()


def ranking_of(
    places: Mapping[str, int | None], dropped: Collection[str], needs: Sequence[str] = (), believed: Sequence[str] = ()
) -> Ranking:
    """Return an order as it is kept: numbers say only what stands before what, so 1, 5, 5 is 1, 2, 2.

    :param places: KPI -> its number, the smallest first; None: not placed yet
    :param dropped: KPIs that the side would drop, whatever their number
    """
    placed = sorted((place, kpi) for kpi, place in places.items() if place is not None and kpi not in dropped)
    tiers = tuple(tuple(kpi for _, kpi in tier) for _, tier in groupby(placed, key=lambda one: one[0]))
    return Ranking(tiers, tuple(sorted(set(dropped) & places.keys())), _texts(needs), _texts(believed))


def _texts(written: Sequence[str]) -> tuple[str, ...]:
    """Return texts in the form in which they are kept: NFC, one line, none empty."""
    one_line = (" ".join(unicodedata.normalize("NFC", text).split()) for text in written)
    return tuple(text for text in one_line if text)[:MAX_NEEDS]


def places(ranking: Ranking) -> dict[str, int]:
    """Return the place of each KPI: 1 + the number of KPIs before it, so that ties share one; the dropped come last."""
    found: dict[str, int] = {}
    for tier in (*ranking.tiers, ranking.dropped):
        found |= dict.fromkeys(tier, len(found) + 1)
    return found


def unplaced(ranking: Ranking, kpis: Sequence[str]) -> list[str]:
    """Return the KPIs that have neither a place nor are dropped: an order with one of these cannot be sealed."""
    known = places(ranking)
    return [kpi for kpi in kpis if kpi not in known]


def ranking_content(ranking: Ranking) -> dict[str, Any]:
    """Return an order as JSON."""
    return {
        "order": [list(tier) for tier in ranking.tiers],
        "would_drop": list(ranking.dropped),
        "needs": list(ranking.needs),
        "believed_of_other": list(ranking.believed),
    }


def parse_ranking(content: Mapping[str, Any]) -> Ranking:
    """Read what `ranking_content`, or `sealed_content`, gives."""
    return Ranking(
        tuple(tuple(tier) for tier in content["order"]),
        tuple(content["would_drop"]),
        tuple(content["needs"]),
        tuple(content["believed_of_other"]),
    )


def sealed_content(ranking: Ranking, of_round: str, side: Side) -> dict[str, Any]:
    """Return what a side seals: its order, with the round and the side, so that a seal fits no other."""
    return {"schema": SCHEMA, "round": of_round, "side": side.value, **ranking_content(ranking)}


def seal_digest(content: Mapping[str, Any], random: str) -> str:
    """Return the seal: the SHA-256, in hexadecimal, of the random bytes followed by the canonical form.

    :param random: 16 bytes, in hexadecimal
    :raises comity.core.agreements.canonical.WeakSaltError: for fewer
    """
    return salted_digest(dict(content), bytes.fromhex(random))


def seal_document(content: Mapping[str, Any], random: str) -> dict[str, Any]:
    """Return what the sealer keeps: with it anybody can work the digest out again."""
    return {"schema": SEAL_SCHEMA, "content": dict(content), "random": random, "digest": seal_digest(content, random)}


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart the two sides put a KPI.

    :ivar places: of both sides, as `places` gives them
    :ivar tied: sides with other KPIs on the same place
    :ivar dropped: sides that would drop it
    :ivar size: difference of the mean ranks; a tie takes the mean of the ranks that it covers, so that a side that
        ties all KPIs is not the farther from the other the longer the list is
    """

    kpi: str
    places: Mapping[Side, int]
    tied: frozenset[Side]
    dropped: frozenset[Side]
    size: float


def gaps(rankings: Mapping[Side, Ranking]) -> list[Gap]:
    """Return each KPI that both sides placed, the farthest apart first, then by the better of its places.

    :param rankings: of both sides
    """
    known = {side: places(one) for side, one in rankings.items()}
    means = {side: _mean_ranks(of) for side, of in known.items()}
    both = [kpi for kpi in known[Side.CUSTOMER] if kpi in known[Side.PROVIDER]]
    found = [
        Gap(
            kpi,
            {side: known[side][kpi] for side in Side},
            frozenset(side for side in Side if list(known[side].values()).count(known[side][kpi]) > 1),
            frozenset(side for side in Side if kpi in rankings[side].dropped),
            abs(means[Side.CUSTOMER][kpi] - means[Side.PROVIDER][kpi]),
        )
        for kpi in both
    ]
    return sorted(found, key=lambda one: (-one.size, min(one.places.values()), one.kpi))


def _mean_ranks(of: Mapping[str, int]) -> dict[str, float]:
    """Return the mean of the ranks that each place covers."""
    covered = list(of.values())
    return {kpi: place + (covered.count(place) - 1) / 2 for kpi, place in of.items()}


@dataclass(frozen=True, slots=True)
class Ordered:
    """A KPI in the joint order.

    :ivar place: from 1; each is given once
    :ivar owners: who answers for it, at each side
    """

    kpi: str
    place: int
    owners: Mapping[Side, str]


class OrderProblem(StrEnum):
    """Why a joint order cannot stand."""

    NOT_ALL = "not_all"  # a KPI of the round has no place, or one that is not in it has
    PLACES = "places"  # each of 1, 2, 3 and so on is given once
    OWNERS = "owners"  # a KPI has no owner at a side, or a name that no clause can hold


def order_problem(order: Sequence[Ordered], kpis: Sequence[str]) -> OrderProblem | None:
    """Return why a joint order of a round's KPIs cannot stand; None where it can."""
    if sorted(one.kpi for one in order) != sorted(kpis):
        return OrderProblem.NOT_ALL
    if sorted(one.place for one in order) != list(range(1, len(order) + 1)):
        return OrderProblem.PLACES
    for one in order:
        for side in Side:
            kept, problems = check_field(one.kpi, Kind.KPI, f"{side}_owner", one.owners.get(side, ""))
            if kept != one.owners.get(side) or problems:
                return OrderProblem.OWNERS
    return None


def order_content(order: Sequence[Ordered], of_round: str) -> dict[str, Any]:
    """Return a joint order as both sides agree to it."""
    rows = [
        {"kpi": one.kpi, "place": one.place, **{f"{side}_owner": one.owners[side] for side in Side}}
        for one in sorted(order, key=lambda one: one.place)
    ]
    return {"schema": ORDER_SCHEMA, "round": of_round, "order": rows}


def parse_order(content: Mapping[str, Any]) -> list[Ordered]:
    """Read what `order_content` gives."""
    return [
        Ordered(one["kpi"], one["place"], {side: one[f"{side}_owner"] for side in Side}) for one in content["order"]
    ]


def edits_of_order(order: Sequence[Ordered], of: Text) -> tuple[Edit, ...]:
    """Return the edits with which a text says what was settled; none where it does already.

    :param of: the permanent layer of a day; a KPI that is not in it has no edit
    """
    edits: list[Edit] = []
    for one in order:
        clause = of.get(one.kpi)
        if clause is not None and clause.kind is Kind.KPI:
            wanted: dict[str, Value] = {"priority": one.place, **{f"{side}_owner": one.owners[side] for side in Side}}
            edits += patch(clause, {**clause.fields, **wanted})
    return tuple(edits)
