"""What a header says beside its name: a threshold, a scale, that its cells are means of several contacts, or shares.

In English, Spanish, German, French, Portuguese and Italian, as the names in `synonyms.toml`.
"""

import re
import unicodedata
from dataclasses import dataclass

MEAN = re.compile(  # of several contacts
    r"[Øø⌀∅](?=[\s.]|$)|\b(avg|average|mean|aht|asa|att|acht|promedio|prom|media|medio|durchschn\w*|"
    r"mittlere[rs]?|mittelwert|"
    r"moyen\w*|moy|médi[oa]|tmo|tma|tme|dmt|dmc|dmr)\b",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"\b(total\w*|overall|sum|summe|gesamt\w*|suma|somme|cumul\w*|soma|somma|compless\w*)\b|gesamt", re.IGNORECASE
)
_SHARE = re.compile(
    r"%|\b(per ?cent\w*|pct|prozent\w*|porcentaje|por ciento|pourcent\w*|percentagem|porcentagem|percentuale|quote|"
    r"quota|taux|tasa|taxa|tasso|ratio)\b|quote\b|"
    r"^\s*(sl|service ?level|nivel de servicio|niveau de service|n[íi]vel de servi[çc]o|"
    r"livello di servizio|servicegrad|erreichbarkeit)\s*$",
    re.IGNORECASE,
)
_WITHIN = (
    r"<=?|≤|=<|up to|under|within|inside|below|in less than|less than|in|innerhalb(?: von)?|binnen|unter|bis(?: zu)?|"
    r"in weniger als|weniger als|en menos de|menos de|dentro de|antes de|hasta|en moins de|moins de|dans les|sous|"
    r"em at[ée]|em menos de|at[ée]|em|entro|in meno di|meno di|sotto|en"
)
_UNITS = (
    (1.0, r"s|secs?|seconds?|segs?|segundos?|sek|sekunden?|secondes?|secondi|secondo"),
    (60.0, r"mins?|minutes?|minutos?|minuten?|minuti|minuto"),
)
_THRESHOLD = re.compile(
    rf"(?P<what>.*?)[\s(\[_-]*(?:(?<![^\W_])(?P<within>{_WITHIN}))?\s*(?:0\s*[-–]\s*)?(?P<number>\d{{1,4}})"  # noqa: RUF001 - a dash
    rf"\s*(?:(?P<s>{_UNITS[0][1]})|(?P<min>{_UNITS[1][1]}))?(?![^\W_])[.\s)\]]*(?P<rest>.*)",
    re.IGNORECASE,
)
_SCALE = re.compile(r"(?<![\d.,])(\d{1,3})\s*(?:-|–|—|\.\.|to|bis|al?|à|até|/)\s*(\d{1,3})(?![\d.,])", re.IGNORECASE)  # noqa: RUF001 - dashes
# What a header or a file's name says of figures that were expected and did not come yet.
_FORECAST = re.compile(
    r"forecast|fcst|predict|projected|expected (calls|contacts|volume)|prognos|vorhersage|previsi|previst|prevision|"
    r"prevus|prevue|pronostic|previs[ao]|\berwartete|\besperad[ao]s|\battendus|\battes[ei]\b",
    re.IGNORECASE,
)
# What a contact's handling consists of where a system has no column for all of it: talk, hold, and work afterwards.
_HANDLING = re.compile(
    r"\b(talk\w*|spoken|acd time|conversation|hold|held|on hold|acw|wrap\w*|"
    r"after[ _-]?(call|contact|work)\w*|secs after|"
    r"gesprächs?\w*|sprechzeit|halte?(zeit|dauer)|nachbearbeitung\w*|nacharbeit\w*|"
    r"conversaci[oó]n|hablado|retenci[oó]n|en espera del agente|post[ -]?llamada|tras (la )?llamada|"
    r"trabajo (posterior|administrativo))\b",
    re.IGNORECASE,
)
_FEWEST_WORDS = 4  # of a question
_UPSIDE_DOWN = re.compile(r"(?i)dissatisf|unsatisf|insatisf|unzufried|m[ée]content|insoddisf|insodisf")
_INSTRUMENTS = {
    "nps": r"\bnps\b|net promoter|recom\w+|empfehl\w+|weiterempf\w+|recomm\w+|raccomand\w+|consigli\w+",
    "ces": r"\bces\b|effort|esfuerzo|aufwand|esfor[çc]o|sforzo",
    "esat": r"\besat\b|employee|empleado|mitarbeiter\w*|employé|colaborador|dipendent\w+",
    "csat": r"\bcsat\b|satisf\w+|zufried\w+|soddisf\w+|bewertung|rating|nota|valoraci[oó]n|avalia[çc][ãa]o|valutazione",
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A header such as `Answered within 20 s`: what is counted, without the threshold, and the seconds."""

    counted: str
    seconds: float


def threshold_in(header: str) -> Threshold | None:
    """The threshold that a header counts by; None where it names none."""
    found = _THRESHOLD.fullmatch(header.strip())
    if found is None or not (found["s"] or found["min"] or (found["within"] or "").strip("=") in {"<", "≤"}):
        return None
    seconds = float(found["number"]) * (_UNITS[1][0] if found["min"] else _UNITS[0][0])
    return Threshold(" ".join(f"{found['what']} {found['rest']}".split()).strip(" ()[]-_"), seconds)


def is_share(header: str) -> bool:
    """Whether the cells under a header are shares, by its own word."""
    return _SHARE.search(header) is not None


def is_mean(header: str) -> bool:
    """Whether the cells under a header are means of several contacts, by its own word."""
    return MEAN.search(header) is not None


def is_forecast(text: str) -> bool:
    """Whether a header, or the name of a file, says that its figures are expected ones."""
    plain = unicodedata.normalize("NFKD", text.replace("_", " "))
    return _FORECAST.search("".join(mark for mark in plain if not unicodedata.combining(mark))) is not None


def is_part_of_handling(header: str) -> bool:
    """Whether a column holds a part of the handle time, by its header: talk, hold, or work after the contact."""
    return _HANDLING.search(header) is not None and not is_mean(header) and not is_share(header)


def scale_in(header: str) -> tuple[int, int] | None:
    """The least and the largest answer that a header names, as in `Satisfaction (1-5)`."""
    found = _SCALE.search(header)
    if found is None:
        return None
    first, last = int(found[1]), int(found[2])
    return (first, last) if first != last and min(first, last) <= 1 else None


def is_score_question(header: str) -> bool:
    """Whether a header is a question that people answer with a score, as in `How satisfied were you with the call?`.

    One that asks how dissatisfied they were is answered the other way round.
    """
    asks = "?" in header or len(header.split()) >= _FEWEST_WORDS
    return asks and instrument_in(header) is not None and _UPSIDE_DOWN.search(header) is None


def instrument_in(header: str) -> str | None:
    """What a score measures, by its header: csat, nps, ces, esat."""
    return next((name for name, words in _INSTRUMENTS.items() if re.search(words, header, re.IGNORECASE)), None)


_HOURS = re.compile(r"(?i)\b(hours?|hrs?|horas?|stunden|heures?|ore)\b|\(h\)")


def counts_hours(header: str) -> bool:
    """Whether a header such as `Required hours` says that staff is counted in hours and not in people."""
    return _HOURS.search(header) is not None
