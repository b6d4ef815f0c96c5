"""What each side reported, brought to the period under review."""

from datetime import date

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels.reports import Figure, decimals, joined, reported
from comity.core.levels import Formulas, Reported
from comity.core.values import Period, Side
from tests.cast import JOINT, write_book

QUARTER = Period(date(2026, 4, 1), date(2026, 7, 1))
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
KPI = '[[kpi]]\nid = "service_level"\n'
REPORTED = """
period,kpi,queue,value,num,den,reported_by
2026-04,service_level,,0.80,800,1000,provider
2026-05,service_level,,0.9,90,100,provider
2026-06,service_level,,0.811,811,1000,provider
2026-04,service_level,,0.7,,,customer
2026-05,service_level,,0.8,,,customer
2026-W19,service_level,help,0.75,75,100,customer
2026-W19,service_level,sales,0.5,50,100,customer
2026-W20,service_level,help,0.75,,,customer
2026-W20,service_level,sales,0.5,,,customer
2026-05,abandonment,,0.03,,,customer
"""


def of(folder, period):
    with open_book(write_book(folder / "book", KPI, reported=REPORTED), JOINT) as book:
        return reported(book, book.definition.kpis[0], period)


def test_a_month_is_taken_as_reported(tmp_path):
    assert of(tmp_path, MAY) == {Side.CUSTOMER: Reported(0.8, 2), Side.PROVIDER: Reported(0.9, 2)}


def test_a_quarter_is_pooled_from_its_months_and_only_from_all_of_them(tmp_path):
    """Provider: 1701 of 2100, where the mean of the months would be 0.837. Customer: June was never reported."""
    assert of(tmp_path, QUARTER) == {Side.PROVIDER: Reported(1701 / 2100, 3)}


def test_each_month_is_held_against_the_formulas_of_its_own_wording(tmp_path):
    """April by the first wording, June by the second; May has two, and no formula of one wording gives it."""
    later = f'{KPI}answer_within_s = 20\n{KPI}answer_within_s = 30\nvalid_from = "2026-05-20"\n'
    asked = []

    def formulas(kpi, month):
        asked.append((kpi.answer_within_s, month.start))
        return Formulas({"V1": (month.days, 100)})

    with open_book(write_book(tmp_path / "book", later, reported=REPORTED), JOINT) as book:
        said = reported(book, book.definition.kpis[1], QUARTER, formulas)[Side.PROVIDER]
        alone = reported(book, book.definition.kpis[1], MAY, formulas)[Side.PROVIDER]
    assert asked == [(20, date(2026, 4, 1)), (30, date(2026, 6, 1))]
    assert [(month.value, month.decimals) for month, _ in said.months] == [(0.8, 2), (0.9, 2), (0.811, 3)]
    assert [dict(days.agreed) for _, days in said.months] == [{"V1": (30, 100)}, {}, {"V1": (30, 100)}]
    assert alone.months == ()


def test_months_that_bear_no_denominators_make_a_weighted_figure(tmp_path):
    rows = "period,kpi,value,reported_by\n" + "".join(
        f"2026-0{month},service_level,0.8,customer\n" for month in (4, 5, 6)
    )
    with open_book(write_book(tmp_path / "book", KPI, reported=rows), JOINT) as book:
        assert reported(book, book.definition.kpis[0], QUARTER)[Side.CUSTOMER].weighted


def test_queues_stand_in_for_the_whole_where_they_can_be_pooled(tmp_path):
    assert of(tmp_path, Period(date(2026, 5, 4), date(2026, 5, 11))) == {Side.CUSTOMER: Reported(0.625, 2)}
    assert of(tmp_path / "next", Period(date(2026, 5, 11), date(2026, 5, 18))) == {}


def test_months_without_denominators_are_weighted_by_their_days():
    figures = [Figure(0.8, 1), Figure(0.9, 1)]
    assert joined(figures, [30, 31]) == pytest.approx((0.8 * 30 + 0.9 * 31) / 61)


@pytest.mark.parametrize(("value", "shown"), [(0.81, 2), (0.8125, 4), (1.0, 0), (38.0, 0), (1e-05, 5), (120.0, 0)])
def test_decimals_are_those_shown(value, shown):
    assert decimals(value) == shown
