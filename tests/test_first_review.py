"""The review that docs/first-review.md shows is what comes of the book that it shows."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comity.cli import app

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "first-review.md").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.shared
def test_the_real_review_is_what_the_page_shows(shared, tmp_path):
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "book.toml").write_text(toml)
    log = shared / "data/servicenow_incidents/incident_event_log.csv.gz"
    brought = CliRunner().invoke(app, ["import", str(log), "--as", "servicenow_event_log", "--into", str(tmp_path)])
    assert brought.exit_code == 0, brought.output
    shown = re.findall(r"^```\n(.*?)^```", PAGE.partition("## A real review\n")[2], re.DOTALL | re.MULTILINE)
    assert len(shown) == 2
    for block, options in zip(shown, ([], ["--full"]), strict=True):
        done = CliRunner().invoke(app, ["review", str(tmp_path), "--period", "2016-05", "--language", "en", *options])
        assert done.exit_code == 0, done.output
        plain = done.stdout.replace("\u00a0", " ").replace("\u2060", "")  # what keeps a figure and its unit together
        made = iter(line.rstrip() for line in plain.splitlines())
        wanted = [line for line in block.splitlines() if line != "..."]
        assert [line for line in wanted if line not in made] == []  # each, in this order
