"""Clauses of an agreement: their kinds and fields in one table, from which forms, sentences, checks and docs are made.

A clause has an id that never changes, a kind, and fields. `KINDS` says of each kind which fields there are, who may
see them, what else it counts by, and what has to hold between its fields. A kind or a field is added there, with its
sentences, and nowhere else. Source: the specification of agreements, "Clauses"; the fields of `price` follow that of
money, "The invoice that should be", the silences of `clock` that of matters.

Two decisions where the specification leaves room:

- The calendar knows *working hours of each side*, by which its clocks and its notice run, apart from the *opening
  hours of the service*: a service that answers around the clock still has an office that reads its mail from 9 to 17.
- Which KPI takes which share of what is at risk under a price stands in the clause of the KPI, which names the price.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from comity.core.agreements.expected import Expected
from comity.core.agreements.fields import (
    Field,
    FieldType,
    Many,
    Value,
    amount_field,
    choice_field,
    days_field,
    months_field,
    share_field,
)
from comity.core.agreements.kpi import FORMULAS, HIGHER, LOWER, MEASURES, OF_SURVEYS, RECORDS, Abandons
from comity.core.agreements.price_fields import PRICE_FIELDS
from comity.core.values import Side

Values = Mapping[str, Value]
Rule = Callable[[Values], Iterator[tuple[str, str]]]


class Kind(StrEnum):
    """What a clause is about."""

    EFFECT = "effect"
    DOCUMENTS = "documents"
    PURPOSE = "purpose"
    TERM = "term"
    AUTHORITY = "authority"
    CALENDAR = "calendar"
    VOLUME = "volume"
    KPI = "kpi"
    DUTY = "duty"
    PRICE = "price"
    CLOCK = "clock"
    NOTICE = "notice"
    DISCLOSURE = "disclosure"
    DATA = "data"
    MEETING = "meeting"
    POST = "post"
    EXIT = "exit"
    REASONS = "reasons"
    PROSE = "prose"


class NoticeItem(StrEnum):
    """What notice is agreed for; each is a field of the notice clause."""

    HOURS = "hours"
    VOLUMES = "volumes"
    KPI = "kpi"
    PRICE = "price"
    STAFFING = "staffing"
    SCRIPT = "script"


class Effect(StrEnum):
    """What the text is beside the signed contract."""

    HOW_WE_COUNT = "how_we_count"  # the contract stays as it is, and prevails
    AMENDMENT = "amendment"  # this text changes it


class Renewal(StrEnum):
    """What happens when the term ends."""

    BY_DECISION = "by_decision"
    BY_ITSELF = "by_itself"


class Means(StrEnum):
    """How a person signs."""

    ROOM = "room"
    PDF = "pdf"  # signed elsewhere, and brought back by its digest


EVERYBODY, MONEY = "all", "money"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SIDES = tuple(side.value for side in Side)
BOTH = "both"
WHO = (*SIDES, BOTH)
MATTERS = (
    "question", "need", "problem", "request", "failure", "complaint", "offer", "proposal", "warning", "decision",
    "untold", "change", "dispute", "claim", "action", "correction", "position", "confirmation",
)  # fmt: skip
DUTIES = (
    "notice", "reply_in_time", "records_in_time", "forecast_locked_in_time", "forecast_error", "decision_in_time",
    "paid_in_time",
)  # fmt: skip
# Silence never accepts a definition, a price, a signature, an amount, a change of rows, nor speaks for a group.
NEVER_BY_SILENCE = frozenset({"untold", "change", "offer", "proposal", "correction", "position"})
LEAST_SILENCE_DAYS = 10
ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)

_LINE, _PROSE, _FLAG, _WHOLE, _NUMBER = (
    FieldType.LINE, FieldType.PROSE, FieldType.FLAG, FieldType.WHOLE, FieldType.NUMBER,
)  # fmt: skip
_DAY, _MONTH, _TIME, _END, _ZONE = (
    FieldType.DAY, FieldType.MONTH, FieldType.TIME, FieldType.END_TIME, FieldType.ZONE,
)  # fmt: skip
_DIGEST, _CLAUSE, _RECORD, _PAIRS = FieldType.DIGEST, FieldType.CLAUSE, FieldType.RECORD, FieldType.PAIRS
_LIST, _SET = Many.LIST, Many.SET


@dataclass(frozen=True, slots=True)
class ClauseKind:
    """One kind of clause.

    :ivar meaning: what it is for, as a sentence
    :ivar read_by: who uses it, beside people
    :ivar seen_by: who sees it unless its own field says otherwise
    :ivar single: whether a text has at most one on a day
    :ivar reads: kinds whose clauses it counts by without naming them; they are signed with it
    :ivar notice: what notice is agreed for; of prose, its field `about` says so
    :ivar rules: what has to hold between its fields: (field, what to write) for each that does not
    :ivar derived: defaults that depend on other fields
    """

    kind: Kind
    meaning: str
    read_by: str
    fields: tuple[Field, ...]
    seen_by: str = EVERYBODY
    single: bool = False
    reads: tuple[Kind, ...] = ()
    notice: NoticeItem | None = None
    rules: tuple[Rule, ...] = ()
    derived: Callable[[Values], dict[str, Value]] = lambda _: {}
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    defaults: Mapping[str, Value] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Add the fields that every clause has, and index all of them."""
        every = (*self.fields, *_common(self.seen_by))
        object.__setattr__(self, "fields", every)
        object.__setattr__(self, "by_name", {item.name: item for item in every})
        object.__setattr__(self, "defaults", {item.name: item.default for item in every if item.default is not None})


