"""Books for the tests of reviews: calls of two months, written by hand, and secrets planted on both sides."""

from datetime import date, timedelta
from pathlib import Path

from tests.cast import write_book

KPI = """
[[kpi]]
id = "service_level"
answer_within_s = 20
short_abandon_s = 5
target = 0.8
"""
CALLS = "contact_id,queue,channel,opened_at,answered_at,abandoned_at\n"


def calls(first: date, days: int, in_time: int, late: int, queue: str = "help") -> str:
    """So many calls a day at noon: `in_time` answered after 10 s, `late` after 50 s."""
    lines = []
    for day in (first + timedelta(days=number) for number in range(days)):
        for number in range(in_time + late):
            wait = 10 if number < in_time else 50
            moment = f"{day}T12:{number:02}"
            lines.append(f"{day}-{number}-{queue},{queue},voice,{moment}:00Z,{moment}:{wait}Z,")
    return "\n".join(lines) + "\n"


def two_months(folder: Path, toml: str = KPI, **more: str) -> Path:
    """May: 8 of 10 calls a day in time; June: 9 of 10."""
    rows = CALLS + calls(date(2026, 5, 1), 31, 8, 2) + calls(date(2026, 6, 1), 30, 9, 1)
    return write_book(folder, toml, contacts=rows, **more)
