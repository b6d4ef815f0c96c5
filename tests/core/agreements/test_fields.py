"""Which values a field takes, the one form in which they are kept, and what is said of the others."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.fields import Field, FieldType, Many, normalise, plain_decimal

BAND = Field(
    "bands",
    FieldType.RECORD,
    "bands",
    [],
    many=Many.SET,
    fields=(
        Field("above", FieldType.NUMBER, "above", "1", required=True, lowest=Decimal(0)),
        Field("price", FieldType.NUMBER, "price", "1"),
        Field("mode", FieldType.LINE, "mode", "a", default="a", choices=("a", "b")),
    ),
    unique="above",
)


def kept(type_: FieldType, written: object, **more: object) -> object:
    value, problems = normalise(Field("x", type_, "x", "x", **more), written)
    return problems[0].message if problems else value


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("0.80", "0.8"),
        ("1.000", "1"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("007", "7"),
        ("100", "100"),
        (3, "3"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("-2.50"), "-2.5"),
        ("0.0", "0"),
    ],
)
def test_a_number_is_kept_in_plain_digits(written, plain):
    assert kept(FieldType.NUMBER, written) == plain


@pytest.mark.parametrize(
    "written", ["1e3", ".5", "5.", "1,5", "٣", "NaN", Decimal("NaN"), Decimal("Infinity"), 0.1, True, "1_000", " 1"]
)
def test_what_is_no_number_in_plain_digits_is_refused_with_the_next_step(written):
    assert "write a number" in str(kept(FieldType.NUMBER, written))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_equal_numbers_are_kept_alike(number):
    digits = kept(FieldType.NUMBER, number)
    assert Decimal(digits) == number
    assert digits == plain_decimal(number) == kept(FieldType.NUMBER, f"{number:.9f}")


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        (FieldType.END_TIME, "00:00", "24:00"),
        (FieldType.END_TIME, time(0), "24:00"),
        (FieldType.END_TIME, "24:00", "24:00"),
        (FieldType.TIME, time(9, 5), "09:05"),
        (FieldType.TIME, "00:00", "00:00"),
        (FieldType.DAY, date(2026, 8, 1), "2026-08-01"),
        (FieldType.PROSE, "a\r\nb\rc", "a\nb\nc"),
        (FieldType.LINE, "e\u0301", "\u00e9"),
        (FieldType.FLAG, False, False),
        (FieldType.WHOLE, 0, 0),
    ],
)
def test_values_are_kept_in_one_form(type_, written, value):
    assert kept(type_, written) == value


@pytest.mark.parametrize(
    ("type_", "written", "next_step"),
    [
        (FieldType.TIME, "24:00", "00:00 to 23:59"),
        (FieldType.TIME, "9:00", "00:00 to 23:59"),
        (FieldType.END_TIME, "25:00", "to 24:00"),
        (FieldType.DAY, "2026-02-30", "2026-08-01"),
        (FieldType.DAY, datetime(2026, 8, 1), "2026-08-01"),  # noqa: DTZ001
        (FieldType.DAY, "20260801", "2026-08-01"),
        (FieldType.MONTH, "2026-13", "2026-08"),
        (FieldType.ZONE, "Europe/Nowhere", "Europe/Madrid"),
        (FieldType.LINE, "a\nb", "one line"),
        (FieldType.LINE, "  ", "blanks"),
        (FieldType.PROSE, "a\x00b", "control"),
        (FieldType.PROSE, "pay \u202e001", "direction"),
        (FieldType.LINE, "\ud800", "control"),
        (FieldType.WHOLE, True, "whole number"),
        (FieldType.WHOLE, 2**60, "whole number"),
        (FieldType.FLAG, 1, "true or false"),
        (FieldType.DIGEST, "A" * 64, "SHA-256"),
        (FieldType.CLAUSE, " a", "id of a clause"),
        (FieldType.RECORD, "x", "record"),
        (FieldType.PAIRS, ["x"], "pairs"),
        (FieldType.LINE, "x" * 401, "400 characters"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_write(type_, written, next_step):
    value, problems = normalise(Field("x", type_, "x", "x"), written, "sl")
    assert value is None
    assert [problem.message.startswith("clause sl, x: ") and next_step in problem.message for problem in problems] == [
        True
    ]


@pytest.mark.parametrize("empty", [None, "", [], {}, ()])
@pytest.mark.parametrize("type_", FieldType)
def test_absent_null_and_empty_are_one(type_, empty):
    for many in Many:
        assert normalise(Field("x", type_, "x", "x", many=many), empty) == (None, [])


def test_a_set_is_sorted_and_holds_each_value_once_a_list_keeps_its_order():
    written = ["b", "a", None, "b"]
    assert kept(FieldType.LINE, written, many=Many.SET) == ["a", "b"]
    assert kept(FieldType.LINE, written, many=Many.LIST) == ["b", "a", "b"]


def test_a_record_writes_its_defaults_out_and_an_empty_one_is_none():
    assert normalise(BAND, [{"above": "9000.0"}, {}, {"price": None}])[0] == [{"above": "9000", "mode": "a"}]


def test_a_problem_within_a_record_says_the_place():
    _, problems = normalise(BAND, [{"above": "1"}, {"above": "-1"}], "voice")
    assert problems[0].message == "clause voice, bands[2].above: '-1' cannot stand here; write a number of 0 or more"
    _, problems = normalise(BAND, [{"price": "1"}], "voice")
    assert problems[0].message == "clause voice, bands[1].above: write a number"
    _, problems = normalise(BAND, [{"above": "1", "cost": "1"}], "voice")
    assert problems[0].expected == "leave it out, or write one of above, price, mode"
    _, problems = normalise(BAND, [{"above": "1"}, {"above": "1.0", "price": "2"}], "voice")
    assert problems[0].expected == "write each above once"
    _, problems = normalise(BAND, {"above": "1"}, "voice")
    assert problems[0].expected == "write a set of values, each a record"