def _common(seen_by: str) -> tuple[Field, ...]:
    return (
        Field("title", _LINE, "its heading", "Opening hours"),
        Field(
            "seen_by",
            _LINE,
            "who reads it: all, money, or roles; others read its number and kind",
            ["money"],
            default=[seen_by],
            many=_SET,
        ),
        Field(
            "cites",
            _RECORD,
            "places in the signed documents",
            [{"document": "Contract of 12 June 2024", "place": "Annex 2, 4.1"}],
            many=_SET,
            fields=(
                Field("document", _LINE, "which document", "Contract of 12 June 2024", required=True),
                Field("place", _LINE, "where in it", "Annex 2, 4.1", required=True),
            ),
        ),
    )


def _working_hours(side: Side) -> tuple[Field, Field]:
    return (
        Field(
            f"{side}_working_hours",
            _RECORD,
            f"working days and hours of the {side}, by which its clocks and its notice run",
            [{"weekday": "mon", "opens": "09:00", "closes": "17:00"}],
            default=[{"closes": "17:00", "opens": "09:00", "weekday": day} for day in sorted(WEEKDAYS[:5])],
            many=_SET,
            fields=(
                choice_field("weekday", "the weekday", WEEKDAYS, required=True),
                Field("opens", _TIME, "from", "09:00", required=True),
                Field("closes", _END, "to", "17:00", required=True),
            ),
            unique="weekday",
        ),
        Field(
            f"{side}_free_days",
            _RECORD,
            f"free days of the {side}, as dates",
            [{"day": "2026-12-25", "name": "Christmas"}],
            many=_SET,
            fields=(
                Field("day", _DAY, "the day", "2026-12-25", required=True),
                Field("name", _LINE, "its name", "Christmas"),
            ),
            unique="day",
        ),
    )


def _opening(weekday: str) -> Field:
    return Field(
        f"open_{weekday}",
        _RECORD,
        "opening hours of the service on this weekday; a span that ends before it begins ends on the next day",
        [{"opens": "08:00", "closes": "22:00", "channels": ["voice"]}],
        default_words="closed",
        many=_SET,
        fields=_SPAN,
    )


