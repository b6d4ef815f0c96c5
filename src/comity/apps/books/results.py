"""Cache of results computed from a book, valid until the records, the day or the program change.

What takes long (`computed`) is computed by a worker and never in a request: a request that finds no result defers a
job and is refused with `NotComputedYet`; a page may show an earlier result meanwhile. What is quick (`cached`), such as
a page rendered from such a result, is computed where it is asked for.
"""

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from filelock import FileLock
from procrastinate.contrib.django import app

import comity
from comity.apps.books.queries import NoBookError, book_folder, definition
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import ExponentialBackoff, defer, raise_priority
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import IN_REQUEST, MemberContext, find_member
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.refusal import Refused
from comity.book.agreement import FOLDER as AGREEMENT
from comity.book.definition import Definition, UnusableBookError
from comity.book.logos import FOLDER as LOGOS
from comity.book.tables import ROOM_TABLES
from comity.core.agreements.kpi import MEASURES
from comity.core.calendars import UnknownPeriodError
from comity.core.values import Side
from comity.review.attribution import NoAttributionError
from comity.review.build import NoReviewError

T = TypeVar("T")
QUEUE = "reviews"  # of the workers that compute
# Errors that are results of a computation: cached as values are, and raised again.
ERRORS = (NoBookError, UnusableBookError, UnknownPeriodError, NoReviewError, NoAttributionError)
_MAX_CACHED = 120  # cached results for each relationship and viewer class, the latest ones
_MAX_QUESTIONS = 120  # questions for each relationship and viewer class, the latest ones
_MAX_STATES = 3  # results for each question, of the latest states of the records
_MAX_IN_MEMORY = 64  # unpickled results in each process
_LOCK_EXPIRY_S = 3600  # longer than any computation takes
_MAX_RECOMPUTED = 12  # questions for each relationship, after a change of its records
_RECENT = timedelta(days=7)  # questions asked since are computed again after a change
_TOUCH_INTERVAL_S = 3600
_RETRY_AFTER_S = 2  # after which a browser or an API client asks again
_WAITING_PRIORITY = 1  # of jobs that a person waits for, above what is recomputed after a change
_QUESTION_FILE = "question.json"


class NotComputedYet(Refused):
    """A result that a worker is computing, or could not compute.

    :ivar since: when it was asked for
    :ivar failed: whether the worker has given up
    """

    keeps_changes = True  # the job

    def __init__(self, since: datetime, *, failed: bool = False) -> None:
        """Refuse with the time of the question in the reader's time zone."""
        code = Code.NOT_COMPUTED if failed else Code.BEING_COMPUTED
        clock = timezone.localtime(since).strftime("%H:%M")
        super().__init__(code, retry_after_s=None if failed else _RETRY_AFTER_S, at=clock)
        self.since, self.failed = since, failed


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be computed: the name of a task, and the task's arguments."""

    task: str
    terms: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """The result of a computation: a value, or an error in parts, because not every error can be pickled."""

    value: T | None = None
    error: tuple[type[Exception], tuple[object, ...], dict[str, object]] | None = None

    def result(self) -> T:
        """Return the value.

        :raises Exception: the error of the computation
        """
        if self.error is None:
            return self.value  # type: ignore[return-value]
        kind, arguments, attributes = self.error
        error = kind.__new__(kind, *arguments)
        error.__dict__.update(attributes)
        raise error


def viewer_class(member: MemberContext) -> str:
    """Return a name for what the viewer sees: members with the same name see the same."""
    side = member.viewer.side
    if side is None:
        return "joint"
    # Tables that the side does not keep private are no difference between its roles.
    private = definition(member).private.get(side)
    closed = member.closed_tables & set(private.tables) if private else ()
    return "-".join([side.value, *sorted(closed)])


def records_state(member: MemberContext) -> str:
    """Return a digest of the files that the viewer's results are computed from: the shared ones and the own side's."""
    side = member.viewer.side
    return member.once(f"books.records_state {side}", lambda: _records_state(member, side))


_DayOf = Callable[[MemberContext, Mapping[str, str | None]], date]
# Of tasks that compute from what was agreed for the days before one alone: that day, by the terms of a question.
_LAST_DAYS: dict[str, _DayOf] = {}


def reads_agreement_before(task: str, day_of: _DayOf) -> None:
    """Register that a task opens its book by `definition_before` the day that `day_of` gives of its terms."""
    _LAST_DAYS[task] = day_of


def definition_before(member: MemberContext, day: date) -> Definition:
    """Return what was agreed for the days before one, by which a result of these days is computed and kept."""
    return definition(member).before(day)


