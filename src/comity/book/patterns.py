"""Patterns that people write, over headers and names: matched by RE2, which takes time in proportion to the text.

Python's own matcher can take centuries over thirty letters, such as `(a+)+c` over a long row of a's.
"""

import pyarrow as pa
import pyarrow.compute as pc


def pattern_error(pattern: str) -> str | None:
    """What RE2 has against a pattern, in its own words; None where nothing."""
    try:
        pc.match_substring_regex(pa.scalar(""), pattern=pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def match_whole(pattern: str, texts: list[str]) -> list[bool]:
    """Which of the texts a pattern matches from end to end; capitals do not matter."""
    found = pc.match_substring_regex(pa.array(texts, pa.string()), pattern=f"^(?:{pattern})$", ignore_case=True)
    return [bool(one) for one in found.to_pylist()]


def match_groups(pattern: str, texts: list[str]) -> list[dict[str, str] | None]:
    """What the groups take of each text that the pattern matches from end to end; capitals do not matter."""
    found: list[dict[str, str] | None] = pc.extract_regex(
        pa.array(texts, pa.string()), pattern=f"(?i)^(?:{_name_groups(pattern)})$"
    ).to_pylist()
    return found


def search_groups(pattern: str, text: str) -> dict[str, str] | None:
    """What the groups take of a text in which the pattern occurs; a group without a name is `group1`, `group2`, ..."""
    found: dict[str, str] | None = pc.extract_regex(
        pa.array([text], pa.string()), pattern=_name_groups(pattern)
    ).to_pylist()[0]
    return found


def _name_groups(pattern: str) -> str:
    """The pattern with a name for each group, which Arrow asks for."""
    pieces, place, count, within = [], 0, 0, False
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            pieces.append(pattern[place : place + 2])
            place += 2
            continue
        if within:
            within = sign != "]"
        elif sign == "[":
            within = True
            skip = 1 + (pattern[place + 1 : place + 2] == "^")
            skip += pattern[place + skip : place + skip + 1] == "]"  # a bracket that comes first is one of the signs
            pieces.append(pattern[place : place + skip])
            place += skip
            continue
        elif sign == "(" and pattern[place + 1 : place + 2] != "?":
            count += 1
            sign = f"(?P<group{count}>"
        pieces.append(sign)
        place += 1
    return "".join(pieces)
