"""The filters of the log: read from its URL, and offered with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from urllib.parse import urlencode

from comity.apps.audit.queries import SUBJECTS, LogFilters, count_events
from comity.apps.filters import FilterBar, FilterOption
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side
from comity.review.i18n.words import Words

_DEFAULTS = LogFilters()
_SORTS = ("newest", "oldest")


def read_filters(query: Mapping[str, str]) -> LogFilters:
    """Return the filters of a URL; what it cannot mean is as if it were not there."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        value, default = query.get(name, ""), getattr(_DEFAULTS, name)
        return value if value in allowed else default

    return LogFilters(
        what=one_of("what", ("done", "reads")),
        about=one_of("about", tuple(SUBJECTS)),
        side=one_of("side", [side.value for side in Side]),
        mine=bool(query.get("mine")),
        sort=one_of("sort", _SORTS),
    )


def filter_query(filters: LogFilters) -> str:
    """Return the query of a URL with these filters, without those that are the default."""
    changed = {name: value for name, value in asdict(filters).items() if value != getattr(_DEFAULTS, name)}
    return urlencode({name: "1" if value is True else value for name, value in changed.items()})


def filter_bars(member: MemberContext, filters: LogFilters, words: Words) -> list[FilterBar]:
    """Return the filters with how many events each option would show."""
    party = member.party(words)
    bars: dict[str, dict[str, tuple[str, LogFilters]]] = {
        "what": {one: (words(f"log.{one}"), replace(filters, what=one)) for one in ("done", "reads")},
        "about": {
            "": (words("log.all"), replace(filters, about="")),
            **{one: (words(f"log.{one}"), replace(filters, about=one)) for one in SUBJECTS},
        },
        "side": {
            "": (words("log.both"), replace(filters, side="")),
            **{side.value: (party(side), replace(filters, side=side.value)) for side in Side},
        },
        "mine": {"1": (words("log.mine"), replace(filters, mine=not filters.mine))},
    }
    counted = {f"{bar}_{name}": chosen for bar, options in bars.items() for name, (_, chosen) in options.items()}
    counts = count_events(member, counted | {"mine_1": replace(filters, mine=True)})
    offered = [
        FilterBar(
            words(f"log.by_{'only' if bar == 'mine' else bar}"),
            [
                FilterOption(
                    label,
                    filter_query(chosen),
                    filters.mine if bar == "mine" else name == getattr(filters, bar),
                    words.number(counts[f"{bar}_{name}"]),
                )
                for name, (label, chosen) in options.items()
            ],
        )
        for bar, options in bars.items()
    ]
    sorts = [
        FilterOption(words(f"log.{one}"), filter_query(replace(filters, sort=one)), one == filters.sort)
        for one in _SORTS
    ]
    return [*offered, FilterBar(words("log.by_sort"), sorts)]
