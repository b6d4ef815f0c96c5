"""A file of any kind becomes rows of text under its own headers, whatever its cells are made of."""

import gzip
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from comity.book.formats.detect import SourceFile, open_source_file
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import Sheet, UnusableSourceError, join_header_rows, unique_headers
from tests.builders.documented import write_workbook
from tests.builders.mappings import written


def rows(section: Sheet, *headers: str) -> list[tuple]:
    """The rows of a section, without their numbers."""
    wanted = [section.find(header) for header in headers] if headers else list(section.headers)
    found = [row for batch in section.batches(wanted) for row in batch.to_pylist()]
    return [tuple(list(row.values())[1:]) for row in found]


def opened(path: Path, **options: object) -> SourceFile:
    return open_source_file(path, FileOptions(**options))


# Delimited ----------------------------------------------------------------------------------------------------------


def test_a_quoted_cell_holds_delimiters_quotes_and_line_ends(tmp_path):
    section = opened(written(tmp_path, "a.csv", 'a,b\n"x, ""y""\nz",2\n')).sheets[0]
    assert rows(section) == [('x, "y"\nz', "2")]


def test_lines_are_those_of_the_file_whatever_cells_hold(tmp_path):
    section = opened(written(tmp_path, "a.csv", 'a,b\n"x\ny",1\nz,2\n')).sheets[0]
    assert section.lines([0, 1]) == {0: 2, 1: 4}


def test_a_title_above_the_header_is_skipped_by_number_or_by_what_the_header_has(tmp_path):
    path = written(tmp_path, "a.csv", "Weekly report,\nQueue,Calls\nCare,10\n")
    for options in ({"skip_rows": 1}, {"header_has": "Queue"}):
        assert rows(opened(path, **options).sheets[0]) == [("Care", "10")]


def test_a_header_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UnusableSourceError, match="no row holds 'Skill'"):
        opened(written(tmp_path, "a.csv", "Queue,Calls\nCare,10\n"), header_has="Skill")


def test_only_the_columns_that_are_wanted_are_read_and_in_their_order(tmp_path):
    section = opened(written(tmp_path, "a.csv", "a,b,c\n1,2,3\n")).sheets[0]
    assert rows(section, "c", "a", "c") == [("3", "1", "3")]


def test_large_files_are_read_block_by_block(tmp_path):
    lines = "".join(f"{number},{'x' * 60}\n" for number in range(150_000))
    section = opened(written(tmp_path, "a.csv", "n,t\n" + lines)).sheets[0]
    batches = list(section.batches(["n"]))
    assert len(batches) > 1
    assert [row for batch in batches for row in batch.column(0).to_pylist()] == list(range(150_000))


# Workbooks ----------------------------------------------------------------------------------------------------------


