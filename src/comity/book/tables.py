"""What each table of a book holds: one declaration that reading, checking and the docs share."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from comity.core.agreements.measured import ReasonMark
from comity.core.matters.history import Linked, Mark
from comity.core.matters.kinds import AskedFor, ClaimEvent
from comity.core.matters.kinds import Kind as MatterKind
from comity.core.matters.nature import Nature
from comity.core.matters.posture import Posture
from comity.core.matters.transitions import Move, State
from comity.core.spiral.moves import NOT_RECORDED, OF_STEPS, Strain
from comity.core.values import OrganisationKind


class Kind(StrEnum):
    """How a column's text is to be understood."""

    TEXT = "text"
    INSTANT = "instant"  # ISO 8601 with an offset, or local to the book's zone; kept in UTC
    DAY = "day"  # YYYY-MM-DD
    MONTH = "month"  # YYYY-MM, kept as its first day
    PERIOD = "period"  # 2026-05 or 2026-W23, kept as text
    SECONDS = "seconds"  # never negative
    COUNT = "count"  # a whole number, never negative
    NUMBER = "number"
    AMOUNT = "amount"  # decimal, up to six decimals
    SHARE = "share"  # 0 to 1
    FLAG = "flag"


class BareDay(StrEnum):
    """What a day without a time of day means in a column of instants."""

    REFUSED = "refused"
    FIRST = "first"  # its first moment
    LAST = "last"  # its last moment: what is due on a day is due until its local end
    AFTER = "after"  # the first moment of the day after: the end of what lasts the day through, itself not in it


ROOM = "room"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, how to read it, and what both parties take it to mean."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    values: tuple[str, ...] = ()  # the only values allowed; empty: any
    default: str | None = None  # stands in for an empty cell
    personal: bool = False  # may be kept as a keyed digest
    bare_day: BareDay = BareDay.REFUSED
    precision_of: str | None = None  # the instant of which it says whether it is a minute or a whole day


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold between columns of one row: `column` is the one to blame, `broken` the SQL condition."""

    column: str
    broken: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key, its columns, the rules over a row, and the day that says how far it reaches."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    days: tuple[str, ...] = ()  # instants whose local day is written at import, as NAME_day
    held_by: str = "provider"  # which side would usually hold it; `ROOM`: the room alone writes it, and no file does
    order: tuple[str, ...] = ()  # how rows are laid down, so that a period is read without the others
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns by name."""
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def required(self) -> tuple[Column, ...]:
        """The columns without which a row says nothing."""
        return tuple(column for column in self.columns if column.required)

    @property
    def by_room(self) -> bool:
        """Whether the room alone writes it, out of what both sides did there: no file comes into it."""
        return self.held_by == ROOM

    @property
    def may_lack_key(self) -> bool:
        """Whether rows may lack a part of the key, and then always count (invoice lines without an invoice)."""
        return "month" in self.by_name and any(not self.by_name[name].required for name in self.key)

    def columns_of(self, rule: Rule) -> tuple[str, ...]:
        """The columns that a rule speaks of."""
        words = set(re.findall(r"\w+", rule.broken))
        return tuple(name for name in self.by_name if name in words)


def _not_before(later: str, earlier: str) -> Rule:
    return Rule(later.strip('"'), f"{later} < {earlier}", f"{later} before {earlier}")


def _text(name: str, meaning: str, **more: object) -> Column:
    return Column(name, Kind.TEXT, meaning, **more)  # type: ignore[arg-type]


def _instant(name: str, meaning: str, *, required: bool = False, bare_day: BareDay = BareDay.REFUSED) -> Column:
    return Column(name, Kind.INSTANT, meaning, required=required, bare_day=bare_day)


BROUGHT_BY = Column(
    "brought_by",
    Kind.TEXT,
    "which side delivered the row",
    values=("customer", "provider", "neither", "unknown"),
    default="unknown",
)
# Columns in which a row names the side that says something. In a room nobody fills them in for the other side.
STATED_BY = (
    "declared_by",
    "reported_by",
    "issued_by",
    "conducted_by",
    "evaluated_by",
    "ordered_by",
    "opened_by",
)


