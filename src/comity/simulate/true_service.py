"""The service level that the queueing model gives a story, and its change queue by queue.

Callers who are sent away to a voicemail were not served: like for like they count as missed, whatever was signed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from comity.core.readings.verdict import Part
from comity.core.values import Period
from comity.simulate.conditions import SHORT_S, VOICE
from comity.simulate.contacts import DAY_SD, PRESENCE_SD, REACTION
from comity.simulate.definition import service_level
from comity.simulate.demand import demand
from comity.simulate.partnership import SLOT_S, Ints, Partnership
from comity.simulate.waiting import Floats, waits

_SURPRISES, _PRESENCES = 7, 3  # points of the Gauss-Hermite rules over a day's surprise and presence
_GOOD, _LIKE = 0, 1  # rows of the expected counts


@dataclass(frozen=True, slots=True)
class TrueService:
    """The agreed figure of two periods, and the change within queues."""

    before: float
    after: float
    within: float
    parts: tuple[Part, ...]


def change(told: Partnership, reference: Period, period: Period) -> TrueService:
    """From expected counts to the parts of the reading, by its formula."""
    counts = [_counts(told, quarter) for quarter in (reference, period)]
    before, after = (_agreed(told, one) for one in counts)
    share = [one[_LIKE] / one[_LIKE].sum() for one in counts]
    rate = [one[_GOOD] / one[_LIKE] for one in counts]
    pooled = [float(one[_GOOD].sum() / one[_LIKE].sum()) for one in counts]
    within = float(((share[0] + share[1]) / 2 * (rate[1] - rate[0])).sum())
    mean = (rate[0] + rate[1]) / 2 - (pooled[0] + pooled[1]) / 2
    mix = float((mean * (share[1] - share[0])).sum())
    exclusion = after - before - (pooled[1] - pooled[0])
    parts = (
        Part("within", within, like_for_like=True),
        Part("mix", mix),
        Part("queues", 0.0),
        Part("exclusion", exclusion),
    )
    return TrueService(before, after, within, parts)


def _agreed(told: Partnership, counts: Floats) -> float:
    """The figure by the signed formula."""
    good, _, offered, abandoned, short = counts.sum(axis=1)
    abandons = service_level(told.story)["abandons"]
    counted = {"count": offered, "exclude-short": offered - short, "exclude-all": offered - abandoned}[str(abandons)]
    return float(good / counted)


def _counts(told: Partnership, quarter: Period) -> Floats:
    """Expected contacts of a quarter by voice queue, [(good, to be served, waiting, abandoned, short), queues].

    To be served: all but short abandons, those sent away included. Waiting: those not sent away.
    """
    key = (told.story.name, told.contacts_per_day, told.first, told.end, quarter)
    return _expected(key, _Boxed(told, quarter))


@dataclass(frozen=True)
class _Boxed:
    """Hands a partnership to a cached function; two that differ in their seed only are alike."""

    told: Partnership
    quarter: Period

    def __hash__(self) -> int:
        """All are alike; the key beside it tells them apart."""
        return 0

    def __eq__(self, other: object) -> bool:
        """All are alike."""
        return isinstance(other, _Boxed)


@lru_cache(maxsize=64)
def _expected(_: tuple[object, ...], boxed: _Boxed) -> Floats:
    told, quarter = boxed.told, boxed.quarter
    wanted, voice = demand(told), len(VOICE)
    days = slice((quarter.start - told.first).days, (quarter.end - told.first).days)
    offered = np.where(wanted.excluded[days], 0, wanted.offered[days])[:, :, :voice]
    day, slot, queue = np.nonzero(offered)
    diverted = told.conditions(quarter).service.diverted
    rate = offered[day, slot, queue] * (1 - diverted)
    staffed = wanted.staffed[days][day, slot, queue]
    patience, handle = wanted.patience_s[days][day, queue], wanted.handle_s[queue]
    found = np.zeros((5, voice))
    for surprise, by_surprise in _nodes(_SURPRISES):
        busier = float(np.exp(-(DAY_SD**2) / 2 + DAY_SD * surprise))
        for presence, by_presence in _nodes(_PRESENCES):
            positions = staffed * (1 + REACTION * (busier - 1)) * (1 + PRESENCE_SD * presence)
            weight = by_surprise * by_presence * busier * rate
            found += _state_counts(rate * busier, handle, patience, positions, weight, queue)
    found[_LIKE] += np.bincount(queue, rate * diverted / (1 - diverted), minlength=voice)
    return found


def _state_counts(  # noqa: PLR0913 - a state of a queue, and how much it counts
    rate: Floats, handle: Floats, patience: Floats, positions: Floats, weight: Floats, queue: Ints
) -> Floats:
    found = np.zeros((5, len(VOICE)))
    for part in np.array_split(np.arange(rate.size), max(1, rate.size // 4000)):
        states = waits(rate[part] / SLOT_S, handle[part], patience[part], np.maximum(positions[part], 0.01))
        good = states.served_within(20.0)
        short, abandoned = states.abandoned_within(SHORT_S), states.abandoned()
        for row, share in enumerate((good, 1 - short, np.ones_like(good), abandoned, short)):
            found[row] += np.bincount(queue[part], weight[part] * share, minlength=len(VOICE))
    return found


def _nodes(count: int) -> list[tuple[float, float]]:
    """Points and weights for the mean over a standard normal."""
    at, weight = np.polynomial.hermite_e.hermegauss(count)
    return [(float(x), float(w)) for x, w in zip(at, weight / weight.sum(), strict=True)]
