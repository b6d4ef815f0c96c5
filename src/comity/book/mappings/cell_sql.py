"""How a cell as people write it becomes a value: one DuckDB expression a kind, over text that is trimmed and not empty.

Days and instants written by their parts, clocks and durations in all their spellings, numbers with commas, flags in
several languages. What is ambiguous (1:30, 1,23 where a point is the decimal) is refused and not guessed.
"""

import re

from comity.book.mappings.model import CellKind
from comity.book.storage.sql import literal
from comity.book.tables import Column, Kind
from comity.book.validation.convert import cell_value_sql, local_day_sql, local_to_utc_sql

_TIMES = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S.%f",
    ", %H:%M",
    ", %H:%M:%S",
    " %I:%M:%S%p",
)
TIME_CELLS = "m:ss-cells"  # a clock: minutes and seconds that a spreadsheet took for hours and minutes
SWAPPED = "swapped"  # a format: true dates whose day and month a spreadsheet has exchanged
_ORDERS = {"day-first": ("%d", "%m"), "month-first": ("%m", "%d")}
TRUE = ("true", "1", "yes", "y", "t", "on", "x", "si", "sí", "s", "oui", "ja", "wahr", "verdadero", "vrai", "✓")
FALSE = ("false", "0", "no", "n", "f", "off", "non", "nein", "falsch", "falso", "faux")

_AMOUNT = r"\d+(?:[.]\d+)?"
_WORDS = "wdhms"  # weeks, days, hours, minutes, seconds, as in 1h 20m
_SPELT = "(?:-|−)?" + "".join(rf"(?:[ ,]*{_AMOUNT}\s*{unit}[a-z]*)?" for unit in _WORDS)
_SCALES = (604800, 86400, 3600, 60, 1)
_PERIOD = r"(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.]\d+)?)S)?)?"
_END_OF_DAY = r"24:00(:00([.]0+)?)?"
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DAY_CELL = r"1900-01-\d{2} \d{2}:\d{2}:\d{2}([.]\d+)?"  # more than a day, as a spreadsheet without [h] shows it


# Months as software spells them in English, Spanish, Portuguese, German, French and Italian: no word is two months.
_MONTHS = {
    "Jan": "jan ene janv gen jän jänner januar enero janvier janeiro gennaio",
    "Feb": "feb fev févr fév febr februar febrero février fevereiro febbraio",
    "Mar": "mar mär mrz märz mars marzo março",
    "Apr": "apr abr avr april abril avril aprile",
    "May": "may mai mayo maio maggio mag",
    "Jun": "jun juin giu juni junio junho giugno",
    "Jul": "jul juil lug juli julio julho juillet luglio",
    "Aug": "aug ago août aoû agosto august",
    "Sep": "sep sept set septiembre setiembre september septembre setembro settembre",
    "Oct": "oct okt out ott octubre oktober octobre outubro ottobre",
    "Nov": "nov noviembre november novembre novembro",
    "Dec": "dec dic dez déc diciembre dezember décembre dezembro dicembre",
}
_MONTH_OF = {word: month for month, words in _MONTHS.items() for word in words.split()}
_MONTH_WORD = rf"(?i)(^|[^\pL])({'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})[.]?([^\pL.]|$)"
_HALF_OF_DAY = r"(?i)[ \x{00a0}\x{202f}]*([ap])[.]?[ \x{00a0}\x{202f}]?m[.]?$"


def _english_sql(text: str) -> str:
    """A date whose month has a name, as English abbreviates it: 19/ene/26 12:47 p. m. is 19/Jan/26 12:47 PM."""
    words = f"MAP {{{', '.join(f'{literal(word)}: {literal(month)}' for word, month in _MONTH_OF.items())}}}"
    month = f"({words})[lower(regexp_extract({text}, {literal(_MONTH_WORD)}, 2))]"
    named = f"regexp_replace({text}, {literal(_MONTH_WORD)}, '\\1' || {month} || '\\3')"
    return f"regexp_replace(coalesce({named}, {text}), {literal(_HALF_OF_DAY)}, ' \\1m')"


def _try_spelt(text: str, formats: list[str]) -> str:
    """The first of the formats that fits; of those with a month by its name, in any of the languages that are known."""
    tried = f"try_strptime({text}, [{', '.join(map(literal, formats))}])"
    named = [one for one in formats if "%b" in one]
    if not named:
        return tried
    return f"coalesce({tried}, try_strptime({_english_sql(text)}, [{', '.join(map(literal, named))}]))"


def _spelt(formats: tuple[str, ...], *, zoned: bool) -> list[str]:
    return [one for one in formats if "%" in one and ("%z" in one) is zoned]


