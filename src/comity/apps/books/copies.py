"""Take my copy: the record, the shared book and one's own private part in one archive, made by a worker.

The archive is its person's alone: it holds what that person sees of the own side, so that nobody else of it may fetch
it. It lies in the data folder, beside a file that says how far it is, and is removed after two days.
"""

import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.queries import book_folder, definition
from comity.apps.books.refusals import Code
from comity.apps.books.results import viewer_class
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.refusal import Refused
from comity.book.reading.visible_copy import copy_visible
from comity.core.values import Viewer

COPY_TASK = "books.copy"
KEPT = timedelta(days=2)
README = """This is one side's copy of what both sides keep in Comity, made on {at}.

  record.json     what both sides agreed on, entry by entry
  book/           the records that both sides share, and below book/private/ those of your own side alone

Unpack it, then check and read it without the room, on any machine with Comity:

  comity verify record.json
  comity review book --as {side}
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A person's archive: under way where `size` is None.

    :ivar done: of `tables`
    """

    key: UUID
    at: datetime
    done: int
    tables: int
    size: int | None

    @property
    def expires_at(self) -> datetime:
        """When it is removed."""
        return self.at + KEPT


def may_copy(member: MemberContext) -> bool:
    """Whether the member may take a copy: the rows themselves are for those who speak for a side."""
    return member.side is not None and member.may(Action.CONFIRM) and member.may(Action.READ_OWN)


def request_copy(member: MemberContext) -> None:
    """Defer the making of an archive; where one is under way already, there is no second one.

    :raises Refused: where the member may not, and for too many
    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    """
    if not may_copy(member):
        raise Refused(Code.NOT_YOURS)
    definition(member)
    check_rate_limit(member.membership.person, "copies")
    # The other side learns of it: rows that it brought leave the room.
    audit(member, Event.COPY_REQUESTED, SubjectType.RECORD, shared=True)
    person, relationship = member.membership.person_id, member.relationship.pk
    assert member.side is not None
    defer(
        COPY_TASK,
        relationship=relationship,
        sides=(member.side,),
        queueing_lock=f"{COPY_TASK} {relationship} {person}",
        person=str(person),
        key=str(uuid4()),
    )


def make_copy(member: MemberContext, key: UUID) -> None:
    """Make an archive, for the task; nothing where the member may no longer take one, or it is there."""
    archive = _folder(member) / f"{key}.zip"
    if not may_copy(member) or archive.exists():
        return
    archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    entries = record.export_entries(record.entries(member))
    viewer = Viewer(member.viewer.person, definition(member).relationship, member.viewer.side)
    state = {"class": viewer_class(member), "at": datetime.now(UTC).isoformat()}

    def tell(done: int, tables: int) -> None:
        part = archive.with_suffix(".json.part")
        part.write_text(json.dumps(state | {"done": done, "tables": tables}), encoding="utf-8")
        part.replace(archive.with_suffix(".json"))

    tell(0, 0)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".") as work:
        copy_visible(
            book_folder(member.relationship.pk), viewer, Path(work) / "book", closed=member.closed_tables, progress=tell
        )
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        (Path(work) / "README.txt").write_text(README.format(at=at, side=member.side), encoding="utf-8")
        (Path(work) / "record.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
        part = archive.with_suffix(".part")
        with zipfile.ZipFile(part, "w") as packed:
            for file in sorted(one for one in Path(work).rglob("*") if one.is_file()):
                kind = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
                packed.write(file, file.relative_to(work), kind)
        part.chmod(0o600)
        part.replace(archive)


def copies(member: MemberContext) -> list[Copy]:
    """Return the person's archives that have not expired, the latest first; none made with other rights than now."""
    found = [copy for file in _folder(member).glob("*.json") if (copy := _read_copy(member, file)) is not None]
    return sorted(found, key=lambda one: one.at, reverse=True)


def is_asked_for(member: MemberContext) -> bool:
    """Whether a copy of the person's is to be made that no worker has begun."""
    jobs = unfinished_jobs(member.relationship.pk, (COPY_TASK,)).exclude(status="failed")
    return jobs.filter(args__person=str(member.membership.person_id)).exists()


def archive_of(member: MemberContext, key: UUID) -> Path | None:
    """Return the archive, where it is the person's, is ready, has not expired, and their rights are what they were."""
    return next((_folder(member) / f"{key}.zip" for copy in copies(member) if copy.key == key and copy.size), None)


def remove_expired(now: float | None = None) -> int:
    """Remove every archive that has expired, and what an interrupted worker left; return how many files."""
    limit, removed = (time.time() if now is None else now) - KEPT.total_seconds(), 0
    for path in _copies_folder().glob("*/*/*"):
        if path.stat().st_mtime < limit:
            (shutil.rmtree if path.is_dir() else _unlink)(path)
            removed += 1
    return removed


_unlink: Callable[[Path], None] = Path.unlink


def _read_copy(member: MemberContext, file: Path) -> Copy | None:
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    at = datetime.fromisoformat(told["at"])
    if not may_copy(member) or told["class"] != viewer_class(member) or at + KEPT < datetime.now(UTC):
        return None
    archive = file.with_suffix(".zip")
    size = archive.stat().st_size if archive.is_file() else None
    return Copy(UUID(file.stem), at, told["done"], told["tables"], size)


def _copies_folder() -> Path:
    return Path(settings.DATA) / "copies"


def _folder(member: MemberContext) -> Path:
    return _copies_folder() / str(member.relationship.pk) / str(member.membership.person_id)
