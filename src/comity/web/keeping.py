"""The whole room in one file, and back: the database and the books; sealed, where a passphrase is given.

The file is a tar: `manifest.json`, `database.dump` (PostgreSQL's own format) and `books/`. Sealed, it holds
`contents.age`, that tar encrypted to a key made for it alone, and `key.age`, that key under the passphrase: whoever has
the tool `age` opens both without us.
"""

import contextlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyrage
from psycopg import sql

import comity
from comity.book.importing.committing import BusyBookError, locked
from comity.web.postgres import SUPERUSER, Cluster, NoDatabaseError
from comity.web.serving import Room

SCHEMA = "comity.backup/1"
_DUMP, _MANIFEST, _BOOKS, _KEY, _SEALED = "database.dump", "manifest.json", "books", "key.age", "contents.age"
_PATIENCE_S = 600.0  # for an import that is under way


class CannotKeepError(RuntimeError):
    """Why a room cannot be kept or brought back: one sentence with the next step."""


def backup(room: Room, out: Path, passphrase: str | None) -> dict[str, Any]:
    """Keep a room in a file; it may be open meanwhile.

    :returns: what the file holds, as its manifest says
    :raises CannotKeepError: where there is no room, an import does not end, or the file cannot be written
    """
    cluster = _cluster(room)
    if not cluster.data.is_dir():
        raise CannotKeepError(f"{room.data} holds no room with a database of its own")
    part = out.with_name(f"{out.name}.part")
    try:
        with _awake(room, cluster), tempfile.TemporaryDirectory(dir=out.parent, prefix=".comity-") as work:
            dump = Path(work) / _DUMP
            # The count first: a row that comes in between is in the dump and not in the count, and says so loudly.
            with _copied(cluster) as (snapshot, counts):
                command, environment = cluster.command("pg_dump", SUPERUSER)
                asked = [*command, "--format=custom", f"--snapshot={snapshot}", f"--file={dump}"]
                done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - its own tool
                if done.returncode:
                    raise CannotKeepError(f"the database cannot be kept: {done.stderr.strip()[-300:]}")
            manifest = {
                "schema": SCHEMA,
                "version": comity.__version__,
                "at": datetime.now(UTC).isoformat(),
                "rows": counts,
                "books": sorted(one.name for one in _books(room)),
            }
            plain = Path(work) / "contents.tar"
            with tarfile.open(plain, "w") as archive:
                _add(archive, _MANIFEST, json.dumps(manifest, indent=1).encode())
                archive.add(dump, _DUMP)
                for book in _books(room):
                    with locked(book, _PATIENCE_S):
                        archive.add(book, f"{_BOOKS}/{book.name}")
            if passphrase is None:
                shutil.move(plain, part)
            else:
                _seal(plain, part, passphrase, Path(work))
        part.chmod(0o600)
        part.replace(out)
    except BusyBookError as error:
        raise CannotKeepError(str(error)) from None
    except OSError as error:
        raise CannotKeepError(f"{out} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(room: Room, file: Path, passphrase: str | None) -> dict[str, Any]:
    """Bring a room back, into a folder that holds none.

    :returns: what the file held, as its manifest says; every table has as many rows as it had
    :raises CannotKeepError: where there is a room already, the file is none of ours, the passphrase is wrong, or a
        table has another number of rows
    """
    cluster = _cluster(room)
    if cluster.data.exists() or any(_books(room)):
        raise CannotKeepError(f"{room.data} holds a room already; choose an empty --data")
    with tempfile.TemporaryDirectory(prefix="comity-") as work:
        try:
            plain = _opened(file, passphrase, Path(work))
            with tarfile.open(plain) as archive:
                _unpack(archive, Path(work))
            manifest = json.loads((Path(work) / _MANIFEST).read_text(encoding="utf-8"))
        except (tarfile.TarError, KeyError, ValueError, OSError) as error:
            raise CannotKeepError(f"{file} is no backup of a room: {error}") from None
        if manifest.get("schema") != SCHEMA:
            raise CannotKeepError(f"{file} is no backup that this version knows")
        with room.lock().acquire(timeout=0):
            try:
                cluster.start()
            except NoDatabaseError as error:
                raise CannotKeepError(str(error)) from None
            try:
                command, environment = cluster.command("pg_restore", SUPERUSER)
                asked = [*command, "--exit-on-error", "--dbname", environment["PGDATABASE"], str(Path(work) / _DUMP)]
                done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - as above
                if done.returncode:
                    raise CannotKeepError(f"the database cannot be brought back: {done.stderr.strip()[-300:]}")
                found = _counts(cluster)
            finally:
                cluster.stop()
        if found != manifest["rows"]:
            other = sorted(name for name in found | manifest["rows"] if found.get(name) != manifest["rows"].get(name))
            raise CannotKeepError(f"not all came back: {', '.join(other)} have another number of rows")
        books = Path(work) / _BOOKS
        if books.is_dir():
            shutil.copytree(books, room.data / _BOOKS, dirs_exist_ok=True)
            (room.data / _BOOKS).chmod(0o700)
    return dict(manifest)


def _cluster(room: Room) -> Cluster:
    if room.cluster is None:
        raise CannotKeepError(
            "DATABASE_URL names another database; keep that one with its own tools, and books/ as files"
        )
    return room.cluster


def _books(room: Room) -> list[Path]:
    folder = room.data / _BOOKS
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


@contextlib.contextmanager
def _awake(room: Room, cluster: Cluster) -> Iterator[None]:
    """With the database running: the open room's, or started for as long as it takes."""
    if cluster.answers():
        yield
        return
    with room.lock().acquire(timeout=0):
        try:
            cluster.start()
            yield
        except NoDatabaseError as error:
            raise CannotKeepError(str(error)) from None
        finally:
            cluster.stop()


@contextlib.contextmanager
def _copied(cluster: Cluster) -> Iterator[tuple[str, dict[str, int]]]:
    """One moment of the database: its name for others, and how many rows each table has in it."""
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0] if row else ""), _count(connection)


