"""A file through a mapping, as the tests want it: the answer, and its rows as plain dicts."""

from pathlib import Path

import pyarrow as pa

from comity.book.mappings.apply import MappedFile, MappingContext, apply_mapping
from comity.book.mappings.model import SourceMapping
from comity.book.mappings.parse import read_mapping


def mapped(mapping: SourceMapping | str | Path, path: Path, zone: str = "UTC") -> tuple[MappedFile, list[dict]]:
    """Apply and consume."""
    found = mapping if isinstance(mapping, SourceMapping) else read_mapping(mapping)
    applied = apply_mapping(found, path, MappingContext(zone))
    batches = list(applied.batches)
    return applied, pa.Table.from_batches(batches).to_pylist() if batches else []


def written(folder: Path, name: str, text: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def drawn(folder: Path, toml: str, csv: str, zone: str = "UTC") -> tuple[MappedFile, list[dict]]:
    """A CSV through a mapping that stands beside it."""
    return mapped(written(folder, "mine.toml", toml), written(folder, "source.csv", csv), zone)


# A mapping that says everything that the language has.
EVERYTHING = r"""
table = "contacts"
zone = "Europe/Madrid"
decimal = ","
null = ["none"]
last_wins = ["opened_at"]
[file]
kind = "workbook"
sheet = "all"
header_rows = 2
[let]
day = { from = "Day", as = "day", format = ["day-first"] }
[columns]
contact_id = { from = ["Id", "re:N.m"], needed = true }
opened_at = { sum = [{ use = "day" }, { from = "Clock", as = "clock" }] }
queue = { from = "Skill", map = "skills", on = "day", values = { A = "a" }, when = { column = "Type", is = ["In"] } }
handle_s = { from = "T", unit = "min", times = 1.5, default = "0" }
[[maps.skills]]
key = "A"
value = "sales"
from = 2026-01-01
to = 2026-02-01
[[maps.skills]]
key = "B"
value = "help"
[[rows]]
column = "Type"
not = ["Total"]
[[totals]]
column = "Id"
empty = true
[wide]
columns = "(?P<dd>\\d+)"
[control]
handle_s = { from = "Total", row = { column = "Id", is = ["Sum"] } }
[window]
from = 2026-01-01
to = 2026-02-01
[[notes]]
say = "ok"
when_rows = 3
"""
