"""The room's words: those of the review, and those of each app beside its templates, as one catalogue a language."""

import tomllib
from functools import cache
from importlib import resources

from comity.core.calendars import UnknownPeriodError, named
from comity.review.i18n.words import LOCALES, Words, catalogue, flatten

APPS = (
    "help", "parties", "personal", "audit", "outbox", "record", "replies", "books", "kpis", "agreements", "priorities",
    "ledger", "matters", "mailbox", "reviews", "first_run", "notifications", "today",
)  # fmt: skip


@cache
def words_for(language: str) -> Words:
    """Every word of a language.

    :raises comity.review.i18n.words.UnknownLanguageError: for a language without a catalogue
    """
    sentences = dict(catalogue(language))
    for app in APPS:
        file = resources.files(f"comity.apps.{app}").joinpath("words", f"{language}.toml")
        if file.is_file():
            sentences |= flatten(tomllib.loads(file.read_text(encoding="utf-8")))
    return Words(language, sentences)


def language() -> str:
    """The reader's, as far as it is spoken here."""
    from django.utils.translation import get_language  # noqa: PLC0415 - late: the command line may have no Django

    asked = (get_language() or "en")[:2]
    return asked if asked in LOCALES else "en"


def spoken_period(name: str, words: Words) -> str:
    """The name of a period, as addresses have it (2026-06), in words; what is none stands as it was."""
    try:
        calendar, period = named(name)
    except UnknownPeriodError:
        return name
    return words.period(period, calendar.cut)
