"""Where a table's rows came from: each import of it, remembered inside the table's own file and changed with it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.definition import UnusableBookError

JOURNAL_KEY = "comity.imports"


CORRECTION = "correction"  # in the place of a mapping: what accepted proposals came by


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One import that a table's rows came with.

    `number` is what rows bear in `_import`. Counts are of rows: `rows_in` = `new` + `unchanged` + `updated` +
    `proposed` + `collapsed` + `rejected`; `superseded` of the collapsed were earlier states of what they told of, the
    others said the same as another row. `expired` rows were older than the table's retention. `proposed` rows would
    change, or add to, what the other side brought, and wait for its answer; `proposed_withdrawals` are rows of the
    other side that the delivery lacks within its window. `corrected` rows were rejected in earlier imports of the same
    side, and came again with this one. `reach` is the first and the last day that its rows tell of, up to the day on
    which it came. `control` holds the totals that the source gave of itself, by name. `side` is the side that delivered
    it: customer, provider, neither or unknown; `key` what a room calls it. Of its notes so many say that what it holds
    is `contradictory` or `implausible`; in `past_months` months rows that the book had were changed or withdrawn. Where
    its rows bear no update times (`has_update_times`), what it says counts because it came later.
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
    proposed: int = 0
    proposed_withdrawals: int = 0
    corrected: int = 0
    window: tuple[date, date] | None = None
    control: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    side: str = "unknown"
    key: str = ""
    reach: tuple[date, date] | None = None
    contradictory: int = 0
    implausible: int = 0
    past_months: int = 0
    has_update_times: bool = False

    def is_repeated_by(self, other: "ImportRecord", mapping_digests: Collection[str]) -> bool:
        """Whether another import is of the same file by the same side, and by the mapping that has these digests."""
        return (self.digest, self.side) == (other.digest, other.side) and self.mapping_digest in mapping_digests


def journal_json(deliveries: Sequence[ImportRecord]) -> str:
    """Deliveries as the metadata of a table's file holds them."""
    return json.dumps([asdict(one) for one in deliveries], default=str)


def read_journal(file: Path) -> tuple[ImportRecord, ...]:
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
        return tuple(_parse_record(one) for one in json.loads(metadata.get(JOURNAL_KEY.encode(), b"[]")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        msg = "its record of imports is damaged; bring the file back from a copy"
        raise UnusableBookError(msg, file=file) from None


def _parse_record(said: dict[str, object]) -> ImportRecord:
    window, reach = _parse_days(said.pop("window")), _parse_days(said.pop("reach", None))
    found = ImportRecord(**said)  # type: ignore[arg-type]  # as `journal_json` wrote it
    notes = tuple(found.notes)
    return replace(found, at=datetime.fromisoformat(str(found.at)), window=window, reach=reach, notes=notes)


def _parse_days(days: object) -> tuple[date, date] | None:
    return (date.fromisoformat(days[0]), date.fromisoformat(days[1])) if isinstance(days, list) else None


_OF_ALL_FILES = ("contradictory", "implausible", "past_months")  # said of the delivery, and not of each file


def merge_journals(parts: Sequence[Sequence[ImportRecord]]) -> tuple[ImportRecord, ...]:
    """Imports of one table whose rows lie in several files: the counts of each file added up."""
    records: dict[int, ImportRecord] = {}
    counted = (
        *("rows_in", "new", "unchanged", "updated", "withdrawn", "rejected", "collapsed", "superseded", "expired"),
        *("proposed", "proposed_withdrawals", "corrected"),
    )
    for part in parts:
        for record in part:
            before = records.get(record.number)
            if before is None:
                records[record.number] = record
            else:
                sums = {name: getattr(before, name) + getattr(record, name) for name in counted}
                notes = tuple(dict.fromkeys((*before.notes, *record.notes)))
                control = {**before.control, **record.control}
                days = [day for one in (before, record) if one.reach is not None for day in one.reach]
                reach = (min(days), max(days)) if days else None
                most = {one: max(getattr(before, one), getattr(record, one)) for one in _OF_ALL_FILES}
                records[record.number] = replace(before, **sums, **most, notes=notes, control=control, reach=reach)
    return tuple(records[number] for number in sorted(records))
