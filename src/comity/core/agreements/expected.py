"""What to write where a value cannot stand: a sentence in English, with a key for those who say it in other words."""

from collections.abc import Mapping
from typing import Self

# Without its full stop. Names in braces are filled in; a room has the same keys in its words, below [problem].
EXPECTED: Mapping[str, str] = {
    "one_of": "write one of {names}",
    "list": "write a {many} of values, each {each}",
    "unique": "write each {name} once",
    "line": "write one line",
    "blank": "write more than blanks",
    "text": "write a text",
    "length": "write at most {most} characters",
    "control": "leave out control characters",
    "direction": "leave out marks that turn the direction of writing",
    "flag": "write true or false",
    "whole": "write a whole number",
    "whole_between": "write a whole number from {least} to {most}",
    "whole_least": "write a whole number of {least} or more",
    "whole_most": "write a whole number of {most} or less",
    "number": "write a number in plain digits, such as 0.8",
    "number_between": "write a number from {least} to {most}",
    "number_least": "write a number of {least} or more",
    "number_most": "write a number of {most} or less",
    "day": "write a day as 2026-08-01",
    "month": "write a month as 2026-08",
    "time": "write a time from 00:00 to 23:59",
    "end_time": "write a time from 00:01 to 24:00",
    "zone": "write a time zone such as Europe/Madrid",
    "digest": "write a SHA-256, 64 hexadecimal digits in lower case",
    "clause": "write the id of a clause",
    "record": "write a record of {names}",
    "part": "leave it out, or write one of {names}",
    "missing": "write {what}",
    "pairs": "write pairs of texts",
    "pairs_unique": "write each name once",
    "unknown": "leave it out; a {kind} has {names}",
    "formula": "write one of {names}, which {measure} can be counted by",
    "misses": "write at least as many periods as misses",
    "day_after": "write a day after the first",
    "renews": "write for how many months it renews by itself",
    "notice_months": "write how many months of notice end it, 0 for none",
    "baseline": "write baseline, deadband, arc and rrc, or none of them",
    "bands": "leave them out where the price goes around a baseline",
    "index": "write series, base month and base value, or none of them",
    "credit_services": "name the services that a credit is taken of",
    "silence": "write in how many working days a {matter} is answered; silence counts only after it",
    "hours": "write hours that end after they begin, on the same day",
    "signers": "name roles or people who may sign",
    "on_behalf": "a side writes in the other's name only what it carries out itself, such as an instruction",
    "expects": "write what it should bring, or why nothing is expected",
}


class Expected(str):
    """The next step, as its English sentence.

    :ivar key: of `EXPECTED`
    :ivar names: what is filled in
    """

    __slots__ = ("key", "names")
    key: str
    names: Mapping[str, object]

    def __new__(cls, key: str, **names: object) -> Self:
        """Make the sentence of a key.

        :raises KeyError: for an unknown key
        """
        made = super().__new__(cls, EXPECTED[key].format(**names))
        made.key, made.names = key, names
        return made
