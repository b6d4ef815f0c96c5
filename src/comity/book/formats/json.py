"""JSON and JSON lines: records of any depth, read one at a time, with columns named by their path.

A path walks into a record: `a.b`, a list `a[]`, only some of it `a[key=value]`, one of it `a[0]` or `a[-1]`.
Where it leads to several values, `| first`, `| last`, `| sum`, `| min`, `| max`, `| count` or `| join` says
what becomes of them; without a word, the first counts.
"""

import codecs
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np
import pyarrow as pa

from comity.book.formats.delimited import FileScan, open_unpacked
from comity.book.formats.sheet import BATCH_ROWS, MalformedRow, Sheet, UnusableSourceError, batch_schema

PICKS = ("first", "last", "sum", "min", "max", "count", "join")
_STEP = re.compile(r"(?P<key>[^.\[\]]+)?(?P<filters>(?:\[[^\]]*\])*)")
_FILTER = re.compile(r"\[([^\]]*)\]")
_HEADER_RECORDS = 200
_DEEP = 3
_DEEPEST = 100
_DIGITS = 4000  # Python reads no longer number, and what reads JSON for us falls over one
_BLOCK = 4 * 1024 * 1024
_LONGEST_TEXT = 64 * 1024 * 1024
_SHOWN = 200
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ENDLESS = re.compile(rb"[0-9]{%d}" % _DIGITS)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key, then what is taken of the list that stands there."""

    key: str
    takes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path into a record and what becomes of several values."""

    steps: tuple[Step, ...]
    pick: str

    def text(self, record: object) -> str | None:
        """The value there, as text; None where there is none."""
        matches = [record]
        for step in self.steps:
            matches = [value for item in matches for value in _walk(item, step)]
        values = [value for value in matches if value is not None and not isinstance(value, dict | list)]
        if self.pick == "count":
            return str(len([value for value in matches if value is not None]))
        if not values:  # an object where a value should stand is shown as what it is, and not passed over
            return next((json.dumps(value, default=str, ensure_ascii=False) for value in matches if value), None)
        return _pick(values, self.pick)


def parse_path(path: str) -> JsonPath:
    """Read a path.

    :raises ValueError: for one that is not well formed
    """
    walk, _, pick = (part.strip() for part in path.partition("|"))
    pick = pick or "first"
    if pick not in PICKS:
        msg = f"{path!r}: after | stands one of {', '.join(PICKS)}"
        raise ValueError(msg)
    steps, rest = [], walk
    while rest:
        match = _STEP.match(rest)
        if match is None or not match.group(0):
            msg = f"{path!r} is no path; write one such as participants[purpose=agent].sessions[].mediaType"
            raise ValueError(msg)
        steps.append(Step(match["key"] or "", tuple(_FILTER.findall(match["filters"]))))
        rest = rest[match.end() :]
        rest = rest.removeprefix(".")
    return JsonPath(tuple(steps), pick)


def _walk(item: object, step: Step) -> list[object]:
    if step.key:
        if isinstance(item, list):
            return [value for each in item for value in _walk(each, step)]
        if not isinstance(item, dict) or step.key not in item:
            return []
        item = item[step.key]
    items = [item]
    for take in step.takes:
        if take == "" or "=" in take:
            items = [value for each in items for value in (each if isinstance(each, list) else [each])]
            if take:
                key, _, wanted = take.partition("=")
                items = [v for v in items if isinstance(v, dict) and _text(v.get(key.strip())) == wanted.strip()]
        else:
            try:
                place = int(take)
            except ValueError:
                return []
            items = [each[place] for each in items if isinstance(each, list) and -len(each) <= place < len(each)]
    return items


def _pick(values: list[Any], pick: str) -> str | None:
    if pick == "first":
        return _text(values[0])
    if pick == "last":
        return _text(values[-1])
    if pick == "join":
        return ";".join(dict.fromkeys(text for value in values if (text := _text(value))))
    if pick == "sum":
        try:
            return str(sum(Decimal(str(value)) for value in values))
        except InvalidOperation:
            return ";".join(str(value) for value in values)  # no number: the check that follows says so
    texts = [text for value in values if (text := _text(value)) is not None]
    return (min if pick == "min" else max)(texts, key=_order, default=None)


