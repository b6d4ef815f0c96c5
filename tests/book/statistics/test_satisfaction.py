"""The engine's sums against a second hand that follows the specification in plain Python."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comity.book.opening import open_book
from comity.book.statistics.satisfaction import gather
from comity.book.storage import arrow_schema
from comity.book.tables import TABLES
from comity.core.calendars import Calendar, Cut
from comity.core.readings.satisfaction import read
from comity.core.values import Comparison, Period
from tests.book.statistics.satisfaction_witness import Witness
from tests.cast import JOINT, write_book

Q1, Q2 = Period(date(2026, 1, 1), date(2026, 4, 1)), Period(date(2026, 4, 1), date(2026, 7, 1))
ASKED = Comparison(Q2, Q1, date(2026, 7, 1))
EMPTY = {column.name: None for column in TABLES["surveys"].columns}


def answer(number, who, on, score, **more):
    """One row of surveys; `on` is the day of the answer."""
    row = {
        **EMPTY,
        "response_id": f"r{number:05}",
        "audience": "customer",
        "respondent_id": who,
        "answered_on": on,
        "instrument": "csat",
        "scale_min": 1.0,
        "scale_max": 5.0,
        "score": score,
    }
    return {**row, **more}


def typed_book(folder, tables, toml=""):
    """A book in the form that an import leaves."""
    write_book(folder, toml)
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows, arrow_schema(TABLES[name], "Europe/Madrid"))
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def gathered(folder, comparisons=(ASKED,)):
    with open_book(folder, JOINT) as book:
        return gather(book, comparisons)


def read_all(folder, comparison=ASKED):
    return {stats.scale.name: read(stats) for stats in gathered(folder, (comparison,))[comparison]}


# Random books ----------------------------------------------------------------------------------------------


def random_book(seed):
    """A small book with everything that the sets depend on, often missing."""
    rng = random.Random(seed)
    span = (date(2025, 12, 1), date(2026, 8, 1))
    days = (span[1] - span[0]).days
    names = [f"a{at:02}" for at in range(rng.choice([4, 14, 40]))]
    people = [f"p{at:03}" for at in range(rng.choice([9, 40, 160]))] + names[:3]
    home = {who: rng.choice([*names, None]) for who in people}
    scales = [
        {"instrument": "csat", "scale_min": 1.0, "scale_max": 5.0, "conducted_by": "third_party"},
        {"instrument": "csat", "scale_min": 5.0, "scale_max": 1.0, "conducted_by": "third_party"},
        {"instrument": "nps", "scale_min": 0.0, "scale_max": 10.0, "conducted_by": None},
        {"instrument": "ces", "scale_min": 1.0, "scale_max": 7.0, "conducted_by": "provider"},
    ]
    likely = rng.choice([0.15, 0.6, 1.0])
    calm = rng.random() < 0.4  # people who mean what they say, so that verdicts other than `unclear` occur
    if calm:
        names, likely, scales = [f"a{at:02}" for at in range(40)], 1.0, scales[:1]
        people = [f"p{at:03}" for at in range(rng.choice([120, 240]))]
        home = {who: rng.choice(names) for who in people}
    level, drift = {who: rng.uniform(1.5, 5) for who in people}, rng.choice([0, 0, 0.3, -0.4])

    def scored(who, on, low, high):
        if not calm:
            return float(rng.randint(int(low), int(high)))
        return float(min(high, max(low, round(level[who] + drift * (on >= date(2026, 4, 1)) + rng.gauss(0, 0.2)))))

    invited_too = rng.random() < 0.6
    surveys = []
    for number in range(rng.choice([700, 1000] if calm else [60, 300, 700])):
        who = rng.choice(people)
        scale = rng.choice(scales[: rng.choice([1, 2, 4])])
        on = span[0] + timedelta(days=rng.randrange(days))
        low, high = sorted((scale["scale_min"], scale["scale_max"]))
        answered = rng.random() < likely or not invited_too
        asked = on - timedelta(days=rng.randrange(50)) if rng.random() < 0.8 and invited_too else None
        surveys.append(
            answer(
                number,
                who,
                on if answered else None,
                scored(who, on, low, high) if answered and rng.random() < 0.97 else None,
                asked_on=asked,
                account_id=rng.choice(names) if rng.random() < 0.1 else home[who],
                audience="employee" if rng.random() < 0.03 else "customer",
                queue=rng.choice(["sales", "care", None]),
                channel=rng.choice(["voice", "chat"]) if rng.random() < 0.9 else None,
                **scale,
            ),
        )
    tables = {"surveys": surveys}
    if rng.random() < 0.8:
        tables["accounts"] = [
            {
                "account_id": name,
                "segment": rng.choice(["small", "large", None]),
                "joined_on": rng.choice([None, date(2024, 1, 1), date(2026, 4, 1), date(2026, 2, 10)]),
                "left_on": rng.choice([None, None, date(2026, 6, 30), date(2026, 7, 1), date(2026, 3, 31)]),
            }
            for name in names
            if rng.random() < 0.9
        ]
    if rng.random() < 0.7:
        months = [date(2026, month, 1) for month in range(rng.choice([1, 3, 4]), rng.choice([6, 7, 8]))]
        tables["invoices"] = [
            {
                "month": month,
                "account_id": name,
                "service": "care",
                "quantity": Decimal(rng.choice([0, 3])),
                "unit_price": Decimal("1.5"),
                "amount": rng.choice([None, Decimal("4.5"), Decimal(0)]),
                "kind": rng.choice(["service", "service", "credit", None]),
            }
            for name in names
            for month in months
            if rng.random() < 0.5
        ]
    if rng.random() < 0.5:
        tables["contacts"] = [
            {
                "contact_id": f"c{number}",
                "opened_at": datetime(2026, 1, 1) + timedelta(days=number),  # noqa: DTZ001 - kept in UTC without a zone
                "opened_on": date(2026, 1, 1) + timedelta(days=number),
                "opened_slot": 0,
                "account_id": rng.choice([*names, None]),
            }
            for number in range(rng.choice([5, 170]))
        ]
    return tables


def same(got, expected):
    """The product's reading says what the second hand says."""
    assert got.headline.change == pytest.approx(expected["n"], abs=1e-9)
    assert (got.before, got.after) == pytest.approx((expected["before"], expected["after"]), abs=1e-9)
    assert got.material == pytest.approx(expected["material"])
    formed = expected["h"] is not None
    assert (got.like_for_like is not None) == formed
    changes = [got.headline, got.like_for_like, got.gap]
    for change, error in zip(changes, expected["se"], strict=True):
        if change is not None:
            assert change.se == (None if error is None else pytest.approx(error, rel=1e-9, abs=1e-9))
    if formed:
        assert got.like_for_like.change == pytest.approx(expected["h"], abs=1e-9)
        assert got.z == (None if expected["z"] is None else pytest.approx(expected["z"]))
    assert [part.id for part in got.parts] == list(expected["parts"])
    for part in got.parts:
        assert part.value == pytest.approx(expected["parts"][part.id], abs=1e-9)
    if got.parts:
        size = sum(abs(part.value) for part in got.parts)
        assert sum(part.value for part in got.parts) == pytest.approx(got.headline.change, abs=1e-9 * max(size, 1e-3))
    assert dict(got.counts) == expected["counts"]
    assert got.verdict.value == expected["verdict"]
    assert got.would_be == expected["would_be"]
    assert got.cause == expected["cause"]


@pytest.mark.parametrize("seed", range(24))
def test_engine_and_second_hand_agree_on_random_books(tmp_path, seed):
    starts_on = 22 if seed % 4 == 3 else 1
    calendar = Calendar(Cut.MONTH if seed % 3 == 2 else Cut.QUARTER, starts_on)
    toml = f"""
        [book]
        name = "Random"
        timezone = "Europe/Madrid"
        month_starts_on = {starts_on}
        [parties.customer]
        id = "northwind"
        [parties.provider]
        id = "helpline"
    """
    tables = random_book(seed)
    folder = typed_book(tmp_path / "book", tables, toml)
    last = calendar.containing(date(2026, 6, 10))
    before = calendar.before(last)
    asked = [Comparison(last, before, last.end), Comparison(before, calendar.before(before), last.end)]
    found = gathered(folder, asked)
    assert list(found) == asked
    for one in asked:
        got = {stats.scale.name: read(stats) for stats in found[one]}
        got = {name: reading for name, reading in got.items() if reading is not None}
        expected = Witness(tables, one.period, one.reference, starts_on).readings()
        assert list(got) == list(expected)
        for name, reading in got.items():
            same(reading, expected[name])
