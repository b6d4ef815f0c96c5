"""A file put in the place of another at once: it is there whole or not at all, whenever the power fails."""

import os
from pathlib import Path


def replace_file(ready: Path, target: Path) -> None:
    """Put a whole file in its place.

    :param ready: the new file, on the same disk; it is gone afterwards
    """
    sync(ready)
    ready.replace(target)
    sync(target.parent)


def write_text(target: Path, text: str) -> None:
    """Write a whole file: it is written beside its place first."""
    write_bytes(target, text.encode())


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file, as `write_text`."""
    ready = target.with_name(f".{target.name}.{os.getpid()}")
    ready.write_bytes(content)
    replace_file(ready, target)


def sync(path: Path) -> None:
    """Have the file, or the folder's list of names, on the disk before going on."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder to sync it; its renames are journalled
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
