"""The cache of all processes, in a table of the database, on a connection of its own.

Of its own, because a request is one transaction: a counter must be visible to other requests at once, and must stay
counted where the request fails. Each change is one statement, so that of two at the same moment only one adds a key.
Values are JSON. `django.core.cache.backends.db` has none of the three.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connections

_ONE_IN = 100  # writes that also delete what has expired


class SharedCache(BaseCache):
    """Django's cache interface over the table that LOCATION names."""

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        """Read the options: `database`, the alias of the connection."""
        super().__init__(params)
        self._table = table
        self._alias = str((params.get("OPTIONS") or {}).get("database", "default"))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:  # noqa: ANN401 - as Django has it
        """Return the value of a key that has not expired."""
        rows = self._do("SELECT value FROM {} WHERE cache_key = %s AND expires > now()", self._key(key, version))
        return json.loads(rows[0][0]) if rows else default

    def set(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - as Django has it
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Write a value, whatever was there."""
        self._do(
            "INSERT INTO {0} VALUES (%s, %s, %s) ON CONFLICT (cache_key) DO UPDATE "
            "SET value = excluded.value, expires = excluded.expires",
            self._key(key, version),
            json.dumps(value),
            self._until(timeout),
        )
        self._tidy()

    def add(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - as Django has it
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Write a value where the key is not there or has expired; of several at once one succeeds."""
        rows = self._do(
            "INSERT INTO {0} AS kept VALUES (%s, %s, %s) ON CONFLICT (cache_key) DO UPDATE "
            "SET value = excluded.value, expires = excluded.expires WHERE kept.expires <= now() RETURNING 1",
            self._key(key, version),
            json.dumps(value),
            self._until(timeout),
        )
        self._tidy()
        return bool(rows)

    def count(self, key: str, timeout: float, version: int | None = None) -> int:
        """Add one to a counter that begins again `timeout` seconds after its first use, and return it."""
        rows = self._do(
            "INSERT INTO {0} AS kept VALUES (%s, '1', %s) ON CONFLICT (cache_key) DO UPDATE SET "
            "value = CASE WHEN kept.expires <= now() THEN '1' ELSE (kept.value::bigint + 1)::text END, "
            "expires = CASE WHEN kept.expires <= now() THEN excluded.expires ELSE kept.expires END RETURNING value",
            self._key(key, version),
            self._until(timeout),
        )
        self._tidy()
        return int(rows[0][0])

    def touch(
        self,
        key: str,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Set when a key expires; whether it was there."""
        rows = self._do(
            "UPDATE {} SET expires = %s WHERE cache_key = %s AND expires > now() RETURNING 1",
            self._until(timeout),
            self._key(key, version),
        )
        return bool(rows)

    def delete(self, key: str, version: int | None = None) -> bool:
        """Delete a key; whether it was there."""
        return bool(self._do("DELETE FROM {} WHERE cache_key = %s RETURNING 1", self._key(key, version)))

    def clear(self) -> None:
        """Delete everything."""
        self._do("DELETE FROM {} RETURNING 1")

    def _key(self, key: str, version: int | None) -> str:
        return self.make_and_validate_key(key, version=version)

    def _until(self, timeout: float | None) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return datetime.max.replace(tzinfo=UTC) if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)

    def _tidy(self) -> None:
        if random.randrange(_ONE_IN) == 0:  # noqa: S311 - chooses when to tidy up
            self._do("DELETE FROM {} WHERE expires <= now() RETURNING 1")

    def _do(self, statement: str, *values: str | datetime) -> list[tuple[Any, ...]]:
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            cursor.execute(statement.format(connection.ops.quote_name(self._table)), values)
            return list(cursor.fetchall()) if cursor.description else []
