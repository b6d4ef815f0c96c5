"""The book that is measured: plain random records in the form that an import leaves, of any size, made once."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.storage.parquet import arrow_schema
from comity.book.tables import ACCOUNTS, CONTACTS, INVOICES, SURVEYS, Table, day_column, slot_column

FIRST, P1, LAST = date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)  # two quarters
DAYS = (LAST - FIRST).days
QUEUES = tuple(f"queue {number:02}" for number in range(20))
ROWS = 122_880  # of a row group, as an import writes them
CHANNELS = ("voice", "chat", "mail")
SEGMENTS = ("small", "medium", "large", "key")

TOML = """
[book]
name = "Bench"
currency = "EUR"
timezone = "UTC"
complete_to = "2026-07-01"
[parties.customer]
id = "customer"
[parties.provider]
id = "provider"
[[kpi]]
id = "service_level"
answer_within_s = 20
short_abandon_s = 5
target = 0.8
material = 0.01
[[kpi]]
id = "abandonment"
short_abandon_s = 5
target = 0.05
[[kpi]]
id = "sla_attainment"
target = 0.9
material = 0.01
[[kpi]]
id = "csat"
instrument = "csat"
target = 0.7
"""


def make(folder: Path, contacts: int, answers: int, lines: int) -> Path:
    """Write a book with these numbers of rows, unless it is there already."""
    if (folder / "book.toml").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    accounts = max(50, answers // 50)
    rng = np.random.default_rng(1)
    _write(folder, ACCOUNTS, _accounts(accounts))
    _write(folder, CONTACTS, _contacts(rng, contacts, accounts))
    _write(folder, SURVEYS, _answers(rng, answers, accounts))
    _write(folder, INVOICES, _lines(rng, lines, accounts))
    (folder / "book.toml").write_text(TOML, encoding="utf-8")  # last: a broken-off attempt is made again
    return folder


def _write(folder: Path, table: Table, parts: Iterator[Mapping[str, pa.Array]]) -> None:
    schema = arrow_schema(table, "UTC")
    held: list[pa.Table] = []
    with pq.ParquetWriter(folder / f"{table.name}.parquet", schema, compression="zstd") as writer:
        for part in parts:
            rows = len(next(iter(part.values())))
            told = {"brought_by": pa.repeat("provider", rows), **part}
            columns = [told.get(name, pa.nulls(rows, schema.field(name).type)) for name in schema.names]
            held.append(pa.Table.from_arrays(columns, schema=schema))
            if sum(one.num_rows for one in held) >= ROWS:
                writer.write_table(pa.concat_tables(held), row_group_size=ROWS)
                held.clear()
        if held:
            writer.write_table(pa.concat_tables(held), row_group_size=ROWS)


def _texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pa.array(np.char.add(prefix, numbers.astype("U9")), pa.string())


def _pick(names: tuple[str, ...], at: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(at, pa.int32()), pa.array(names)).dictionary_decode()


def _instants(name: str, seconds: np.ndarray, known: np.ndarray | None = None) -> dict[str, pa.Array]:
    moments = np.datetime64(FIRST, "us") + (seconds * 1e6).astype("timedelta64[us]")
    mask = None if known is None else ~known
    found = {name: pa.array(moments, pa.timestamp("us"), mask=mask)}
    if name in CONTACTS.days:
        slots = (seconds % 86_400 // 1800).astype("int16")
        found[day_column(name)] = pa.array(moments.astype("datetime64[D]"), pa.date32(), mask=mask)
        found[slot_column(name)] = pa.array(slots, pa.int16(), mask=mask)
    return found


def _contacts(rng: np.random.Generator, count: int, accounts: int) -> Iterator[Mapping[str, pa.Array]]:
    for day in range(DAYS):
        rows = count * (day + 1) // DAYS - count * day // DAYS
        opened = day * 86_400 + np.sort(rng.triangular(6 * 3600, 12 * 3600, 22 * 3600, rows))
        wait, patience = rng.exponential(16, rows), rng.exponential(120, rows)
        answered = wait <= patience
        resolved, due = opened + rng.exponential(6 * 3600, rows), opened + 12 * 3600.0
        yield {
            "contact_id": _texts(f"c{day:03}-", np.arange(rows)),
            "account_id": _texts("a", rng.integers(0, accounts, rows)),
            "queue": _pick(QUEUES, np.minimum(rng.geometric(0.15, rows) - 1, len(QUEUES) - 1)),
            "channel": _pick(CHANNELS, rng.integers(0, 3, rows)),
            "outcome": _pick(("answered", "abandoned"), (~answered).astype("int32")),
            "handle_s": pa.array(np.where(answered, rng.gamma(2, 110, rows), np.nan), pa.float64(), mask=~answered),
            **_instants("opened_at", opened),
            **_instants("answered_at", opened + wait, answered),
            **_instants("abandoned_at", opened + patience, ~answered),
            **_instants("resolved_at", resolved, answered),
            **_instants("due_at", due),
        }


def _accounts(count: int) -> Iterator[Mapping[str, pa.Array]]:
    at = np.arange(count)
    joined = np.where(at % 23 == 0, np.datetime64("2026-04-20"), np.datetime64("2024-03-01")).astype("datetime64[D]")
    left = np.full(count, np.datetime64("2026-05-15"), "datetime64[D]")
    yield {
        "account_id": _texts("a", at),
        "segment": _pick(SEGMENTS, at % len(SEGMENTS)),
        "joined_on": pa.array(joined, pa.date32()),
        "left_on": pa.array(left, pa.date32(), mask=at % 17 != 0),
    }


def _answers(rng: np.random.Generator, count: int, accounts: int) -> Iterator[Mapping[str, pa.Array]]:
    people = max(100, count // 3)
    who = rng.integers(0, people, count)
    asked = rng.integers(0, DAYS - 5, count)
    order = np.argsort(asked, kind="stable")
    who, asked = who[order], asked[order]
    answered = rng.random(count) < 0.8
    start = np.datetime64(FIRST)
    level = rng.normal(3.9, 0.6, people)[who]
    yield {
        "response_id": _texts("r", np.arange(count)),
        "audience": _pick(("customer",), np.zeros(count, "int32")),
        "respondent_id": _texts("p", who),
        "account_id": _texts("a", who % accounts),
        "asked_on": pa.array(start + asked, pa.date32()),
        "answered_on": pa.array(start + asked + rng.integers(0, 5, count), pa.date32(), mask=~answered),
        "instrument": _pick(("csat",), np.zeros(count, "int32")),
        "scale_min": pa.array(np.ones(count)),
        "scale_max": pa.array(np.full(count, 5.0)),
        "score": pa.array(np.clip(np.rint(level + rng.normal(0, 0.7, count)), 1, 5), mask=~answered),
        "conducted_by": _pick(("third_party",), np.zeros(count, "int32")),
    }


def _lines(rng: np.random.Generator, count: int, accounts: int) -> Iterator[Mapping[str, pa.Array]]:
    amount = pa.decimal128(18, 6)
    for month in range(6):
        rows = count * (month + 1) // 6 - count * month // 6
        quantity = rng.integers(1, 400, rows).astype(float)
        price = np.round(rng.normal(4, 0.2, rows) + month * 0.02, 2)
        first = (date(FIRST.year, FIRST.month + month, 1) - date(1970, 1, 1)) / timedelta(days=1)
        yield {
            "month": pa.array(np.full(rows, int(first), "int32")).cast(pa.date32()),
            "account_id": _texts("a", rng.integers(0, accounts, rows)),
            "service": _texts("s", rng.integers(0, 8, rows)),
            "quantity": pa.array(quantity).cast(amount),
            "unit_price": pa.array(price).cast(amount),
            "amount": pa.array(np.round(quantity * price, 2)).cast(amount),
            "unit": _pick(("contact", "hour"), rng.integers(0, 2, rows)),
            "kind": _pick(("service", "credit"), (rng.random(rows) < 0.02).astype("int32")),
            "currency": _pick(("EUR",), np.zeros(rows, "int32")),
            "invoice_id": _texts(f"i{month}-", np.arange(rows) // 8),
            "line": _texts("", np.arange(rows) % 8),
        }
