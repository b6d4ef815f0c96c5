"""Backup of a whole room in one file, and restore: database, books, waiting uploads, sign-in, keys.

The file is a tar: `manifest.json`, `database.dump` (PostgreSQL's own format), `books/`, `uploads/`, and the room's own
files of the data folder. Sealed, it holds `contents.age`, that tar encrypted to a key made for it alone, and `key.age`,
that key under the passphrase: whoever has the tool `age` opens both without us.

What is restored is code as well as data: a dump defines functions, triggers and policies. It is therefore restored as
the role that owns the tables, which is no superuser and can run nothing outside of the database. A dump can still
define another wall than ours; that it was not changed is proven by the seal alone.
"""

import contextlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
import pyrage
from psycopg import sql

import comity
from comity.book.storage.atomic import replace_file
from comity.book.storage.commit import BusyBookError, book_lock
from comity.book.validation import pseudonyms
from comity.web.identity_providers import SIGN_IN_FILE as SIGN_IN
from comity.web.postgres import OWNER, SUPERUSER, Cluster, NoDatabaseError
from comity.web.server import DIGEST_KEY, Room

SCHEMA = "comity.backup/2"
OLDER_SCHEMA = "comity.backup/1"  # database and books only
# Keys that open sealed limits: whoever holds a backup must not be able to open what was sealed. None exist yet.
SEALED_KEY_PATTERNS = ("sealed*.key", "seal-*.key", "*.sealed-key")
_DUMP, _MANIFEST, _BOOKS, _UPLOADS, _KEY, _SEALED = (
    "database.dump",
    "manifest.json",
    "books",
    "uploads",
    "key.age",
    "contents.age",
)
_SECRET = "secret"  # noqa: S105 - the name of a file
_LOCK_TIMEOUT_S = 600.0  # an import that holds the book's lock
# What the data folder holds and a backup does not, and why.
_EXCLUDED_REASONS = {
    "postgres": "its content is kept as a dump; a restored room has new database passwords",
    "results": "computed again when they are asked for",
    "copies": "made again when somebody asks for one",
    "demo": "a file to import into the demo",
    "worked-out": "results of an earlier version",
    "mails": "mails that were written to files",
    "serve.lock": "says that the room is being served",
}
_UNKNOWN_REASON = "not part of a room"


class BackupError(RuntimeError):
    """A room that cannot be backed up or restored: one sentence with the next step."""


