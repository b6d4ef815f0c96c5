"""One simulated partnership to disk: the tables of a book, its `book.toml`, and the truth beside it."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from comity.book.tables import TABLES
from comity.simulate import money, money_rows, people, people_rows, service_rows
from comity.simulate.contacts import Chunk, chunks, many_accounts
from comity.simulate.definition import book_toml
from comity.simulate.demand import Demand, demand
from comity.simulate.partnership import ZONE, LocalTime, Partnership, month_index
from comity.simulate.truth import truth
from comity.simulate.writing import TableWriter

TRUTH = "truth.json"
EVERY = frozenset(TABLES)
_OPERATIONS = frozenset({"contacts", "intervals", "forecasts", "schedules", "reported"})
_POOL = 2.4  # agents for each position at the peak
_TICKETS_A_DAY = 36.0  # that one agent closes


class NotEmptyError(Exception):
    """The folder that a book was to be written to holds something already."""


def write_book(
    told: Partnership, out: Path, tables: Collection[str] = EVERY, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the book, or only these tables of it, and the truth.

    :param progress: told how many days of contacts are done, and of how many
    :raises NotEmptyError: when the folder holds something
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} is not an empty folder; name one that does not exist yet"
        raise NotEmptyError(msg)
    out.mkdir(parents=True, exist_ok=True)
    _Maker(told, out, frozenset(tables), progress or (lambda _done, _all: None)).write()
    (out / TRUTH).write_text(json.dumps(truth(told), indent=1) + "\n", encoding="utf-8")
    (out / "book.toml").write_text(book_toml(told), encoding="utf-8")  # last: what was broken off is no book
    return out


class _Maker:
    """Makes the tables in an order in which each knows what it needs of the others."""

    def __init__(
        self, told: Partnership, out: Path, tables: frozenset[str], progress: Callable[[int, int], None]
    ) -> None:
        self.told, self.out, self.tables, self.progress = told, out, tables, progress
        self.zone = LocalTime(ZONE, told.first, told.end)
        self.who = people.accounts(told)
        self.wanted = demand(told) if tables & {*_OPERATIONS, "events", "staff"} else None
        self.touched: list[dict[str, Any]] = []
        self.counts = np.zeros((len(told.months), 3))

    def file(self, table: str, owner: str | None = None, only: tuple[str, ...] = ()) -> TableWriter:
        folder = self.out if owner is None else self.out / "private" / owner
        usual = TABLES[table].held_by if owner is None else owner
        return TableWriter(folder, table, ZONE, only, "provider" if usual == "both" else usual)

    def one(self, table: str, columns: dict[str, Any], owner: str | None = None) -> None:
        with self.file(table, owner) as file:
            file.write(columns)

    def write(self) -> None:
        if self.wanted is not None:
            self.service(self.wanted)
        if "accounts" in self.tables:
            self.accounts()
        if "surveys" in self.tables:
            panel = people_rows.panel(people.answers(self.told, self.who))
            self.one(
                "surveys", people_rows.by_day([panel, *([people_rows.touches(self.touched)] if self.touched else [])])
            )
        if "renewals" in self.tables:
            self.one("renewals", people_rows.renewals(people.renewals(self.told, self.who)))
        self.money()
        if "reported" in self.tables:
            with self.file("reported") as file:
                for side in ("customer", "provider"):
                    file.write(money_rows.reported(self.told, self.counts, side))

    def service(self, wanted: Demand) -> None:
        peak = np.append(wanted.staffed.max(axis=(0, 1)) * _POOL, self.told.contacts_per_day / _TICKETS_A_DAY)
        pool = np.ceil(np.maximum(peak, 2))
        if "events" in self.tables:
            self.one("events", service_rows.events(wanted, self.told, self.zone))
        if "staff" in self.tables:
            team = people.staff(self.told, pool)
            self.one("staff", people_rows.staff(self.told, team), "provider")
            if "surveys" in self.tables:
                self.one("surveys", people_rows.employees(self.told, team), "provider")
        if not self.tables & _OPERATIONS:
            return
        files = {name: self.file(name) for name in _OPERATIONS & self.tables if name != "reported"}
        own = self.file("contacts", "provider", ("contact_id", "agent_id")) if "contacts" in files else None
        months, written = month_index(self.told.months, self.told.days), 0
        for number, chunk in enumerate(chunks(self.told, wanted, self.who, pool, self.zone)):
            self.counts += service_rows.monthly_counts(chunk, months, len(self.counts))
            self.half_hours(files, chunk, wanted)
            if own is not None:
                files["contacts"].write(service_rows.contacts(chunk.contacts, written, self.told, self.zone))
                own.write(service_rows.own_contacts(chunk.contacts, written))
            if "surveys" in self.tables:
                self.touched.append(people_rows.touched(self.told, chunk, number, written))
            written += len(chunk.contacts)
            self.progress(chunk.days.stop, len(self.told.days))
        for file in (*files.values(), *([own] if own else [])):
            file.close()

    def half_hours(self, files: dict[str, TableWriter], chunk: Chunk, wanted: Demand) -> None:
        if "intervals" in files:
            files["intervals"].write(service_rows.intervals(chunk, wanted, self.zone))
        if "forecasts" in files:
            files["forecasts"].write(service_rows.forecasts(chunk, wanted, self.zone, self.told))
        if "schedules" in files:
            files["schedules"].write(service_rows.schedules(chunk, wanted, self.zone))

    def accounts(self) -> None:
        many = many_accounts(self.told) if "contacts" in self.tables else 0
        with self.file("accounts") as file:
            file.write(people_rows.accounts(self.told, self.who, many))
            if "invoices" in self.tables:
                file.write(people_rows.payers(money.PAYERS))

    def money(self) -> None:
        plan, months = money.bought(self.told), np.array(self.told.months, "datetime64[D]")
        if "invoices" in self.tables:
            self.one("invoices", money_rows.invoices(self.told, plan, months))
        if "prices" in self.tables:
            self.one("prices", money_rows.prices(plan, months))
        if "costs" in self.tables:
            self.one("costs", money_rows.costs(self.told, plan, months), "provider")
