"""Starts the whole room: the database, its tables, the server; and leaves nothing half started."""

import gc
import hashlib
import os
import pwd
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from comity.web.postgres import APP, OWNER, Cluster, NoDatabaseError, reachable

QUEUES = ("records", "clock")  # of jobs; a task in another is never done
_YOUNG = 20_000  # objects made before the collector looks at them: a page makes some ten thousand
_PATIENCE_S = 2  # for what is under way in the background; an import that is cut off is begun again
UNPRIVILEGED = ("www-data", "_www", "daemon", "nobody")


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
        for name in ("books", "mails", "uploads", "worked-out"):  # which nobody else looks into then
            (self.data / name).mkdir(mode=0o700, exist_ok=True)
            (self.data / name).chmod(0o700)
        return FileLock(self.data / "serve.lock")

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
    try:
        with room.lock().acquire(timeout=0):
            room.make()
            os.environ.update(room.environment() | {"COMITY_ADDRESS": f"http://{host}:{port}"})
            try:
                if demo is not None:
                    _ourselves("comity.web.filling", str(demo), what="the demo cannot be loaded")
                with _working():
                    _run(host, port, workers, ready)
            finally:
                if room.cluster is not None:
                    room.cluster.stop()
    except Timeout:
        raise CannotServeError(
            f"{room.data} is being served already; stop that one, or choose another --data"
        ) from None


@contextmanager
def _working() -> Iterator[None]:
    """What runs in the background, beside the server: started again when it ends of itself.

    Records and the clock apart: however long a file takes to come in, no reply waits for it.
    """
    over = threading.Event()
    command = [sys.executable, "-m", "django", "procrastinate", "worker", "--concurrency", "1", "--queues"]

    def keep(queue: str) -> None:
        while not over.is_set():
            process = subprocess.Popen([*command, queue], stderr=subprocess.DEVNULL)  # noqa: S603 - ourselves
            while process.poll() is None and not over.wait(0.2):
                pass
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
            over.wait(1)

    keepers = [threading.Thread(target=keep, args=[queue], daemon=True) for queue in QUEUES]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        over.set()
        for keeper in keepers:
            keeper.join(_PATIENCE_S + 2)


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
