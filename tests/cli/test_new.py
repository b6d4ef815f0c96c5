"""`comity new` on the command line: asked in a terminal, told by options, never over what is there."""

import pytest
from typer.testing import CliRunner

from comity.book.definition import read_definition
from comity.cli import app, new

TOLD = {
    "--customer": "Northwind Energy",
    "--provider": "Helpline",
    "--timezone": "Europe/Madrid",
    "--currency": "eur",
    "--period": "month",
    "--service": "calls",
}


def ran(*arguments: object, answers: str = ""):
    return CliRunner().invoke(app, ["new", *map(str, arguments)], input=answers)


def options(**changed: str) -> list[str]:
    return [text for pair in (TOLD | changed).items() for text in pair]


@pytest.fixture
def terminal(monkeypatch):
    """Somebody sits at the terminal."""
    monkeypatch.setattr(new, "has_terminal", lambda: True)


def test_a_book_told_by_options_passes_the_check(tmp_path):
    done = ran(tmp_path / "ours", *options())
    assert done.exit_code == 0, done.output
    assert f"comity import FILE --as FORMAT --into {tmp_path / 'ours'}" in done.stdout
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "ours")])
    assert (checked.exit_code, checked.stdout) == (0, "Northwind Energy with Helpline: 0 tables, 0 rows rejected\n")
    assert read_definition(tmp_path / "ours").currency == "EUR"


def test_without_a_terminal_the_missing_options_are_named(tmp_path):
    done = ran(tmp_path / "ours", "--customer", "A", "--currency", "EUR")
    assert done.exit_code == 2
    assert "give --provider, --timezone, --period, --service as well" in done.stderr
    assert not (tmp_path / "ours").exists()


@pytest.mark.usefixtures("terminal")
def test_it_asks_six_questions_and_those_again_that_were_not_answered(tmp_path):
    said = ["Northwind Energy", "Helpline", "Madrid", "Europe/Madrid", "euro", "EUR", "fortnight", "month", "both"]
    done = ran(tmp_path / "ours", answers="\n".join(said) + "\n")
    assert done.exit_code == 0, done.output
    assert "did you mean Europe/Madrid?" in done.output
    made = read_definition(tmp_path / "ours")
    assert (made.name, made.timezone, made.cut.value) == ("Northwind Energy with Helpline", "Europe/Madrid", "month")
    assert len(made.kpis) == 4


@pytest.mark.usefixtures("terminal")
def test_what_is_offered_is_taken_with_the_return_key(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "America/Bogota")
    done = ran(tmp_path / "ours", answers="Northwind\nHelpline\n\n\n\n\n")
    assert done.exit_code == 0, done.output
    made = read_definition(tmp_path / "ours")
    assert (made.timezone, made.currency, made.cut.value) == ("America/Bogota", "EUR", "quarter")


@pytest.mark.usefixtures("terminal")
def test_a_book_that_is_there_is_told_before_anybody_is_asked(tmp_path):
    assert ran(tmp_path, *options()).exit_code == 0
    before = (tmp_path / "book.toml").read_bytes()
    done = ran(tmp_path, answers="x\n")
    assert done.exit_code == 2
    assert "is not overwritten" in done.stderr
    assert "Who buys" not in done.output
    assert (tmp_path / "book.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"--timezone": "Madird"}, "did you mean Europe/Madrid?"),
        ({"--timezone": "europe/madrid"}, "did you mean Europe/Madrid?"),
        ({"--currency": "euros"}, "three letters"),
        ({"--customer": " "}, "is not a name"),
    ],
)
def test_what_cannot_be_is_refused_with_the_next_step(tmp_path, changed, words):
    done = ran(tmp_path / "ours", *options(**changed))
    assert done.exit_code == 2
    assert words in done.stderr
    assert not (tmp_path / "ours").exists()


def test_the_machines_zone_is_one_that_is_known_everywhere(monkeypatch):
    monkeypatch.setenv("TZ", ":/usr/share/zoneinfo/Asia/Kolkata")
    assert new.machine_zone() == "Asia/Kolkata"
