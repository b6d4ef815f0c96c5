"""Changes of a book's agreement at home: written by hand, taken from a text as TOML, or from `[[kpi]]` of old.

A room writes the files of its agreement by itself. At home one person keeps a book, and nobody signs: a change says on
which day both sides agreed to it on paper, or counts as not agreed.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import tomlkit

from comity.book.agreement import (
    FOLDER,
    AgreedChange,
    UnusableAgreementError,
    agreed_changes,
    agreed_json,
    chain_of,
    file_name,
)
from comity.book.definition import FILE, Definition, UnusableBookError, read_definition
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import Move, book_lock, commit
from comity.book.storage.layout import HIDDEN_FOLDER
from comity.core.agreements.changes import AddClause, Change, Edit, Proposal, Span, Word, check_says
from comity.core.agreements.clauses import Clause, check_fields, check_id
from comity.core.agreements.fields import Problem, Value
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import Kpi, undated
from comity.core.agreements.text import (
    Text,
    check_change,
    edits_between,
    meetings,
    permanent_layer,
)
from comity.core.agreements.wordings import kpi_fields
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class HomeChange:
    """What somebody at home says of a change.

    :ivar first_day: from which it holds
    :ivar end: the first day on which it no longer holds; None: for good
    :ivar agreed_on: the day on which both sides agreed to it on paper; None: nobody agreed yet
    :ivar instead: whether it ends what it meets; otherwise it holds until then
    """

    title: str
    reason: str
    person: str
    by: Side
    at: datetime
    first_day: date
    end: date | None = None
    agreed_on: date | None = None
    instead: bool | None = None


class NothingChangesError(ValueError):
    """A text that says what is agreed already."""


_LONG_AGO = date(1970, 1, 1)


def write_agreed(book: Path, change: AgreedChange) -> Path:
    """Write the file of a change; the same change twice is written once.

    :raises UnusableAgreementError: where the file is there already and says otherwise
    """
    target = book / FOLDER / file_name(change.number)
    content = agreed_json(change)
    if target.exists():
        if target.read_text(encoding="utf-8") != content:
            raise UnusableAgreementError("is there already with another content, and is never changed", file=target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, content)
    return target


def change_to(book: Path, wanted: Text, said: HomeChange) -> AgreedChange:
    """Return the change that makes the permanent text of its first day read as wanted; nothing is written yet.

    :raises NothingChangesError: where it reads so already
    :raises UnusableAgreementError: naming what cannot stand, and for a meeting of which `said` decides nothing
    """
    changes = agreed_changes(book)
    before = permanent_layer(chain_of(changes), said.first_day)
    edits = edits_between(before, wanted)
    if not edits:
        raise NothingChangesError
    place, number = _next(changes)
    change = Change(number, Span(said.first_day, said.end), edits)
    met = meetings(change, chain_of(changes))
    if met and said.instead is None:
        words = ", ".join(dict.fromkeys(f"change {one.other} on {one.clause}.{one.field}".rstrip(".") for one in met))
        msg = f"meets {words}; say whether it holds instead of it, or until then"
        raise UnusableAgreementError(msg, file=book / FOLDER)
    change = replace(
        change, words=tuple(Word(one.other, one.clause, one.field, instead=bool(said.instead)) for one in met)
    )
    _raise_first(check_change(change, chain_of(changes)), book / FOLDER)
    return AgreedChange(place, _moment(changes, said.at), 1, Proposal(change, _says(said)), agreed_on=said.agreed_on)


def begin_from_kpis(book: Path) -> list[AgreedChange]:
    """Make the agreement of a book from its `[[kpi]]`, and take those out of `book.toml`, in one step.

    Each day on which a wording begins or ends is one change, so that every day reads as before.

    :returns: the changes; none where there is no `[[kpi]]`
    :raises UnusableBookError: for a book that cannot be read, and one that has an agreement already
    """
    with book_lock(book):
        if agreed_changes(book):
            raise UnusableBookError("has an agreement already; change it instead", file=book / FOLDER)
        changes = changes_of_kpis(read_definition(book))
        if changes:
            write_changes(book, changes)
    return changes


def write_changes(book: Path, changes: Sequence[AgreedChange]) -> None:
    """Write the files of changes that are not there yet, and take `[[kpi]]` out of `book.toml`, in one step.

    Under the book's lock.

    :param changes: all of the agreement, those of the `[[kpi]]` among them
    :raises UnusableAgreementError: where a file is there already and says otherwise
    """
    hidden = book / HIDDEN_FOLDER
    hidden.mkdir(exist_ok=True)
    moves = []
    for change in changes:
        target, content = book / FOLDER / file_name(change.number), agreed_json(change)
        if target.exists():
            if target.read_text(encoding="utf-8") != content:
                raise UnusableAgreementError("is there already with another content, and is never changed", file=target)
            continue
        ready = hidden / f"ready-{file_name(change.number)}"
        ready.write_text(content, encoding="utf-8", newline="\n")
        moves.append(Move(ready, target))
    document = tomlkit.parse((book / FILE).read_text(encoding="utf-8"))
    if "kpi" in document:
        before = read_definition(book)
        del document["kpi"]
        ready = hidden / f"ready-{FILE}"
        ready.write_text(tomlkit.dumps(document), encoding="utf-8", newline="\n")
        _check_past(before, changes, ready)
        moves.append(Move(ready, book / FILE))
    if moves:
        commit(book, moves)


def changes_of_kpis(definition: Definition) -> list[AgreedChange]:
    """Return `[[kpi]]` as the first changes of an agreement; the same whenever it is asked.

    Their places are 0 and less: before everything that is agreed later, in a room before each entry of its record.
    """
    days = sorted(
        {kpi.valid_from for kpi in definition.kpis}
        | {kpi.valid_to for kpi in definition.kpis if kpi.valid_to is not None}
    )
    changes: list[AgreedChange] = []
    for day in days:
        here = [
            kpi for kpi in definition.kpis if kpi.valid_from <= day and (kpi.valid_to is None or day < kpi.valid_to)
        ]
        latest = {kpi.id: kpi for kpi in sorted(here, key=lambda kpi: (kpi.valid_from, kpi.agreed_on or date.min))}
        wanted = Text(tuple(_clause_of(kpi) for kpi in definition.kpis if latest.get(kpi.id) is kpi))
        edits = edits_between(permanent_layer(chain_of(changes), day), wanted)
        if not edits:
            continue
        begun = [kpi for kpi in here if kpi.valid_from == day]
        agreed_on = max((kpi.agreed_on for kpi in begun if kpi.agreed_on is not None), default=None)
        is_agreed = all(kpi.agreed for kpi in here)
        said = HomeChange(
            "KPIs of the book file", "They stood in book.toml as [[kpi]].", FILE, Side.CUSTOMER,
            _midnight(agreed_on or _LONG_AGO), day, agreed_on=agreed_on if is_agreed else None,
        )  # fmt: skip
        number = len(changes) + 1
        change = Change(number, Span(day), _new_ids(edits, changes))
        entry = max((kpi.entry for kpi in begun if kpi.entry is not None), default=None)
        moment = _moment(changes, said.at)
        changes.append(
            AgreedChange(
                number,
                moment,
                1,
                Proposal(change, _says(said)),
                agreed_on=said.agreed_on,
                entry=entry,
                taken_over=is_agreed,
            )
        )
    return [replace(change, place=change.number - len(changes)) for change in changes]


def _new_ids(edits: Sequence[Edit], changes: Sequence[AgreedChange]) -> tuple[Edit, ...]:
    """Return the edits, none of which adds a clause whose id was used before: an id is never used again."""
    used = {edit.clause for one in changes for edit in one.proposal.change.edits if isinstance(edit, AddClause)}
    again = [edit.clause for edit in edits if isinstance(edit, AddClause) and edit.clause in used]
    if again:
        msg = f"has a KPI {again[0]!r} that ends and begins again later; give the later one an id of its own"
        raise UnusableBookError(msg, file=FILE)
    return tuple(edits)


def _check_past(before: Definition, changes: Sequence[AgreedChange], book_file: Path) -> None:
    """Check that the book counts as it did by `[[kpi]]`, before anything is put in place."""
    own = changes_of_kpis(before)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / FILE).write_bytes(book_file.read_bytes())
        for change in changes[: len(own)]:
            write_agreed(folder, change)
        after = read_definition(folder)
    for day in sorted({kpi.valid_from for kpi in (*before.kpis, *after.kpis)}):
        if _bare_in_force(before, day) != _bare_in_force(after, day):
            msg = f"cannot be taken into the agreement: it would count otherwise on {day}; tell the authors of Comity"
            raise UnusableBookError(msg, file=FILE, place="[[kpi]]")


def _bare_in_force(definition: Definition, day: date) -> dict[str, Kpi]:
    holding = [k for k in definition.kpis if k.valid_from <= day and (k.valid_to is None or day < k.valid_to)]
    holding.sort(key=lambda kpi: (kpi.valid_from, kpi.agreed_on or date.min))
    return {kpi.id: _in_one_order(undated(kpi)) for kpi in holding}


def _in_one_order(kpi: Kpi) -> Kpi:
    """A KPI with each queue and channel once, in order: how `book.toml` lists them changes no figure."""
    return replace(kpi, queues=tuple(sorted({*kpi.queues})), channels=tuple(sorted({*kpi.channels})))


def _clause_of(kpi: Kpi) -> Clause:
    values, problems = check_fields(kpi.id, Kind.KPI, kpi_fields(kpi))
    _raise_first([*check_id(kpi.id), *problems], Path(FILE))
    return Clause(kpi.id, Kind.KPI, values)


def _says(said: HomeChange) -> dict[str, Value]:
    written = {
        "title": said.title, "proposed_by": said.by.value, "person": said.person, "carried_out_by": "both",
        "reason": said.reason, "expects_nothing": "Noted at home, without an expectation.",
    }  # fmt: skip
    says, problems = check_says(written)
    _raise_first(problems, Path(FOLDER))
    return says


def _raise_first(problems: Sequence[Problem], file: Path) -> None:
    if problems:
        raise UnusableAgreementError(problems[0].message, file=file)


def _next(changes: Sequence[AgreedChange]) -> tuple[int, int]:
    """The place and the number of the next change."""
    return (
        max((change.place for change in changes), default=0) + 1,
        max((change.number for change in changes), default=0) + 1,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _moment(changes: Sequence[AgreedChange], at: datetime) -> datetime:
    last = changes[-1].agreed_at if changes else None
    return at if last is None else max(at, last + timedelta(microseconds=1))
