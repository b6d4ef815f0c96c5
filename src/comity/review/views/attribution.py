"""What a page shows of a service level shared out, as finished text: title, parts that add up as shown, notes."""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from comity.book.statistics.attribution import Planned
from comity.core.agreements.kpi import Kpi
from comity.core.economics.attribution import Part as Share
from comity.core.economics.attribution import SharedOut, Unfit
from comity.core.economics.settlements import Relief
from comity.core.values import Side
from comity.review.attribution import Amounts, Attribution
from comity.review.i18n.words import Words, clean
from comity.review.model import Missing
from comity.review.views.level import days_text
from comity.review.views.rounding import largest_remainder
from comity.review.views.sentences import measure_about

_HELD_BY = {
    "no_forecast": "customer",
    "no_handle_time": "customer",
    "no_schedule": "provider",
    "no_staffed": "provider",
    "no_figures": "provider",
}
_HUNDREDTHS = 10000  # a share in hundredths of a point
SIDES = ("customer", "both", "provider", None)  # who answers, as told: customer first, nobody last


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part: what it adds, and where its bar begins and ends, in points as shown. `answers` is a side or both.

    `why` says what was planned and what happened; `low` and `high` are the ends of its interval, beside `start`.
    """

    name: str
    points: str
    interval: str
    answers: str | None
    start: float
    end: float
    why: str
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        """What it adds, in points as shown."""
        return round(self.end - self.start, 2)


@dataclass(frozen=True, slots=True)
class SideSum:
    """What one side answers for in all, of the parts as shown; `answers` is None for nobody."""

    answers: str | None
    value: float


@dataclass(frozen=True, slots=True)
class AttributionRows:
    """From the target to what was observed; the last row but one is what is not explained."""

    target: str
    observed: str
    parts: tuple[PartRow, ...]
    start: float
    end: float
    target_why: str
    observed_why: str

    @property
    def off(self) -> float:
        """Observed less target, as shown."""
        return round(self.end - self.start, 2)

    @property
    def sums(self) -> tuple[SideSum, ...]:
        """What each side's causes cost, of the parts as shown: what one cause gained makes up for no other."""
        return tuple(
            SideSum(side, round(sum(row.value for row in self.parts if row.answers == side and row.value < 0), 2))
            for side in SIDES
        )

    @property
    def gains(self) -> tuple[PartRow, ...]:
        """The parts that raised the level, which stand beside the sums by name."""
        return tuple(row for row in self.parts if row.value > 0)

    @property
    def is_whole(self) -> bool:
        """Whether the parts that cost make the miss alone: only then is it a whole that can be shared."""
        return self.off < 0 and not self.gains

    @property
    def moved(self) -> tuple[PartRow, ...]:
        """The parts that moved the level as shown."""
        return tuple(row for row in self.parts if row.value)

    @property
    def unmoved(self) -> tuple[PartRow, ...]:
        """The parts that are 0 as shown."""
        return tuple(row for row in self.parts if not row.value)


def kpi_name(kpi: Kpi, words: Words) -> str:
    """A KPI's own name."""
    name = words.named("measure", kpi.id)
    return name[:1].upper() + name[1:]


def period_name(attribution: Attribution, words: Words) -> str:
    """The period in words: June 2026; where only its last wording's days are shared out, these too."""
    name = words.period(attribution.period, attribution.cut)
    if attribution.days is None:
        return name
    return words("levels.of_days", name=name, days=days_text(attribution.days, words))


def attribution_title(attribution: Attribution, words: Words) -> str:
    """Which level, of when, and the question."""
    return words("attribution.title", kpi=kpi_name(attribution.kpi, words), period=period_name(attribution, words))


def contact_noun(kpi: Kpi, words: Words) -> str:
    """What is counted: calls where all come by voice, else contacts."""
    key = f"attribution.noun_{kpi.channels[0]}" if len(kpi.channels) == 1 else ""
    return words(key if words.has(key) else "attribution.noun")


def short_number(value: float, words: Words) -> str:
    """A number of at most two decimals, none of them an idle zero."""
    places = next(places for places in (0, 1, 2) if places == 2 or round(value, places) == round(value, 2))  # noqa: PLR2004 - hundredths
    return words.number(value, places)


