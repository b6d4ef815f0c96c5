"""Revenue from the lines of a book: against a calculation by hand, and against a witness in exact fractions."""

import csv
import itertools
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.reading.open import open_book
from comity.book.statistics import revenue as lines
from comity.book.storage.parquet import arrow_schema
from comity.book.tables import TABLES
from comity.core.readings import revenue
from comity.core.readings.reading import Reading
from comity.core.readings.revenue import Stats
from comity.core.values import Comparison, Period
from tests.builders.examples import examples
from tests.cast import BOOK, CUSTOMER, JOINT, PROVIDER, write_book

pytestmark = pytest.mark.gate

Q1, Q2 = Period(date(2026, 1, 1), date(2026, 4, 1)), Period(date(2026, 4, 1), date(2026, 7, 1))
HORIZON = date(2026, 7, 1)
ASKED = Comparison(Q2, Q1, HORIZON)
MONTHS = [date(2026, month, 1) for month in range(1, 7)]
TERMS = (
    *("volume", "expansion", "contraction", "arrival", "returned", "departure"),
    *("prices", "inflation", "calendar", "adjustments"),
)


LUMPS = ("lumps_up", "lumps_down")


@dataclass(frozen=True, slots=True)
class Line:
    month: date
    account_id: str
    service: str
    quantity: str | None
    unit_price: str | None
    amount: str | None = None
    unit: str | None = "fixed"
    kind: str | None = "service"


