"""Ids of people as keyed digests: without the key, which lies elsewhere, a book does not tell who it was."""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from comity.book.formats.sheet import UnusableSourceError
from comity.book.tables import Table

KEY_FILE_SETTING = "COMITY_KEY_FILE"
_KEY_BYTES = 32
_BLOCK = 64  # of SHA-256, as HMAC (RFC 2104) pads to


def key_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where the key lies: where COMITY_KEY_FILE says, else in the user's own settings."""
    variables = os.environ if environment is None else environment
    if variables.get(KEY_FILE_SETTING):
        return Path(variables[KEY_FILE_SETTING])
    beside = variables.get("XDG_CONFIG_HOME") or variables.get("APPDATA")
    return (Path(beside) if beside else Path.home() / ".config") / "comity" / "digest.key"


def read_key(book: Path, environment: Mapping[str, str] | None = None) -> bytes:
    """The key, made where there is none yet.

    :raises UnusableSourceError: when it lies inside the book, or cannot be read
    """
    file = key_file(environment)
    if file.resolve().is_relative_to(book.resolve()):
        msg = f"the key of the digests lies inside the book; keep it elsewhere and name it in {KEY_FILE_SETTING}"
        raise UnusableSourceError(msg, file=file)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(_KEY_BYTES))
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        msg = f"the key of the digests cannot be read ({error}); name another in {KEY_FILE_SETTING}"
        raise UnusableSourceError(msg, file=file) from None
    if len(key) < _KEY_BYTES:
        msg = f"the key of the digests is too short; it wants {_KEY_BYTES * 2} hexadecimal digits"
        raise UnusableSourceError(msg, file=file)
    return key


def pseudonym(key: bytes, value: str) -> str:
    """HMAC-SHA-256 of an id, in hexadecimal."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def pseudonym_sql(key: bytes) -> str:
    """The same as a DuckDB expression over `{}` (RFC 2104: the hash of the outer pad and the hash of the inner)."""
    padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded).hex() for pad in (0x36, 0x5C))
    return f"sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode({{}}))))"


def own_key(key: bytes, holder: str) -> bytes:
    """The key of one side, whose digests say nothing beside those of the other side or of another book.

    :param holder: whose key it is, as `holder_of` names it
    """
    return hmac.new(key, holder.encode(), hashlib.sha256).digest()


def holder_of(relationship: str, side: str) -> str:
    """The name of a side within its relationship, for `own_key`."""
    return f"{relationship}\n{side}"


def pseudonym_columns(
    table: Table, named: Collection[str], book: Path, own: Collection[str] = (), holder: str = ""
) -> dict[str, str]:
    """For each column of the table that is kept as a digest, the expression that makes it.

    :param named: columns that the book keeps so, whoever brings them: by one key
    :param own: columns that a side brings so, by its own key
    :param holder: whose key that is; empty: of whoever has the folder
    """
    columns = [column.name for column in table.columns if column.personal and column.name in {*named, *own}]
    if not columns:
        return {}
    key = read_key(book)
    of_side = own_key(key, holder) if holder else key
    return {name: pseudonym_sql(key if name in named else of_side) for name in columns}