def _table(
    name: str,
    meaning: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    **more: object,
) -> Table:
    """Declare a table; every one says of each row which side delivered it."""
    return Table(name, meaning, key, (*columns, BROUGHT_BY), **more)  # type: ignore[arg-type]


_QUEUE_START = (
    _text("queue", "the queue", required=True),
    _instant("start", "when the interval begins", required=True),
    Column("minutes", Kind.COUNT, "how long the interval is", required=True),
)

CONTACTS = _table(
    "contacts",
    "every call, chat, mail or ticket, one row each",
    key=("contact_id",),
    columns=(
        _text("contact_id", "the contact's id in its source", required=True),
        _instant("opened_at", "start of the agreed clock", required=True),
        _text("caller_id", "who made contact: a person or a telephone number", personal=True),
        _text("account_id", "the account that is served: a client, a department, a dealer", personal=True),
        _text("queue", "the queue that it entered first"),
        _text("channel", "voice, chat, mail, ticket, ..."),
        _instant("answered_at", "when an agent answered"),
        _instant("abandoned_at", "when the caller gave up"),
        _text(
            "outcome",
            "how it ended",
            values=("answered", "abandoned", "flow_out", "callback", "voicemail", "system"),
        ),
        _instant("resolved_at", "when the need was met"),
        _instant("closed_at", "when the record was closed; not when the need was met"),
        _instant("due_at", "when it had to be resolved; a day: its last moment", bare_day=BareDay.LAST),
        Column("handle_s", Kind.SECONDS, "talk, hold and after-contact work"),
        _text("agent_id", "who handled it", personal=True),
        _text("team", "the agent's team"),
        _text("priority", "the agreed priority"),
        _text("reason", "why contact was made"),
        Column("transfers", Kind.COUNT, "how often it was passed on"),
        Column("reopens", Kind.COUNT, "how often it was opened again"),
        Column("sla_met", Kind.FLAG, "the source's own judgement, used only without due_at"),
        _text("opened_by", "which side opened it", values=("customer", "provider")),
    ),
    rules=(
        _not_before("answered_at", "opened_at"),
        _not_before("abandoned_at", "opened_at"),
        _not_before("resolved_at", "opened_at"),
        _not_before("closed_at", "opened_at"),
    ),
    days=("opened_at", "due_at", "resolved_at"),
    order=("opened_at",),
)

DEADLINES = _table(
    "deadlines",
    "what was promised of a contact, by when, and what the source says became of it; several a contact",
    key=("contact_id", "name"),
    columns=(
        _text("contact_id", "the contact's id in its source", required=True),
        _text("name", "the promise, as the source calls it", required=True),
        _text("kind", "what was promised", required=True, values=("response", "resolution", "ola", "other")),
        _instant("due_at", "until when; a day: its last moment", bare_day=BareDay.LAST),
        _text(
            "due_precision",
            "whether it is due at a minute, or on a day until its local end",
            values=("minute", "day"),
            precision_of="due_at",
        ),
        _text(
            "state",
            "where it stands in the source",
            values=("running", "paused", "met", "missed", "cancelled"),
        ),
        Column("paused_s", Kind.SECONDS, "how long the clock stood still"),
        _text("source_verdict", "the source's own judgement", values=("met", "missed")),
    ),
    days=("due_at",),
    order=("due_at",),
)

INTERVALS = _table(
    "intervals",
    "what happened in each interval of each queue",
    key=("queue", "start"),
    columns=(
        *_QUEUE_START,
        Column("offered", Kind.COUNT, "contacts that arrived"),
        Column("answered", Kind.COUNT, "contacts that were answered"),
        Column("answered_within", Kind.COUNT, "answered within threshold_s"),
        Column("threshold_s", Kind.SECONDS, "the threshold that answered_within counts by"),
        Column("abandoned", Kind.COUNT, "contacts that gave up"),
        Column("abandoned_short", Kind.COUNT, "of those, short abandons"),
        Column("flowed_out", Kind.COUNT, "contacts that left the queue for another"),
        Column("handle_s", Kind.SECONDS, "handled time of the interval's contacts, all together"),
        Column("patience_s", Kind.SECONDS, "mean patience, where it was estimated"),
    ),
    rules=(
        Rule("answered_within", "answered_within > answered", "answered_within above answered"),
        Rule("abandoned_short", "abandoned_short > abandoned", "abandoned_short above abandoned"),
        Rule("minutes", "minutes <= 0", "an interval without length"),
    ),
    days=("start",),
    order=("start", "queue"),
)