def written(folder: Path, invoiced: list[Line], index: dict[date, float] | None = None, toml: str = BOOK) -> Path:
    """A book as an import leaves it: Parquet, typed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "book.toml").write_text(toml, encoding="utf-8")
    rows = [
        {
            "month": line.month,
            "account_id": line.account_id,
            "service": line.service,
            "quantity": None if line.quantity is None else Decimal(line.quantity),
            "unit_price": None if line.unit_price is None else Decimal(line.unit_price),
            "amount": None if line.amount is None else Decimal(line.amount),
            "unit": line.unit,
            "kind": line.kind,
        }
        for line in invoiced
    ]
    _write(folder, "invoices", rows)
    if index:
        _write(folder, "prices", [{"month": month, "index": value} for month, value in index.items()])
    return folder


def _write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    pq.write_table(
        pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name], "Europe/Madrid")),
        folder / f"{name}.parquet",
    )


def gathered(book: Path, *comparisons: Comparison) -> dict[Comparison, tuple[Stats, ...]]:
    with open_book(book, JOINT) as opened:
        return lines.gather(opened, comparisons)


def stats(book: Path, asked: Comparison = ASKED) -> Stats:
    (found,) = gathered(book, asked)[asked]
    return found


def read(book: Path, asked: Comparison = ASKED) -> Reading:
    return revenue.read(stats(book, asked))


def parts(reading: Reading) -> dict[str, float]:
    return {part.id: part.value for part in reading.parts}


JANUARY, MAY = MONTHS[0], MONTHS[4]


@pytest.mark.parametrize("known", ["both", "before", "neither"])
def test_an_invoice_without_a_quantity_says_nothing_of_prices(tmp_path, known):
    """1,000, then 1,140 for calls: with 100 calls each it is price alone; without a quantity, nobody knows."""
    before, after = {"both": ("100", "100"), "before": ("100", None), "neither": (None, None)}[known]
    book = written(
        tmp_path,
        [
            Line(JANUARY, "a1", "calls", before, None, "1000"),
            Line(MAY, "a1", "calls", after, None, "1140"),
            Line(MAY, "a1", "credit", None, None, "-1", kind="credit"),
        ],
    )
    reading = read(book)
    assert reading.headline.change == 139
    if known == "both":
        assert (reading.verdict, reading.like_for_like.change, parts(reading)["price"]) == ("illusory", 0, 140)
        assert "without_quantity" not in reading.also
        return
    assert (reading.verdict, reading.cause, reading.like_for_like, reading.parts) == ("unclear", "quantity", None, ())
    assert reading.also["without_quantity"] == 2140


@pytest.mark.parametrize(("unit", "told"), [(None, "lump_sum"), ("fixed", "lump_sum"), ("fte_month", "price")])
def test_one_of_nothing_that_is_counted_says_nothing_of_prices(tmp_path: Path, unit: str | None, told: str) -> None:
    """1,000 a month, then 1,140, with "1" as the quantity of each: of a lump sum nobody knows why."""
    lines_of = [Line(JANUARY, "a1", "desk", "1", None, "1000", unit), Line(MAY, "a1", "desk", "1", None, "1140", unit)]
    asked = Comparison(Period(MAY, MONTHS[5]), Period(JANUARY, MONTHS[1]), HORIZON)
    reading = read(written(tmp_path, lines_of), asked)
    assert reading.cause == told
    assert (reading.verdict, reading.would_be) == (
        ("unclear", "illusory") if told == "lump_sum" else ("illusory", None)
    )


@pytest.mark.parametrize(("amount", "index"), [("1000", 104.0), ("1040", 104.0)])
def test_a_lump_sum_that_stood_still_or_followed_the_index_is_no_riddle(
    tmp_path: Path, amount: str, index: float
) -> None:
    """1,000, then the same or 4 % more while the index rose by 4 %."""
    lines_of = [Line(JANUARY, "a1", "desk", "1", None, "1000", None), Line(MAY, "a1", "desk", "1", None, amount, None)]
    asked = Comparison(Period(MAY, MONTHS[5]), Period(JANUARY, MONTHS[1]), HORIZON)
    reading = read(written(tmp_path, lines_of, {JANUARY: 100.0, MAY: index}), asked)
    assert (reading.verdict, reading.cause) == (("steady", None) if amount == "1000" else ("illusory", "inflation"))


BY_HAND = [
    Line(JANUARY, "a1", "desk", "900", "10", "9000", "contact"),
    Line(MAY, "a1", "desk", "910", "11", "10010", "contact"),
    Line(MAY, "a1", "tool", "3", "102", "306"),
    Line(JANUARY, "a2", "desk", "10", "10", "100"),
    Line(MAY, "a3", "desk", "5", "10.2", "51"),
    Line(JANUARY, "a4", "x", "1", "50", "50"),
    Line(MAY, "a4", "x", "2", "51", "102"),
    Line(JANUARY, "a4", "y", "2", "10", "20"),
    Line(MAY, "a4", "z", "1", "-5", "-5"),
    Line(MAY, "a1", "desk", "1", "-40", "-40", "fixed", "credit"),
    Line(JANUARY, "a2", "least", "0", "0", "7"),
]
BY_HAND_INDEX = dict.fromkeys(MONTHS[:3], 100.0) | dict.fromkeys(MONTHS[3:], 102.0)


def test_splits_a_book_as_it_is_split_by_hand(tmp_path: Path) -> None:
    """The index goes from 100 to 102: G = 0.02. Q1 has 90 days, Q2 has 91.

    a1 desk, by contact: 910 * 90/91 = 900 contacts and 9900 of 10010 (calendar 110), at 11 instead of 10:
    volume 0, prices (11-10)(900+900)/2 = 900, of that inflation 0.02 * 10 * 900 = 180.
    a1 tool, new at 102 (before: 102/1.02 = 100): expansion 3 * 101 = 303, inflation 0.02 * 100 * 1.5 = 3.
    a2 desk, left at 10 (after: 10.2): departure -10 * 10.1 = -101, inflation 0.02 * 10 * 5 = 1.
    a3 desk, arrived at 10.2 (before: 10): arrival 5 * 10.1 = 50.5, inflation 0.02 * 10 * 2.5 = 0.5.
    a4 x, 1 at 50, then 2 at 51: volume 50.5, prices 1 * 1.5 = 1.5, all of it inflation 0.02 * 50 * 1.5 = 1.5.
    a4 y, gone at 10: contraction -2 * 10.1 = -20.2, inflation 0.02 * 10 * 1 = 0.2.
    a4 z has a negative amount, a2 least no quantity, the credit another kind: adjustments -5 - 7 - 40 = -52.
    """
    reading = read(written(tmp_path, BY_HAND, BY_HAND_INDEX))
    assert (reading.before, reading.after) == (9177.0, 10424.0)
    assert parts(reading) == pytest.approx(
        {
            "volume": 50.5,
            "expansion": 303.0,
            "contraction": -20.2,
            "arrival": 50.5,
            "return": 0.0,
            "departure": -101.0,
            "inflation": 180 + 3 + 1 + 0.5 + 1.5 + 0.2,
            "price": 900 - 180.0,
            "calendar": 110.0,
            "adjustments": -52.0,
        },
    )
    assert reading.headline.change == 1247
    assert reading.like_for_like is not None
    assert reading.like_for_like.change == pytest.approx(282.8)
    assert reading.also["existing"] == pytest.approx(282.8 - 50.5)
    assert reading.also["inflation"] == pytest.approx(0.02)
    assert (reading.verdict, reading.cause) == ("overstated", "price")


def test_inflation_is_not_known_without_prices(tmp_path: Path) -> None:
    reading = read(written(tmp_path, BY_HAND))
    assert parts(reading)["inflation"] == 0
    assert reading.also["inflation"] is None


def test_inflation_is_not_known_when_the_last_month_has_no_index(tmp_path: Path) -> None:
    ended = {month: value for month, value in BY_HAND_INDEX.items() if month != MONTHS[-1]}
    assert stats(written(tmp_path, BY_HAND, ended)).growth is None


def test_amount_counts_where_given_and_else_quantity_times_price(tmp_path: Path) -> None:
    """900 at 10 said to be 8999.99, and 3 at 0.333333 with nothing said: 0.999999."""
    book = written(
        tmp_path,
        [Line(JANUARY, "a", "s", "900", "10", "8999.99"), Line(MAY, "a", "s", "3", "0.333333")],
    )
    assert (stats(book).before, stats(book).after) == (8999.99, 0.999999)


def test_the_largest_decimals_do_not_overflow(tmp_path: Path) -> None:
    most = "999999999999.999999"
    found = stats(written(tmp_path, [Line(month, "a", "s", most, most) for month in (JANUARY, MAY)]))
    assert found.after == pytest.approx(1e24)


def test_months_of_a_contract_are_named_by_the_month_in_which_they_start(tmp_path: Path) -> None:
    """With months from the 22nd, 2026-Q2 is 22 April to 22 July, of the invoices for April, May and June."""
    toml = BOOK.replace('currency = "EUR"', 'currency = "EUR"\nmonth_starts_on = 22')
    book = written(tmp_path, [Line(month, "a", "s", "1", f"{month.month}") for month in MONTHS], toml=toml)
    asked = Comparison(
        Period(date(2026, 4, 22), date(2026, 7, 22)),
        Period(date(2026, 1, 22), date(2026, 4, 22)),
        date(2026, 8, 1),
    )
    assert (stats(book, asked).before, stats(book, asked).after) == (1 + 2 + 3, 4 + 5 + 6)


def test_weeks_give_nothing(tmp_path: Path) -> None:
    week = Comparison(Period(date(2026, 4, 6), date(2026, 4, 13)), Period(date(2026, 3, 30), date(2026, 4, 6)), HORIZON)
    assert gathered(written(tmp_path, BY_HAND), week) == {week: ()}


def test_only_days_of_hours_minutes_and_contacts_are_made_equal(tmp_path: Path) -> None:
    """April has 30 days, May 31: of 31 in May, 1 is the calendar's where days bring more."""
    units = ("hour", "minute", "contact", "fte_month", "fixed", "percent", None)
    april_may = Comparison(Period(MONTHS[4], MONTHS[5]), Period(MONTHS[3], MONTHS[4]), HORIZON)
    for unit in units:
        invoiced = [
            Line(MONTHS[3], "a", "s", "30", "1", unit=unit),
            Line(MONTHS[4], "a", "s", "31", "1", unit=unit),
        ]
        found = parts(read(written(tmp_path / f"{unit}", invoiced), april_may))
        by_days = unit in {"hour", "minute", "contact"}
        assert found["calendar"] == pytest.approx(1 if by_days else 0), unit
        assert found["volume"] == pytest.approx(0 if by_days else 1), unit


