"""Results computed from a book, kept in the room's folder until the records, the day or this code change.

What takes long (`computed`) is computed by a worker and never in a request: a request that finds no result has one
computed and is refused with `NotComputedYet`; a page may show an earlier result meanwhile. What is quick (`cached`),
such as a page rendered from such a result, is made where it is asked for.
"""

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from filelock import FileLock

import comity
from comity.apps.books.queries import NoBookError, definition, folder_of, zone
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import defer, raise_priority
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import IN_REQUEST, MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.refusal import Refused
from comity.book.definition import UnusableBookError
from comity.core.calendars import UnknownPeriodError
from comity.core.values import Side
from comity.review.attribution import NoAttributionError
from comity.review.build import NoReviewError

T = TypeVar("T")
# What a computation may come to instead of a value: kept as values are, and raised again.
ERRORS = (NoBookError, UnusableBookError, UnknownPeriodError, NoReviewError, NoAttributionError)
_CACHED = 120  # results a relationship and viewer, the latest made
_COMPUTED = 60  # questions a relationship and viewer, the latest computed
_STATES = 3  # results of a question, of the latest states of the records
_IN_MEMORY = 64  # results that a process has at hand
_LOCKED_S = 3600  # longer than anything takes to be computed
_RECOMPUTED = 12  # questions a relationship, after a change of its records
_ASKED_WITHIN = timedelta(days=7)  # what nobody has asked for since is computed when somebody does
_TOUCHED_S = 3600
_AGAIN_S = 2  # after which a browser, or a program, asks again
_ASKED_FOR = 1  # the priority of what somebody waits for, before what is recomputed after a change
_QUESTION = "question.json"


