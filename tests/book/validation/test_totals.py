"""Rows that sum up others are no records, under any name and in any place; a coincidence is no total."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.parse import read_mapping
from tests.builders.deliveries import at, rows
from tests.builders.examples import examples
from tests.builders.mappings import written
from tests.builders.turns import every
from tests.cast import write_book

pytestmark = pytest.mark.gate

MAPPING = """table = "intervals"
[columns]
queue = "Queue"
start = "Day"
minutes = { value = 1440 }
offered = "Offered"
answered = "Answered"
abandoned = "Abandoned"
"""
ANNEX = """table = "invoices"
[columns]
month = { value = "2026-01" }
account_id = { value = "nw" }
service = "Service"
quantity = { value = 1 }
amount = "Amount"
"""
NAMES = [
    "Total",
    "Totals",
    "Grand Total",
    "Gesamt",
    "Summe:",
    "Gesamtergebnis",
    "Total general",
    "Total général",
    "Totale complessivo",
    "Total Geral",
    "All Queues",
    "Overall",
    "Insgesamt",
    "Northwind Energy",  # the customer's own name
]


def taken(folder, lines, toml=MAPPING, head="Queue,Day,Offered,Answered,Abandoned"):
    """The rows that a new book holds of such a file, and what the import told."""
    source = written(folder, "report.csv", "\n".join([head, *(",".join(map(str, one)) for one in lines)]) + "\n")
    mapping = read_mapping(written(folder, "mine.toml", toml))
    book = write_book(folder / f"book{len(list(folder.iterdir()))}")
    outcome = import_source(book, source, mapping, ImportRequest("Ana", at(1), max_rejects=0.5))
    return rows(book, mapping.table), outcome


def queues(found):
    return sorted({row["queue"] for row in found})


def level(found):
    return sum(row["abandoned"] for row in found), sum(row["offered"] for row in found)


DAY = st.lists(
    st.tuples(st.integers(20, 400), st.integers(0, 19)), min_size=2, max_size=5
)  # of each queue: offered, abandoned


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DAY, min_size=1, max_size=3), st.sampled_from(NAMES), st.sampled_from(["first", "last", "middle"]))
def test_totals_of_any_name_and_place_never_change_a_level(tmp_path, days, name, place):
    """The level is worked out here from the queues' own numbers, before a total is put among them."""
    lines, offered, lost = [], 0, 0
    for day, of_day in enumerate(days, 5):
        own = [(f"Q{n}", f"2026-01-{day:02}", one, one - gone, gone) for n, (one, gone) in enumerate(of_day)]
        sums = [sum(one[i] for one in own) for i in (2, 3, 4)]
        at_place = {"first": 0, "last": len(own), "middle": 1}[place]
        own.insert(at_place, (name, f"2026-01-{day:02}", *sums))
        lines += own
        offered, lost = offered + sums[0], lost + sums[2]
    found, outcome = taken(tmp_path, lines)
    assert level(found) == (lost, offered)
    assert any(f"rows that sum up others were left out ({name!r})" in note for note in outcome.notes) or any(
        f"1 row that sums up others was left out ({name!r})" in note for note in outcome.notes
    )


def day_of(*queues_and_numbers):
    return [(queue, "2026-01-05", *numbers) for queue, *numbers in queues_and_numbers]


CARE, MAIL, SALES = ("Care DE", 100, 90, 10), ("Care AT", 50, 48, 2), ("Sales", 30, 27, 3)


@pytest.mark.parametrize(
    "parts",
    [
        [CARE, MAIL, ("Care", 150, 138, 12), SALES],  # the name of what is summed begins theirs
        [("Care", 150, 138, 12), CARE, MAIL, SALES],
        [CARE, MAIL, ("Care Total", 150, 138, 12), SALES, ("Grand Total", 180, 165, 15)],
        [CARE, MAIL, ("Support Summe", 150, 138, 12), SALES, ("Sales Summe", 30, 27, 3), ("Gesamt", 180, 165, 15)],
        [("Total Care", 150, 138, 12), CARE, MAIL, ("Total Sales", 30, 27, 3), SALES],
        [CARE, MAIL, ("Care", 150, 138, 12), SALES, ("Total", 180, 165, 15)],
    ],
)
def test_what_sums_up_a_part_is_no_record_either(tmp_path, parts):
    found, _ = taken(tmp_path, day_of(*parts))
    assert queues(found) == ["Care AT", "Care DE", "Sales"]
    assert level(found) == (15, 180)