def summary_sentence(attribution: Attribution, shared: SharedOut, words: Words) -> str:
    """What was observed and what was agreed, how far apart they are, and that this is shared out."""
    view = attribution_rows(attribution, shared, words)
    if not shared.fit:
        key = "unshared"
    else:
        key = "shared_none" if view.off == 0 else "shared_below" if view.off < 0 else "shared_above"
    return words(
        f"attribution.{key}",
        period=period_name(attribution, words),
        observed=f"{short_number(view.end, words)}\u00a0%",
        target=f"{short_number(view.start, words)}\u00a0%",
        noun=contact_noun(attribution.kpi, words),
        seconds=short_number(attribution.kpi.answer_within_s, words),
        off=words.number(abs(view.off), 2),
    )


def attribution_rows(attribution: Attribution, shared: SharedOut, words: Words) -> AttributionRows:
    """The parts in hundredths of a point, rounded so that they add up as shown."""
    terms = [shared.target, *(part.value for part in shared.parts), shared.unexplained]
    first, *steps = largest_remainder([term * _HUNDREDTHS for term in terms], round(shared.observed * _HUNDREDTHS))
    known_callers = attribution.planned is None or attribution.planned.redials is not None
    part_rows, at = [], first
    for part, step in zip((*shared.parts, None), steps, strict=True):
        key = "unexplained" if part is None else part.id
        why = _why(key, attribution, shared, words)
        if key == "plan" and step > 0:
            key = "spare"
        key = "volume_or_redials" if key == "volume_outside" and not known_callers else key
        ends = (None, None) if part is None else (part.low, part.high)
        part_rows.append(
            PartRow(
                words(f"attribution.{key}"),
                words.signed(step / 100, 2),
                "" if part is None else _interval(part, words),
                None if part is None else attribution.answers[part.id],
                at / 100,
                (at + step) / 100,
                why,
                *(None if end is None else at / 100 + end * 100 for end in ends),
            ),
        )
        at += step
    return AttributionRows(
        words.number(first / 100, 2),
        words.number(at / 100, 2),
        tuple(part_rows),
        first / 100,
        at / 100,
        measure_about(attribution.kpi, words),
        words(
            "attribution.why_observed",
            good=words.number(shared.good),
            counted=words.number(shared.counted),
            noun=contact_noun(attribution.kpi, words),
        ),
    )


def _why(part: str, attribution: Attribution, shared: SharedOut, words: Words) -> str:
    """What was planned and what happened, in one plain sentence."""
    amounts, values = attribution.amounts, {}
    if amounts is not None:
        values = {
            "noun": contact_noun(attribution.kpi, words),
            "promised": words.percent(shared.levels[0, 0, 0, 0], 2),
            "came": words.number(amounts.came),
            "forecast": words.number(amounts.forecast),
            "band": f"{short_number(attribution.kpi.volume_band * 100, words)}\u00a0%",
            "required": words.number(amounts.required),
            "scheduled": words.number(amounts.scheduled),
            "staffed": words.number(amounts.staffed),
            **_handle_times(amounts.aht, amounts.forecast_aht, words),
        }
    if part == "unexplained" or not values:
        return words("attribution.why_unexplained") if part == "unexplained" else ""
    if part.startswith("volume_") and not attribution.kpi.volume_band:
        part += "_bandless"
    return words(f"attribution.why_{part}", **values)


_LEAST_CHANGE = 0.005  # of hours, contacts or handle time: below, it is the times that differ and not the amount
_TENTH = 0.1  # from which a share is told in whole per cent
_SECOND_CAUSE = 0.1  # points, from which a second cause is named


def lead_sentence(attribution: Attribution, words: Words) -> str:
    """The largest cause of a miss with what happened, and the next one; empty where nothing is laid to a cause."""
    worst = _worst_parts(attribution, words)
    if not worst:
        return ""
    text = words(
        "attribution.lead",
        cause=_cause_clause(worst[0][0], attribution, words, "lead"),
        points=words.signed(worst[0][1], 1),
    )
    if len(worst) > 1 and -worst[1][1] >= _SECOND_CAUSE:
        name = words(f"attribution.short_{worst[1][0]}")
        text += words("attribution.lead_next", cause=name, points=words.number(-worst[1][1], 1))
    return f"{text[:1].upper()}{text[1:]}."


def lead_cause(attribution: Attribution, words: Words) -> str:
    """The largest cause of a miss in a clause that names no party; empty where nothing is laid to a cause."""
    worst = _worst_parts(attribution, words)
    if not worst:
        return ""
    cause = _cause_clause(worst[0][0], attribution, words, "cause")
    return words("attribution.lead", cause=cause, points=words.signed(worst[0][1], 1))


