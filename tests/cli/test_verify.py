"""`comity verify`, on a record as the room gives it out."""

import json

import pytest
from typer.testing import CliRunner

from comity.cli import app
from comity.core.chain import BEGINNING, linked

FIRST = linked(1, {"period": "2026-05", "figures": {}}, BEGINNING)
SECOND = linked(2, {"period": "2026-06", "figures": {}}, FIRST.digest)


def written(folder, *entries):
    file = folder / "record.json"
    names = ("number", "content", "previous", "digest")
    told = [{name: getattr(one, name) for name in names} for one in entries]
    file.write_text(json.dumps({"schema": "comity.record/1", "entries": told}))
    return file


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_a_record_that_holds_is_told_with_its_head(tmp_path):
    done = run(written(tmp_path, FIRST, SECOND))
    assert done.exit_code == 0
    assert SECOND.digest in done.stdout
    assert "2026-05, 2026-06" in done.stdout


def test_a_record_that_was_changed_is_told_with_the_entry(tmp_path):
    file = written(tmp_path, FIRST, SECOND)
    file.write_text(file.read_text().replace("2026-05", "2026-04"))
    done = run(file)
    assert done.exit_code == 1
    assert "entry 1 was changed" in done.stderr
    assert run(written(tmp_path, FIRST), "--head", SECOND.digest).exit_code == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "comity.record/1", "entries": [{}]}', "[" * 9999])
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text(text)
    done = run(file)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
