"""What may stand in `book.toml`: one declaration that the reader of a book, new books and the page on them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from comity.book.tables import TABLES
from comity.core.agreements.kpi import HIGHER, LOWER, MEASURES, RECORDS, Abandons
from comity.core.calendars import Against, Cut
from comity.core.values import Side


class KeyKind(StrEnum):
    """How a key's value is written in TOML."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "true or false"
    DAY = "day"  # 2026-01-31, in quotes or not
    DAYS = "list of days"
    TEXTS = "list of texts"
    PAIRS = "table"  # { name = value, ... }
    LISTS = "table of lists"  # { name = [value, ...], ... }


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: how it is written, what it means, and what holds where it is not written.

    :ivar default: as TOML reads it; None where nothing holds. `default_words` says it where no value can
    :ivar values: the only values allowed (of `PAIRS`: of each pair); empty: any
    :ivar names: of `PAIRS`, the only names allowed; empty: any
    :ivar lowest: the least number allowed; `highest` likewise; `above`: only larger ones
    :ivar example: a value as TOML writes it
    """

    name: str
    kind: KeyKind
    meaning: str
    example: str
    default: str | float | bool | tuple[str, ...] | None = None
    default_words: str = ""
    required: bool = False
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lowest: float | None = None
    above: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One section of `book.toml`.

    :ivar header: as it is written, in double brackets where there may be several
    :ivar title: what it is about, in a few words
    :ivar meaning: what it is for, in sentences
    """

    name: str
    header: str
    title: str
    meaning: str
    keys: tuple[Key, ...]
    by_name: Mapping[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the keys by name."""
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    @property
    def repeated(self) -> bool:
        """Whether it may stand several times."""
        return self.header.startswith("[[")


LONGEST_RETENTION = 36_525  # days: a hundred years
# As `core.economics.attribution.PARTS`, which takes too long to import for reading a file.
ATTRIBUTED_PARTS = ("plan", "volume_inside", "volume_outside", "handling", "planning", "presence")
PAID_SHARES = ("in_target", "late", "repeated", "idle", "not_split")
SIDES = tuple(side.value for side in Side)
WHO_ANSWERS = (*SIDES, "both")
PERSONAL = tuple(sorted({column.name for table in TABLES.values() for column in table.columns if column.personal}))

BOOK = Section(
    "book",
    "[book]",
    "whose book it is, and how its days are cut",
    "The only section that must be there.",
    (
        Key(
            "name",
            KeyKind.TEXT,
            "whose book it is; stands over every review",
            '"Northwind with Helpline"',
            required=True,
        ),
        Key(
            "scope",
            KeyKind.TEXT,
            "one customer with one provider, or one organisation's own book over all its relationships",
            '"relationship"',
            default="relationship",
            values=("relationship", "portfolio"),
        ),
        Key(
            "currency",
            KeyKind.TEXT,
            "the currency of all amounts, by its code of three letters",
            '"EUR"',
            default="EUR",
        ),
        Key(
            "timezone",
            KeyKind.TEXT,
            "the time zone in which days, weeks and months are cut, and local times in files are read",
            '"Europe/Madrid"',
            default="UTC",
        ),
        Key(
            "month_starts_on",
            KeyKind.WHOLE,
            "the day on which months, quarters and years begin, where a contract month is not a calendar month",
            "22",
            default=1,
            lowest=1,
            highest=28,
        ),
        Key(
            "complete_to",
            KeyKind.DAY,
            "the records are whole up to this day, which itself is not counted; say it where the last record does not "
            "tell, such as for surveys in waves",
            "2026-07-01",
            default_words="worked out from the last records of each table",
        ),
        Key(
            "country",
            KeyKind.TEXT,
            "whose public holidays are a class of day of their own, by ISO 3166: a country, or a region of one",
            '"ES-MD"',
            default_words="no holidays but those under `[opening]`",
        ),
    ),
)


def _party(side: Side, title: str, short: str, name: str) -> Section:
    return Section(
        f"parties.{side}",
        f"[parties.{side}]",
        title,
        "",
        (
            Key(
                "id",
                KeyKind.TEXT,
                "a short name without blanks, which never changes",
                f'"{short}"',
                default=side.value,
            ),
            Key("name", KeyKind.TEXT, "the name on every page", f'"{name}"', default_words="the id, with a capital"),
        ),
    )


PARTIES = {
    Side.CUSTOMER: _party(Side.CUSTOMER, "who buys the service", "northwind", "Northwind Energy"),
    Side.PROVIDER: _party(Side.PROVIDER, "who does the work", "helpline", "Helpline"),
}

REVIEW = Section(
    "review",
    "[review]",
    "how long a review's period is",
    "`comity review --period` and `--against` ask for another one at any time.",
    (
        Key(
            "period",
            KeyKind.TEXT,
            "the length of the period of a review",
            '"month"',
            default="quarter",
            values=tuple(cut.value for cut in Cut),
        ),
        Key(
            "against",
            KeyKind.TEXT,
            "what it is compared with: the period before, or the same one a year before",
            '"previous"',
            default="previous",
            values=tuple(against.value for against in Against),
        ),
    ),
)

DATED_TABLES = ("contacts", "intervals", "forecasts", "schedules", "surveys")  # whose rows each tell of a day


def _complete(side: Side) -> Section:
    return Section(
        f"complete.{side}",
        f"[complete.{side}]",
        f"up to when the records of the {side} are whole, as the {side} says",
        "A key for each table, with every day up to which it was said; the day itself is not counted. "
        "It counts where that side delivers the table; where both do, it counts once both say so. "
        "In a room each side says it on the page of the records.",
        tuple(
            Key(
                table,
                KeyKind.DAYS,
                f"{table} are whole up to these days, though nothing happened on the last ones before them",
                "[2026-01-01]",
                default_words="worked out from the last records",
            )
            for table in DATED_TABLES
        ),
    )


COMPLETE = {side: _complete(side) for side in Side}

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPENING = Section(
    "opening",
    "[opening]",
    "on which days there is service",
    "Revenue of periods with more or fewer days of service is made comparable by it. Without it, the records tell "
    "which days bring contacts. A calendar clause that both sides signed holds before it, from its first day on, for "
    "what it says: opening hours, days off.",
    (
        Key(
            "days",
            KeyKind.TEXTS,
            "the weekdays that are open; the others are closed",
            '["mon", "tue", "wed", "thu", "fri"]',
            default_words="as the records tell",
            values=WEEKDAYS,
        ),
        Key(
            "holidays",
            KeyKind.DAYS,
            "the holidays, written out",
            '["2026-01-01", "2026-12-25"]',
            default_words="the public holidays of `country`",
        ),
    ),
)

KPI = Section(
    "kpi",
    "[[kpi]]",
    "what was agreed to be measured; one section for each figure",
    "A KPI that is worded anew is written once more with the same `id` and a later `valid_from`; both stay. "
    "`target` and `material` are in the unit of the measure: a share from 0 to 1 (0.80 is 80 %), seconds, points or a "
    "count.",
    (
        Key(
            "id",
            KeyKind.TEXT,
            "the KPI's own name; several of one measure may stand side by side",
            '"service_level"',
            required=True,
        ),
        Key(
            "measure",
            KeyKind.TEXT,
            "what is counted",
            '"service_level"',
            default_words="the id",
            values=tuple(sorted(MEASURES)),
        ),
        Key(
            "target",
            KeyKind.NUMBER,
            "what was agreed to be reached",
            "0.80",
            default_words="none: the figure is shown, and not judged",
        ),
        Key(
            "better",
            KeyKind.TEXT,
            "which way is better",
            '"higher"',
            default_words="as is usual for the measure",
            values=(HIGHER, LOWER),
        ),
        Key("material", KeyKind.NUMBER, "the smallest change worth acting on", "0.02", default=0.01, lowest=0),
        Key(
            "queues",
            KeyKind.TEXTS,
            "the queues that it counts; `*` is all of them",
            '["sales", "support"]',
            default=("*",),
        ),
        Key("channels", KeyKind.TEXTS, "the channels that it counts; `*` is all of them", '["voice"]', default=("*",)),
        Key(
            "answer_within_s",
            KeyKind.NUMBER,
            "service_level: answered within so many seconds is in target",
            "20",
            default=20.0,
            lowest=0,
        ),
        Key(
            "short_abandon_s",
            KeyKind.NUMBER,
            "service_level, abandonment: who gave up within so many seconds is a short abandon",
            "5",
            default_words="no abandon is short",
            lowest=0,
        ),
        Key(
            "abandons",
            KeyKind.TEXT,
            "service_level: those who gave up count as misses, or are left out where short, or all are left out",
            '"exclude-short"',
            default=Abandons.EXCLUDE_SHORT.value,
            values=tuple(one.value for one in Abandons),
        ),
        Key(
            "formula",
            KeyKind.TEXT,
            "csat, ces: the share of answers in the two best boxes (top2), or the mean; time_to_resolve: mean, median "
            "or p90; quality: errors of opportunities, or the mean of the scores",
            '"mean"',
            default_words="top2; time_to_resolve: mean; quality: errors",
            values=("top2", "mean", "median", "p90", "errors"),
        ),
        Key(
            "instrument",
            KeyKind.TEXT,
            "csat, nps, ces: which survey is counted, by the column `instrument` of surveys",
            '"csat"',
            default_words="the one named as the measure",
        ),
        Key(
            "within_days",
            KeyKind.WHOLE,
            "repeat_contact, reopen: how many days a second contact is held against the first",
            "7",
            default=7,
        ),
        Key(
            "deadline",
            KeyKind.TEXT,
            "sla_attainment: which of several deadlines, by its name in the source",
            '"Time to resolution"',
            default_words="all of kind resolution",
        ),
        Key(
            "records",
            KeyKind.TEXT,
            "service_level, abandonment, handle_time: the records that it is counted from where the book holds both",
            '"intervals"',
            default_words="by its queues and channels, and by what the rows can answer",
            values=RECORDS,
        ),
        Key(
            "volume_band",
            KeyKind.NUMBER,
            "attribution: how far volume may stray from the locked forecast and stay the provider's own affair",
            "0.10",
            default=0.0,
        ),
        Key(
            "patience_s",
            KeyKind.NUMBER,
            "attribution: how long callers wait on average before they give up",
            "120",
            default_words="as the intervals say, else fitted to those who gave up",
            lowest=0,
        ),
        Key("valid_from", KeyKind.DAY, "the day from which this wording holds", "2026-01-01", default_words="always"),
        Key(
            "valid_to",
            KeyKind.DAY,
            "the day from which it no longer holds",
            "2027-01-01",
            default_words="until the next wording",
        ),
        Key("agreed_on", KeyKind.DAY, "the day on which both sides agreed to it", "2025-12-12"),
        Key(
            "queue_map",
            KeyKind.PAIRS,
            "the queue that each queue of the source counts as, where sources name them otherwise than the agreement",
            '{ "SKILL_07" = "sales" }',
        ),
        Key("agreed", KeyKind.FLAG, "false for a wording that one side has proposed only", "false", default=True),
        Key("entry", KeyKind.WHOLE, "the entry of the room's record by which both agreed; written by the room", "12"),
    ),
)

_ITEM = "whole tables, `table.column`, or rows as `table[column=value]`"
PRIVATE = Section(
    "private",
    "[private]",
    "what one side keeps to itself",
    "What is named here is stored in that side's own folder, is never opened for the other side, and stands in no "
    "joint review. A required column cannot be kept apart from its table.",
    (
        Key("customer", KeyKind.TEXTS, f"what the customer keeps to itself: {_ITEM}", '["renewals"]', default=()),
        Key(
            "provider",
            KeyKind.TEXTS,
            f"what the provider keeps to itself: {_ITEM}",
            '["costs", "staff", "contacts.agent_id", "surveys[audience=employee]"]',
            default=(),
        ),
    ),
)

SOURCE = Section(
    "source",
    "[[source]]",
    "who delivers which table by when; one section for each delivery",
    "What comes late is shown on every review. With a `path`, `comity import --all` fetches it.",
    (
        Key("table", KeyKind.TEXT, "the table", '"contacts"', required=True, values=tuple(sorted(TABLES))),
        Key("by", KeyKind.TEXT, "which side delivers it", '"provider"', required=True, values=SIDES),
        Key("due", KeyKind.TEXT, "by when: `monday`, `daily` or `day 3` (of each month), and a time", '"monday 09:00"'),
        Key(
            "path",
            KeyKind.TEXT,
            "where the file lies, from the book's folder; `*` stands for any name",
            '"../exports/calls-*.csv"',
        ),
        Key(
            "as",
            KeyKind.TEXT,
            "the mapping that reads it: a shipped one, or a file beside the book's",
            '"calls.toml"',
            default_words="the table's own headers",
        ),
    ),
)

PAID = Section(
    "paid",
    "[paid]",
    "who answers for what was paid and not received",
    "",
    (
        Key(
            "answers_for",
            KeyKind.PAIRS,
            "who answers for each part of what was paid",
            '{ late = "provider", repeated = "both", idle = "customer" }',
            default_words="nobody",
            names=PAID_SHARES,
            values=WHO_ANSWERS,
        ),
        Key(
            "queues",
            KeyKind.LISTS,
            "the queues that a service on the invoice is done in: what was paid for it is shared out by the contacts "
            "of these, and its days of service are weighed by them",
            '{ "phone support" = ["sales", "support"] }',
            default_words="the queues that no other service names",
        ),
    ),
)

ATTRIBUTION = Section(
    "attribution",
    "[attribution]",
    "who answers for what moved a service level, where it was agreed otherwise",
    "",
    (
        Key(
            "answers_for",
            KeyKind.PAIRS,
            "who answers for each part of a difference from target",
            '{ volume_outside = "customer", planning = "provider" }',
            default_words="as the page on attribution says",
            names=ATTRIBUTED_PARTS,
            values=WHO_ANSWERS,
        ),
    ),
)

PERSONAL_SECTION = Section(
    "personal",
    "[personal]",
    "people's ids that are kept as digests only",
    "The digest's key lies outside the book; the same person has the same digest in every table.",
    (
        Key(
            "digest",
            KeyKind.TEXTS,
            "the columns whose values are kept as keyed digests",
            '["agent_id", "respondent_id"]',
            default=(),
            values=PERSONAL,
        ),
    ),
)

RETENTION = Section(
    "retention",
    "[retention]",
    "how long rows are kept",
    "A key for each table; a table that is not named is kept for good.",
    tuple(
        Key(
            table,
            KeyKind.WHOLE,
            f"after how many days a row of {table} is deleted",
            "730",
            default_words="never",
            lowest=1,
            highest=LONGEST_RETENTION,
        )
        for table in TABLES
    ),
)


def _limit(name: str, default: float, meaning: str) -> Key:
    return Key(name, KeyKind.NUMBER, meaning, f"{default:g}", default=float(default), above=0)


PLAUSIBLE = Section(
    "plausible",
    "[plausible]",
    "what hardly can be, and is told when a file holds it",
    "Such rows come in all the same.",
    (
        _limit("longest_handle_s", 7200, "a contact that is handled longer than so many seconds, or a queue's mean"),
        _limit("shortest_handle_s", 2, "an interval whose contacts are handled shorter than this on average"),
        _limit("longest_wait_s", 86_400, "a call or chat that is answered or given up later than so many seconds"),
        _limit("largest_volume", 20, "an interval with so many times the queue's usual number of contacts"),
        _limit("oldest_years", 30, "rows of so many years before the import"),
        _limit("newest_days", 1, "rows of records that lie so many days after the import"),
    ),
)

SECTIONS = (
    BOOK,
    *PARTIES.values(),
    REVIEW,
    *COMPLETE.values(),
    OPENING,
    KPI,
    PRIVATE,
    SOURCE,
    PAID,
    ATTRIBUTION,
    PERSONAL_SECTION,
    RETENTION,
    PLAUSIBLE,
)
TOP_LEVEL = frozenset(section.name.partition(".")[0] for section in SECTIONS)
