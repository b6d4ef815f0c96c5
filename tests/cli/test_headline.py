"""`comity headline`: shows the draft, puts a person's words in its place, returns to the draft."""

import pytest
import typer
from typer.testing import CliRunner

from comity.cli import headline
from comity.core.calendars import Against
from comity.review import build
from comity.review.headline_override import read_override
from tests.builders import review as sample
from tests.cast import write_book


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of the cast whose review is the sample's: what is told is not what this command is about."""
    monkeypatch.setattr(build, "build_review", lambda *_, **__: sample.review())
    return write_book(tmp_path / "book")


@pytest.fixture
def run(book):
    app = typer.Typer()
    headline.register(app)
    runner = CliRunner()
    return lambda *options: runner.invoke(app, [str(book), "--language", "en", *options])


def test_without_words_the_draft_is_shown(run):
    shown = run()
    assert shown.exit_code == 0
    assert shown.stdout.startswith("2026-Q2, draft: 1 of 4 targets missed: service level")
    assert "although the figure rose" in shown.stdout
    assert "*" not in shown.stdout


def test_words_are_put_in_the_drafts_place_and_the_draft_is_kept(run, book):
    shown = run("--set", "Calls were answered later.", "--by", "Marta Ruiz")
    assert shown.exit_code == 0
    assert "by Marta Ruiz on 2026-07-10: Calls were answered later." in shown.stdout
    worded = read_override(book, "2026-Q2", Against.PREVIOUS)
    assert worded is not None
    assert worded.text == "Calls were answered later."
    assert "although the figure rose" in worded.draft


def test_clear_returns_to_the_draft(run, book):
    run("--set", "Calls were answered later.", "--by", "Marta Ruiz")
    shown = run("--clear")
    assert shown.exit_code == 0
    assert "Marta" not in shown.stdout
    assert read_override(book, "2026-Q2", Against.PREVIOUS) is None


@pytest.mark.parametrize(
    "options",
    [("--set", "Words."), ("--set", "Words.", "--by", "Marta", "--clear"), ("--set", " ", "--by", "Marta")],
)
def test_half_an_order_is_refused_in_one_line(run, book, options):
    refused = run(*options)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("comity: ")
    assert len(refused.stderr.splitlines()) == 1
    assert not (book / "wording").exists()