def test_cells_of_a_workbook_are_what_a_person_would_type(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        day, clock, span, share = (
            book.add_format({"num_format": form}) for form in ("yyyy-mm-dd hh:mm", "hh:mm:ss", "[h]:mm:ss", "0 %")
        )
        sheet.write_row(0, 0, ["text", "whole", "part", "flag", "moment", "clock", "span", "share", "sum"])
        sheet.write_string(1, 0, "007")
        sheet.write_number(1, 1, 42)
        sheet.write_number(1, 2, 1.25)
        sheet.write_boolean(1, 3, True)
        sheet.write_datetime(1, 4, datetime(2026, 1, 31, 9, 30), day)  # noqa: DTZ001 - a cell has no zone
        sheet.write_datetime(1, 5, time(9, 30, 15), clock)
        sheet.write_datetime(1, 6, timedelta(hours=26, minutes=15), span)
        sheet.write_number(1, 7, 0.76, share)
        sheet.write_formula(1, 8, "=B2+1", None, 43)
    (row,) = rows(opened(path).sheets[0])
    assert row[:5] == ("007", "42", "1.25", "true", "2026-01-31 09:30:00")
    assert row[5] in {"09:30:15", "9:30:15"}
    assert row[6:] == ("26:15:00", "0.76", "43")


def test_sheets_are_chosen_by_name_by_pattern_or_all_and_rows_tell_theirs(tmp_path):
    sheets = {"Cover": "Nothing,\n", "Q1": "a,b\n1,x\n", "Q2": "a,b\n,\n2,y\n"}
    write_workbook(tmp_path / "a.xlsx", sheets)
    assert [s.name for s in opened(tmp_path / "a.xlsx").sheets] == ["Q1"]  # the first with rows below its header
    assert [s.name for s in opened(tmp_path / "a.xlsx", sheet="q2").sheets] == ["Q2"]
    assert [s.name for s in opened(tmp_path / "a.xlsx", sheet="re:Q\\d").sheets] == ["Q1", "Q2"]
    assert [s.name for s in opened(tmp_path / "a.xlsx", sheet="all").sheets] == ["Cover", "Q1", "Q2"]
    last = opened(tmp_path / "a.xlsx", sheet="Q2").sheets[0]
    assert [batch.column(0).to_pylist() for batch in last.batches(["a"])] == [[3]]  # a blank row between
    with pytest.raises(UnusableSourceError, match="there is no sheet 'Q3'; its sheets are Cover, Q1, Q2"):
        opened(tmp_path / "a.xlsx", sheet="Q3")


def test_a_header_in_two_rows_reaches_right_but_not_past_its_own(tmp_path):
    write_workbook(tmp_path / "a.xlsx", {"S": "Queue,Calls,,Other,\n,Offered,Answered,,Note\nCare,1,2,3,4\n"})
    section = opened(tmp_path / "a.xlsx", header_rows=2).sheets[0]
    assert section.headers == ("Queue", "Calls Offered", "Calls Answered", "Other", "Other Note")


@pytest.mark.parametrize(
    ("header", "joined_to"),
    [
        ([["a", "", "b"], ["x", "y", ""]], ("a x", "a y", "b")),
        ([["", "", ""], ["x", "y", "z"]], ("x", "y", "z")),
        ([["a", "a", "a"], ["x", "x", "y"]], ("a x", "a x (2)", "a y")),
        ([["t", "", ""], ["a", "", "b"], ["x", "y", "z"]], ("t a x", "t a y", "t b z")),
    ],
)
def test_header_rows_are_joined_into_one_name_a_column(header, joined_to):
    assert join_header_rows(header) == joined_to


def test_headers_are_made_distinct_and_nameless_ones_are_numbered():
    assert unique_headers(["a", "A", "", "a"]) == ("a", "A (2)", "column 3", "a (3)")


# JSON and Parquet ---------------------------------------------------------------------------------------------------


def test_json_lines_may_be_packed(tmp_path):
    path = written(tmp_path, "a.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": 2.50}\n'))
    assert rows(opened(path).sheets[0], "a") == [("1",), ("2.50",)]


def test_a_line_that_is_no_json_is_set_aside_and_the_others_are_read(tmp_path):
    section = opened(written(tmp_path, "a.jsonl", '{"a": 1}\n{"a": \n{"a": 3}\n[1]\n')).sheets[0]
    assert rows(section, "a") == [("1",), ("3",)]
    assert [broken.line for broken in section.broken] == [2, 4]


def test_columns_of_parquet_are_what_a_person_would_type(tmp_path):
    table = pa.table(
        {
            "text": ["007", None],
            "whole": pa.array([42, 7], pa.int64()),
            "part": [1.25, 3.0],
            "money": pa.array([Decimal("12.50"), None], pa.decimal128(12, 2)),
            "flag": [True, False],
            "day": pa.array([date(2026, 1, 31), None], pa.date32()),
            "utc": pa.array([datetime(2026, 1, 31, 9, 30, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "local": pa.array([datetime(2026, 1, 31, 9, 30), None], pa.timestamp("ms")),  # noqa: DTZ001 - local
            "span": pa.array([timedelta(seconds=90), None], pa.duration("ms")),
            "kind": pa.array(["a", "a"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = rows(opened(tmp_path / "a.parquet").sheets[0])
    assert first[:6] == ("007", "42", "1.25", "12.50", "true", "2026-01-31")
    assert first[6].startswith("2026-01-31 09:30:00")
    assert first[6].endswith("Z")
    assert first[7].startswith("2026-01-31 09:30:00")
    assert first[8:] == ("90", "a")
    assert second == (None, "7", "3", None, "false", None, None, None, None, "a")


# Which kind it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"a,b\n1,2\n", "delimited"),
        ("a.txt", b"a\tb\n1\t2\n", "delimited"),
        ("a.csv", b'[{"a": 1}]', "json"),
        ("a.dat", b'{"a": 1}\n{"a": 2}\n', "json"),
        ("a.json", b'\xef\xbb\xbf{"a": [{"b": 1}]}', "json"),
    ],
)
def test_what_a_file_is_is_told_by_its_bytes(tmp_path, name, content, kind):
    assert opened(written(tmp_path, name, content)).kind == kind


def test_a_workbook_under_another_name_is_a_workbook(tmp_path):
    write_workbook(tmp_path / "a.csv", {"S": "a,b\n1,2\n"})
    assert opened(tmp_path / "a.csv").kind == "workbook"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.xlsx", b"a,b\n1,2\n", "is named as a workbook but is none"),
        ("a.parquet", b"a,b\n1,2\n", "is named as Parquet but is none"),
        ("a.json", b"a,b\n1,2\n", "is named as JSON but starts with no"),
    ],
)
def test_a_name_that_its_bytes_contradict_is_refused(tmp_path, name, content, told):
    with pytest.raises(UnusableSourceError, match=told):
        opened(written(tmp_path, name, content))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UnusableSourceError, match="is a folder; name the file in it"):
        opened(tmp_path)


def test_the_digest_is_that_of_the_bytes_as_they_lie(tmp_path):
    one, other = written(tmp_path, "a.csv", "a\n1\n"), written(tmp_path, "b.csv", "a\n1\n")
    assert opened(one).digest == opened(other).digest
    assert opened(written(tmp_path, "c.csv", "a\n2\n")).digest != opened(one).digest
