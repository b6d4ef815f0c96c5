"""What an import moves, as values: from JSON and back, and only of KPIs that may be told of."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from comity.book.reading.open import open_book
from comity.review.import_effect import (
    MonthLevel,
    effect_json,
    effect_of_json,
    effects_of,
    level_json,
    level_of_json,
    month_levels,
)
from tests.cast import JOINT, write_book

LEVEL = MonthLevel("a", "service_level", "2026-05-01", "2026-06-01", "share", 0.8, 0.9, True, 310.0, ("contacts",))
levels = st.lists(
    st.builds(
        lambda kpi, value, table: replace(LEVEL, kpi=kpi, value=value, tables=(table,)),
        st.sampled_from("abc"),
        st.sampled_from([0.5, 0.9]),
        st.sampled_from(["contacts", "intervals"]),
    ),
    max_size=3,
    unique_by=lambda level: level.kpi,
)


@given(levels, levels)
def test_what_moved_is_what_differs_and_comes_back_from_json(before, after):
    moved = effects_of(before, after)
    assert {one.before.kpi for one in moved} == {one.kpi for one in before if one not in after}
    assert tuple(effect_of_json(effect_json(one)) for one in moved) == moved
    assert [level_of_json(level_json(one)) for one in before] == before
    assert effects_of(before, before) == ()


def test_neither_people_nor_a_few_evaluations_are_told_of(tmp_path):
    """A difference of two months' figures would tell what the few said or were marked that came between."""
    days = [f"2026-05-{day:02}" for day in range(1, 32)]
    tables = {
        "contacts": ["contact_id,queue,opened_at,answered_at", *(f"{d},q,{d}T10:00:00Z,{d}T10:00:05Z" for d in days)],
        "evaluations": [
            "evaluation_id,queue,evaluated_on,opportunities,errors",
            *(f"{day},q,{day},10,1" for day in days),
        ],
    }
    toml = "".join(f'[[kpi]]\nid = "{name}"\n' for name in ("service_level", "quality", "csat"))
    book = write_book(tmp_path / "book", toml, **{name: "\n".join(rows) for name, rows in tables.items()})
    found = month_levels(lambda: open_book(book, JOINT), date(2026, 9, 1), lambda _: False)
    assert [(one.kpi, one.value, one.tables) for one in found] == [("service_level", 1.0, ("contacts",))]
    assert month_levels(lambda: open_book(book, JOINT), date(2026, 9, 1), lambda _: True) == ()
