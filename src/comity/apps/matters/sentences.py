"""Texts about a matter in the reader's language."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.agreements.sentences import clause_titles
from comity.apps.books.contents import reach_of_records
from comity.apps.books.queries import final_period_names, is_final, readable_definition
from comity.apps.books.sentences import field_name
from comity.apps.i18n import spoken_period
from comity.apps.kpis.queries import is_in_agreement
from comity.apps.matters import queries
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.queries import firm_of
from comity.apps.parties.rights import Action
from comity.core.agreements.clauses import Clause
from comity.core.agreements.text import Text
from comity.core.calendars import Calendar, Cut
from comity.core.matters import history
from comity.core.matters.kinds import KINDS, Follows, Kind
from comity.core.matters.posture import is_shaped
from comity.core.matters.time_bars import OBJECT_WITHIN
from comity.core.matters.transitions import BESIDE, OPEN, TAKE_BACK_TIME, TAKEN_BACK, UNDONE, Dispute, Move, State
from comity.core.values import Period, Side
from comity.review.claim_effect import ClaimEffect
from comity.review.i18n.words import DASH, Words, clean
from comity.review.readings import reading_ids, reading_specs
from comity.review.views.level import target_text
from comity.review.views.sentences import kpi_title

_DAYS = {"from_day", "to_day", "due_on", "day"}
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"
)  # as a proposal writes it, in UTC
_CHANGES = ("change", "add", "withdraw")
_LISTED_PERIODS = 12  # final periods in a sentence, the latest
_SHOWN_PERIODS = {Cut.MONTH: 24, Cut.QUARTER: 12, Cut.YEAR: 5}  # of each length, the latest


def matter_title(member: MemberContext, matter: Matter, words: Words) -> str:
    """Return the title of a matter: as people wrote it, or, of one that the room raised, in the reader's language."""
    if matter.kind != Kind.CORRECTION or not matter.records:
        return matter.title
    return words(
        "correction.title",
        table=words.named("table", matter.records["table"]),
        rows=words.number(sum(matter.records["counts"].values())),
        party=member.party(words)(Side(matter.answers)),
    )


def figure_name(member: MemberContext, key: str, words: Words) -> str:
    """Return the name of a figure: a KPI by its id, or a reading by its key."""
    agreed = readable_definition(member)
    kpis = {} if agreed is None else {one.id: one.measure for one in agreed.kpis}
    if key in kpis:
        return kpi_title(key, kpis[key], words)
    reading, _, variant = key.partition(":")
    if reading not in reading_ids():
        return words.named("measure", key)
    return f"{words.named('reading', reading)}, {clean(variant)}" if variant else words.named("reading", reading)


def figure_choices(
    member: MemberContext,
    chosen: str,
    kpis: list[tuple[str, str]],
    words: Words,
    formed: frozenset[str] | None = None,
) -> list[tuple[str, str]]:
    """Return the figures that a matter may be about, as key and name; none where no book can be read.

    :param formed: those of the period that it is about; None where that is not known, for all
    """
    if not kpis:
        return []
    readings = [(spec.id, words.named("reading", spec.id)) for spec in reading_specs() if spec.id not in dict(kpis)]
    other = [(chosen, figure_name(member, chosen, words))] if ":" in chosen else []
    return [*(one for one in [*kpis, *readings] if formed is None or one[0] in formed), *other]


def period_choices(member: MemberContext, chosen: str, words: Words) -> list[tuple[str, str]]:
    """Return the latest months, quarters and years that the records reach, as name and text.

    All recent ones where no worker has looked at the records yet, none where no book can be read.
    """
    agreed = readable_definition(member)
    if agreed is None:
        return []
    reach, today = reach_of_records(member), timezone.now().date()
    first, last = (date.min, today) if reach is None else (reach[0], min(reach[1], today))
    choices = []
    for cut, most in _SHOWN_PERIODS.items():
        calendar = Calendar(cut, agreed.month_starts_on)
        period = calendar.containing(last)
        for _ in range(most):
            if period.end <= first:
                break
            choices.append((calendar.name(period), words.period(period, cut)))
            period = calendar.before(period)
    if chosen and chosen not in dict(choices):
        choices.insert(0, (chosen, spoken_period(chosen, words)))
    return choices


