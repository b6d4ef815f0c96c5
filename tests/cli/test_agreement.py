"""`comity agreement`: from [[kpi]] to an agreement, and a change of it by hand."""

import io
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from comity.book.agreement import agreed_changes, chain_of
from comity.cli import app
from comity.core.agreements import canonical
from comity.core.agreements.text import text
from tests.cast import write_book

KPI = '[[kpi]]\nid = "service_level"\ntarget = 0.8\nvalid_from = 2026-01-01\n'


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["agreement", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book", KPI)


def test_from_the_kpis_of_a_book_to_a_change_that_the_text_of_its_day_shows(book, tmp_path):
    assert run("begin", book) == "change 1, from 2026-01-01: service_level added\n"
    (tmp_path / "t.toml").write_text(run("export", book, "--on", "2026-02-01").replace("0.8", "0.85"))
    change = [
        "import",
        book,
        tmp_path / "t.toml",
        "--from",
        "2026-08-01",
        "--title",
        "Higher",
        "--reason",
        "More agents.",
    ]
    assert "would be written: service_level.target = 0.85; it counts as not agreed" in run(*change, "--dry-run")
    assert run(*change, "--agreed-on", "2026-07-10") == "change 2 is written: service_level.target = 0.85\n"
    assert run(*change).endswith("nothing changed\n")
    assert run("diff", book, "2026-07-31", "2026-08-01") == "service_level.target: 0.8 -> 0.85\n"
    assert run("diff", book, "2026-07-31", "2026-08-01", "--known", "0").endswith("are the same\n")
    shown = run("show", book, "--on", "2026-09-01")
    assert "# Change 2, place 1, from 2026-08-01, in force: Higher" in shown
    assert "target = 0.85" in shown
    assert run("check", book) == "2 changes, each as it was agreed\n"


def test_a_canonical_text_is_the_same_however_it_came_about(book):
    run("begin", book)
    text = run("export", book, "--format", "json", "--on", "2026-02-01")
    assert text.startswith('{"clauses":[{"fields":{"abandons":"exclude-short"')


def test_a_changed_file_is_named_by_a_check(book):
    run("begin", book)
    file = book / "agreement" / "0001.json"
    file.write_text(file.read_text().replace('"0.8"', '"80 %"'))
    said = run("check", book, code=2)
    assert "0001.json: holds what cannot stand: clause service_level, target: '80 %' cannot stand here" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nowhere"], "nowhere is not a folder"),
        (["begin", "BOOK2"], "its book.toml has no [[kpi]]"),
        (["show", "BOOK", "--on", "1 May"], "'1 May' is no day; write it as 2026-01-31"),
        (
            ["import", "BOOK", "no.toml", "--from", "2026-01-01", "--title", "t", "--reason", "r"],
            "no.toml cannot be read",
        ),
    ],
)
def test_bad_input_is_one_line_with_the_next_step(book, tmp_path, arguments, said):
    places = {"BOOK": book, "BOOK2": write_book(tmp_path / "other")}
    assert said in run(*(places.get(one, one) for one in arguments), code=2)


def test_kpis_of_old_are_taken_in_first(book, tmp_path):
    (tmp_path / "t.toml").write_text('schema = "comity.agreement/1"\n')
    change = ["--from", "2026-08-01", "--title", "t", "--reason", "r"]
    assert "begin with comity agreement begin" in run("import", book, tmp_path / "t.toml", *change, code=2)


def pdf(path):
    from pypdf import PdfReader

    return PdfReader(io.BytesIO(path.read_bytes()))


def said_in(path):
    return " ".join(" ".join(page.extract_text() for page in pdf(path).pages).split())


@pytest.mark.gate
def test_a_text_on_paper_has_its_sentences_fields_changes_and_digest(book, tmp_path):
    """The PDF embeds the text in canonical form, whose digest stands on the sheets and in the metadata."""
    from datetime import date

    from comity.core.chain import digest_of

    run("begin", book)
    (tmp_path / "t.toml").write_text(run("export", book, "--on", "2026-02-01").replace("0.8", "0.85"))
    run("import", book, tmp_path / "t.toml", "--from", "2026-08-01", "--title", "Higher", "--reason", "More agents.",
        "--agreed-on", "2026-07-10")  # fmt: skip
    out = tmp_path / "text.pdf"
    asked = ["export", book, "--format", "pdf", "--on", "2026-08-01", "--compare", "2026-07-31", "-o", out]
    run(*asked, "--language", "en")
    read = text(chain_of(agreed_changes(book)), date(2026, 8, 1))
    content = canonical.text_content(read.clauses)
    made, said = pdf(out), said_in(out)
    assert canonical.digest(content) in said.replace(" ", "")
    assert made.metadata["/Keywords"] == f"sha256:{digest_of(content)}"
    assert made.attachments["agreement.json"] == [canonical.canonical(content).encode()]
    assert "/StructTreeRoot" in made.trailer["/Root"], "a PDF for those who do not see it is tagged"
    for part in ("Agreement on 1 August 2026", "85 %", "Compared with 31 July 2026", "Target 80 % 85 %",
                 "Higher", "Agreed on paper on 10 July 2026", "in force on this day",
                 "Taken over from the definition file"):  # fmt: skip
        assert part in said.replace("\u00a0", " "), (part, said)
    run(*asked, "--language", "es", "--known", "0", "--compare-known", "0")
    spanish = said_in(out).replace("\u00a0", " ")
    assert "Los dos textos dicen lo mismo" in spanish
    assert "Higher" not in spanish


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Change 2, Higher, is agreed and holds from 1 August 2026."),
        ("es", "El cambio 2, Higher, está acordado y vale desde el 1 de agosto de 2026."),
    ],
)
def test_a_text_on_paper_names_the_changes_to_come(book, tmp_path, language, told):
    """Whoever holds the sheets of July knows that August reads otherwise, unless only what was known is asked for."""
    run("begin", book)
    (tmp_path / "t.toml").write_text(run("export", book, "--on", "2026-02-01").replace("0.8", "0.85"))
    run("import", book, tmp_path / "t.toml", "--from", "2026-08-01", "--title", "Higher", "--reason", "More agents.",
        "--agreed-on", "2026-07-10")  # fmt: skip
    out = tmp_path / "text.pdf"
    found = []
    for asked in (["--on", "2026-07-31"], ["--on", "2026-08-01"], ["--on", "2026-07-31", "--known", "0"]):
        run("export", book, "--format", "pdf", "-o", out, "--language", language, *asked)
        found.append(told in said_in(out).replace("\u00a0", " "))
    assert found == [True, False, False]


def test_a_difference_is_for_paper_alone(book):
    run("begin", book)
    assert "only a PDF holds a difference" in run("export", book, "--compare", "2026-01-01", code=2)


@pytest.mark.long
@pytest.mark.gate
def test_the_sheets_need_no_django(book, tmp_path):
    """Whoever has a folder and no room gets the same sheets: nothing of Django is brought in."""
    run("begin", book)
    code = "import sys; sys.modules['django'] = None; sys.argv = sys.argv[1:]; from comity.cli import main; main()"
    out = tmp_path / "text.pdf"
    done = subprocess.run(
        [sys.executable, "-c", code, "comity", "agreement", "export", str(book), "-f", "pdf", "-o", str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"%PDF-")