FORECASTS = _table(
    "forecasts",
    "what was expected of each interval, and when that was said",
    key=("queue", "start", "issued_on"),
    columns=(
        *_QUEUE_START,
        Column("issued_on", Kind.DAY, "the day on which the forecast was issued", required=True),
        Column("offered", Kind.NUMBER, "contacts expected to arrive", required=True),
        Column("aht_s", Kind.SECONDS, "handle time expected"),
        Column("locked", Kind.FLAG, "whether it binds"),
        _text("issued_by", "which side issued it", values=("customer", "provider")),
    ),
    rules=(
        Rule("offered", "offered < 0", "negative"),
        Rule("minutes", "minutes <= 0", "an interval without length"),
    ),
    days=("start",),
    held_by="customer",
    order=("start", "queue"),
)

SCHEDULES = _table(
    "schedules",
    "positions on the phones, after breaks, training and planned absence",
    key=("queue", "start"),
    columns=(
        *_QUEUE_START,
        Column("required", Kind.NUMBER, "positions needed for the plan"),
        Column("scheduled", Kind.NUMBER, "positions rostered"),
        Column("staffed", Kind.NUMBER, "positions that were there"),
        Column("ordered_off", Kind.NUMBER, "absence that the customer ordered or caused"),
    ),
    rules=(
        *(Rule(name, f"{name} < 0", "negative") for name in ("required", "scheduled", "staffed", "ordered_off")),
        Rule("minutes", "minutes <= 0", "an interval without length"),
    ),
    days=("start",),
    order=("start", "queue"),
)

EVENTS = _table(
    "events",
    "what befell the service, who said so, and what is claimed for it",
    key=("event_id",),
    columns=(
        _text("event_id", "the event's id", required=True),
        _text(
            "kind",
            "what it was",
            required=True,
            values=tuple(event.value for event in ClaimEvent),
        ),
        _instant("from", "when it began; a day: its first moment", required=True, bare_day=BareDay.FIRST),
        _instant("to", "when it ended; a day: the end of that day", required=True, bare_day=BareDay.AFTER),
        _text("queues", "the queues it touched, separated by `;` (empty: all)"),
        _text("declared_by", "which side declared it", required=True, values=("customer", "provider")),
        _instant("declared_at", "when it was declared", required=True),
        _instant("announced_at", "when the other side was told beforehand"),
        _text("evidence", "what shows it"),
        _text("claim", "what is claimed", values=("none", *(asked.value for asked in AskedFor)), default="none"),
        _text("kpi", "the KPI it is claimed for (empty: all)"),
        _text(
            "state", "where the claim stands", values=("claimed", "accepted", "refused", "deemed"), default="claimed"
        ),
        _text("answered_by", "who answered the claim"),
        _instant("answered_at", "when the claim was answered"),
    ),
    rules=(_not_before('"to"', '"from"'),),
    held_by="both",
    order=("from",),
)

ACCOUNTS = _table(
    "accounts",
    "those who are served or who pay",
    key=("account_id",),
    columns=(
        _text("account_id", "the account's id", required=True, personal=True),
        _text("name", "its name"),
        _text("segment", "its segment"),
        _text(
            "kind",
            "what it is",
            values=tuple(kind.value for kind in OrganisationKind if kind is not OrganisationKind.USER_GROUP),
        ),
        _text("size", "how large it is", values=("small", "medium", "large", "key")),
        Column("joined_on", Kind.DAY, "the day it joined"),
        Column("notice_on", Kind.DAY, "the day it gave notice"),
        Column("left_on", Kind.DAY, "the day it left"),
    ),
    rules=(_not_before("left_on", "joined_on"),),
    held_by="customer",
)

