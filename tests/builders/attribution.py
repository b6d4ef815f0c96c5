"""A fortnight whose service level can be shared out: its tables, its KPI, and the attribution made of it."""

from datetime import UTC, date, datetime, timedelta

from comity.book.reading.open import open_book
from comity.review.attribution import attribute
from tests.cast import JOINT, write_book

NOW = datetime(2026, 7, 10, tzinfo=UTC)
KPI = """
[[kpi]]
id = "service_level"
answer_within_s = 20
abandons = "count"
target = 0.8
patience_s = 180
volume_band = 0.08
"""


def fortnight(staffed=31, ordered_off=0, good=111, offered=290):
    """Fourteen days of the worked example of the standards, 3.2: one half hour a day, of a queue `help`."""
    intervals = ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s"]
    forecasts = ["queue,start,minutes,issued_on,offered,aht_s,locked,issued_by"]
    schedules = ["queue,start,minutes,required,scheduled,staffed,ordered_off"]
    for day in range(14):
        at = f"help,{date(2026, 6, 1) + timedelta(days=day)}T10:00:00Z,30"
        intervals.append(f"{at},{offered},{offered},{good},20,0,0,{offered * 225}")
        forecasts.append(f"{at},2026-05-01,250,210,true,customer")
        schedules.append(f"{at},32,32,{staffed},{ordered_off}")
    tables = {"intervals": intervals, "forecasts": forecasts, "schedules": schedules}
    return {name: "\n".join(lines) for name, lines in tables.items()}


def build_attribution(folder, toml=KPI, viewer=JOINT, kpi="service_level", what_if=(), period="2026-06", **tables):
    book = write_book(folder / "book", toml, **(tables or fortnight()))
    with open_book(book, viewer) as opened:
        return attribute(opened, kpi, period=period, now=NOW, what_if=what_if)