def _order(text: str) -> tuple[int, Decimal, str]:
    try:
        return (0, Decimal(text), "")
    except InvalidOperation:
        return (1, Decimal(0), text)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class JsonSheet(Sheet):
    """The records of a JSON or JSON lines file."""

    path: Path
    open_ended = True
    packed: bool
    records_at: str | None  # ijson's prefix; None: JSON lines
    each: str | None  # the list in each record whose entries are the rows
    _first_records: list[object] | None = None

    def find(self, header: str) -> str | None:
        """Any well-formed path may occur in a record that comes later; a misspelt one never does."""
        try:
            parse_path(header)
        except ValueError as error:
            raise UnusableSourceError(str(error), file=self.path) from None
        return header

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Records; `_row` is the line (JSON lines) or the number of the record."""
        paths = [parse_path(header) for header in wanted]
        out = batch_schema(wanted)
        rows: list[int] = []
        cells: list[list[str | None]] = [[] for _ in wanted]
        for number, record in self.entries():
            rows.append(number)
            for column, path in zip(cells, paths, strict=True):
                column.append(path.text(record))
            if len(rows) == BATCH_ROWS:
                yield _batch(rows, cells, out)
                rows, cells = [], [[] for _ in wanted]
        if rows:
            yield _batch(rows, cells, out)

    def entries(self, most: int | None = None) -> Iterator[tuple[int, object]]:
        """The records, or each entry of the list in them as a record that has the rest beside it.

        :param most: how many records are read; None: all
        """
        records = islice(self.records(), most)
        if self.each is None:
            yield from records
            return
        number = 0
        for place, record in records:
            whole = record if isinstance(record, dict) else {}
            entries = whole.get(self.each)
            if not isinstance(entries, list):
                self.broken.append(MalformedRow(place, "", f"no list {self.each!r} in the record"))
                continue
            for entry in entries:
                number += 1
                yield number, {**whole, self.each: entry}

    def first_records(self, most: int) -> list[object]:
        """The first records, read once however often they are asked for."""
        if self._first_records is None:
            self._first_records = [record for _, record in islice(self.entries(most), most)]
            self.broken.clear()
        return self._first_records

    def records(self) -> Iterator[tuple[int, object]]:
        """Every record with its place; a line that is no JSON becomes a broken row."""
        try:
            with _open(self.path, packed=self.packed) as stream:
                if self.records_at is not None:
                    yield from self._whole(stream, self.records_at)
                    return
                for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_TEXT + 1), b""), 1):
                    if len(line) > _LONGEST_TEXT:
                        msg = f"is longer than {_LONGEST_TEXT // 2**20} MiB"
                        raise UnusableSourceError(msg, file=self.path, line=number)
                    if not line.strip():
                        continue
                    try:
                        record = json.loads(
                            line.decode("utf-8-sig"),
                            parse_float=Decimal,
                            parse_constant=str,
                            object_pairs_hook=_refuse_repeated_keys,
                        )
                    except (ValueError, RecursionError) as error:
                        text = line.decode("utf-8", "replace").strip()
                        self.broken.append(MalformedRow(number, text, f"no JSON ({str(error).splitlines()[0][:80]})"))
                        continue
                    if isinstance(record, dict):
                        yield number, record
                    else:
                        text = line.decode("utf-8", "replace").strip()
                        self.broken.append(MalformedRow(number, text, "no JSON object"))
        except (ijson.JSONError, UnicodeDecodeError) as error:
            msg = f"is no whole JSON ({str(error).splitlines()[0][:160]}); fetch it again"
            raise UnusableSourceError(msg, file=self.path) from None
        except (EOFError, gzip.BadGzipFile) as error:
            msg = f"the packed file is broken off ({error}); fetch it again"
            raise UnusableSourceError(msg, file=self.path) from None

    def _whole(self, stream: BinaryIO, records_at: str) -> Iterator[tuple[int, object]]:
        """The records of one JSON document."""
        doubled: list[int] = []  # objects that say something twice, here or in a record that is read ahead

        class Once(dict[str, object]):
            twice: str | None = None

            def __setitem__(self, key: str, value: object) -> None:
                if key in self:
                    self.twice = self.twice or key
                    doubled.append(1)
                super().__setitem__(key, value)

        for number, record in enumerate(ijson.items(stream, records_at, map_type=Once), 1):
            twice = _repeated_key(record) if doubled else None
            if isinstance(record, dict) and twice is None:
                yield number, record
                continue
            reason = f"says {twice!r} twice" if twice is not None else "no JSON object"
            text = json.dumps(record, default=str, ensure_ascii=False)[:_SHOWN]
            self.broken.append(MalformedRow(number, _clean(text) or "", reason))


def _repeated_key(value: object) -> str | None:
    """What an object of JSON says twice, itself or within."""
    own = getattr(value, "twice", None)
    if own is not None:
        return str(own)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := _repeated_key(part)) is not None), None)


def _refuse_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object that says everything once; the last word of two is no better than the first."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        msg = f"says {next(name for name in names if names.count(name) > 1)!r} twice"
        raise ValueError(msg)
    return record


def _open(path: Path, *, packed: bool) -> BinaryIO:
    """The file's bytes after the mark by which Windows says that they are UTF-8."""
    stream = open_unpacked(path, packed=packed)
    if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        stream.seek(0)
    return stream