def backup(room: Room, out: Path, passphrase: str | None) -> dict[str, Any]:
    """Back up a room to a file, also while it is being served.

    :param passphrase: seals the file; None: not sealed, so that whoever reads the file reads everything
    :returns: the manifest: `rows` by table, `books`, `files` kept of the data folder, and `left_out` with reasons
    :raises BackupError: for an empty passphrase, or where there is no room, an import does not end, or the file
        cannot be written
    """
    _require_usable_passphrase(passphrase)
    cluster = _own_cluster(room)
    if not cluster.data.is_dir():
        raise BackupError(f"{room.data} holds no room with a database of its own")
    part = out.with_name(f"{out.name}.part")
    try:
        with _running(room, cluster), tempfile.TemporaryDirectory(dir=out.parent, prefix=".comity-") as work:
            dump, plain = Path(work) / _DUMP, Path(work) / "contents.tar"
            with tarfile.open(plain, "w") as archive:
                # The count first: a row that comes in between is in the dump and not in the count, and is noticed.
                with _exported_snapshot(cluster) as (snapshot, counts):
                    _add_uploads(archive, room)
                    command, environment = cluster.command("pg_dump", SUPERUSER)
                    command_line = [*command, "--format=custom", f"--snapshot={snapshot}", f"--file={dump}"]
                    completed = subprocess.run(  # noqa: S603 - its own tool
                        command_line, env=environment, capture_output=True, text=True, check=False
                    )
                    if completed.returncode:
                        raise BackupError(f"the database cannot be kept: {_first_error(completed.stderr)}")
                archive.add(dump, _DUMP)
                excluded_keys: list[str] = []
                for book in _book_folders(room):
                    with book_lock(book, _LOCK_TIMEOUT_S):
                        archive.add(
                            book, f"{_BOOKS}/{book.name}", filter=lambda one: _filter_book_entry(one, excluded_keys)
                        )
                files = _room_files(room)
                for name, content in files.items():
                    _add_bytes(archive, name, content)
                manifest = {
                    "schema": SCHEMA,
                    "version": comity.__version__,
                    "at": datetime.now(UTC).isoformat(),
                    "rows": counts,
                    "books": sorted(one.name for one in _book_folders(room)),
                    "files": sorted(files),
                    "left_out": _excluded(room, files, excluded_keys),
                }
                _add_bytes(archive, _MANIFEST, json.dumps(manifest, indent=1).encode())
            if passphrase is None:
                plain.chmod(0o600)
                shutil.move(plain, part)
            else:
                _encrypt(plain, part, passphrase, Path(work))
        part.chmod(0o600)
        replace_file(part, out)
    except BusyBookError as error:
        raise BackupError(str(error)) from None
    except OSError as error:
        raise BackupError(f"{out} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(room: Room, file: Path, passphrase: str | None) -> dict[str, Any]:
    """Restore a room into a folder that holds none; where that fails, the folder is as it was.

    :param passphrase: of a sealed file; None for one that is not sealed
    :returns: the manifest, as `backup` returns it; every table has as many rows as it says
    :raises BackupError: where there is a room already; where the file is no backup, is not sealed although a
        passphrase is given, does not open, holds what a backup never holds or what only a superuser may restore; or
        where a table has another number of rows
    """
    _require_usable_passphrase(passphrase)
    cluster = _own_cluster(room)
    if cluster.data.exists() or any(_book_folders(room)) or any(_upload_paths(room)):
        raise BackupError(f"{room.data} holds a room already; choose an empty --data")
    with tempfile.TemporaryDirectory(prefix="comity-") as work:
        try:
            plain = _decrypt(file, passphrase, Path(work))
            contents = Path(work) / "contents"
            with tarfile.open(plain) as archive:
                _unpack(archive, contents)
            manifest = json.loads((contents / _MANIFEST).read_text(encoding="utf-8"))
        except (tarfile.TarError, KeyError, ValueError, OSError) as error:
            raise BackupError(f"{file} is no backup of a room: {error}") from None
        expected = {"schema": str, "at": str, "rows": dict, "books": list}
        if (
            not isinstance(manifest, dict)
            or not all(isinstance(manifest.get(name), kind) for name, kind in expected.items())
            or manifest["schema"] not in {SCHEMA, OLDER_SCHEMA}
        ):
            raise BackupError(f"{file} is no backup that this version knows")
        _refuse_conflicting_files(room, contents)
        with room.lock().acquire(timeout=0):
            try:
                _restore_database(cluster, contents / _DUMP, manifest)
                _restore_files(room, contents)
            except BaseException:
                for folder in (cluster.data, room.data / _BOOKS, room.data / _UPLOADS):
                    shutil.rmtree(folder, ignore_errors=True)
                raise
    return manifest


def _restore_database(cluster: Cluster, dump: Path, manifest: dict[str, Any]) -> None:
    try:
        cluster.start()
    except NoDatabaseError as error:
        raise BackupError(str(error)) from None
    try:
        # As the owner of the tables, never as the superuser: a dump that was tampered with would run programs.
        command, environment = cluster.command("pg_restore", OWNER)
        command_line = [*command, "--exit-on-error", "--no-owner", "--dbname", environment["PGDATABASE"], str(dump)]
        completed = subprocess.run(command_line, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - as above
        if completed.returncode:
            raise BackupError(f"the database cannot be restored: {_first_error(completed.stderr)}")
        counts, expected = _current_row_counts(cluster), manifest["rows"]
    finally:
        cluster.stop()
    if counts != expected:
        other = sorted(name for name in counts | expected if counts.get(name) != expected.get(name))
        raise BackupError(f"not everything was restored: {', '.join(other)} have another number of rows")


def _restore_files(room: Room, contents: Path) -> None:
    for name in (_BOOKS, _UPLOADS):
        if (contents / name).is_dir():
            shutil.copytree(contents / name, room.data / name, dirs_exist_ok=True)
    for name in (SIGN_IN, _SECRET, DIGEST_KEY):
        if (contents / name).is_file():
            shutil.copyfile(contents / name, room.data / name)
    room.restrict_permissions()


def _refuse_conflicting_files(room: Room, contents: Path) -> None:
    """Refuse to restore beside files that would count instead of the restored ones.

    :raises BackupError: naming the file
    """
    for name in (SIGN_IN, _SECRET, DIGEST_KEY):
        existing, incoming = room.data / name, contents / name
        if existing.exists() and (not incoming.is_file() or existing.read_bytes() != incoming.read_bytes()):
            raise BackupError(f"{existing} is not the one of the backup; move it away, or choose an empty --data")
    setting, incoming = os.environ.get(pseudonyms.KEY_FILE_SETTING), contents / DIGEST_KEY
    existing = Path(setting) if setting else incoming
    if incoming.is_file() and existing.exists() and existing.read_bytes().strip() != incoming.read_bytes().strip():
        raise BackupError(
            f"{existing}, which {pseudonyms.KEY_FILE_SETTING} names, is not the key of the backup, and ids of people "
            f"would get other digests than before; unset {pseudonyms.KEY_FILE_SETTING}"
        )


# What a backup holds --------------------------------------------------------------------------------------------


def _require_usable_passphrase(passphrase: str | None) -> None:
    """Refuse an empty passphrase: it is a secret that failed to arrive, never a request for no encryption."""
    if passphrase is not None and not passphrase.strip():
        raise BackupError("the passphrase is empty; a backup without a seal is asked for by giving none")


def _room_files(room: Room) -> dict[str, bytes]:
    """Return the room's own files besides books and uploads: content by name in the backup."""
    paths = {SIGN_IN: room.data / SIGN_IN, _SECRET: room.data / _SECRET, DIGEST_KEY: room.digest_key()}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _add_uploads(archive: tarfile.TarFile, room: Room) -> None:
    """Add uploads that wait for their import; one that is imported or deleted meanwhile is left out."""
    for path in _upload_paths(room):
        with contextlib.suppress(FileNotFoundError):
            archive.add(path, path.relative_to(room.data).as_posix(), recursive=False)


def _upload_paths(room: Room) -> Iterator[Path]:
    folder = room.data / _UPLOADS
    return (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not _is_sealed_key(path.name)
    )


def _is_sealed_key(name: str) -> bool:
    return any(fnmatch(name.lower(), pattern) for pattern in SEALED_KEY_PATTERNS)


def _filter_book_entry(entry: tarfile.TarInfo, excluded_keys: list[str]) -> tarfile.TarInfo | None:
    """Filter for a book's files: leave the keys of sealed limits out and note their names."""
    if _is_sealed_key(PurePosixPath(entry.name).name):
        excluded_keys.append(entry.name)
        return None
    return entry


def _excluded(room: Room, files: dict[str, bytes], excluded_keys: list[str]) -> dict[str, str]:
    """Return what the room needs and the backup does not hold: reason by name."""
    included = {_BOOKS, _UPLOADS, SIGN_IN, _SECRET, DIGEST_KEY}
    reasons = {
        path.name: _EXCLUDED_REASONS.get(path.name, _UNKNOWN_REASON)
        for path in room.data.iterdir()
        if path.name not in included
    }
    sealed = [*excluded_keys, *(name for name in reasons if _is_sealed_key(name))]
    reasons |= dict.fromkeys(sealed, "opens sealed limits, which nobody who holds a backup may")
    reasons["settings"] = "environment variables, such as COMITY_ORIGINS, are kept where you set them"
    if os.environ.get("COMITY_SECRET_KEY"):
        reasons["COMITY_SECRET_KEY"] = "given by the environment; keep it, or everybody has to sign in again"  # noqa: S105 - a reason
    if DIGEST_KEY not in files:
        reasons[DIGEST_KEY] = "no id of a person was hashed yet, so that there is no key"
    return dict(sorted(reasons.items()))


def _own_cluster(room: Room) -> Cluster:
    if room.cluster is None:
        raise BackupError("DATABASE_URL names another database; keep that one with its own tools, and books/ as files")
    return room.cluster


def _book_folders(room: Room) -> list[Path]:
    folder = room.data / _BOOKS
    if not folder.is_dir():
        return []
    # What is hidden is being made: a sample, or a copy in which a correction is tried.
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


@contextlib.contextmanager
def _running(room: Room, cluster: Cluster) -> Iterator[None]:
    """Keep the database running: that of the served room, else one that is stopped at the end."""
    if cluster.accepts_connections():
        yield
        return
    with room.lock().acquire(timeout=0):
        try:
            cluster.start()
            yield
        except NoDatabaseError as error:
            raise BackupError(str(error)) from None
        finally:
            cluster.stop()


@contextlib.contextmanager
def _exported_snapshot(cluster: Cluster) -> Iterator[tuple[str, dict[str, int]]]:
    """Export a snapshot; yield its name and the number of rows by table."""
    with _connect_as_superuser(cluster) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0] if row else ""), _row_counts(connection)