def test_a_renamed_service_is_redefined_and_named(tmp_path: Path) -> None:
    """The same desk under a new name: h is 0 (it falls by 1000 and rises by 1000) with it and without it.

    Beside it a2 renames *and* doubles: 1000 to 2000. Without a2 nothing moved; with it, h = 1000 of 12000.
    """
    steady = [Line(month, "a1", "desk", "1", "10000") for month in (JANUARY, MAY)]
    renamed = [Line(JANUARY, "a2", "old name", "1", "1000"), Line(MAY, "a2", "new name", "2", "1000")]
    reading = read(written(tmp_path, steady + renamed))
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "redefined", "genuine")
    assert reading.also["redefined"] == ["a2 / new name", "a2 / old name"]
    assert reading.also["redefined_count"] == 2
    assert reading.also["without_redefined"] == 0


def test_a_cell_in_another_unit_is_redefined(tmp_path: Path) -> None:
    """From 10 days at 800 to 80 hours at 110: quantity up by 8, price down by 7.3."""
    found = stats(
        written(tmp_path, [Line(JANUARY, "a", "s", "10", "800"), Line(MAY, "a", "s", "80", "110")]),
    )
    assert found.redefined_cells == (("a", "s"),)
    assert found.redefined == found.volume == 70 * 455