def value_text(member: MemberContext, value: Decimal | float | None, unit: str, words: Words) -> str:
    """Return a figure in its unit; empty for none."""
    if value is None:
        return ""
    agreed = readable_definition(member)
    return words.figure(float(value), unit, "" if agreed is None else agreed.currency)


def matter_facts(member: MemberContext, matter: Matter, words: Words) -> list[tuple[str, str]]:
    """Return the facts of a matter as label and text, without empty ones."""
    is_dispute = matter.kind == Kind.DISPUTE  # whose days are those of its period
    facts = [
        ("raise.kpi", figure_name(member, matter.kpi, words) if matter.kpi else ""),
        ("review.period", spoken_period(matter.period, words)),
        ("raise.wrong", words(f"wrong.{matter.wrong}") if matter.wrong else ""),
        ("matter.claimed", value_text(member, matter.value, matter.unit, words)),
        ("matter.follows", words(f"follows.{matter.follows}") if matter.follows else ""),
        ("raise.queue", matter.queue),
        ("raise.event", words(f"event.{matter.event}") if matter.event else ""),
        ("raise.asked_for", words(f"claim.{matter.asked_for}") if matter.asked_for else ""),
        ("raise.from_day", words.day(matter.from_day) if matter.from_day and not is_dispute else ""),
        ("raise.to_day", words.day(matter.to_day) if matter.to_day and not is_dispute else ""),
        ("raise.proposes", words(f"proposes.{matter.proposes}") if matter.proposes else ""),
        ("raise.becomes", words(f"becomes.{matter.becomes}") if matter.becomes else ""),
        ("raise.untold", words(f"untold.{matter.untold}") if matter.untold else ""),
        ("raise.failed", member.party(words)(matter.failed) if matter.failed else ""),
        ("raise.cause", clean(matter.cause)),
        ("raise.before", clean(matter.before)),
        ("raise.wording", clean(matter.wording)),
        ("raise.price", clean(matter.price)),
        ("raise.owner", matter.owner.person.name if matter.owner else ""),
        ("raise.due_on", words.day(matter.due_on) if matter.due_on else ""),
        ("matter.first_due_on", _first_due(matter, words)),
        ("raise.department", clean(matter.department)),
        ("raise.about", _about(matter, words)),
        ("raise.event_on", words.day(matter.event_on) if matter.event_on else ""),
        ("raise.aware_on", words.day(matter.aware_on) if matter.aware_on else ""),
        ("raise.external_id", clean(" ".join(filter(None, (matter.external_system, matter.external_id))))),
        ("matter.level", words.number(matter.level) if matter.level else ""),
    ]
    return [(words(name), text) for name, text in facts if text]


def _first_due(matter: Matter, words: Words) -> str:
    """Return the day that was agreed first, and how often it was moved; empty where it was not."""
    if not matter.moved or matter.first_due_on is None:
        return ""
    return words("matter.moved", day=words.day(matter.first_due_on), count=matter.moved)


def _about(matter: Matter, words: Words) -> str:
    if not matter.about:
        return clean(matter.about_name)
    return clean(", ".join(filter(None, (words(f"about.{matter.about}"), matter.about_name))))


def matter_label(matter: Matter, words: Words) -> str:
    """Return a matter as a choice among others: its title, its kind and the day on which it was raised."""
    day = words.day(timezone.localtime(matter.raised_at).date())
    return f"{clean(matter.title)} ({words(f'kind_of.matter_{matter.kind}')}, {day})"


