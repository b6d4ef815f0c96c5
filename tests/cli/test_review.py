"""`comity review`: six formats, two languages, whose view, and how it ends."""

import io
import json
import shutil
import zipfile

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from comity.cli import app
from comity.cli.review import readers_language
from comity.review.render.json import schema
from tests.builders import logos
from tests.builders.review_books import KPI, two_months
from tests.builders.turns import every, one_in
from tests.cast import write_book

RUN = CliRunner()
JUNE = ("--period", "2026-06")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return two_months(tmp_path_factory.mktemp("review") / "book")


def review(*options):
    return RUN.invoke(app, ["review", *map(str, options)])


@pytest.mark.parametrize("form", one_in(3, [(form, form) for form in ("pptx", "board", "pdf")]))
@pytest.mark.gate
def test_the_logos_of_a_book_are_shown_and_what_is_no_image_is_left_out(tmp_path, book, form):
    """`logos/customer.png` is a PNG, `logos/provider.png` a text: the review has one picture, and no error."""
    copy = tmp_path / "book"
    shutil.copytree(book, copy)
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert review(copy, *JUNE, "--format", form, "-o", plain).exit_code == 0
    (copy / "logos").mkdir()
    (copy / "logos" / "customer.png").write_bytes(logos.png())
    (copy / "logos" / "provider.png").write_text("no image")
    ended = review(copy, *JUNE, "--format", form, "-o", out)
    assert ended.exit_code == 0, ended.output

    def pictures(file):
        if form == "pptx":
            return sum("media/" in name for name in zipfile.ZipFile(file).namelist())
        return file.read_bytes().count(b"/Subtype /Image")

    assert (pictures(plain), pictures(out)) == (0, 1)


HOSTILE = '=HYPERLINK("x")', "+1+cmd", "-2-3", "@SUM(A1)"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Names that a spreadsheet could take for formulas: a book, both parties, a KPI, a file."""
    book, customer, provider, kpi = map(json.dumps, HOSTILE)
    toml = f'[book]\nname = {book}\ncurrency = "EUR"\ntimezone = "Europe/Madrid"\n'
    toml += f'[parties.customer]\nid = "c"\nname = {customer}\n[parties.provider]\nid = "p"\nname = {provider}\n'
    toml += KPI.replace('id = "service_level"', f'id = {kpi}\nmeasure = "service_level"')
    return two_months(tmp_path_factory.mktemp("hostile") / "book", toml)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One agent that the provider keeps to itself, one reason that the customer does."""
    toml = KPI + '[private]\nprovider = ["contacts.agent_id"]\ncustomer = ["invoices"]\n'
    folder = two_months(tmp_path_factory.mktemp("kept") / "book", toml)
    write_book(
        folder,
        toml,
        private__customer__invoices="month,account_id,service,quantity,unit_price\n2026-06,secret-account,secret-care,7,1111.11",
    )
    return folder


WRITTEN = {
    "terminal": "●".encode(),
    "json": b"{",
    "html": b"<!doctype html>",
    "pdf": b"%PDF-",
    "board": b"%PDF-",
    "xlsx": b"PK",
}


@pytest.mark.gate
@pytest.mark.parametrize("language", ["en", pytest.param("es", marks=pytest.mark.long)])
@pytest.mark.parametrize("form", sorted(WRITTEN))
def test_six_forms_in_two_languages_to_a_file_and_to_standard_output(book, tmp_path, form, language):
    if form in {"pdf", "board"}:
        pytest.importorskip("weasyprint", exc_type=OSError, reason="the system has no pango")
    file = tmp_path / f"review.{form}"
    to_file = review(book, *JUNE, "-f", form, "--language", language, "-o", file)
    assert (to_file.exit_code, to_file.stdout) == (0, "")
    assert file.name in to_file.stderr
    assert len(to_file.stderr.splitlines()) == 1
    written = file.read_bytes()
    assert written.startswith(WRITTEN[form])
    told = review(book, *JUNE, "-f", form, "--language", language)
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout_bytes == written


@pytest.mark.parametrize("view", ["customer", "provider", "joint"])
@pytest.mark.parametrize("form", every(3, ["terminal", "json", "html", "xlsx"]))
def test_each_side_sees_what_it_keeps_and_nobody_else_does(kept, view, form):
    done = review(kept, *JUNE, "--as", view, "-f", form, "--full")
    assert done.exit_code == 0, done.output
    text = done.stdout_bytes.decode(errors="replace")
    if form == "xlsx":
        sheets = CalamineWorkbook.from_filelike(io.BytesIO(done.stdout_bytes))
        text = str([sheets.get_sheet_by_name(name).to_python() for name in sheets.sheet_names])
    assert ("private/customer/invoices.csv" in text) == (view == "customer")
    assert "secret-" not in text  # a review names no account, whoever reads it


