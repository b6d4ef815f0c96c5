"""What a room shows of people: in the book's own periods alone, so that none is told by what two periods differ by.

A period with one to four people is not formed. But a quarter less its other two months would tell of it, as would a
month less its weeks: with one way to cut time there is no such difference. Whoever holds the book's files has the rows,
so `comity review` at home needs none of this.
"""

from dataclasses import replace

from comity.core.calendars import Cut
from comity.review.review import Missing, Review

PEOPLE = frozenset({"csat", "nps", "attrition", "satisfaction", "employee_satisfaction"})  # measures and readings


def in_own_periods(review: Review, own: Cut) -> Review:
    """The review without figures of people, where its periods are cut otherwise than the book's own."""
    if review.cut is own:
        return review
    named = {one.kpi for one in review.levels if one.measure in PEOPLE}
    named |= {one.id for one in review.readings if one.id in PEOPLE}
    left = [one for one in review.missing if one.reading not in named]
    apart = [Missing(name, (), "both", "other_cut") for name in sorted(named)]
    return replace(
        review,
        levels=tuple(one for one in review.levels if one.measure not in PEOPLE),
        readings=tuple(one for one in review.readings if one.id not in PEOPLE),
        missing=(*left, *apart),
    )
