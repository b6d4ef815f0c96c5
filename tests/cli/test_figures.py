"""`comity figures`: the table of all figures, from a book at home."""

import csv
import io

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from comity.cli import app
from tests.builders.levels import KPI, contacts
from tests.cast import write_book


@pytest.fixture
def book(tmp_path):
    reported = "period,kpi,value,reported_by\n2026-06,service_level,0.5,provider\n2026-06,service_level,0.4,customer"
    return write_book(tmp_path / "book", KPI, contacts="\n".join(contacts()), reported=reported)


def run(*arguments):
    return CliRunner().invoke(app, ["figures", *map(str, arguments)])


def test_all_periods_stand_in_one_file_each_figure_in_a_row(book, tmp_path):
    done = run(book, "-o", tmp_path / "figures.csv")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO((tmp_path / "figures.csv").read_text(encoding="utf-8"))))
    levels = [row for row in rows if row["kind"] == "kpi"]
    assert [(row["period"], row["state"]) for row in levels] == [("2026-05", "computed"), ("2026-06", "computed")]
    assert (levels[1]["reported_customer"], levels[1]["reported_provider"]) == ("0.4", "0.5")
    assert float(levels[1]["value"]) == pytest.approx(28 / 60)
    typed = run(book, "-o", tmp_path / "figures.parquet")
    assert typed.exit_code == 0
    assert parquet.read_table(tmp_path / "figures.parquet").num_rows == len(rows)


def test_without_a_file_it_is_printed_and_another_ending_is_refused(book, tmp_path):
    assert len(list(csv.reader(io.StringIO(run(book).stdout)))) > 1
    refused = run(book, "-o", tmp_path / "figures.xlsx")
    assert refused.exit_code == 2
    assert ".csv" in refused.output


def test_a_quarterly_book_has_its_months_too(tmp_path):
    """Records of April to June: three months and a quarter, in the order of their first days."""
    rows = list(contacts())
    april = [row.replace("5-", "4-", 1).replace("2026-05", "2026-04") for row in rows if row.startswith("5-")]
    toml = KPI.replace('"month"', '"quarter"')
    quarterly = write_book(tmp_path / "quarterly", toml, contacts="\n".join([*rows, *april]))
    told = [row for row in csv.DictReader(io.StringIO(run(quarterly).stdout)) if row["kind"] == "kpi"]
    assert [row["period"] for row in told] == ["2026-04", "2026-Q2", "2026-05", "2026-06"]
    assert [row["den"] for row in told] == ["60.0", "180.0", "60.0", "60.0"]
