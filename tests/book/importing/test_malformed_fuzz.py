"""A fuzzer over every format: valid files, spoiled at random, end in a sentence, in rejects, or whole.

Each mutation is imported by the function under the command, in this process; a crash of the process is a failure, too.
"""

import csv
import io
import json
import random
import re
import shutil
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comity.book.definition import UnusableBookError, read_definition
from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import UnusableMappingError, identity_mapping
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.reading.open import open_book
from tests.builders.malformed import GOOD, laid, packed, records, sheet, snapshot
from tests.cast import BOOK, JOINT, write_book

AT = datetime(2026, 6, 1, tzinfo=UTC)
SEED = 20261126
PER_FORMAT_S = 25.0
PIECES = [
    b"", b"\0", b"\n", b"\r", b'"', b'""', b",", b";", b"\t", b"'", b"\\", b"{", b"}", b"[", b"]", b"<", b">", b"=",
    b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"-", b"1e999", b"NaN", b"9" * 30, b"2026-02-30",
    b"null", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"#REF!", b"\x1b[31m", b"&a;", b"0", b"-1", b"\x7f" * 8,
]  # fmt: skip


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled, moved, or pieces that mean something put in."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(made) + 1)
        length = chance.choice((1, 1, 2, 4, 16, 100, max(1, len(made) // 3)))
        match chance.randrange(6):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del made[at : at + length]
            case 2:
                made[at:at] = made[at : at + length]
            case 3:
                made[at:at] = chance.choice(PIECES)
            case 4:
                made[at : at + length] = chance.choice(PIECES)
            case 5:
                other = chance.randrange(len(made) + 1)
                made[other:other] = made[at : at + length]
    return bytes(made)


def to_bytes(tmp_path: Path, name: str, content) -> bytes:
    return laid(tmp_path, name, content).read_bytes()


def parquet(file: Path) -> None:
    columns = {name: [one[name] for one in records()] for name in records()[0]}
    columns["handle_s"] = [float(one) for one in columns["handle_s"]]
    columns["extra"] = [{"a": [1, 2]}] * len(records())
    pq.write_table(pa.table(columns), file)


FORMATS = {
    "a.csv": GOOD,
    "b.csv": GOOD.replace(",q,", ',"q, é ""x""\nzwei",'),
    "a.csv.gz": packed(GOOD),
    "utf16.csv": GOOD.encode("utf-16"),
    "a.xlsx": sheet(),
    "a.json": json.dumps({"total": 40, "records": records()}),
    "a.jsonl": "\n".join(map(json.dumps, records())),
    "a.parquet": parquet,
}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FORMATS)
def test_spoiled_files_of_every_format(tmp_path, name):
    """Seeded; as many as fit into the time."""
    chance = random.Random(f"{SEED} {name}")
    good = to_bytes(tmp_path, name, FORMATS[name])
    empty = write_book(tmp_path / "empty")
    ends: dict[str, int] = {"whole": 0, "rejects": 0, "refused": 0}
    until, tries = time.monotonic() + PER_FORMAT_S, 0
    while time.monotonic() < until:
        tries += 1
        data = spoiled(good, chance)
        book = Path(shutil.copytree(empty, tmp_path / "book", dirs_exist_ok=True))
        file = laid(tmp_path, name, data)
        keep = tmp_path / f"failed-{name}"
        keep.write_bytes(data)  # what is left when the process falls over is what did it
        ends[ended(book, file, data)] += 1
        shutil.rmtree(book)
    assert tries > 50
    assert ends["refused"] > 0


def ended(book: Path, file: Path, data: bytes) -> str:
    before = snapshot(book)
    try:
        outcome = import_source(book, file, identity_mapping("contacts"), ImportRequest("Ana", AT, max_rejects=0.5))
    except UnusableSourceError:
        assert snapshot(book) == before
        return "refused"
    one = outcome.delivery
    assert one.rows_in == one.new + one.unchanged + one.updated + one.collapsed + one.rejected
    with open_book(book, JOINT) as opened:
        assert opened.holdings["contacts"].rows == one.new
        ids = opened.table("contacts").contact_id.to_pyarrow().to_pylist()
    assert len(set(ids)) == len(ids) == one.new
    if file.suffix == ".csv":
        assert one.rows_in == counted(data)
        for reject in outcome.rejects:
            told_where_it_stands(reject, data)
    return "rejects" if one.rejected else "whole"


def counted(data: bytes) -> int:
    """How many rows another reader finds below the header."""
    text = as_text(data)
    delimiter = max(",;\t|", key=text.split("\n", 1)[0].count)
    return len([row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]) - 1


def as_text(data: bytes) -> str:
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        if encoding == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _plain(text: str) -> str:
    return re.sub(r"[^\x00-\x7f]", "?", text)


def told_where_it_stands(reject, data: bytes) -> None:
    """The value stands in the file from the line on that is told."""
    # A byte that is none of UTF-8 and of Windows-1252 may be any sign: which old code page it is, nobody can tell.
    lines = _plain(as_text(data)).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = _plain(reject.value).strip().replace("\r\n", "\n").replace("\r", "\n").split("\n")[0][:50]
    if first and "same key" not in reject.reason:
        rest = "\n".join(lines[reject.line - 1 : reject.line + 40])
        assert first in rest.replace('""', '"') or first.replace('"', "") in rest.replace('"', "")


def complaint(run) -> str | None:
    """What is said of input of no use; None where it is of use."""
    try:
        run()
    except (UnusableBookError, UnusableMappingError, UnusableSourceError) as error:
        return str(error)
    return None


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["book", "call_log", "genesys_conversations", "forecast_workbook"])
def test_spoiled_toml(tmp_path, name):
    """A book's definition and mappings, seeded."""
    chance = random.Random(f"{SEED} {name}")
    more = (
        '[private]\nprovider = ["contacts.agent_id", "contacts[team=x]"]\n[[kpi]]\nid = "service_level"\ntarget = 0.8\n'
    )
    good = (BOOK + more if name == "book" else shipped_mappings()[name]).encode()
    tomllib.loads(good.decode())
    refused = tries = 0
    until = time.monotonic() + PER_FORMAT_S / 3
    while time.monotonic() < until:
        tries += 1
        file = laid(tmp_path, "book.toml" if name == "book" else "mine.toml", spoiled(good, chance))
        said = complaint(
            lambda name=name, file=file: read_definition(tmp_path) if name == "book" else read_mapping(file)
        )
        assert said is None or file.name in said
        refused += said is not None
    assert 0 < refused < tries


@pytest.mark.long
@pytest.mark.timeout(600)
def test_spoiled_mappings_over_a_good_file(tmp_path):
    """A mapping that can still be read compiles and runs, or is refused; the engine's own words never come out."""
    chance = random.Random(f"{SEED} run")
    good = shipped_mappings()["call_log"].encode()
    log = "Call ID,Start,Wait,Outcome,Queue\n" + "".join(
        f"c{i},2026-01-{i % 28 + 1:02d} 10:00:00,0:00:{i % 60:02d},{'answered' if i % 2 else 'lost'},q\n"
        for i in range(40)
    )
    source = laid(tmp_path, "log.csv", log)
    empty = write_book(tmp_path / "empty")
    ends = {"ran": 0, "refused": 0}
    until = time.monotonic() + PER_FORMAT_S
    while time.monotonic() < until:
        file = laid(tmp_path, "mine.toml", spoiled(good, chance))
        book = Path(shutil.copytree(empty, tmp_path / "book", dirs_exist_ok=True))
        before = snapshot(book)
        said = complaint(
            lambda book=book, file=file: import_source(
                book, source, read_mapping(file), ImportRequest("Ana", AT, max_rejects=1.0)
            )
        )
        assert said is None or snapshot(book) == before
        assert "Binder" not in (said or "")
        assert "Parser" not in (said or "")
        ends["ran" if said is None else "refused"] += 1
        shutil.rmtree(book)
    assert min(ends.values()) > 0
