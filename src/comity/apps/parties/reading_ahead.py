"""Queries that a page over many relationships asks of all of them at once.

What is read of one relationship is read through the person's own place there, in the database (`comity_in_each`): the
policies are those of any other page, and a row comes with the relationship that it was read in. What was read ahead is
kept in each member's own `cache`, so that whoever asks for the rows of a member need not know whether they were.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DecimalField, Model, QuerySet, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators
from psycopg import ClientCursor

from comity.apps.parties.member_context import MemberContext

T = TypeVar("T")
Place = UUID  # a relationship, or `HERE`
Query = Callable[..., QuerySet[Any, Any]]
# In a query, where the id of a relationship stands: the one that the statement is being read in.
HERE = cast("Place", RawSQL("$1::uuid", (), output_field=UUIDField()))


def rows_in(member: MemberContext, query: Query, *arguments: Hashable) -> list[Any]:
    """Return the rows of a query in a member's relationship: those read ahead, else as the database has them now.

    :param query: takes a relationship, or `HERE`, and the arguments
    """
    known = member.cache.get(_key(query, arguments))
    return list(query(member.relationship.pk, *arguments)) if known is None else list(known)


def was_read_ahead(member: MemberContext, query: Query, *arguments: Hashable) -> bool:
    """Whether the rows of a query were read ahead."""
    return _key(query, arguments) in member.cache


def read_ahead(
    members: Sequence[MemberContext],
    query: Query,
    arguments: Callable[[MemberContext], tuple[Hashable, ...] | None] = lambda _: (),
) -> None:
    """Read a query in the relationships of members of one person, one statement for those with the same arguments.

    :param arguments: of the query for a member; None: it is not asked there
    """
    alike: dict[tuple[Hashable, ...], list[MemberContext]] = defaultdict(list)
    for member in members:
        those = arguments(member)
        if those is not None and not was_read_ahead(member, query, *those):
            alike[those].append(member)
    for those, among in alike.items():
        found = _read(among, query(HERE, *those))
        for member in among:
            member.cache[_key(query, those)] = found.get(member.relationship.pk, [])


def _key(query: Query, arguments: tuple[Hashable, ...]) -> str:
    return f"read ahead {query.__module__}.{query.__qualname__} {arguments!r}"


def _read(members: Iterable[MemberContext], query: QuerySet[Any, Any]) -> Mapping[UUID, list[Any]]:
    """Return the rows by relationship: instances, or the tuples of a query of values."""
    compiler = query.query.get_compiler(connection=connection)
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return {}
    fields = [expression.output_field for expression, _, _ in compiler.select]
    columns = [f"c{at}" for at in range(len(fields))]
    # Exact numbers go as text: JSON has none.
    shown = [
        f"{name}::text" if isinstance(field, DecimalField) else name
        for name, field in zip(columns, fields, strict=True)
    ]
    with connection.cursor() as cursor:
        statement = ClientCursor(connection.connection).mogrify(sql, parameters)
        cursor.execute(
            "SELECT relationship, found FROM comity_in_each(%s, %s)",
            [
                [one.membership.pk for one in members],
                f"SELECT {', '.join(shown)} FROM ({statement}) inside({', '.join(columns)})",  # noqa: S608 - of ours
            ],
        )
        fetched = cursor.fetchall()
    make = _instances(compiler) if compiler.klass_info else tuple
    found: dict[UUID, list[Any]] = defaultdict(list)
    for relationship, row in fetched:
        values = [
            None if value is None else field.to_python(value) for field, value in zip(fields, row.values(), strict=True)
        ]
        found[relationship].append(make(values))
    return found


def _instances(compiler: Any) -> Callable[[Sequence[Any]], Model]:  # noqa: ANN401 - Django's, without types
    """Return what makes an instance, with those that it names and its annotations, of a row's values."""
    info = compiler.klass_info
    first, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in compiler.select[first:end]]
    populators = get_related_populators(info, compiler.select, connection.alias)  # type: ignore[call-arg]  # stubs ahead

    def make(values: Sequence[Any]) -> Model:
        one: Model = info["model"].from_db(connection.alias, names, values[first:end])
        for populator in populators:
            populator.populate(values, one)
        for name, at in compiler.annotation_col_map.items():
            setattr(one, name, values[at])
        return one

    return make