def test_a_factor_of_exactly_three_is_no_other_unit(tmp_path: Path) -> None:
    """400 at 0.7, then 100 at 2.1: 3 * 0.7 is 2.0999999999999996 in binary."""
    found = stats(written(tmp_path, [Line(JANUARY, "a", "s", "400", "0.7"), Line(MAY, "a", "s", "100", "2.1")]))
    assert found.redefined_count == 0


def test_a_price_of_nothing_is_an_infinite_factor(tmp_path: Path) -> None:
    found = stats(written(tmp_path, [Line(JANUARY, "a", "s", "1", "5"), Line(MAY, "a", "s", "4", "0")]))
    assert found.redefined_count == 1


def test_the_names_of_redefined_cells_are_bounded_and_the_largest_come_first(tmp_path: Path) -> None:
    invoiced = [
        line
        for account in range(1, 31)
        for line in (
            Line(JANUARY, f"a{account:02}", "old", "1", f"{account * 100}"),
            Line(MAY, f"a{account:02}", "new", "2", f"{account * 100}"),
        )
    ]
    found = stats(written(tmp_path, invoiced))
    assert found.redefined_count == 60
    assert len(found.redefined_cells) == revenue.MOST_NAMED
    assert found.redefined_cells[0] == ("a30", "new")


# As people lay a book down ------------------------------------------------------------------------------------


def test_a_book_of_two_csv_files_is_split(tmp_path: Path) -> None:
    """The same minutes and the same month-long position, at prices that rose by 3 % while the index rose by 2 %.

    April has 30 days, May 31: a 31st of 638.60 is the calendar's, 20.60, and 618.00 stands against 600.00. What was
    bought is the same, so h = 0; prices 18 + 150 = 168, of which inflation 0.02 * (600 + 5000) = 112.
    """
    book = write_book(
        tmp_path,
        invoices="""
            month,account_id,service,quantity,unit_price,amount,unit,kind,invoice_id,line
            2026-04,northwind,calls,30000,0.02,600.00,minute,service,A,1
            2026-04,northwind,lead,1,5000,,fte_month,,A,2
            2026-05,northwind,calls,31000,0.0206,638.60,minute,service,B,1
            2026-05,northwind,lead,1,5150,,fte_month,,B,2
            2026-05,northwind,late answers,1,-250,,fixed,malus,B,3
        """,
        prices="""
            month,index
            2026-04,100
            2026-05,102
        """,
    )
    reading = read(book, Comparison(Period(MONTHS[4], MONTHS[5]), Period(MONTHS[3], MONTHS[4]), HORIZON))
    found = {name: value for name, value in parts(reading).items() if abs(value) > 1e-9}
    assert found == pytest.approx({"inflation": 112.0, "price": 56.0, "calendar": 20.6, "adjustments": -250.0})
    # From Monday to Friday, 22 days and 21: 31000 * 22/21 minutes are 2476.19 more, at (0.02 + 0.0206)/2.
    assert reading.also["monday_to_friday"] == {
        "verdict": "reversed",
        "as_reported": pytest.approx(188.6 - 250),
        "like_for_like": pytest.approx(2476.190476 * 0.0203),
    }
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "calendar", "illusory")


