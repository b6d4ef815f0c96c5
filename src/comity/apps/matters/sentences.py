"""Texts about a matter in the reader's language."""

from datetime import date

from comity.apps.i18n import spoken_period
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from comity.review.i18n.words import Words

_TERMS = ("from_day", "to_day", "queue", "asked_for", "owner", "due_on")
_DAYS = {"from_day", "to_day", "due_on"}
_CHANGES = ("change", "add", "withdraw")


def must_answer(member: MemberContext, side: Side, words: Words) -> str:
    """Say that a side's answer is due."""
    return f"{member.party(words)(side)} {words('today.must_answer')}"


def matter_facts(matter: Matter, words: Words) -> list[tuple[str, str]]:
    """Return the facts of a matter as label and text, without empty ones."""
    owner = matter.owner.person.name if matter.owner else ""
    facts = [
        ("raise.kpi", words.named("measure", matter.kpi) if matter.kpi else ""),
        ("review.period", spoken_period(matter.period, words)),
        ("raise.queue", matter.queue),
        ("raise.event", words(f"event.{matter.event}") if matter.event else ""),
        ("raise.asked_for", words(f"claim.{matter.asked_for}") if matter.asked_for else ""),
        ("raise.from_day", words.day(matter.from_day) if matter.from_day else ""),
        ("raise.to_day", words.day(matter.to_day) if matter.to_day else ""),
        ("raise.owner", owner),
        ("raise.due_on", words.day(matter.due_on) if matter.due_on else ""),
        ("matter.began", words(f"began.{matter.began}")),
    ]
    return [(words(name), text) for name, text in facts if text]


def terms_line(step: Step, words: Words) -> str:
    """Return the terms of a step in one line; empty where it has none."""
    parts = [(words(f"raise.{name}"), _term(name, step.terms[name], words)) for name in _TERMS if name in step.terms]
    return "; ".join(f"{name}: {text}" for name, text in parts) + "." if parts else ""


def _term(name: str, value: str, words: Words) -> str:
    if name in _DAYS:
        return words.day(date.fromisoformat(value))
    return words(f"claim.{value}") if name == "asked_for" else value


def correction_counts(matter: Matter, words: Words) -> list[tuple[str, str]]:
    """Return how many rows a correction changes, adds and withdraws, and of which table; empty for other matters."""
    if matter.kind != Kind.CORRECTION:
        return []
    counts = [(name, matter.records["counts"].get(name, 0)) for name in _CHANGES]
    rows = [(words(f"correction.{name}"), words.number(count)) for name, count in counts if count]
    return [*rows, (words("origin.table"), words.named("table", matter.records["table"]))]
