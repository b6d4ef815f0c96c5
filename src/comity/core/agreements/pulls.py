"""What a wording of a KPI pulls towards: how its figure gets better without the customer being served better.

Each is read off the formula of the measure (docs/levels.md, "The measures") and off what was agreed with it: a formula
that leaves out those who gave up reads higher the more give up. None of it says that anybody does so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from comity.core.agreements.kpi import Abandons, Kpi


class PullKind(StrEnum):
    """What a figure gets better by."""

    GIVE_UP = "give_up"  # callers who give up are left out, whenever they do
    GIVE_UP_SOON = "give_up_soon"  # those who give up within the agreed seconds are left out
    WAIT_UNCOUNTED = "wait_uncounted"  # only those answered have a wait that counts
    PAST_THRESHOLD = "past_threshold"  # who waits longer counts alike, however long
    PAST_DUE = "past_due"  # what is late counts alike, however late
    SLOWEST_TENTH = "slowest_tenth"  # it does not count how slow the slowest tenth is
    SLOWER_HALF = "slower_half"
    CUT_SHORT = "cut_short"  # contacts that end early take less time
    AFTER_WINDOW = "after_window"  # who comes back after the agreed days does not count
    OPENED_ANEW = "opened_anew"  # a new ticket in place of one opened again
    CLOSED_EARLY = "closed_early"  # what is closed counts as done
    LEFT_OPEN = "left_open"  # what is not resolved yet has no time
    WHO_IS_ASKED = "who_is_asked"  # only those who are asked, and answer, count
    WHO_IS_MARKED = "who_is_marked"  # only the contacts that are drawn count
    CANCELS_OUT = "cancels_out"  # too high on one day makes up for too low on another
    CALLERS_WAIT = "callers_wait"  # agents are busier the more callers wait


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull of a wording.

    :ivar size: seconds or days that it depends on; None: on none
    """

    kind: PullKind
    size: float | None = None


def pulls(kpi: Kpi) -> tuple[Pull, ...]:
    """Return what a wording pulls towards, the strongest first; empty for a measure of which none is known."""
    of_measure = _PULLS.get(kpi.measure)
    return () if of_measure is None else tuple(of_measure(kpi))


def new_pulls(before: Kpi | None, after: Kpi) -> tuple[Pull, ...]:
    """Return the pulls that a wording has and the one before it lacks, or has less of."""
    had = () if before is None or before.measure != after.measure else pulls(before)
    return tuple(one for one in pulls(after) if not any(_covers(known, one) for known in had))


def _covers(known: Pull, pull: Pull) -> bool:
    """Whether a pull is there already, at least as strong."""
    if known.kind is PullKind.GIVE_UP and pull.kind is PullKind.GIVE_UP_SOON:
        return True
    if known.kind is not pull.kind or known.size is None or pull.size is None:
        return known.kind is pull.kind
    if pull.kind is PullKind.GIVE_UP_SOON:  # more seconds leave out more callers
        return known.size >= pull.size
    return pull.kind is not PullKind.AFTER_WINDOW or known.size <= pull.size  # a shorter window lets more come after it


def _of_abandons(kpi: Kpi) -> list[Pull]:
    """Those of leaving out callers who gave up: all, or those who did so within the agreed seconds."""
    if kpi.abandons is Abandons.EXCLUDE_ALL and kpi.measure == "service_level":
        return [Pull(PullKind.GIVE_UP)]
    short = kpi.short_abandon_s
    counts_all = kpi.abandons is Abandons.COUNT and kpi.measure == "service_level"
    return [] if counts_all or not short else [Pull(PullKind.GIVE_UP_SOON, short)]


def _service_level(kpi: Kpi) -> list[Pull]:
    return [*_of_abandons(kpi), Pull(PullKind.PAST_THRESHOLD, kpi.answer_within_s)]


def _time_to_resolve(kpi: Kpi) -> list[Pull]:
    beyond = {"median": [Pull(PullKind.SLOWER_HALF)], "p90": [Pull(PullKind.SLOWEST_TENTH)]}.get(kpi.formula, [])
    return [*beyond, Pull(PullKind.LEFT_OPEN)]


_PULLS: Mapping[str, Callable[[Kpi], list[Pull]]] = {
    "service_level": _service_level,
    "abandonment": _of_abandons,
    "wait_mean": lambda _: [Pull(PullKind.WAIT_UNCOUNTED)],
    "wait_p90": lambda _: [Pull(PullKind.WAIT_UNCOUNTED), Pull(PullKind.SLOWEST_TENTH)],
    "handle_time": lambda _: [Pull(PullKind.CUT_SHORT)],
    "repeat_contact": lambda kpi: [Pull(PullKind.AFTER_WINDOW, kpi.within_days)],
    "reopen": lambda _: [Pull(PullKind.OPENED_ANEW)],
    "sla_attainment": lambda _: [Pull(PullKind.PAST_DUE)],
    "backlog": lambda _: [Pull(PullKind.CLOSED_EARLY)],
    "time_to_resolve": _time_to_resolve,
    "csat": lambda _: [Pull(PullKind.WHO_IS_ASKED)],
    "nps": lambda _: [Pull(PullKind.WHO_IS_ASKED)],
    "ces": lambda _: [Pull(PullKind.WHO_IS_ASKED)],
    "quality": lambda _: [Pull(PullKind.WHO_IS_MARKED)],
    "forecast_bias": lambda _: [Pull(PullKind.CANCELS_OUT)],
    "occupancy": lambda _: [Pull(PullKind.CALLERS_WAIT)],
}
