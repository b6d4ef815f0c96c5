"""Starts the whole room: the database, its tables, the server; and leaves nothing half started."""

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
from comity.web.postgres import APP, OWNER, Cluster, NoDatabaseError, reachable

QUEUES = ("records", "reviews", "clock", "mail")  # of jobs; a task in another is never done
_YOUNG = 20_000  # objects made before the collector looks at them: a page makes some ten thousand
_PATIENCE_S = 2  # for what is under way in the background; an import that is cut off is begun again
UNPRIVILEGED = ("www-data", "_www", "daemon", "nobody")
DIGEST_KEY = "digest.key"
RESTARTED = "restarted"  # the last line of comity.web.restarting: its exit status may be lost, see `_Watch`
_LOOK_S = 0.5  # between two looks at PostgreSQL's process
_BACK_OFF_S = (0.0, 1.0, 2.0, 4.0, 8.0)  # before each attempt to start it again
_MOST_RESTARTS, _WITHIN_S = 5, 600.0  # a server that ends more often than that is not helped by another start
_RESTART_S = 240.0  # the longest that one attempt may take, recovery included
_log = logging.getLogger(__name__)


class CannotServeError(RuntimeError):
    """Why the room cannot be served: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room in a folder, with a database of its own or another one that the environment names."""

    data: Path
    user: str | None = None

    @property
    def cluster(self) -> Cluster | None:
        """Its own database; None where DATABASE_URL names another."""
        if os.environ.get("DATABASE_URL"):
            return None
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is None or reachable(self.data.parent, self.user):
            return Cluster(self.data / "postgres", self.user)
        # Below root's own folder, where the account that the database runs under cannot come.
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Cluster(Path("/var/tmp") / f"comity-{name}", self.user)  # noqa: S108 - a folder of its own, 0700

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        """What the room's processes are told; the owner's password only to who makes tables."""
        found = {
            "COMITY_DATA": str(self.data),
            "COMITY_SECRET_KEY": self._secret(),
            pseudonyms.KEY_FILE_SETTING: str(self.digest_key()),
            "DJANGO_SETTINGS_MODULE": "comity.web.settings",
        }
        if self.cluster is not None:
            app = self.cluster.parameters(APP)
            found |= {"COMITY_SOCKET": app["HOST"], "COMITY_APP_PASSWORD": app["PASSWORD"]}
            if owner:
                found["COMITY_OWNER_PASSWORD"] = self.cluster.parameters(OWNER)["PASSWORD"]
        return found

    def lock(self) -> FileLock:
        """Held by the one server of the folder."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Where the database runs under another account, that one has to come through to its own folder.
        self.data.chmod(0o700 if self.user is None else 0o711)
        for name in ("books", "logs", "mails", "uploads", "worked-out"):  # which nobody else looks into then
            (self.data / name).mkdir(mode=0o700, exist_ok=True)
            (self.data / name).chmod(0o700)
        return FileLock(self.data / "serve.lock")

    def restrict(self) -> int:
        """Make everything below the data folder readable by its owner alone: folders 0700, files 0600.

        The folder of PostgreSQL is left out: it is made so by itself, and may belong to another account.

        :returns: how many folders and files were open to others
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
                        continue  # removed meanwhile, such as what a backup writes beside
                    except PermissionError:
                        _log.warning("%s belongs to another account and can be read by others", path)
        return changed

    def digest_key(self) -> Path:
        """The key with which this room hashes ids of people.

        As COMITY_KEY_FILE names it; else the data folder's own, which is what a restored room has; else the key of
        the account's settings, where rooms before this version made it.
        """
        own = self.data / DIGEST_KEY
        if os.environ.get(pseudonyms.KEY_FILE_SETTING) or (not own.exists() and pseudonyms.key_file().exists()):
            return pseudonyms.key_file().resolve()
        return own

    def make(self) -> None:
        """Start the database and bring its tables up to date.

        :raises CannotServeError: naming what failed
        """
        try:
            if self.cluster is not None:
                self.cluster.start()
        except NoDatabaseError as error:
            raise CannotServeError(str(error)) from None
        _ourselves("comity.web.making", what="the tables cannot be made", more=self.environment(owner=True))

    def _secret(self) -> str:
        """The key that sessions are signed with: the environment's, else one made once."""
        if os.environ.get("COMITY_SECRET_KEY"):
            return os.environ["COMITY_SECRET_KEY"]
        file = self.data / "secret"
        if not file.exists():
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(secrets.token_urlsafe(48))
        return file.read_text(encoding="ascii").strip()