_SPAN = (
    Field("opens", _TIME, "from", "08:00", required=True),
    Field("closes", _END, "to", "22:00", required=True),
    Field("channels", _LINE, "the channels; `*` is all", ["voice"], default=["*"], many=_SET),
    Field("queues", _LINE, "the queues; `*` is all", ["sales"], default=["*"], many=_SET),
)


def _authority(side: Side) -> Field:
    return Field(
        side.value,
        _RECORD,
        f"who signs for the {side}; where nothing fits a clause, its lead alone, in the room",
        [{"kinds": ["price"], "up_to": "100000", "roles": ["lead", "finance"], "together": 2}],
        many=_LIST,
        fields=(
            Field(
                "kinds",
                _LINE,
                "the kinds of clause; none: all",
                ["price"],
                choices=tuple(kind.value for kind in Kind),
                many=_SET,
            ),
            amount_field("up_to", "up to which yearly amount; none: any", "100000"),
            Field("roles", _LINE, "the roles that may sign", ["lead"], many=_SET),
            Field(
                "members",
                _PAIRS,
                "the people who may sign: by the room's id of each, their name",
                {"2f6c1d8e-4b7a-4f0e-9d53-8a1b6c0e7f24": "Ana Ruiz"},
                person=True,
            ),
            Field(
                "people", _LINE, "people who may sign, known by their name alone", ["Ana Ruiz"], many=_SET, person=True
            ),
            Field("together", _WHOLE, "how many of them, together", 2, default=1, lowest=ONE, highest=Decimal(9)),
            Field(
                "means",
                _LINE,
                "in the room, or as a PDF signed elsewhere",
                ["room"],
                default=[Means.ROOM.value],
                choices=tuple(means.value for means in Means),
                many=_SET,
            ),
            Field("deputies", _FLAG, "whether a deputy may sign", True, default=False),
        ),
    )


def _kpi_defaults(values: Values) -> dict[str, Value]:
    """What is usual for the measure: which way is better, and the formula."""
    measure = str(values.get("measure", ""))
    if measure not in MEASURES:
        return {}
    return {"better": MEASURES[measure].better, "formula": FORMULAS.get(measure, ("top2",))[0]}


def _kpi_rule(values: Values) -> Iterator[tuple[str, str]]:
    measure, formula = str(values.get("measure", "")), values.get("formula")
    allowed = FORMULAS.get(
        measure, OF_SURVEYS if measure in MEASURES and MEASURES[measure].on_scale else OF_SURVEYS[:1]
    )
    if measure in MEASURES and formula is not None and formula not in allowed:
        yield "formula", Expected("formula", names=", ".join(allowed), measure=measure)
    missed = values.get("when_missed")
    if isinstance(missed, dict) and int(str(missed.get("misses", 0))) > int(str(missed.get("of_periods", 0))):
        yield "when_missed", Expected("misses")


def _term_rule(values: Values) -> Iterator[tuple[str, str]]:
    if "ends" in values and "begins" in values and str(values["ends"]) <= str(values["begins"]):
        yield "ends", Expected("day_after")
    if values.get("renewal") == Renewal.BY_ITSELF and not values.get("renews_months"):
        yield "renews_months", Expected("renews")
    if values.get("renewal") == Renewal.BY_ITSELF and "notice_months" not in values:
        yield "notice_months", Expected("notice_months")


def _price_rule(values: Values) -> Iterator[tuple[str, str]]:
    around = [name for name in ("baseline", "deadband", "arc", "rrc") if name in values]
    if around and len(around) < 4:  # noqa: PLR2004 - a price around a baseline needs all four
        yield "baseline", Expected("baseline")
    if around and "bands" in values:
        yield "bands", Expected("bands")
    indexed = [name for name in ("index_series", "index_base_month", "index_base_value") if name in values]
    if indexed and len(indexed) < 3:  # noqa: PLR2004 - likewise
        yield "index_series", Expected("index")
    if values.get("credit_base") == "named" and "credit_services" not in values:
        yield "credit_services", Expected("credit_services")


