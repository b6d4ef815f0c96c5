"""Books of October 2026 in which a KPI was worded otherwise, or relieved, on some days."""

import json
from dataclasses import replace
from datetime import date

from comity.book.amend import write_agreed
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.values import Period
from tests.builders.agreed_changes import agreed
from tests.builders.agreement import FIRST, add, change
from tests.builders.agreement import calendar as calendar_clause
from tests.builders.review_books import CALLS, calls
from tests.cast import write_book

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))
FIRST_HALF, SECOND_HALF = Period(date(2026, 10, 1), date(2026, 10, 15)), Period(date(2026, 10, 15), date(2026, 11, 1))
ROWS = CALLS + calls(date(2026, 10, 1), 14, 8, 2) + calls(date(2026, 10, 15), 17, 6, 4)


def worded(measure_name="service_level", **pins):
    lines = [f"{name} = {json.dumps(value)}" for name, value in pins.items()]
    return "\n".join(["[[kpi]]", 'id = "it"', f'measure = "{measure_name}"', *lines, ""])


def with_relief(folder, until="2026-10-08", first_day=date(2026, 10, 1), kpis=("it",), contacts=ROWS, tables=(), **kpi):
    """Vector 4: longer hours from 1 October, notice short by 11, waived with relief for the KPI until 8 October.

    `tables` are (name, CSV) of those beside contacts.
    """
    book = write_book(folder / "book", contacts=contacts, **dict(tables))
    pins = {"measure": "service_level", "target": "0.8"} | kpi
    begins = change(1, FIRST, calendar_clause(), add("it", Kind.KPI, "calendar", **pins))
    write_agreed(book, agreed(begins, 1))
    longer = [{"queues": ["*"], "channels": ["*"], "opens": "08:00", "closes": "22:00"}]
    hours = agreed(change(2, first_day, SetField("calendar", "open_mon", longer)), 2)
    signed = {**hours.signed, "shortfall": 11, "waived": {"kpis": sorted(kpis), "until": until}}
    write_agreed(book, replace(hours, signed=signed))
    return book
