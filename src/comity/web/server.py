"""The process that serves a room: database, migrations, HTTP server and workers, started and stopped together."""

import gc
import hashlib
import logging
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from comity.book.validation import pseudonyms
from comity.review import fonts
from comity.web.demo_dates import DATES, FOLDER, date_back
from comity.web.postgres import APP, OWNER, SUPERUSER, Cluster, NoDatabaseError, reachable
from comity.web.workers import STOP_TIMEOUT_S

QUEUES = ("records", "uploads", "reviews", "clock", "mail")  # of jobs; a task in any other queue never runs
_GC_THRESHOLD = 20_000  # allocations before a garbage collection: a page makes some ten thousand
UNPRIVILEGED = ("www-data", "_www", "daemon", "nobody")
DIGEST_KEY = "digest.key"
ADDRESS_FILE = "address"  # under which the room was served last, for links that a command prints
RESTARTED = "restarted"  # last line of comity.web.restart_database; its exit status may be lost
_POLL_S = 0.5  # between two checks of the postmaster
_BACK_OFF_S = (0.0, 1.0, 2.0, 4.0, 8.0)  # before each attempt to restart it
_MAX_RESTARTS, _RESTART_WINDOW_S = 5, 600.0  # more often than that, another restart does not help
_RESTART_TIMEOUT_S = 240.0  # of one attempt, recovery included
_log = logging.getLogger(__name__)


class CannotServeError(RuntimeError):
    """A room that cannot be served: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room in a folder, with a database of its own or another one that the environment names."""

    data: Path
    user: str | None = None

    @property
    def cluster(self) -> Cluster | None:
        """The room's own database cluster; None where DATABASE_URL names another database."""
        if os.environ.get("DATABASE_URL"):
            return None
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is None or reachable(self.data.parent, self.user):
            return Cluster(self.data / "postgres", self.user)
        # The data folder is below root's own, which the account that the database runs under cannot enter.
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Cluster(Path("/var/tmp") / f"comity-{name}", self.user)  # noqa: S108 - a folder of its own, 0700

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        """Return the environment of the room's processes.

        :param owner: with the database owner's password, for migrations alone
        """
        environment = {
            "COMITY_DATA": str(self.data),
            "COMITY_SECRET_KEY": self._secret(),
            pseudonyms.KEY_FILE_SETTING: str(self.digest_key()),
            "DJANGO_SETTINGS_MODULE": "comity.web.settings",
        }
        if self.cluster is not None:
            app = self.cluster.parameters(APP)
            environment |= {"COMITY_SOCKET": app["HOST"], "COMITY_APP_PASSWORD": app["PASSWORD"]}
            if owner:
                environment["COMITY_OWNER_PASSWORD"] = self.cluster.parameters(OWNER)["PASSWORD"]
        return environment

    def lock(self) -> FileLock:
        """Make the data folder, and return the lock that its one server holds."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Where the database runs under another account, that account has to pass through to its own folder.
        self.data.chmod(0o700 if self.user is None else 0o711)
        for name in ("books", "copies", "logs", "mails", "uploads", "results"):  # closed to that account
            (self.data / name).mkdir(mode=0o700, exist_ok=True)
            (self.data / name).chmod(0o700)
        return FileLock(self.data / "serve.lock")

    def restrict_permissions(self) -> int:
        """Make everything below the data folder accessible to its owner alone: folders 0700, files 0600.

        PostgreSQL's folder is skipped: it sets its own permissions, and may belong to another account.

        :returns: how many folders and files were accessible to others
        """
        changed = 0
        for folder, folders, files in os.walk(self.data):
            if Path(folder) == self.data:
                folders[:] = [name for name in folders if name != "postgres"]
            for names, mode in ((folders, 0o700), (files, 0o600)):
                for path in (Path(folder, name) for name in names):
                    try:
                        if not path.is_symlink() and path.stat().st_mode & 0o077:
                            path.chmod(mode)
                            changed += 1
                    except FileNotFoundError:
                        continue  # removed meanwhile, such as temporary files of a backup
                    except PermissionError:
                        _log.warning("%s belongs to another account and can be read by others", path)
        return changed

    def digest_key(self) -> Path:
        """Return the path of the key with which this room pseudonymises ids of people.

        COMITY_KEY_FILE comes first; then the data folder's own, which a restored room has; then the one in the
        account's settings, where earlier versions made it.
        """
        file = self.data / DIGEST_KEY
        if os.environ.get(pseudonyms.KEY_FILE_SETTING) or (not file.exists() and pseudonyms.key_file().exists()):
            return pseudonyms.key_file().resolve()
        return file

    def prepare_database(self) -> None:
        """Start the database and run the migrations.

        :raises CannotServeError: naming the step that failed
        """
        try:
            if self.cluster is not None:
                self.cluster.start()
        except NoDatabaseError as error:
            raise CannotServeError(str(error)) from None
        _run_module(
            "comity.web.migrate", failure="the tables cannot be made", extra_environment=self.environment(owner=True)
        )

    def _secret(self) -> str:
        """Return Django's secret key: the environment's, else one that is generated once in the data folder."""
        if os.environ.get("COMITY_SECRET_KEY"):
            return os.environ["COMITY_SECRET_KEY"]
        file = self.data / "secret"
        if not file.exists():
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(secrets.token_urlsafe(48))
        return file.read_text(encoding="ascii").strip()


def _run_module(module: str, *arguments: str, failure: str, extra_environment: Mapping[str, str] | None = None) -> str:
    """Run a module in a process of its own, because the server forks and must not inherit a connection.

    :param failure: what to say where it fails
    :returns: what it printed
    :raises CannotServeError: with the last line of its stderr
    """
    command, environment = [sys.executable, "-m", module, *arguments], {**os.environ, **(extra_environment or {})}
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    if completed.returncode:
        last_line = completed.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise CannotServeError(f"{failure}: {last_line[0]}")
    return completed.stdout


def setup_link(email: str = "") -> str:
    """A link with which the first account of a room, or that of an email address, is made.

    :returns: empty where no address is given and the room has accounts
    :raises CannotServeError: where it cannot be made
    """
    return _run_module("comity.web.setup_link", *([email] if email else []), failure="no link can be made").strip()


def reset_link(email: str) -> str:
    """A link with which the owner of an account chooses a new password.

    :raises CannotServeError: for an address without an account, or one that its organisation signs in
    """
    return _run_module("comity.web.reset_link", email, failure="no link can be made").strip()


def unprivileged_account() -> str | None:
    """Return the account that a demo's database runs under where we are root; None where we are not.

    :raises CannotServeError: where the system has none of `UNPRIVILEGED`
    """
    if os.getuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise CannotServeError("no account without privileges is here; run it as somebody other than root")


def serve(  # noqa: PLR0913 - what is served, and where
    room: Room,
    host: str,
    port: int,
    workers: int,
    ready: Callable[[str, str], None],
    demo: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until stopped; the database stops with the server.

    :param ready: called with the address, and in a room without accounts with a set-up link, once the server listens
    :param demo: a simulated book from which the demo is loaded into an empty room
    :param progress: told each step of the start
    :raises CannotServeError: where the folder is served already, or something does not start
    """
    _require_free_port(host, port)
    previous_umask = os.umask(0o077)  # inherited by every process of the room: no file of it is readable by others
    try:
        with room.lock().acquire(timeout=0):
            room.restrict_permissions()
            if not fonts.are_prepared():
                progress("Preparing the typefaces")
            fonts.prepare()
            progress("Starting the database and bringing its tables up to date")
            room.prepare_database()
            address = f"http://{host}:{port}"
            os.environ.update(room.environment() | {"COMITY_ADDRESS": address})
            (room.data / ADDRESS_FILE).write_text(address, encoding="utf-8")
            try:
                if demo is not None:
                    progress("Loading the demo")
                    _run_module("comity.web.load_demo", str(demo), failure="the demo cannot be loaded")
                    if room.cluster is not None:
                        date_back(room.cluster.conninfo(SUPERUSER), room.data / FOLDER / DATES)
                first = setup_link() if demo is None else ""  # the demo has people, and asking takes two seconds
                progress("Starting the server")
                with _background_processes(room) as watch:
                    _run_until_stopped(watch, host, port, workers, lambda served: ready(served, first))
            finally:
                if room.cluster is not None:
                    room.cluster.stop()
    except Timeout:
        raise CannotServeError(
            f"{room.data} is being served already; stop that one, or choose another --data"
        ) from None
    finally:
        os.umask(previous_umask)


