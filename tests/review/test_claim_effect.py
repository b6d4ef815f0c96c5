"""What a claim would change: the same figures as with the claim accepted in the records, before anybody accepts it."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.reading.open import open_book
from comity.review.build import build_review
from comity.review.claim_effect import Claim, claim_effects, correction_effects
from tests.builders.examples import examples
from tests.builders.review_books import CALLS, KPI, calls
from tests.cast import JOINT, write_book

TODAY = date(2026, 9, 1)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
EVENT = "event_id,kind,from,to,queues,declared_by,declared_at,claim,kpi,state\n"


def write(folder, *, event="", last=30):
    """Two months of calls; on 10 to 12 June fewer are answered in time."""
    rows = CALLS + calls(MAY, 31, 8, 2) + calls(JUNE, 9, 9, 1) + calls(date(2026, 6, 10), 3, 1, 9)
    rows += calls(date(2026, 6, 13), last - 12, 9, 1)
    tables = {"events": EVENT + event} if event else {}
    return write_book(folder, KPI, contacts=rows, **tables)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write(tmp_path_factory.mktemp("claims") / "book")


def effects(book, claim):
    return claim_effects(partial(open_book, book, JOINT), claim, TODAY)


def test_claim_effects_names_the_month_the_value_and_the_count_before_and_after(book):
    (effect,) = effects(book, Claim(date(2026, 6, 10), date(2026, 6, 12)))
    assert (effect.kpi, effect.period.start, effect.unit, effect.target) == ("service_level", JUNE, "share", 0.8)
    assert (effect.before, effect.counted_before) == ((27 * 9 + 3) / 300, 300)
    assert (effect.after, effect.counted_after) == (0.9, 270)
    assert (effect.met_before, effect.met_after) == (True, True)


def test_claim_effects_covers_each_month_of_the_claim(book):
    found = effects(book, Claim(date(2026, 5, 31), date(2026, 6, 1)))
    assert [one.period.start for one in found] == [MAY, JUNE]


@pytest.mark.parametrize(
    "claim",
    [
        Claim(date(2026, 6, 10), date(2026, 6, 12), queues=("elsewhere",)),
        Claim(date(2026, 6, 10), date(2026, 6, 12), kpi="handle_time"),
        Claim(date(2026, 8, 10), date(2026, 8, 12)),  # of which there are no records
        Claim(date(2025, 6, 10), date(2025, 6, 12)),
    ],
)
def test_a_claim_that_changes_nothing_has_no_effects(book, claim):
    assert effects(book, claim) == ()


def test_a_month_that_is_not_whole_has_no_effect(tmp_path):
    assert effects(write(tmp_path / "book", last=20), Claim(date(2026, 6, 10), date(2026, 6, 12))) == ()


@settings(max_examples=examples(6))
@given(first=st.integers(1, 28), days=st.integers(0, 20))
@pytest.mark.gate
def test_claim_effects_are_the_levels_of_the_records_with_the_claim_accepted(tmp_path_factory, book, first, days):
    start = date(2026, 6, first)
    last = min(start + timedelta(days=days), date(2026, 6, 30))
    event = f"e1,outage,{start}T00:00:00+02:00,{last + timedelta(days=1)}T00:00:00+02:00,,provider,"
    event += "2026-06-30T10:00:00Z,exclude,,accepted\n"
    accepted = write(tmp_path_factory.mktemp("accepted") / "book", event=event)
    with open_book(accepted, JOINT) as opened:
        levels = build_review(opened, period="2026-06", now=datetime(2026, 9, 1, tzinfo=UTC)).levels
    found = effects(book, Claim(start, last))
    if found:  # a claim for all of June leaves no contact, and a claim of no contact changes nothing
        assert [(one.after, one.counted_after) for one in found] == [(one.value, one.den) for one in levels]
    else:
        assert not levels or [one.value for one in levels] == [(27 * 9 + 3) / 300]


def test_correction_effects_compares_the_whole_months_of_both_books(tmp_path, book):
    """On 10 to 12 June 3 of 30 calls are in time; in the corrected book 27 of them: 24 more of the month's 300."""
    rows = CALLS + calls(MAY, 31, 8, 2) + calls(JUNE, 9, 9, 1) + calls(date(2026, 6, 10), 3, 9, 1)
    rows += calls(date(2026, 6, 13), 18, 9, 1)
    corrected = write_book(tmp_path / "corrected", KPI, contacts=rows)
    both = (partial(open_book, book, JOINT), partial(open_book, corrected, JOINT))
    (effect,) = correction_effects(*both, TODAY)
    assert (effect.kpi, effect.period.start, effect.counted_before, effect.counted_after) == (
        "service_level", JUNE, 300, 300,
    )  # fmt: skip
    assert (effect.before, effect.after) == (246 / 300, 270 / 300)
    assert correction_effects(both[0], both[0], TODAY) == ()


def test_a_correction_of_a_month_that_is_not_whole_has_no_effect(tmp_path):
    one, other = write(tmp_path / "one", last=20), write(tmp_path / "other", last=19)
    assert correction_effects(partial(open_book, one, JOINT), partial(open_book, other, JOINT), TODAY) == ()