def class_facts(member: MemberContext, matter: Matter, steps: Sequence[Step], words: Words) -> list[tuple[str, str]]:
    """Return how a matter began and its nature, each with what a side says instead, and whether both shaped it."""
    posture = matter.posture
    worked_out = {"posture": posture.value if posture is not None else "", "nature": matter.nature.value}
    party, rows = member.party(words), []
    for name, value in worked_out.items():
        said = [words(f"{name}.{value}")] if value else []
        for step in steps:
            if step.move == Move.OBJECT and step.terms.get("object_to") == name and step.side:
                other = words(f"{name}.{step.terms['object_value']}")
                said.append(words("object.said", party=party(step.side), value=other))
        rows.append((words(f"matter.{name}"), "; ".join(said)))
    facts = [history.Step(one.number, Move(one.move)) for one in steps]
    if is_shaped(facts, State(matter.state)):
        rows.append((words("matter.shaped"), words("matter.shaped_by_both")))
    return [(name, text) for name, text in rows if text]


def firm_text(member: MemberContext, step: Step, words: Words) -> str:
    """Say of which firm whoever made a step was then, and which side engaged it; empty for the side's own people."""
    firm = firm_of(member, step.person_id, step.at)
    return words("firm.of", firm=clean(firm), party=member.party(words)(step.side)) if firm else ""


def openings(member: MemberContext, matter: Matter, words: Words) -> list[str]:
    """Say when each side first opened a matter, as far as that is known."""
    party = member.party(words)
    return [
        words("matter.read_on", party=party(side), day=words.day(timezone.localtime(at).date()))
        for side, at in sorted(queries.openings(matter).items())
        if at is not None
    ]


def offer_line(member: MemberContext, matter: Matter, words: Words) -> str:
    """Say what a side proposes about what is owed, or that it is opened again; empty where nothing is proposed."""
    if not matter.offer_move or not matter.offer_by:
        return ""
    days = {
        "day": words.day(matter.offer_day) if matter.offer_day else "",
        "due": words.day(matter.offer_due) if matter.offer_due else "",
    }
    return words(f"offer.{matter.offer_move}", party=member.party(words)(matter.offer_by), **days)


def clause_names(clauses: Sequence[Clause], words: Words) -> dict[str, str]:
    """Return the headings of clauses by id; those that are headed alike are numbered."""
    return clause_titles(Text(tuple(clauses)), words)


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """A formal notice as its page shows it.

    :ivar mails: by address, what became of its mail
    """

    under: str
    lines: list[str]
    mails: list[tuple[str, str]]


def notice_facts(member: MemberContext, matter: Matter, words: Words) -> NoticeFacts | None:
    """Return what is known of a formal notice: under which clause, received or not, and its mails; None for others."""
    notice = queries.formal_notice(matter)
    if notice is None:
        return None
    party = member.party(words)
    names = clause_names(queries.clauses_for_notice(member), words)
    under = words(
        "notice.under",
        clause=names.get(notice.clause, clean(notice.clause)),
        party=party(matter.asks),
        **_moment(notice.given_at, words),
    )
    if notice.received_at is not None:
        lines = [words("notice.received", **_moment(notice.received_at, words))]
    else:
        lines = [words("notice.failed"), words("notice.failed_next")] if notice.failed_at else [words("notice.waits")]
    if notice.acknowledged_at is not None:
        said = words("notice.acknowledged", party=party(notice.side), **_moment(notice.acknowledged_at, words))
        lines.append(said)
    told = {one["address"]: _mail_line(one, words) for one in notice.told}
    mails = [(clean(one), told.get(one, words("notice.not_taken"))) for one in notice.addresses]
    return NoticeFacts(under, lines, mails)


def _mail_line(told: Mapping[str, str], words: Words) -> str:
    if "bounced_at" in told:
        return words("notice.came_back", **_moment(datetime.fromisoformat(told["bounced_at"]), words))
    return words("notice.taken", **_moment(datetime.fromisoformat(told["taken_at"]), words))


def _moment(at: datetime, words: Words) -> dict[str, str]:
    """Return a moment as the day and time of a sentence, on the reader's clock."""
    local = timezone.localtime(at)
    return {"day": words.day(local.date(), year=True), "time": f"{local:%H:%M}"}