RENEWALS = _table(
    "renewals",
    "what became of each agreement that fell due",
    key=("account_id", "due_on"),
    columns=(
        _text("account_id", "the account", required=True, personal=True),
        Column("due_on", Kind.DAY, "the day it fell due", required=True),
        Column("decided_on", Kind.DAY, "the day it was decided"),
        _text(
            "decision", "what was decided", required=True, values=("renewed", "expanded", "reduced", "left", "pending")
        ),
        _text("mode", "by decision or by itself", required=True, values=("active", "automatic")),
        _text("confirmed_by", "who confirms it", values=("customer", "provider", "both")),
        _text("reason", "why", values=("price", "contract", "coverage", "service", "other")),
        _text("alternatives", "what else was looked at", values=("tender", "benchmark", "rescoped", "none")),
    ),
)

SURVEYS = _table(
    "surveys",
    "invitations to say how it was, answered or not",
    key=("response_id",),
    columns=(
        _text("response_id", "the invitation's id", required=True),
        _text("audience", "who is asked", required=True, values=("customer", "employee", "partner")),
        _text("respondent_id", "the person asked", required=True, personal=True),
        _text("account_id", "the account that the person speaks for", personal=True),
        _text("contact_id", "the contact that it was about"),
        _text("queue", "that contact's queue"),
        _text("channel", "that contact's channel"),
        _text("team", "the team that handled it"),
        _text("question", "the question"),
        Column("asked_on", Kind.DAY, "the day of the invitation"),
        Column("answered_on", Kind.DAY, "the day of the answer (empty: never)"),
        _text("instrument", "csat, nps, ces, esat, loyalty, trust, ...", required=True),
        Column("scale_min", Kind.NUMBER, "the worst answer; may be the larger number", required=True),
        Column("scale_max", Kind.NUMBER, "the best answer", required=True),
        Column("score", Kind.NUMBER, "the answer"),
        _text("conducted_by", "who asked", values=("customer", "provider", "third_party", "system")),
    ),
    rules=(
        Rule("scale_max", "scale_min = scale_max", "a scale without width"),
        Rule(
            "score",
            "score < least(scale_min, scale_max) or score > greatest(scale_min, scale_max)",
            "off the scale",
        ),
        _not_before("answered_on", "asked_on"),
    ),
    held_by="customer",
    order=("answered_on",),
)

INVOICES = _table(
    "invoices",
    "what was invoiced, line by line",
    key=("invoice_id", "line"),
    columns=(
        Column("month", Kind.MONTH, "the month that it is for", required=True),
        _text("account_id", "who pays", required=True, personal=True),
        _text("service", "what for", required=True),
        Column("quantity", Kind.AMOUNT, "how much of it; empty: not known, and then no price is"),
        Column("unit_price", Kind.AMOUNT, "at what price; may be absent where the amount is given"),
        Column("amount", Kind.AMOUNT, "the line's amount; counts where it is given"),
        _text("unit", "of what", values=("hour", "minute", "contact", "fte_month", "fixed", "percent")),
        _text(
            "kind",
            "what sort of line",
            values=("service", "minimum", "credit", "bonus", "malus", "indexation", "pass_through"),
            default="service",
        ),
        _text("currency", "the currency; empty is the book's"),
        _text("invoice_id", "the invoice"),
        _text("line", "the line of the invoice"),
    ),
    rules=(
        Rule("amount", "unit_price IS NULL AND amount IS NULL", "neither a unit price nor an amount"),
        Rule("amount", "quantity IS NULL AND amount IS NULL", "neither a quantity nor an amount"),
    ),
    order=("month",),
)

COSTS = _table(
    "costs",
    "what the service cost the provider",
    key=("month", "driver"),
    columns=(
        Column("month", Kind.MONTH, "the month", required=True),
        _text("driver", "what was paid for", required=True),
        Column("quantity", Kind.AMOUNT, "how much of it", required=True),
        Column("unit_cost", Kind.AMOUNT, "at what price", required=True),
        _text("behaviour", "whether it moves with volume", values=("variable", "fixed")),
    ),
    order=("month",),
)

