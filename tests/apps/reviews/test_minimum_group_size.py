"""Nothing below five people is shown apart: in no format of a review, for nobody, nor as what two reviews differ by."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from comity.apps.books.queries import book_folder
from comity.book.reading.open import home_viewer, open_book
from comity.review.build import build_review
from tests.builders.levels import contacts
from tests.builders.turns import every
from tests.room import cast

pytestmark = pytest.mark.gate
AGREED = """
[review]
period = "month"
[[kpi]]
id = "csat"
target = 0.8
[[kpi]]
id = "nps"
[[kpi]]
id = "attrition"
[[kpi]]
id = "service_level"
target = 0.8
"""
HEAD = "response_id,audience,respondent_id,asked_on,answered_on,instrument,scale_min,scale_max,score"
ANSWERS = {4: 8, 5: 9, 6: 3}  # how many people answered in each month
FROM = {4: 1, 5: 10, 6: 27}  # on which days: so that the quarter is covered to its ends
VIEWERS = ["customer_lead", "provider_lead", "customer_member", "auditor"]  # the own eyes, and the joint ones


def surveys(months):
    yield HEAD
    for month, people in months.items():
        for one in range(people):
            day = f"2026-{month:02}-{FROM[month] + one:02}"
            score = 2 if month == 6 else 5
            yield f"c{month}-{one},customer,Zebulon-{month}-{one},{day},{day},csat,1,5,{score}"
            yield f"n{month}-{one},customer,Zebulon-{month}-{one},{day},{day},nps,0,10,{score + 4}"


@pytest.fixture(scope="module")
def them():
    made = cast()
    rows = [row.replace("2026-05", f"2026-0{month}").replace("5-", f"{month}-", 1) for month in (3, 4) for row in
            list(contacts())[1:61] if "-05-31" not in row]  # fmt: skip
    made.book(AGREED, contacts="\n".join([*contacts(), *rows]), surveys="\n".join(surveys(ANSWERS)))
    return made


def test_answers_of_people_are_shown_beside_an_invoice_whose_callers_nobody_knows():
    """What was paid for repeated contacts is not known then: no amount, and no reason to make no review."""
    made = cast()
    invoices = "month,account_id,service,quantity,unit_price,unit\n2026-05,N,care,100,2.5,contact"
    made.book(AGREED, contacts="\n".join(contacts()), surveys="\n".join(surveys(ANSWERS)), invoices=invoices)
    review = told(made, "customer_lead", "2026-05")
    assert "csat" in {one["kpi"] for one in review["levels"]}
    assert None in review["paid"]["amounts"].values()


def told(them, who, period):
    return them.client(who).get(them.url(f"review/file.json?period={period}")).json()


def levels(them, who, period):
    return {one["kpi"]: one for one in told(them, who, period)["levels"]}


@pytest.mark.parametrize("who", every(2, VIEWERS))
def test_a_period_with_enough_people_is_shown_and_one_with_fewer_is_not(them, who):
    assert {"csat", "nps"} <= levels(them, who, "2026-05").keys()  # else nothing is tried here
    for period in ("2026-06", "2026-W24"):
        assert not {"csat", "nps", "attrition"} & levels(them, who, period).keys(), period


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("against", every(3, ["previous", "year-before"]))
def test_no_history_and_no_reading_holds_fewer_than_five(them, who, against):
    """Whatever a period is held against: no point, no part and no count of people below five, but none at all."""
    whole = them.client(who).get(them.url(f"review/?period=2026-05&against={against}")).content.decode()
    assert "Zebulon" not in whole
    for period in ("2026-Q2", "2026-06"):
        one = told(them, who, period)
        assert "Zebulon" not in json.dumps(one)
        for level in one["levels"]:
            if level["kpi"] in {"csat", "nps", "attrition"}:
                assert level["of"]["den"] >= 5
                assert all(point["of"]["den"] >= 5 for point in level.get("history", ()) if "of" in point)


@pytest.mark.parametrize("who", VIEWERS)
def test_the_workbook_names_nobody_and_has_no_row_for_few(them, who):
    packed = them.client(who).get(them.url("review/file.xlsx?period=2026-06")).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Zebulon" not in text
    assert levels(them, who, "2026-06").keys() == {"service_level"}


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("period", every(4, ["2026-Q2", "2026-W20", "2026"]))
def test_people_are_told_of_in_the_agreed_periods_alone(them, who, period):
    """Else the month that is not shown were the quarter less its other months."""
    one = told(them, who, period)
    assert not {level["kpi"] for level in one["levels"]} & {"csat", "nps", "attrition"}
    assert not {reading["id"] for reading in one["readings"]} & {"satisfaction", "employee_satisfaction"}
    if period == "2026-Q2":
        with open_book(book_folder(them.relationship), home_viewer(book_folder(them.relationship), None)) as book:
            at_home = build_review(book, period=period, now=datetime.now(UTC))
        assert {"csat", "nps"} <= {level.kpi for level in at_home.levels}  # else nothing is tried here
        assert {"csat", "nps"} <= {missing["reading"] for missing in one["missing"] if missing["why"] == "other_cut"}
        page = them.client(who).get(them.url(f"review/?period={period}")).content.decode()
        assert "for the agreed periods only" in page
