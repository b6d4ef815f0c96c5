"""The rest of a review as finished text: whose it is, what was paid for, what is missing, what came late."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from comity.book.statistics.uncounted import Lacks
from comity.core.paid import PaidSplit
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words, clean
from comity.review.missing import Cure, MissingList, list_of, remedy, whole_by_word
from comity.review.model import Missing, Origin, Review
from comity.review.readings import reading_ids
from comity.review.views.details import detail_rows
from comity.review.views.rounding import largest_remainder

HUNDRED = 100
MOST_NAMED = 4  # queues, or days, that a sentence names one by one
_DUE = re.compile(
    r"(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|daily|day \d{1,2})(?: (?P<time>\d{1,2}:\d\d))?"
)


@dataclass(frozen=True, slots=True)
class Eyebrow:
    """Which period, held against which, for which viewer."""

    period: str
    reference: str
    line: str
    viewer: str
    foot: str


def eyebrow(review: Review, words: Words) -> Eyebrow:
    """The line over the headline."""
    period, reference = words.period(review.period, review.cut), words.period(review.reference, review.cut)
    line = words(
        "page.eyebrow",
        period=period,
        days=words.days(review.period),
        reference=reference,
        reference_days=words.days(review.reference),
    )
    if review.viewer_side is None:
        viewer, short = words("page.joint"), words("page.view_joint")
    else:
        party = words.side(review.viewer_side, review.parties)
        viewer, short = words("page.own", party=party), words("page.view_own", party=party)
    customer, provider = (words.side(side, review.parties) for side in Side)
    foot = words("page.foot", customer=customer, provider=provider, period=period, view=short)
    return Eyebrow(period, reference, line, viewer, foot)


@dataclass(frozen=True, slots=True)
class PaidRow:
    """What became of a share of what was paid."""

    name: str
    of_100: str
    amount: str
    share: float
    answers_for: str | None


def paid_rows(paid: PaidSplit, review: Review, words: Words) -> list[PaidRow]:
    """Shares and amounts, each column adding up as shown."""
    shares = {key: share for key, share in paid.shares.items() if share is not None}
    keys = list(shares)
    hundredths = largest_remainder([shares[key] * HUNDRED * 100 for key in keys])
    places = 0 if abs(paid.amount) >= 1000 else 2  # noqa: PLR2004 - as in the readings
    back = 10**places
    amounts = [(paid.amounts.get(key) or shares[key] * paid.amount) * back for key in keys]
    amounts_shown = largest_remainder(amounts, round(paid.amount * back))
    return [
        PaidRow(
            words.named("paid", key),
            words.money(cents / 100, review.currency, 2),
            words.money(amount / back, review.currency, places),
            shares[key],
            paid.answers_for.get(key),
        )
        for key, cents, amount in zip(keys, hundredths, amounts_shown, strict=True)
    ]


def paid_repeats(paid: PaidSplit, words: Words) -> str:
    """How many repeats there were and how many chance alone would give, or that callers are not known."""
    if paid.repeats is None or paid.repeats_by_chance is None:
        return words("paid.callers_unknown") if None in paid.shares.values() else ""
    return words("paid.repeats", count=paid.repeats, chance=words.number(round(paid.repeats_by_chance)))


def paid_notes(paid: PaidSplit, words: Words) -> list[str]:
    """From which records it was counted, where from two; what was billed and recorded; what nobody assigned."""
    notes = []
    if len(paid.counted_from) > 1:
        notes.append(words("paid.counted_from"))
    for service, billed in paid.billed.items():
        numbers = {
            "billed": words.number(billed.quantity, 0 if float(billed.quantity).is_integer() else 1),
            "handled": words.number(billed.handled),
            "came": words.number(billed.came),
        }
        notes.append(words("paid.billed", service=clean(service), **numbers))
    if paid.unassigned:
        services = words.listed([clean(service) for service in dict.fromkeys(paid.unassigned)])
        notes.append(words("paid.unassigned", services=services, code="[paid] queues"))
    return notes


def paid_amount(paid: PaidSplit, review: Review, words: Words) -> str:
    """The whole that was invoiced, with the decimals of its rows."""
    return words.money(paid.amount, review.currency, 0 if abs(paid.amount) >= 1000 else 2)  # noqa: PLR2004 - as its rows


def paid_cost(paid: PaidSplit, review: Review, words: Words) -> str:
    """What one contact in target cost."""
    if paid.cost_per_contact_in_target is None:
        return words("paid.no_cost")
    cost = words.money(paid.cost_per_contact_in_target, review.currency, 2)
    return words("paid.cost", cost=cost, contacts=words.number(paid.contacts_in_target))


def missing_readings(review: Review) -> list[Missing]:
    """The readings that could not be formed, each once; they stand at the foot of the table of readings."""
    known = {reading.id for reading in review.readings}
    by_reading = {missing.reading: missing for missing in reversed(review.missing) if missing.reading not in known}
    ids = reading_ids()
    return [missing for missing in reversed(by_reading.values()) if missing.reading in ids]


def missing_name(missing: Missing, words: Words) -> str:
    """What could not be formed: a reading, a measure, or a KPI by its id."""
    for family in ("reading", "measure"):
        if words.has(f"{family}.{missing.reading}"):
            return words(f"{family}.{missing.reading}")
    titles = {"paid": "paid.title", "levels": "levels.title"}
    if missing.reading in titles:
        return words(titles[missing.reading])
    return clean(missing.reading.replace("_", " "))


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A figure that could not be formed: what it needs, who holds that, why it lacks, and what can be done."""

    name: str
    needs: str
    held_by: str
    why: str
    list: MissingList
    cure: str
    whole: tuple[tuple[str, date], ...] = ()  # tables, each with the last day up to which it may be said to be whole