PRICES = _table(
    "prices",
    "the agreed price index",
    key=("month",),
    columns=(
        Column("month", Kind.MONTH, "the month", required=True),
        Column("index", Kind.NUMBER, "the index", required=True),
    ),
    rules=(Rule("index", '"index" <= 0', "not above zero"),),
    held_by="both",
    order=("month",),
)

STAFF = _table(
    "staff",
    "who works for the service",
    key=("employee_id",),
    columns=(
        _text("employee_id", "the employee", required=True, personal=True),
        _text("team", "the team"),
        _text("role", "the role"),
        Column("hired_on", Kind.DAY, "the day of joining"),
        Column("left_on", Kind.DAY, "the day of leaving"),
        _text(
            "left_reason",
            "why",
            values=("pay", "work", "manager", "move", "dismissed", "end_of_contract", "other"),
        ),
    ),
    rules=(_not_before("left_on", "hired_on"),),
)

EVALUATIONS = _table(
    "evaluations",
    "contacts that somebody listened to or read, and marked",
    key=("evaluation_id",),
    columns=(
        _text("evaluation_id", "the evaluation's id", required=True),
        _text("contact_id", "the contact that was marked"),
        _text("queue", "that contact's queue"),
        _text("team", "the team that handled it"),
        _text("agent_id", "who handled it", personal=True),
        Column("evaluated_on", Kind.DAY, "the day of the evaluation", required=True),
        _text("form", "the form by which it was marked"),
        Column("score", Kind.NUMBER, "the marks"),
        Column("scale_min", Kind.NUMBER, "the worst marks that the form gives"),
        Column("scale_max", Kind.NUMBER, "the best marks that the form gives"),
        Column("opportunities", Kind.COUNT, "how many things could have gone wrong"),
        Column("errors", Kind.COUNT, "how many of them did"),
        Column("critical_errors", Kind.COUNT, "errors that make the whole contact a failure, counted apart"),
        _text("evaluated_by", "who marked it", values=("customer", "provider", "third_party")),
        Column("disputed", Kind.FLAG, "whether the marks are disputed"),
        Column("calibrated", Kind.FLAG, "whether it was marked by both sides to compare their marks"),
    ),
    rules=(
        Rule("scale_max", "scale_min = scale_max", "a scale without width"),
        Rule(
            "score",
            "score < least(scale_min, scale_max) or score > greatest(scale_min, scale_max)",
            "off the scale",
        ),
        Rule("errors", "errors > opportunities", "errors above opportunities"),
        Rule("critical_errors", "critical_errors > opportunities", "critical_errors above opportunities"),
        Rule("score", "score IS NULL AND errors IS NULL", "neither a score nor errors"),
    ),
    order=("evaluated_on",),
)

BUSINESS = _table(
    "business",
    "figures of the customer's own business, month by month",
    key=("month", "name"),
    columns=(
        Column("month", Kind.MONTH, "the month", required=True),
        _text("name", "what is counted: churn, sales, complaints to the regulator, ...", required=True),
        Column("value", Kind.NUMBER, "the figure", required=True),
        _text("unit", "of what"),
        _text("better", "which direction is the better one", values=("higher", "lower")),
    ),
    held_by="customer",
    order=("month",),
)

REPORTED = _table(
    "reported",
    "the figures that each side reported",
    key=("period", "kpi", "queue", "reported_by"),
    columns=(
        Column("period", Kind.PERIOD, "the month or week, 2026-05 or 2026-W23", required=True),
        _text("kpi", "the KPI's id", required=True),
        _text("queue", "the queue (empty: all)"),
        Column("value", Kind.NUMBER, "the figure as reported", required=True),
        Column("num", Kind.NUMBER, "its numerator"),
        Column("den", Kind.NUMBER, "its denominator"),
        _text("reported_by", "which side reported it", required=True, values=("customer", "provider")),
    ),
    held_by="both",
)

_SIDES = ("customer", "provider")


def _side(name: str, meaning: str, *, required: bool = False) -> Column:
    return _text(name, meaning, required=required, values=_SIDES)


