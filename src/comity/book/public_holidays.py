"""Public holidays of a country or of one of its regions, as the package `holidays` has them.

Brought in late: most books name none, and opening one is quick.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache


def country_problem(code: str) -> str | None:
    """What is wrong with a code such as ES or ES-MD; None where nothing is."""
    import holidays  # noqa: PLC0415 - late, as above

    country, _, region = code.partition("-")
    regions = holidays.list_supported_countries(include_aliases=False)
    if country not in regions:
        return f"{code!r} is not known; write the two letters of a country (ISO 3166) such as ES, or ES-MD for a region"
    if region and region not in regions[country]:
        known = ", ".join(regions[country]) or "none"
        return f"{code!r} is not known; the regions of {country} with holidays of their own are: {known}"
    return None


def public_holidays(code: str, years: Iterable[int]) -> frozenset[date]:
    """The public holidays of these years.

    :param code: ISO 3166, of a country (ES) or of a region (ES-MD), which `country_problem` has passed
    """
    return frozenset().union(*(_of_year(code, year) for year in set(years)))


@lru_cache(maxsize=256)
def _of_year(code: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - late, as above

    country, _, region = code.partition("-")
    return frozenset(
        day for day in holidays.country_holidays(country, subdiv=region or None, years=year) if day.year == year
    )
