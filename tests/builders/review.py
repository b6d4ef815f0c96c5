"""A review with everything in it that a format must bear: each verdict, withheld counts, hostile texts, long histories.

The figures are invented, but they hang together: the parts add up to the change as reported, and the gap is
the difference of the two changes, as in a review that was computed.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Against, Cut
from comity.core.paid import PaidSplit
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict
from comity.core.values import Period, Side
from comity.review.model import (
    Delivery,
    HeadlineOverride,
    Level,
    LevelPoint,
    Limits,
    Missing,
    Origin,
    ReadingPoint,
    Review,
)

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BACKWARDS = "calls\u202egnp.exe"
FORMULA = '=HYPERLINK("http://evil.example","x")'
ESCAPE = "queue\x1b[31mred\x07"
LONG = "Servicio de atención telefónica y backoffice multicanal para clientes residenciales y pymes " * 2
HOSTILE = (SCRIPT, BACKWARDS, FORMULA, ESCAPE)

Q2, Q1 = Period(date(2026, 4, 1), date(2026, 7, 1)), Period(date(2026, 1, 1), date(2026, 4, 1))
_HELD = {"within", "chosen", "weathered", "volume", "expansion", "contraction", "arrival", "departure"}
_SHARES = {"in_target": 0.5512, "late": 0.1731, "repeated": 0.0977, "idle": 0.1424, "not_split": 0.0356}
_DIGEST = "9f3c41aa07d2" + "5e" * 26


def quarters(count: int) -> list[Period]:
    """The last quarters up to the one under review."""
    months = [2026 * 12 + 3 - 3 * at for at in range(-1, count)]  # the first months, from the one after the last
    starts = [date(month // 12, month % 12 + 1, 1) for month in months]
    return [Period(start, end) for end, start in reversed(list(pairwise(starts)))]


def reading(
    verdict: Verdict,
    *,
    id: str = "satisfaction",  # noqa: A002 - the field's own name
    variant: str | None = "csat 1-5 third_party",
    unit: str = "points",
    material: float = 0.08,
    before: float = 3.91,
    parts: Mapping[str, float],
    held: set[str] | None = None,
    se: float | None = 0.02,
    held_se: float | None = 0.03,
    z: float | None = 1.97,
    cause: str | None = None,
    firm: bool = True,
    would_be: Verdict | None = None,
    counts: Mapping[str, int] | None = None,
    also: Mapping[str, object] | None = None,
    formed: bool = True,
) -> Reading:
    """A reading whose parts add up to its headline; those of `held` are the change like for like."""
    own = _HELD if held is None else held
    shown = tuple(Part(name, value, name in own) for name, value in parts.items())
    change = math.fsum(part.value for part in shown)
    like = math.fsum(part.value for part in shown if part.like_for_like)
    return Reading(
        id=id,
        variant=variant,
        unit=unit,
        material=material,
        before=before,
        after=before + change,
        headline=Change(change, se),
        like_for_like=Change(like, held_se) if formed else None,
        gap=Change(change - like, held_se) if formed else None,
        parts=shown,
        verdict=verdict,
        cause=cause,
        blind=id,
        z=z,
        firm=firm,
        would_be=would_be,
        counts=counts or {},
        also=also or {},
    )


def readings() -> tuple[Reading, ...]:
    """One reading of each verdict, as the kinds of this version make them, and some of later ones."""
    people = {"within": -0.021, "survivorship": 0.112, "silence": 0.029, "unasked": 0.0, "arrival": -0.018}
    return (
        reading(
            Verdict.ILLUSORY,
            parts={**people, "return": 0.0094, "repeats": 0.0006},
            held={"within"},
            cause="survivorship",
            counts={"stayed": 812, "left": 140, "silent": 460, "unasked": 0, "new": 214, "back": 280},
            also={
                "response_rate": {"before": 0.314, "after": 0.282},
                "last_score_left": 2.94,
                "top_two": {"before": 0.71, "after": 0.74},
                "loyalty": {
                    "top": {"share": 0.09, "low": 0.07, "high": 0.12, "n": 610},
                    "rest": {"share": 0.11, "low": 0.09, "high": 0.13, "n": 802},
                },
                "year_before": {"verdict": "steady", "as_reported": 0.03, "like_for_like": -0.01},
            },
        ),
        reading(
            Verdict.UNCLEAR,
            variant="nps 0-10 provider",
            material=4.0,
            before=21.4,
            parts={"within": 3.1, "survivorship+silence+unasked": 4.2, "arrival": -1.3, "return": 0, "repeats": 0},
            held={"within"},
            se=2.4,
            held_se=2.2,
            z=1.99,
            cause="survivorship",
            firm=False,
            would_be=Verdict.GENUINE,
            counts={"stayed": 96, "survivorship+silence+unasked": 31, "new": 12},
        ),
        reading(
            Verdict.GENUINE,
            id="service_level",
            variant="service_level",
            unit="share",
            material=0.01,
            before=0.806,
            parts={"within": -0.0601, "mix": 0.0129, "queues": 0.0, "exclusion": 0.0002, "definition": 0.0},
            se=0.0062,
            held_se=0.0066,
            z=2.064,
            counts={"before": 52310, "after": 54312},
        ),
        reading(
            Verdict.MASKED,
            id="sla_attainment",
            variant=f"P1 incidents {SCRIPT}",
            unit="share",
            material=0.01,
            before=0.634,
            parts={"within": -0.0412, "mix": 0.0433, "queues": 0.0, "definition": 0.0},
            se=0.004,
            held_se=0.005,
            z=2.06,
            cause="mix",
            also={"unjudged": {"before": 312, "after": 298}, "reasons": [FORMULA, BACKWARDS, ESCAPE]},
        ),
        reading(
            Verdict.OVERSTATED,
            id="revenue",
            variant=None,
            unit="money",
            material=17090.0,
            before=3418020.55,
            parts={
                "volume": 41800.25,
                "expansion": 52000.0,
                "contraction": -11800.4,
                "arrival": 9000.0,
                "departure": -17200.0,
                "inflation": 63400.15,
                "price": 54100.0,
                "calendar": 1200.0,
                "adjustments": -1500.0,
            },
            se=0.0,
            held_se=0.0,
            z=None,
            cause="inflation",
            also={"existing": 64800.0, "inflation": 0.0185},
        ),
        reading(
            Verdict.REVERSED,
            id="retention",
            variant=None,
            unit="share",
            material=0.02,
            before=0.884,
            parts={"chosen": -0.042, "weathered": 0.011, "passive": 0.013, "captive": 0.044, "not_known": 0.0},
            se=0.009,
            held_se=0.009,
            z=1.97,
            cause="captive",
        ),
        reading(
            Verdict.STEADY,
            id="cooperation",
            variant=None,
            unit="share",
            material=0.02,
            before=0.821,
            parts={"within": 0.003, "last_effort": 0.005},
            se=0.006,
            held_se=0.009,
            z=2.02,
            firm=False,
        ),
        reading(
            Verdict.UNDERSTATED,
            id="employee_satisfaction",
            variant="esat 1-5 customer",
            material=0.08,
            before=3.62,
            parts={"within": 0.31, "survivorship": -0.12, "silence": -0.05, "arrival": -0.01, "repeats": 0.0},
            held={"within"},
            cause="survivorship",
            counts={"stayed": 88, "left": 31, "silent": 12, "unasked": 0, "new": 9, "back": 0},
        ),
        reading(
            Verdict.UNCLEAR,
            variant=f"csat 1-7 {BACKWARDS}",
            material=0.12,
            before=4.4,
            parts={},
            se=None,
            held_se=None,
            z=None,
            firm=False,
            formed=False,
        ),
    )


def kpi(id: str, measure: str, **more: object) -> Kpi:  # noqa: A002 - the field's own name
    """A KPI as signed."""
    return replace(Kpi(id, measure, material=0.01), **more)  # type: ignore[arg-type]


def _history(values: list[float], target: float | None, den: float) -> tuple[LevelPoint, ...]:
    return tuple(
        LevelPoint(period, value, 0.004, target, round(value * den), den)
        for period, value in zip(quarters(len(values)), values, strict=True)
    )


def levels() -> tuple[Level, ...]:
    """Levels met and missed, by chance and beyond it, in each unit; both sides' figures, explained and not."""
    past = quarters(9)
    served = kpi(
        "service_level", "service_level", target=0.8, answer_within_s=20.0, short_abandon_s=5.0, agreed_on=past[0].start
    )
    return (
        Level(
            kpi="service_level",
            measure="service_level",
            unit="share",
            better="higher",
            value=41230 / 54312,
            se=0.011,
            target=0.8,
            met=False,
            beyond_chance=True,
            num=41230,
            den=54312,
            definition=served,
            reported={Side.CUSTOMER: 0.7411, Side.PROVIDER: 0.8106},
            variants={"V1": 0.7411, "V2": 0.7702, "V3": 0.8106, "V4": 0.7691, "V5": 0.7613, "V6": 41230 / 54312},
            explains={Side.CUSTOMER: "V1", Side.PROVIDER: "V3"},
            mean_of_intervals=0.812,
            intervals_in_target=0.604,
            low=0.7375,
            high=0.7807,
            history=_history([0.82, 0.815, 0.811, 0.823, 0.808, 0.812, 0.817, 0.806, 41230 / 54312], 0.8, 54312),
            limits=Limits(0.814, 0.784, 0.844, past[0], past[7], 8),
            also={"exclusions": {"accepted": 0.764, "claimed": 0.771}},
        ),
        Level(
            kpi="wait",
            measure="wait_mean",
            unit="seconds",
            better="lower",
            value=38.4,
            se=0.9,
            target=40.0,
            met=True,
            beyond_chance=False,
            num=1894656.0,
            den=49340,
            definition=kpi("wait", "wait_mean", target=40.0, better="lower"),
            low=36.6,
            high=40.2,
            reported={Side.CUSTOMER: None, Side.PROVIDER: 29.8},
        ),
        Level(
            kpi="csat",
            measure="csat",
            unit="share",
            better="higher",
            value=0.743,
            se=0.012,
            target=None,
            met=None,
            beyond_chance=None,
            num=970,
            den=1306,
            definition=kpi("csat", "csat", instrument="csat", queues=(SCRIPT, FORMULA, LONG)),
            reported={Side.CUSTOMER: 0.743, Side.PROVIDER: 0.77},
        ),
        Level(
            kpi=f"incidents {FORMULA}",
            measure="backlog",
            unit="count",
            better="lower",
            value=412.0,
            se=None,
            target=500.0,
            met=True,
            beyond_chance=None,
            num=412,
            den=1.0,
            definition=kpi("incidents", "backlog", target=500.0, better="lower", channels=("case", BACKWARDS)),
        ),
        Level(
            kpi="bias",
            measure="forecast_bias",
            unit="share",
            better="lower",
            value=-0.042,
            se=0.006,
            target=0.05,
            met=True,
            beyond_chance=False,
            num=-2281.0,
            den=54312,
            definition=kpi("bias", "forecast_bias", target=0.05, better="lower"),
            low=-0.054,
            high=-0.03,
            also={"wape": 0.093, "wait_of_abandoned_s": 61.4},
        ),
    )


