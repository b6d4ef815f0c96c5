"""Priorities as a person reads them: names of KPIs, places, and how far apart the two sides are."""

from collections.abc import Callable, Sequence

from comity.apps.agreements.sentences import clause_heading
from comity.apps.agreements.wording.values import quoted
from comity.apps.priorities.queries import RoundKpi
from comity.core.agreements.priorities import LARGEST_SHOWN, Gap, Ranking, places
from comity.core.values import Side
from comity.review.i18n.words import Words

_TEENS = range(11, 14)  # 11th, 12th, 13th


def kpi_names(kpis: Sequence[RoundKpi], words: Words) -> dict[str, str]:
    """Return the name of each KPI of a round, by id; with its id where two are named alike or it is not shown."""
    titles = {
        one.id: words("priorities.not_shown") if one.clause is None else clause_heading(one.clause, words)
        for one in kpis
    }
    names = {}
    for one in kpis:
        name = titles[one.id]
        if list(titles.values()).count(name) > 1 or one.clause is None:
            name = f"{name} ({quoted(one.id, words)})"
        names[one.id] = name if one.change is None else words("priorities.on_its_way", kpi=name, number=one.change)
    return names


def ordinal(place: int, words: Words) -> str:
    """Return a place as an ordinal number."""
    last = place % 10 if place % 100 not in _TEENS else 0
    return words(f"priorities.ordinal_{last if last in {1, 2, 3} else 'other'}", number=words.number(place))


def gap_sentences(
    gaps: Sequence[Gap], names: dict[str, str], words: Words, party: Callable[[Side | str | None], str]
) -> list[str]:
    """Return the largest differences, a sentence each."""

    def placed(gap: Gap, side: Side) -> str:
        if side in gap.dropped:
            return words("priorities.gap_dropped", party=party(side))
        key = "priorities.gap_tied" if side in gap.tied else "priorities.gap_placed"
        return words(key, party=party(side), place=ordinal(gap.places[side], words))

    return [
        words("priorities.gap", kpi=names[gap.kpi], **{side.value: placed(gap, side) for side in Side})
        for gap in gaps[:LARGEST_SHOWN]
        if gap.size > 0
    ]


def listed(ranking: Ranking, names: dict[str, str], words: Words) -> list[tuple[str, str]]:
    """Return an order as (place, KPI), the first place first; a tie has the place of its first."""
    return [
        (words("priorities.dropped") if kpi in ranking.dropped else words.number(place), names[kpi])
        for kpi, place in places(ranking).items()
    ]
