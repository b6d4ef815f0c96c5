"""A folder that is watched: a file that a side's own system leaves there is that side's upload.

`FOLDER/<relationship>/<side>/` is where a side leaves its files, by SFTP for instance. A file that is whole is taken to
`waiting/`, checked, and, where that is asked for and nothing about it is in doubt, imported. It then lies in `done/` or
`refused/`, with a text beside it that says why. The lead of a side who has been here longest stands for it.

Files come from outside: links are not followed, and what cannot be taken is refused and not tried for ever.
"""

import hashlib
import logging
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.models import UNDER_WAY, Delivery, Stage
from comity.apps.books.operations import RECOGNISE_TASK, audit_delivery, defer_file_task
from comity.apps.books.queries import has_book, safe_file_name, upload_path
from comity.apps.parties.member_context import MemberContext, acting_as, find_lead
from comity.apps.parties.rights import Action
from comity.core.values import Side

SETTLED_S = 30  # a file that nothing was written to for so long is whole
_MOST_AT_ONCE = 20  # files of a side in one round
_BLOCK = 1024 * 1024
_UNFINISHED = re.compile(r"(\..*|.*\.(part|partial|filepart|tmp|crdownload))", re.IGNORECASE)
WAITING, DONE, REFUSED = "waiting", "done", "refused"
_ENDED = {
    Stage.BROUGHT: (DONE, "Imported: {new} new, {updated} updated, {unchanged} unchanged, {rejected} rejected rows."),
    Stage.DUPLICATE: (DONE, "Imported before by your side: nothing was changed."),
    Stage.UNDONE: (DONE, "Imported, and the import was undone."),
    Stage.REFUSED: (REFUSED, "Not imported: {why}"),
    Stage.DROPPED: (REFUSED, "Not imported: somebody of your side deleted the file."),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Folders:
    """A side's folders as descriptors: whatever becomes of their names meanwhile, nothing leads out of them."""

    path: Path
    top: int
    waiting: int
    done: int
    refused: int


def watch(relationship: UUID, name: str) -> None:
    """Take the files that lie ready for both sides of a relationship, and put away those that were decided on.

    :param name: of the relationship, which is written beside its folders
    """
    for side in Side:
        folder = Path(settings.WATCHED_FOLDER) / str(relationship) / side.value
        with ExitStack() as stack:
            try:
                folders = _open_folders(folder, name, stack)
                lead = find_lead(relationship, _of_side(side))
            except PermissionError:
                continue  # a side without anybody: its files stay where they are
            except OSError as error:
                _log.error("the watched folder %s cannot be used: %s", folder, error)
                continue
            for file in _whole_files(folders):
                with _logged(folder / file):
                    _take(file, folders, lead, relationship)
            _put_away(folders, lead, relationship)


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Log what goes wrong with one file; the others are taken nevertheless."""
    try:
        yield
    except OSError as error:
        _log.error("%s cannot be taken: %s", file, error)


def _of_side(side: Side) -> Callable[[MemberContext], bool]:
    return lambda member: member.side == side


def _open_folders(folder: Path, name: str, stack: ExitStack) -> _Folders:
    """Make a side's folders where they are missing, and open them; a link is none."""
    for one in (folder, *(folder / name for name in (WAITING, DONE, REFUSED))):
        one.mkdir(mode=0o770, parents=True, exist_ok=True)
    label = folder.parent / "relationship.txt"
    if not label.exists():
        label.write_text(f"{name}\n", encoding="utf-8")

    def opened(path: Path | str, within: int | None = None) -> int:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
        stack.callback(os.close, descriptor)
        return descriptor

    top = opened(folder)
    return _Folders(folder, top, *(opened(one, top) for one in (WAITING, DONE, REFUSED)))


def _whole_files(folders: _Folders) -> Iterator[str]:
    """Names of files to which nothing was written for a while, the oldest first; a new name counts as writing."""
    found = []
    with os.scandir(folders.top) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            # The time of the last change of the entry itself, which a transfer cannot set.
            settled = timezone.now().timestamp() - max(status.st_mtime, status.st_ctime) >= SETTLED_S
            if stat.S_ISREG(status.st_mode) and settled and not _UNFINISHED.fullmatch(entry.name):
                found.append((status.st_ctime, entry.name))
    yield from (name for _, name in sorted(found)[:_MOST_AT_ONCE])


def _names(folder: int) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def _take(file: str, folders: _Folders, lead: UUID, relationship: UUID) -> None:
    """Make a file an upload of its side, unless that very file is one already."""
    with _opened(file, folders.top) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > settings.LARGEST_UPLOAD or size == 0:
            why = "Not imported: the file is empty." if size == 0 else "Not imported: too large."
            with acting_as(lead, relationship) as member:
                if member.side is not None:
                    audit(member, Event.DELIVERY_WAITS, SubjectType.DELIVERY, {"name": file[:200]})
            _move(file, folders.top, folders.refused, why)
            return
        digest = _digest(stream)
        with acting_as(lead, relationship) as member:
            if member.side is None or not has_book(member) or not member.may(Action.BRING):
                return  # it waits until the records are set up
            earlier = _same_file(member, digest)
            delivery = earlier or Delivery(
                relationship=member.relationship,
                side=member.side.value,
                person=member.membership.person,
                name=file[:200],
                size=size,
                outcome={"watched": digest},
            )
            if earlier is None:
                path = upload_path(delivery)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with path.open("xb") as copy:
                    path.chmod(0o600)
                    copied = _digest(stream, copy)
                if copied != digest:  # written to after all: it is taken when it is whole
                    shutil.rmtree(path.parent)
                    return
                delivery.save(force_insert=True)
                audit_delivery(member, Event.DELIVERY_UPLOADED, delivery)
                defer_file_task(RECOGNISE_TASK, delivery, member)
    _move(file, folders.top, folders.waiting, "", f"{delivery.pk} {file}")


@contextmanager
def _opened(file: str, folder: int) -> Iterator[BinaryIO]:
    """Open a file for reading; neither a link nor a pipe, which its side's system may have put in its place."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no file")
        yield stream


def _same_file(member: MemberContext, digest: str) -> Delivery | None:
    """An upload of the own side from this folder with these very bytes, unless it came to nothing."""
    own = Delivery.objects.filter(relationship=member.relationship, side=str(member.side), outcome__watched=digest)
    return own.exclude(stage__in=[Stage.DROPPED, Stage.REFUSED, Stage.UNDONE]).order_by("at").first()


def _put_away(folders: _Folders, lead: UUID, relationship: UUID) -> None:
    """Move files whose upload was decided on, each with a text that says how."""
    for file in sorted(_names(folders.waiting)):
        number, _, name = file.partition(" ")
        try:
            with acting_as(lead, relationship) as member:
                delivery = Delivery.objects.get(pk=UUID(number), side=str(member.side), outcome__has_key="watched")
        except (ValueError, Delivery.DoesNotExist):
            continue  # nothing of ours
        if delivery.stage in {*UNDER_WAY, Stage.LOOKED}:
            continue  # a person decides
        where, text = _ENDED[Stage(delivery.stage)]
        counts = {"new": 0, "updated": 0, "unchanged": 0, "rejected": 0} | delivery.outcome.get("counts", {})
        with _logged(folders.path / WAITING / file):
            target = {DONE: folders.done, REFUSED: folders.refused}[where]
            _move(file, folders.waiting, target, text.format(why=delivery.why, **counts), name)


def _move(file: str, folder: int, to: int, text: str, name: str = "") -> None:
    """Move a file, under a name that nothing there has, and write beside it what became of it."""
    own = safe_file_name(name or file)
    if not _names(to).isdisjoint({own, f"{own}.txt"}):
        own = f"{timezone.now():%Y%m%d-%H%M%S-%f} {own}"
    os.rename(file, own, src_dir_fd=folder, dst_dir_fd=to)
    if text:
        descriptor = os.open(f"{own}.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o660, dir_fd=to)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n")


def _digest(stream: BinaryIO, copy: BinaryIO | None = None) -> str:
    """Return the digest of a file from its beginning, and copy it on the way."""
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(_BLOCK):
        digest.update(block)
        if copy is not None:
            copy.write(block)
    return digest.hexdigest()
