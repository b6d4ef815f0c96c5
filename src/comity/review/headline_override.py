"""The headline that a person put in the draft's place: one small file a period, in the book, beside its draft."""

import json
from datetime import date
from pathlib import Path

from comity.book.definition import UnusableBookError
from comity.book.errors import UnusableFileError
from comity.book.storage.atomic import write_text
from comity.book.toml import TomlReader
from comity.core.calendars import Against
from comity.review.model import HeadlineOverride, Review

FOLDER = "wording"
LONGEST_TEXT, LONGEST_NAME = 600, 120  # characters
_NAMES = ("text", "by", "on", "draft")


class _Reader(TomlReader):
    error = UnusableBookError

    def wrong(self, place: str, message: str) -> UnusableFileError:
        """What is wrong, and how to go on."""
        return super().wrong(place, f"{message}; mend it, or remove it to return to the draft")


class UnusableHeadlineError(ValueError):
    """A headline that cannot stand on the page: one sentence that says why and the next step."""


def override_file(folder: Path, period: str) -> Path:
    """Where the words of a period (2026-Q2) are kept."""
    return folder / FOLDER / f"{period}.toml"


def read_override(folder: Path, period: str, against: Against) -> HeadlineOverride | None:
    """The words that a person gave a period's review held against that reference; None where there are none.

    :raises UnusableBookError: for a file that cannot be read, or that lacks one of text, by, on and draft
    """
    file = override_file(folder, period)
    if not file.is_file():
        return None
    content = _Reader(file).read()
    if content.get("against", Against.PREVIOUS.value) != against.value:
        return None
    on = content.get("on")
    texts = {name: content.get(name) for name in _NAMES if name != "on"}
    lacking = [name for name, value in texts.items() if not isinstance(value, str)]
    if lacking or not isinstance(on, date):
        names = ", ".join(lacking or ["on"])
        raise UnusableBookError(f"lacks {names}; write it anew with `comity headline --set`", file=file)
    return HeadlineOverride(one_line(str(texts["text"])), one_line(str(texts["by"])), on, one_line(str(texts["draft"])))


def write_override(folder: Path, review: Review, text: str, by: str, draft: str) -> HeadlineOverride:
    """Put a person's words in the place of the draft of a review, and keep the draft beside them.

    The file is whole or absent: it is written aside and put in place at once.

    :raises UnusableWordingError: for words or a name that are empty or too long
    """
    override = HeadlineOverride(one_line(text), one_line(by), review.made_on, one_line(draft))
    for what, value, longest in (("text", override.text, LONGEST_TEXT), ("name", override.by, LONGEST_NAME)):
        if not value:
            raise UnusableHeadlineError(f"the {what} is empty; say it with --{'set' if what == 'text' else 'by'}")
        if len(value) > longest:
            raise UnusableHeadlineError(f"the {what} has {len(value)} characters; keep it to {longest}")
    file = override_file(folder, review.name)
    file.parent.mkdir(exist_ok=True)
    lines = [f"# The headline of {review.name}, in a person's words; remove this file to return to the draft."]
    lines += [f"{name} = {_toml(getattr(override, name))}" for name in _NAMES]
    lines.append(f"against = {_toml(review.against.value)}")
    write_text(file, "\n".join(lines) + "\n")
    return override


def clear_override(folder: Path, period: str) -> bool:
    """Return to the draft; whether there were words to remove."""
    file = override_file(folder, period)
    if not file.is_file():
        return False
    file.unlink()
    return True


def one_line(text: str) -> str:
    """The text without line ends, doubled blanks and characters that TOML or a terminal cannot bear."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())


def _toml(value: str | date) -> str:
    """A value as TOML writes it; the escapes of JSON's strings are TOML's too."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
