"""What the faces say of a service level shared out, as finished text: title, parts that add up as shown, notes."""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from comity.book.statistics.attribution import Planned
from comity.core.economics.attribution import Part as Share
from comity.core.economics.attribution import SharedOut, Unfit
from comity.core.economics.settlements import Relief
from comity.review.attributing import Attribution
from comity.review.faces.figures import largest_remainder
from comity.review.faces.words import Words, clean
from comity.review.review import Missing

_HELD_BY = {
    "no_forecast": "customer",
    "no_handle_time": "customer",
    "no_schedule": "provider",
    "no_staffed": "provider",
    "no_figures": "provider",
}
_TENTHS = 1000  # a share in tenths of a point


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part: what it adds, and where its bar begins and ends, in points as shown. `answers` is a side or both."""

    name: str
    points: str
    interval: str
    answers: str | None
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rows:
    """From the target to what was observed; the last row but one is what is not explained."""

    target: str
    observed: str
    parts: tuple[PartRow, ...]
    start: float
    end: float


def title(made: Attribution, words: Words) -> str:
    """Which level, of when, and the question."""
    name = words.named("measure", made.kpi.measure)
    name = name if made.kpi.id == made.kpi.measure else f"{name} ({clean(made.kpi.id.replace('_', ' '))})"
    return words("attribution.title", kpi=name, period=clean(made.name))


def sentence(shared: SharedOut, words: Words) -> str:
    """Observed, agreed, and how far off."""
    said = {"observed": words.percent(shared.observed), "target": words.percent(shared.target)}
    return words("attribution.sum", **said, off=points(shared.observed - shared.target, words))


def rows(made: Attribution, shared: SharedOut, words: Words) -> Rows:
    """The parts in tenths of a point, rounded so that they add up as shown."""
    terms = [shared.target, *(part.value for part in shared.parts), shared.unexplained]
    first, *tenths = largest_remainder([term * _TENTHS for term in terms], round(shared.observed * _TENTHS))
    known_callers = made.planned is None or made.planned.redials is not None
    made_rows, at = [], first
    for part, step in zip((*shared.parts, None), tenths, strict=True):
        key = "unexplained" if part is None else part.id
        key = "volume_or_redials" if key == "volume_outside" and not known_callers else key
        made_rows.append(
            PartRow(
                words(f"attribution.{key}"),
                words.signed(step / 10, 1),
                "" if part is None else _interval(part, words),
                None if part is None else made.answers[part.id],
                at / 10,
                (at + step) / 10,
            ),
        )
        at += step
    return Rows(words.number(first / 10, 1), words.number(at / 10, 1), tuple(made_rows), first / 10, at / 10)


def notes(made: Attribution, shared: SharedOut, words: Words) -> list[str]:
    """Whether it is fit to be used, how it was come by, what is left out, and what was asked besides."""
    said = [_fit(shared, words)]
    if round(shared.ordered_off * _TENTHS):
        said.append(words("attribution.ordered_off", points=points(shared.ordered_off, words)))
    said.append(words("attribution.order"))
    if made.until is not None:
        said.append(words("attribution.until", day=words.day(made.until - timedelta(days=1))))
    if made.planned is not None:
        said += _of_records(made, made.planned, shared, words)
    if made.claimed is not None:
        off = points(made.claimed.observed - made.claimed.target, words)
        said.append(words("attribution.claimed", observed=words.percent(made.claimed.observed), off=off))
    if made.relief is not None:
        said.append(_relief(made.relief, shared, words))
    for question, level in made.what_if.items():
        said.append(words("attribution.what_if", question=question, level=words.percent(level)))
    return said


def _of_records(made: Attribution, planned: Planned, shared: SharedOut, words: Words) -> list[str]:
    """What the records told, and what they did not."""
    seconds = [
        f"{clean(planned.queues[at])} {words.figure(one, 'seconds', places=0)}" for at, one in shared.patience_s.items()
    ]
    said = [words(f"attribution.patience_{made.patience_from}", seconds=", ".join(seconds))]
    if made.counted_as is not made.kpi.abandons:
        said.append(words("attribution.counted_count"))
    if planned.left_out:
        why = "; ".join(
            words(
                f"attribution.why_{reason}",
                count=words.number(count),
                party=words.side(_HELD_BY[reason], made.parties),
            )
            for reason, count in planned.left_out.items()
        )
        said.append(words("attribution.left_out", share=words.percent(1 - shared.used_share), why=why))
    if planned.redials:
        said.append(words("attribution.redials", count=words.number(planned.redials)))
    if planned.redials is None:
        said.append(words("attribution.redials_unknown"))
    if planned.promised < 1:
        said.append(words("attribution.not_promised", share=words.percent(planned.promised)))
    return said


def _relief(relief: Relief, shared: SharedOut, words: Words) -> str:
    """What each usual relief for volume would make of the level."""
    levels = {
        "days": relief.inside,
        "capped": relief.capped,
        "credit": relief.credit,
        "by_model": Fraction(shared.level_if("volume")),
    }
    told = {name: words.figure(None if one is None else float(one), "share") for name, one in levels.items()}
    off = words.figure(None, "share") if relief.deviation is None else f"+{words.percent(float(relief.deviation))}"
    return words("attribution.relief", off=off, **told)


def _fit(shared: SharedOut, words: Words) -> str:
    if shared.fit:
        return words("attribution.fit")
    figures = {
        Unfit.UNEXPLAINED: {},
        Unfit.UNUSED: {"used": words.percent(shared.used_share)},
        Unfit.PATIENCE: {},
        Unfit.GIVING_UP: {},
        Unfit.DAYS: {"error": points(shared.daily_error, words), "miss": points(shared.daily_miss, words)},
    }
    why = [words(f"attribution.unfit_{reason.value}", **figures[reason]) for reason in shared.unfit]
    return words("attribution.unfit", why="; ".join(why))


def asked(one: Missing, made: Attribution, words: Words) -> str:
    """What lacks, asked of the side that holds it."""
    needs = ", ".join(words.named("table", table) for table in one.needs)
    key = f"missing.{one.why}"
    why = words(key) if words.has(key) else clean(one.why)
    return words("attribution.missing", needs=needs, party=words.side(one.held_by, made.parties), why=why)


def _interval(part: Share, words: Words) -> str:
    if part.low is None or part.high is None:
        return ""
    return words("word.to", low=words.signed(part.low * 100, 1), high=words.signed(part.high * 100, 1))


def points(share: float, words: Words, places: int = 1) -> str:
    """A change of a share, in points."""
    return words.moved(share * 100, "share", "", places)
