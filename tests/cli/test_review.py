"""`comity review`: five forms, two languages, whose view, and how it ends."""

import io
import json

import jsonschema
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from comity.cli import app
from comity.cli.review import readers_language
from comity.review.faces.contract import schema
from tests.cast import write_book
from tests.review.books import KPI, two_months

RUN = CliRunner()
JUNE = ("--period", "2026-06")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return two_months(tmp_path_factory.mktemp("review") / "book")


def review(*options):
    return RUN.invoke(app, ["review", *map(str, options)])


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_terminal_s_page_fits_eighty_columns(book, language):
    done = review(book, *JUNE, "--language", language)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert ("90.0 %" if language == "en" else "90,0 %") in done.stdout.replace("\u00a0", " ").replace("\u202f", " ")


def test_json_is_what_the_schema_says(book):
    told = json.loads(review(book, *JUNE, "--format", "json").stdout)
    jsonschema.validate(told, schema())
    (level,) = told["levels"]
    assert (level["value"], level["of"], level["met"]) == (0.9, {"num": 270, "den": 300}, True)


def test_html_is_one_page_of_its_own(book, tmp_path):
    file = tmp_path / "review.html"
    done = review(book, *JUNE, "-f", "html", "-o", file)
    assert done.exit_code == 0
    assert "review.html" in done.stderr
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert all(mark not in page for mark in ("<script src", '<link rel="stylesheet"', "https://", "http://www"))


def test_an_analyst_can_recompute_a_level_from_the_workbook(book):
    done = review(book, *JUNE, "-f", "xlsx")
    assert done.exit_code == 0
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(done.stdout_bytes))
    names, row = sheets.get_sheet_by_name("Levels").to_python()[:2]
    level = dict(zip(names, row, strict=True))
    assert (level["Numerator"], level["Denominator"]) == (270, 300)
    assert level["Value"] == level["Numerator"] / level["Denominator"]


def test_pdf_where_it_can_be_made(book, tmp_path):
    file = tmp_path / "review.pdf"
    done = review(book, *JUNE, "-f", "pdf", "-o", file)
    if done.exit_code == 2:
        assert "comity doctor" in done.stderr
        pytest.skip("the system has no pango")
    assert file.read_bytes()[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--period", "June"), "2026-05"),
        (("--with", "nowhere", "--as", "customer"), "is not a folder"),
        (("--with", "."), "say whose"),
        ((*JUNE, "-f", "html", "-o", "no/such/folder/review.html"), "cannot be written"),
        ((), "hold no whole quarter"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(book, options, says):
    done = review(book, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_without_a_book_and_a_book_without_records(tmp_path):
    assert "book.toml" in review(tmp_path).stderr
    empty = review(write_book(tmp_path / "book", KPI))
    assert (empty.exit_code, "comity import" in empty.stderr) == (2, True)


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "es_ES.UTF-8"}, "es"), ({"LC_ALL": "C", "LANG": "es_ES"}, "en"), ({}, "en"), ({"LANG": "de_DE"}, "en")],
)
def test_the_language_is_the_reader_s(environment, language):
    assert readers_language(environment).value == language