def _state_of(member: MemberContext, question: Question) -> str:
    """Return a digest of all that a question's result is computed from.

    A change of the agreement whose first day comes after the days of a question does not reach its result: in place of
    the files of the agreement stands what they say of these days. Figures about people are withheld by what is shown of
    all periods together, so that all wordings of their KPIs count.
    """
    day_of = _LAST_DAYS.get(question.task)
    try:
        day = None if day_of is None else day_of(member, dict(question.terms))
    except (UnknownPeriodError, NoBookError, UnusableBookError):  # whose refusal is the result
        day = None
    if day is None:
        return records_state(member)
    side, known = member.viewer.side, definition(member)
    files = member.once(
        f"books.records_state {side} {AGREEMENT}", lambda: _records_state(member, side, without=frozenset([AGREEMENT]))
    )
    told = known.before(day)
    of_people = [kpi for kpi in known.kpis if MEASURES[kpi.measure].people_of is not None]
    return _digest(files, *(_plain(part) for part in (told.kpis, told.relief, told.calendars, of_people)))


def _plain(value: object) -> object:
    """Return a value whose `repr` is the same in each process: sets and mappings in order."""
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, [(one.name, _plain(getattr(value, one.name))) for one in fields(value)]
    if isinstance(value, Mapping):
        return sorted((repr(_plain(key)), _plain(one)) for key, one in value.items())
    if isinstance(value, set | frozenset):
        return sorted(repr(_plain(one)) for one in value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _records_state(member: MemberContext, side: Side | None, without: frozenset[str] = frozenset()) -> str:
    digest = hashlib.sha256()
    for name, status in sorted(_book_files(book_folder(member.relationship.pk))):
        parts = name.split("/")
        # Logos are read anew by whatever shows them; no figure is computed from the other two yet.
        if parts[0] == LOGOS or parts[0] in without or parts[0].removesuffix(".parquet") in ROOM_TABLES:
            continue
        is_hidden = parts[0] == "private" and (side is None or parts[1:2] != [side.value])
        if not is_hidden:
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _book_files(folder: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """List a book's files by relative name, without hidden ones; with few system calls, because every page does it."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _book_files(Path(entry.path), f"{below}{entry.name}/")
        else:
            with contextlib.suppress(FileNotFoundError):  # replaced just now
                yield below + entry.name, entry.stat()


@cache
def _code_digest() -> str:
    """Return a digest of the installed code, so that results of another version are never read."""
    digest = hashlib.sha256(comity.__version__.encode())
    folder = Path(comity.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def cached(member: MemberContext, key: tuple[object, ...], compute: Callable[[], T]) -> T:
    """Return the cached value of `compute`, which is called in the request, by one process at a time.

    :param key: of this result among those of the same viewer
    """
    folder = _results_folder(member.relationship.pk) / viewer_class(member) / "cached"
    path = folder / _digest(_code_digest(), records_state(member), datetime.now(UTC).date(), *key)
    return _compute_once(path, compute)


def computed(member: MemberContext, question: Question, compute: Callable[[], T]) -> T:
    """Return the result of a question; `compute` is called in workers and commands, never in a request.

    :raises NotComputedYet: in a request without a result for the current records; a job computes it then
    :raises Refused: in a request, for too many new questions within an hour
    """
    path = _result_path(member, question)
    question_file = path.with_name(_QUESTION_FILE)
    outcome: _Outcome[T] | None = _read_result(path)
    if outcome is None and member.cache.get(IN_REQUEST):
        raise member.once(f"books.asked {path}", lambda: _refusal_of_request(member, question))
    if outcome is None:
        outcome = _compute_once(path, lambda: _compute_outcome(compute))
    if time.time() - _modified_at(question_file) > _TOUCH_INTERVAL_S:
        question_file.write_text(
            json.dumps({**_job_arguments(member, question), "code": _code_digest()}), encoding="utf-8"
        )
    return outcome.result()


def current_result(member: MemberContext, question: Question) -> Any | None:  # noqa: ANN401 - whatever was computed
    """Return the result of a question for the current records and today; None where it has not been computed."""
    outcome = _read_result(_result_path(member, question))
    return None if outcome is None or outcome.error is not None else outcome.value


def earlier_result(member: MemberContext, question: Question) -> Any | None:  # noqa: ANN401 - whatever was computed
    """Return the latest result of a question, of earlier records or another day; None where there is none."""
    for path in _result_files(_result_path(member, question).parent):
        outcome = _read_result(path)
        if outcome is not None and outcome.error is None:
            return outcome.value
    return None


def share_result(member: MemberContext, question: Question, other: Question) -> None:
    """Store the result of a question as that of an equivalent one too."""
    source, target = _result_path(member, question), _result_path(member, other)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        os.link(source, target)


Compute = Callable[..., object]


def computes(task: str) -> Callable[[Compute], Compute]:
    """Register a function of member and terms as the task that computes the questions of its name.

    It is called with the rights, and in the view, of the person who asked; not where they have left. An error of
    `ERRORS` is a result too, and cached as such. Keywords beside the terms come from `request_result`.
    """

    def register(compute: Compute) -> Compute:
        @app.task(queue=QUEUE, name=task, retry=ExponentialBackoff(max_attempts=3))
        def run(  # noqa: PLR0913 - as `_defer_job` defers it
            person: str,
            relationship: str,
            terms: Mapping[str, str | None],
            *,
            joint: bool,
            key: str,  # noqa: ARG001 - by which the job is found
            since: str,  # noqa: ARG001 - told to who waits
            state: str = "",  # noqa: ARG001 - for which records it was asked
            sides: Sequence[str] = (),  # noqa: ARG001 - whom a failure concerns
            **more: str,
        ) -> None:
            with transaction.atomic(), contextlib.suppress(*ERRORS):
                member = find_member(UUID(person), UUID(relationship))
                if member is not None:
                    compute(member.joint() if joint else member, terms, **more)

        return compute

    return register


_recompute_tasks: list[str] = []


def recompute_by(task: str) -> None:
    """Register a task that runs after each change of a book, with `relationship` and `sides`."""
    _recompute_tasks.append(task)


def records_changed(relationship: UUID) -> None:
    """Defer the registered tasks after a change of a book; within a transaction."""
    for task in _recompute_tasks:
        defer(task, relationship=relationship, sides=(), queueing_lock=f"{task} {relationship}")


def computed_by_other_code() -> bool:
    """Whether other code than this has computed last in this room, so that none of its results is read any more."""
    try:
        return _code_file().read_text(encoding="utf-8") != _code_digest()
    except FileNotFoundError:
        return True


def note_code() -> None:
    """Note that this code computes in this room."""
    _code_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _code_file().write_text(_code_digest(), encoding="utf-8")


def _code_file() -> Path:
    return Path(settings.DATA) / "results" / ".code"


_Renewed = Mapping[str, frozenset[str]]


def recompute_recent(relationship: UUID, renewed: _Renewed = MappingProxyType({})) -> None:
    """Defer the questions of the last days again, the latest first; within a transaction.

    :param renewed: the tasks whose questions of other code are asked again too, each with the names of its terms; what
        other code asked by other terms this code may not understand
    """
    since = time.time() - _RECENT.total_seconds()
    question_files = sorted(
        _results_folder(relationship).glob(f"*/computed/*/{_QUESTION_FILE}"), key=_modified_at, reverse=True
    )
    left = _MAX_RECOMPUTED
    for question_file in question_files:
        if not left or _modified_at(question_file) <= since:
            return
        try:
            job = json.loads(question_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if job["terms"].get("part"):  # is asked for by the question that it is a part of
            continue
        left -= 1
        if job.pop("code") != _code_digest():
            if renewed.get(job["task"]) != frozenset(job["terms"]):
                continue
            viewer = question_file.parents[2].name
            job["key"] = _key_of(viewer, job["task"], job["terms"].items())
        _defer_job(relationship, job)


def request_result(member: MemberContext, question: Question, **arguments: str) -> bool:
    """Defer a question that has no result for the current records; within a transaction.

    :param arguments: of the task, beside those that it always gets
    :returns: whether it has none
    """
    if _read_result(_result_path(member, question)) is not None:
        return False
    _defer_job(member.relationship.pk, _job_arguments(member, question) | arguments)
    return True


def _job_arguments(member: MemberContext, question: Question) -> dict[str, Any]:
    """Return the arguments of a question's job, as JSON; they are kept beside its results too."""
    side = member.viewer.side
    return {
        "task": question.task,
        "key": _question_key(member, question),
        "person": str(member.membership.person_id),
        "terms": dict(question.terms),
        "joint": member.shared_only,
        "sides": [one.value for one in Side if side in {one, None}],
    }


def _defer_job(relationship: UUID, job: Mapping[str, Any], *, priority: int = 0, **extra: str) -> None:
    arguments = {name: value for name, value in job.items() if name not in {"task", "sides"}} | extra
    defer(
        job["task"],
        relationship=relationship,
        sides=tuple(Side(side) for side in job["sides"]),
        queueing_lock=f"{job['task']} {relationship} {job['key']}",
        since=datetime.now(UTC).isoformat(),
        priority=priority,
        **arguments,
    )


def _refusal_of_request(member: MemberContext, question: Question) -> NotComputedYet:
    """Defer a question unless a job for it exists, and return what the request is refused with.

    :raises Refused: where the person asks too many new questions
    """
    job, path = _job_arguments(member, question), _result_path(member, question)
    known_jobs = unfinished_jobs(member.relationship.pk, (question.task,)).filter(args__key=job["key"])
    jobs = list(known_jobs)
    failed_job = next((one for one in jobs if one.status == "failed" and one.args.get("state") == path.name), None)
    waiting_job = next((one for one in jobs if one.status != "failed"), failed_job)
    if waiting_job is not None:
        if waiting_job.priority < _WAITING_PRIORITY:
            raise_priority(waiting_job, _WAITING_PRIORITY)
        return NotComputedYet(datetime.fromisoformat(waiting_job.args["since"]), failed=waiting_job is failed_job)
    if not _result_files(path.parent):
        check_rate_limit(member.membership.person, "first looks")
    _defer_job(member.relationship.pk, job, priority=_WAITING_PRIORITY, state=path.name)
    return NotComputedYet(datetime.now(UTC))


def _results_folder(relationship: UUID) -> Path:
    return Path(settings.DATA) / "results" / str(relationship)


def _question_key(member: MemberContext, question: Question) -> str:
    """Return the folder name of a question within its relationship, by viewer class, question and code."""
    return _key_of(viewer_class(member), question.task, question.terms)


def _key_of(viewer: str, task: str, terms: Iterable[tuple[str, object]]) -> str:
    return f"{viewer}/computed/{_digest(_code_digest(), task, *terms)}"


def _result_path(member: MemberContext, question: Question) -> Path:
    """Return the path of a question's result for the current records and today."""
    state_digest = _digest(_state_of(member, question), datetime.now(UTC).date())
    return _results_folder(member.relationship.pk) / _question_key(member, question) / state_digest


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _compute_outcome(compute: Callable[[], T]) -> _Outcome[T]:
    try:
        return _Outcome(value=compute())
    except ERRORS as error:
        return _Outcome(error=(type(error), error.args, error.__dict__))


def _compute_once(path: Path, compute: Callable[[], T]) -> T:
    """Return the result in a file, computed and written by one process while the others wait."""
    result = _read_result(path)
    if result is not None:
        return result  # type: ignore[no-any-return]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        result = _read_result(path)  # computed by another process meanwhile
        if result is None:
            result = compute()
            part_file = path.with_suffix(".part")
            part_file.write_bytes(pickle.dumps(result))
            part_file.replace(path)
    _prune(path.parent)
    return result  # type: ignore[no-any-return]


@lru_cache(maxsize=_MAX_IN_MEMORY)
def _load_pickle(path: Path, written: int) -> Any:  # noqa: ANN401, ARG001 - whatever was made, and when
    """Unpickle a file; the object is shared by all callers, who must not change it."""
    return pickle.loads(path.read_bytes())  # noqa: S301 - we alone write there


def _read_result(path: Path) -> Any:  # noqa: ANN401 - whatever was made
    try:
        return _load_pickle(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - an earlier version of ours wrote it; it is made again
        return None


def _result_files(folder: Path) -> list[Path]:
    """List the results in a folder, the latest first."""
    try:
        return sorted((file for file in folder.iterdir() if file.suffix == ""), key=_modified_at, reverse=True)
    except FileNotFoundError:
        return []


def _prune(folder: Path) -> None:
    """Remove all but the latest results of a folder, their locks, and the folders of the oldest questions."""
    paths = _result_files(folder)
    if folder.name == "cached":
        max_results = _MAX_CACHED
    else:
        max_results = _MAX_STATES
        for old_path in sorted(folder.parent.iterdir(), key=_modified_at)[:-_MAX_QUESTIONS]:
            shutil.rmtree(old_path, ignore_errors=True)
    for old_path in paths[max_results:]:
        old_path.unlink(missing_ok=True)
        lock = old_path.with_name(f"{old_path.name}.lock")
        if time.time() - _modified_at(lock) > _LOCK_EXPIRY_S:  # a younger one may be held
            lock.unlink(missing_ok=True)


def _modified_at(path: Path) -> float:
    """Return when a file was written, in seconds since the epoch; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
