"""Chains of agreed changes: written out, and random ones that say a word for each meeting."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from comity.core.agreements.changes import AddClause, Change, Edit, Entry, RemoveClause, SetField, Span, Word
from comity.core.agreements.clauses import check_fields
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import Chain, check_change, unsettled_meetings

MADRID = ZoneInfo("Europe/Madrid")
FIRST = date(2026, 1, 1)
ANDALUSIA = [{"day": f"2026-12-{day:02}"} for day in (7, 8, 25)]
CZECHIA = [{"day": f"2026-12-{day:02}"} for day in (24, 25)]


def at(day: int, month: int, hour: int = 10, minute: int = 0, year: int = 2026) -> datetime:
    """A moment in Madrid."""
    return datetime(year, month, day, hour, minute, tzinfo=MADRID)


def add(clause: str, kind: Kind, after: str = "", **written: object) -> AddClause:
    """An addition, its fields as people write them."""
    values, problems = check_fields(clause, kind, written)
    assert problems == []
    return AddClause(clause, kind, values, after)


def calendar(clause: str = "calendar", **written: object) -> AddClause:
    """A calendar of Madrid: the provider with the free days of Andalusia, the customer with those of Czechia."""
    days = {"provider_free_days": ANDALUSIA, "customer_free_days": CZECHIA}
    return add(clause, Kind.CALENDAR, **({"zone": "Europe/Madrid"} | days | written))


def change(number: int, first_day: date, *edits: Edit, end: date | None = None, words: Iterable[Word] = ()) -> Change:
    """A change."""
    return Change(number, Span(first_day, end), tuple(edits), tuple(words))


def chain(*changes: Change) -> list[Entry]:
    """The changes, agreed one after the other at places 10, 20, 30 and so on."""
    return [Entry(10 * place, one) for place, one in enumerate(changes, 1)]


def settled(one: Change, entries: Chain, *, instead: bool | Mapping[int, bool] | Random) -> Change:
    """The change with a word for each meeting that lacks one."""

    def word(other: int) -> bool:
        if isinstance(instead, Random):
            return instead.random() < 0.5
        return instead if isinstance(instead, bool) else instead[other]

    words = tuple(Word(met.other, met.clause, met.field, word(met.other)) for met in unsettled_meetings(one, entries))
    return replace(one, words=(*one.words, *words))


def first_change() -> Change:
    """A first text of five clauses."""
    return change(
        1,
        FIRST,
        calendar(),
        add("sl", Kind.KPI, "calendar", measure="service_level", target="0.8"),
        add("csat", Kind.KPI, "sl", measure="csat", target="0.7"),
        add("voice", Kind.PRICE, "csat", service="Voice", unit="contact", currency="EUR", price="4.2"),
        add("notice", Kind.NOTICE, "voice", hours=15, kpi=5),
    )


def random_edit(rng: Random, number: int) -> Edit:
    """An edit of one of a few fields, a removal, or an addition."""
    draw = rng.random()
    if draw < 0.12:
        return RemoveClause(rng.choice(["csat", "sl", f"p{rng.randrange(2, max(number, 3))}"]))
    if draw < 0.24:
        return add(f"p{number}", Kind.PROSE, rng.choice(["", "sl", "csat"]), text=f"Text {number}.", language="en")
    clause, field = rng.choice(
        [("sl", "target"), ("sl", "material"), ("csat", "target"), ("voice", "price"), ("calendar", "open_sun")]
    )
    if field == "open_sun":
        return SetField(
            clause,
            field,
            rng.choice([None, [{"channels": ["*"], "closes": "14:00", "opens": "09:00", "queues": ["*"]}]]),
        )
    return SetField(clause, field, f"0.{rng.randrange(1, 10)}{number}".rstrip("0"))


def random_change(rng: Random, number: int, entries: Chain) -> Change | None:
    """A change that can be agreed after the others; None where this draw gave none."""
    first_day = FIRST + timedelta(days=rng.randrange(0, 60))
    end = first_day + timedelta(days=rng.randrange(1, 20)) if rng.random() < 0.4 else None
    edits = {
        (edit.clause, getattr(edit, "field", "")): edit
        for edit in (random_edit(rng, number) for _ in range(rng.randrange(1, 4)))
    }
    one = settled(change(number, first_day, *edits.values(), end=end), entries, instead=rng)
    return None if check_change(one, entries) else one


def random_chain(rng: Random, length: int) -> list[Entry]:
    """A chain of changes that each could be agreed after the others."""
    entries = chain(first_change())
    for number in range(2, length + 2):
        one = random_change(rng, number, entries)
        if one is not None:
            entries.append(Entry(entries[-1].place + rng.randrange(1, 5), one))
    return entries