@pytest.mark.parametrize("name", ["Average", "Promedio", "Durchschnitt", "Moyenne"])
def test_a_row_of_means_is_no_record(tmp_path, name):
    found, _ = taken(tmp_path, day_of(CARE, MAIL, (name, 75, 69, 6)))
    assert queues(found) == ["Care AT", "Care DE"]


@pytest.mark.parametrize(
    "lines",
    every(
        2,
        [
            # The sum of two others on one day, and not on the next.
            [
                *day_of(("A", 10, 9, 1), ("B", 20, 18, 2), ("C", 30, 27, 3)),
                ("A", "2026-01-06", 10, 9, 1),
                ("B", "2026-01-06", 20, 18, 2),
                ("C", "2026-01-06", 31, 27, 4),
            ],
            # Numbers so small that they add up by chance.
            [*day_of(("A", 1, 1, 0), ("B", 1, 1, 0), ("C", 2, 2, 0))],
            [*day_of(("A", 0, 0, 0), ("B", 1, 1, 0), ("C", 1, 1, 0))],
            # Names that sound like totals, of numbers that are none.
            [*day_of(("Care", 20, 18, 2), ("All", 22, 18, 4))],
            [*day_of(("Care", 20, 18, 2), ("Total Energies", 5, 5, 0))],
            # Two queues alike, and one within whose name another's begins.
            [*day_of(("Care", 20, 18, 2), ("Mail", 20, 18, 2))],
            [*day_of(("Care", 200, 180, 20), ("Care Plus", 60, 50, 10), ("Care Gold", 70, 66, 4))],
        ],
    ),
)
def test_what_is_no_total_stays(tmp_path, lines):
    found, outcome = taken(tmp_path, lines)
    assert len(found) == len(lines)
    assert outcome.delivery.rejected == 0


def test_what_is_called_a_total_and_sums_up_nothing_is_kept_and_named(tmp_path):
    found, outcome = taken(tmp_path, day_of(("Care", 20, 18, 2), ("Total", 5, 5, 0)))
    assert queues(found) == ["Care", "Total"]
    assert any("rows called 'Total' were kept" in note for note in outcome.notes)


def test_whoever_is_sure_keeps_them_all(tmp_path):
    lines = day_of(("Care", 20, 18, 2), ("Sales", 30, 27, 3), ("All", 50, 45, 5))
    found, outcome = taken(tmp_path, lines, "sure = true\n" + MAPPING)
    assert queues(found) == ["All", "Care", "Sales"]
    assert not any("sum up others" in note for note in outcome.notes)


@pytest.mark.parametrize("name", ["Summe", "Net amount", "Total factura", "Totale", "Nettobetrag", "Sous-total"])
def test_the_total_of_an_invoice_is_not_paid_twice(tmp_path, name):
    """120.50 + 80.25 - 10.75 = 190.00."""
    lines = [("Calls", "120.50"), ("Mails", "80.25"), ("Credit", "-10.75"), (name, "190.00")]
    found, _ = taken(tmp_path, lines, ANNEX, "Service,Amount")
    assert sum(float(row["amount"]) for row in found) == pytest.approx(190.00)
    assert [row["service"] for row in found if row["service"] == name] == []


def test_a_total_without_its_day_is_no_reject(tmp_path):
    lines = [*day_of(("Care", 20, 18, 2)), ("Grand Total", "", 20, 18, 2)]
    found, outcome = taken(tmp_path, lines)
    assert (queues(found), outcome.delivery.rejected) == (["Care"], 0)