class _Workers:
    """Supervisor of the background workers: their parent process is started again when it ends.

    Each queue has a worker of its own: no review, no reminder and no recognition of another file waits for a long
    import, and no import for a slow mail server. `comity.web.workers` starts each worker again when it ends.
    """

    def __init__(self) -> None:
        """Prepare the thread."""
        self._stopped, self._paused, self._running = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def start(self) -> None:
        """Start all workers."""
        self._thread.start()

    def pause(self) -> None:
        """Stop all workers, and wait until they have stopped."""
        self._paused.set()
        deadline = time.monotonic() + 2 * STOP_TIMEOUT_S
        while self._running.is_set() and time.monotonic() < deadline:
            time.sleep(0.05)

    def resume(self) -> None:
        """Start all workers after a pause."""
        self._paused.clear()

    def end(self) -> None:
        """Stop all workers for good."""
        self._stopped.set()
        self._thread.join(STOP_TIMEOUT_S + 2)

    def _supervise(self) -> None:
        command = [sys.executable, "-m", "comity.web.workers", *QUEUES]
        while not self._stopped.is_set():
            self._running.set()
            if not self._paused.is_set():  # after the line above, so that a pause never misses one that just starts
                process = subprocess.Popen(command)  # noqa: S603 - ourselves; what they log goes to the console and the log file
                while process.poll() is None and not self._paused.is_set() and not self._stopped.wait(0.2):
                    pass
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(STOP_TIMEOUT_S + 1)  # it stops its workers first
                    except subprocess.TimeoutExpired:
                        process.kill()
            self._running.clear()
            self._stopped.wait(1)


