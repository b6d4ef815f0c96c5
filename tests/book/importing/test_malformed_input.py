"""Spoiled files of every format through `comity import`: a sentence that says what is wrong, or rejects; nothing else.

Each kind has a name. What `brought` and `tried` assert of all of them stands in `spoiling`.
"""

import bz2
import datetime as dt
import errno
import json
import lzma
import os
import re
import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from comity.book.importing import write
from comity.book.reading.open import open_book
from comity.book.storage import commit
from comity.cli import app
from tests.builders.malformed import (
    COUNT,
    GOOD,
    GOOD_BOOK_ROWS,
    HEADER,
    brought,
    laid,
    packed,
    records,
    sheet,
    snapshot,
    tried,
)
from tests.builders.turns import every, one_in
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


LINE = "x,2026-01-01T00:00:00Z,q,1,r"
HALF = "".join(GOOD_BOOK_ROWS.splitlines(keepends=True)[:20])
REST = "".join(GOOD_BOOK_ROWS.splitlines(keepends=True)[20:])
GZ = packed(GOOD)
JSON = json.dumps(records())
LINES = "\n".join(map(json.dumps, records())) + "\n"
SHEET = "xl/worksheets/sheet1.xml"


def with_record(text: str) -> str:
    """The good records and one more, as it is written."""
    return f"{JSON[:-1]},{text}]"


def in_sheet(old: bytes, new: bytes):
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[SHEET]
        parts[SHEET] = parts[SHEET].replace(old, new)

    return sheet(change=change)


def table(**columns):
    """A Parquet file of good rows, some columns replaced."""
    base = {"contact_id": [f"c{i}" for i in range(COUNT)], "opened_at": ["2026-01-02T10:00:00Z"] * COUNT}
    return lambda file: pq.write_table(pa.table(base | columns), file)


def without_cells(file: Path) -> None:
    import openpyxl

    openpyxl.Workbook().save(file)


def with_twenty_thousand_columns(file: Path) -> None:
    table(**{f"k{number}": [1] * COUNT for number in range(20_000)})(file)


def damaged(at: int, made=None):
    """A file of which some bytes are others."""

    def write(file: Path) -> None:
        (made or table())(file)
        data = bytearray(file.read_bytes())
        data[at : at + 12] = b"\xff" * 12
        file.write_bytes(data)

    return write


def broken_text(file: Path) -> None:
    """A text column with a byte that is no UTF-8, over which the engine would once search without end."""
    pq.write_table(pa.table({"contact_id": ["marked"], "opened_at": ["x"]}), file, compression="none")
    file.write_bytes(file.read_bytes().replace(b"marked", b"mar\xffed", 1))


def flipped_sheet(file: Path) -> None:
    """A workbook whose sheet is packed wrongly."""
    sheet()(file)
    with zipfile.ZipFile(file) as parts:
        place = parts.getinfo(SHEET).header_offset + 100
    data = bytearray(file.read_bytes())
    data[place] ^= 255
    file.write_bytes(data)


def cut(made, share: float):
    def write(file: Path) -> None:
        made(file)
        file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])

    return write


# Refused: the name of the kind, of the file, its content, and words of the sentence -----------------------------