def spare_sentence(attribution: Attribution, words: Words) -> str:
    """What the plan itself would have given, where that is more than the target."""
    shared = attribution.shared
    if shared is None or not shared.fit or attribution.answers["plan"] is not None:
        return ""
    level = words.percent(shared.levels[0, 0, 0, 0])
    return words("attribution.spare_beside", level=level, target=f"{short_number(shared.target * 100, words)}\u00a0%")


def unmoved_sentence(rows: AttributionRows, words: Words) -> str:
    """The parts that are 0 as shown, each with what was planned and what happened; empty where there are none."""
    if not rows.unmoved:
        return ""
    names = [f"{row.name} ({row.why})" if row.why else row.name for row in rows.unmoved]
    return words("attribution.unmoved", parts=", ".join(names))


def _worst_parts(attribution: Attribution, words: Words) -> list[tuple[str, float]]:
    """The causes that cost, the dearest first, in points as shown; none where the target was met or nothing is fit."""
    shared = attribution.shared
    if shared is None or not shared.fit or shared.observed >= shared.target:
        return []
    rows = attribution_rows(attribution, shared, words).parts
    values = {part.id: row.value for part, row in zip(shared.parts, rows, strict=False)}
    # More contacts than forecast is one cause to whoever hears of it, whatever the band makes of it.
    values["volume"] = round(values.pop("volume_inside") + values.pop("volume_outside"), 2)
    return sorted(((part, value) for part, value in values.items() if value < 0), key=lambda one: one[1])


def _cause_clause(part: str, attribution: Attribution, words: Words, family: str) -> str:
    """What happened, in a clause: an amount where the amount differs, else that it came at other times."""
    shared, amounts = attribution.shared, attribution.amounts
    assert shared is not None
    noun, provider = contact_noun(attribution.kpi, words), words.side(Side.PROVIDER, attribution.parties)
    if part == "plan":
        return words(f"attribution.{family}_plan", level=words.percent(shared.levels[0, 0, 0, 0]))
    change = None if amounts is None else _relative_change(part, amounts)
    key = part if change is not None and change >= _LEAST_CHANGE else f"{part}_times"
    share = "" if change is None else words.percent(change, 0 if change >= _TENTH else 1)
    return words(f"attribution.{family}_{key}", share=share, noun=noun, party=provider)


def _relative_change(part: str, amounts: Amounts) -> float | None:
    """How far an amount went from its plan towards a worse level, as a share of the plan."""
    planned, actual = {
        "volume": (amounts.forecast, amounts.came),
        "handling": (amounts.forecast_aht, amounts.aht),
        "planning": (amounts.scheduled, amounts.required),
        "presence": (amounts.staffed, amounts.scheduled),
    }[part]
    of = {"planning": amounts.required, "presence": amounts.scheduled}.get(part, planned)
    return None if planned is None or actual is None or not of else (actual - planned) / of


def minutes_text(seconds: float | None, words: Words) -> str:
    """Minutes and seconds: 6 min 05 s."""
    if seconds is None:
        return words("word.not_known")
    whole, rest = divmod(round(seconds), 60)
    return f"{whole}\u00a0min {rest:02}\u00a0s"


def _handle_times(took: float | None, planned: float | None, words: Words) -> dict[str, str]:
    """Two handle times, with decimals where whole seconds would show one time beside itself."""
    texts = {"took": minutes_text(took, words), "planned": minutes_text(planned, words)}
    if took is None or planned is None or texts["took"] != texts["planned"]:
        return texts
    places = next((one for one in (1, 2) if round(took, one) != round(planned, one)), 2)
    return {
        name: words.figure(value, "seconds", places=places) for name, value in (("took", took), ("planned", planned))
    }


def attribution_notes(attribution: Attribution, shared: SharedOut, words: Words) -> list[str]:
    """Whether it is fit to be used, how it was come by, what is left out, and what was asked besides."""
    lines = [_fit(shared, words), _answers_note(attribution, words)]
    if round(shared.ordered_off * _HUNDREDTHS / 10):
        lines.append(words("attribution.ordered_off", points=points_text(shared.ordered_off, words)))
        lines += _said_by(attribution, "ordered_off", words)
    lines.append(words("attribution.order"))
    if attribution.until is not None:
        lines.append(words("attribution.until", day=words.day(attribution.until - timedelta(days=1))))
    if attribution.planned is not None:
        lines += _of_records(attribution, attribution.planned, shared, words)
    if attribution.claimed is not None:
        off = points_text(attribution.claimed.observed - attribution.claimed.target, words)
        lines.append(words("attribution.claimed", observed=words.percent(attribution.claimed.observed), off=off))
    if attribution.relief is not None:
        lines.append(_relief(attribution.relief, shared, words))
    for question, level in attribution.what_if.items():
        lines.append(words("attribution.what_if", question=question, level=words.percent(level)))
    return lines