def _points(changes: list[tuple[float, float | None]], se: float, z: float | None) -> tuple[ReadingPoint, ...]:
    return tuple(
        ReadingPoint(period, reported, held, None if held is None else se, z)
        for period, (reported, held) in zip(quarters(len(changes)), changes, strict=True)
    )


def review(**changes: object) -> Review:
    """The rich review; `changes` replace fields of it."""
    read = readings()
    moves: list[tuple[float, float | None]] = [
        (0.02, 0.01),
        (-0.02, -0.03),
        (0.03, 0.0),
        (0.03, -0.01),
        (0.03, 0.0),
        (-0.02, -0.03),
        (-0.02, -0.03),
        (read[0].headline.change, -0.021),
    ]
    billed: list[tuple[float, float | None]] = [(52000.0, None), (90100.0, 31000.0), (-12000.0, 8000.0)]
    full = Review(
        book="Northwind Energy with Helpline",
        currency="EUR",
        timezone="Europe/Madrid",
        parties={Side.CUSTOMER: "Northwind Energy", Side.PROVIDER: "Helpline"},
        viewer_side=None,
        period=Q2,
        reference=Q1,
        name="2026-Q2",
        reference_name="2026-Q1",
        cut=Cut.QUARTER,
        against=Against.PREVIOUS,
        made_on=date(2026, 7, 10),
        levels=levels(),
        paid=PaidSplit(
            amount=412345.67,
            shares=_SHARES,
            amounts={key: share * 412345.67 for key, share in _SHARES.items()},
            answers_for={"in_target": "both", "late": "provider", "repeated": "customer", "idle": None},
            contacts_in_target=41230,
            cost_per_contact_in_target=412345.67 / 41230,
        ),
        readings=read,
        missing=(
            Missing("profit", ("invoices", "costs"), "provider", "private"),
            Missing("reopen", ("contacts",), "customer", "not_covered", {"period": "2026-Q1"}),
            Missing("paid", ("invoices",), "both", "no_table"),
            Missing(SCRIPT, (FORMULA, LONG), "customer", "too_small"),
            Missing("cooperation", (), "both", "later"),
        ),
        origins=(
            Origin(
                "contacts",
                1064911,
                181,
                ("calls_2026-04.csv.gz", SCRIPT, FORMULA),
                (
                    Delivery(
                        "calls_2026-04.csv.gz",
                        "ab" * 32,
                        datetime(2026, 7, 3, 6, 12, tzinfo=UTC),
                        "aisha@helpline.example",
                        "genesys",
                        1064911,
                        0,
                        12,
                        181,
                    ),
                    Delivery(FORMULA, "cd" * 32, datetime(2026, 7, 4, tzinfo=UTC), BACKWARDS, "generic", 9, 1, 0, 0),
                ),
            ),
            Origin("surveys", 4645, 14, ("surveys_q2.csv",)),
        ),
        lateness=(
            {
                "table": "contacts",
                "by": Side.PROVIDER,
                "due": "monday 09:00",
                "last": datetime(2026, 7, 3, 6, 12, tzinfo=UTC),
                "late": False,
                "unrecorded": False,
            },
            {
                "table": "surveys",
                "by": Side.CUSTOMER,
                "due": "day 3 09:00",
                "last": None,
                "late": True,
                "unrecorded": False,
            },
            {"table": SCRIPT, "by": Side.CUSTOMER, "due": FORMULA, "last": None, "late": None, "unrecorded": True},
        ),
        undelivered=(
            {"table": "contacts", "queue": SCRIPT, "day": date(2026, 6, 3), "usual": 1840},
            {"table": "contacts", "queue": SCRIPT, "day": date(2026, 6, 4), "usual": 1790},
            *(
                {"table": "intervals", "queue": f"queue {number}", "day": date(2026, 5, day), "usual": 20}
                for number in range(5)
                for day in range(4, 10)
            ),
        ),
        histories={
            ("satisfaction", "csat 1-5 third_party"): _points(moves, 0.015, 1.97),
            ("revenue", None): _points([*billed, (read[4].headline.change, read[4].like_for_like.change)], 0.0, None),  # type: ignore[union-attr]
        },
        history_limits={
            ("satisfaction", "csat 1-5 third_party"): Limits(-0.01, -0.08, 0.06, quarters(8)[0], quarters(8)[6], 7),
        },
        digest=_DIGEST,
    )
    return replace(full, **changes)  # type: ignore[arg-type]


def worded() -> Review:
    """The rich review with a person's words at its head, hostile ones."""
    return review(
        headline_override=HeadlineOverride(
            f"Calls were answered later {SCRIPT} {BACKWARDS}", "Marta Ruiz", date(2026, 7, 13), "The draft."
        ),
        viewer_side=Side.PROVIDER,
    )


def renamed() -> Review:
    """The rich review of parties with names that no column was made for."""
    return review(parties={Side.CUSTOMER: LONG, Side.PROVIDER: f"Helpline {SCRIPT}"}, book=FORMULA)


def bare() -> Review:
    """A review of a book in which almost nothing could be formed."""
    return review(
        levels=(),
        paid=None,
        readings=(),
        missing=(),
        origins=(),
        lateness=(),
        histories={},
        history_limits={},
        digest="",
    )
