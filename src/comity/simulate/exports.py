"""Writer of example files: half a year of a simulated partnership, as the systems of both sides would export it.

The files are always the same: one story, one seed, one length. What was really so is known, so that whoever tries
everything with them can see whether the answers are right.
"""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import xlsxwriter

from comity.simulate.book import NotEmptyError, write_book
from comity.simulate.partnership import ZONE, make_partnership
from comity.simulate.stories import story

FIRST, MONTHS = date(2026, 1, 1), 6
_STORY, _SEED, _CONTACTS_A_DAY = "demo", 1, 400
_TABLES = frozenset({"contacts", "forecasts", "schedules", "invoices", "surveys", "accounts"})
_FORECAST_ISSUED = date(2025, 12, 11)
_MADE_AT = datetime(2026, 7, 1, 8, tzinfo=UTC)  # of workbooks: the same bytes every time
_KINDS = {"credit": "credit note", "malus": "penalty"}
_UNITS = {"hour": "hrs", "contact": "calls", "fte_month": "FTE month", "fixed": "flat fee"}


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """One file as a system exports it.

    :ivar mapping: the shipped mapping that reads it; empty where none does
    """

    name: str
    rows: int
    about: str
    mapping: str = ""


def write_example(folder: Path) -> list[ExampleFile]:
    """Write the example files.

    :raises NotEmptyError: when the folder holds something
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} is not an empty folder; name one that does not exist yet"
        raise NotEmptyError(msg)
    ends = date(FIRST.year, FIRST.month + MONTHS - 1, 1)
    partnership = make_partnership(story(_STORY), _SEED, MONTHS, _CONTACTS_A_DAY, ends)
    with tempfile.TemporaryDirectory() as work:
        book = write_book(partnership, Path(work) / "book", _TABLES)
        folder.mkdir(parents=True, exist_ok=True)
        return [
            _calls(book, folder),
            _forecast(book, folder),
            _schedule(book, folder),
            _invoice(book, folder),
            _survey(book, folder),
            _customers(book, folder),
        ]


def _calls(book: Path, folder: Path) -> ExampleFile:
    rows = [
        (
            row["contact_id"].replace("c", "CALL-"),
            _local(row["opened_at"]).strftime("%d/%m/%Y %H:%M:%S"),
            row["queue"].title(),
            _clock((row["answered_at"] or row["abandoned_at"]) - row["opened_at"]),
            "Handled" if row["answered_at"] else "Abandoned",
            "" if row["handle_s"] is None else f"{row['handle_s']:.0f}",
            _customer_number(row["account_id"]),
        )
        for row in _rows(book, "contacts")
        if row["channel"] == "voice" and (row["answered_at"] or row["abandoned_at"])
    ]
    header = ("Call ID", "Call Start", "Skill", "Queue Wait Time", "Result", "Handle Time", "Customer ID")
    _write_csv(folder / "calls.csv", header, rows)
    return ExampleFile("calls.csv", len(rows), "the call log of a telephone system", "call_log")


def _forecast(book: Path, folder: Path) -> ExampleFile:
    """A sheet a month: queues and half hours down, days across, with volume and handle time."""
    cells: dict[tuple[str, str], dict[str, float]] = {}
    days: set[date] = set()
    count = 0
    for row in _rows(book, "forecasts"):
        if row["queue"] not in _VOICE:
            continue
        start = _local(row["start"])
        days.add(start.date())
        line = cells.setdefault((row["queue"].title(), f"{start:%H:%M}"), {})
        line[f"{start:%Y-%m-%d} Volume"], line[f"{start:%Y-%m-%d} AHT"] = row["offered"], row["aht_s"]
        count += 1
    name = f"forecast_{_FORECAST_ISSUED}.xlsx"
    with _workbook(folder / name) as workbook:
        for month, those in groupby(sorted(days), key=lambda day: f"{day:%Y-%m}"):
            across = [f"{day} {what}" for day in those for what in ("Volume", "AHT")]
            sheet = workbook.add_worksheet(month)
            sheet.write_row(0, 0, ["Queue", "Interval", *across])
            for number, (queue, clock) in enumerate(sorted(cells), 1):
                line = cells[queue, clock]
                sheet.write_row(number, 0, [queue, clock, *(line.get(header) for header in across)])
    return ExampleFile(name, count, "the forecast of the customer's planners", "forecast_workbook")


def _schedule(book: Path, folder: Path) -> ExampleFile:
    rows = [
        (
            f"{start:%d/%m/%Y}",
            f"{start:%H:%M}",
            row["queue"].title(),
            *(f"{row[name]:.2f}" for name in ("required", "scheduled", "staffed")),
        )
        for row in _rows(book, "schedules")
        if row["queue"] in _VOICE
        for start in [_local(row["start"])]
    ]
    _write_csv(
        folder / "schedule.csv", ("Date", "Interval", "Skill", "Required FTE", "Scheduled FTE", "Actual FTE"), rows
    )
    return ExampleFile("schedule.csv", len(rows), "the provider's positions on the phones", "wfm_schedule")


def _invoice(book: Path, folder: Path) -> ExampleFile:
    """One sheet, with the total at its foot, which is no line."""
    header = (
        "Invoice no", "Pos.", "Client", "Service month", "Service", "Type",
        "Quantity", "Unit", "Unit price", "Amount", "Currency",
    )  # fmt: skip
    rows = list(_rows(book, "invoices"))
    with _workbook(folder / "invoice-annex.xlsx") as workbook:
        sheet = workbook.add_worksheet("Annex")
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, _invoice_line(row))
        total = float(sum(row["amount"] for row in rows))
        sheet.write_row(len(rows) + 1, 4, ["Total", None, None, None, None, total])
    return ExampleFile("invoice-annex.xlsx", len(rows), "the annex of the provider's invoices", "invoice_annex")


def _invoice_line(row: dict[str, Any]) -> Sequence[str | float]:
    return (
        row["invoice_id"].replace("i", "INV-"),
        row["line"],
        row["account_id"].replace("p", "C"),
        f"{row['month']:%m/%Y}",
        row["service"].capitalize(),
        _KINDS.get(row["kind"], "service"),
        float(row["quantity"]),
        _UNITS[row["unit"]],
        float(row["unit_price"]),
        float(row["amount"]),
        row["currency"],
    )


def _survey(book: Path, folder: Path) -> ExampleFile:
    rows = [
        (
            row["response_id"],
            row["respondent_id"],
            _customer_number(row["account_id"]),
            f"{row['asked_on']:%d/%m/%Y}",
            f"{row['answered_on']:%d/%m/%Y}" if row["answered_on"] else "",
            "" if row["score"] is None else f"{row['score']:.0f}",
            f"{row['respondent_id']}@example.com",
        )
        for row in _rows(book, "surveys")
        if row["conducted_by"] == "third_party"
    ]
    header = ("Response ID", "Respondent", "Account", "Invited", "Completed", "Overall satisfaction", "E-mail")
    _write_csv(folder / "survey.csv", header, rows)
    return ExampleFile("survey.csv", len(rows), "a survey of the customer's own customers", "survey_export")


def _customers(book: Path, folder: Path) -> ExampleFile:
    rows = [
        (
            _customer_number(row["account_id"]),
            row["segment"].title(),
            f"{row['joined_on']:%d/%m/%Y}",
            f"{row['left_on']:%d/%m/%Y}" if row["left_on"] else "",
        )
        for row in _rows(book, "accounts")
        if row["segment"] is not None and row["joined_on"] is not None
    ]
    _write_csv(folder / "customers.csv", ("Customer no", "Segment", "Joined on", "Left on"), rows)
    return ExampleFile("customers.csv", len(rows), "the customer's list of who is served")


# -- files

_VOICE = frozenset({"technical", "billing", "moving"})
_ZONE = ZoneInfo(ZONE)


def _rows(book: Path, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table in its own order; instants with their zone."""
    for batch in pq.ParquetFile(book / f"{table}.parquet").iter_batches():
        yield from batch.to_pylist()


def _local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(_ZONE)


def _clock(wait: Any) -> str:  # noqa: ANN401 - a timedelta
    seconds = int(wait.total_seconds())
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _customer_number(account: str | None) -> str:
    return "" if account is None else account.replace("a", "K-")


def _write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with file.open("x", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


def _workbook(file: Path) -> Any:  # noqa: ANN401 - no types
    workbook = xlsxwriter.Workbook(str(file))
    workbook.set_properties({"created": _MADE_AT.replace(tzinfo=None)})
    return workbook
