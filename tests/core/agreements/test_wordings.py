"""Wordings of KPIs over their days, as figures are counted by them."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.changes import SetField
from comity.core.agreements.clauses import check_fields, complete
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES, Abandons, Kpi, in_force
from comity.core.agreements.text import text
from comity.core.agreements.wordings import kpi_fields, kpi_of, kpi_wordings
from tests.builders.agreement import FIRST, MADRID, add, at, chain, change, random_chain, settled


def agreed(*changes, days):
    """The changes, each with the moment of its agreement."""
    return [replace(entry, agreed_at=moment) for entry, moment in zip(chain(*changes), days, strict=True)]


def target(number, first_day, value, entries, *, instead=False, end=None):
    one = change(number, first_day, SetField("sl", "target", value), end=end)
    return settled(one, entries, instead=instead)


def test_each_wording_holds_over_its_days_and_names_its_entry():
    """Vector 1 of the specification: .80, .82 from August, .78 from 22 June agreed in December, *until then*."""
    first = change(1, FIRST, add("sl", Kind.KPI, measure="service_level", target="0.8"))
    second = target(2, date(2026, 8, 1), "0.82", chain(first))
    third = target(3, date(2026, 6, 22), "0.78", chain(first, second))
    entries = agreed(first, second, third, days=[at(12, 12, year=2025), at(10, 7), at(9, 12)])
    found = [
        (one.target, one.valid_from, one.valid_to, one.agreed_on, one.entry) for one in kpi_wordings(entries, MADRID)
    ]
    assert found == [
        (0.8, FIRST, date(2026, 6, 22), date(2025, 12, 12), 10),
        (0.78, date(2026, 6, 22), date(2026, 8, 1), date(2026, 12, 9), 30),
        (0.82, date(2026, 8, 1), None, date(2026, 7, 10), 20),
    ]
    known = kpi_wordings(entries, MADRID, known=20)
    assert [(one.target, one.valid_from) for one in known] == [(0.8, FIRST), (0.82, date(2026, 8, 1))]


def test_after_a_temporary_wording_the_one_before_holds_again_by_its_own_entry():
    first = change(1, FIRST, add("sl", Kind.KPI, measure="service_level", target="0.8"))
    summer = target(2, date(2026, 7, 1), "0.7", chain(first), end=date(2026, 9, 1))
    found = kpi_wordings(agreed(first, summer, days=[at(1, 1), at(1, 6)]), MADRID)
    assert [(one.target, one.entry) for one in found] == [(0.8, 10), (0.7, 20), (0.8, 10)]


def test_a_midnight_agreement_is_of_the_day_in_the_zone_of_the_book():
    first = change(1, FIRST, add("sl", Kind.KPI, measure="service_level"))
    (one,) = kpi_wordings(agreed(first, days=[at(2, 1, hour=0, minute=30)]), MADRID)
    assert one.agreed_on == date(2026, 1, 2)


@given(seed=st.integers(0, 10_000), offset=st.integers(0, 80))
def test_the_wording_in_force_on_a_day_is_the_clause_of_that_day(seed, offset):
    entries, day = random_chain(Random(seed), 12), FIRST + timedelta(days=offset)
    worded = kpi_wordings(entries, MADRID)
    read = text(entries, day)
    for clause in {one.id for one in worded}:
        here, holding = read.get(clause), in_force(worded, clause, day)
        assert (here is None) == (holding is None)
        if here is not None:
            assert holding is not None
            expected = kpi_of(clause, here.fields)
            assert replace(holding, valid_from=date.min, valid_to=None, agreed_on=None, entry=None) == expected


KPIS = st.builds(
    Kpi,
    id=st.just("k"),
    measure=st.sampled_from(sorted(MEASURES)),
    queues=st.sampled_from([("*",), ("a", "b")]),
    answer_within_s=st.sampled_from([20.0, 0.5, 3600.0]),
    short_abandon_s=st.sampled_from([None, 0.0, 5.0]),
    abandons=st.sampled_from(list(Abandons)),
    target=st.one_of(st.none(), st.decimals(0, 10, places=4).map(float)),
    material=st.sampled_from([0.01, 0.0, 0.125]),
    volume_band=st.sampled_from([0.0, 0.1]),
    records=st.sampled_from([None, "contacts", "intervals"]),
    queue_map=st.sampled_from([{}, {"SKILL_07": "a"}]),
)


@given(kpi=KPIS, better=st.sampled_from(["higher", "lower"]))
def test_a_kpi_of_a_book_file_becomes_a_clause_that_counts_alike(kpi, better):
    formula = {"time_to_resolve": "p90", "quality": "errors"}.get(kpi.measure, "top2")
    kpi = replace(kpi, better=better, formula=formula)
    values, problems = check_fields("k", Kind.KPI, kpi_fields(kpi))
    assert problems == []
    assert kpi_of("k", complete(Kind.KPI, values)) == kpi


def test_a_clause_that_says_little_counts_by_the_defaults_of_a_book_file():
    values, _ = check_fields("csat", Kind.KPI, {"measure": "csat"})
    assert kpi_of("csat", complete(Kind.KPI, values)) == Kpi("csat", "csat")