def lateness_line(member: MemberContext, matter: Matter, words: Words) -> str:
    """Say what became of it that a matter was raised late; empty for one that was not."""
    status = queries.late_passed(matter)
    if status is None:
        return ""
    until = timezone.localtime((queries.received_at(matter) or timezone.now()) + OBJECT_WITHIN)
    party = member.party(words)(matter.answers)
    return words(f"matter.late_{status}", party=party, day=words.day(until.date()))


def outcome(member: MemberContext, matter: Matter, words: Words) -> str:
    """Say what follows from a dispute that was accepted; empty for any other matter."""
    status = queries.dispute_status(member, matter) if matter.kind == Kind.DISPUTE else None
    if status is None or status is Dispute.OPEN:
        return ""
    key = f"outcome.{matter.follows}" if status is Dispute.TO_CARRY_OUT else f"outcome.{status}"
    return words(
        key,
        value=value_text(member, matter.value, matter.unit, words),
        party=member.party(words)(matter.answers),
        day=words.day(matter.due_on) if matter.due_on else "",
    )


def figure_values(
    member: MemberContext, matter: Matter, figure: queries.ComputedFigure | None, words: Words
) -> list[tuple[str, str]]:
    """Return the computed values of a disputed figure beside the claimed one, and what changed since it was raised.

    :param figure: as it is computed now; None where it is not
    """
    known = {
        step.move: float(step.terms["computed"])
        for step in queries.steps(matter)
        if step.move in {Move.RAISE, Move.AGREE} and "computed" in step.terms
    }
    raised, accepted = known.get(Move.RAISE), known.get(Move.AGREE)
    now = None if figure is None else figure.value
    first = raised if raised is not None else accepted
    change = ""
    if now is not None and first is not None:
        before, after = (value_text(member, value, matter.unit, words) for value in (first, now))
        change = words("value.unchanged") if before == after else words("value.from_to", before=before, after=after)
    target = "" if figure is None else value_text(member, figure.target, matter.unit, words)
    if target and figure is not None:
        target = target_text(figure.measure, figure.better, target, words)
    if target and figure is not None and figure.met is not None:
        target = words("effect.met" if figure.met else "effect.missed", value=target)
    values = [
        ("value.now", value_text(member, now, matter.unit, words)),
        ("matter.claimed", value_text(member, matter.value, matter.unit, words)),
        ("levels.target", target),
        ("value.raised", value_text(member, raised, matter.unit, words)),
        ("value.accepted", value_text(member, accepted, matter.unit, words)),
        ("value.change", change),
    ]
    return [(words(name), text) for name, text in values if text]


@dataclass(frozen=True, slots=True)
class NextStep:
    """What comes next after a dispute was accepted, and who does it.

    :ivar url_name: of the page where the viewer does it; empty where it is not theirs to do
    :ivar draft: the title of the change of the agreement that is begun there; empty where none is
    """

    text: str
    url_name: str = ""
    button: str = ""
    draft: str = ""


def next_step(member: MemberContext, matter: Matter, words: Words) -> NextStep | None:
    """Say who carries out an accepted dispute, how, and who confirms it; None for any other matter."""
    status = queries.dispute_status(member, matter) if matter.kind == Kind.DISPUTE else None
    if status is not Dispute.TO_CARRY_OUT or matter.state not in UNDONE:
        return None
    party = member.party(words)
    names = {"party": party(matter.answers), "other": party(matter.asks)}
    if matter.state == State.DONE:
        return NextStep(words("next.confirm", **names))
    if member.side != matter.answers:
        follows = "clause" if matter.follows == Follows.FORMULA and is_in_agreement(member) else matter.follows
        return NextStep(words(f"next.{follows}", **names))
    if matter.follows == Follows.FORMULA and is_in_agreement(member):  # no page changes a KPI there but a draft's
        if not member.may(Action.ACT):
            return NextStep(words("next.clause", **names))
        return NextStep(words("next.own_clause", **names), "begin_change", words("next.clause_do"), matter.title)
    url_name = {Follows.RECORDS: "records", Follows.FORMULA: "kpis"}[Follows(matter.follows)]
    return NextStep(words(f"next.own_{matter.follows}", **names), url_name, words(f"next.{matter.follows}_do"))