def test_another_side_s_invoices_are_not_read(tmp_path: Path) -> None:
    invoices = """
        month,account_id,service,quantity,unit_price
        2026-04,secret-account,s,1,4242
        2026-05,secret-account,s,1,4343
    """
    book = write_book(tmp_path, '[private]\nprovider = ["invoices"]\n', private__provider__invoices=invoices)
    asked = Comparison(Period(MONTHS[4], MONTHS[5]), Period(MONTHS[3], MONTHS[4]), HORIZON)
    for viewer, seen in ((JOINT, 0), (CUSTOMER, 0), (PROVIDER, 1)):
        with open_book(book, viewer) as opened:
            assert len(lines.gather(opened, [asked])[asked]) == seen


@pytest.mark.shared
def test_the_us_index_bridges_the_month_that_was_never_published(shared: Path, tmp_path: Path) -> None:
    """Indexed to the CPI, the same 100 hours a month cost what the index says; October 2025 is no gap in time.

    The quarters' means by hand: 323.94133 and, with sqrt(324.8 * 324.122) for October, 324.21227. Both have 92 days.
    """
    file = shared / "data" / "price_indices" / "us_cpi_u_monthly.csv"
    with file.open(encoding="utf-8") as opened:
        published = {date.fromisoformat(row["Date"]): float(row["Index"]) for row in csv.DictReader(opened)}
    assert date(2025, 10, 1) not in published
    growth = 324.21227 / 323.94133 - 1
    prices = {month: "10" if month < 10 else f"{10 * (1 + growth):.6f}" for month in range(7, 13)}
    invoiced = [Line(date(2025, month, 1), "a", "s", "100", price, unit="hour") for month, price in prices.items()]
    book = written(tmp_path, invoiced, published)
    asked = Comparison(
        Period(date(2025, 10, 1), date(2026, 1, 1)),
        Period(date(2025, 7, 1), date(2025, 10, 1)),
        date(2026, 1, 1),
    )
    found = parts(read(book, asked))
    assert found["inflation"] == pytest.approx(3000 * growth, abs=0.001)
    assert found["price"] == pytest.approx(0, abs=0.001)


# The witness --------------------------------------------------------------------------------------------------