# Means, taxes, and what is called a total ------------------------------------------------------------------------

MEANS = """table = "intervals"
[columns]
queue = "Queue"
start = "Day"
minutes = { value = 1440 }
offered = "Offered"
answered = "Answered"
handle_s = { product = ["Answered", { from = "Mean", as = "seconds" }] }
"""


@pytest.mark.long
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.lists(
        st.lists(st.tuples(st.integers(1, 60), st.integers(60, 900)), min_size=2, max_size=4), min_size=2, max_size=4
    ),
    digits=st.sampled_from([0, 1, 2]),
    name=st.sampled_from(["Gesamt", "Total", "All Queues"]),
)
def test_a_total_is_found_though_its_duration_is_a_rounded_mean_times_a_count(tmp_path, days, digits, name):
    """The means of the rows and of the total are each rounded: their products do not add up to the second."""
    lines = []
    for day, queues_of_day in enumerate(days, 1):
        for number, (answered, mean) in enumerate(queues_of_day):
            lines.append((f"Q{number}", f"2026-01-{day:02}", answered + 3, answered, round(mean + 0.04, digits)))
        whole = sum(answered for answered, _ in queues_of_day)
        mean = sum(answered * (mean + 0.04) for answered, mean in queues_of_day) / whole
        offered = sum(answered + 3 for answered, _ in queues_of_day)
        lines.append((name, f"2026-01-{day:02}", offered, whole, round(mean, digits)))
    found, outcome = taken(tmp_path, lines, MEANS, "Queue,Day,Offered,Answered,Mean")
    assert name not in {row["queue"] for row in found}
    assert any(f"({name!r})" in note for note in outcome.notes)


@pytest.mark.parametrize("name", ["Gesamt", "Overall", "Todas", "Summe"])
def test_whatever_is_called_a_total_beside_others_and_adds_up_to_nothing_is_named(tmp_path, name):
    lines = [("Care", "2026-01-05", 10, 9, 1), ("Sales", "2026-01-05", 5, 5, 0), (name, "2026-01-05", 99, 98, 7)]
    found, outcome = taken(tmp_path, lines)
    assert name in {row["queue"] for row in found}
    assert any(f"rows called {name!r} were kept" in note for note in outcome.notes)


def test_the_one_queue_of_a_report_may_be_called_all(tmp_path):
    found, outcome = taken(tmp_path, [("All", "2026-01-05", 10, 9, 1), ("All", "2026-01-06", 11, 9, 1)])
    assert len(found) == 2
    assert not any("were kept" in note for note in outcome.notes)


@pytest.mark.parametrize(
    ("tax", "gross"),
    every(
        4,
        [
            ("VAT 20 %", "Invoice total"),
            ("IVA (20%)", "Importe total"),
            ("zzgl. USt. 20 %", "Rechnungsbetrag brutto"),
            ("20 % MwSt", "Gesamt"),
            ("TVA 20.0 %", "Total TTC"),
            ("Tax", "Amount due"),
        ],
        unpack=True,
    ),
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_tax_is_no_service_and_the_gross_sum_is_no_record(tmp_path, tax, gross, sign):
    """Of an invoice and of a credit note."""
    lines = [("Calls", 100 * sign), ("Mails", 50 * sign), ("Net total", 150 * sign), (tax, 30 * sign)]
    found, outcome = taken(tmp_path, [*lines, (gross, 180 * sign)], ANNEX, "Service,Amount")
    assert {row["service"] for row in found} == {"Calls", "Mails"}
    assert any("3 rows that sum up others were left out" in note for note in outcome.notes)


def test_a_line_that_is_called_a_tax_and_is_more_than_one_is_kept_and_named(tmp_path):
    found, outcome = taken(tmp_path, [("Calls", 100), ("VAT returns", 900)], ANNEX, "Service,Amount")
    assert {row["service"] for row in found} == {"Calls", "VAT returns"}
    assert any("rows called 'VAT returns' were kept" in note for note in outcome.notes)
