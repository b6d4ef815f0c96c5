"""A part of requirements.lock: what a room needs when it runs, without what only developing takes.

    python scripts/locked.py               what the room needs, as the container installs it
    python scripts/locked.py hatchling     a package and what it needs
    python scripts/locked.py --here        those alone that apply to this Python, as the list of parts has them

The lock notes below each package for whose sake it is there; from these notes the part is worked out. The first two
take nothing but Python: the container runs them before anything is installed.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
OURSELVES = "comity (pyproject.toml)"  # the developers' group is `comity (pyproject.toml:dev)`


def entries(lock: str) -> Iterator[tuple[str, str, set[str]]]:
    """Each package of a lock: its name, its lines, and for whose sake it is there.

    :raises ValueError: at lines that are none of these
    """
    for block in re.split(r"\n(?=\S)", lock.strip()):
        name = re.match(r"[A-Za-z0-9._-]+(?===)", block)
        notes = block.partition("\n    # via")[2]
        if name is None or not notes:
            raise ValueError(f"requirements.lock has what is no package with its reason: {block[:60]!r}")
        yield name[0], block, {one.lstrip("# ").strip() for one in notes.splitlines()} - {""}


def part(lock: str, root: str = OURSELVES) -> list[str]:
    """The entries of whatever stands below a root, and its own where it is a package; as they stand in the lock."""
    known = list(entries(lock))
    needed, before = {root}, 0
    while len(needed) > before:
        before = len(needed)
        needed |= {name for name, _, sakes in known if sakes & needed}
    found = [block for name, block, _ in known if name in needed]
    if not found:
        raise ValueError(f"requirements.lock has nothing for the sake of {root}")
    return found


def applies(block: str) -> bool:
    """Whether an entry is for the Python that runs this."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - not there before anything is installed

    marker = Requirement(block.splitlines()[0].rstrip("\\ ")).marker
    return marker is None or marker.evaluate()


def main(arguments: list[str]) -> None:
    """Print the part that is asked for."""
    here = "--here" in arguments
    root = next((one for one in arguments if one != "--here"), OURSELVES)
    found = part(LOCK.read_text(encoding="utf-8"), root)
    sys.stdout.write("\n".join(block for block in found if not here or applies(block)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