def witness(invoiced: list[Line], asked: Comparison, growth: Fraction) -> dict[str, Fraction]:
    """The specification once more, cell by cell in exact fractions."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    cells: dict[tuple[str, str], dict[str, list[Line]]] = defaultdict(lambda: {"0": [], "1": []})
    for line in invoiced:
        side = "0" if line.month in asked.reference else "1" if line.month in asked.period else None
        if side is None:
            continue
        found[f"invoiced{side}"] += amount(line)
        if line.kind in {"service", None}:
            cells[line.account_id, line.service][side].append(line)
    found["adjustments"] = found["invoiced1"] - found["invoiced0"]
    priced = {cell: _priced(sides, asked, found) for cell, sides in cells.items()}
    for cell, known in priced.items():
        of_account = [other for (holder, _), other in priced.items() if holder == cell[0]]
        earlier = any(line.account_id == cell[0] and line.month < asked.reference.start for line in invoiced)
        if known:
            _split(known, of_account, growth, found, newcomer="returned" if earlier else "arrival")
        if len(known) == 2 and all(_is_lump(line) for side in cells[cell].values() for line in side):
            (q0, p0), (q1, p1) = known["0"], known["1"]
            beyond = (p1 - (1 + growth) * p0) * (q0 + q1) / 2 if p1 != p0 else Fraction()
            found["lumps_up" if beyond > 0 else "lumps_down"] += beyond
    return found


def _is_lump(line: Line) -> bool:
    return Fraction(line.quantity) == 1 and line.unit in {"fixed", None}


def _priced(
    sides: dict[str, list[Line]],
    asked: Comparison,
    found: dict[str, Fraction],
) -> dict[str, tuple[Fraction, Fraction]]:
    """Quantity and price of a cell on each side on which it is priced."""
    known = {}
    for side, of in sides.items():
        quantity = sum((Fraction(line.quantity) for line in of), Fraction())
        value = sum((amount(line) for line in of), Fraction())
        if quantity <= 0 or value < 0:
            continue
        found["adjustments"] -= value if side == "1" else -value
        every = [line for lines_of in sides.values() for line in lines_of]
        if side == "1" and all(line.unit in {"hour", "minute", "contact"} for line in every):
            scale = Fraction(asked.reference.days, asked.period.days)
            found["calendar"] += value - value * scale
            quantity, value = quantity * scale, value * scale
        known[side] = quantity, value / quantity
    return known


def _split(
    known: dict[str, tuple[Fraction, Fraction]],
    of_account: list[dict[str, tuple[Fraction, Fraction]]],
    growth: Fraction,
    found: dict[str, Fraction],
    newcomer: str,
) -> None:
    q0, p0 = known.get("0", (Fraction(), Fraction()))
    q1, p1 = known.get("1", (Fraction(), Fraction()))
    p0, p1 = p0 if "0" in known else p1 / (1 + growth), p1 if "1" in known else p0 * (1 + growth)
    had, has = (any(side in other for other in of_account) for side in "01")
    kind = "volume"
    if len(known) == 1:
        kind = ("expansion" if had else newcomer) if "1" in known else ("contraction" if has else "departure")
    change = (q1 - q0) * (p0 + p1) / 2
    found[kind] += change
    found["prices"] += (p1 - p0) * (q0 + q1) / 2
    found["inflation"] += growth * p0 * (q0 + q1) / 2
    renamed = any(set(other) == {"0"} for other in of_account) and any(set(other) == {"1"} for other in of_account)
    apart = len(known) == 2 and ((q1 > 3 * q0 and p0 > 3 * p1) or (q0 > 3 * q1 and p1 > 3 * p0))
    found["redefined"] += change if renamed or apart else 0


def amount(line: Line) -> Fraction:
    return Fraction(line.quantity) * Fraction(line.unit_price) if line.amount is None else Fraction(line.amount)


def money(low: str, high: str) -> st.SearchStrategy[str]:
    return st.decimals(low, high, places=2).map(str)


LINES = st.lists(
    st.builds(
        Line,
        month=st.sampled_from(MONTHS[:4]),
        account_id=st.sampled_from(["a", "b", "c"]),
        service=st.sampled_from(["s", "t", "u"]),
        quantity=st.one_of(st.sampled_from(["0", "1", "1"]), money("-2", "50")),
        unit_price=st.one_of(st.just("0"), money("-1", "30")),
        amount=st.one_of(st.none(), money("-5", "500")),
        unit=st.sampled_from(["hour", "minute", "contact", "fte_month", "fixed", None]),
        kind=st.sampled_from(["service", "service", "service", None, "credit", "malus", "indexation"]),
    ),
    min_size=1,
    max_size=24,
)
INDEX = st.lists(st.floats(50, 200), min_size=4, max_size=4)
MONTHLY = [
    Comparison(Period(now, after), Period(before, now), HORIZON)
    for before, now, after in zip(MONTHS, MONTHS[1:], MONTHS[2:], strict=False)
][:3]


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, INDEX)
def test_agrees_with_a_witness_in_exact_fractions(invoiced: list[Line], index: list[float]) -> None:
    """Three comparisons at once, of four months that differ in days."""
    with TemporaryDirectory() as folder:
        book = written(Path(folder), invoiced, dict(zip(MONTHS[:4], index, strict=True)))
        found = gathered(book, *MONTHLY)
    for asked, (before, after) in zip(MONTHLY, itertools.pairwise(index), strict=True):
        told = [line for line in invoiced if line.month in asked.period or line.month in asked.reference]
        if not told:
            assert found[asked] == ()
            continue
        (ours,) = found[asked]
        expected = witness(invoiced, asked, Fraction(after) / Fraction(before) - 1)
        gross = float(sum(abs(amount(line)) for line in told))
        for term in (*TERMS, "redefined", *LUMPS):
            assert getattr(ours, term) == pytest.approx(float(expected[term]), abs=1e-9 * gross, rel=1e-9), term
        assert (ours.before, ours.after) == (float(expected["invoiced0"]), float(expected["invoiced1"]))
        # What `read` leaves to prices is what the cells say of prices: nothing hides in it.
        price = parts(revenue.read(ours))["price"]
        assert price == pytest.approx(ours.prices - ours.inflation, abs=1e-9 * gross)


@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_turns_its_signs_when_time_is_turned(invoiced: list[Line]) -> None:
    """May against March, both of 31 days, without an index: what was arrival becomes departure."""
    one, other = Period(MONTHS[2], MONTHS[3]), Period(MONTHS[4], MONTHS[5])
    there, back = Comparison(other, one, HORIZON), Comparison(one, other, HORIZON)
    apart = [Line(MONTHS[2] if line.month < MONTHS[2] else MONTHS[4], *_rest(line)) for line in invoiced]
    with TemporaryDirectory() as folder:
        found = gathered(written(Path(folder), apart), there, back)
    (forth,), (again,) = found[there], found[back]
    turned = {
        "lumps_up": ("lumps_down",),
        "lumps_down": ("lumps_up",),
        "expansion": ("contraction",),
        "contraction": ("expansion",),
        "departure": ("arrival", "returned"),
    }
    scale = sum(float(abs(amount(line))) for line in apart)
    for term in (*TERMS, "redefined", *LUMPS):
        if term in {"arrival", "returned"}:  # who had a line earlier is not the same when time is turned
            continue
        back = sum(getattr(again, name) for name in turned.get(term, (term,)))
        assert back == pytest.approx(-getattr(forth, term), abs=1e-9 * scale), term


@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, INDEX)
def test_scales_with_the_currency(invoiced: list[Line], index: list[float]) -> None:
    """The same invoices in cents: every sum times a hundred."""
    cents = [
        Line(
            line.month,
            line.account_id,
            line.service,
            line.quantity,
            str(Decimal(line.unit_price) * 100),
            None if line.amount is None else str(Decimal(line.amount) * 100),
            line.unit,
            line.kind,
        )
        for line in invoiced
    ]
    asked = Comparison(Period(MONTHS[2], MONTHS[4]), Period(MONTHS[0], MONTHS[2]), HORIZON)
    levels = dict(zip(MONTHS[:4], index, strict=True))
    with TemporaryDirectory() as folder:
        (euros,) = gathered(written(Path(folder, "euros"), invoiced, levels), asked)[asked]
        (found,) = gathered(written(Path(folder, "cents"), cents, levels), asked)[asked]
    scale = sum(float(abs(amount(line))) for line in cents)
    for term in (*TERMS, "redefined", *LUMPS, "before", "after"):
        assert getattr(found, term) == pytest.approx(100 * getattr(euros, term), abs=1e-9 * scale), term


def _rest(line: Line) -> tuple[str | None, ...]:
    return line.account_id, line.service, line.quantity, line.unit_price, line.amount, line.unit, line.kind