def _ourselves(module: str, *arguments: str, what: str, more: Mapping[str, str] | None = None) -> None:
    """Run a module of ours in a process of its own: the server forks, and must not inherit a connection.

    :raises CannotServeError: with the last line of what it said
    """
    command, environment = [sys.executable, "-m", module, *arguments], {**os.environ, **(more or {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise CannotServeError(f"{what}: {last[0]}")


def account() -> str | None:
    """The account that a demo's database runs under where we are root; None where we are not."""
    if os.getuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise CannotServeError("no account without privileges is here; run it as somebody other than root")


def serve(  # noqa: PLR0913 - what is served, and where
    room: Room, host: str, port: int, workers: int, ready: Callable[[str], None], demo: Path | None = None
) -> None:
    """Serve until told to stop; the database stops with it.

    :param ready: told the address once there is an answer
    :param demo: a simulated book that an empty room is filled from
    :raises CannotServeError: where the folder is served already, or something does not start
    """
    _free(host, port)
    before = os.umask(0o077)  # inherited by every process of the room: no file of it is readable by others
    try:
        with room.lock().acquire(timeout=0):
            room.restrict()
            room.make()
            os.environ.update(room.environment() | {"COMITY_ADDRESS": f"http://{host}:{port}"})
            try:
                if demo is not None:
                    _ourselves("comity.web.filling", str(demo), what="the demo cannot be loaded")
                with _beside(room) as watch:
                    _run_watched(watch, host, port, workers, ready)
            finally:
                if room.cluster is not None:
                    room.cluster.stop()
    except Timeout:
        raise CannotServeError(
            f"{room.data} is being served already; stop that one, or choose another --data"
        ) from None
    finally:
        os.umask(before)


class _Workers:
    """The background workers, beside the server; each is started again when it ends.

    Records, reviews, the clock and mails have a worker each: however long an import takes, no review and no reminder
    waits for it, and however slow a mail server is, no record does.
    """

    def __init__(self) -> None:
        """Prepare them."""
        self._over, self._paused = threading.Event(), threading.Event()
        self._running = {queue: threading.Event() for queue in QUEUES}
        self._threads = [threading.Thread(target=self._keep, args=[queue], daemon=True) for queue in QUEUES]

    def start(self) -> None:
        """Start them."""
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Stop all of them, and wait until they have stopped."""
        self._paused.set()
        end = time.monotonic() + 2 * _PATIENCE_S
        while any(one.is_set() for one in self._running.values()) and time.monotonic() < end:
            time.sleep(0.05)

    def resume(self) -> None:
        """Start them again."""
        self._paused.clear()

    def end(self) -> None:
        """Stop them for good."""
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE_S + 2)

    def _keep(self, queue: str) -> None:
        command = [sys.executable, "-m", "django", "procrastinate", "worker", "--concurrency", "1", "--queues", queue]
        while not self._over.is_set():
            self._running[queue].set()
            if not self._paused.is_set():  # after the line above, so that a pause never misses one that just starts
                process = subprocess.Popen(command)  # noqa: S603 - ourselves; what it logs goes to the console and the log file
                while process.poll() is None and not self._paused.is_set() and not self._over.wait(0.2):
                    pass
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(_PATIENCE_S)
                    except subprocess.TimeoutExpired:
                        process.kill()
            self._running[queue].clear()
            self._over.wait(1)


class _Watch:
    """Restarts the room's own PostgreSQL when its process has ended, or stops the server where that fails.

    PostgreSQL survives the death of a connection's process by itself; when the first one, the postmaster, is killed
    (for lack of memory, say), nothing answers any more. The watch never connects: the server forks, and its workers
    must not inherit a superuser's connection. It starts `comity.web.restarting` and reads what that prints, because
    gunicorn collects the exit status of every child.
    """

    def __init__(self, room: Room, workers: _Workers, stop: Callable[[], None]) -> None:
        """Prepare the watch.

        :param workers: paused while the database is down
        :param stop: called when the database cannot be restarted
        """
        self.failed: str | None = None
        self._room, self._workers, self._stop = room, workers, stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def end(self) -> None:
        """Stop watching; whoever calls it may stop the database afterwards."""
        self._over.set()
        self._thread.join(2 * _LOOK_S + 3 * _PATIENCE_S)

    def _look(self) -> None:
        cluster = self._room.cluster
        restarts: list[float] = []
        while cluster is not None and not self._over.wait(_LOOK_S):
            if cluster.runs():
                continue
            now = time.monotonic()
            restarts = [*(at for at in restarts if now - at < _WITHIN_S), now]
            _log.error("PostgreSQL has ended; starting it again")
            self._workers.pause()
            if len(restarts) > _MOST_RESTARTS or not self._restart():
                if not self._over.is_set():
                    self.failed = f"PostgreSQL has ended and does not start again; the end of {cluster.log} says why"
                    self._stop()
                return
            _log.error("PostgreSQL is running again")
            self._workers.resume()

    def _restart(self) -> bool:
        account_name = [] if self._room.user is None else [self._room.user]
        command = [sys.executable, "-m", "comity.web.restarting", str(self._room.data), *account_name]
        for pause in _BACK_OFF_S:
            if self._over.wait(pause):
                return False
            said, why = self._run(command)
            if said.strip().endswith(RESTARTED):
                return True
            _log.error("PostgreSQL did not start: %s", (why.strip().splitlines() or ["no reason given"])[-1])
        return False

    def _run(self, command: list[str]) -> tuple[str, str]:
        """Run a command until it ends, takes too long, or the watch is over; return what it printed."""
        end = time.monotonic() + _RESTART_S
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
            while True:
                try:
                    return process.communicate(timeout=_LOOK_S)
                except subprocess.TimeoutExpired:
                    if self._over.is_set() or time.monotonic() > end:
                        process.kill()


@contextmanager
def _beside(room: Room) -> Iterator[_Watch]:
    """Run the background workers, and watch the room's own database, for as long as the server runs."""
    workers = _Workers()
    # gunicorn ends in good order on SIGTERM; `_run_watched` then says why.
    watch = _Watch(room, workers, lambda: os.kill(os.getpid(), signal.SIGTERM))
    workers.start()
    watch.start()
    try:
        yield watch
    finally:
        watch.end()
        workers.end()


def _run_watched(watch: _Watch, host: str, port: int, workers: int, ready: Callable[[str], None]) -> None:
    """Run the server until it is told to stop.

    :raises CannotServeError: where it stopped because the database could not be restarted, so that systemd, or
        whatever else started it, sees a failure and starts it again
    """
    try:
        _run(host, port, workers, ready)
    except SystemExit:
        if watch.failed is None:
            raise
    if watch.failed is not None:
        raise CannotServeError(watch.failed)


def _free(host: str, port: int) -> None:
    """Say so at once where the port is taken: a server would try for a while first."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise CannotServeError(f"{host}:{port} cannot be used ({error.strerror}); choose another --port") from None


def _run(host: str, port: int, workers: int, ready: Callable[[str], None]) -> None:
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - brings a server in

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        """The room, with settings of our own in place of a command line."""

        def load_config(self) -> None:
            """Two workers of a few threads: what was fastest here."""
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
                # Threads of the engine are still there, and would end the process with a cry.
                "worker_exit": lambda _server, _worker: os._exit(0),
                "control_socket_disable": True,
            }
            for name, value in options.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> object:
            """The application."""
            from comity.web.wsgi import application  # noqa: PLC0415 - reads the environment

            # What is loaded stays: without this the collector looks through all of it again now and then, and
            # whoever waits for a page then waits a fifth of a second longer.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_YOUNG)
            return application

    Server().run()