REFUSED = [
    ("an empty file", "a.csv", b"", "is empty"),
    ("white space and nothing else", "a.csv", "  \n\n \n", "has no column contact_id"),
    ("a byte-order mark and nothing else", "a.csv", b"\xef\xbb\xbf", "no header"),
    ("gz cut off", "a.csv.gz", GZ[:-10], "broken off"),
    ("gz of which only the head came", "a.csv.gz", GZ[:10], "broken off"),
    ("gz with a wrong sum", "a.csv.gz", GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "damaged"),
    ("gz with a flipped byte", "a.csv.gz", GZ[:60] + bytes([GZ[60] ^ 255]) + GZ[61:], "damaged"),
    ("gz with rubbish behind it", "a.csv.gz", GZ + b"rubbish", "damaged"),
    ("gz with zeros behind it", "a.csv.gz", GZ + bytes(100), "cannot be read to its end"),
    ("gz in a gz", "a.csv.gz", packed(GZ), "zero bytes"),
    ("gz of nothing", "a.csv.gz", packed(""), "no header"),
    ("bzip2", "a.csv.bz2", bz2.compress(GOOD.encode()), "zero bytes"),
    ("xz", "a.csv.xz", lzma.compress(GOOD.encode()), "zero bytes"),
    ("zero bytes in text", "a.csv", GOOD + "n\0,2026-01-01T00:00:00Z,q,1,r\n", "zero bytes"),
    ("zero bytes alone", "a.csv", bytes(1000), "has no column"),
    ("every byte there is", "a.csv", bytes(range(256)) * 40, "zero bytes"),
    ("UTF-16 with half a character", "a.csv", GOOD.encode("utf-16") + b"a", "utf-16"),
    ("UTF-16 with half a pair", "a.csv", GOOD.encode("utf-16") + b"\x00\xd8", "utf-16"),
    ("UTF-8 that goes on in Latin-1", "a.csv", f"{GOOD}é,2026-01-01T00:00:00Z,q,1,r\n".encode() + b"\xf3,", "line 43"),
    (
        "Windows-1252 with a byte that it does not have",
        "a.csv",
        HEADER.encode() + b"y,2026-01-01T00:00:00Z,\xe9,1,r\n" + GOOD_BOOK_ROWS.encode() * 300 + b"\x81",
        "cp1252",
    ),
    ("the header is missing", "a.csv", GOOD_BOOK_ROWS, "has no column contact_id"),
    ("an unknown delimiter", "a.csv", GOOD.replace(",", "^"), "has no column"),
    ("a page of HTML", "a.csv", "<html><table><tr><td>contact_id</td></tr></table>", "has no column"),
    ("a PDF", "a.csv", b"%PDF-1.4\n" + bytes(range(128, 256)) * 10, "encoding cannot be told"),
    (
        "a quotation mark never closed, in the last column",
        "a.csv",
        f'{HEADER}{HALF}x,2026-01-01T00:00:00Z,q,1,"oops\n{REST}',
        "line 22: a quotation mark",
    ),
    (
        "a quotation mark never closed, in the middle",
        "a.csv",
        f'{HEADER}{HALF}x,2026-01-01T00:00:00Z,"q,1,oops\n{REST}',
        "line 22: a quotation mark",
    ),
    (
        "two quotation marks that make one cell of the rows between them",
        "a.csv",
        f'{HEADER}x,2026-01-01T00:00:00Z,q,1,"oops\n{HALF}y,2026-01-01T00:00:00Z,q,1,oops"\n{REST}',
        "line 2: a quotation mark opens a cell here that holds 21 further rows",
    ),
    ("a line of 9 MB", "a.csv", f"{GOOD}x,2026-01-01T00:00:00Z,q,1,{'z' * 9_000_000}\n", "line 42: is longer"),
    ("a cell of 10 MB", "a.csv", f'{GOOD}x,2026-01-01T00:00:00Z,q,1,"' + "z,z\n" * 2_500_000, "line 42"),
    ("a header of 17 MB", "a.csv", "z" * 17_000_000, "header does not end"),
    ("an XLSX that is text", "a.xlsx", GOOD, "is named as a workbook but is none"),
    ("an XLSX that is a packed CSV", "a.xlsx", lambda f: zipfile.ZipFile(f, "w").writestr("a", GOOD), "no workbook"),
    ("an XLSX that is an empty archive", "a.xlsx", lambda f: zipfile.ZipFile(f, "w").close(), "is none"),
    ("an XLSX cut in half", "a.xlsx", cut(sheet(), 0.5), "cannot be opened"),
    ("an XLSX without its end", "a.xlsx", cut(sheet(), 0.99), "cannot be opened"),
    ("an XLSX of four bytes", "a.xlsx", b"PK\x03\x04", "cannot be opened"),
    ("an XLSX with flipped bytes", "a.xlsx", flipped_sheet, "damaged"),
    ("an XLS that is none", "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "cannot be opened"),
    ("a workbook without its sheet", "a.xlsx", sheet(change=lambda p: p.pop(SHEET)), "cannot be opened"),
    ("a workbook without its list", "a.xlsx", sheet(change=lambda p: p.pop("xl/workbook.xml")), "no sheets"),
    (
        "a workbook whose list is empty",
        "a.xlsx",
        sheet(
            change=lambda p: p.update(
                {"xl/workbook.xml": re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", p["xl/workbook.xml"])}
            )
        ),
        "no sheets",
    ),
    ("a sheet without rows", "a.xlsx", without_cells, "no sheet with a header"),
    ("a sheet of broken XML", "a.xlsx", sheet(change=lambda p: p.update({SHEET: p[SHEET][:300]})), "cannot be opened"),
    ("a workbook without its texts", "a.xlsx", sheet(change=lambda p: p.pop("xl/sharedStrings.xml")), "opened"),
    ("a text that is not in the list", "a.xlsx", in_sheet(b"<v>5</v>", b"<v>99999999</v>"), "opened"),
    ("a cell nowhere", "a.xlsx", in_sheet(b'r="A5"', b'r="?!"'), "opened"),
    ("a cell in row 0", "a.xlsx", in_sheet(b'r="A5"', b'r="A0"'), "opened"),
    (
        "a cell in the farthest corner",
        "a.xlsx",
        in_sheet(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
        "1,048,576 rows and 16,384 columns",
    ),
    (
        "a packed bomb",
        "a.xlsx",
        sheet(change=lambda p: p.update({"xl/media/x": bytes(220 * 2**20)})),
        "would unpack to",
    ),
    ("JSON cut off", "a.json", JSON[:-50], "no whole JSON"),
    ("JSON with rubbish behind it", "a.json", f"{JSON}x", "no whole JSON"),
    ("two JSON documents", "a.json", JSON + JSON, "no whole JSON"),
    ("JSON with zero bytes behind it", "a.json", f"{JSON}\0\0", "no whole JSON"),
    ("JSON with a comment", "a.json", f"// x\n{JSON}", "starts with no"),
    ("JSON that is one number", "a.json", "42", "starts with no"),
    ("JSON in Latin-1", "a.json", JSON.replace('"q"', '"\xf3"').encode("latin1"), "no whole JSON"),
    ("JSON in UTF-16", "a.json", JSON.encode("utf-16"), "starts with no"),
    ("JSON with NaN", "a.json", with_record('{"contact_id":"x","handle_s":NaN}'), "no whole JSON"),
    ("JSON nested a hundred thousand deep", "a.json", "[" * 100_000, "nested more than"),
    ("JSON nested deep in a late record", "a.json", with_record(f'{{"a":{"[" * 5000}{"]" * 5000}}}'), "nested"),
    ("JSON with a number of 5,000 digits", "a.json", with_record(f'{{"contact_id":{"9" * 5000}}}'), "thousands"),
    ("JSON of an object with no list", "a.json", '{\n"a": 1\n}', "holds no list of records"),
    ("packed JSON cut off", "a.json.gz", packed(JSON)[:-9], "broken off"),
    ("JSON lines that begin broken", "a.jsonl", f'{{"contact_id":\n{LINES}', "no whole JSON"),
    ("a Parquet that is text", "a.parquet", GOOD, "is named as Parquet but is none"),
    ("a Parquet of four bytes", "a.parquet", b"PAR1", "cannot be read as Parquet"),
    ("a Parquet that is head and foot", "a.parquet", b"PAR1PAR1PAR1", "cannot be read as Parquet"),
    ("a Parquet cut off", "a.parquet", cut(table(), 0.9), "cannot be read as Parquet"),
    ("a Parquet with damaged rows", "a.parquet", damaged(30), "cannot be read as Parquet"),
    ("a Parquet with a damaged foot", "a.parquet", damaged(-60), "cannot be read as Parquet"),
    ("a Parquet of bytes that are no text", "a.parquet", table(queue=[b"\xff\xfe"] * COUNT), "cannot be read"),
    ("a Parquet of texts that are no UTF-8", "a.parquet", broken_text, "Invalid UTF8"),
    ("a Parquet without columns", "a.parquet", lambda f: pq.write_table(pa.table({}), f), "has no column"),
    (
        "a Parquet with two columns of one name",
        "a.parquet",
        lambda f: pq.write_table(
            pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["contact_id", "contact_id"]), f
        ),
        "two columns 'contact_id'",
    ),
    ("a folder", "a.csv", Path.mkdir, "is a folder"),
    ("a pipe", "a.csv", os.mkfifo if hasattr(os, "mkfifo") else Path.mkdir, "is "),
    ("an endless device", "a.csv", lambda f: f.symlink_to("/dev/zero"), "is "),
    ("a link to itself", "a.csv", lambda f: f.symlink_to(f.name), "cannot be read"),
    ("a link to nothing", "a.csv", lambda f: f.symlink_to("nothing"), "no such file"),
]


@pytest.mark.parametrize(
    ("name", "content", "words"), every(4, [one[1:] for one in REFUSED], unpack=True), ids=[one[0] for one in REFUSED]
)
def test_a_file_of_no_use_is_refused_in_one_sentence(book, name, content, words):
    ended = brought(book, laid(book.parent, name, content))
    assert ended.code == 2
    assert name in ended.error
    assert words in ended.error
    assert not (book / "contacts.parquet").exists()


# Taken, with rejects: rows new, and the rejects (line, column, value, words of the reason) ------------------------

WIDTH = " where the header has 5"
TAKEN = [
    ("a header and no rows", "a.csv", HEADER, 0, []),
    ("a header without a line end", "a.csv", HEADER.strip(), 0, []),
    ("no line end at the end", "a.csv", GOOD.strip(), COUNT, []),
    ("two byte-order marks", "a.csv", b"\xef\xbb\xbf" * 2 + GOOD.encode(), COUNT, []),
    ("UTF-16 without its mark", "a.csv", GOOD.encode("utf-16-le"), COUNT, []),
    ("UTF-32", "a.csv", GOOD.encode("utf-32"), COUNT, []),
    ("lines ended by CR", "a.csv", GOOD.replace("\n", "\r"), COUNT, []),
    ("lines ended by CR, CR and LF", "a.csv", GOOD.replace("\n", "\r\r\n"), COUNT, []),
    ("lines ended now so, now so", "a.csv", HEADER + HALF.replace("\n", "\r\n") + REST.replace("\n", "\r"), COUNT, []),
    ("a gz in two members", "a.csv.gz", packed(HEADER + HALF) + packed(REST), COUNT, []),
    ("a CSV that is named gz", "a.csv.gz", GOOD, COUNT, []),
    ("titles above the header", "a.csv", f"Report\n\n{GOOD}", COUNT, []),
    ("a line that names the delimiter", "a.csv", "sep=;\n" + GOOD.replace(",", ";"), COUNT, []),
    ("a foot below the rows", "a.csv", f"{GOOD}\nPage 1 of 1\n", COUNT, []),
    ("a blank line after each", "a.csv", GOOD.replace("\n", "\n\n"), COUNT, []),
    ("a line of spaces", "a.csv", f"{GOOD}   \n", COUNT, [(42, "", "   ", WIDTH)]),
    ("a line of commas", "a.csv", f"{GOOD},,,,\n", COUNT, [(42, "contact_id", "", "missing")]),
    ("a row cut by another delimiter", "a.csv", f"{GOOD}{LINE.replace(',', ';')}\n", COUNT, [(42, "", None, WIDTH)]),
    ("a row too wide", "a.csv", f"{GOOD}{LINE},more\n", COUNT, [(42, "", f"{LINE},more", WIDTH)]),
    ("a row too short", "a.csv", f"{GOOD}x,2026\n", COUNT, [(42, "", "x,2026", WIDTH)]),
    (
        "a delimiter too many on each row",
        "a.csv",
        HEADER + HALF.replace("\n", ",\n"),
        0,
        [(line, "", None, WIDTH) for line in range(2, 22)],
    ),
    ("the header again, further down", "a.csv", GOOD + HEADER, COUNT, [(42, "opened_at", "opened_at", "no")]),
    (
        "two files, one after the other",
        "a.csv",
        GOOD.encode() + b"\xef\xbb\xbf" + HEADER.encode(),
        COUNT,
        [(42, "opened_at", "opened_at", "no")],
    ),
    (
        "a cell over several lines does not move the lines of others",
        "a.csv",
        f'{HEADER}x,2026-01-01T00:00:00Z,q,1,"a\nb\n\nc"\ny,never,q,1,r\n{REST}',
        21,
        [(6, "opened_at", "never", "not a date and time")],
    ),
    ("a quotation mark within a cell", "a.csv", f'{GOOD}x,2026-01-01T00:00:00Z,5" pipe,1,r\n', COUNT + 1, []),
    ("a header twice", "a.csv", GOOD.replace("reason", "queue", 1), COUNT, []),
    (
        "a key twice, the content another",
        "a.csv",
        f"{GOOD}c1,2026-02-02T10:00:00Z,q,12,r\n",
        COUNT,
        [(42, "contact_id", "c1", "the same key as a row further up")],
    ),
    (
        "twenty thousand columns",
        "a.csv",
        HEADER.strip()
        + "".join(f",a_column_of_no_use_{i}" for i in range(20_000))
        + "\n"
        + GOOD_BOOK_ROWS.replace("\n", "," * 20_000 + "\n"),
        COUNT,
        [],
    ),
    ("a workbook that is named CSV", "a.csv", sheet(), COUNT, []),
    (
        "a workbook that claims to be huge",
        "a.xlsx",
        in_sheet(b'<dimension ref="A1:E41"', b'<dimension ref="A1:XFD1048576"'),
        COUNT,
        [],
    ),
    (
        "a workbook with parts that would climb out",
        "a.xlsx",
        sheet(change=lambda p: p.update({"../../x": b"x"})),
        COUNT,
        [],
    ),
    (
        "errors of the sheet",
        "a.xlsx",
        sheet(
            ["e1", "2026-01-02T10:00:00Z", "#REF!", 1, "r"],
            ["#N/A", "2026-01-02T10:00:00Z", "q", 1, "r"],
            ["e3", "#VALUE!", "q", 1, "r"],
            ["e4", "2026-01-02T10:00:00Z", "q", "#DIV/0!", "r"],
        ),
        COUNT,
        [
            (42, "queue", "#REF!", "an error of the spreadsheet"),
            (43, "contact_id", "#N/A", "an error of the spreadsheet"),
            (44, "opened_at", "#VALUE!", "not a date and time"),
            (45, "handle_s", "#DIV/0!", "not a number"),
        ],
    ),
    (
        "cells that are errors of the sheet",
        "a.xlsx",
        in_sheet(b'<c r="D5" t="s"><v>8</v></c>', b'<c r="D5" t="e"><v>#DIV/0!</v></c>'),
        COUNT - 1,
        [(5, "handle_s", "#DIV/0!", "not a number")],
    ),
    (
        "texts made of entities",
        "a.xlsx",
        sheet(
            change=lambda p: p.update(
                {
                    SHEET: p[SHEET]
                    .replace(b"?>", b'?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>', 1)
                    .replace(b'<c r="A5" t="s"><v>9</v></c>', b'<c r="A5" t="str"><v>&b;</v></c>')
                }
            )
        ),
        None,
        None,
    ),
    (
        "days and times where an instant should be",
        "a.xlsx",
        sheet(
            ["d1", dt.date(2026, 1, 2).isoformat(), "q", 1, "r"], ["d2", -5.5, "q", 1, "r"], ["d3", 1e300, "q", 1, "r"]
        ),
        COUNT,
        [(row, "opened_at", None, "not a date and time") for row in (42, 43, 44)],
    ),
    ("JSON with a byte-order mark", "a.json", b"\xef\xbb\xbf" + JSON.encode(), COUNT, []),
    ("an empty JSON list", "a.json", "[]", 0, []),
    ("JSON of an empty object", "a.json", "{}", 0, [(1, "contact_id", "", "missing")]),
    (
        "JSON records that are none",
        "a.json",
        f'{JSON[:-1]},1,"x",null,[1]]',
        COUNT,
        [(line, "", None, "no JSON object") for line in (41, 42, 43, 44)],
    ),
    (
        "a JSON record that says something twice",
        "a.json",
        with_record('{"contact_id":"x","contact_id":"y","opened_at":"2026-01-02"}'),
        COUNT,
        [(41, "", None, "says 'contact_id' twice")],
    ),
    (
        "a JSON record that says something twice within",
        "a.json",
        with_record('{"a":{"b":1,"b":2}}'),
        COUNT,
        [(41, "", None, "says 'b' twice")],
    ),
    (
        "an object where a number should be",
        "a.json",
        with_record('{"contact_id":"x","opened_at":"2026-01-02T10:00:00Z","handle_s":{"a":1}}'),
        COUNT,
        [(41, "handle_s", '{"a": 1}', "not a number")],
    ),
    (
        "a JSON number beyond all others",
        "a.json",
        with_record('{"contact_id":"x","opened_at":"2026-01-02T10:00:00Z","handle_s":1e400}'),
        COUNT,
        [(41, "handle_s", "1E+400", "not a finite number")],
    ),
    (
        "half a character in JSON",
        "a.json",
        with_record('{"contact_id":"\\ud800","opened_at":"2026-01-02T10:00:00Z"}'),
        COUNT + 1,
        [],
    ),
    (
        "a zero sign in JSON",
        "a.json",
        with_record('{"contact_id":"a\\u0000b","opened_at":"2026-01-02T10:00:00Z"}'),
        COUNT + 1,
        [],
    ),
    (
        "JSON lines: one is cut off",
        "a.jsonl",
        f'{LINES}{{"contact_id":\n',
        COUNT,
        [(41, "", '{"contact_id":', "no JSON")],
    ),
    ("JSON lines: one is a list", "a.jsonl", f"{LINES}[1,2]\n", COUNT, [(41, "", "[1,2]", "no JSON object")]),
    (
        "JSON lines: one is nested without end",
        "a.jsonl",
        f"{LINES}{'[' * 100_000}\n",
        COUNT,
        [(41, "", None, "no JSON")],
    ),
    (
        "JSON lines: one in Latin-1",
        "a.jsonl",
        LINES.encode() + b'{"contact_id":"\xf3"}\n',
        COUNT,
        [(41, "", None, "no JSON")],
    ),
    (
        "JSON lines: one counts without end",
        "a.jsonl",
        f'{LINES}{{"a":{"9" * 5000}}}\n',
        COUNT,
        [(41, "", None, "no JSON")],
    ),
    (
        "JSON lines: one says something twice",
        "a.jsonl",
        f'{LINES}{{"a":1,"a":2}}\n',
        COUNT,
        [(41, "", None, "says 'a' twice")],
    ),
    (
        "JSON lines: NaN",
        "a.jsonl",
        f'{LINES}{{"contact_id":"x","opened_at":"2026-01-02T10:00:00Z","handle_s":NaN}}\n',
        COUNT,
        [(41, "handle_s", "NaN", "not a finite number")],
    ),
    (
        "a Parquet without rows",
        "a.parquet",
        lambda f: pq.write_table(pa.table({n: pa.array([], pa.string()) for n in ("contact_id", "opened_at")}), f),
        0,
        [],
    ),
    (
        "a Parquet with twenty thousand columns",
        "a.parquet",
        with_twenty_thousand_columns,
        COUNT,
        [],
    ),
    ("a Parquet with lists and maps", "a.parquet", table(queue=[{"a": 1}] * COUNT, reason=[[1, 2]] * COUNT), COUNT, []),
    (
        "a Parquet with infinities",
        "a.parquet",
        table(handle_s=[float("inf"), float("nan")] + [1.0] * 38),
        38,
        [(1, "handle_s", "inf", "not a finite"), (2, "handle_s", "nan", "not a finite")],
    ),
    (
        "a Parquet with an instant that no calendar has",
        "a.parquet",
        table(opened_at=pa.array([2**62] * COUNT, pa.timestamp("ms"))),
        0,
        [(line, "opened_at", str(2**62), "not a date and time") for line in range(1, COUNT + 1)],
    ),
    ("a Parquet with half numbers", "a.parquet", table(handle_s=pa.array([5.0] * COUNT, pa.float16())), COUNT, []),
]


@pytest.mark.parametrize(("name", "content", "new", "rejects"), one_in(4, TAKEN))
def test_a_spoiled_row_is_set_aside_with_its_place_and_the_others_are_all_taken(book, name, content, new, rejects):
    ended = brought(book, laid(book.parent, name, content))
    if new is None:  # either is fine, so long as it is said
        return
    assert ended.code == (1 if rejects else 0)
    assert ended.counts == (new, len(rejects))
    for found, wanted in zip(ended.rejects, rejects, strict=True):
        assert found[:2] == wanted[:2]
        assert wanted[2] is None or found[2] == wanted[2]
        assert wanted[3] in found[3]
    with open_book(book, JOINT) as opened:
        assert opened.holdings["contacts"].rows == new


def test_a_duration_of_another_unit_is_no_other_duration(book):
    """Five seconds are five seconds, also where they are counted in thousandths."""
    file = laid(book.parent, "a.parquet", table(handle_s=pa.array([5000] * COUNT, pa.duration("ms"))))
    assert brought(book, file).counts == (COUNT, 0)
    with open_book(book, JOINT) as opened:
        assert set(opened.table("contacts").handle_s.to_pyarrow().to_pylist()) == {5.0}


def test_formulas_that_nobody_worked_out_are_told(book):
    def write(file: Path) -> None:
        import openpyxl

        made = openpyxl.Workbook()
        made.active.append(HEADER.strip().split(","))
        made.active.append(["c1", "2026-01-02T10:00:00Z", "=1+1", 12, "r"])
        made.save(file)

    ended = brought(book, laid(book.parent, "a.xlsx", write))
    assert ended.counts == (1, 0)
    assert "1 cell holds a formula that was never worked out" in ended.told["notes"][0]


# Values: each kind is one row of one file -------------------------------------------------------------------------

NO_INSTANT = "not a date and time"
NO_NUMBER = "not a number"
VALUES = [
    ("opened_at", "2026-02-30T10:00:00Z", NO_INSTANT),
    ("opened_at", "2026-13-01T00:00:00Z", NO_INSTANT),
    ("opened_at", "2026-02-29", NO_INSTANT),
    ("opened_at", "0000-00-00", NO_INSTANT),
    ("opened_at", "0000-01-01T00:00:00Z", "not between 1900 and 2200"),
    ("opened_at", "1899-12-31T23:59:59Z", "not between 1900 and 2200"),
    ("opened_at", "2200-01-01T00:00:00Z", "not between 1900 and 2200"),
    ("opened_at", "9999-12-31T23:59:59Z", "not between 1900 and 2200"),
    ("opened_at", "2026-01-02T25:00:00Z", NO_INSTANT),
    ("opened_at", "2026-01-02T10:60:00Z", NO_INSTANT),
    ("opened_at", "2026-01-02T23:59:60Z", NO_INSTANT),
    ("opened_at", "2026-03-29T02:30:00", "a time that does not exist in Europe/Madrid"),
    ("opened_at", "2026-01-02T10:00:00+99:00", NO_INSTANT),
    ("opened_at", "2026-01-02T10:00:00+05:90", NO_INSTANT),
    ("opened_at", "-2026-01-02T10:00:00Z", NO_INSTANT),
    ("opened_at", "02026-01-02T10:00:00Z", NO_INSTANT),
    ("opened_at", "2026-01-02 BC", NO_INSTANT),
    ("opened_at", "\uff12\uff10\uff12\uff16-01-02T10:00:00Z", NO_INSTANT),
    ("opened_at", "infinity", NO_INSTANT),
    ("opened_at", "epoch", NO_INSTANT),
    ("opened_at", "now", NO_INSTANT),
    ("opened_at", "46000.5", NO_INSTANT),
    ("opened_at", "1.2.2026", NO_INSTANT),
    ("opened_at", "2026-W05", NO_INSTANT),
    ("opened_at", "'2026-01-02T10:00:00Z", NO_INSTANT),
    ("opened_at", "2026-01-02T10:00:00Z'; DROP TABLE x;--", NO_INSTANT),
    ("answered_at", "2026-01-01T23:59:59Z", "answered_at before opened_at"),
    ("abandoned_at", "2026-01-01T23:59:59Z", "abandoned_at before opened_at"),
    ("resolved_at", "2026-01-01T23:59:59Z", "resolved_at before opened_at"),
    ("handle_s", "-1", "negative"),
    ("handle_s", "1e400", "not a finite number"),
    ("handle_s", "-1e400", "not a finite number"),
    ("handle_s", "NaN", "not a finite number"),
    ("handle_s", "inf", "not a finite number"),
    ("handle_s", "1e16", "too large"),
    ("handle_s", "9" * 40, "too large"),
    ("handle_s", "1" + "0" * 400, "not a finite number"),
    ("handle_s", "1_000", NO_NUMBER),
    ("handle_s", "0x10", NO_NUMBER),
    ("handle_s", "1,5", NO_NUMBER),
    ("handle_s", "\u0661\u0662", NO_NUMBER),
    ("handle_s", "=1+1", NO_NUMBER),
    ("handle_s", "1 or 1=1", NO_NUMBER),
    ("transfers", "1.5", "not a whole number"),
    ("transfers", "-1", "negative"),
    ("transfers", "1e13", "too large"),
    ("sla_met", "maybe", "neither true nor false"),
    ("outcome", "lost", "not one of answered"),
    ("outcome", "=answered", "not one of answered"),
    ("contact_id", "\u00a0", "missing"),
    ("queue", "#REF!", "an error of the spreadsheet"),
]
COLUMNS = ["contact_id", "opened_at", "queue", "handle_s", "answered_at", "abandoned_at", "resolved_at", "transfers"]
COLUMNS += ["sla_met", "outcome"]


@pytest.fixture(scope="module")
def of_values(tmp_path_factory):
    book = write_book(tmp_path_factory.mktemp("values") / "book")
    lines = [",".join(COLUMNS)]
    for number, (column, value, _) in enumerate(VALUES):
        row = {"contact_id": f"x{number}", "opened_at": "2026-01-02T00:00:00Z", column: value}
        lines.append(",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in COLUMNS))
    lines += [f"c{i},2026-01-02T00:00:00Z,,,,,,,," for i in range(COUNT)]
    ended = brought(book, laid(book.parent, "a.csv", "\n".join(lines) + "\n"))
    return ended, {line: (column, value, reason) for line, column, value, reason in ended.rejects}


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[f"{column} {value[:30]!a}" for column, value, _ in VALUES])
def test_a_value_that_cannot_be_is_set_aside_with_its_place(of_values, number):
    column, value, reason = VALUES[number]
    found = of_values[1][number + 2]
    assert found[:2] == (column, value.strip("\u00a0")[:200])
    assert reason in found[2]


def test_no_other_row_is_set_aside(of_values):
    assert of_values[0].counts == (COUNT, len(VALUES))


# Texts that mean harm come in as texts, and go out as texts -------------------------------------------------------

HARMFUL = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "../../etc/passwd",
    "'; DROP TABLE x;--",
    "{}%s%n",
    "a\u202eb",
]


def test_harmful_texts_stay_texts_in_the_book_and_in_the_terminal(book):
    lines = [f'h{i},2026-01-02T10:00:00Z,"{text}",1,r' for i, text in enumerate([*HARMFUL, "\x1b[31mred"])]
    file = laid(book.parent, "a.csv", HEADER + "\n".join(lines) + "\n")
    shown = tried(book, "import", file, "--as", "contacts", "--into", book, "--dry-run")
    assert all(line.isprintable() for line in shown.output.splitlines())
    assert brought(book, file).counts == (len(lines), 0)
    with open_book(book, JOINT) as opened:
        assert {*HARMFUL} < set(opened.table("contacts").queue.to_pyarrow().to_pylist())


def test_formulas_in_names_are_inert_in_the_workbook_of_a_review(tmp_path):
    toml = """[book]
name = "=1+1"
[parties.customer]
id = "a"
name = "=cmd|' /C calc'!A0"
[review]
period = "month"
[[kpi]]
id = "sla_attainment"
queues = ["*"]
"""
    rows = "".join(
        f'c{month}{i},2026-0{month}-{i % 27 + 1:02d}T10:00:00Z,"=HYPERLINK(""x"")",2026-0{month}-28T00:00:00Z,'
        f"2026-0{month}-{28 + i % 2}T00:00:00Z\n"
        for month in (1, 3, 4, 5)
        for i in range(60)
    )
    book = write_book(tmp_path / "book", toml)
    (book / "contacts.csv").write_text("contact_id,opened_at,queue,due_at,resolved_at\n" + rows)
    ended = tried(book, "review", book, "--format", "xlsx", "-o", tmp_path / "r.xlsx", "--period", "2026-04")
    assert ended.code == 0, ended.error
    import openpyxl

    cells = [cell for page in openpyxl.load_workbook(tmp_path / "r.xlsx") for row in page for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f" and "=1+1" in str(cell.value)] == []
    assert [cell.value for cell in cells if cell.data_type == "f" and "HYPERLINK" in str(cell.value)] == []
    assert any(cell.data_type == "s" and "=1+1" in str(cell.value) for cell in cells)


# The disk, the file system, names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["the list of changes", "the table"])
def test_a_full_disk_leaves_the_book_as_before(book, monkeypatch, place):
    brought(book, laid(book.parent, "a.csv", GOOD))
    before = snapshot(book)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def engine_full(*_: object) -> None:
        raise duckdb.IOException("Could not write: No space left on device")

    if place == "the table":
        monkeypatch.setattr(write._Writer, "_copy", engine_full)
    else:
        monkeypatch.setattr(commit.os, "fsync", full)
    file = laid(book.parent, "b.csv", GOOD.replace(",r\n", ",s\n"))
    ended = brought(book, file)
    assert ended.code == 2
    assert "No space left on device" in ended.error
    monkeypatch.undo()
    assert snapshot(book) == before
    assert brought(book, file).told["delivery"]["updated"] == COUNT


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to this user")
@pytest.mark.parametrize("what", ["the file", "the book"])
def test_what_may_not_be_read_or_written_is_named(book, what):
    file = laid(book.parent, "a.csv", GOOD)
    locked = file if what == "the file" else book
    locked.chmod(0o500 if locked is book else 0)
    ended = brought(book, file)
    locked.chmod(0o700)
    assert ended.code == 2
    assert locked.name in ended.error


@pytest.mark.parametrize("name", ["a*[1]?.csv", "..a...csv", "a'b;--.csv", "-a.csv", "%s{}%20.csv", "a" * 240 + ".csv"])
def test_a_file_may_be_called_what_it_likes(book, name):
    assert brought(book, laid(book.parent, name, GOOD), "contacts").counts == (COUNT, 0)


def test_what_would_steer_a_terminal_stays_out_of_what_is_told(book):
    file = laid(book.parent, "a\x1b[31m\nb.csv", GOOD.replace("reason", "\x1b[2J"))
    ended = tried(book, "import", file, "--as", "contacts", "--into", book)
    assert ended.code == 0
    assert all(line.isprintable() for line in ended.output.splitlines())
    ended = tried(book, "import", file, "--as", "surveys", "--into", book)
    assert ended.code == 2


@pytest.mark.parametrize(
    "folder", every(3, ["bo*ok[2026]?", "queue=x", "year=2026", "bo'ok\"", "bo ok", "böök", "{}%s"])
)
def test_a_book_may_lie_anywhere(tmp_path, folder):
    """A folder called `queue=x` would be a column to some engines."""
    book = write_book(tmp_path / folder / "book")
    assert brought(book, laid(tmp_path, "a.csv", GOOD)).counts == (COUNT, 0)
    assert brought(book, laid(tmp_path, "b.csv", GOOD + LINE + "\n")).counts == (1, 0)
    with open_book(book, JOINT) as opened:
        assert set(opened.table("contacts").queue.to_pyarrow().to_pylist()) == {"q"}
    assert tried(book, "check", book).code == 0


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_text_is_refused(book):
    file = laid(book.parent, "a\udcff.csv", GOOD)
    assert "not UTF-8" in brought(book, file).error


@pytest.mark.parametrize("share", ["nan", "2", "-1", "x"])
def test_a_share_that_is_none_is_refused(book, share):
    file = laid(book.parent, "a.csv", GOOD)
    arguments = ["import", str(file), "--as", "contacts", "--into", str(book), "--max-rejects", share]
    assert CliRunner().invoke(app, arguments).exit_code == 2
    assert not (book / "contacts.parquet").exists()
