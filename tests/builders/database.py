"""A database with every migration applied, made once for a state of the code and copied by whoever needs a room."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from filelock import FileLock

import comity
from comity.web.server import Room, unprivileged_account

# What the tables are made of: a template is made anew where one of these has changed.
_MADE_OF = ("apps/*/migrations/*.py", "web/migrate.py", "web/postgres.py", "web/settings.py")
_A_DAY_S = 86_400
# A test's database need not outlive a loss of power.
_HASTY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def copy_into(data: Path) -> None:
    """Give the room of a folder, which has no database yet, a copy of the template; it is not started.

    Not for a room whose database is killed: the copy does not wait for the disk.
    """
    room = Room(data, unprivileged_account())
    assert room.cluster is not None
    room.lock()
    # `cp`, not shutil: the files belong to the account that PostgreSQL runs under.
    subprocess.run(["cp", "-a", template(), room.cluster.folder], check=True)


def template() -> Path:
    """A stopped cluster with every migration applied."""
    source = Path(comity.__file__).parent
    state = hashlib.sha256(Path("requirements.lock").read_bytes())
    for file in sorted(file for pattern in _MADE_OF for file in source.glob(pattern)):
        state.update(file.read_bytes())
    root = Path(tempfile.gettempdir()) / f"comity-tests-{os.getuid()}"
    root.mkdir(mode=0o711, exist_ok=True)
    if root.stat().st_uid != os.getuid():
        raise RuntimeError(f"{root} belongs to somebody else; remove it")
    kept = root / state.hexdigest()[:24]
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            data = Path(tempfile.mkdtemp(prefix="new-", dir=root))
            room = Room(data, unprivileged_account())
            room.lock()
            room.prepare_database()
            room.cluster.stop()
            with (room.cluster.data / "postgresql.auto.conf").open("a", encoding="ascii") as conf:
                conf.write(_HASTY)
            data.rename(kept)
        kept.touch()
        for other in root.iterdir():  # of states of the code that nobody has tested for a day
            if other.suffix != ".lock" and time.time() - other.stat().st_mtime > _A_DAY_S:
                shutil.rmtree(other, ignore_errors=True)
    return Room(kept, unprivileged_account()).cluster.folder
