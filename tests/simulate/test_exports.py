"""The example files: always the same, never over others, and each is read whole by the mapping that it names."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comity.cli import app
from comity.simulate.book import NotEmptyError
from comity.simulate.exports import write_example
from tests.cast import write_book


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "files"
    return folder, write_example(folder)


@pytest.mark.long
@pytest.mark.gate
def test_the_same_files_every_time(example, tmp_path):
    folder, files = example
    again = write_example(tmp_path / "again")
    assert again == files
    for file in files:
        assert (folder / file.name).read_bytes() == (tmp_path / "again" / file.name).read_bytes()


@pytest.mark.long
@pytest.mark.gate
def test_each_is_read_whole_by_the_mapping_that_it_names(example, tmp_path):
    folder, files = example
    book = write_book(tmp_path / "book")
    named = [file for file in files if file.mapping]
    assert len(named) == 5
    for file in named:
        done = CliRunner().invoke(app, ["import", str(folder / file.name), "--as", file.mapping, "--into", str(book)])
        assert done.exit_code == 0, done.output
        assert f"{file.rows:,} new" in done.output


def test_the_headers_are_those_of_other_systems(example):
    """No file has a table's own column names, and what names a person is there to be left out."""
    folder, _ = example
    with (folder / "survey.csv").open(encoding="utf-8", newline="") as out:
        assert "E-mail" in next(csv.reader(out, delimiter=";"))
    for name in ("calls.csv", "schedule.csv", "survey.csv", "customers.csv"):
        first = (folder / name).read_text(encoding="utf-8").splitlines()[0]
        assert "_" not in first


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(NotEmptyError, match="is not an empty folder"):
        write_example(tmp_path)
    done = CliRunner().invoke(app, ["example", str(tmp_path)])
    assert done.exit_code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
