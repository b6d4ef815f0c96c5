"""What was agreed for the days before one: all that can reach a period, and nothing that counts from a later day."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from comity.book.definition import parse_definition
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.service_calendars import service_calendars
from comity.core.agreements.wordings import kpi_wordings
from tests.builders.agreement import FIRST, MADRID, add, chain, change, settled
from tests.cast import BOOK

PLAIN = parse_definition(BOOK, Path("book.toml"))
BASE = change(
    1, FIRST, add("sl", Kind.KPI, measure="service_level", target="0.8"), add("cal", Kind.CALENDAR, zone="UTC")
)
END = date(2026, 7, 1)
DAY = [{"opens": "08:00", "closes": "18:00"}]


def by(*changes):
    entries = chain(*changes)
    return replace(PLAIN, kpis=kpi_wordings(entries, MADRID), calendars=service_calendars(entries))


@given(st.integers(-150, 150), st.one_of(st.none(), st.integers(1, 100)), st.booleans())
def test_a_text_reaches_the_days_before_one_exactly_where_its_first_day_is_before_it(offset, lasts, calendar):
    """Signed at any time: a retroactive text is one whose first day is inside, or before, the period."""
    first_day = END + timedelta(days=offset)
    end = None if lasts is None else first_day + timedelta(days=lasts)
    edit = SetField("cal", "open_sun", DAY) if calendar else SetField("sl", "target", "0.9")
    later = settled(change(2, first_day, edit, end=end), chain(BASE), instead=False)
    assert (by(BASE, later).before(END) == by(BASE).before(END)) == (first_day >= END)


def test_a_kpi_that_begins_later_is_not_there_and_one_that_ends_later_has_no_end():
    added = change(2, END, add("ab", Kind.KPI, measure="abandonment", target="0.05"))
    assert by(BASE, added).before(END) == by(BASE).before(END)
    ended = settled(change(3, END, SetField("sl", "target", "0.9")), chain(BASE, added), instead=False)
    (kpi,) = by(BASE, added, ended).before(END).kpis
    assert (kpi.id, kpi.valid_to) == ("sl", None)
    assert by(BASE, added, ended).before(END + timedelta(days=1)).kpis[0].valid_to == END