def _counts(cluster: Cluster) -> dict[str, int]:
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        return _count(connection)


def _count(connection: psycopg.Connection[Any]) -> dict[str, int]:
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    found = {}
    for (name,) in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))).fetchone()
        found[str(name)] = int(row[0]) if row else 0
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _unpack(archive: tarfile.TarFile, into: Path) -> None:
    """Files and folders, none of them outside; Python before 3.11.4 has no filter that does so."""
    for member in archive:
        place = into / member.name
        if not place.resolve().is_relative_to(into.resolve()) or not (member.isfile() or member.isdir()):
            raise CannotKeepError(f"the file holds {member.name!r}, which no backup of ours does")
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        held = archive.extractfile(member)
        if held is not None:
            with place.open("wb") as out:
                shutil.copyfileobj(held, out)


def _seal(plain: Path, out: Path, passphrase: str, work: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    sealed = work / _SEALED
    pyrage.encrypt_file(str(plain), str(sealed), [key.to_public()])
    with tarfile.open(out, "w") as archive:
        _add(archive, _KEY, pyrage.passphrase.encrypt(str(key).encode(), passphrase))
        archive.add(sealed, _SEALED)


def _opened(file: Path, passphrase: str | None, work: Path) -> Path:
    with tarfile.open(file) as archive:
        if _KEY not in archive.getnames():
            return file
        if passphrase is None:
            raise CannotKeepError(f"{file} is sealed; say the passphrase")
        held, sealed = archive.extractfile(_KEY), work / _SEALED
        key = held.read() if held is not None else b""
        _unpack(archive, work)
    try:
        identity = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(key, passphrase).decode())
        plain = work / "opened.tar"
        pyrage.decrypt_file(str(sealed), str(plain), [identity])
    except pyrage.DecryptError:
        raise CannotKeepError(f"{file} does not open with this passphrase") from None
    return plain