def test_who_stands_on_no_side_is_no_viewer(book):
    done = review(book, *JUNE, "--as", "stranger")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_names_that_look_like_formulas_are_texts_in_every_form(hostile):
    import openpyxl

    for form in ("terminal", "json", "html"):
        done = review(hostile, *JUNE, "-f", form)
        assert (done.exit_code, done.exception) == (0, None), form
    done = review(hostile, *JUNE, "-f", "xlsx")
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(done.stdout_bytes))
    cells = [cell for name in sheets.sheet_names for row in sheets.get_sheet_by_name(name).to_python() for cell in row]
    assert set(HOSTILE) <= set(cells)
    read = openpyxl.load_workbook(io.BytesIO(done.stdout_bytes))
    planted = [cell for sheet in read for row in sheet.iter_rows() for cell in row if cell.value in HOSTILE]
    assert planted
    assert {(cell.data_type, cell.quotePrefix) for cell in planted} == {("s", True)}


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_terminal_s_page_fits_eighty_columns(book, language):
    done = review(book, *JUNE, "--language", language)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert ("90.0 %" if language == "en" else "90,0 %") in done.stdout.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("language", ["en", "es"])
def test_json_is_what_the_schema_says(book, language):
    import jsonschema

    told = json.loads(review(book, *JUNE, "--format", "json", "--language", language).stdout)
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
    names, *rows = sheets.get_sheet_by_name("Variants").to_python()
    column = {name: at for at, name in enumerate(names)}
    assert [row[column["Variant"]] for row in rows] == ["V1", "V2", "V3", "V4", "V5", "V6"]
    for row in rows:
        assert row[column["Value"]] == row[column["Numerator"]] / row[column["Denominator"]]


@pytest.mark.gate
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
        (("--period", "2026-13"), "is not a period"),
        (("--with", "nowhere", "--as", "customer"), "is not a folder"),
        (("--with", "."), "add --as customer"),
        ((*JUNE, "-f", "html", "-o", "no/such/folder/review.html"), "cannot be written"),
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


@pytest.mark.parametrize("toml", ["[book\n", "", "[book]\nname = 7\n", "[surprise]\n", "\x00\xff"])
@pytest.mark.parametrize("form", sorted(WRITTEN))
def test_a_book_that_cannot_be_used_is_one_sentence_whatever_was_asked_for(tmp_path, toml, form):
    (tmp_path / "book.toml").write_bytes(toml.encode("latin-1"))
    done = review(tmp_path, "-f", form, "-o", tmp_path / "review")
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "book.toml" in done.stderr
    assert not (tmp_path / "review").exists()


def test_a_file_that_is_no_folder_and_a_folder_that_is_no_file(book, tmp_path):
    file = tmp_path / "file"
    file.write_text("no book")
    assert "is not a folder" in review(file).stderr
    done = review(book, *JUNE, "-f", "html", "-o", tmp_path)
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "es_ES.UTF-8"}, "es"), ({"LC_ALL": "C", "LANG": "es_ES"}, "en"), ({}, "en"), ({"LANG": "de_DE"}, "en")],
)
def test_the_language_is_the_reader_s(environment, language):
    assert readers_language(environment).value == language


def test_a_period_that_has_not_begun_is_one_clear_line(book):
    done = review(book, "--period", "2030-Q1")
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "comity: 2030-Q1 has not begun; the records hold the whole of 2026-05, 2026-06; leave --period out"
    )
    assert review(book).exit_code == 0


def test_a_period_without_records_is_told_in_every_form(book, tmp_path):
    file = tmp_path / "review.json"
    done = review(book, "--period", "2019-05", "-f", "json", "-o", file)
    assert done.exit_code == 1
    assert "nothing can be said of 2019-05; the records hold the whole of 2026-05, 2026-06; leave" in done.stderr
    assert json.loads(file.read_text())["levels"] == []
    assert "Missing data" in review(book, "--period", "2019-05", "--full").stdout


def test_answers_in_waves_are_told_the_line_that_counts_them_as_whole(tmp_path):
    """Answers of February and May are whole quarters once both say so; the month before May has none."""
    folder = write_book(tmp_path / "waves")
    head = "response_id,audience,respondent_id,asked_on,answered_on,instrument,scale_min,scale_max,score"
    waves = [
        f"{day}-{n},customer,k{n},{day},{day},csat,1,5,4" for day in ("2026-02-10", "2026-05-23") for n in range(99)
    ]
    (tmp_path / "waves.csv").write_text("\n".join([head, *waves]) + "\n")
    brought = RUN.invoke(app, ["import", str(tmp_path / "waves.csv"), "--as", "surveys", "--into", str(folder)])
    assert brought.exit_code == 0
    done = review(folder)
    assert (done.exit_code, "say complete_to in book.toml" in done.stderr) == (1, True)


def test_full_holds_what_one_screen_does_not(book):
    short, full = review(book, *JUNE), review(book, *JUNE, "--full")
    assert (short.exit_code, full.exit_code) == (0, 0)
    assert "Data sources" in full.stdout
    assert "Data sources" not in short.stdout
    assert len(short.stdout.splitlines()) < len(full.stdout.splitlines())
