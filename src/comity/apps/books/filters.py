"""The filters of the list of files: read from its URL, and offered with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from urllib.parse import urlencode

from comity.apps.books.queries import FILE_SORTS, FILE_STAGES, FileFilters, count_files
from comity.apps.filters import FilterBar, FilterOption
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side
from comity.review.i18n.words import Words

_DEFAULTS = FileFilters()


def read_filters(query: Mapping[str, str]) -> FileFilters:
    """Return the filters of a URL; what it cannot mean is as if it were not there."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        value, default = query.get(name, ""), getattr(_DEFAULTS, name)
        return value if value in allowed else default

    return FileFilters(
        stage=one_of("stage", tuple(FILE_STAGES)),
        side=one_of("side", [side.value for side in Side]),
        sort=one_of("sort", tuple(FILE_SORTS)),
    )


def filter_query(filters: FileFilters) -> str:
    """Return the query of a URL with these filters, without those that are the default."""
    return urlencode({name: value for name, value in asdict(filters).items() if value != getattr(_DEFAULTS, name)})


def filter_bars(member: MemberContext, filters: FileFilters, words: Words) -> tuple[list[FilterBar], int]:
    """Return the filters with how many files each option would show, and how many there are at all."""
    party = member.party(words)
    bars: dict[str, dict[str, tuple[str, FileFilters]]] = {
        "stage": {
            "": (words("records.all_files"), replace(filters, stage="")),
            **{one: (words(f"records.{one}"), replace(filters, stage=one)) for one in FILE_STAGES},
        },
        "side": {
            "": (words("log.both"), replace(filters, side="")),
            **{side.value: (party(side), replace(filters, side=side.value)) for side in Side},
        },
    }
    counted = {f"{bar}_{name}": chosen for bar, options in bars.items() for name, (_, chosen) in options.items()}
    counts = count_files(member, counted | {"any": FileFilters()})
    offered = [
        FilterBar(
            words(f"records.by_{bar}"),
            [
                FilterOption(
                    label, filter_query(chosen), name == getattr(filters, bar), words.number(counts[f"{bar}_{name}"])
                )
                for name, (label, chosen) in options.items()
            ],
        )
        for bar, options in bars.items()
    ]
    sorts = [
        FilterOption(words(f"records.sort_{one}"), filter_query(replace(filters, sort=one)), one == filters.sort)
        for one in FILE_SORTS
    ]
    return [*offered, FilterBar(words("log.by_sort"), sorts)], counts["any"]
