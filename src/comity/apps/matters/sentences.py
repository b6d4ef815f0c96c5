"""What the pages of matters say of one, as finished text."""

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
    """That a side's answer is waited for."""
    return f"{member.party(words)(side)} {words('today.must_answer')}"


def about(matter: Matter, words: Words) -> list[tuple[str, str]]:
    """What a matter is about, each with its name; what was not said is left out."""
    owner = matter.owner.person.name if matter.owner else ""
    said = [
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
    return [(words(name), text) for name, text in said if text]


def terms(step: Step, words: Words) -> str:
    """What lies on the table since a step, in one line."""
    said = [(words(f"raise.{name}"), _term(name, step.terms[name], words)) for name in _TERMS if name in step.terms]
    return "; ".join(f"{name}: {text}" for name, text in said) + "." if said else ""


def _term(name: str, value: str, words: Words) -> str:
    if name in _DAYS:
        return words.day(date.fromisoformat(value))
    return words(f"claim.{value}") if name == "asked_for" else value


def counts(matter: Matter, words: Words) -> list[tuple[str, str]]:
    """How many rows a correction would change, by what it would do, and of which table; of other matters nothing."""
    if matter.kind != Kind.CORRECTION:
        return []
    found = [(name, matter.records["counts"].get(name, 0)) for name in _CHANGES]
    rows = [(words(f"correction.{name}"), words.number(count)) for name, count in found if count]
    return [*rows, (words("origin.table"), words.named("table", matter.records["table"]))]