def _answers_note(attribution: Attribution, words: Words) -> str:
    """Whether the parties said who answers for which part, or the defaults hold."""
    if not attribution.agreed_answers:
        return words("attribution.answers_default")
    names = words.listed([words(f"attribution.{part}").lower() for part in attribution.agreed_answers])
    return words("attribution.answers_agreed", parts=names)


def _said_by(attribution: Attribution, what: str, words: Words) -> list[str]:
    """Whose word it is that something counts against a side, where it is known."""
    sides = (
        []
        if attribution.planned is None
        else [side for side in attribution.planned.said_by.get(what, ()) if side != "unknown"]
    )
    if not sides:
        return []
    parties = [
        words("attribution.neither") if side == "neither" else words.side(side, attribution.parties) for side in sides
    ]
    return [words(f"attribution.said_by_{what}", party=words.listed(parties))]


def _of_records(attribution: Attribution, planned: Planned, shared: SharedOut, words: Words) -> list[str]:
    """What the records told, and what they did not."""
    seconds = [
        f"{clean(planned.queues[at])} {words.figure(one, 'seconds', places=0)}" for at, one in shared.patience_s.items()
    ]
    lines = [words(f"attribution.patience_{attribution.patience_from}", seconds=", ".join(seconds))]
    lines += _said_by(attribution, "locked", words)
    if attribution.counted_as is not attribution.kpi.abandons:
        lines.append(words("attribution.counted_count"))
    if planned.left_out:
        why = "; ".join(
            words(
                f"attribution.why_{reason}",
                count=words.number(count),
                party=words.side(_HELD_BY[reason], attribution.parties),
            )
            for reason, count in planned.left_out.items()
        )
        lines.append(words("attribution.left_out", share=words.percent(1 - shared.used_share), why=why))
    if planned.redials:
        lines.append(words("attribution.redials", count=words.number(planned.redials)))
    if planned.redials is None:
        lines.append(words("attribution.redials_unknown"))
    if planned.promised < 1:
        lines.append(words("attribution.not_promised", share=words.percent(planned.promised)))
    return lines


def _relief(relief: Relief, shared: SharedOut, words: Words) -> str:
    """What each usual relief for volume would make of the level."""
    levels = {
        "days": relief.inside,
        "capped": relief.capped,
        "credit": relief.credit,
        "by_model": Fraction(shared.level_if("volume")),
    }
    levels_shown = {name: words.figure(None if one is None else float(one), "share") for name, one in levels.items()}
    if relief.inside is None:
        levels_shown["days"] = words("attribution.no_day_inside")
    off = words.figure(None, "share") if relief.deviation is None else f"+{words.percent(float(relief.deviation))}"
    return words("attribution.relief", off=off, **levels_shown)


def _fit(shared: SharedOut, words: Words) -> str:
    if shared.fit:
        return words("attribution.fit")
    figures = {
        Unfit.UNEXPLAINED: {},
        Unfit.UNUSED: {"used": words.percent(shared.used_share)},
        Unfit.PATIENCE: {},
        Unfit.GIVING_UP: {},
        Unfit.DAYS: {"error": points_text(shared.daily_error, words), "miss": points_text(shared.daily_miss, words)},
    }
    why = [words(f"attribution.unfit_{reason.value}", **figures[reason]) for reason in shared.unfit]
    return words("attribution.unfit", why="; ".join(why))


def missing_sentence(missing: Missing, attribution: Attribution, words: Words) -> str:
    """What lacks, asked of the side that holds it."""
    needs = ", ".join(words.named("table", table) for table in missing.needs)
    key = f"missing.{missing.why}"
    why = words(key) if words.has(key) else clean(missing.why)
    return words("attribution.missing", needs=needs, party=words.side(missing.held_by, attribution.parties), why=why)


def _interval(part: Share, words: Words) -> str:
    if part.low is None or part.high is None:
        return ""
    return words("word.to", low=words.signed(part.low * 100, 2), high=words.signed(part.high * 100, 2))


def points_text(share: float, words: Words, places: int = 1) -> str:
    """A change of a share, in points."""
    return words.change(share * 100, "share", "", places)