MATTERS = _table(
    "matters",
    "what one side asked, offered or told, and the other answers",
    key=("matter_id",),
    columns=(
        _text("matter_id", "the matter's id in the room", required=True),
        _text("kind", "what it is", required=True, values=tuple(kind.value for kind in MatterKind)),
        _side("asks", "which side raised it", required=True),
        _side("answers", "which side answers it", required=True),
        _side("serves", "which side serves in it, whose posture it is"),
        _instant("raised_at", "when it was raised", required=True),
        _text("account_id", "the account that it is about", personal=True),
        _text("department", "the department that it is about"),
        _text("prompted_by", "the matter to which whoever raised it linked it"),
        _text("about", "what it is about: a word, and the name after a colon"),
        _text("nature", "what sort of talk it is", values=tuple(one.value for one in Nature)),
        Column("event_on", Kind.DAY, "the day of what it is about"),
        Column("aware_on", Kind.DAY, "the day on which whoever raised it knew of that"),
        _text("formal_under", "the clause under which it is a formal notice"),
        _text(
            "posture", "how it began, on the part of the side that serves", values=tuple(one.value for one in Posture)
        ),
        Column("shaped", Kind.FLAG, "whether it was countered and then agreed"),
        _text("state", "where it stands", values=tuple(one.value for one in State)),
        _instant("closed_at", "when it ended"),
        _text("external_ref", "the same in another system: system and id"),
    ),
    days=("raised_at",),
    held_by=ROOM,
    order=("raised_at",),
)

STEPS = _table(
    "steps",
    "one move in a matter: whose, when, and what it answers",
    key=("matter_id", "number"),
    columns=(
        _text("matter_id", "the matter", required=True),
        Column("number", Kind.COUNT, "the step's number in it, from 1", required=True),
        _instant("at", "when it was made", required=True),
        _instant("recorded_at", "when the room took it", required=True),
        _side("side", "whose it is; empty: nobody's, or somebody neutral's"),
        Column("by_clock", Kind.FLAG, "whether the room's clock made it"),
        _text("kind", "what was done", required=True, values=tuple(move.value for move in Move)),
        _text("rung", "of a group's position, how far it goes"),
        Column("level", Kind.COUNT, "how many levels up the matter is"),
        _text("answers_matter", "the matter of the step that it answers"),
        Column("answers_step", Kind.COUNT, "the number of the step that it answers"),
        _text("answers_how", "how that came about", values=tuple(one.value for one in Linked)),
        _instant("received_at", "when the other side had it"),
        _instant("due_at", "when it was due"),
        Column("late", Kind.FLAG, "whether its clock had run out"),
        Column("paused_s", Kind.SECONDS, "for how long a clock rested until it"),
        _text("promise", "the promise of work that it is about"),
        _side("debtor", "which side owes that"),
        Column("due_on", Kind.DAY, "by which day it is owed, as this step leaves it"),
        Column("first_due_on", Kind.DAY, "by which day it was owed at first"),
        _text("strain", "the strained move that it is", values=tuple(one.value for one in OF_STEPS)),
        _text(
            "occasion",
            "the strained move whose ordinary counterpart it is",
            values=tuple(one.value for one in OF_STEPS),
        ),
        _text("called_for_by", "who or what called for it", values=(*_SIDES, "clock")),
        _text("mark", "what is reserved with it", values=tuple(one.value for one in Mark)),
        Column("entered_later", Kind.FLAG, "whether it is history that was entered later"),
    ),
    days=("at",),
    held_by=ROOM,
    order=("at",),
)

PROMISES = _table(
    "promises",
    "what one side owed the other, and what became of it",
    key=("promise_id",),
    columns=(
        _text("promise_id", "the promise's key in the ledger", required=True),
        _text("matter_id", "the matter that it comes from"),
        _text("account_id", "the account that the matter is about", personal=True),
        _side("side", "which side owes it", required=True),
        _text("kind", "what is owed: an answer, an action, records, a decision, or money", required=True),
        _instant("promised_at", "when it was promised", required=True),
        Column("first_due_on", Kind.DAY, "by which day it was owed at first"),
        Column("due_on", Kind.DAY, "by which day it is owed"),
        Column("moved", Kind.COUNT, "how often that day was moved"),
        _instant("done_at", "when the side that owed it said that it was done"),
        _instant("confirmed_at", "when the other side confirmed that"),
        _text("ended", "how it ended", values=("kept", "let_off", "broken", "withdrawn", "deemed")),
    ),
    days=("promised_at",),
    held_by=ROOM,
    order=("promised_at",),
)

