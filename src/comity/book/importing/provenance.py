"""Where a table's rows came from: each import of it, remembered inside the table's own file and changed with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.definition import UnusableBookError
from comity.book.opening import Book
from comity.book.raw import something_closed
from comity.core.values import Side

JOURNAL = "comity.imports"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One import that a table's rows came with.

    `number` is what rows bear in `_import`. Counts are of rows: `rows_in` = `new` + `unchanged` + `updated` +
    `collapsed` + `rejected`; `superseded` of the collapsed were earlier states of what they told of, the others said
    the same as another row. `expired` rows were older than the table's retention. `control` holds the totals
    that the source gave of itself, by name.
    """

    number: int
    file: str
    digest: str
    at: datetime
    by: str
    mapping: str
    mapping_digest: str
    rows_in: int = 0
    new: int = 0
    unchanged: int = 0
    updated: int = 0
    withdrawn: int = 0
    rejected: int = 0
    collapsed: int = 0
    superseded: int = 0
    expired: int = 0
    window: tuple[date, date] | None = None
    control: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table came from, as one viewer may know it."""

    table: str
    rows: int
    rejected: int
    files: tuple[str, ...]
    deliveries: tuple[Delivery, ...] = ()


def written(deliveries: Sequence[Delivery]) -> str:
    """Deliveries as the metadata of a table's file holds them."""
    return json.dumps([asdict(one) for one in deliveries], default=str)


def journal(file: Path) -> tuple[Delivery, ...]:
    """The imports that a table's file remembers, the earliest first; none for a file that was laid down by hand.

    :raises UnusableBookError: when it remembers something else
    """
    if file.suffix != ".parquet":
        return ()
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return ()
    try:
        return tuple(_read(one) for one in json.loads(metadata.get(JOURNAL.encode(), b"[]")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        msg = f"{file}: its record of imports is damaged; bring the file back from a copy"
        raise UnusableBookError(msg) from None


def _read(said: dict[str, object]) -> Delivery:
    window = said.pop("window")
    start_end = tuple(date.fromisoformat(day) for day in window) if isinstance(window, list) else None
    found = Delivery(**said)  # type: ignore[arg-type]  # as `written` wrote it
    notes = tuple(found.notes)
    return replace(found, at=datetime.fromisoformat(str(found.at)), window=start_end, notes=notes)  # type: ignore[arg-type]


def together(parts: Sequence[Sequence[Delivery]]) -> tuple[Delivery, ...]:
    """Imports of one table whose rows lie in several files: the counts of each file added up."""
    found: dict[int, Delivery] = {}
    counted = ("rows_in", "new", "unchanged", "updated", "withdrawn", "rejected", "collapsed", "superseded", "expired")
    for part in parts:
        for one in part:
            before = found.get(one.number)
            if before is None:
                found[one.number] = one
            else:
                sums = {name: getattr(before, name) + getattr(one, name) for name in counted}
                notes = tuple(dict.fromkeys((*before.notes, *one.notes)))
                control = {**before.control, **one.control}
                found[one.number] = replace(before, **sums, notes=notes, control=control)
    return tuple(found[number] for number in sorted(found))


def origins(book: Book) -> tuple[Origin, ...]:
    """For each table that this viewer sees: rows, rows set aside, files, and the imports, the earliest first."""
    found = []
    for holding in book:
        deliveries = together([journal(file) for file in holding.files])
        hidden = [side for side in Side if not book.viewer.opens(side)]
        if any(something_closed(holding.table, book.definition, side) for side in hidden):
            # The digest of a whole file would confirm a guess at what the viewer does not see of it.
            # And a file of which the viewer sees no row is not known to them.
            deliveries = tuple(replace(one, digest="") for one in deliveries if one.rows_in or one.withdrawn)
        aside = holding.rejected + sum(one.rejected for one in deliveries)
        files = tuple(one.file for one in deliveries) or tuple(_named(book, file) for file in holding.files)
        found.append(Origin(holding.table.name, holding.rows, aside, tuple(dict.fromkeys(files)), deliveries))
    return tuple(found)


def _named(book: Book, file: Path) -> str:
    return file.relative_to(book.folder).as_posix() if file.is_relative_to(book.folder) else file.name
