"""A text of the agreement as TOML, for people to write and read: exactly the same text when it is read back."""

import itertools
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit

from comity.book.agreement import UnusableAgreementError
from comity.core.agreements import canonical
from comity.core.agreements.clauses import Clause, check_fields, check_id
from comity.core.agreements.fields import FieldType, Value
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.text import Text

# A dotted key of n parts takes n² steps to read: one of 200 kB would hold a server for hours.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{20}}{_PART}")


def text_toml(of: Text) -> str:
    """Return a text as TOML, without what holds by default; read back, it is the same text."""
    document = tomlkit.document()
    document["schema"] = canonical.SCHEMA
    clauses = tomlkit.aot()
    for clause in of.clauses:
        if clause.removed:
            continue
        spec = KINDS[clause.kind]
        table = tomlkit.table()
        table["id"], table["kind"] = clause.id, clause.kind.value
        by_default = {**spec.defaults, **spec.derived(clause.fields)}
        for item in spec.fields:
            value = clause.fields.get(item.name)
            if value is not None and value != by_default.get(item.name):
                table[item.name] = _toml_value(item.type, value)
        clauses.append(table)
    if clauses:
        document["clause"] = clauses
    return tomlkit.dumps(document)


def parse_text_toml(content: str, file: Path) -> Text:
    """Return the text that TOML says.

    :raises UnusableAgreementError: naming the clause, the field, the value and what to write
    """
    if _LONG_KEY.search(content):
        raise UnusableAgreementError("has a key of many parts; write [[clause]] tables with plain keys", file=file)
    try:
        document = tomllib.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no error of TOML to the reader
        raise UnusableAgreementError(f"is not TOML ({error})", file=file) from None
    if document.get("schema") != canonical.SCHEMA or set(document) - {"schema", "clause"}:
        msg = f'has to say schema = "{canonical.SCHEMA}" and then [[clause]] tables, nothing else'
        raise UnusableAgreementError(msg, file=file)
    clauses: list[Clause] = []
    for at, table in enumerate(document.get("clause", []), 1):
        clauses.append(_parse_clause(at, table, file))
    twice = next((b.id for a, b in itertools.combinations(clauses, 2) if a.id == b.id), None)
    if twice is not None:
        raise UnusableAgreementError(f"clause {twice}: is there twice; an id stands once in a text", file=file)
    return Text(tuple(clauses))


def _parse_clause(at: int, table: Mapping[str, Any], file: Path) -> Clause:
    if not isinstance(table.get("id"), str) or not isinstance(table.get("kind"), str):
        raise UnusableAgreementError(f"clause {at}: write an id and a kind", file=file)
    identity, kind = table["id"], table["kind"]
    if kind not in set(Kind):
        raise UnusableAgreementError(f"clause {identity}: write one of the kinds {', '.join(Kind)}", file=file)
    written = {name: value for name, value in table.items() if name not in {"id", "kind"}}
    values, problems = check_fields(identity, Kind(kind), written)
    for problem in [*check_id(identity), *problems]:
        raise UnusableAgreementError(problem.message, file=file)
    return Clause(identity, Kind(kind), values)


def _toml_value(kind: FieldType, value: Value) -> Any:  # noqa: ANN401 - as tomlkit takes it
    """A number as TOML's own where that is exact, else as a text."""
    if kind is FieldType.NUMBER and isinstance(value, str):
        return (
            float(value) if "." in value and repr(float(value)) == value else int(value) if "." not in value else value
        )
    return value
