"""What is pointed out about a text: sentences to think about, none of which forbids to sign.

Each rule reads a text and yields what it finds, as a kind with the clauses and names that its sentence needs; words are
made where it is shown, and a person may dismiss one with a reason. A target met or missed twelve periods running needs
records, and is not here.

Source: the specification of agreements, "Pointed out".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from comity.core.agreements.clauses import Clause, names_clauses, names_people
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.people import Named
from comity.core.agreements.text import NoEffect, Text
from comity.core.values import Side

MAX_KPIS = 12
EVERYTHING = "*"
# Measures of what the customer owes.
OF_CUSTOMER = frozenset({"forecast_wape", "forecast_bias"})
# A unit of price pulls where the target wants less of what is paid for, or where nothing is paid for what it wants.
_PULLS: Mapping[str, frozenset[str]] = {
    "contact": frozenset({"repeat_contact", "reopen"}),
    "handled_minute": frozenset({"handle_time", "repeat_contact", "reopen"}),
    "staffed_hour": frozenset({"occupancy"}),
    "paid_hour": frozenset({"occupancy"}),
}
# What a page needs that has no clause to go by, and what holds in its place.
NEEDED = (Kind.TERM, Kind.AUTHORITY, Kind.CALENDAR, Kind.NOTICE, Kind.CLOCK, Kind.PURPOSE, Kind.REASONS)


class PointKind(StrEnum):
    """What is pointed out."""

    MANY_KPIS = "many_kpis"
    SAME_QUEUES = "same_queues"  # one measure over overlapping queues
    NO_OUTCOME = "no_outcome"  # only what is done is measured
    NO_WHY = "no_why"
    NO_OWNER = "no_owner"  # at one side, or at both
    NO_DUTY_OF_CUSTOMER = "no_duty_of_customer"
    PRICE_PULLS = "price_pulls"  # away from the target
    SOMEBODY_LEFT = "somebody_left"
    PAID_AND_LAST = "paid_and_last"  # money hangs on a KPI that both rank last
    NAMES_MISSING = "names_missing"  # a clause that is not there, or is of another kind
    NO_EFFECT = "no_effect"  # an edit of a clause that is not there


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that is pointed out.

    :ivar clauses: that it is about
    :ivar names: what its sentence fills in: people, queues, fields, sides
    """

    kind: PointKind
    clauses: tuple[str, ...]
    names: tuple[str, ...] = ()


def _nobody(_: Named) -> bool:
    return False


def points(of: Text, has_left: Callable[[Named], bool] = _nobody) -> list[Point]:
    """Return all that is pointed out about a text.

    :param has_left: whether somebody whom a clause names is there no longer
    """
    found = [point for rule in RULES for point in rule(of)]
    return found + [
        Point(PointKind.SOMEBODY_LEFT, (clause.id,), (person.name,))
        for clause in _there(of)
        for person in dict.fromkeys(person for _, person in names_people(clause))
        if has_left(person)
    ]


def points_of_priorities(of: Text, ranks: Mapping[Side, Mapping[str, int]]) -> list[Point]:
    """Return what is pointed out once both sides' orders are open: money on a KPI that both rank last.

    :param ranks: by side, the rank of each KPI, 1 first; ties share one
    """
    paid = [kpi.id for kpi in of.of(Kind.KPI) if "credit_allocation" in kpi.fields]
    last = [{kpi for kpi, rank in order.items() if rank == max(order.values())} for order in ranks.values()]
    both = len(last) == len(Side) and all(len(set(order.values())) > 1 for order in ranks.values())
    return [Point(PointKind.PAID_AND_LAST, (kpi,)) for kpi in paid if both and all(kpi in those for those in last)]


def points_of_change(without_effect: Sequence[NoEffect]) -> list[Point]:
    """Return what is pointed out about a change: its edits of clauses that are not there (`edits_without_effect`)."""
    return [
        Point(
            PointKind.NO_EFFECT,
            (item.edit.clause,),
            (item.first_day.isoformat(), "" if item.last_day is None else item.last_day.isoformat()),
        )
        for item in without_effect
    ]


