"""The filters of the list of matters: read from its URL, and offered with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from urllib.parse import urlencode

from comity.apps.filters import FilterBar, FilterOption
from comity.apps.matters.queries import SHOWS, SORTS, MatterFilters, count_matters
from comity.apps.parties.member_context import MemberContext
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from comity.review.i18n.words import Words

_DEFAULTS = MatterFilters()


def read_filters(query: Mapping[str, str]) -> MatterFilters:
    """Return the filters of a URL; what it cannot mean is as if it were not there."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        value, default = query.get(name, ""), getattr(_DEFAULTS, name)
        return value if value in allowed else default

    return MatterFilters(
        show=one_of("show", SHOWS),
        kind=one_of("kind", [kind.value for kind in Kind]),
        waits=one_of("waits", [side.value for side in Side]),
        mine=bool(query.get("mine")),
        overdue=bool(query.get("overdue")),
        sort=one_of("sort", SORTS),
    )


def filter_query(filters: MatterFilters) -> str:
    """Return the query of a URL with these filters, without those that are the default."""
    changed = {name: value for name, value in asdict(filters).items() if value != getattr(_DEFAULTS, name)}
    return urlencode({name: "1" if value is True else value for name, value in changed.items()})


def filter_bars(member: MemberContext, filters: MatterFilters, words: Words) -> tuple[list[FilterBar], dict[str, int]]:
    """Return the filters with what each option would show, and these counts by name."""
    party = member.party(words)
    own = member.side or Side.CUSTOMER
    bars: dict[str, dict[str, tuple[str, MatterFilters]]] = {
        "show": {one: (words(f"matters.{one}"), replace(filters, show=one)) for one in SHOWS},
        "turn": {
            "": (words("matters.anybody"), replace(filters, waits="")),
            **{side.value: (party(side), replace(filters, waits=side.value)) for side in (own, own.other)},
        },
        "kind": {
            "": (words("matters.kinds"), replace(filters, kind="")),
            **{kind.value: (words(f"matters.{kind.value}"), replace(filters, kind=kind.value)) for kind in Kind},
        },
        "only": {
            "mine": (words("matters.mine"), replace(filters, mine=not filters.mine)),
            "overdue": (words("matters.overdue"), replace(filters, overdue=not filters.overdue)),
        },
    }
    counted = {f"{bar}_{name}": chosen for bar, options in bars.items() for name, (_, chosen) in options.items()}
    counted |= {
        "only_mine": replace(filters, mine=True),
        "only_overdue": replace(filters, overdue=True),
        "any": MatterFilters(show="all"),
    }
    counts = count_matters(member, counted)
    offered = [
        FilterBar(
            words(f"matters.by_{bar}"),
            [
                FilterOption(
                    label,
                    filter_query(chosen),
                    _is_chosen(bar, name, filters),
                    words.number(counts[f"{bar}_{name}"]),
                )
                for name, (label, chosen) in options.items()
                # Of fifteen kinds only those that there are, and the chosen one.
                if bar != "kind" or name in {"", filters.kind} or counts[f"{bar}_{name}"]
            ],
        )
        for bar, options in bars.items()
    ]
    sorts = [
        FilterOption(words(f"matters.sort_{one}"), filter_query(replace(filters, sort=one)), one == filters.sort)
        for one in SORTS
    ]
    return [*offered, FilterBar(words("matters.by_sort"), sorts)], counts


def _is_chosen(bar: str, name: str, filters: MatterFilters) -> bool:
    if bar == "only":
        return bool(getattr(filters, name))
    return bool(name == getattr(filters, {"turn": "waits"}.get(bar, bar)))