def figure_mark(member: MemberContext, matter: Matter, words: Words) -> str:
    """Say beside the name of a figure by whom it is disputed, or claimed about, and how far that is."""
    party = member.party(words)(matter.asks)
    if matter.kind != Kind.DISPUTE:
        return words("figure_mark.claimed" if matter.state in OPEN else "figure_mark.claim_accepted", party=party)
    status = queries.dispute_status(member, matter) or Dispute.OPEN
    return dispute_mark(party, status, value_text(member, matter.value, matter.unit, words), words)


def dispute_mark(party: str, status: str, value: str, words: Words) -> str:
    """Say by whom a figure is disputed, how far that is, and which value was claimed."""
    said = words(f"figure_mark.{status}", party=party)
    return words("figure_mark.with_value", mark=said, value=value) if value else said


@dataclass(frozen=True, slots=True)
class EffectRow:
    """What a claim would do to a figure, as text."""

    name: str
    period: str
    before: str
    after: str
    counted: str
    target: str
    final: bool  # whether the month is, or lies in, a period that both sides confirmed


def effect_rows(member: MemberContext, effects: Sequence[ClaimEffect], words: Words) -> list[EffectRow]:
    """Return the effects of a claim as text: the figure now and with the claim accepted, and whether each meets."""
    rows = []
    for one in effects:
        before, after = (
            _value_and_met(member, value, one.unit, met, words)
            for value, met in ((one.before, one.met_before), (one.after, one.met_after))
        )
        rows.append(
            EffectRow(
                name=kpi_title(one.kpi, one.measure, words),
                period=words.period(one.period, Cut.MONTH),
                before=before,
                after=after,
                counted=words(
                    "effect.counted", before=words.number(one.counted_before), after=words.number(one.counted_after)
                ),
                target=value_text(member, one.target, one.unit, words),
                final=is_final(member, one.period),
            )
        )
    return rows


def step_effects(member: MemberContext, step: Step, words: Words) -> list[EffectRow]:
    """Return what a claim changed as it was computed when a step answered it; none where nothing was kept.

    What is no effect, as nobody but a program of its own writes it, is left out.
    """
    effects = []
    for one in step.terms.get("effect", ()):
        with suppress(TypeError, ValueError, KeyError):
            days = Period(*(date.fromisoformat(one["period"][name]) for name in ("start", "end")))
            effects += effect_rows(member, [ClaimEffect(**one | {"period": days})], words)
    return [replace(one, final=False) for one in effects]


def final_months(member: MemberContext, matter: Matter, rows: Sequence[EffectRow], words: Words) -> str:
    """Say which final months an open claim or correction reaches, and what follows there; empty where it reaches none.

    :param rows: what it would do to the figures, as far as it is known
    """
    names = dict.fromkeys(one.period for one in rows if one.final and matter.kind != Kind.CLAIM)
    if matter.kind == Kind.CLAIM and matter.from_day and matter.to_day:
        days = Period(matter.from_day, matter.to_day + timedelta(days=1))
        names |= dict.fromkeys(
            spoken_period(name, words)
            for name, final in final_period_names(member)
            if days.start < final.end and days.end > final.start
        )
    return words("effect.final", periods=words.listed(list(names))) if names else ""


def all_final_periods(member: MemberContext, words: Words) -> str:
    """Say which periods are final and what a claim or a correction does there; empty where none is."""
    names = [spoken_period(name, words) for name, _ in final_period_names(member)]
    return words("effect.final_if", periods=words.listed(names[-_LISTED_PERIODS:])) if names else ""


def _value_and_met(member: MemberContext, value: float, unit: str, met: bool | None, words: Words) -> str:  # noqa: FBT001 - a value
    text = value_text(member, value, unit, words)
    return text if met is None else words("effect.met" if met else "effect.missed", value=text)


