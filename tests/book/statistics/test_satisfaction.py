"""The engine's sums against a second hand that follows the specification in plain Python."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.satisfaction import gather
from comity.book.storage.parquet import arrow_schema
from comity.book.tables import TABLES
from comity.core.calendars import Calendar, Cut
from comity.core.readings.satisfaction import read
from comity.core.values import Comparison, Period
from tests.book.statistics.satisfaction_witness import Witness
from tests.builders.turns import one_in
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate

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


@pytest.mark.parametrize("seed", one_in(2, [(str(seed), seed) for seed in range(24)]))
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


# Numbers made elsewhere ------------------------------------------------------------------------------------


def two_quarters(seed=5, people=90, accounts=30):
    """Customers of several people each; some answer once, some several times, in one quarter or in both."""
    rng = random.Random(seed)
    liking = {at: rng.gauss(0, 0.5) for at in range(accounts)}
    rows = []
    for at in range(people):
        account = at % accounts
        for start, chance in ((date(2026, 1, 1), 0.9), (date(2026, 4, 1), 0.8)):
            if rng.random() > chance:
                continue
            for _ in range(rng.choice([1, 1, 2, 3])):
                score = min(5, max(1, round(3.6 + liking[account] + rng.gauss(0, 0.8))))
                on = start + timedelta(days=rng.randrange(90))
                rows.append(answer(len(rows), f"p{at:02}", on, float(score), account_id=f"a{account:02}"))
    return rows


def test_errors_are_those_of_statsmodels_with_clustered_accounts(tmp_path):
    from statsmodels.api import OLS

    rows = two_quarters()
    (reading,) = read_all(typed_book(tmp_path / "book", {"surveys": rows})).values()

    def clustered(values, design, accounts):
        """The last coefficient's error without statsmodels' own correction, times U/(U-1)."""
        groups = [int(account[1:]) for account in accounts]
        fit = OLS(values, design).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
        units = len(set(groups))
        return fit.bse[-1] * (units / (units - 1)) ** 0.5

    design = [[1.0, float(row["answered_on"] in Q2)] for row in rows]
    error = clustered([row["score"] for row in rows], design, [row["account_id"] for row in rows])
    assert reading.headline.se == pytest.approx(error, rel=1e-9)

    means = {}
    for row in rows:
        means.setdefault((row["respondent_id"], row["account_id"]), ([], []))[row["answered_on"] in Q2].append(
            row["score"]
        )
    both = {who: sum(b) / len(b) - sum(a) / len(a) for who, (a, b) in means.items() if a and b}
    error = clustered(list(both.values()), [[1.0]] * len(both), [account for _, account in both])
    assert reading.like_for_like.se == pytest.approx(error, rel=1e-9)


# Identities ------------------------------------------------------------------------------------------------


def figures(reading):
    """What a relabelled or mirrored book must not change."""
    changes = [reading.headline, reading.like_for_like, reading.gap]
    numbers = [reading.before, reading.after, *(x for one in changes for x in (one.change, one.se))]
    return (
        pytest.approx([*numbers, *(part.value for part in reading.parts)], abs=1e-12),
        [part.id for part in reading.parts],
        reading.verdict,
        reading.cause,
        dict(reading.counts),
    )


def test_a_mirrored_scale_gives_the_same_figures(tmp_path):
    rows = two_quarters()
    turned = [{**row, "scale_min": 5.0, "scale_max": 1.0, "score": 6 - row["score"]} for row in rows]
    half = [turned[at] if at % 2 else row for at, row in enumerate(rows)]
    expected = figures(read_all(typed_book(tmp_path / "up", {"surveys": rows}))["csat 1-5"])
    for name, records in (("down", turned), ("both", half)):
        found = read_all(typed_book(tmp_path / name, {"surveys": records}))
        assert list(found) == ["csat 1-5"]
        got = found["csat 1-5"]
        numbers, *rest = expected
        mine, *others = figures(got)
        assert mine.expected == numbers
        assert others == rest


def test_relabelling_people_and_accounts_changes_nothing(tmp_path):
    rows = two_quarters()
    turned = [
        {**row, "respondent_id": row["respondent_id"][::-1] + "x", "account_id": row["account_id"][::-1]}
        for row in rows
    ]
    numbers, *rest = figures(read_all(typed_book(tmp_path / "a", {"surveys": rows}))["csat 1-5"])
    mine, *others = figures(read_all(typed_book(tmp_path / "b", {"surveys": turned[::-1]}))["csat 1-5"])
    assert mine.expected == numbers
    assert others == rest


# Who is who ------------------------------------------------------------------------------------------------


def test_nps_counts_promoters_less_detractors(tmp_path):
    scale = {"instrument": "nps", "scale_min": 0.0, "scale_max": 10.0}
    before, after = [10, 9, 8, 7, 6, 0], [10, 9, 9, 8, 6, 6]  # 2 of 6 less 2 of 6; 3 of 6 less 2 of 6
    rows = [
        answer(number * 10 + at, f"p{at}", on, float(score), **scale)
        for number, (on, scores) in enumerate(((date(2026, 2, 1), before), (date(2026, 5, 1), after)))
        for at, score in enumerate(scores)
    ]
    (reading,) = read_all(typed_book(tmp_path / "book", {"surveys": rows})).values()
    assert (reading.before, reading.after) == pytest.approx((0.0, 100 / 6))
    assert reading.material == 4.0


def test_the_same_person_without_account_is_the_account_of_the_same_id(tmp_path):
    first = [answer(at, f"p{at}", date(2026, 2, 1), 3.0) for at in range(20)]
    rows = first + [answer(100 + at, f"p{at}", date(2026, 5, 1), 4.0) for at in range(12)]
    accounts = [{"account_id": f"p{at}", "left_on": date(2026, 6, 30)} for at in range(12, 18)]
    (stats,) = gathered(typed_book(tmp_path / "book", {"surveys": rows, "accounts": accounts}))[ASKED]
    assert (stats.stayed.people, stats.left.people, stats.silent.people) == (12, 6, 2)


def test_loyalty_counts_only_those_whose_leaving_would_be_known(tmp_path):
    """Of 20 asked before, 12 scored 5 of 5. Accounts are known of p0 to p9, the first two of which left."""
    rows = [answer(at, f"p{at}", date(2026, 2, 1), 5.0 if at < 12 else 2.0) for at in range(20)]
    rows += [answer(100 + at, f"p{at}", date(2026, 5, 1), 4.0) for at in range(2, 20)]
    (nothing,) = gathered(typed_book(tmp_path / "nothing", {"surveys": rows}))[ASKED]
    assert (nothing.top_quarter.people, nothing.the_rest.people) == (0, 0)
    accounts = [{"account_id": f"p{at}", "left_on": date(2026, 6, 30) if at < 2 else None} for at in range(10)]
    (stats,) = gathered(typed_book(tmp_path / "known", {"surveys": rows, "accounts": accounts}))[ASKED]
    assert (stats.top_quarter.people, stats.top_quarter.gone) == (10, 2)
    assert (stats.the_rest.people, stats.the_rest.gone) == (0, 0)


def test_a_month_that_was_not_delivered_makes_nobody_leave(tmp_path):
    rows = [answer(at, f"p{at}", date(2026, 2, 1), 3.0) for at in range(20)]
    rows += [answer(100 + at, f"p{at}", date(2026, 5, 1), 4.0) for at in range(12)]

    def line(who, month):
        amount = Decimal(5)
        return {
            "month": month,
            "account_id": who,
            "service": "s",
            "quantity": amount,
            "unit_price": 1,
            "amount": amount,
        }

    march = [line(f"p{at}", date(2026, 3, 1)) for at in range(20)]
    (stats,) = gathered(typed_book(tmp_path / "early", {"surveys": rows, "invoices": march}))[ASKED]
    assert (stats.left.people, stats.silent.people) == (0, 8)
    june = [line(f"p{at}", date(2026, 6, 1)) for at in range(13)]
    (stats,) = gathered(typed_book(tmp_path / "late", {"surveys": rows, "invoices": march + june}))[ASKED]
    assert (stats.left.people, stats.silent.people) == (7, 1)


def test_a_book_of_csv_files_end_to_end(tmp_path):
    """A customer's own CSV: 12 people asked twice, six more whose accounts left."""
    lines = ["response_id,audience,respondent_id,account_id,answered_on,instrument,scale_min,scale_max,score"]
    lines += [f"b{at},customer,p{at},a{at},2026-02-03,csat,1,5,{2 if at >= 12 else 4}" for at in range(18)]
    lines += [f"c{at},customer,p{at},a{at},2026-05-04,csat,1,5,{3 if at == 0 else 4}" for at in range(12)]
    left = ["account_id,left_on", *(f"a{at},2026-05-20" for at in range(12, 18))]
    folder = write_book(tmp_path / "book", surveys="\n".join(lines), accounts="\n".join(left))
    (reading,) = read_all(folder).values()
    # Before (12 x 4 + 6 x 2) / 18 = 3.3333, after 47/12 = 3.9167; within -1/12, survivorship 6/18 (4 - 2) = 0.6667.
    assert reading.headline.change == pytest.approx(47 / 12 - 60 / 18)
    assert {part.id: part.value for part in reading.parts if part.value} == pytest.approx(
        {"within": -1 / 12, "survivorship": 2 / 3},
    )
    assert (reading.verdict, reading.cause) == ("illusory", "survivorship")


def test_nothing_answered_or_nothing_asked_gives_nothing(tmp_path):
    rows = [answer(at, f"p{at}", date(2026, 2, 1), 3.0) for at in range(20)]
    folder = typed_book(tmp_path / "book", {"surveys": rows})
    assert gathered(folder) == {ASKED: ()}
    assert gathered(folder, ()) == {}


def test_nothing_of_the_working_stays_in_the_engine(tmp_path):
    with open_book(typed_book(tmp_path / "book", {"surveys": two_quarters()}), JOINT) as book:
        before = book.engine.con.execute("SHOW ALL TABLES").fetchall()
        gather(book, [ASKED])
        assert book.engine.con.execute("SHOW ALL TABLES").fetchall() == before
