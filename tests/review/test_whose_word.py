"""A figure or a row that counts against a side says whose word it is, where another than that side delivered it."""

from datetime import UTC, datetime

import pytest

from comity.book.reading.open import open_book
from comity.core.values import Side
from comity.review.attribution import attribute
from comity.review.build import build_review
from comity.review.i18n.words import words_of
from comity.review.render import render
from comity.review.views.attribution import attribution_notes
from tests.builders.deliveries import deliver
from tests.cast import JOINT, write_book

NOW = datetime(2026, 7, 10, tzinfo=UTC)
KPI = """
[review]
period = "month"
[[kpi]]
id = "service_level"
answer_within_s = 20
abandons = "count"
target = 0.8
patience_s = 180
"""


def days():
    return [(month, day) for month in (5, 6) for day in range(1, 32 if month == 5 else 31)]


def test_a_figure_that_one_side_entered_for_the_other_says_so(tmp_path):
    book = write_book(tmp_path / "book", KPI)
    lines = [f"c{m}-{d},2026-0{m}-{d:02}T10:00:00Z,help,voice,2026-0{m}-{d:02}T10:00:05Z" for m, d in days()]
    deliver(book, "c.csv", lines, header="contact_id,opened_at,queue,channel,answered_at")
    header = "period,kpi,value,reported_by,brought_by"
    told = ["2026-06,service_level,0.9,customer,provider", "2026-06,service_level,0.95,provider,provider"]
    deliver(book, "r.csv", told, table="reported", header=header)
    with open_book(book, JOINT) as opened:
        made = build_review(opened, period="2026-06", now=NOW)
    (level,) = made.levels
    assert level.also["entered_by"] == {"customer": "provider"}
    page = render(made, "html", "en").decode()
    assert "entered by Helpline" in page
    assert "entered by Northwind" not in page


@pytest.mark.parametrize("by", ["provider", "customer"])
def test_absence_that_the_customer_ordered_says_who_recorded_it(tmp_path, by):
    book = write_book(tmp_path / "book", KPI)
    files = {
        "intervals": "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,"
        "abandoned_short,handle_s",
        "forecasts": "queue,start,minutes,issued_on,offered,aht_s,locked,issued_by,brought_by",
        "schedules": "queue,start,minutes,required,scheduled,staffed,ordered_off,brought_by",
    }
    rows = {
        "intervals": "250,240,140,20,10,2,50000",
        "forecasts": "2026-04-15,250,210,true,customer,customer",
        "schedules": f"32,34,28,5,{by}",
    }
    for name, header in files.items():
        lines = [f"help,2026-0{m}-{d:02}T10:00:00Z,30,{rows[name]}" for m, d in days()]
        deliver(book, f"{name}.csv", lines, table=name, header=header)
    with open_book(book, JOINT) as opened:
        made = attribute(opened, "service_level", period="2026-06", now=NOW)
    assert made.planned.said_by == {"locked": ("customer",), "ordered_off": (by,), "required": (by,)}
    said = " ".join(attribution_notes(made, made.shared, words_of("en")))
    party = made.parties[Side(by)]
    assert f"Source: the records of {party}." in said
    assert "Northwind Energy delivered the locked forecasts." in said
