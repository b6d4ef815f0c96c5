"""`comity doctor`: what is here, what is missing, and what to do about it."""

import pytest
from typer.testing import CliRunner

from comity.cli import app, doctor

RUN = CliRunner()


def test_everything_needed_is_here():
    done = RUN.invoke(app, ["doctor"])
    assert done.exit_code == 0
    assert "MISSING" not in done.stdout
    assert all(name in done.stdout for name in ("Python", "duckdb", "PDF (pango)", "Time zones", "Chromium"))


@pytest.mark.parametrize(("part", "sign", "code"), [("_pango", "absent", 0), ("_zones", "MISSING", 1)])
def test_what_is_not_here_is_told_with_its_cure(monkeypatch, part, sign, code):
    def gone():
        raise OSError("cannot load library")

    monkeypatch.setattr(doctor, part, gone)
    done = RUN.invoke(app, ["doctor"])
    assert done.exit_code == code
    (line,) = (line for line in done.stdout.splitlines() if "cannot load library" in line)
    assert line.startswith(sign)
    assert "install" in line