@lru_cache(maxsize=4)  # a file is opened as several formats when it is recognised
def _refuse_traps(path: Path, *, packed: bool, changed: int) -> None:  # noqa: ARG001 - when: the file's next state
    """Refuse JSON on which the reader would come to grief: nested without end, or with endless numbers.

    :raises UnusableSourceError: for these
    """
    rest, tail, depth = b"", b"", 0
    with _open(path, packed=packed) as stream:
        while block := stream.read(_BLOCK):
            bare = _STRING.sub(b"", rest + block)
            place = bare.find(b'"')  # a text that goes on in the next block
            rest, bare = (b"", bare) if place < 0 else (bare[place:], bare[:place])
            if len(rest) > _LONGEST_TEXT:
                msg = f"holds a text of more than {_LONGEST_TEXT // 2**20} MiB, or one that never ends"
                raise UnusableSourceError(msg, file=path)
            if _ENDLESS.search(tail + bare):
                msg = "holds a number of thousands of digits; export it again"
                raise UnusableSourceError(msg, file=path)
            tail = bare[-_DIGITS:]
            steps = np.frombuffer(bare.translate(None, _NO_BRACKETS), np.uint8)
            depths = depth + np.cumsum(np.where((steps == ord("[")) | (steps == ord("{")), 1, -1))
            if len(depths):
                depth = int(depths[-1])
                if depths.max() > _DEEPEST:
                    msg = f"is nested more than {_DEEPEST} deep; such records cannot be read"
                    raise UnusableSourceError(msg, file=path)


def _batch(rows: list[int], cells: list[list[str | None]], out: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array(rows, pa.int64()), *(pa.array([_clean(v) for v in c], pa.string()) for c in cells)]
    return pa.RecordBatch.from_arrays(columns, schema=out)


def _clean(value: str | None) -> str | None:
    """Lone surrogates, which JSON allows and UTF-8 does not, as a question mark."""
    return None if value is None else value.encode("utf-8", "replace").decode("utf-8")


def json_sheet(
    path: Path, seen: FileScan, *, lines: bool | None = None, records: str | None = None, each: str | None = None
) -> JsonSheet:
    """Open a file of JSON records.

    :param each: a list in each record, every entry of which is a row
    :param records: where the list of records stands, as in `conversations`; found out where it is not said
    :raises UnusableSourceError: when it is no JSON, or no list of records is found in it
    """
    sheet = JsonSheet(None, (), row_word="line" if lines else "record")
    sheet.path, sheet.packed, sheet.each = path, seen.packed, each
    if lines is None:
        lines = records is None and is_json_lines(seen.sample)
    if lines:
        sheet.records_at, sheet.row_word = None, "line"
    else:
        _refuse_traps(path, packed=seen.packed, changed=path.stat().st_mtime_ns)
        sheet.records_at = _records_prefix(sheet) if records is None else f"{records}.item" if records else "item"
    headers: dict[str, None] = {}
    for _, record in islice(sheet.entries(_HEADER_RECORDS), _HEADER_RECORDS):
        _name(record, "", headers, 1)
    sheet.broken.clear()
    sheet.headers = tuple(headers)
    return sheet


def is_json_lines(sample: bytes) -> bool:
    """Whether each line holds a record of its own; one line alone with a list of objects in it is a document."""
    lines = [line for line in sample.splitlines() if line.strip()]
    if not lines:
        return False
    try:
        first = json.loads(lines[0].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict):
        return False
    return len(lines) > 1 or not _holds_records(first)


def _holds_records(value: object) -> bool:
    """Whether a list of objects stands in an object, at any depth."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict) and any(_holds_records(inner) for inner in value.values())


def _records_prefix(sheet: JsonSheet) -> str:
    """The first list of objects that the file holds."""
    try:
        with _open(sheet.path, packed=sheet.packed) as stream:
            starts: list[str] = []
            for prefix, event, _ in ijson.parse(stream):
                if event == "start_array":
                    starts.append(f"{prefix}.item" if prefix else "item")
                elif event == "start_map" and prefix in starts:
                    return str(prefix)
            if starts == ["item"]:  # an empty list, or one of what is no record
                return "item"
    except (ijson.JSONError, UnicodeDecodeError) as error:
        msg = f"is no whole JSON ({str(error).splitlines()[0][:160]}); fetch it again"
        raise UnusableSourceError(msg, file=sheet.path) from None
    msg = "holds no list of records; write `records = ...` under [file] of the mapping"
    raise UnusableSourceError(msg, file=sheet.path)


def _name(value: object, prefix: str, headers: dict[str, None], depth: int) -> None:
    if isinstance(value, dict) and depth <= _DEEP:
        for key, inner in value.items():
            _name(inner, f"{prefix}.{key}" if prefix else str(key), headers, depth + 1)
    elif prefix:
        headers[prefix] = None
