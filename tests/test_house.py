"""What a reader cannot be asked to check: files that go together, and what must never be written."""

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import typer.main
from click import Command, Group
from jinja2 import Environment, nodes

from comity.cli import app
from comity.review.readings import reading_specs

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
BENCH = ROOT / "benchmarks"
LOCKS = pytest.mark.parametrize(
    "lock", [ROOT / "requirements.lock", BENCH / "requirements.lock", BENCH / "helpdesk.lock"]
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WELL_KNOWN_HOSTS = ("pypi" + ".org", "files.pythonhosted" + ".org", "registry.npmjs" + ".org")


def tracked() -> list[Path]:
    """What git would hand to another person; an unpacked archive has no such list."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in found.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for file in tracked():
        try:
            found[file.relative_to(ROOT).as_posix()] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def documentation() -> str:
    return "\n".join(text for name, text in texts().items() if name.endswith(".md"))


# What others rely on ------------------------------------------------------------------------------------------


@LOCKS
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text


@LOCKS
def test_everything_in_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip())
    for block in blocks:
        if not block.startswith("#"):
            assert re.match(r"[A-Za-z0-9._-]+(\[[^]]*\])?==\S+", block), block.splitlines()[0]
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


def test_everything_that_the_project_wants_is_in_the_lock() -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    locked = {match.lower().replace("_", "-") for match in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)}
    names = {re.match(r"[A-Za-z0-9._-]+", one)[0].lower().replace("_", "-") for one in wanted}
    assert names <= locked


def test_nothing_tracked_names_a_path_of_this_machine_or_a_package_index() -> None:
    places = {str(ROOT.parent), str(Path.home())} - {"/", str(Path.home().anchor)}
    configured = " ".join(value for name, value in os.environ.items() if name.endswith(("INDEX_URL", "DEFAULT_INDEX")))
    hosts = {*WELL_KNOWN_HOSTS, *re.findall(r"://(?:[^/@\s]*@)?([^/:\s]+)", configured)}
    # The look behind lets `src/x` pass where the checkout lies in a folder named `/src`.
    pattern = re.compile(
        "|".join([*(rf"(?<![\w./-]){re.escape(place)}/" for place in places), *(re.escape(host) for host in hosts)]),
    )
    found = {
        f"{name}: {match[0]}"
        for name, text in texts().items()
        if name != ".gitignore" and (match := pattern.search(text))
    }
    assert found == set()


def test_each_layer_imports_only_what_stands_below_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    """Mappings, templates, words and the schema are files, and a wheel without them works only here."""
    shipped = {
        file.relative_to(ROOT / "src").as_posix()
        for file in (ROOT / "src" / "comity").rglob("*")
        if file.is_file() and file.suffix not in {".pyc", ".pyi"} and not file.name.startswith(".")
    }
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    with zipfile.ZipFile(tmp_path / done.stdout.splitlines()[-1]) as wheel:
        assert shipped <= set(wheel.namelist())


# What goes together -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [spec.id for spec in reading_specs()])
def test_a_reading_is_five_files_of_one_name(name: str) -> None:
    files = (
        f"src/comity/core/readings/{name}.py",
        f"src/comity/book/statistics/{name}.py",
        f"src/comity/review/templates/reading_{name}.html",
        f"docs/readings/{name}.md",
        f"tests/core/readings/test_{name}.py",
        f"tests/book/statistics/test_{name}.py",
    )
    assert [file for file in files if not (ROOT / file).is_file()] == []


def commands(command: Command, names: tuple[str, ...] = ("comity",)) -> list[str]:
    if not isinstance(command, Group):
        return [" ".join(names)]
    return [found for name, one in command.commands.items() for found in commands(one, (*names, name))]


@pytest.mark.parametrize("command", commands(typer.main.get_command(app)))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"{command}\b", documentation())


def test_every_page_of_the_docs_is_linked_from_another() -> None:
    pages = {file for file in (ROOT / "docs").rglob("*.md") if "decisions" not in file.parts and file.stem != "README"}
    links = {
        (file.parent / target).resolve()
        for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8"))
    }
    assert {page.relative_to(ROOT).as_posix() for page in pages if page not in links} == set()


def test_no_link_of_the_docs_leads_nowhere() -> None:
    broken = {
        f"{file.relative_to(ROOT).as_posix()}: {target}"
        for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8"))
        if "://" not in target and not (file.parent / target).exists()
    }
    assert broken == set()


def test_every_command_of_make_is_told_to_a_newcomer() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in targets if f"make {target}" not in contributing] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [file.name[:4] for file in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_the_changelog_speaks_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(PROJECT['project']['version'])})\]", changelog, re.MULTILINE)


def test_the_glossary_says_each_noun_once_and_in_order() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    nouns = [noun.lower() for noun in re.findall(r"^\*\*([^*]+)\*\*", glossary, re.MULTILINE)]
    assert nouns == sorted(set(nouns))


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "common", "helpers", "extras", "misc"}
    assert [file for file in (ROOT / "src").rglob("*.py") if file.stem in drawers or file.parent.name in drawers] == []


# Pages --------------------------------------------------------------------------------------------------------

TEMPLATES = [*(ROOT / "src").rglob("templates/**/*.html")]


def test_a_table_that_is_wider_than_a_telephone_says_that_it_goes_on() -> None:
    """The one place where a table scrolls draws a shadow at the edge behind which more of it is; paper has none."""
    style = (ROOT / "src" / "comity" / "review" / "styles" / "page.css").read_text(encoding="utf-8")
    screen, _, paper = style.partition("@media print")
    (rule,) = re.findall(r"^\.scroll \{(.*?)^\}", screen, re.MULTILINE | re.DOTALL)
    assert "overflow-x: auto" in rule
    assert rule.count(" local") == rule.count(" scroll") == 2  # two covers move with the table, two shadows stay
    assert "background: none" in re.findall(r"\.scroll \{(.*?)\}", paper, re.DOTALL)[0]


def test_no_line_of_a_template_is_longer_than_160_characters() -> None:
    assert [
        f"{file.relative_to(ROOT)}:{number}"
        for file in TEMPLATES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 160
    ] == []


def test_no_template_builds_data() -> None:
    """What is looped over, looked up or passed on as a list or a table is made in Python, where a test reaches it."""
    reader = Environment(autoescape=True)
    found = []
    for file in TEMPLATES:
        tree = reader.parse(file.read_text(encoding="utf-8"))
        looped = [loop.iter for loop in tree.find_all(nodes.For) if isinstance(loop.iter, nodes.Tuple)]
        held = [one for pair in tree.find_all(nodes.Tuple) for one in pair.find_all(nodes.Tuple)]
        made = [*tree.find_all((nodes.Dict, nodes.List)), *looped, *(one for one in held if one.ctx == "load")]
        found += [f"{file.relative_to(ROOT)}:{one.lineno}" for one in made]
    assert found == []


STYLES = [*(ROOT / "src").rglob("*.css")]
CLASS = re.compile(r"\.(-?[a-zA-Z][\w-]*)")


def rules(file: Path) -> list[tuple[str, str]]:
    """The selectors of a stylesheet, one by one, each with the medium that it is for."""
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    found, within = [], []
    for head, brace in re.findall(r"([^{};]*)([{};])", text):
        if brace == "{":
            within.append(" ".join(head.split()))
            if not any(one.startswith("@page") for one in within) and not within[-1].startswith("@"):
                parts = re.split(r",\s*(?![^()]*\))", within[-1])
                found += [(" ".join(within[:-1]), part) for part in parts]
        elif brace == "}":
            within.pop()
    return found


def styled() -> set[str]:
    return {name for file in STYLES for _, selector in rules(file) for name in CLASS.findall(selector)}


def classes(template: str) -> set[str]:
    """The classes that a template writes; of an expression, those that stand in it as text."""
    found = []
    for value in re.findall(r'(?<![\w-])class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"', template, re.DOTALL):
        chosen = re.findall(r"\{\{(.*?)\}\}", value, re.DOTALL)
        found += re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", value, flags=re.DOTALL).split()
        texts = (re.sub(r"[!=]= *(\"|').*?\1|\bin \(.*?\)", "", one) for one in chosen)
        found += [
            name
            for one in texts
            for pair in re.findall(r""""([^"]*)"|'([^']*)'""", one)
            for name in "".join(pair).split()
        ]
    return set(found)


