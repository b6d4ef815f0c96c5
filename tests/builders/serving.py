"""A room that is served in a process of its own, and may be killed."""

import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from comity.web.server import Room, unprivileged_account

SERVE = """
import sys
from pathlib import Path
from comity.web import server
server._BACK_OFF_S = (0.0, 0.2)
room = server.Room(Path(sys.argv[1]), server.unprivileged_account())
server.serve(room, "127.0.0.1", int(sys.argv[2]), 2, print, progress=print)
"""


class Served:
    """A room in a process of its own, as `comity serve` runs one."""

    def __init__(self, data):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.room = Room(data, unprivileged_account())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_KEY")}
        self.log = (data.parent / "serve.log").open("w+")
        command = [sys.executable, "-c", SERVE, str(data), str(self.port)]
        self.process = subprocess.Popen(command, env=kept, stdout=self.log, stderr=self.log)

    def get(self, path):
        """The status and the text of an answer; 0 where there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def until(self, status, path="/health/", seconds=300):
        """The text of the answer once it has this status; on a busy machine that takes minutes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.get(path)
            if found[0] == status:
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"{path} never answered {status}; {self.said()}")

    def postmaster(self):
        return int((self.room.cluster.data / "postmaster.pid").read_text().splitlines()[0])

    def said(self):
        self.log.flush()
        return Path(self.log.name).read_text()

    def open_to_others(self):
        """The files of its folder that another account may read, and its processes that would make such files."""
        found = []
        for path in (self.room.data, *self.room.data.rglob("*")):
            mode = path.lstat().st_mode
            if path == self.room.data and unprivileged_account() is not None:
                closed = mode & 0o066 == 0  # the database's own account comes through, and lists nothing
            else:
                closed = stat.S_ISSOCK(mode) or "lent" in path.parts or mode & 0o077 == 0
            if not closed:
                found.append((path, oct(mode)))
        for child in psutil.Process(self.process.pid).children(recursive=True):  # the workers inherit the umask
            status = Path(f"/proc/{child.pid}/status")
            if status.exists() and "Umask:\t0077" not in status.read_text():
                found.append((child.cmdline(), "umask"))
        return found
