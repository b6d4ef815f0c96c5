"""What `serve` says where it will not run: the very commands that help."""

import sys
from pathlib import Path

import pytest

from comity.cli import serve


@pytest.mark.parametrize("is_open", [True, False])
def test_who_is_root_reads_the_two_commands_that_install_it_where_its_account_may_read(tmp_path, monkeypatch, is_open):
    """A Python of root's alone: `make setup` anew where the project is open, else on a copy of it."""
    project, home = tmp_path / "comity", tmp_path / "root"
    for folder in (project / ".venv/bin", home / "bin"):
        folder.mkdir(parents=True)
    for file in (project / "Makefile", project / ".venv/bin/comity", home / "bin/python"):
        file.touch()
    home.chmod(0o700)
    project.chmod(0o755 if is_open else 0o700)
    monkeypatch.setattr(sys, "argv", [str(project / ".venv/bin/comity")])
    monkeypatch.setattr(sys, "executable", str(home / "bin/python"))
    # Of the folders above, which pytest makes for one account, nothing is asked.
    monkeypatch.setattr(serve, "_is_open", lambda folder: folder not in {home, *([] if is_open else [project])})
    told = serve._not_as_root().splitlines()
    closed = home if is_open else project
    assert told[3] == f"that account cannot read {closed}, in which Comity or its Python lies; install it anew:"
    place = project if is_open else Path("/opt/comity")
    first = f"rm -r {place}/.venv" if is_open else f"cp -r {project} {place}"
    assert told[4:] == [f"  {first}", f"  PYTHON=/usr/bin/python3 make -C {place} setup"]