def drawn() -> set[str]:
    """The words of every text in the Python that writes markup: of what is drawn, and of sides."""
    files = [*(ROOT / "src/comity/review").rglob("*.py"), ROOT / "src/comity/core/values.py"]
    nodes_of = (ast.walk(ast.parse(file.read_text(encoding="utf-8"))) for file in files)
    texts = (one.value for every in nodes_of for one in every if isinstance(one, ast.Constant))
    return {word for text in texts if isinstance(text, str) for word in re.findall(r"[\w-]+", text)}


def test_no_selector_stands_twice() -> None:
    """What a part looks like is read in one place."""
    counted = Counter((file.name, *rule) for file in STYLES for rule in rules(file))
    assert [rule for rule, count in counted.items() if count > 1] == []
    assert len(counted) > 500


def test_every_class_of_a_stylesheet_is_used() -> None:
    used = {name for file in TEMPLATES for name in classes(file.read_text(encoding="utf-8"))}
    assert styled() - used - drawn() == set()


def test_every_class_of_a_template_looks_like_something() -> None:
    known = styled()
    assert {
        f"{file.relative_to(ROOT)}: {name}"
        for file in TEMPLATES
        for name in classes(file.read_text(encoding="utf-8")) - known
    } == set()


# The tests themselves -------------------------------------------------------------------------------------------