@dataclass(frozen=True, slots=True)
class MissingGroup:
    """One of the lists of what is missing, with its title."""

    list: MissingList
    title: str
    rows: tuple[MissingRow, ...]


def missing_rows(review: Review, words: Words, *, at_home: bool = False) -> list[MissingRow]:
    """What is missing, each name once in a list: a level and a reading of one name mostly lack for one reason.

    :param at_home: whether the reader has the book at hand, and can say in it what its records tell of
    """
    by_name: dict[tuple[MissingList, str, str], list[Missing]] = {}
    for missing in review.missing:
        key = list_of(missing), missing_name(missing, words), missing.held_by
        by_name.setdefault(key, []).append(missing)
    return [
        MissingRow(
            name,
            ", ".join(dict.fromkeys(text for one in those if (text := needed_tables(one, words)))),
            held_by,
            " ".join(dict.fromkeys(missing_why(one, words) for one in those)),
            named_list,
            " ".join(
                dict.fromkeys(text for one in those if (text := missing_cure(one, review, words, at_home=at_home)))
            ),
            tuple(dict.fromkeys(pair for one in those for pair in whole_by_word(one, review))),
        )
        for (named_list, name, held_by), those in by_name.items()
    ]


def missing_groups(review: Review, words: Words, *, at_home: bool = False) -> list[MissingGroup]:
    """What is missing by list: what somebody can bring, and what is private or withheld; empty ones are left out."""
    rows = missing_rows(review, words, at_home=at_home)
    groups = [
        MissingGroup(one, words(f"missing.list_{one.value}"), tuple(row for row in rows if row.list is one))
        for one in MissingList
    ]
    return [group for group in groups if group.rows]


def missing_cure(missing: Missing, review: Review, words: Words, *, at_home: bool = False) -> str:
    """What can be done about it; empty where there is nothing."""
    one = remedy(missing, review)
    if one is None:
        return ""
    party = words.side(missing.held_by, review.parties) if one.cure is Cure.SHARE else ""
    if one.cure is Cure.WAIT and one.day is None:
        return words("cure.wait_some")
    home = "_home" if at_home and one.cure is Cure.SAY_COMPLETE else ""
    return words(
        f"cure.{one.cure.value}{home}",
        tables=", ".join(words.named("table", table) for table in one.tables),
        periods=", ".join(one.periods),
        day="" if one.day is None else words.day(one.day),
        code="" if one.day is None else f"complete_to = {one.day.isoformat()}",
        party=party,
    )


def missing_why(missing: Missing, words: Words) -> str:
    """Why it could not be formed, and the particulars."""
    if missing.why in set(Lacks):
        return _uncounted(missing, words)
    key = f"missing.{missing.why}"
    sentence = words(key) if words.has(key) else clean(missing.why)
    particulars = "; ".join(f"{name}: {text}" for name, text in detail_rows(missing.detail, "count", "", words))
    return f"{sentence.removesuffix('.')} ({particulars})." if particulars else sentence


def _uncounted(missing: Missing, words: Words) -> str:
    """What the records that are there name, or have alike, in place of what is counted."""
    rows, named, wanted = (missing.detail.get(name) for name in ("rows", "named", "wanted"))
    listed = [
        words.listed([words("missing.quoted", text=clean(str(one))) for one in texts])
        if isinstance(texts, tuple | list)
        else ""
        for texts in (named, wanted)
    ]
    kind = "answers" if "surveys" in missing.needs else "records"
    return words(
        f"missing.{missing.why}" if listed[0] or missing.why == Lacks.RESPONDENT else f"missing.no_{missing.why}",
        rows=rows if isinstance(rows, int) else 0,
        of=words(f"missing.{kind}", rows=rows if isinstance(rows, int) else 0),
        named=listed[0],
        wanted=listed[1],
    )