MOVES = _table(
    "moves",
    "an act on the record, or a verdict of a clock, that strains the relationship, or the ordinary counterpart of one",
    key=("move_id",),
    columns=(
        _text("move_id", "made of what the move is of", required=True),
        _instant("at", "when it was", required=True),
        _side("side", "whose act or clock it is", required=True),
        _text(
            "kind",
            f"which of the kinds of moves; nobody records yet: {', '.join(NOT_RECORDED)}, of which no row says that "
            "there were none",
            required=True,
            values=tuple(one.value for one in Strain),
        ),
        Column("strained", Kind.FLAG, "whether it strains; else it is the ordinary counterpart", required=True),
        _text("called_for_by", "which side, or the calendar (clock), called for it", values=(*_SIDES, "clock")),
        _text("answers_to", "the move of the other side that it answers"),
        _text("matter_id", "the matter that it is in"),
    ),
    days=("at",),
    held_by=ROOM,
    order=("at",),
)

CHANGES = _table(
    "changes",
    "a change of the agreement that was proposed in the room, and how it came about",
    key=("change_id",),
    columns=(
        _text("change_id", "the change's id in the room", required=True),
        _side("proposed_by", "which side put it to the other", required=True),
        _side("on_behalf_of", "the side in whose name it was typed, where it is not that side's own"),
        _text("carried_out_by", "who carries it out", required=True, values=(*_SIDES, "both")),
        Column("decided_on", Kind.DAY, "the day on which the side whose change it is decided it, as it says"),
        _instant("readable_at", "when the other side could first read it", required=True),
        _instant("agreed_at", "when both had signed"),
        Column("valid_from", Kind.DAY, "the first day on which it holds"),
        Column("valid_to", Kind.DAY, "the first day on which it holds no longer"),
        Column("notice_agreed", Kind.COUNT, "clear working days of notice that were agreed"),
        Column("notice_given", Kind.COUNT, "clear working days of notice that were given"),
        Column("waived", Kind.FLAG, "whether the side that receives it waived the rest"),
        _text("relief", "the KPIs that were relieved with that, separated by `;`"),
        _instant("asked_before_at", "when the other side was asked before it was decided"),
        _instant("done_before_at", "since when it was carried out before both had signed"),
        _text("reason_mark", "what the other side holds its reason for", values=tuple(one.value for one in ReasonMark)),
        Column("fields_signed", Kind.COUNT, "of a change that is agreed, how many fields it sets"),
        Column("fields_by_counter", Kind.COUNT, "of these, how many the other side wrote"),
    ),
    days=("readable_at",),
    held_by=ROOM,
    order=("readable_at",),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CONTACTS,
        INTERVALS,
        DEADLINES,
        FORECASTS,
        SCHEDULES,
        EVENTS,
        ACCOUNTS,
        RENEWALS,
        SURVEYS,
        INVOICES,
        COSTS,
        PRICES,
        STAFF,
        EVALUATIONS,
        BUSINESS,
        REPORTED,
    )
}

# What the room writes of what both sides did there, for readings of how they work together. No file comes into them.
ROOM_TABLES: dict[str, Table] = {table.name: table for table in (CHANGES, MATTERS, STEPS, PROMISES, MOVES)}
EVERY_TABLE: dict[str, Table] = {**TABLES, **ROOM_TABLES}

MONTHLY = ("invoices", "costs", "prices", "business")


def day_column(instant: str) -> str:
    """The column that holds the local day of an instant: opened_at -> opened_on, start -> start_on."""
    return f"{instant.removesuffix('_at')}_on"


def slot_column(instant: str) -> str:
    """The column that holds the local half hour of the day (0 to 47): opened_at -> opened_slot."""
    return f"{instant.removesuffix('_at')}_slot"