def _current_row_counts(cluster: Cluster) -> dict[str, int]:
    with _connect_as_superuser(cluster) as connection:
        return _row_counts(connection)


def _connect_as_superuser(cluster: Cluster) -> psycopg.Connection[Any]:
    """Connect as the superuser, with a search path of its own: a restored database may bring one, and functions."""
    return psycopg.connect(cluster.conninfo(SUPERUSER), options="-c search_path=pg_catalog")


def _row_counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    counts = {}
    for (name,) in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))).fetchone()
        counts[str(name)] = int(row[0]) if row else 0
    return counts


def _first_error(stderr: str) -> str:
    """Return the first line with an error of a PostgreSQL tool's output, else its last line; 300 characters at most."""
    lines = stderr.strip().splitlines() or ["no reason given"]
    return next((line for line in lines if "error:" in line), lines[-1])[:300]


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), stat.S_IRUSR | stat.S_IWUSR
    archive.addfile(entry, io.BytesIO(content))


def _unpack(archive: tarfile.TarFile, into: Path) -> None:
    """Unpack files and folders by the names that a backup has; Python before 3.11.4 has no filter that does so.

    :raises BackupError: for any other name, a link, a device, a name that leads elsewhere, or one that comes twice
    """
    single = {_MANIFEST, _DUMP, SIGN_IN, _SECRET, DIGEST_KEY}
    into.mkdir(mode=0o700)
    for member in archive:
        name = PurePosixPath(member.name)
        path = into / name
        known = name.parts[:1] in {(_BOOKS,), (_UPLOADS,)} or (member.isfile() and member.name in single)
        inside = not name.is_absolute() and ".." not in name.parts
        if not (known and inside and (member.isfile() or member.isdir())) or (member.isfile() and path.exists()):
            raise BackupError(f"the file holds {member.name!r}, which no backup of ours does")
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        if content is not None:
            with path.open("wb") as out:
                shutil.copyfileobj(content, out)