class _DatabaseWatchdog:
    """Restarts the room's own PostgreSQL when its process has ended, or stops the server where that fails.

    PostgreSQL survives the death of a backend process by itself; when the postmaster is killed (for lack of memory,
    say), nothing answers any more. The watchdog never connects: the server forks, and its workers must not inherit a
    superuser's connection. It starts `comity.web.restart_database` and reads its output, because gunicorn collects the
    exit status of every child.
    """

    def __init__(self, room: Room, workers: _Workers, stop: Callable[[], None]) -> None:
        """Prepare the thread.

        :param workers: paused while the database is down
        :param stop: called when the database cannot be restarted
        """
        self.failed: str | None = None
        self._room, self._workers, self._stop = room, workers, stop
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch_postmaster, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop the thread; the caller may stop the database afterwards."""
        self._stopped.set()
        self._thread.join(2 * _POLL_S + 3 * STOP_TIMEOUT_S)

    def _watch_postmaster(self) -> None:
        cluster = self._room.cluster
        restarts: list[float] = []
        while cluster is not None and not self._stopped.wait(_POLL_S):
            if cluster.is_running():
                continue
            now = time.monotonic()
            restarts = [*(at for at in restarts if now - at < _RESTART_WINDOW_S), now]
            _log.error("PostgreSQL has ended; starting it again")
            self._workers.pause()
            if len(restarts) > _MAX_RESTARTS or not self._restart():
                if not self._stopped.is_set():
                    self.failed = f"PostgreSQL has ended and does not start again; the end of {cluster.log} says why"
                    self._stop()
                return
            _log.error("PostgreSQL is running again")
            self._workers.resume()

    def _restart(self) -> bool:
        account_name = [] if self._room.user is None else [self._room.user]
        command = [sys.executable, "-m", "comity.web.restart_database", str(self._room.data), *account_name]
        for pause in _BACK_OFF_S:
            if self._stopped.wait(pause):
                return False
            stdout, stderr = self._run(command)
            if stdout.strip().endswith(RESTARTED):
                return True
            _log.error("PostgreSQL did not start: %s", (stderr.strip().splitlines() or ["no reason given"])[-1])
        return False

    def _run(self, command: list[str]) -> tuple[str, str]:
        """Run a command until it ends, times out, or the watchdog stops; return stdout and stderr."""
        deadline = time.monotonic() + _RESTART_TIMEOUT_S
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
            while True:
                try:
                    return process.communicate(timeout=_POLL_S)
                except subprocess.TimeoutExpired:
                    if self._stopped.is_set() or time.monotonic() > deadline:
                        process.kill()


@contextmanager
def _background_processes(room: Room) -> Iterator[_DatabaseWatchdog]:
    """Run the background workers and the watchdog while the server runs."""
    workers = _Workers()
    # gunicorn ends in good order on SIGTERM; `_run_until_stopped` then says why.
    watch = _DatabaseWatchdog(room, workers, lambda: os.kill(os.getpid(), signal.SIGTERM))
    workers.start()
    watch.start()
    try:
        yield watch
    finally:
        watch.end()
        workers.end()


def _run_until_stopped(
    watch: _DatabaseWatchdog, host: str, port: int, workers: int, ready: Callable[[str], None]
) -> None:
    """Run the server until it is stopped.

    :raises CannotServeError: where it stopped because the database could not be restarted, so that systemd (or
        another supervisor) sees a failure and restarts the room
    """
    try:
        _run_gunicorn(host, port, workers, ready)
    except SystemExit:
        if watch.failed is None:
            raise
    if watch.failed is not None:
        raise CannotServeError(watch.failed)


def _require_free_port(host: str, port: int) -> None:
    """Fail at once where the port is in use; gunicorn would retry for a while first.

    :raises CannotServeError: naming host and port
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServeError(f"{host}:{port} cannot be used ({error.strerror}); choose another --port") from None


def _run_gunicorn(host: str, port: int, workers: int, ready: Callable[[str], None]) -> None:
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - brings a server in

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        """gunicorn with the room's options in place of a command line."""

        def load_config(self) -> None:
            """Set the options; four threads a worker were fastest where we measured."""
            options = {
                "bind": f"{host}:{port}",
                "workers": workers,
                "worker_class": "gthread",
                "threads": 4,
                "timeout": 120,
                "graceful_timeout": 3,
                "preload_app": True,
                "loglevel": "warning",
                "when_ready": lambda _: ready(f"http://{host}:{port}/"),
                # DuckDB's threads still run here, and would crash the process at a normal exit.
                "worker_exit": lambda _server, _worker: os._exit(0),
                "control_socket_disable": True,
            }
            for name, value in options.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> object:
            """Load the WSGI application before the server forks."""
            from comity.web.wsgi import application  # noqa: PLC0415 - reads the environment

            # Loaded modules stay for good: without freezing them the garbage collector would scan them all now and
            # then, and a page would take a fifth of a second longer.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_GC_THRESHOLD)
            return application

    Server().run()