def collapsed_rows(origin: Origin, words: Words) -> list[str]:
    """Of each import, how many rows count once with another, and whether as earlier states or as the same."""
    key = f"record.{origin.table}"
    record = words(key) if words.has(key) else words("record.any")
    lines = []
    for delivery in origin.deliveries:
        same = delivery.collapsed - delivery.superseded
        counts = [("origin.superseded", delivery.superseded), ("origin.alike", same)]
        phrases = [words(key, count=words.number(count), record=record) for key, count in counts if count]
        if phrases:
            lines.append(f"{clean(delivery.file)}: {'; '.join(phrases)}.")
    return lines


def lateness_cells(late: Mapping[str, object], review: Review, words: Words) -> dict[str, str]:
    """A source's table, who delivers it, by when, and what came last."""
    by = late.get("by")
    state = late.get("late")
    unrecorded = bool(late.get("unrecorded"))
    never = words("late.unrecorded" if unrecorded else "late.never")
    state_keys = {True: "late.late", False: "late.came" if unrecorded else "late.on_time"}
    return {
        "table": words.named("table", str(late.get("table") or DASH)),
        "by": str(by.value if isinstance(by, Side) else by or ""),
        "by_name": words.side(by if isinstance(by, (Side, str)) else None, review.parties),
        "due": due_text(str(late.get("due") or DASH), words),
        "last": never if late.get("last") in (None, "") else _last_delivery(late, words),
        "state": words(state_keys[bool(state)]) if state is not None else words("word.not_known") if unrecorded else "",
        "late": "yes" if state else "",
    }


def _last_delivery(late: Mapping[str, object], words: Words) -> str:
    """When the last delivery came, and up to which day it goes."""
    came, reach = _moment(late["last"], words), late.get("reach")
    return came if reach is None else words("late.reach", came=came, day=_moment(reach, words))


def lateness_summary(review: Review, words: Words) -> str:
    """How many deliveries are late, are on time, and are not recorded; how many days perhaps lack a queue."""
    states = [None if one.get("unrecorded") else one.get("late") for one in review.lateness]
    counts = {
        "count_late": states.count(True),
        "count_on_time": states.count(False),
        "count_unknown": states.count(None),
        "count_undelivered": len({one["day"] for one in review.undelivered}),
    }
    return ", ".join(words(f"late.{key}", count=count) for key, count in counts.items() if count)


def undelivered_sentences(review: Review, words: Words) -> list[str]:
    """Which queues are silent on which days though their weekday is not so else; queues of the same days together."""
    days_of: dict[tuple[str, str], list[date]] = {}
    usual_of: dict[tuple[str, str], list[int]] = {}
    for one in review.undelivered:
        key = str(one["table"]), str(one["queue"])
        days_of.setdefault(key, []).append(cast("date", one["day"]))
        usual_of.setdefault(key, []).append(cast("int", one["usual"]))
    alike: dict[tuple[str, tuple[date, ...]], list[str]] = {}
    for (table, queue), days in days_of.items():
        alike.setdefault((table, tuple(days)), []).append(queue)
    sentences = []
    for (table, silent), queues in alike.items():
        usual = sum(round(sum(usual_of[table, queue]) / len(silent)) for queue in queues)
        named = len(queues) <= MOST_NAMED
        sentences.append(
            words(
                "undelivered.named" if named else "undelivered.many",
                table=words.named("table", table),
                queues=words.listed([clean(queue) for queue in queues]) if named else words.number(len(queues)),
                days=_listed_days(silent, words),
                usual=words.number(usual),
            )
        )
    return sentences


def _listed_days(days: Sequence[date], words: Words) -> str:
    """A few days one by one; more by the first, the last and how many."""
    if len(days) <= MOST_NAMED:
        return words.listed([words.day(day) for day in days])
    return words("undelivered.days", count=len(days), first=words.day(days[0]), last=words.day(days[-1]))


def due_text(due: str, words: Words) -> str:
    """When something is due, as book.toml says it (`monday 09:00`, `day 3`), in the reader's words."""
    match = _DUE.fullmatch(due)
    if match is None:
        return clean(due)
    day, time = match["day"], match["time"] or ""
    number = day.removeprefix("day ")
    day_text = words("late.day_of_month", day=number) if number != day else words(f"late.{day}")
    return words("late.at", day=day_text, time=time) if time else day_text


def needed_tables(missing: Missing, words: Words) -> str:
    """The tables that something rests on."""
    return ", ".join(words.named("table", table) for table in missing.needs)


def _moment(value: object, words: Words) -> str:
    return words.day(value) if isinstance(value, date) else clean(str(value))
