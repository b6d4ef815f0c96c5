"""The list of periods: what the records reach, and how far each closing is, as each side reads it."""

import csv
import html
import io
import re

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.reviews.period_list import period_list
from comity.core.calendars import Cut
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.room import cast

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))  # of May and June 2026
    return made


def states(them, who, cut=Cut.MONTH):
    with transaction.atomic():
        listed = period_list(them.at(who))[cut]
        return {one.name: one.state.value for one in listed if one.state != "no_data"}


def test_months_quarters_and_years_of_the_records_are_listed_the_latest_first(them):
    with transaction.atomic():
        listed = period_list(them.at("auditor"))
    today = timezone.now().date()
    after = (today.year - 2026) * 12 + today.month - 6  # months since the last record
    assert [one.state for one in listed[Cut.MONTH]] == ["no_data"] * after + ["open"] * 2
    assert [one.name for one in listed[Cut.MONTH]][-2:] == ["2026-06", "2026-05"]
    assert (listed[Cut.QUARTER][-1].name, listed[Cut.QUARTER][-1].state) == ("2026-Q2", "open")
    assert listed[Cut.YEAR][-1].name == "2026"


def test_each_side_reads_for_whom_a_period_waits_and_what_is_final(them):
    confirm(them, "customer_lead")
    assert states(them, "customer_lead") == {"2026-06": "theirs", "2026-05": "open"}
    assert states(them, "provider_member") == {"2026-06": "ours", "2026-05": "open"}
    assert states(them, "auditor") == {"2026-06": "one_side", "2026-05": "open"}
    confirm(them, "provider_lead")
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert states(them, who)["2026-06"] == "final"


def test_a_relationship_without_records_lists_none():
    made = cast()
    made.book(KPI)
    with transaction.atomic():
        assert period_list(made.at("customer_lead")) == {}


@pytest.mark.parametrize("path", ["review/", "attribution/", "review/?period=2026-01"])
def test_the_pages_offer_the_periods(them, path):
    page = them.client("provider_lead").get(them.url(path)).content.decode().replace("\u00a0", " ")
    assert re.search(r'href="[^"]*\?period=2026-05[^"]*">May 2026</a>', page)


def test_a_period_without_figures_is_not_offered_for_confirmation(them):
    them.book("", contacts="\n".join(contacts()))  # no KPI
    page = them.client("customer_lead").get(them.url("review/?period=2026-06&view=joint")).content.decode()
    assert "Confirm for" not in page
    assert "Dispute a figure" not in page


def test_any_two_periods_are_compared_by_what_their_reviews_show(them):
    browser = them.client("provider_lead")
    page = browser.get(them.url("review/compare/?period=2026-05&against=2026-06&view=joint")).content.decode()
    shown = page.replace("\u00a0", " ")
    for period in ("2026-05", "2026-06"):
        review = them.client("auditor").get(them.url(f"review/file.json?period={period}")).json()
        (level,) = review["levels"]
        assert f"{level['value'] * 100:.1f} %" in shown
    assert re.search(r'<option value="2026-06" selected>June 2026, open</option>', shown)


SURVEYS = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n" + "".join(
    f"{month}-{n},customer,r{n},csat,1,5,{1 + (n + month) % 5},2026-{month:02}-{1 + n % 30:02}\n"
    for month in (4, 5, 6)
    for n in range(60)
)


def test_readings_are_compared_beside_levels_and_all_of_it_is_a_file(them):
    """Scores 1 to 5 in turn, sixty each: their mean is 3.0 in every month."""
    openpyxl = pytest.importorskip("openpyxl")
    them.book(KPI, contacts="\n".join(contacts()), surveys=SURVEYS)
    browser, query = them.client("customer_lead"), "?period=2026-06&against=2026-05&view=joint"
    page = browser.get(them.url(f"review/compare/{query}")).content.decode()
    assert "Service level" in page
    assert "Satisfaction" in page
    (href,) = re.findall(r'href="([^"]*file\.csv[^"]*)"', page)
    answer = browser.get(html.unescape(href))
    assert 'filename="compared-2026-06-2026-05.csv"' in answer.headers["Content-Disposition"]
    text = answer.content.decode("utf-8-sig").replace("\u00a0", " ")
    head, *rows = csv.reader(io.StringIO(text))
    assert (head[2], head[4], head[6]) == ("June 2026", "May 2026", "Change as reported")
    by_name = {row[1]: row for row in rows}
    (satisfaction,) = [row for name, row in by_name.items() if name.startswith("Satisfaction")]
    assert float(satisfaction[2]) == float(satisfaction[4]) == 3.0
    assert by_name["Service level"][2].startswith("46.7 %")
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get(html.unescape(href).replace(".csv", ".xlsx")).content)).active
    cells = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True, min_row=2)]
    assert [[cell.replace("\u00a0", " ") for cell in row] for row in cells] == rows
    assert browser.get(them.url(f"review/compare/file.doc{query}")).status_code == 404