def _ordered_sql(text: str, first: str, second: str) -> str:
    """Day and month in the order said, with / or . or - between, a year of two or four digits, and a clock or none."""
    even = f"(translate(left({text}, 10), '.-', '//') || substr({text}, 11))"

    def tried(year: str) -> str:
        spelt = ", ".join(literal(f"{first}/{second}/{year}{time}") for time in _TIMES)
        return f"try_strptime({even}, [{spelt}])"

    # %Y takes 26 for the year 26, so that what it finds there is not believed.
    return f"CASE WHEN year({tried('%Y')}) >= 1000 THEN {tried('%Y')} ELSE {tried('%y')} END"


def local_by_format_sql(text: str, formats: tuple[str, ...]) -> str:
    """The local time that is written in one of the formats; NULL where none fits. 24:00 is the end of its day."""
    ends = f"regexp_matches({text}, '[T ]{_END_OF_DAY}$')"
    turned = f"regexp_replace({text}, '([T ]){_END_OF_DAY}$', '\\1' || '00:00')"
    at_midnight = _local_by_format_sql(turned, formats)
    iso = f"TRY_CAST(replace({turned}, 'T', ' ') AS TIMESTAMP)"
    return (
        f"CASE WHEN {ends} THEN coalesce({at_midnight}, {iso}) + INTERVAL 1 DAY "
        f"ELSE {_local_by_format_sql(text, formats)} END"
    )


def _local_by_format_sql(text: str, formats: tuple[str, ...]) -> str:
    plain = _spelt(formats, zoned=False)
    arms = [_try_spelt(text, plain)] if plain else []
    arms += [_ordered_sql(text, *_ORDERS[one]) for one in formats if one in _ORDERS]
    if "excel" in formats:
        # Excel's day 60 is a 29 February 1900 that never was; no record of ours is that old.
        number = f"TRY_CAST({text} AS DOUBLE)"
        arms.append(
            f"CASE WHEN {number} BETWEEN 61 AND 109574 THEN TIMESTAMP '1899-12-30' "
            f"+ to_microseconds(CAST(round({number} * 86400) * 1000000 AS BIGINT)) END"
        )
    if SWAPPED in formats:
        turned = f"regexp_replace({text}, '^(\\d{{4}})-(\\d{{2}})-(\\d{{2}})', '\\1-\\3-\\2')"
        iso = f"regexp_full_match({text}, '\\d{{4}}-\\d{{2}}-\\d{{2}}([T ].*)?')"
        arms.insert(0, f"CASE WHEN {iso} THEN TRY_CAST({turned} AS TIMESTAMP) END")
    # A bare day is its first moment; as software exports it, 2026-01-31 stands where a time is meant.
    bare = f"CASE WHEN regexp_full_match({text}, '\\d{{4}}-\\d{{2}}-\\d{{2}}') THEN TRY_CAST({text} AS TIMESTAMP) END"
    return f"coalesce({', '.join([*arms, bare])})"


def bare_day_sql(text: str, formats: tuple[str, ...]) -> str:
    """The day that is written without a time of day, in one of the formats; NULL where there is a time, or no day."""
    days = [one for one in _spelt(formats, zoned=False) if not re.search("%[HIMSfp]", one)]
    arms = [_try_spelt(text, days)] if days else []
    clockless = f"NOT contains({text}, ':')"
    arms += [f"CASE WHEN {clockless} THEN {_ordered_sql(text, *_ORDERS[one])} END" for one in formats if one in _ORDERS]
    if "excel" in formats:
        arms.append(
            f"CASE WHEN regexp_full_match({text}, '\\d+([.]0+)?') THEN {local_by_format_sql(text, ('excel',))} END"
        )
    arms.append(f"CASE WHEN regexp_full_match({text}, '\\d{{4}}-\\d{{2}}-\\d{{2}}') THEN TRY_CAST({text} AS DATE) END")
    return f"CAST(coalesce({', '.join(arms)}) AS DATE)"


def utc_by_format_sql(text: str, formats: tuple[str, ...]) -> str:
    """The instant that is written with its own offset, or as seconds since 1970, in one of the formats."""
    arms = []
    zoned = _spelt(formats, zoned=True)
    if zoned:
        arms.append(f"(try_strptime({text}, [{', '.join(map(literal, zoned))}]) AT TIME ZONE 'UTC')")
    for name, scale in (("unix", 1_000_000), ("unix-ms", 1000)):
        if name in formats:
            number = f"TRY_CAST({text} AS DOUBLE)"
            sane = f"abs({number}) * {scale} < 7.3e15"  # up to the year 2200
            arms.append(f"CASE WHEN {sane} THEN make_timestamp(CAST(round({number} * {scale}) AS BIGINT)) END")
    return f"coalesce({', '.join(arms)})" if arms else "CAST(NULL AS TIMESTAMP)"


