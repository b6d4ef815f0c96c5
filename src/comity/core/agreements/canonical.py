"""The one form of a clause, a change or a text over which digests are computed and signatures given.

JSON, UTF-8, keys sorted, no insignificant space; values as `fields` keeps them; every default written out; `schema` in
the document. The digest is the SHA-256, in hexadecimal, as in `core.chain`. A later version of the program that adds a
field with a default would change the digest of a text that nobody changed: it has to count `SCHEMA` up, and read the
older form with the fields of that time.

Amounts that a side keeps to itself enter as `salted_digest` only.
"""

import json
from collections.abc import Iterable
from typing import Any

from comity.core import chain
from comity.core.agreements.clauses import Clause, check_fields, check_id, complete
from comity.core.agreements.fields import Problem
from comity.core.agreements.kinds import Kind

SCHEMA = "comity.agreement/1"
LEAST_SALT_BYTES = 16
# What says which contacts a KPI counts, and how; neither how much is to be reached, nor why, nor what follows.
COUNTED_BY = (
    *("measure", "formula", "instrument", "queues", "channels", "queue_map", "records"),
    *("answer_within_s", "short_abandon_s", "abandons", "within_days", "deadline", "volume_band", "patience_s"),
)
canonical = chain.canonical
digest = chain.digest_of


class UnreadableTextError(ValueError):
    """A document that is no text of an agreement; names the first thing that is wrong and what to write."""


class WeakSaltError(ValueError):
    """A salt short enough to try all of them."""


def clause_content(clause: Clause) -> dict[str, Any]:
    """Return a clause as the canonical form holds it; a removed one is its id and kind."""
    content: dict[str, Any] = {"id": clause.id, "kind": clause.kind.value}
    return content | ({"removed": True} if clause.removed else {"fields": complete(clause.kind, clause.fields)})


def clause_digest(clause: Clause) -> str:
    """Return the digest of one clause."""
    return digest({"schema": SCHEMA, **clause_content(clause)})


def counting_digest(kpi: Clause) -> str:
    """Return the digest of what a KPI counts by, whatever its target.

    Two KPIs with the same one count alike, also those of two relationships: it holds neither their ids nor their words.
    """
    fields = complete(kpi.kind, kpi.fields)
    return digest({"schema": SCHEMA, "counts_by": {name: fields[name] for name in COUNTED_BY if name in fields}})


def text_content(clauses: Iterable[Clause]) -> dict[str, Any]:
    """Return a text, its clauses in their order, as the canonical form holds it."""
    return {"schema": SCHEMA, "clauses": [clause_content(clause) for clause in clauses]}


def parse_text(document: str) -> tuple[Clause, ...]:
    """Parse a text in the canonical form, or one that says the same otherwise.

    :raises UnreadableTextError: for no JSON, another schema, an object with a key twice, an id twice, a field that is
        not known, or a value that cannot stand in its field
    """
    try:
        content = json.loads(document, object_pairs_hook=_object_with_unique_keys, parse_float=_reject_float)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnreadableTextError(f"it is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or set(content) != {"schema", "clauses"}:
        raise UnreadableTextError(f"write schema {SCHEMA} and a list of clauses, nothing else")
    if not isinstance(content["clauses"], list):
        raise UnreadableTextError("write clauses as a list")
    clauses = [_parse_clause(at, item) for at, item in enumerate(content["clauses"], 1)]
    ids = [clause.id for clause in clauses]
    twice = next((clause for at, clause in enumerate(ids) if clause in ids[:at]), None)
    if twice is not None:
        raise UnreadableTextError(f"clause {twice}: an id stands once in a text")
    return tuple(clauses)


def salted_digest(value: object, salt: bytes) -> str:
    """Return the digest of a value that a side keeps to itself.

    Without the salt anybody could try all amounts.

    :param value: of JSON types
    :param salt: random, 16 bytes at least; the side keeps it with the value
    :raises WeakSaltError: for a shorter one
    """
    if len(salt) < LEAST_SALT_BYTES:
        raise WeakSaltError(f"a salt has {LEAST_SALT_BYTES} random bytes at least, but this one has {len(salt)}")
    return chain.salted_digest_of(value, salt)


def _parse_clause(at: int, item: object) -> Clause:
    place = f"clause {at} of the document"
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise UnreadableTextError(f"{place}: write an id, a kind and fields")
    _raise_first(check_id(item["id"]))
    try:
        kind = Kind(str(item.get("kind")))
    except ValueError:
        raise UnreadableTextError(f"{place}: write one of the kinds {', '.join(Kind)}") from None
    if item.get("removed") is True and set(item) == {"id", "kind", "removed"}:
        return Clause(item["id"], kind, {}, removed=True)
    if set(item) != {"id", "kind", "fields"} or not isinstance(item["fields"], dict):
        raise UnreadableTextError(f"{place}: write an id, a kind and fields, nothing else")
    values, problems = check_fields(item["id"], kind, item["fields"])
    _raise_first(problems)
    return Clause(item["id"], kind, complete(kind, values))


def _raise_first(problems: list[Problem]) -> None:
    if problems:
        raise UnreadableTextError(problems[0].message)


def _object_with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise UnreadableTextError(f"the key {ascii(key)[:60]} stands twice in one object, so that readers disagree")
        members[key] = value
    return members


def _reject_float(digits: str) -> float:
    raise UnreadableTextError(f"write the number {digits[:30]} as text, in quotes")
