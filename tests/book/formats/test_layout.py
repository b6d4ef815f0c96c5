"""Where the records stand never changes what is read: which sheet, how many titles above, what foot below."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.formats.layout import AskedColumn, SheetTop, best_place
from tests.builders.documented import write_workbook
from tests.builders.examples import examples
from tests.builders.mappings import mapped, written

pytestmark = pytest.mark.gate

HEADER = "Queue,Date,Interval,Offered,Answered,Abandoned"
RECORDS = "Care,2026-01-13,09:00,10,9,1\nCare,2026-01-13,09:30,20,18,2\n"
WHOLE = f"{HEADER}\n{RECORDS}"
WANTED = [("2026-01-13T09:00:00Z", "10"), ("2026-01-13T09:30:00Z", "20")]
TITLES = ["Weekly report", "Printed by the system", "From 12 January to 18 January", "", "All queues of the house"]


def read(path):
    return [(row["start"], row["offered"]) for row in mapped("acd_intervals", path)[1]]


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(TITLES), max_size=8),
    st.lists(st.sampled_from(["Printed on 14 January", "End of report", "3 pages"]), max_size=3),
    st.sampled_from(",;\t|"),
    st.booleans(),
)
def test_titles_feet_and_delimiters_change_nothing(tmp_path, titles, feet, delimiter, declared):
    text = "\n".join([*titles, WHOLE.replace(",", delimiter).rstrip("\n"), *feet]) + "\n"
    if declared and not titles:
        text = f"sep={delimiter}\n{text}"
    assert read(written(tmp_path, "report.csv", text)) == WANTED


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_place_of_a_sheet_changes_nothing(tmp_path, place):
    others = [("Notes", "Read me,\nand weep,\n"), ("Pivot", "Row Labels,Sum of Offered\nCare,30\nGrand Total,30\n")]
    sheets = [*others[:place], ("Data", WHOLE), *others[place:]]
    write_workbook(tmp_path / "report.xlsx", dict(sheets))
    assert read(tmp_path / "report.xlsx") == WANTED


def test_a_sheet_with_the_same_columns_is_named_and_not_read(tmp_path):
    write_workbook(tmp_path / "report.xlsx", {"Jan": WHOLE, "Feb": WHOLE})
    applied, found = mapped("acd_intervals", tmp_path / "report.xlsx")
    assert len(found) == 2
    assert any("only the sheet 'Jan' was read; 'Feb' has the same columns" in note for note in applied.notes)


def test_the_last_record_of_a_list_is_no_foot(tmp_path):
    """An account of which only the id is known is a row with too few cells, and told as such."""
    source = written(tmp_path, "accounts.csv", "account_id,name,segment\nA1,Acme,big\nA2,Beta,small\nA3\n")
    applied, found = mapped("accounts", source)
    assert len(found) == 2
    assert [(one.line, one.value) for one in applied.problems] == [(4, "A3")]


def test_of_equal_places_the_visible_one_counts_and_then_the_one_without_a_pivot():
    asked = [AskedColumn(frozenset({"Queue"}), required=True), AskedColumn(frozenset({"Offered"}))]
    rows, skips = (("Queue", "Offered"),), (0,)
    hidden = SheetTop("hidden", rows, skips, visible=False)
    pivot, plain = SheetTop("pivot", rows, skips, pivot=True), SheetTop("plain", rows, skips)
    assert best_place([hidden, pivot, plain], asked).top is plain
    assert best_place([hidden, pivot], asked).top is pivot
    assert best_place([hidden], asked).top is hidden
    assert best_place([SheetTop("none", (("Name",),), skips)], asked) is None


def test_more_of_what_is_asked_for_beats_what_can_be_seen():
    asked = [AskedColumn(frozenset({"Queue"}), required=True), AskedColumn(frozenset({"Start"}), required=True)]
    visible = SheetTop("dashboard", (("Queue", "Share"),), (0,))
    hidden = SheetTop("data", (("Queue", "Start"),), (0,), visible=False)
    assert best_place([visible, hidden], asked).top is hidden