def iso_instant_sql(text: str, zone: str) -> str:
    """An instant in ISO 8601; without an offset it is local to the zone."""
    said = f"regexp_replace({text}, '^(\\d{{4}}-\\d{{2}}-\\d{{2}}[T ])(\\d:)', '\\10\\2')"
    said = f"regexp_replace({said}, ' (UTC|GMT)$', 'Z')"
    return cell_value_sql(Column("", Kind.INSTANT, ""), said, zone)


def to_utc_sql(local: str, zone: str) -> str:
    """A local time in UTC; NULL where the clocks jump over it."""
    return local_to_utc_sql(local, zone)


def iso_day_sql(text: str, zone: str, book_zone: str) -> str:
    """A day in ISO 8601, or the day on which an instant falls where the book is; a bare midnight is its day."""
    plain = f"regexp_full_match({text}, '\\d{{4}}-\\d{{2}}-\\d{{2}}([T ]00:00(:00([.]0+)?)?)?')"
    here = local_day_sql(iso_instant_sql(text, zone), book_zone)
    return f"CASE WHEN {plain} THEN TRY_CAST(left({text}, 10) AS DATE) ELSE {here} END"


def iso_month_sql(text: str) -> str:
    """A month 2026-05, or the month of a day or local time."""
    shape = f"regexp_full_match({text}, '\\d{{4}}-\\d{{2}}(-\\d{{2}}([T ].*)?)?')"
    return (
        f"CASE WHEN {shape} AND TRY_CAST(rpad(left({text}, 10), 10, '-01') AS DATE) IS NOT NULL "
        f"THEN TRY_CAST(left({text}, 7) || '-01' AS DATE) END"
    )


def clock_sql(text: str) -> str:
    """A time of day as seconds since midnight: 9:05, 09:05:30, 9:05 PM, or the clock of an ISO time."""
    bare = f"regexp_replace({text}, '^\\d{{4}}-\\d{{2}}-\\d{{2}}[T ]', '')"
    forms = ["%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p", "%H:%M:%S.%f"]
    read = f"try_strptime({bare}, {forms})"
    end = f"regexp_full_match({bare}, '{_END_OF_DAY}')"
    return f"CASE WHEN {end} THEN 86400.0 ELSE epoch_us(CAST({read} AS TIME)) / 1e6 END"


def number_sql(text: str, decimal: str) -> str:
    """A number as plain text: thousands, percent, currency signs, brackets and a minus behind taken out."""
    mark = "." if decimal == "," else ","
    bare = f"regexp_replace({text}, '^[€$£¥ ]+|[€$£¥ ]+$', '', 'g')"
    bare = f"regexp_replace({bare}, '^\\((.*)\\)$', '-\\1')"
    bare = f"regexp_replace({bare}, '^([^-−].*[\\d%]) ?[-−]$', '-\\1')"
    bare = f"replace(regexp_replace({bare}, '^(-?)[€$£¥ ]+', '\\1'), '−', '-')"
    group = rf"[{mark}''’ \x{{00a0}}\x{{202f}}]"
    point = r"\." if decimal == "." else ","
    grouped = rf"[+-]?\d{{1,3}}({group}\d{{3}})+({point}\d+)? ?%?"
    plain = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,3}})? ?%?"
    cleaned = f"regexp_replace({bare}, '{group}|%|^\\+', '', 'g')"
    cleaned = cleaned if decimal == "." else f"replace({cleaned}, ',', '.')"
    return (
        f"CASE WHEN regexp_full_match({bare}, '{plain}') OR regexp_full_match({bare}, '{grouped}') THEN "
        f"CASE WHEN right({bare}, 1) = '%' THEN {number_text_sql(f'TRY_CAST({cleaned} AS DOUBLE) / 100')} "
        f"ELSE {cleaned} END END"
    )


def number_text_sql(number: str) -> str:
    """A double as plain text, whole ones without decimals, others to nine of them."""
    return (
        f"CASE WHEN ({number}) = floor({number}) AND abs({number}) < 1e15 "
        f"THEN CAST(CAST(({number}) AS BIGINT) AS VARCHAR) ELSE CAST(round({number}, 9) AS VARCHAR) END"
    )