def _clock_rule(values: Values) -> Iterator[tuple[str, str]]:
    replies = values.get("replies")
    clocked = (
        {str(item["matter"]) for item in replies if isinstance(item, dict)} if isinstance(replies, list) else set()
    )
    silences = values.get("silence")
    for item in silences if isinstance(silences, list) else ():
        if isinstance(item, dict) and item["matter"] not in clocked:
            yield "replies", Expected("silence", matter=item["matter"])


def _hours_rule(values: Values) -> Iterator[tuple[str, str]]:
    for side in SIDES:
        name = f"{side}_working_hours"
        spans = values.get(name)
        for span in spans if isinstance(spans, list) else ():
            if isinstance(span, dict) and str(span["closes"]) <= str(span["opens"]):
                yield name, Expected("hours")


def _authority_rule(values: Values) -> Iterator[tuple[str, str]]:
    for side in SIDES:
        rules = values.get(side)
        for at, item in enumerate(rules if isinstance(rules, list) else (), 1):
            if isinstance(item, dict) and not any(item.get(one) for one in ("roles", "people", "members")):
                yield f"{side}[{at}]", Expected("signers")


_MATTER = choice_field("matter", "the kind of matter", MATTERS, required=True)

KINDS: Mapping[Kind, ClauseKind] = {
    spec.kind: spec
    for spec in (
        ClauseKind(
            Kind.EFFECT,
            "What this text is beside the signed contract.",
            "signing, disputes",
            (
                choice_field(
                    "counts_as",
                    "how we count, where the contract stays and prevails, or an amendment to it",
                    tuple(effect.value for effect in Effect),
                    default=Effect.HOW_WE_COUNT.value,
                ),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.DOCUMENTS,
            "The signed documents beside this text.",
            "signing, disputes",
            (
                Field(
                    "documents",
                    _RECORD,
                    "in order of precedence, the first before the others",
                    [{"title": "Framework contract", "signed_on": "2024-06-12"}],
                    many=_LIST,
                    required=True,
                    fields=(
                        Field("title", _LINE, "its title", "Framework contract", required=True),
                        Field("parties", _LINE, "who signed it", ["Northwind Energy", "Helpline"], many=_SET),
                        Field("signed_on", _DAY, "when it was signed", "2024-06-12"),
                        Field("sha256", _DIGEST, "digest of its file", "0" * 64),
                    ),
                ),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.PURPOSE,
            "What the service is for, and how it should feel.",
            "head of the review, reasons of KPIs",
            (
                Field(
                    "outcome", _PROSE, "what it should bring about", "Customers get an answer at once.", required=True
                ),
                *(
                    Field(f"{side}_benefit", _PROSE, f"who benefits at the {side}, and how", "The field teams.")
                    for side in Side
                ),
                Field("brand", _PROSE, "how the customer wants to be seen", "Plain, friendly, never pushy."),
                Field("feeling", _PROSE, "how the service should feel", "As if somebody knew me."),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.TERM,
            "From when to when, and how it ends or goes on.",
            "Today and agendas, renewals, margin over the term, reasons to stay",
            (
                Field("begins", _DAY, "the first day", "2024-07-01", required=True),
                Field("ends", _DAY, "the day on which it no longer holds", "2027-07-01", required=True),
                choice_field(
                    "renewal",
                    "by a decision of both, or by itself",
                    tuple(renewal.value for renewal in Renewal),
                    default=Renewal.BY_DECISION.value,
                ),
                months_field("renews_months", "for how many months it renews by itself"),
                months_field("notice_months", "months of notice to end it", 6),
                Field(
                    "options",
                    _RECORD,
                    "options, and whose they are",
                    [{"what": "A second site", "whose": "customer", "by": "2026-12-31"}],
                    many=_LIST,
                    fields=(
                        Field("what", _PROSE, "the option", "A second site", required=True),
                        choice_field("whose", "who may take it", WHO, required=True),
                        Field("by", _DAY, "until when", "2026-12-31"),
                    ),
                ),
                *(
                    Field(
                        f"{side}_change_over",
                        _DIGEST,
                        f"months and cost of a change-over, which the {side} keeps to itself: a salted digest",
                        "0" * 64,
                    )
                    for side in Side
                ),
            ),
            single=True,
            rules=(_term_rule,),
        ),
        ClauseKind(
            Kind.AUTHORITY,
            "Who may sign what, how many together, and by what means.",
            "signing",
            tuple(_authority(side) for side in Side),
            single=True,
            rules=(_authority_rule,),
        ),
        ClauseKind(
            Kind.CALENDAR,
            "Opening hours, working hours and free days.",
            "clocks, hours of KPIs, comparable days",
            (
                Field("zone", _ZONE, "the time zone of its hours", "Europe/Madrid", required=True),
                *(_opening(weekday) for weekday in WEEKDAYS),
                Field(
                    "short_days",
                    _RECORD,
                    "days on which the service keeps other hours; without hours it is closed",
                    [{"day": "2026-12-24", "hours": [{"opens": "08:00", "closes": "14:00"}]}],
                    many=_SET,
                    fields=(
                        Field("day", _DAY, "the day", "2026-12-24", required=True),
                        Field("hours", _RECORD, "its hours", [], many=_SET, fields=_SPAN),
                    ),
                    unique="day",
                ),
                *(item for side in Side for item in _working_hours(side)),
            ),
            single=True,
            notice=NoticeItem.HOURS,
            reads=(Kind.NOTICE,),
            rules=(_hours_rule,),
        ),
        ClauseKind(
            Kind.VOLUME,
            "Who forecasts, and how far volume may stray from it.",
            "attribution, relief",
            (
                Field("queues", _LINE, "the queues; `*` is all", ["sales"], default=["*"], many=_SET),
                choice_field("forecast_by", "who forecasts", SIDES, default=Side.CUSTOMER.value),
                days_field("locked_days", "how many working days before the month a forecast is locked", 10),
                share_field("band", "how far volume may stray from the locked forecast", "0.1"),
                choice_field(
                    "counted_by", "at which level the band counts", ("half_hour", "day", "month"), default="month"
                ),
            ),
            notice=NoticeItem.VOLUMES,
            reads=(Kind.CALENDAR, Kind.NOTICE),
        ),
        ClauseKind(
            Kind.KPI,
            "A figure that both measure, why, and what follows from it.",
            "levels, readings, money",
            (
                choice_field("measure", "what is counted", tuple(sorted(MEASURES)), required=True),
                Field("target", _NUMBER, "what is to be reached", "0.8", default_words="none: it is not judged"),
                choice_field(
                    "better", "which way is better", (HIGHER, LOWER), default_words="as usual for the measure"
                ),
                amount_field("material", "the smallest change worth acting on", "0.02", default="0.01"),
                Field("queues", _LINE, "the queues; `*` is all", ["sales"], default=["*"], many=_SET),
                Field("channels", _LINE, "the channels; `*` is all", ["voice"], default=["*"], many=_SET),
                amount_field("answer_within_s", "seconds in which an answer is in target", "20", default="20"),
                amount_field("short_abandon_s", "seconds up to which an abandon is short", "5"),
                choice_field(
                    "abandons",
                    "which abandoned contacts count",
                    tuple(abandons.value for abandons in Abandons),
                    default=Abandons.EXCLUDE_SHORT.value,
                ),
                choice_field(
                    "formula",
                    "how it is counted",
                    ("top2", "mean", "median", "p90", "errors"),
                    default_words="as usual for the measure",
                ),
                Field("instrument", _LINE, "which survey is counted", "csat"),
                days_field("within_days", "days in which a second contact is a repeat", 7, default=7),
                Field("deadline", _LINE, "which of several deadlines", "Time to resolution"),
                choice_field(
                    "records",
                    "the records that it is counted from where there are both",
                    RECORDS,
                    default_words="what can answer it",
                ),
                amount_field(
                    "volume_band", "how far volume may stray and stay the provider's own affair", "0.1", default="0"
                ),
                amount_field("patience_s", "seconds that callers wait on average before they give up", "120"),
                Field("queue_map", _PAIRS, "the queue that each queue of the source counts as", {"SKILL_07": "sales"}),
                Field("outcome", _PROSE, "why: the outcome that it serves", "Customers are not kept waiting."),
                Field("asked_by", _LINE, "who asked for it", "Customer care board", person=True),
                Field("replaces", _LINE, "what it replaces", "Share answered in 30 seconds"),
                *(
                    Field(f"{side}_owner", _LINE, f"who answers for it at the {side}", "Ana Ruiz", person=True)
                    for side in Side
                ),
                Field("priority", _WHOLE, "its place in the joint order", 1, lowest=ONE, highest=HUNDRED),
                Field(
                    "when_missed",
                    _RECORD,
                    "after how many misses of how many periods a matter is opened",
                    {"misses": 2, "of_periods": 3, "opens": "corrective_plan"},
                    fields=(
                        Field("misses", _WHOLE, "misses", 2, required=True, lowest=ONE, highest=HUNDRED),
                        Field(
                            "of_periods", _WHOLE, "of so many periods", 3, required=True, lowest=ONE, highest=HUNDRED
                        ),
                        choice_field("opens", "what is opened", ("corrective_plan", "talk"), default="talk"),
                    ),
                ),
                Field(
                    "credit_allocation",
                    _RECORD,
                    "the share of what is at risk under a price that missing it takes",
                    [{"price": "voice", "share": "0.8"}],
                    many=_SET,
                    fields=(
                        Field("price", _CLAUSE, "the price", "voice", required=True, kinds=(Kind.PRICE.value,)),
                        Field("share", _NUMBER, "the share", "0.8", required=True, lowest=ZERO, highest=HUNDRED),
                    ),
                    unique="price",
                ),
            ),
            reads=(Kind.CALENDAR, Kind.NOTICE),
            notice=NoticeItem.KPI,
            rules=(_kpi_rule,),
            derived=_kpi_defaults,
        ),
        ClauseKind(
            Kind.DUTY,
            "What a side owes the service beside the KPIs, such as a forecast in time.",
            "levels",
            (
                choice_field("side", "whose duty it is", SIDES, required=True),
                choice_field("measure", "what is counted", DUTIES, required=True),
                share_field("target", "what is to be reached", "0.95"),
                Field("owner", _LINE, "who answers for it", "Ana Ruiz", person=True),
                Field("outcome", _PROSE, "why", "Shifts are planned two weeks ahead."),
            ),
            reads=(Kind.CALENDAR,),
        ),
        ClauseKind(
            Kind.PRICE,
            "What is paid for a service, and what is taken off.",
            "money",
            PRICE_FIELDS,
            seen_by=MONEY,
            reads=(Kind.CALENDAR, Kind.NOTICE),
            notice=NoticeItem.PRICE,
            rules=(_price_rule,),
        ),
        ClauseKind(
            Kind.CLOCK,
            "By when a matter is answered, and what follows where it is not.",
            "replies",
            (
                Field(
                    "replies",
                    _RECORD,
                    "in how many working days a matter is answered, by kind",
                    [{"matter": "claim", "days": 5}],
                    many=_SET,
                    fields=(_MATTER, days_field("days", "working days", required=True)),
                    unique="matter",
                ),
                Field(
                    "silence",
                    _RECORD,
                    "where silence accepts, how many working days after the reminder",
                    [{"matter": "claim", "days": 10}],
                    many=_SET,
                    fields=(
                        choice_field(
                            "matter",
                            "the kind of matter",
                            tuple(matter for matter in MATTERS if matter not in NEVER_BY_SILENCE),
                            required=True,
                        ),
                        Field(
                            "days",
                            _WHOLE,
                            "working days after the reminder",
                            10,
                            required=True,
                            lowest=Decimal(LEAST_SILENCE_DAYS),
                            highest=Decimal(260),
                        ),
                    ),
                    unique="matter",
                ),
                days_field("close_days", "working days after a period in which its figures are confirmed", 10),
                *(
                    Field(
                        f"{side}_addresses",
                        _LINE,
                        f"where the {side} receives formal notice",
                        ["notice@northwind.example"],
                        many=_SET,
                    )
                    for side in Side
                ),
                Field(
                    "time_bars",
                    _RECORD,
                    "until when a matter can be raised",
                    [{"matter": "claim", "days": 30, "from": "aware_on", "late": "marked"}],
                    many=_SET,
                    fields=(
                        _MATTER,
                        days_field("days", "days", 30, required=True),
                        choice_field(
                            "from",
                            "from the event, or from knowing of it",
                            ("event_on", "aware_on"),
                            default="event_on",
                        ),
                        choice_field(
                            "late", "a late one is marked, or cannot be raised", ("marked", "barred"), default="marked"
                        ),
                        choice_field(
                            "given_as",
                            "in time as any matter, or only as a formal notice",
                            ("matter", "formal_notice"),
                        ),
                    ),
                    unique="matter",
                ),
                Field(
                    "escalation",
                    _RECORD,
                    "levels, who meets at each, and after how many working days",
                    [{"level": 1, "customer": "Ana Ruiz", "provider": "Jan Novak", "days": 5}],
                    many=_SET,
                    fields=(
                        Field("level", _WHOLE, "the level", 1, required=True, lowest=ONE, highest=Decimal(9)),
                        Field("customer", _LINE, "who for the customer", "Ana Ruiz", required=True, person=True),
                        Field("provider", _LINE, "who for the provider", "Jan Novak", required=True, person=True),
                        days_field("days", "working days until the next level", required=True),
                    ),
                    unique="level",
                ),
            ),
            single=True,
            reads=(Kind.CALENDAR,),
            rules=(_clock_rule,),
        ),
        ClauseKind(
            Kind.NOTICE,
            "How many clear working days before its first day a change is announced.",
            "changes",
            tuple(days_field(item.value, f"clear working days for changes of {item.value}", 15) for item in NoticeItem),
            single=True,
            reads=(Kind.CALENDAR,),
        ),
        ClauseKind(
            Kind.DISCLOSURE,
            "How open each kind of information is, unless somebody says otherwise.",
            "wall",
            (
                Field(
                    "classes",
                    _RECORD,
                    "default class by kind of information",
                    [{"information": "campaigns", "class": "cleared"}],
                    many=_SET,
                    fields=(
                        Field("information", _LINE, "kind of information", "campaigns", required=True),
                        choice_field(
                            "class",
                            "open, for named people, or held back",
                            ("open", "cleared", "held_back"),
                            required=True,
                        ),
                    ),
                    unique="information",
                ),
                Field(
                    "least_people",
                    _WHOLE,
                    "the fewest people whose figures are shown",
                    5,
                    default=5,
                    lowest=Decimal(5),
                    highest=Decimal(1000),
                ),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.DATA,
            "Whose the data are, what for, and for how long.",
            "forgetting, sheet for the works council",
            (
                Field("purpose", _PROSE, "what personal data are processed for", "To serve customers.", required=True),
                choice_field(
                    "controller", "who is controller", ("customer", "provider", "jointly", "each"), required=True
                ),
                Field(
                    "retention",
                    _RECORD,
                    "after how many days data are deleted",
                    [{"data": "recordings", "days": 90}],
                    many=_SET,
                    fields=(
                        Field("data", _LINE, "which data", "recordings", required=True),
                        Field("days", _WHOLE, "days", 90, required=True, lowest=ONE, highest=Decimal(36_525)),
                    ),
                    unique="data",
                ),
                Field(
                    "subprocessors",
                    _RECORD,
                    "who else processes them",
                    [{"name": "Cloud Voice Ltd", "does": "telephony", "country": "Ireland"}],
                    many=_SET,
                    fields=(
                        Field("name", _LINE, "name", "Cloud Voice Ltd", required=True),
                        Field("does", _LINE, "what it does", "telephony"),
                        Field("country", _LINE, "where", "Ireland"),
                    ),
                    unique="name",
                ),
                choice_field("room_run_by", "who runs the room", (*SIDES, "third_party"), default_words="not said"),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.MEETING,
            "A series of meetings: of both, or a side's own about the service.",
            "meetings",
            (
                Field("series", _LINE, "its name", "Monthly service review", required=True),
                choice_field("of", "of both, or of one side", (BOTH, *SIDES), default=BOTH),
                choice_field(
                    "level", "what it is about", ("operational", "commercial", "strategic"), default="operational"
                ),
                choice_field(
                    "cadence",
                    "how often",
                    ("daily", "weekly", "fortnightly", "monthly", "quarterly", "yearly"),
                    required=True,
                ),
                Field("posts", _LINE, "the posts expected", ["Service delivery manager"], many=_SET),
                Field(
                    "guest_invited",
                    _FLAG,
                    "of a side's own series: whether the other side is invited",
                    True,
                    default=False,
                ),
                Field("why", _PROSE, "why, or why not", "Shifts are planned there."),
            ),
        ),
        ClauseKind(
            Kind.POST,
            "A position on a side, and who fills it.",
            "access, spiral",
            (
                choice_field("side", "on which side", SIDES, required=True),
                Field("position", _LINE, "the position", "Service delivery manager", required=True),
                Field("filled_by", _LINE, "who fills it", "Jan Novak", person=True),
            ),
            reads=(Kind.NOTICE,),
            notice=NoticeItem.STAFFING,
        ),
        ClauseKind(
            Kind.EXIT,
            "What happens when the agreement ends.",
            "people, money",
            (
                Field("transition", _PROSE, "how the work is handed over", "Three months, both side by side."),
                Field("data_return", _PROSE, "how data are given back", "As CSV within 30 days."),
                Field("last_credits", _PROSE, "credits of the last period", "Paid out, not set off."),
                Field(
                    "shared_years",
                    _WHOLE,
                    "years in which both read and export what is shared",
                    7,
                    default=7,
                    lowest=ONE,
                    highest=Decimal(30),
                ),
                Field("lives_on", _CLAUSE, "clauses that live on", ["data"], many=_SET),
            ),
            single=True,
        ),
        ClauseKind(
            Kind.REASONS,
            "Why we do this together.",
            "reasons to stay",
            tuple(
                Field(
                    f"{side}_{reason}",
                    _PROSE,
                    f"the {side}'s {reason} reason, in a sentence",
                    "It lets us grow in Spain.",
                )
                for side in Side
                for reason in ("management", "marketing", "economic")
            ),
            single=True,
        ),
        ClauseKind(
            Kind.PROSE,
            "Plain paragraphs.",
            "people",
            (
                Field(
                    "text", _PROSE, "the paragraphs", "The provider greets callers by the brand's name.", required=True
                ),
                choice_field("language", "the language that it is written in", ("en", "es"), required=True),
                choice_field(
                    "about", "what it is about, for its notice", ("script", "staffing", "other"), default="other"
                ),
            ),
            reads=(Kind.NOTICE,),
        ),
    )
}
