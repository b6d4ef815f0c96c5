"""The engine that a book is asked through: DuckDB by Ibis, which compiles expressions of the same structure once.

A quarter of the time of a review went into compiling what had been compiled a moment before: the next KPI, viewer,
period or book asks the same questions. The SQL is remembered by all that it depends on: the operations and how they
hang together, the names and columns of tables, and every literal, so that a different limit, day or name is compiled
anew. What a table holds, and whose book it is in, is no part of its SQL.
"""

import decimal
import enum
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.datashape as ds
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.common.graph import Node
from ibis.expr.schema import Schema

from comity.book.storage import exact_sums

MOST = 1024  # statements of some kilobytes each; a review asks about fifty
_SCRATCH = re.compile(r"scratch_[0-9a-f]{32}")
# What a literal or an argument of an operation is made of, and says by its `repr` all that SQL can depend on:
# 0.0 and -0.0, 1 and True, one instant in two zones are equal and compile to different statements.
_PLAIN = (
    *(type(None), bool, int, float, str, bytes, decimal.Decimal, uuid.UUID),
    *(date, datetime, time, timedelta),
)


def scratch_name() -> str:
    """A new name for a table that lives shorter than its engine; nobody can foresee it."""
    return f"scratch_{uuid.uuid4().hex}"


class BookEngine(Backend):  # type: ignore[misc]  # Ibis has no types there
    """DuckDB by Ibis, with sums that do not depend on the order of rows, and SQL that is compiled once."""

    compiler = exact_sums.compiler

    def compile(  # noqa: D102 - as Ibis describes it
        self,
        expr: ibis.Expr,
        /,
        *,
        limit: int | None = None,
        params: Mapping[ibis.Expr, Any] | None = None,
        pretty: bool = False,
    ) -> str:
        structure = None if limit is not None or params or pretty else structure_of(expr)
        if structure is None:
            return str(super().compile(expr, limit=limit, params=params, pretty=pretty))
        key, names = structure
        known = _statements.get(key)
        if known is None:
            sql = str(super().compile(expr))
            _statements.put(key, (sql, names))
            return sql
        sql, former = known
        if former == names:
            return sql
        renamed = dict(zip(former, names, strict=True))
        return re.sub("|".join(map(re.escape, renamed)), lambda name: renamed[name.group()], sql)


class _Statements:
    """Statements by the structure of their expressions, and the names of passing tables in them; the latest used."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[str, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> tuple[str, tuple[str, ...]] | None:
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            return known

    def put(self, key: Hashable, statement: tuple[str, tuple[str, ...]]) -> None:
        with self._lock:
            self._known[key] = statement
            while len(self._known) > MOST:
                self._known.popitem(last=False)


_statements = _Statements()


class _OpaqueError(Exception):
    """An argument of which it is not known whether SQL depends on it."""


def structure_of(expr: ibis.Expr) -> tuple[Hashable, tuple[str, ...]] | None:
    """All that the SQL of an expression depends on, but the names of passing tables, and those in order.

    Two expressions of equal structure have the same SQL, once each passing name of one stands for that of the other.
    A passing table is one in memory, or of a `scratch_name`. Nodes are told apart by identity, which is stricter than
    Ibis, to which 0.0 and -0.0 are one node.

    :returns: None where something in it is not known here, and must be compiled
    """
    root = expr.op()
    walk = _Walk(root)
    try:
        return tuple(walk.describe(node) for node in walk.queue), tuple(walk.names)
    except _OpaqueError:
        return None


class _Walk:
    """A walk through an expression: its nodes in the order in which they were met."""

    def __init__(self, root: Node) -> None:
        self.queue = [root]  # grows while it is walked
        self.names: dict[str, int] = {}
        self._numbers = {id(root): 0}
        self._identifiers: dict[object, int] = {}

    def describe(self, node: Node) -> Hashable:
        """What a node is, with others by number."""
        if isinstance(node, ops.InMemoryTable):
            return ops.InMemoryTable, self._passing(node.name), self._part(node.schema)
        if isinstance(node, ops.DatabaseTable):
            passing = _SCRATCH.fullmatch(node.name) is not None
            name: Hashable = self._passing(node.name) if passing else node.name
            return ops.DatabaseTable, passing, name, self._part(node.schema), node.namespace
        if isinstance(node, ops.Reference):  # its identifier only tells it from others
            number = self._identifiers.setdefault(node.identifier, len(self._identifiers))
            return type(node), self._part(node.parent), number
        return type(node), *map(self._part, node.__args__)

    def _passing(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def _part(self, value: object) -> Hashable:
        kind = type(value)
        part: Hashable
        if isinstance(value, Node):
            part = self._numbers.setdefault(id(value), len(self.queue))
            if part == len(self.queue):
                self.queue.append(value)
            kind = Node
        elif kind in _PLAIN:
            part = repr(value)
        elif isinstance(value, (dt.DataType, ds.DataShape, ops.Namespace, type)):
            part = value
        elif isinstance(value, enum.Enum):
            part = value.name
        elif isinstance(value, (tuple, list)):
            part = tuple(map(self._part, value))
        elif isinstance(value, frozenset):
            part = frozenset(map(self._part, value))
        elif isinstance(value, (Schema, Mapping)):
            part = tuple((self._part(key), self._part(one)) for key, one in value.items())
        else:
            raise _OpaqueError
        return kind, part