def seconds_sql(text: str, unit: str, decimal: str, clock: str | None) -> str:
    """A duration in seconds: a number of units, H:MM:SS of any length, ISO 8601, 1h 20m, or parts as `clock` says."""
    number = f"TRY_CAST({number_sql(text, decimal)} AS DOUBLE)"
    sign = f"CASE WHEN left({text}, 1) IN ('-', '−') THEN -1 ELSE 1 END"
    bare = f"ltrim({text}, '-−+ ')"

    def part(place: int) -> str:
        return f"TRY_CAST(split_part({bare}, ':', {place}) AS DOUBLE)"

    three = f"regexp_full_match({bare}, '\\d+:[0-5]?\\d:[0-5]?\\d([.]\\d+)?')"
    two = f"regexp_full_match({bare}, '\\d+:[0-5]?\\d([.]\\d+)?')"
    days = f"regexp_full_match({bare}, '\\d+(?: ?d(?:ays?)?,? ?|[.]| )\\d+:[0-5]?\\d:[0-5]?\\d([.]\\d+)?')"
    day_part = f"TRY_CAST(regexp_extract({bare}, '^(\\d+)', 1) AS DOUBLE) * 86400"
    rest = f"regexp_extract({bare}, '(\\d+:\\d+:[\\d.]+)$', 1)"
    rest_seconds = " + ".join(
        f"TRY_CAST(split_part({rest}, ':', {i}) AS DOUBLE) * {s}" for i, s in ((1, 3600), (2, 60), (3, 1))
    )
    over_days = f"(epoch_us(TRY_CAST({text} AS TIMESTAMP)) - epoch_us(TIMESTAMP '1899-12-31')) / 1e6"
    arms = [
        f"WHEN {number} IS NOT NULL THEN {number} * {_UNITS[unit]}",
        f"WHEN regexp_full_match({text}, '{_DAY_CELL}') THEN {over_days}",
    ]
    if clock == TIME_CELLS:  # a spreadsheet's 03:30:00 that was typed as 3:30, minutes and seconds
        arms.append(f"WHEN {three} THEN {sign} * ({part(1)} * 60 + {part(2)})")
    arms += [
        f"WHEN {three} THEN {sign} * ({part(1)} * 3600 + {part(2)} * 60 + {part(3)})",
    ]
    if clock is not None:
        first, second = (3600, 60) if clock == "h:mm" else (60, 1)
        arms.append(f"WHEN {two} THEN {sign} * ({part(1)} * {first} + {part(2)} * {second})")
    period = _sum_sql([f"regexp_extract({text}, '{_PERIOD}', {group})" for group in (2, 3, 4, 5, 6)])
    low = f"lower({text})"
    spelt = _sum_sql([f"regexp_extract({low}, '({_AMOUNT})\\s*{unit}', 1)" for unit in _WORDS])
    arms += [
        f"WHEN {days} THEN {sign} * ({day_part} + {rest_seconds})",
        f"WHEN regexp_full_match({text}, '{_PERIOD}') AND length({text}) > 2 THEN {sign} * ({period})",
        f"WHEN regexp_full_match({low}, '{_SPELT}') THEN {sign} * ({spelt})",
    ]
    return f"CASE {' '.join(arms)} END"


def _sum_sql(texts: list[str]) -> str:
    return " + ".join(
        f"coalesce(TRY_CAST(nullif({text}, '') AS DOUBLE), 0) * {scale}"
        for text, scale in zip(texts, _SCALES, strict=True)
    )


def flag_sql(text: str) -> str:
    """True or false, in several spellings and languages."""
    yes, no = (", ".join(map(literal, spellings)) for spellings in (TRUE, FALSE))
    return f"CASE WHEN lower({text}) IN ({yes}) THEN 'true' WHEN lower({text}) IN ({no}) THEN 'false' END"


def canonical_sql(kind: CellKind, value: str) -> str:
    """A value in the text form that the checks read."""
    if kind is CellKind.INSTANT:
        return f"replace(CAST({value} AS VARCHAR), ' ', 'T') || 'Z'"
    if kind is CellKind.DAY:
        return f"CAST({value} AS VARCHAR)"
    if kind is CellKind.MONTH:
        return f"left(CAST({value} AS VARCHAR), 7)"
    if kind in {CellKind.SECONDS, CellKind.CLOCK}:
        return number_text_sql(value)
    return value


def sortable_sql(kind: CellKind, value: str) -> str:
    """A value as text that sorts as the value does; nothing sorts first."""
    if kind is CellKind.INSTANT:
        return f"coalesce(strftime({value}, '%Y-%m-%dT%H:%M:%S.%f'), '')"
    if kind in {CellKind.SECONDS, CellKind.CLOCK, CellKind.NUMBER}:
        number = f"TRY_CAST({value} AS DOUBLE)"
        return f"coalesce(printf('%030.9f', {number} + 1e15), '')"  # negative ones, too
    return f"coalesce(CAST({value} AS VARCHAR), '')"


EXPECTED: dict[CellKind, str] = {
    CellKind.INSTANT: "no date and time such as 2026-01-31 09:30",
    CellKind.DAY: "no day such as 2026-01-31",
    CellKind.MONTH: "no month such as 2026-01",
    CellKind.CLOCK: "no time of day such as 09:30",
    CellKind.SECONDS: "no duration such as 90, 0:01:30 or PT1M30S",
    CellKind.NUMBER: "not a number",
    CellKind.FLAG: "neither yes nor no",
}
