"""`comity doctor`: what is here, what is missing, and what to do about it."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comity.cli import app, doctor

RUN = CliRunner()
ROOT = Path(__file__).resolve().parents[2]


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


def test_a_library_that_is_not_here_is_needed_and_said_so(monkeypatch):
    real = importlib.import_module

    def lacking(name, *rest):
        if name == "duckdb":
            raise ImportError("No module named 'duckdb'\nand much more")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", lacking)
    done = RUN.invoke(app, ["doctor"])
    assert done.exit_code == 1
    (line,) = (line for line in done.stdout.splitlines() if "duckdb" in line)
    assert line.startswith("MISSING")
    assert line.endswith("No module named 'duckdb'; reinstall comity")
    assert all(len(one.split("  ")) > 1 for one in done.stdout.splitlines())


def test_every_library_that_the_project_depends_on_is_looked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^A-Za-z0-9-]", one)[0].replace("-", "_") for one in project["dependencies"]}
    # PDF and its fonts, time zones, ibis, slides, images by other names; typer runs the command.
    elsewhere = {"weasyprint", "fonttools", "tzdata", "ibis_framework", "python_pptx", "pillow", "typer"}
    assert names - elsewhere <= set(doctor.LIBRARIES)


def test_what_is_not_installed_is_said_so_and_not_as_pythons_own_error(monkeypatch):
    """Before `pip install 'comity[room]'` a part of the room is not there, whatever it is called."""

    def lacking():
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")

    monkeypatch.setattr(doctor, "_room", lacking)
    done = RUN.invoke(app, ["doctor"])
    (line,) = (line for line in done.stdout.splitlines() if "The room" in line)
    assert done.exit_code == 0
    assert line.startswith("absent")
    assert "not installed; needed by comity serve only: pip install 'comity[room]'" in line
    assert "psutil" not in line