HEAVY = {"jsonschema", "openpyxl", "pandas", "playwright", "polars", "pypdf", "schemathesis", "scipy", "statsmodels"}


def imports(file: Path) -> list[str]:
    """The modules that a file imports when it is read."""
    found = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "tests.builders":  # its modules
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


def test_no_test_imports_another_test_module() -> None:
    """What several build stands in tests/builders."""
    files = [*(ROOT / "tests").rglob("*.py")]
    assert [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imports(file)
        if name.startswith("tests.") and name.rsplit(".", 1)[-1].startswith("test_")
    ] == []


def test_no_test_module_is_slow_to_read() -> None:
    """Each process of a run reads them all: what is heavy is imported by the test that needs it."""
    files = [*(ROOT / "tests").rglob("*.py")]
    assert [
        f"{file.relative_to(ROOT)}: {name}" for file in files for name in imports(file) if name.split(".")[0] in HEAVY
    ] == []


def test_no_process_starts_with_what_is_seldom_asked() -> None:
    """Four workers and each command would take 0.2 s and 24 MB more for SciPy's optimisation, which few reviews ask."""
    bodies = {file: ast.parse(file.read_text(encoding="utf-8")).body for file in (ROOT / "src").rglob("*.py")}
    assert [
        str(file.relative_to(ROOT))
        for file, body in bodies.items()
        for node in body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and re.search(r"scipy\b.*\b(optimize|linalg|stats|sparse|spatial)\b", ast.unparse(node))
    ] == []


# What is read before Django is set up, or without it; see tests/apps/conftest.py.
WITHOUT_ROOM = ("core", "book", "review", "simulate", "cli")
ROOM = ("django", "comity.apps", "comity.web")


def test_what_needs_no_room_is_read_without_one() -> None:
    """So that each of these modules runs alone, and starts without Django."""
    waiting = [file for folder in WITHOUT_ROOM for file in (ROOT / "tests" / folder).rglob("*.py")]
    reached = dict.fromkeys(waiting, "")
    while waiting:
        file = waiting.pop()
        for name in imports(file):
            other = ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and other not in reached:
                reached[other] = f", read by {file.relative_to(ROOT)}"
                waiting.append(other)
    assert [
        f"{file.relative_to(ROOT)}: {name}{by}"
        for file, by in reached.items()
        for name in imports(file)
        if any(name == one or name.startswith(f"{one}.") for one in ROOM)
    ] == []


def test_a_run_tells_its_slowest_tests() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = [line for line in makefile.splitlines() if "pytest" in line and not line.startswith(("#", "PYTEST"))]
    assert runs == []
    assert re.search(r"^PYTEST = .*--durations 20\b", makefile, re.MULTILINE)


def test_what_landed_migrations_were_written_with_is_as_it_was():
    """Another text would change what they do in a database that is made anew, and in no other."""
    file = ROOT / "src/comity/apps/parties/migrations/_rls_v1.py"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == (
        "f8d32623a15e7bffd782a1950e7e18f72ec8fa3f862cb60eb2f26666d9f9d9f4"
    )
    later = [
        one for one in ROOT.glob("src/comity/apps/*/migrations/*.py") if "_rls_v1 import" in one.read_text("utf-8")
    ]
    assert len(later) == 9  # and no new one is
