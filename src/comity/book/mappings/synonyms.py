"""What the columns of our tables are called in people's files, and how well a header fits such a name."""

import difflib
import importlib.resources
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from comity.book.formats.sheet import one_line
from comity.book.mappings.headers import headers_of
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.tables import TABLES

NEAR = 0.86  # from here on a header is taken for a column
_EXTRA_WORD = 0.045  # what each further word of a header takes away
_FEWEST_SIGNS = 5  # of a name that may be misspelt
_SHARED = frozenset({"contact_id", "queue", "channel", "team", "account_id"})  # the same in every table
_OF_INTERVALS = ("queue", "start")  # the same in every report that is cut into intervals
_FILLERS = frozenset(
    "of the a an in on at de la el los las del der die das des du le les da do dos il lo".split()  # noqa: SIM905 - words
)


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a column, taken apart."""

    words: str
    tokens: frozenset[str]


@lru_cache(maxsize=4096)
def words_of(header: str) -> str:
    """A header as its words alone, without accents, capitals and the unit in brackets at its end."""
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", one_line(header))
    plain = unicodedata.normalize("NFKD", spaced.casefold())
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark)).replace("º", "o").replace("°", "o")
    plain = re.sub(r"(?<=[a-z]{3})s?nr\b", "nummer", plain)  # Rechnungsnr. is the Rechnungsnummer
    bare = re.sub(r"\s*[(\[][^()\[\]]*[)\]]$", "", plain)
    bare = re.sub(r"(?<=\w)[\s_]+(in[\s_]+)?(eur|euro|euros|usd|gbp|chf|€|\$|£)$", "", bare)  # Betrag EUR is a Betrag
    return re.sub(r"[\W_]+", " ", bare or plain).strip()


def names(texts: Iterable[str]) -> tuple[Name, ...]:
    """Names taken apart, each once."""
    words = dict.fromkeys(filter(None, map(words_of, texts)))
    return tuple(Name(one, frozenset(one.split()) - _FILLERS or frozenset(one.split())) for one in words)


def similarity(header: str, known: Sequence[Name]) -> float:
    """How well a header fits the best of some names: 1 for the name itself, 0 for nothing of it."""
    words = words_of(header)
    tokens = frozenset(words.split()) - _FILLERS
    best = 0.0
    for name in known:
        if name.words == words:
            return 1.0
        if name.tokens <= tokens:
            best = max(best, 0.97 - _EXTRA_WORD * (len(tokens) - len(name.tokens)))
        elif (
            len(words) >= _FEWEST_SIGNS
            and abs(len(words) - len(name.words)) <= 2  # noqa: PLR2004 - a slip or two
            and _most_ratio(words, name.words) * 0.98 > best
        ):
            best = max(best, _ratio(words, name.words) * 0.98)
    return best


# Both are asked of the same few headers for every table and row that may be the one of headers.
@lru_cache(maxsize=32_768)
def _most_ratio(one: str, other: str) -> float:
    """At least `_ratio`, and quick."""
    return difflib.SequenceMatcher(None, one, other).quick_ratio()


@lru_cache(maxsize=32_768)
def _ratio(one: str, other: str) -> float:
    """How nearly two texts are written alike, from 0 to 1."""
    return difflib.SequenceMatcher(None, one, other).ratio()


@cache
def known_names() -> dict[str, dict[str, tuple[Name, ...]]]:
    """Table -> column -> what the column is called in the sources that we know."""
    texts = _declared_and_listed()
    for shipped in shipped_mappings():
        mapping = read_mapping(shipped)
        for column, value in mapping.columns.items():
            read = [one for one in headers_of(value, mapping.let) if not one.startswith("re:")]
            texts[mapping.table][column] += read
    for table in ("forecasts", "schedules"):
        for column in _OF_INTERVALS:
            texts[table][column] += texts["intervals"][column]
    # What a table has no names for, such as the contact that a survey was about, is called what it is called elsewhere.
    for table, columns in texts.items():
        for column in _SHARED - _listed().get(table, {}).keys():
            if column in columns:
                columns[column] += texts["contacts"][column]
    return {table: {column: names(said) for column, said in columns.items()} for table, columns in texts.items()}


def _declared_and_listed() -> dict[str, dict[str, list[str]]]:
    """Table -> column -> its own name, and those of `synonyms.toml`."""
    texts = {
        table: {column.name: [column.name, column.name.replace("_", " ")] for column in one.columns}
        for table, one in TABLES.items()
    }
    for table, columns in _listed().items():
        if table != "beside":
            for column, said in columns.items():
                texts[table][column] += said
    return texts


@cache
def names_beside(what: str) -> tuple[Name, ...]:
    """What a `wait` or a `clock` is called: columns that are read only together with others."""
    return names(_listed()["beside"][what])


@cache
def _listed() -> dict[str, dict[str, list[str]]]:
    text = (importlib.resources.files("comity.book.mappings") / "synonyms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