def _encrypt(plain: Path, out: Path, passphrase: str, work: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    sealed = work / _SEALED
    pyrage.encrypt_file(str(plain), str(sealed), [key.to_public()])
    with tarfile.open(out, "w") as archive:
        _add_bytes(archive, _KEY, pyrage.passphrase.encrypt(str(key).encode(), passphrase))
        archive.add(sealed, _SEALED)


def _decrypt(file: Path, passphrase: str | None, work: Path) -> Path:
    with tarfile.open(file) as archive:
        if _KEY not in archive.getnames():
            if passphrase is not None:
                raise BackupError(
                    f"{file} is not sealed, although a passphrase is given: somebody may have put it in the place of "
                    "the sealed one; to restore it all the same, give no passphrase"
                )
            return file
        if passphrase is None:
            raise BackupError(f"{file} is sealed; give its passphrase")
        key_file, contents, sealed = archive.extractfile(_KEY), archive.extractfile(_SEALED), work / _SEALED
        key = key_file.read() if key_file is not None else b""
        with sealed.open("wb") as out:
            shutil.copyfileobj(contents or io.BytesIO(), out)
    try:
        identity = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(key, passphrase).decode())
        plain = work / "opened.tar"
        pyrage.decrypt_file(str(sealed), str(plain), [identity])
    except pyrage.DecryptError:
        raise BackupError(f"{file} does not open with this passphrase") from None
    return plain
