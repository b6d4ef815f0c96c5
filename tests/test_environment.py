"""Every environment variable that the code reads stands in the tables of docs/running.md, and no other does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "comity"
READERS = {"get", "pop", "setdefault"}


class UnknownNameError(AssertionError):
    """A variable whose name the code works out, so that nobody can say whether it is documented."""


def constants(tree: ast.AST) -> dict[str, set[str]]:
    """The texts that a name may stand for: assigned to it, or looped over."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in bound(target, node.value)]
        elif isinstance(node, ast.comprehension | ast.For) and isinstance(node.iter, ast.Tuple | ast.List):
            pairs = [pair for value in node.iter.elts for pair in bound(node.target, value)]
        else:
            continue
        for name, value in pairs:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.setdefault(name, set()).add(value.value)
    return found


def bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from bound(one, other)


def reads(tree: ast.AST) -> Iterator[ast.expr]:
    """What is asked of `os.environ`, or of a name that stands for it."""
    stands_for = {"environ"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(is_environ(one, set()) for one in parts(node.value)):
            stands_for |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environ(node.value, stands_for):
            yield node.slice
        elif isinstance(node, ast.Compare) and is_environ(node.comparators[0], stands_for):
            yield node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            method = node.func
            if method.attr == "getenv" or (method.attr in READERS and is_environ(method.value, stands_for)):
                yield node.args[0]


def parts(value: ast.expr) -> list[ast.expr]:
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def is_environ(node: ast.expr, stands_for: set[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "environ" and isinstance(node.value, ast.Name) and node.value.id == "os"
    return isinstance(node, ast.Name) and node.id in stands_for


def names_of(asked: ast.expr, known: dict[str, set[str]], everywhere: dict[str, dict[str, set[str]]]) -> set[str]:
    """The variables that an expression may name; `{role}_PASSWORD` is whatever the page has of that form.

    :raises UnknownNameError: where they cannot be told
    """
    if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
        return {asked.value}
    if isinstance(asked, ast.Name) and asked.id in known:
        return known[asked.id]
    if isinstance(asked, ast.Attribute) and isinstance(asked.value, ast.Name):  # a constant of a module
        names = everywhere.get(asked.value.id, {}).get(asked.attr)
        if names:
            return names
    if isinstance(asked, ast.JoinedStr):
        texts = (part.value if isinstance(part, ast.Constant) else None for part in asked.values)
        pattern = "".join("[A-Z_]+" if text is None else re.escape(str(text)) for text in texts)
        return {name for name in documented() if re.fullmatch(pattern, name)}
    raise UnknownNameError(ast.unparse(asked))


def read_variables(source: dict[str, str]) -> set[str]:
    """Every variable that modules read, by their text."""
    reading = {name for name, text in source.items() if "environ" in text or "getenv" in text}
    said = "\n".join(source[name] for name in reading)
    named = {name for name in source if re.search(rf"\b{Path(name).stem}\.[A-Z]", said)}  # whose constants they may use
    trees = {name: ast.parse(source[name]) for name in reading | named}
    own = {name: constants(tree) for name, tree in trees.items()}
    everywhere = {Path(name).stem: known for name, known in own.items()}
    return {
        name
        for module in reading
        for asked in reads(trees[module])
        for name in names_of(asked, own[module], everywhere)
    }


def documented() -> set[str]:
    """The names in the first cells of the tables under Settings."""
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    section = page.partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\|([^|]*)\|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([A-Z][A-Z_]+)`", cell)}


@pytest.mark.gate
def test_every_environment_variable_is_documented_and_no_other() -> None:
    source = {str(file): file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py")}
    assert read_variables(source) == documented()


@pytest.mark.parametrize(
    "text",
    [
        'os.environ["A_NAME"]',
        'os.environ.get("A_NAME", "")',
        'os.environ.setdefault("A_NAME", "")',
        'os.getenv("A_NAME")',
        'print("A_NAME" in os.environ)',
        'NAME = "A_NAME"\nos.environ[NAME]',
        'NAME, OTHER = "A_NAME", 1\nos.environ.get(NAME)',
        'variables = os.environ if given is None else given\nvariables.get("A_NAME")',
        'next(os.environ[name] for name in ("A_NAME",))',
    ],
)
def test_a_variable_is_found_however_it_is_read(text: str) -> None:
    assert read_variables({"module.py": text}) == {"A_NAME"}


def test_a_variable_is_found_by_the_constant_of_another_module() -> None:
    source = {"keys.py": 'SETTING = "A_NAME"', "module.py": "os.environ.get(keys.SETTING)"}
    assert read_variables(source) == {"A_NAME"}


def test_a_name_that_is_worked_out_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="name"):
        read_variables({"module.py": "os.environ[name()]"})
