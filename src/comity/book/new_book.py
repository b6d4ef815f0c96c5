"""A book from nothing: a `book.toml` that can be read at once, with all that may still be said in it as notes."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from comity.book.definition import FILE, UnusableBookError, parse_definition
from comity.book.definition_keys import KPI, RETENTION, SECTIONS, Key, KeyKind, Section
from comity.book.toml import toml_string
from comity.core.calendars import Cut
from comity.core.values import Side

_WIDTH = 110
_OPTIONAL = "#"  # before a line that may be used as it stands; notes have a blank after it


class Service(StrEnum):
    """What sort of work is done, which decides the first KPIs of a book."""

    CALLS = "calls"
    TICKETS = "tickets"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class NewBook:
    """What a new book has to be told."""

    customer: str
    provider: str
    timezone: str
    currency: str
    period: Cut
    service: Service
    name: str = ""  # over every review; empty: both names


def begin_book(folder: Path, new: NewBook) -> Path:
    """Write the `book.toml` of a new book, and nothing else; the folder may hold other files.

    :raises UnusableBookError: for a folder that is a book already or cannot be written, and for what no book can say
    """
    file = folder / FILE
    if file.exists() or file.is_symlink():
        msg = "already exists and is not overwritten; name another folder, or change it in an editor"
        raise UnusableBookError(msg, file=file)
    text = book_text(new)
    parse_definition(text, file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        what = "is a file" if not folder.is_dir() else "already exists and is not overwritten"
        raise UnusableBookError(f"{what}; name another folder", file=folder) from None
    except OSError as error:
        raise UnusableBookError(f"cannot be written: {error.strerror}", file=file) from None
    return file


def book_text(new: NewBook) -> str:
    """Return the `book.toml` of a new book: what was said, and every other section and key as a note.

    A line that begins with `#` and no blank says something once the `#` is taken away.
    """
    name = new.name or f"{new.customer} with {new.provider}"
    said: dict[str, Mapping[str, str]] = {
        "book": {
            "name": toml_string(name),
            "currency": toml_string(new.currency),
            "timezone": toml_string(new.timezone),
        },
        "parties.customer": {"id": toml_string(_id(new.customer, Side.CUSTOMER)), "name": toml_string(new.customer)},
        "parties.provider": {"id": toml_string(_id(new.provider, Side.PROVIDER)), "name": toml_string(new.provider)},
        "review": {"period": toml_string(new.period.value)},
    }
    lines = [
        *_note(
            f"The book of {' '.join(name.split())}: whose it is, and what was agreed. "
            "A line that begins with # and a blank is a note. "
            "One that begins with # alone is not said yet: take the # away and write what holds for you. "
            "`comity check` on this folder says whether all of it can be read."
        ),
        "",
    ]
    for section in SECTIONS:
        if section is KPI:
            for kpi in _KPIS[new.service]:
                lines += [*_written_kpi(kpi), ""]
        lines += [*_section(section, said.get(section.name)), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


# -- lines


def _section(section: Section, said: Mapping[str, str] | None) -> Iterator[str]:
    """A section with what was said in it, and the other keys as notes; a section of which nothing was said, all so."""
    off = _OPTIONAL if said is None else ""
    several = " Another one, with every key:" if section is KPI else ""
    yield from _note(f"{_sentence(section.title)} {section.meaning}{several}".strip())
    yield f"{off}{section.header}"
    keys = section.keys[:_SHOWN] if section is RETENTION else section.keys
    for key in keys:
        written = (said or {}).get(key.name)
        yield from _note(f"{key.name}: {key_words(key)}")
        yield f"{_OPTIONAL if written is None else ''}{key.name} = {written or key.example}"


_SHOWN = 2  # tables of [retention]; the others are written alike


def key_words(key: Key) -> str:
    """What a key means, the values it may have, and what holds without it."""
    words = key.meaning
    if key.values and key.kind is not KeyKind.PAIRS:
        words += f": {', '.join(key.values)}"
    if key.kind is KeyKind.PAIRS and key.names:
        words += f"; parts are {', '.join(key.names)}"
        words += f", each {', '.join(key.values[:-1])} or {key.values[-1]}" if key.values else ""
    without = default_words(key)
    return f"{words} (without it: {without})" if without else words


def default_words(key: Key) -> str:
    """What holds where a key is not written, in plain words; empty where there is nothing to say."""
    if key.default_words:
        return key.default_words
    if key.default is None or key.default == ():
        return ""
    if isinstance(key.default, tuple):
        return ", ".join(key.default)
    if isinstance(key.default, bool):
        return str(key.default).lower()
    return f"{key.default:g}" if isinstance(key.default, float) else str(key.default)


def _written_kpi(kpi: Mapping[str, str]) -> Iterator[str]:
    yield from _note(kpi["about"])
    yield KPI.header
    for name, value in kpi.items():
        if name == "target":
            yield from _note("target: what was agreed; without it the figure is shown and not judged")
            yield f"{_OPTIONAL}target = {value}"
        elif name != "about":
            yield f"{name} = {value}"


def _note(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _id(name: str, side: Side) -> str:
    """A short name that never changes, made of a long one; the side's own word where no Latin letter is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain)) or side.value


_CALLS: Sequence[Mapping[str, str]] = (
    {
        "about": "Answered in time. Agree with the other side on the seconds and on those who gave up: `comity review` "
        "shows what each formula gives.",
        "id": '"service_level"',
        "answer_within_s": "20",
        "short_abandon_s": "5",
        "abandons": '"exclude-short"',
        "target": "0.80",
    },
    {"about": "Those who gave up waiting.", "id": '"abandonment"', "short_abandon_s": "5", "target": "0.05"},
)
_TICKETS: Sequence[Mapping[str, str]] = (
    {"about": "Resolved by the time that was agreed for each.", "id": '"sla_attainment"', "target": "0.90"},
    {"about": "What was open at the end of the period.", "id": '"backlog"', "target": "100"},
)
# Beside tickets, calls have to be told from them: by their channel, or because they stand in intervals.
_VOICE = {"channels": '["voice"]'}
_BOTH = (*({"about": kpi["about"], "id": kpi["id"], **_VOICE, **kpi} for kpi in _CALLS), *_TICKETS)
_KPIS = {Service.CALLS: _CALLS, Service.TICKETS: _TICKETS, Service.BOTH: _BOTH}
