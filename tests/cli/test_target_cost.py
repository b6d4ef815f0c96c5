"""`comity target-cost`, on the forecast of the worked example: 250 contacts of 210 s in a half hour, fourteen times."""

import json

import pytest
from typer.testing import CliRunner

from comity.cli import app
from tests.builders.attribution import KPI, fortnight
from tests.cast import write_book


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write_book(tmp_path_factory.mktemp("cost") / "book", KPI, **fortnight())


def run(*arguments):
    return CliRunner().invoke(app, ["target-cost", *map(str, arguments)])


def test_what_a_target_takes_is_the_staffing_of_the_worked_example(book):
    """Standards, 3.2: 32 agents for 80 % within 20 s, V1 .83827184; half an hour each, over 1 - .3 of shrinkage."""
    done = run(book, "--period", "2026-06", "--targets", "0.8", "--shrinkage", "0.3", "--format", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["schema"], found["contacts"], found["period"]) == ("comity.target_cost/1", 14 * 250, "2026-06")
    (each,), (pooled,) = found["policies"]["every_interval"], found["policies"]["period"]
    assert each["hours"] == 14 * 32 / 2
    assert each["paid_hours"] == pytest.approx(14 * 16 / 0.7)
    assert each["level"] == pytest.approx(0.83827184, abs=1e-8)
    assert 0.8 <= pooled["level"] <= each["level"]
    assert pooled["hours"] < each["hours"]


def test_the_terminal_holds_eighty_columns(book):
    done = run(book, "--period", "2026-06", "--patience-s", "60")
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.strip()[:2].isdigit()]) == 16


def test_who_may_give_up_is_held(book):
    done = run(book, "--period", "2026-06", "--targets", "0.5", "--most-abandon", "0.02", "--format", "json")
    for policy in json.loads(done.stdout)["policies"].values():
        assert policy[0]["abandoned"] <= 0.02 * 14 * 250


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--targets", "80"), "0.8 for 80 %"),
        (("--targets", "high"), "high"),
        (("--shrinkage", "30"), "0.3 for 30 %"),
        (("--most-abandon", "5"), "0.05 for 5 %"),
        (("--kpi", "nothing"), "not in force"),
        (("--period", "2031"), "no forecast"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(book, arguments, said):
    done = run(book, *(("--period", "2026-06") if "--period" not in arguments else ()), *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_lacks_is_asked_for(tmp_path):
    tables = fortnight()
    without = write_book(tmp_path / "a", KPI, **{name: text for name, text in tables.items() if name != "forecasts"})
    assert "ask the customer" in run(without, "--period", "2026-06").stderr
    impatient = write_book(tmp_path / "b", KPI.replace("patience_s = 180\n", ""), **tables)
    assert "--patience-s" in run(impatient, "--period", "2026-06").stderr


PRICES = '[[price]]\nname = "by the contact"\nunit = "contact"\namount = 4.2\n'
OURS = 'side = "provider"\nper_paid_hour = 21.37\n'


def test_prices_and_own_figures_come_from_files(book, tmp_path):
    prices, ours = tmp_path / "prices.toml", tmp_path / "ours.toml"
    prices.write_text(PRICES)
    ours.write_text(OURS)
    asked = (book, "--period", "2026-06", "--prices", prices)
    shared = json.loads(run(*asked, "--format", "json").stdout)
    answered = [row["answered"] for row in shared["policies"]["period"]]
    assert shared["prices"][0]["paid"]["period"] == pytest.approx([4.2 * contacts for contacts in answered])
    own = run(*asked, "--own", ours, "--as", "provider", "--format", "json")
    assert json.loads(own.stdout)["own"]["prices"][0]["policies"]["period"][0]["cost"] > 0
    for view in ("joint", "customer"):
        refused = run(*asked, "--own", ours, "--as", view)
        assert refused.exit_code == 2
        assert "open it with --as provider" in refused.stderr
        assert "21.37" not in refused.output
    file = tmp_path / "told.json"
    assert run(*asked, "--format", "json", "-o", file).exit_code == 0
    assert json.loads(file.read_text()) == shared


def test_own_figures_weigh_prices(book, tmp_path):
    ours = tmp_path / "ours.toml"
    ours.write_text(OURS)
    assert "--prices" in run(book, "--own", ours, "--as", "provider").stderr
    (tmp_path / "prices.toml").write_text(PRICES.replace("4.2", "-4.2"))
    refused = run(book, "--period", "2026-06", "--prices", tmp_path / "prices.toml")
    assert "must not be negative" in refused.stderr
    assert refused.stderr.count("\n") == 1
