"""The traps of ticket systems' exports, each sprung once; what of it would have been a figure is said where needed.

The files are made by hand after what the vendors document; see docs/sources.md for what stands behind each.
"""

from datetime import datetime
from pathlib import Path

import pytest

from tests.builders.bringing import assert_known, at, bring, column, csv, faults, rows, workbook
from tests.cast import write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "book")


def promises(book: Path) -> list[tuple]:
    return [
        (row["contact_id"], row["name"], row["kind"], row["state"], row["source_verdict"])
        for row in rows(book, "deadlines")
    ]


# Zammad -------------------------------------------------------------------------------------------------------------

ZAMMAD = [
    "#", "Title", "State", "Priority", "Group", "Owner", "Customer", "Organization", "Create Channel", "Created At",
    "Updated At", "Closed At", "Close Escalation At", "Close In Min", "Close Diff In Min", "First Response At",
    "First Response Escalation At", "First Response In Min", "First Response Diff In Min", "Update Escalation At",
    "Update In Min", "Update Diff In Min", "Article Count", "Escalation At",
]  # fmt: skip


def zammad(tmp_path: Path, *tickets: dict[str, object], zone: str = "Europe/Madrid") -> bytes:
    """As Zammad writes it: the title, an empty row, the header; below the records an empty row and the zone."""
    same = {"Title": "secret", "Priority": "2 normal", "Group": "Care", "Owner": "Ana", "Create Channel": "phone"}
    lines = [[{**same, **ticket}.get(name) for name in ZAMMAD] for ticket in tickets]
    cells = [["2026-1"], [], ZAMMAD, *lines, [], [f"Timezone: {zone}"]]
    return workbook(tmp_path / "made.xlsx", {"Sheet1": cells})


def ticket(number: str, state: str = "open", **more: object) -> dict[str, object]:
    opened = {"Created At": datetime(2026, 1, 5, 9), "Updated At": datetime(2026, 1, 6)}  # noqa: DTZ001 - a cell
    return {"#": number, "State": state, **opened, **{key.replace("_", " "): value for key, value in more.items()}}


def test_zammad_writes_the_zone_of_its_times_below_the_records(tmp_path, book):
    """09:00 in Lima is 14:00 UTC; the zone of the book would have made it 08:00."""
    outcome = bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("20001"), zone="America/Lima"))
    assert column(book, "opened_at") == [at(2026, 1, 5, 14)]
    assert (faults(outcome), column(book, "contact_id")) == ([], ["20001"])
    assert "times were read in America/Lima, as the file says" in outcome.notes


def test_zammad_saved_as_csv_says_its_zone_too(book):
    empty = "," * (len(ZAMMAD) - 1)
    line = dict.fromkeys(ZAMMAD, "") | {"#": "20001", "State": "open", "Created At": "2026-01-05 09:00:00"}
    text = csv(f"2026-1{empty}", empty, ",".join(ZAMMAD), ",".join(line.values()), empty, f"Zeitzone: UTC{empty}")
    outcome = bring(book, "zammad_tickets", "z.csv", text)
    assert (faults(outcome), column(book, "opened_at")) == ([], [at(2026, 1, 5, 9)])


def test_zammad_keeps_the_first_close_of_a_ticket_that_is_open_again(tmp_path, book):
    closed = datetime(2026, 1, 5, 12)  # noqa: DTZ001 - a cell
    content = zammad(tmp_path, ticket("1", "closed", Closed_At=closed), ticket("2", "open", Closed_At=closed))
    bring(book, "zammad_tickets", "z.xlsx", content)
    assert column(book, "resolved_at") == [at(2026, 1, 5, 11), None]


def test_zammad_tells_what_became_of_a_promise_by_its_minutes_and_empties_its_due_time(tmp_path, book):
    """Below zero it was late; none left is in time. A due time is there only while the clock runs."""
    later = datetime(2026, 1, 7, 9)  # noqa: DTZ001 - a cell
    content = zammad(
        tmp_path,
        ticket("1", "closed", Close_Diff_In_Min=-1, First_Response_Diff_In_Min=0, Closed_At=later),
        ticket("2", Close_Escalation_At=later, Update_Escalation_At=later),
        ticket("3", "pending reminder"),
    )
    bring(book, "zammad_tickets", "z.xlsx", content)
    assert promises(book) == [
        ("1", "Close", "resolution", "missed", "missed"),
        ("1", "First Response", "response", "met", "met"),
        ("2", "Close", "resolution", "running", None),
        ("2", "Update", "other", "running", None),
    ]
    assert column(book, "due_at") == [None, at(2026, 1, 7, 8), None]
    assert column(book, "sla_met") == [False, None, None]


def test_zammad_tickets_that_were_merged_are_another_ticket(tmp_path, book):
    bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("1", "merged", Close_Diff_In_Min=-9), ticket("2")))
    assert (column(book, "contact_id"), promises(book)) == (["2"], [])


def test_zammad_of_months_pasted_together_the_ticket_updated_last_counts(tmp_path, book):
    newer = ticket("1", Group="Night", Updated_At=datetime(2026, 2, 9))  # noqa: DTZ001 - a cell
    outcome = bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, newer, ticket("1", Group="Day")))
    assert (column(book, "queue"), outcome.delivery.rejected) == (["Night"], 0)


def test_zammad_is_recognised(tmp_path):
    assert_known(tmp_path, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("1", "closed", Close_Diff_In_Min=-1)))
