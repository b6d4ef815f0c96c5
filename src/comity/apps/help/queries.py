"""The glossary and the concept pages, read from the documentation."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

# Pages of the documentation for people of both sides, in reading order; the others are for administrators and
# engineers.
# What to do, step by step.
TASKS = (
    "tasks/today",
    "tasks/import-a-file",
    "tasks/match-columns",
    "tasks/personal-data",
    "tasks/invite-people",
    "tasks/agree-on-kpis",
    "tasks/dispute-a-figure",
    "tasks/close-a-month",
    "tasks/change-the-agreement",
    "tasks/take-your-copy",
    "tasks/use-the-api",
)
CONCEPTS = (
    "signing",
    "concepts",
    "first-review",
    "levels",
    "attribution",
    "paid",
    "target-cost",
    "queueing",
    "readings/satisfaction",
    "readings/service_level",
    "readings/sla_attainment",
    "readings/revenue",
)
_TERM = re.compile(r"^\*\*([^*]+)\*\* *\n(.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_WORD_ROW = re.compile(r"^\|([^|]+)\|([^|]+)\|([^|]+)\|[^|]*\|$", re.MULTILINE)
LinkTo = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Term:
    """A noun of the glossary and its meaning, in English."""

    noun: str
    meaning: str

    @property
    def anchor(self) -> str:
        """The fragment of its place on the glossary's page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.noun.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class ScreenWord:
    """A concept and its one word on screen, in each language."""

    concept: str
    en: str
    es: str


@dataclass(frozen=True, slots=True)
class Concept:
    """A page of the documentation.

    :ivar name: in URLs
    """

    name: str
    title: str
    text: str


def _source(name: str) -> str:
    """Return a file of the documentation: from the installed package, or from the checkout that it runs in."""
    packaged = resources.files("comity").joinpath("docs", f"{name}.md")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[4] / "docs" / f"{name}.md").read_text(encoding="utf-8")


@cache
def terms() -> tuple[Term, ...]:
    """Return the glossary's terms, by noun."""
    text = _source("glossary").partition("\n## Terms\n")[2]
    return tuple(Term(noun, " ".join(meaning.split())) for noun, meaning in _TERM.findall(text))


@cache
def screen_words() -> tuple[ScreenWord, ...]:
    """Return the words on screen, in the glossary's order."""
    text = _source("glossary").partition("\n## Words on screen\n")[2].partition("\n## Terms\n")[0]
    rows = [ScreenWord(*(cell.strip() for cell in row)) for row in _WORD_ROW.findall(text)]
    return tuple(row for row in rows if row.concept != "Concept" and not row.concept.startswith("-"))


def term(noun: str) -> Term:
    """Return one term.

    :raises KeyError: for a noun that the glossary does not have
    """
    return {one.noun: one for one in terms()}[noun]


@cache
def tasks(language: str) -> dict[str, Concept]:
    """Return the pages that say how something is done, by name, in the order of a first month; each is translated."""
    return _pages([translated(source, language) for source in TASKS])


def translated(source: str, language: str) -> str:
    """Return the source of a task in a language."""
    return source if language == "en" else source.replace("tasks/", f"tasks/{language}/")


@cache
def concepts() -> dict[str, Concept]:
    """Return the concept pages by name, in reading order."""
    return _pages(CONCEPTS)


def pages(language: str) -> dict[str, Concept]:
    """Return all pages of the documentation that the room shows, by name; concepts are in English alone."""
    return tasks(language) | concepts()


def _pages(sources: Sequence[str]) -> dict[str, Concept]:
    pages = {}
    for source in sources:
        text, name = _source(source), source.rpartition("/")[2]
        pages[name] = Concept(name, text.partition("\n")[0].removeprefix("# "), text.partition("\n")[2])
    return pages


def concept_html(concept: Concept, link_to: LinkTo) -> Markup:
    """Render a concept page; markup within the text is escaped.

    :param link_to: gives the URL of another page of the documentation; None where the room has no such page
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(concept.text)
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, link_to))
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the parser escapes all text


def _linked(tokens: list[Token], link_to: LinkTo) -> Iterator[Token]:
    """Yield tokens with links to pages of the room; images, and links elsewhere, are left out."""
    drops = False
    for token in tokens:
        if token.type == "image":
            continue
        if token.type == "link_open":
            target = str(token.attrs["href"])
            address = target if target.startswith("#") else link_to(Path(target.partition("#")[0]).stem)
            drops = address is None
            if address is not None:
                token.attrs["href"] = address
        if token.type in {"link_open", "link_close"} and drops:
            continue
        yield token