class NotComputedYet(Refused):
    """A result that a worker is computing, or could not compute.

    :ivar since: when it was asked for
    :ivar failed: whether the worker has given up
    """

    keeps_changes = True  # the job

    def __init__(self, member: MemberContext, since: datetime, *, failed: bool = False) -> None:
        """Say since when, by the relationship's clocks."""
        code = Code.NOT_COMPUTED if failed else Code.BEING_COMPUTED
        at = since.astimezone(ZoneInfo(zone(member))).strftime("%H:%M")
        super().__init__(code, retry_after_s=None if failed else _AGAIN_S, at=at)
        self.since, self.failed = since, failed


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be computed: by which task, and in terms that the task understands."""

    task: str
    terms: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """What a computation came to: a value, or an error in pieces (not every one can be pickled)."""

    value: T | None = None
    error: tuple[type[Exception], tuple[object, ...], dict[str, object]] | None = None

    def result(self) -> T:
        """The value.

        :raises Exception: the error
        """
        if self.error is None:
            return self.value  # type: ignore[return-value]
        kind, arguments, attributes = self.error
        error = kind.__new__(kind, *arguments)
        error.__dict__.update(attributes)
        raise error


def viewer_class(member: MemberContext) -> str:
    """What the viewer sees, in a word: those of one word see the same."""
    side = member.viewer.side
    if side is None:
        return "joint"
    # What the side does not keep to itself, all of it see or none: it makes no difference between its roles.
    private = definition(member).private.get(side)
    closed = member.closed_tables & set(private.tables) if private else ()
    return "-".join([side.value, *sorted(closed)])


def state(member: MemberContext) -> str:
    """A digest of the files that the viewer's results are computed from: the shared ones, and the own side's."""
    side = member.viewer.side
    digest = hashlib.sha256()
    for name, status in sorted(_files(folder_of(member.relationship.pk))):
        parts = name.split("/")
        theirs = parts[0] == "private" and (side is None or parts[1:2] != [side.value])
        if not theirs:
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file of a book by its name in it, but for hidden ones; every page asks, so with few calls."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{below}{entry.name}/")
        else:
            with contextlib.suppress(FileNotFoundError):  # replaced just now
                yield below + entry.name, entry.stat()


@cache
def _code() -> str:
    """A digest of this code: what another one has computed is never read."""
    digest = hashlib.sha256(comity.__version__.encode())
    folder = Path(comity.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def cached(member: MemberContext, key: tuple[object, ...], make: Callable[[], T]) -> T:
    """What `make` gives, kept until the records or the day change; made by one at a time, in the request.

    :param key: tells it from other results of the same viewer
    """
    folder = _root(member.relationship.pk) / viewer_class(member) / "cached"
    file = folder / _digest(_code(), state(member), datetime.now(UTC).date(), *key)
    return _made_once(file, make)


def computed(member: MemberContext, question: Question, compute: Callable[[], T]) -> T:
    """The result of a question; `compute` is called in workers and commands, never for a request.

    :raises NotComputedYet: in a request, where there is no result for the records of now; one is being computed then
    :raises Refused: in a request, for too many questions within an hour that nobody has asked before
    """
    file = _file(member, question)
    note = file.with_name(_QUESTION)
    outcome: _Outcome[T] | None = _read(file)
    if outcome is None and member.cache.get(IN_REQUEST):
        _refuse(member, question)
    if outcome is None:
        outcome = _made_once(file, lambda: _outcome(compute))
    if time.time() - _age(note) > _TOUCHED_S:
        note.write_text(json.dumps({**_job(member, question), "code": _code()}), encoding="utf-8")
    return outcome.result()


def earlier(member: MemberContext, question: Question) -> Any | None:  # noqa: ANN401 - whatever was computed
    """The last result of a question, of earlier records or another day; None where there is none."""
    for file in _results(_file(member, question).parent):
        outcome = _read(file)
        if outcome is not None and outcome.error is None:
            return outcome.value
    return None


def same(member: MemberContext, question: Question, other: Question) -> None:
    """Keep the result of a question as that of another one too, which asks the same in other words."""
    source, target = _file(member, question), _file(member, other)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        os.link(source, target)


_recomputing: list[str] = []


def recompute_by(task: str) -> None:
    """Have a task run after each change of a book: it takes `relationship` and `sides`."""
    _recomputing.append(task)


def records_changed(relationship: UUID) -> None:
    """Have results computed again that were asked for lately; within a transaction."""
    for task in _recomputing:
        defer(task, relationship=relationship, sides=(), queueing_lock=f"{task} {relationship}")


def recompute_asked(relationship: UUID) -> None:
    """Have computed again what was asked for in the last days, the latest first; within a transaction."""
    since = time.time() - _ASKED_WITHIN.total_seconds()
    notes = sorted(_root(relationship).glob(f"*/computed/*/{_QUESTION}"), key=_age, reverse=True)
    for note in notes[:_RECOMPUTED]:
        try:
            asked = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _age(note) > since and asked.pop("code") == _code():
            _defer(relationship, asked)


def request(member: MemberContext, question: Question) -> None:
    """Have a result computed where there is none for the records of now; within a transaction."""
    if _read(_file(member, question)) is None:
        _defer(member.relationship.pk, _job(member, question))


def _job(member: MemberContext, question: Question) -> dict[str, Any]:
    """What a job has to know, as JSON; kept beside the results of a question."""
    side = member.viewer.side
    return {
        "task": question.task,
        "key": _key(member, question),
        "person": str(member.membership.person_id),
        "terms": dict(question.terms),
        "joint": member.shared_only,
        "sides": [one.value for one in Side if side in {one, None}],
    }


def _defer(relationship: UUID, job: Mapping[str, Any], *, priority: int = 0, **more: str) -> None:
    arguments = {name: value for name, value in job.items() if name not in {"task", "sides"}} | more
    defer(
        job["task"],
        relationship=relationship,
        sides=tuple(Side(side) for side in job["sides"]),
        queueing_lock=f"{job['task']} {relationship} {job['key']}",
        since=datetime.now(UTC).isoformat(),
        priority=priority,
        **arguments,
    )


def _refuse(member: MemberContext, question: Question) -> NoReturn:
    """Have it computed unless it is being computed, and say so.

    :raises NotComputedYet: always, unless
    :raises Refused: where the person asks too many questions that nobody has asked before
    """
    job, file = _job(member, question), _file(member, question)
    known = unfinished_jobs(member.relationship.pk, (question.task,)).filter(args__key=job["key"])
    failed = known.filter(status="failed", args__state=file.name).first()
    waiting = known.exclude(status="failed").first() or failed
    if waiting is not None:
        raise_priority(waiting, _ASKED_FOR)
        raise NotComputedYet(member, datetime.fromisoformat(waiting.args["since"]), failed=waiting is failed)
    if not _results(file.parent):
        check_rate_limit(member.membership.person, "first looks")
    _defer(member.relationship.pk, job, priority=_ASKED_FOR, state=file.name)
    raise NotComputedYet(member, datetime.now(UTC))


def _root(relationship: UUID) -> Path:
    return Path(settings.DATA) / "results" / str(relationship)


def _key(member: MemberContext, question: Question) -> str:
    """Names a question in a relationship: who sees the same, and what was asked of which code."""
    what = _digest(_code(), question.task, *question.terms)
    return f"{viewer_class(member)}/computed/{what}"


def _file(member: MemberContext, question: Question) -> Path:
    """Where the result lies, for the records of now and today."""
    now = _digest(state(member), datetime.now(UTC).date())
    return _root(member.relationship.pk) / _key(member, question) / now


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _outcome(compute: Callable[[], T]) -> _Outcome[T]:
    try:
        return _Outcome(value=compute())
    except ERRORS as error:
        return _Outcome(error=(type(error), error.args, error.__dict__))


def _made_once(file: Path, make: Callable[[], T]) -> T:
    """What a file holds, made and written by one process while the others wait."""
    known = _read(file)
    if known is not None:
        return known  # type: ignore[no-any-return]
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        known = _read(file)  # somebody else's, meanwhile
        if known is None:
            known = make()
            part = file.with_suffix(".part")
            part.write_bytes(pickle.dumps(known))
            part.replace(file)
    _prune(file.parent)
    return known  # type: ignore[no-any-return]


@lru_cache(maxsize=_IN_MEMORY)
def _load(file: Path, written: int) -> Any:  # noqa: ANN401, ARG001 - whatever was made, and when
    """What a file says; shared by all who see the same, and so never changed."""
    return pickle.loads(file.read_bytes())  # noqa: S301 - we alone write there


def _read(file: Path) -> Any:  # noqa: ANN401 - whatever was made
    try:
        return _load(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - an earlier version of ours wrote it; it is made again
        return None


def _results(folder: Path) -> list[Path]:
    """The results in a folder, the latest first."""
    try:
        return sorted((file for file in folder.iterdir() if file.suffix == ""), key=_age, reverse=True)
    except FileNotFoundError:
        return []


def _prune(folder: Path) -> None:
    """Keep the latest results of a folder, and their locks; of questions, whole folders."""
    results = _results(folder)
    if folder.name == "cached":
        most = _CACHED
    else:
        most = _STATES
        for old in sorted(folder.parent.iterdir(), key=_age)[:-_COMPUTED]:
            shutil.rmtree(old, ignore_errors=True)
    for old in results[most:]:
        old.unlink(missing_ok=True)
        lock = old.with_name(f"{old.name}.lock")
        if time.time() - _age(lock) > _LOCKED_S:  # one that was taken lately may be held
            lock.unlink(missing_ok=True)


def _age(file: Path) -> float:
    """When it was written, in seconds of the clock."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
