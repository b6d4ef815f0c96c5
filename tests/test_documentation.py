"""What the pages name is there: files of the project, markers and builders of the tests."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TESTING = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
# Where a page may leave the beginning of a path out.
WITHIN = (ROOT, ROOT / "src" / "comity", ROOT / "src" / "comity" / "apps", ROOT / "tests", ROOT / "tests" / "apps")
# One of a kind is meant, whatever its name.
STANDS_FOR = re.compile(r"(^|/)x(\.|/)|_x\.|\*")


def paths(page: Path) -> set[str]:
    """The paths to Python files that a page names, with the folders of benchmarks and tests left out or not."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {path for path in re.findall(r"`([\w*./-]+\.py)`", text) if "/" in path and not STANDS_FOR.search(path)}


LAYERED = [
    contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    if contract["type"] == "layers" and not contract["layers"][0].startswith("(")  # within each app they are a sentence
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_module_that_a_page_names_is_there(page: Path) -> None:
    assert {path for path in paths(page) if not any((folder / path).is_file() for folder in WITHIN)} == set()


def test_every_marker_is_explained() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    markers = [marker.partition(":")[0] for marker in options["markers"]]
    assert [marker for marker in markers if f"| `{marker}` |" not in TESTING] == []


def test_every_builder_is_listed() -> None:
    cells = re.findall(r"^\|([^|]*)\|", TESTING, re.MULTILINE)
    listed = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    builders = {file.stem for file in (ROOT / "tests" / "builders").glob("*.py")} - {"__init__"}
    assert builders - listed == set()


def test_every_command_of_make_that_tests_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(
        r"^([a-z-]+):.*\n(?:\t.*\n)*?\t.*(?:/pytest|PYTEST|MAKE|benchmarks|ruff|audit)", makefile, re.MULTILINE
    )
    assert [command for command in commands if f"| `make {command}` |" not in TESTING] == []
    assert {"lint", "check", "test", "suite", "test-long", "bench", "audit"} <= set(commands)


@pytest.mark.parametrize("contract", LAYERED, ids=lambda contract: contract["name"])
def test_the_layers_of_the_architecture_are_those_that_the_linter_holds(contract: dict) -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tables = [re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)]
    blocks = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    listed = [[re.split(r"  +", line)[0] for line in block.splitlines()] for block in blocks]
    assert [layer.removeprefix("comity.") for layer in contract["layers"]] in [*tables, *listed]
