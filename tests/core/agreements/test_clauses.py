"""The table of clauses, and what is said of fields that cannot stand in one."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.book.definition_keys import KPI, KeyKind
from comity.core.agreements.clauses import (
    Clause,
    check_clause,
    check_field,
    check_fields,
    check_id,
    complete,
    names_clauses,
    names_people,
    notice_item,
)
from comity.core.agreements.fields import Field, FieldType, Many, normalise
from comity.core.agreements.kinds import KINDS, MATTERS, NEVER_BY_SILENCE, Kind, NoticeItem
from comity.core.agreements.people import Named
from tests.builders.clauses import clauses, fields_written_otherwise

# Of `[[kpi]]`: what the fold of the changes says, and the id, which is the clause's own.
OF_THE_FOLD = {"id", "valid_from", "valid_to", "agreed_on", "agreed", "entry"}


def every_field(fields: tuple[Field, ...], place: str = "") -> list[tuple[str, Field]]:
    return [
        pair
        for field in fields
        for pair in [(f"{place}.{field.name}", field), *every_field(field.fields, f"{place}.{field.name}")]
    ]


ALL = [pair for kind, spec in KINDS.items() for pair in every_field(spec.fields, kind)]


def test_every_kind_has_one_row():
    assert set(KINDS) == set(Kind)
    assert all(spec.kind is kind for kind, spec in KINDS.items())
    assert all(len({field.name for field in spec.fields}) == len(spec.fields) for spec in KINDS.values())


@pytest.mark.parametrize(("place", "field"), ALL, ids=[place for place, _ in ALL])
def test_the_example_and_the_default_of_a_field_can_stand_in_it(place, field):
    """Examples are shown in forms and docs; defaults are kept as values are, so that writing one changes no digest."""
    assert normalise(field, field.example)[1] == [], place
    if field.default is not None:
        assert normalise(field, field.default) == (field.default, [])
    assert not (field.required and field.default is not None)
    assert (field.type is FieldType.RECORD) == bool(field.fields)
    assert not field.unique or field.unique in {part.name for part in field.fields}


def test_a_kpi_has_all_keys_of_a_book_with_the_same_defaults():
    fields = KINDS[Kind.KPI].by_name
    for key in KPI.keys:
        if key.name in OF_THE_FOLD:
            continue
        field = fields[key.name]
        assert (field.many is Many.SET) == (key.kind is KeyKind.TEXTS), key.name
        assert set(field.choices) == set(key.values), key.name
        default = list(key.default) if isinstance(key.default, tuple) else key.default
        if field.type is FieldType.NUMBER and default is not None:
            assert Decimal(str(field.default)) == Decimal(repr(default)), key.name
        else:
            assert field.default == default, key.name


def test_better_and_formula_are_those_usual_for_the_measure():
    assert complete(Kind.KPI, {"measure": "abandonment"})["better"] == "lower"
    assert complete(Kind.KPI, {"measure": "time_to_resolve"})["formula"] == "mean"
    assert complete(Kind.KPI, {"measure": "csat"})["formula"] == "top2"
    assert complete(Kind.KPI, {"measure": "backlog", "better": "higher"})["better"] == "higher"


@given(clauses(), st.randoms(use_true_random=False))
def test_equal_fields_are_kept_alike_however_they_are_written(clause, rng):
    values, problems = check_fields("c", clause.kind, fields_written_otherwise(clause, random.Random(rng.random())))
    assert problems == []
    assert complete(clause.kind, values) == clause.fields


def messages(kind: Kind, **written: object) -> list[str]:
    return [problem.message for problem in check_fields("x", kind, written)[1]]


def test_what_is_required_and_what_does_not_fit_together_is_said():
    assert messages(Kind.KPI) == ["clause x, measure: write what is counted"]
    assert messages(Kind.KPI, measure="csat", formula="p90") == [
        "clause x, formula: write one of top2, mean, which csat can be counted by"
    ]
    assert messages(Kind.KPI, measure="csat", when_missed={"misses": 4, "of_periods": 3}) == [
        "clause x, when_missed: write at least as many periods as misses"
    ]
    assert messages(Kind.TERM, begins="2026-01-01", ends="2026-01-01") == [
        "clause x, ends: write a day after the first"
    ]
    assert messages(Kind.TERM, begins="2026-01-01", ends="2027-01-01", renewal="by_itself") == [
        "clause x, renews_months: write for how many months it renews by itself",
        "clause x, notice_months: write how many months of notice end it, 0 for none",
    ]
    assert messages(
        Kind.PRICE,
        service="v",
        unit="contact",
        currency="EUR",
        price="4.20",
        baseline="1",
        bands=[{"above": "1", "price": "1"}],
    ) == [
        "clause x, baseline: write baseline, deadband, arc and rrc, or none of them",
        "clause x, bands: leave them out where the price goes around a baseline",
    ]
    assert messages(
        Kind.CALENDAR,
        zone="Europe/Madrid",
        provider_working_hours=[{"weekday": "mon", "opens": "17:00", "closes": "09:00"}],
    ) == ["clause x, provider_working_hours: write hours that end after they begin, on the same day"]
    assert messages(Kind.AUTHORITY, customer=[{"together": 2}]) == [
        "clause x, customer[1]: name roles or people who may sign"
    ]
    assert messages(Kind.VOLUME, forecast="x")[0].startswith(
        "clause x, forecast: leave it out; a volume has queues, forecast_by"
    )


def test_silence_never_accepts_what_it_must_not_and_only_after_a_reply_was_due():
    for matter in MATTERS:
        said = messages(Kind.CLOCK, replies=[{"matter": matter, "days": 5}], silence=[{"matter": matter, "days": 10}])
        assert bool(said) == (matter in NEVER_BY_SILENCE)
    assert {"change", "untold", "position", "correction"} <= NEVER_BY_SILENCE
    assert (
        "10 to 260"
        in messages(Kind.CLOCK, replies=[{"matter": "claim", "days": 5}], silence=[{"matter": "claim", "days": 9}])[0]
    )
    assert "silence counts only after it" in messages(Kind.CLOCK, silence=[{"matter": "claim", "days": 10}])[0]


def test_figures_of_fewer_than_five_people_cannot_be_agreed_to_be_shown():
    assert "5 to 1000" in messages(Kind.DISCLOSURE, least_people=4)[0]


def test_a_price_is_seen_by_those_who_see_money_unless_its_field_says_otherwise():
    assert complete(Kind.PRICE, {})["seen_by"] == ["money"]
    assert complete(Kind.KPI, {})["seen_by"] == ["all"]


def test_clauses_and_people_that_a_clause_names():
    kpi = Clause(
        "sl", Kind.KPI, {"credit_allocation": [{"price": "voice", "share": "1"}], "customer_owner": "Ana Ruiz"}
    )
    assert names_clauses(kpi) == [("price", "voice", ("price",))]
    assert names_people(kpi) == [("customer_owner", Named("Ana Ruiz"))]


def test_notice_of_a_paragraph_goes_by_what_it_is_about():
    assert notice_item(Clause("p", Kind.PROSE, {"about": "script"})) is NoticeItem.SCRIPT
    assert notice_item(Clause("p", Kind.PROSE, {"about": "other"})) is None
    assert notice_item(Clause("c", Kind.CALENDAR, {})) is NoticeItem.HOURS
    assert set(KINDS[Kind.NOTICE].by_name) >= set(NoticeItem)


def test_ids_are_one_line():
    assert check_id("Service level, voice") == []
    assert [bool(check_id(text)) for text in ("", " a", "a\n", "a" * 81)] == [True] * 4


def test_one_field_is_checked_alone():
    assert check_field("sl", Kind.KPI, "target", "0.80") == ("0.8", [])
    assert check_field("sl", Kind.KPI, "aim", "0.80")[1][0].field == "aim"
    assert check_clause(Clause("sl", Kind.KPI, complete(Kind.KPI, {"measure": "csat"}))) == []