def test_the_menu_reaches_every_month_by_years_that_fold_out():
    """Records of May and June 2019 too: a book of years, of which no month is out of reach."""
    made = cast()
    rows = list(contacts())
    made.book(KPI, contacts="\n".join([*rows, *(f"old-{row.replace('2026-', '2019-')}" for row in rows[1:])]))
    browser = made.client("auditor")
    page = browser.get(made.url("review/?period=2026-06")).content.decode()
    assert set(re.findall(r"\?period=(2019[^\"&]*)", page)) == {"2019", *(f"2019-Q{n}" for n in (2, 3, 4)),
                                                             *(f"2019-{n:02}" for n in range(5, 13))}  # fmt: skip
    folds = re.findall(r'<details( open)?>\s*<summary class="prompt">(\d{4})', page)
    assert [year for _, year in folds] == [str(year) for year in range(timezone.now().year, 2018, -1)]
    assert {year for is_open, year in folds if is_open} == {"2026", str(timezone.now().year)}
    compared = browser.get(made.url("review/compare/?period=2026-06&against=2019-06")).content.decode()
    assert '<option value="2019-06" selected>' in compared


@pytest.mark.parametrize("query", ["", "?period=x&against=../y", "?period=2020-01"])
def test_what_is_no_period_of_the_records_is_not_compared(them, query):
    assert them.client("auditor").get(them.url(f"review/compare/{query}")).status_code == 200


def test_a_change_between_two_wordings_says_so(them):
    them.book(
        KPI + '[[kpi]]\nid = "service_level"\nabandons = "count"\ntarget = 0.9\nvalid_from = 2026-06-01\n',
        contacts="\n".join(contacts()),
    )
    page = them.client("auditor").get(them.url("review/compare/?period=2026-06&against=2026-05")).content.decode()
    assert words_for("en")("compare.reworded") in page


def shown(them, who, address):
    text = them.client(who).get(them.url(address)).content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_a_review_without_levels_says_what_its_period_holds_and_which_periods_have_data():
    """Two contacts on each of the first 30 days of May and June; nobody has agreed to a KPI."""
    here = cast()
    here.book("", contacts="\n".join(contacts()))
    page = shown(here, "customer_lead", "review/")
    assert "What June 2026 holds" in page
    assert "No KPIs are agreed yet" in page
    assert "contacts 1 May 2026 to 30 June 2026, 120 rows in all" in page
    assert re.search(r"Periods with data Months June 2026 May 2026 Quarters Q2 2026 Years 2026 View KPIs", page)
    assert "Not formed: Satisfaction, Service level" in page
    assert "Review and confirm" not in page  # there is nothing that anybody could confirm
    later = shown(here, "provider_lead", "review/?period=2026-08")
    assert "What August 2026 holds" in later
    assert "No records of this period." in later
    assert "Months June 2026 May 2026" in later


def test_a_book_too_short_for_a_review_lists_what_there_is_without_a_command_line():
    here = cast()
    here.book("", contacts="\n".join(list(contacts())[:5]))
    page = shown(here, "customer_lead", "review/")
    assert "Records so far" in page
    assert "1 May 2026 to 2 May 2026, 4 rows in all" in page
    assert "comity import" not in page
    assert "--period" not in page


def test_readings_that_nobody_agreed_on_have_a_heading_of_their_own(them):
    here = cast()
    here.book('[review]\nperiod = "month"\n', contacts="\n".join(contacts()), surveys=SURVEYS)
    assert "Readings not agreed" in shown(here, "customer_lead", "review/?period=2026-06")
    assert "Readings not agreed" not in shown(them, "customer_lead", "review/?period=2026-06")


def test_the_table_of_figures_to_confirm_says_on_which_side_of_its_target_a_figure_has_to_be(them):
    page = shown(them, "customer_lead", "review/confirm/?period=2026-06")
    assert "Level Value Target" in page
    assert "95 % interval" not in page
    assert "Service level Value 46.7 % Target at least 80.0 %" in page


def test_a_month_between_months_with_records_and_one_with_a_forecast_alone_have_no_data():
    """April and June have contacts, May has none; a forecast and a price index reach July and August."""
    made = cast()
    rows = [row.replace("5-", "4-", 1).replace("2026-05-", "2026-04-") for row in contacts()]
    forecast = "queue,start,minutes,issued_on,offered\nhelp,2026-08-03T10:00:00Z,30,2026-05-01,250"
    made.book(KPI, contacts="\n".join(rows), forecasts=forecast, prices="month,index\n2026-07,101")
    with transaction.atomic():
        found = {one.name: one.state for one in period_list(made.at("auditor"))[Cut.MONTH]}
        quarters = {one.name: one.state for one in period_list(made.at("auditor"))[Cut.QUARTER]}
    assert [found[f"2026-0{month}"] for month in (4, 5, 6, 7, 8)] == ["open", "no_data", "open", "no_data", "no_data"]
    assert (quarters["2026-Q2"], quarters["2026-Q3"]) == ("open", "no_data")
