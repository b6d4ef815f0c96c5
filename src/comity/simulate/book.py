"""Writer of a simulated book: its tables, `book.toml`, and the truth."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from comity.book.tables import TABLES
from comity.simulate import money, money_rows, people, people_rows, service_rows
from comity.simulate.contacts import Chunk, chunks, household_count
from comity.simulate.definition import book_toml
from comity.simulate.demand import Demand, make_demand
from comity.simulate.partnership import ZONE, LocalTime, Partnership, month_index
from comity.simulate.table_writer import NextMonth, TableWriter
from comity.simulate.truth import truth_document

TRUTH, NEXT_MONTH = "truth.json", "next"
ALL_TABLES = frozenset(TABLES)
_OPERATIONS = frozenset({"contacts", "intervals", "forecasts", "schedules", "reported"})
_POOL = 2.4  # agents for each position at the peak
_TICKETS_A_DAY = 36.0  # that one agent closes


class NotEmptyError(Exception):
    """The target folder of a book is not empty."""


def write_book(
    partnership: Partnership,
    out: Path,
    tables: Collection[str] = ALL_TABLES,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a book, or only these tables of it, and the truth; and the month after it in a folder, as files to import.

    :param progress: called with the number of days of contacts done and the total
    :raises NotEmptyError: when the folder holds something
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} is not an empty folder; name one that does not exist yet"
        raise NotEmptyError(msg)
    out.mkdir(parents=True, exist_ok=True)
    _BookWriter(partnership, out, frozenset(tables), progress or (lambda _done, _all: None)).write()
    (out / TRUTH).write_text(json.dumps(truth_document(partnership), indent=1) + "\n", encoding="utf-8")
    (out / "book.toml").write_text(book_toml(partnership), encoding="utf-8")  # last: what was broken off is no book
    return out


class _BookWriter:
    """Writer of the tables, in the order of their dependencies."""

    def __init__(
        self, partnership: Partnership, out: Path, tables: frozenset[str], progress: Callable[[int, int], None]
    ) -> None:
        self.partnership, self.out, self.tables, self.progress = partnership, out, tables, progress
        self.zone = LocalTime(ZONE, partnership.first, partnership.end)
        self.accounts = people.make_accounts(partnership)
        self.demand = make_demand(partnership) if tables & {*_OPERATIONS, "events", "staff"} else None
        self.call_surveys: list[dict[str, Any]] = []
        self.counts = np.zeros((len(partnership.months), 3))

    def open_table(self, table: str, owner: str | None = None, only: tuple[str, ...] = ()) -> TableWriter:
        folder = self.out if owner is None else self.out / "private" / owner
        usual = TABLES[table].held_by if owner is None else owner
        end, is_shared = self.partnership.records_end, owner is None
        later = NextMonth(self.out / NEXT_MONTH, end) if is_shared and end < self.partnership.end else None
        return TableWriter(folder, table, ZONE, only, "provider" if usual == "both" else usual, later)

    def write_table(self, table: str, columns: dict[str, Any], owner: str | None = None) -> None:
        with self.open_table(table, owner) as file:
            file.write(columns)

    def write(self) -> None:
        if self.demand is not None:
            self.write_service(self.demand)
        if "accounts" in self.tables:
            self.write_accounts()
        if "surveys" in self.tables:
            panel = people_rows.panel_survey_rows(people.make_answers(self.partnership, self.accounts))
            self.write_table(
                "surveys",
                people_rows.sorted_by_answer_day(
                    [panel, *([people_rows.call_survey_rows(self.call_surveys)] if self.call_surveys else [])]
                ),
            )
        if "renewals" in self.tables:
            self.write_table(
                "renewals", people_rows.renewal_rows(people.make_renewals(self.partnership, self.accounts))
            )
        self.write_money()
        if "reported" in self.tables:
            with self.open_table("reported") as file:
                for side in ("customer", "provider"):
                    file.write(money_rows.reported_rows(self.partnership, self.counts, side))

    def write_service(self, demand: Demand) -> None:
        peak = np.append(demand.staffed.max(axis=(0, 1)) * _POOL, self.partnership.contacts_per_day / _TICKETS_A_DAY)
        pool = np.ceil(np.maximum(peak, 2))
        if "events" in self.tables:
            self.write_table("events", service_rows.event_rows(demand, self.partnership, self.zone))
        if "staff" in self.tables:
            team = people.make_staff(self.partnership, pool)
            self.write_table("staff", people_rows.staff_rows(self.partnership, team), "provider")
            if "surveys" in self.tables:
                self.write_table("surveys", people_rows.employee_survey_rows(self.partnership, team), "provider")
        if not self.tables & _OPERATIONS:
            return
        files = {name: self.open_table(name) for name in _OPERATIONS & self.tables if name != "reported"}
        own_file = self.open_table("contacts", "provider", ("contact_id", "agent_id")) if "contacts" in files else None
        months, written = month_index(self.partnership.months, self.partnership.days), 0
        for number, chunk in enumerate(chunks(self.partnership, demand, self.accounts, pool, self.zone)):
            self.counts += service_rows.monthly_counts(chunk, months, len(self.counts))
            self.write_half_hours(files, chunk, demand)
            if own_file is not None:
                files["contacts"].write(service_rows.contact_rows(chunk.contacts, written, self.partnership, self.zone))
                own_file.write(service_rows.own_contact_rows(chunk.contacts, written))
            if "surveys" in self.tables:
                self.call_surveys.append(people_rows.sample_call_survey(self.partnership, chunk, number, written))
            written += len(chunk.contacts)
            self.progress(chunk.days.stop, len(self.partnership.days))
        for file in (*files.values(), *([own_file] if own_file else [])):
            file.close()

    def write_half_hours(self, files: dict[str, TableWriter], chunk: Chunk, demand: Demand) -> None:
        if "intervals" in files:
            files["intervals"].write(service_rows.interval_rows(chunk, demand, self.zone))
        if "forecasts" in files:
            files["forecasts"].write(service_rows.forecast_rows(chunk, demand, self.zone, self.partnership))
        if "schedules" in files:
            files["schedules"].write(service_rows.schedule_rows(chunk, demand, self.zone))

    def write_accounts(self) -> None:
        many = household_count(self.partnership) if "contacts" in self.tables else 0
        with self.open_table("accounts") as file:
            file.write(people_rows.account_rows(self.partnership, self.accounts, many))
            if "invoices" in self.tables:
                file.write(people_rows.payer_rows(money.PAYERS))

    def write_money(self) -> None:
        plan, months = money.plan_purchases(self.partnership), np.array(self.partnership.months, "datetime64[D]")
        if "invoices" in self.tables:
            self.write_table("invoices", money_rows.invoice_rows(self.partnership, plan, months))
        if "prices" in self.tables:
            self.write_table("prices", money_rows.price_rows(plan, months))
        if "costs" in self.tables:
            self.write_table("costs", money_rows.cost_rows(self.partnership, plan, months), "provider")
