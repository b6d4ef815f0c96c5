"""The rest of a review as finished text: whose it is, what was paid for, what is missing, what came late."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from comity.core.values import Side
from comity.review.faces.also import flat_also
from comity.review.faces.figures import largest_remainder
from comity.review.faces.words import DASH, Words, clean
from comity.review.review import Missing, Origin, Paid, Review

HUNDRED = 100
_DUE = re.compile(
    r"(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|daily|day \d{1,2})(?: (?P<time>\d{1,2}:\d\d))?"
)
_READINGS = frozenset(
    {
        "satisfaction",
        "employee_satisfaction",
        "service_level",
        "sla_attainment",
        "revenue",
        "profit",
        "retention",
        "cooperation",
    }
)


@dataclass(frozen=True, slots=True)
class Eyebrow:
    """Which period, held against which, for whose eyes."""

    period: str
    reference: str
    line: str
    eyes: str
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
    if review.whose is None:
        eyes, short = words("page.joint"), words("page.eyes_joint")
    else:
        party = words.side(review.whose, review.parties)
        eyes, short = words("page.own", party=party), words("page.eyes_own", party=party)
    customer, provider = (words.side(side, review.parties) for side in Side)
    foot = words("page.foot", customer=customer, provider=provider, period=period, eyes=short)
    return Eyebrow(period, reference, line, eyes, foot)


@dataclass(frozen=True, slots=True)
class PaidRow:
    """What became of a share of what was paid."""

    name: str
    of_100: str
    amount: str
    share: float
    answers_for: str | None


def paid_rows(paid: Paid, review: Review, words: Words) -> list[PaidRow]:
    """Shares and amounts, each column adding up as shown."""
    keys = list(paid.shares)
    hundredths = largest_remainder([paid.shares[key] * HUNDRED * 100 for key in keys])
    places = 0 if abs(paid.amount) >= 1000 else 2  # noqa: PLR2004 - as in the readings
    back = 10**places
    amounts = [paid.amounts.get(key, paid.shares[key] * paid.amount) * back for key in keys]
    amounts_shown = largest_remainder(amounts, round(paid.amount * back))
    return [
        PaidRow(
            words.named("paid", key),
            words.money(cents / 100, review.currency, 2),
            words.money(amount / back, review.currency, places),
            paid.shares[key],
            paid.answers_for.get(key),
        )
        for key, cents, amount in zip(keys, hundredths, amounts_shown, strict=True)
    ]


def paid_amount(paid: Paid, review: Review, words: Words) -> str:
    """The whole that was invoiced, with the decimals of its rows."""
    return words.money(paid.amount, review.currency, 0 if abs(paid.amount) >= 1000 else 2)  # noqa: PLR2004 - as its rows


def paid_cost(paid: Paid, review: Review, words: Words) -> str:
    """What one contact in target cost."""
    if paid.cost_per_contact_in_target is None:
        return words("paid.no_cost")
    cost = words.money(paid.cost_per_contact_in_target, review.currency, 2)
    return words("paid.cost", cost=cost, contacts=words.number(paid.contacts_in_target))


def unformed(review: Review) -> list[Missing]:
    """The readings that could not be formed, each once; they stand at the foot of the table of readings."""
    known = {reading.id for reading in review.readings}
    found = {missing.reading: missing for missing in reversed(review.missing) if missing.reading not in known}
    return [missing for missing in reversed(found.values()) if missing.reading in _READINGS]


def missing_name(missing: Missing, words: Words) -> str:
    """What could not be formed: a reading, a measure, or a KPI by its id."""
    for family in ("reading", "measure"):
        if words.has(f"{family}.{missing.reading}"):
            return words(f"{family}.{missing.reading}")
    titles = {"paid": "paid.title", "levels": "levels.title"}
    if missing.reading in titles:
        return words(titles[missing.reading])
    return clean(missing.reading.replace("_", " "))


def missing_why(missing: Missing, words: Words) -> str:
    """Why it could not be formed, and the particulars."""
    key = f"missing.{missing.why}"
    sentence = words(key) if words.has(key) else clean(missing.why)
    particulars = "; ".join(f"{name}: {text}" for name, text in flat_also(missing.detail, "count", "", words))
    return f"{sentence.removesuffix('.')} ({particulars})." if particulars else sentence


def collapses(origin: Origin, words: Words) -> list[str]:
    """Of each import, how many rows count once with another, and whether as earlier states or as the same."""
    key = f"record.{origin.table}"
    record = words(key) if words.has(key) else words("record.any")
    found = []
    for one in origin.deliveries:
        same = one.collapsed - one.superseded
        told = [("origin.superseded", one.superseded), ("origin.alike", same)]
        said = [words(key, count=words.number(count), record=record) for key, count in told if count]
        if said:
            found.append(f"{clean(one.file)}: {'; '.join(said)}.")
    return found


def late_cells(late: Mapping[str, object], review: Review, words: Words) -> dict[str, str]:
    """A source's table, who delivers it, by when, and what came last."""
    by = late.get("by")
    state = late.get("late")
    unrecorded = bool(late.get("unrecorded"))
    never = words("late.unrecorded" if unrecorded else "late.never")
    told = {True: "late.late", False: "late.came" if unrecorded else "late.on_time"}
    return {
        "table": words.named("table", str(late.get("table") or DASH)),
        "by": str(by.value if isinstance(by, Side) else by or ""),
        "by_name": words.side(by if isinstance(by, (Side, str)) else None, review.parties),
        "due": due(str(late.get("due") or DASH), words),
        "last": never if late.get("last") in (None, "") else _moment(late["last"], words),
        "state": words(told[bool(state)]) if state is not None else words("word.not_known") if unrecorded else "",
        "late": "yes" if state else "",
    }


def due(said: str, words: Words) -> str:
    """When something is due, as book.toml says it (`monday 09:00`, `day 3`), in the reader's words."""
    match = _DUE.fullmatch(said)
    if match is None:
        return clean(said)
    day, time = match["day"], match["time"] or ""
    number = day.removeprefix("day ")
    spoken = words("late.day_of_month", day=number) if number != day else words(f"late.{day}")
    return words("late.at", day=spoken, time=time) if time else spoken


def needed(missing: Missing, words: Words) -> str:
    """The tables that something rests on."""
    return ", ".join(words.named("table", table) for table in missing.needs)


def _moment(value: object, words: Words) -> str:
    return words.day(value) if isinstance(value, date) else clean(str(value))