def consequences(member: MemberContext, matter: Matter, requested: Move, words: Words) -> list[str]:
    """Say what a move does, what becomes final by it, and whether it can be taken back."""
    keys = [f"consequence.{requested}_{matter.kind}", f"consequence.{requested}"]
    key = next((one for one in keys if words.has(one)), keys[-1])
    party = member.party(words)(Side(matter.asks if member.side == matter.answers else matter.answers))
    lines = [words(key, party=party)]
    if requested in TAKEN_BACK and not KINDS[Kind(matter.kind)].changes_records:
        minutes = int(TAKE_BACK_TIME.total_seconds() // 60)
        lines.append(words("consequence.take_back_time", party=party, minutes=minutes))
    elif requested not in BESIDE | {Move.TAKE_BACK, Move.OTHER_DAY, Move.PAUSE, Move.REOPEN, Move.COUNTER}:
        lines.append(words("consequence.final"))
    return lines


_TERMS = (
    "wording", "price", "cause", "from_day", "to_day", "queue", "asked_for", "owner", "value", "follows", "becomes",
    "day", "due_on", "computed",
)  # fmt: skip


def terms_line(matter: Matter, step: Step, words: Words) -> str:
    """Return the terms of a step in one line; empty where it has none."""
    parts = [
        (words(f"raise.{name}"), _term(name, step.terms[name], matter.unit, words))
        for name in _TERMS
        if name in step.terms
    ]
    return "; ".join(f"{name}: {text}" for name, text in parts) + "." if parts else ""


def differences(matter: Matter, steps: Sequence[Step], words: Words) -> dict[int, list[tuple[str, str, str]]]:
    """Return by the number of each counter-proposal what it changes: the term in words, before, and after."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    on_table: dict[str, str] = {}
    for step in steps:
        if step.move == Move.COUNTER:
            found[step.number] = [
                (
                    words(f"raise.{name}"),
                    _term(name, on_table[name], matter.unit, words) if name in on_table else DASH,
                    _term(name, step.terms[name], matter.unit, words) if name in step.terms else DASH,
                )
                for name in _TERMS
                if name != "computed" and on_table.get(name) != step.terms.get(name)
            ]
        if step.move in {Move.RAISE, Move.COUNTER} or (step.move == Move.DECLINE and step.terms.keys() - {"effect"}):
            on_table = step.terms
    return found


def _term(name: str, value: str, unit: str, words: Words) -> str:
    if name in _DAYS:
        return words.day(date.fromisoformat(value))
    if name in {"value", "computed"}:
        return words.figure(float(value), unit)
    if name in {"follows", "becomes"}:
        return words(f"{name}.{value}")
    return words(f"claim.{value}") if name == "asked_for" else value


def change_cells(
    values: Sequence[tuple[str, object, object]], zone: ZoneInfo, words: Words
) -> list[tuple[str, object, object]]:
    """Return changed values as a page shows them: the column in words, the value before, the value after."""
    return [
        (field_name(name, words), cell_text(before, zone, words), cell_text(after, zone, words))
        for name, before, after in values
    ]


def cell_text(value: object, zone: ZoneInfo, words: Words) -> str:
    """Return a value of a row: an instant on the clock of the records' zone, a dash for none."""
    if value is None:
        return DASH
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        local_time = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(zone)
        return f"{words.day(local_time.date())}, {local_time:%H:%M:%S}"
    return str(value)


def correction_counts(matter: Matter, words: Words) -> list[tuple[str, str]]:
    """Return how many rows a correction changes, adds and withdraws, and of which table; empty for other matters."""
    if matter.kind != Kind.CORRECTION:
        return []
    counts = [(name, matter.records["counts"].get(name, 0)) for name in _CHANGES]
    rows = [(words(f"correction.{name}"), words.number(count)) for name, count in counts if count]
    return [*rows, (words("origin.table"), words.named("table", matter.records["table"]))]
