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
