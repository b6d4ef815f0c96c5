"""A first text of the agreement to begin from: clauses for three kinds of service, of which a draft takes what lacks.

A template is a proposal to talk about, and nobody's norm: common targets, the duties of the customer that ISO 18295-2
asks of a client (forecast, records, decisions and answers in time), notice, answer deadlines and meetings. It holds
nothing that only the sides can say: who signs, why they do this together, what is paid. The term is added where its
days are given.

Prose is written in the language of whoever drafts; everything else is fields, which each side reads in its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from comity.core.agreements.changes import AddClause
from comity.core.agreements.clauses import Clause, check_fields, complete
from comity.core.agreements.fields import renamed
from comity.core.agreements.kinds import KINDS, WEEKDAYS, Kind
from comity.core.agreements.pointed_out import overlap
from comity.core.agreements.text import Text
from comity.core.agreements.wordings import kpi_fields
from comity.core.kpi_templates import TEMPLATES as KPIS
from comity.core.values import Side

ByLanguage = Mapping[str, str]
Written = Mapping[str, object]
ENGLISH, SPANISH = "en", "es"
LANGUAGES = (ENGLISH, SPANISH)
_NO_DAYS: Mapping[date, str] = {}


@dataclass(frozen=True, slots=True)
class Office:
    """When a side works, as a room knows it.

    :ivar week: weekday (0 is Monday) -> from and to, as `09:00`; empty: not known
    :ivar free_days: its days off, and their names
    """

    week: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    free_days: Mapping[date, str] = field(default_factory=lambda: _NO_DAYS)


@dataclass(frozen=True, slots=True)
class Known:
    """What a template takes from the room and from whoever drafts.

    :ivar zone: of the clocks
    :ivar first_day, ends: of the term; without both there is no clause of it
    """

    zone: str
    offices: Mapping[Side, Office] = field(default_factory=dict)
    first_day: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class FirstText:
    """What a template holds beside what all have alike.

    :ivar hours: weekday -> from and to
    :ivar prose: what it is about, and its text
    """

    outcome: ByLanguage
    feeling: ByLanguage
    hours: Mapping[str, tuple[str, str]]
    counted_by: str
    prose: Sequence[tuple[str, ByLanguage]] = ()


def _week(hours: tuple[str, str], **others: tuple[str, str]) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(WEEKDAYS[:5], hours) | others


FIRST_TEXTS: Mapping[str, FirstText] = {
    "contact_centre": FirstText(
        {
            ENGLISH: "Whoever contacts us gets a right answer soon, and need not ask twice.",
            SPANISH: "Quien nos contacta recibe pronto una respuesta correcta y no tiene que preguntar dos veces.",
        },
        {
            ENGLISH: "As if one person at the customer had answered who knew the matter.",
            SPANISH: "Como si hubiera atendido alguien del cliente que conocía el asunto.",
        },
        _week(("08:00", "20:00"), sat=("09:00", "14:00")),
        "day",
        (
            (
                "script",
                {
                    ENGLISH: "Agents answer in the customer's name. "
                    "The customer writes what is said in its name, and the provider says what cannot be said so.",
                    SPANISH: "Los agentes atienden en nombre del cliente. "
                    "El cliente redacta lo que se dice en su nombre y el proveedor avisa de lo que no puede decirse.",
                },
            ),
        ),
    ),
    "service_desk": FirstText(
        {
            ENGLISH: "People can work again soon after something fails, and what fails often is cured.",
            SPANISH: "Las personas vuelven pronto al trabajo tras un fallo, y lo que falla a menudo se corrige.",
        },
        {
            ENGLISH: "As if the colleague next door had helped, who says when it will be done.",
            SPANISH: "Como si hubiera ayudado el compañero de al lado, que dice cuándo estará resuelto.",
        },
        _week(("07:00", "19:00")),
        "month",
        (
            (
                "other",
                {
                    ENGLISH: "A ticket is urgent where people cannot work. "
                    "Whoever opens it says so; the desk may change it, with a reason that they can read.",
                    SPANISH: "Un tique es urgente cuando hay personas que no pueden trabajar. "
                    "Lo indica quien lo abre; la mesa puede cambiarlo con un motivo que esa persona pueda leer.",
                },
            ),
        ),
    ),
    "field_service": FirstText(
        {
            ENGLISH: "The fault is repaired on the first visit, on the day that was promised.",
            SPANISH: "La avería se repara en la primera visita, el día prometido.",
        },
        {
            ENGLISH: "Somebody comes when they said, knows the case, and leaves the place tidy.",
            SPANISH: "Alguien llega cuando dijo, conoce el caso y deja el lugar en orden.",
        },
        _week(("08:00", "18:00")),
        "month",
        (
            (
                "other",
                {
                    ENGLISH: "An appointment is agreed with whoever is to be there. "
                    "Whoever moves it says so the day before, and offers another.",
                    SPANISH: "La cita se acuerda con quien vaya a estar presente. "
                    "Quien la cambie avisa el día anterior y ofrece otra.",
                },
            ),
        ),
    ),
}
assert FIRST_TEXTS.keys() == KPIS.keys()

# Why each measure is agreed: the outcome that it serves.
WHY: Mapping[str, ByLanguage] = {
    "service_level": {
        ENGLISH: "People reach somebody without a long wait.",
        SPANISH: "Se atiende a las personas sin una larga espera.",
    },
    "abandonment": {
        ENGLISH: "Nobody gives up before somebody answers.",
        SPANISH: "Nadie abandona antes de que le atiendan.",
    },
    "repeat_contact": {
        ENGLISH: "The first contact settles the matter.",
        SPANISH: "El asunto queda resuelto en el primer contacto.",
    },
    "csat": {
        ENGLISH: "Those who were served say that it was done well.",
        SPANISH: "Quienes fueron atendidos dicen que se hizo bien.",
    },
    "forecast_wape": {
        ENGLISH: "Shifts can be planned on the forecast.",
        SPANISH: "La previsión permite planificar los turnos.",
    },
    "forecast_bias": {
        ENGLISH: "The forecast is neither too high nor too low month after month.",
        SPANISH: "La previsión no se pasa ni se queda corta un mes tras otro.",
    },
    "sla_attainment": {
        ENGLISH: "What was promised for a time is done by then.",
        SPANISH: "Lo prometido para un momento está hecho para entonces.",
    },
    "reopen": {
        ENGLISH: "What is closed is solved.",
        SPANISH: "Lo que se cierra está resuelto.",
    },
    "backlog": {
        ENGLISH: "Open work does not pile up.",
        SPANISH: "El trabajo pendiente no se acumula.",
    },
}
# Duties of the sides: those of the customer after ISO 18295-2, those of the provider their counterpart.
_DUTIES: Sequence[tuple[Side, str, str, ByLanguage]] = (
    (
        Side.CUSTOMER,
        "forecast_locked_in_time",
        "0.95",
        {
            ENGLISH: "Shifts are planned on a locked forecast.",
            SPANISH: "Los turnos se planifican con una previsión cerrada.",
        },
    ),
    (
        Side.CUSTOMER,
        "records_in_time",
        "0.95",
        {ENGLISH: "The figures of a month are ready early.", SPANISH: "Las cifras del mes están listas pronto."},
    ),
    (
        Side.CUSTOMER,
        "decision_in_time",
        "0.9",
        {ENGLISH: "Work does not wait for a decision.", SPANISH: "El trabajo no espera por una decisión."},
    ),
    (
        Side.CUSTOMER,
        "reply_in_time",
        "0.9",
        {ENGLISH: "The provider can go on working.", SPANISH: "El proveedor puede seguir trabajando."},
    ),
    (
        Side.PROVIDER,
        "records_in_time",
        "0.95",
        {ENGLISH: "The figures of a month are ready early.", SPANISH: "Las cifras del mes están listas pronto."},
    ),
    (
        Side.PROVIDER,
        "reply_in_time",
        "0.9",
        {ENGLISH: "The customer knows where it is.", SPANISH: "El cliente sabe a qué atenerse."},
    ),
)  # fmt: skip
_NOTICE_DAYS = {"hours": 15, "volumes": 10, "kpi": 20, "price": 40, "staffing": 15, "script": 5}
_REPLY_DAYS = {
    "failure": 2, "complaint": 3,
    "question": 5, "problem": 5, "request": 5, "warning": 5, "decision": 5, "action": 5, "change": 10,
    "need": 10, "offer": 10, "proposal": 10, "dispute": 10, "claim": 10, "correction": 10,
}  # fmt: skip
_CLOSE_DAYS = 10
_MONTHS_OF_NOTICE = 3
_BAND = "0.1"
_LOCKED_DAYS = 10
_MEETINGS: Sequence[tuple[ByLanguage, str, str]] = (
    ({ENGLISH: "Monthly service review", SPANISH: "Revisión mensual del servicio"}, "operational", "monthly"),
    ({ENGLISH: "Quarterly steering meeting", SPANISH: "Comité trimestral de dirección"}, "strategic", "quarterly"),
)
# Of kinds of which a text may have several: fields that tell one clause from another.
_ALIKE: Mapping[Kind, tuple[str, ...]] = {
    Kind.DUTY: ("side", "measure"),
    Kind.PRICE: ("service", "queues"),
    Kind.MEETING: ("of", "level"),
    Kind.POST: ("side", "position"),
    Kind.PROSE: ("about", "title"),
}
_OF_ONE_RELATIONSHIP = frozenset({f"{side}_change_over" for side in Side})
_LONGEST_NAME = 60  # of an id, before what makes it one
_MISSED = {"misses": 2, "of_periods": 3, "opens": "corrective_plan"}  # of the first KPI
_SAYS: Mapping[str, ByLanguage] = {
    "title": {ENGLISH: "First text of the agreement", SPANISH: "Primer texto del acuerdo"},
    "title_more": {ENGLISH: "Clauses that were missing", SPANISH: "Cláusulas que faltaban"},
    "title_list": {ENGLISH: "KPIs from a list", SPANISH: "KPI de una lista"},
    "reason": {
        ENGLISH: "Both sides want one written text to count by.",
        SPANISH: "Ambas partes quieren un único texto escrito por el que contar.",
    },
    "expects_nothing": {
        ENGLISH: "What it adds was not agreed in writing before: there is no earlier wording to hold a figure against.",
        SPANISH: "Lo que añade no estaba acordado por escrito: no hay un texto anterior con el que comparar una cifra.",
    },
}


def first_says(kind: str, language: str) -> dict[str, str]:
    """Return what a draft says of itself to begin with, for people to change.

    :param kind: `title` of a first text, `title_more` of missing clauses, `title_list` of a list of KPIs
    """
    texts = {"title": _SAYS[kind], "reason": _SAYS["reason"], "expects_nothing": _SAYS["expects_nothing"]}
    return {name: _text(text, language) for name, text in texts.items()}


_OURS: Mapping[str, ByLanguage] = {text: texts for texts in _SAYS.values() for text in texts.values()}


def for_reader(text: str, language: str) -> str:
    """Return a title or a reason as its reader reads it: in another language where it is ours, word for word.

    What people wrote, or changed, stays. Papers and the page on which a text is signed show it as it is signed.
    """
    ours = _OURS.get(text)
    return text if ours is None else _text(ours, language)


def first_edits(
    template: str, language: str, there: Text, known: Known, mint: Callable[[str], str]
) -> tuple[AddClause, ...]:
    """Return the clauses of a template that a text lacks, each behind those of its kind, or behind the one before it.

    Of a kind of which a text has one clause, the one that is there stays; no second KPI is added that measures the same
    over the same queues, no second duty of a side, and no second meeting about the same.

    :param template: a key of `FIRST_TEXTS`
    :param language: of the prose; another than those of `LANGUAGES` is English
    :param there: the text that is agreed
    :param mint: makes an id that was never used from a name
    """
    wanted = []
    for kind, name, written in _clauses(template, language, known):
        values, problems = check_fields(name, kind, written)
        assert problems == [], problems[0].message
        wanted.append(Clause(name, kind, complete(kind, values)))
    return _missing(wanted, there, mint)


def own_edits(template: Text, there: Text, mint: Callable[[str], str]) -> tuple[AddClause, ...]:
    """Return the clauses of an organisation's own template that a text lacks, as `first_edits` does.

    Each gets an id of its own, and clauses that name each other go on doing so. What a side keeps to itself about
    another relationship, the digests of its change-over, is left out.

    :param template: whose clauses are whole, with defaults written out or not
    """
    wanted = [
        Clause(
            one.id,
            one.kind,
            complete(one.kind, {name: value for name, value in one.fields.items() if name not in _OF_ONE_RELATIONSHIP}),
        )
        for one in template.clauses
        if not one.removed
    ]
    return _missing(wanted, there, mint)


def _missing(wanted: Sequence[Clause], there: Text, mint: Callable[[str], str]) -> tuple[AddClause, ...]:
    """Return the additions of those clauses that no clause of a text serves for."""
    added: list[tuple[str, Clause]] = []
    ids: dict[str, str] = {}  # id in the template -> of the clause that serves for it here
    for one in wanted:
        own = next((clause for clause in there.of(one.kind) if _serves(clause, one)), None)
        ids[one.id] = mint(one.id[:_LONGEST_NAME]) if own is None else own.id
        added += [(ids[one.id], one)] if own is None else []
    edits: list[AddClause] = []
    anchor = ""
    for made, one in added:
        own_kind = there.of(one.kind)
        if own_kind and not any(edit.kind is one.kind for edit in edits):
            anchor = own_kind[-1].id
        spec = KINDS[one.kind]
        usual = {**spec.defaults, **spec.derived(one.fields)}
        fields = {name: value for name, value in one.fields.items() if value != usual.get(name)}
        values, problems = check_fields(made, one.kind, renamed(spec.fields, fields, ids))
        assert problems == [], problems[0].message
        edits.append(AddClause(made, one.kind, values, anchor))
        anchor = made
    return tuple(edits)


def _serves(own: Clause, wanted: Clause) -> bool:
    """Whether a clause that is there is what another one would be added for."""
    if KINDS[own.kind].single:
        return True
    if own.kind is Kind.VOLUME:
        return bool(overlap(own, wanted, "queues"))
    if own.kind is Kind.KPI:
        same = own.fields.get("measure") == wanted.fields.get("measure")
        return same and all(overlap(own, wanted, name) for name in ("queues", "channels"))
    return all(own.fields.get(name) == wanted.fields.get(name) for name in _ALIKE[own.kind])


def _clauses(template: str, language: str, known: Known) -> Iterator[tuple[Kind, str, Written]]:
    """Yield kind, name and fields of each clause, in the order in which it is read."""
    own = FIRST_TEXTS[template]
    yield Kind.EFFECT, "effect", {"counts_as": "how_we_count"}
    outcome, feeling = _text(own.outcome, language), _text(own.feeling, language)
    yield Kind.PURPOSE, "purpose", {"outcome": outcome, "feeling": feeling}
    if known.first_day is not None and known.ends is not None:
        yield (
            Kind.TERM,
            "term",
            {"begins": known.first_day, "ends": known.ends, "notice_months": _MONTHS_OF_NOTICE},
        )
    yield Kind.CALENDAR, "calendar", _calendar(own, known)
    yield (
        Kind.VOLUME,
        "volume",
        {"forecast_by": "customer", "locked_days": _LOCKED_DAYS, "band": _BAND, "counted_by": own.counted_by},
    )
    for place, kpi in enumerate(KPIS[template]):
        written: dict[str, object] = kpi_fields(kpi) | {"outcome": _text(WHY[kpi.measure], language)}
        yield Kind.KPI, kpi.id, written | ({"when_missed": _MISSED} if place == 0 else {})
    for side, measure, target, why in _DUTIES:
        yield (
            Kind.DUTY,
            f"{side}_{measure}",
            {"side": side.value, "measure": measure, "target": target, "outcome": _text(why, language)},
        )
    yield Kind.NOTICE, "notice", dict(_NOTICE_DAYS)
    replies = [{"matter": matter, "days": days} for matter, days in _REPLY_DAYS.items()]
    yield Kind.CLOCK, "clock", {"replies": replies, "close_days": _CLOSE_DAYS}
    for series, level, cadence in _MEETINGS:
        yield Kind.MEETING, "meeting", {"series": _text(series, language), "level": level, "cadence": cadence}
    yield Kind.EXIT, "exit", {}
    for about, text in own.prose:
        yield Kind.PROSE, "prose", {"about": about, "text": _text(text, language), "language": _of(language)}


def _calendar(own: FirstText, known: Known) -> dict[str, object]:
    written: dict[str, object] = {"zone": known.zone}
    for weekday, (opens, closes) in own.hours.items():
        written[f"open_{weekday}"] = [{"opens": opens, "closes": closes}]
    for side, office in known.offices.items():
        hours = [
            {"weekday": WEEKDAYS[day], "opens": opens, "closes": closes}
            for day, (opens, closes) in office.week.items()
            if opens < closes
        ]
        days = [{"day": day, "name": name} for day, name in office.free_days.items()]
        written |= {f"{side}_working_hours": hours} if hours else {}
        written |= {f"{side}_free_days": days} if days else {}
    return written


def _of(language: str) -> str:
    return language if language in LANGUAGES else ENGLISH


def _text(texts: ByLanguage, language: str) -> str:
    return texts[_of(language)]
