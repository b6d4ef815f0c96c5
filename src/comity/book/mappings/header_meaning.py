"""What a header says beside its name: a threshold, a scale, that its cells are means of several contacts, or shares.

In English, Spanish, German, French, Portuguese and Italian, as the names in `synonyms.toml`.
"""

import re
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


def scale_in(header: str) -> tuple[int, int] | None:
    """The least and the largest answer that a header names, as in `Satisfaction (1-5)`."""
    found = _SCALE.search(header)
    if found is None:
        return None
    first, last = int(found[1]), int(found[2])
    return (first, last) if first != last and min(first, last) <= 1 else None


def instrument_in(header: str) -> str | None:
    """What a score measures, by its header: csat, nps, ces, esat."""
    return next((name for name, words in _INSTRUMENTS.items() if re.search(words, header, re.IGNORECASE)), None)


_HOURS = re.compile(r"(?i)\b(hours?|hrs?|horas?|stunden|heures?|ore)\b|\(h\)")


def counts_hours(header: str) -> bool:
    """Whether a header such as `Required hours` says that staff is counted in hours and not in people."""
    return _HOURS.search(header) is not None