def missing_clauses(of: Text) -> list[Kind]:
    """Return the kinds of clause that pages go by and a text has none of; defaults hold for them."""
    return [kind for kind in NEEDED if not of.of(kind)]


def _many_kpis(of: Text) -> Iterator[Point]:
    kpis = of.of(Kind.KPI)
    if len(kpis) > MAX_KPIS:
        yield Point(PointKind.MANY_KPIS, tuple(kpi.id for kpi in kpis), (str(len(kpis)),))


def _same_queues(of: Text) -> Iterator[Point]:
    for one, other in combinations(of.of(Kind.KPI), 2):
        same = one.fields.get("measure") == other.fields.get("measure")
        apart = one.fields.get("instrument") != other.fields.get("instrument")
        apart = apart or any(one.fields.get(name) != other.fields.get(name) for name in ("deadline", "records"))
        if same and not apart and overlap(one, other, "queues") and overlap(one, other, "channels"):
            yield Point(PointKind.SAME_QUEUES, (one.id, other.id), tuple(sorted(overlap(one, other, "queues"))))


def _no_outcome(of: Text) -> Iterator[Point]:
    kpis = of.of(Kind.KPI)
    if kpis and not any(MEASURES[str(kpi.fields["measure"])].outcome for kpi in kpis):
        yield Point(PointKind.NO_OUTCOME, tuple(kpi.id for kpi in kpis))


def _no_why(of: Text) -> Iterator[Point]:
    for kpi in of.of(Kind.KPI):
        if "outcome" not in kpi.fields:
            yield Point(PointKind.NO_WHY, (kpi.id,))


def _no_owner(of: Text) -> Iterator[Point]:
    for kpi in of.of(Kind.KPI):
        without = tuple(side.value for side in Side if f"{side}_owner" not in kpi.fields)
        if without:
            yield Point(PointKind.NO_OWNER, (kpi.id,), without)
    for duty in of.of(Kind.DUTY):
        if "owner" not in duty.fields:
            yield Point(PointKind.NO_OWNER, (duty.id,), (str(duty.fields["side"]),))


def _no_duty_of_customer(of: Text) -> Iterator[Point]:
    duties = any(duty.fields.get("side") == Side.CUSTOMER for duty in of.of(Kind.DUTY))
    if of.of(Kind.KPI) and not duties and not any(kpi.fields.get("measure") in OF_CUSTOMER for kpi in of.of(Kind.KPI)):
        yield Point(PointKind.NO_DUTY_OF_CUSTOMER, ())


def _price_pulls(of: Text) -> Iterator[Point]:
    """Where what is paid for grows as the target is missed; `core.economics.pulls` says by how much."""
    for price in of.of(Kind.PRICE):
        for kpi in of.of(Kind.KPI):
            measure = str(kpi.fields.get("measure"))
            pulls = measure in _PULLS.get(str(price.fields.get("unit")), ())
            if pulls and "target" in kpi.fields and overlap(price, kpi, "queues"):
                yield Point(PointKind.PRICE_PULLS, (price.id, kpi.id), (str(price.fields["unit"]), measure))


def _names_missing(of: Text) -> Iterator[Point]:
    for clause in _there(of):
        for name, other, kinds in names_clauses(clause):
            named = of.get(other)
            if named is None or (kinds and named.kind not in kinds):
                yield Point(PointKind.NAMES_MISSING, (clause.id, other), (name,))


RULES: Sequence[Callable[[Text], Iterator[Point]]] = (
    _many_kpis,
    _same_queues,
    _no_outcome,
    _no_why,
    _no_owner,
    _no_duty_of_customer,
    _price_pulls,
    _names_missing,
)


def _there(of: Text) -> list[Clause]:
    return [clause for clause in of.clauses if not clause.removed]


def overlap(one: Clause, other: Clause, field: str) -> set[str]:
    """Return what two clauses both count; everything where one counts all that the other does."""
    own, theirs = (_texts(clause, field) for clause in (one, other))
    if EVERYTHING in own or EVERYTHING in theirs:
        return (own | theirs) - {EVERYTHING} or {EVERYTHING}
    return own & theirs


def _texts(clause: Clause, field: str) -> set[str]:
    value = clause.fields.get(field)
    return {str(item) for item in value} if isinstance(value, list) else set()
