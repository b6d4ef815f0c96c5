"""All figures of all periods as one table: what is final from the record, and nothing of the other side's own."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.test import Client
from pyarrow import parquet

from comity.apps.books import results
from comity.apps.reviews import figure_table, operations, queries
from comity.review.render.figures import COLUMNS
from tests.builders.confirmations import JUNE, confirm
from tests.builders.levels import KPI, contacts
from tests.builders.programs import token
from tests.room import BACKEND, COMPUTING, cast, run_jobs

pytestmark = pytest.mark.gate


def made():
    them = cast()
    them.tokens = {}
    them.book(KPI, contacts="\n".join(contacts()))
    return them


@pytest.fixture(scope="module")
def them():
    return made()


def table(them, who, path="review/figures.csv"):
    answer = them.client(who).get(them.url(path))
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_a_row_a_figure_and_whole_period_with_its_interval_and_wording(them):
    rows = table(them, "customer_analyst")
    assert {row["period"] for row in rows} == {"2026-05", JUNE}  # the records reach over no whole quarter
    assert {(row["id"], row["state"]) for row in rows if row["kind"] == "reading"} <= {("service_level", "computed")}
    (june,) = (row for row in rows if row["period"] == JUNE and row["kind"] == "kpi")
    assert (june["kind"], june["num"], june["den"], june["met"]) == ("kpi", "28.0", "60.0", "False")
    assert float(june["low"]) < float(june["value"]) < float(june["high"])
    assert (june["start"], june["end"], june["state"]) == ("2026-06-01", "2026-07-01", "open")
    assert '"answer_within_s"' in june["definition"]
    assert tuple(june) == COLUMNS


def test_the_parquet_file_says_the_same(them):
    rows = table(them, "auditor")
    answer = them.client("auditor").get(them.url("review/figures.parquet"))
    typed = parquet.read_table(io.BytesIO(answer.getvalue())).to_pylist()
    assert [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in typed] == rows


def test_no_request_computes_it_and_each_quarter_is_a_job_of_its_own_that_keeps_no_review(monkeypatch):
    them, seen = made(), []
    path = f"/api/r/{them.relationship}/figures.csv"
    headers = {"authorization": f"Bearer {token(them, 'customer_lead')}"}
    answer = Client().get(path, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    real = figure_table.part_rows
    monkeypatch.setattr(figure_table, "part_rows", lambda member, part: seen.append(part) or real(member, part))
    assert run_jobs("reviews.figures") == 2  # the first asks for the quarters
    assert seen == ["2026-Q2"]
    with transaction.atomic():
        member = them.at("customer_lead")
        assert results.current_result(member, queries.review_question(JUNE)) is None
    answer = Client().get(path, headers=headers)
    assert (answer.status_code, answer.getvalue()[:12]) == (200, b"relationship")


LONG = """
[review]
period = "quarter"
[[kpi]]
id = "backlog"
"""


def test_every_month_quarter_and_year_of_the_life_of_a_book_is_in_it():
    """Five and a half years of a contact a day: 66 months, 22 quarters, 5 years; in a room 48 months were the most."""
    days = [date(2021, 1, 1) + timedelta(days=number) for number in range(2007)]  # up to 30 June 2026
    rows = [f"c{number},{day}T10:00:00Z,help,mail,{day}T11:00:00Z" for number, day in enumerate(days)]
    them = cast()
    them.book(LONG, contacts="\n".join(["contact_id,opened_at,queue,channel,resolved_at", *rows]))
    with transaction.atomic():
        parts = figure_table._periods(them.at("auditor"))
    names = [name for those in parts.values() for name in those]
    months = [f"{year}-{month:02}" for year in range(2021, 2027) for month in range(1, 13)][:66]
    quarters = [f"{year}-Q{number}" for year in range(2021, 2027) for number in range(1, 5)][:22]
    assert sorted(names) == sorted([*months, *quarters, *map(str, range(2021, 2026))])
    assert parts["2021-Q1"] == ["2021-01", "2021-Q1", "2021", "2021-02", "2021-03"]
    assert len(parts) == 22


def test_what_is_final_stands_as_confirmed_and_a_restatement_beside_it():
    them = made()
    confirm(them, "provider_lead")
    (waiting,) = (row for row in table(them, "auditor") if row["period"] == JUNE and row["kind"] == "kpi")
    assert waiting["state"] == "confirmed by provider"
    confirm(them, "customer_lead")
    before = [row for row in table(them, "auditor") if row["period"] == JUNE and row["kind"] == "kpi"]
    assert [row["state"] for row in before] == ["final"]
    assert before[0]["low"]
    them.book(
        KPI, contacts="\n".join(row for row in contacts() if not row.startswith("6-12-"))
    )  # the records say something else now
    after = [row for row in table(them, "auditor") if row["period"] == JUNE and row["kind"] == "kpi"]
    assert [(row["state"], row["value"], row["num"]) for row in after] == [("final", before[0]["value"], "28.0")]
    assert after[0]["low"] == ""  # the interval of another value would be none of this one
    with transaction.atomic():
        member = them.at("customer_lead")
        operations.restate(member, queries.review(member.joint(), JUNE), JUNE, "rows were taken back")
    both = [row for row in table(them, "auditor") if row["period"] == JUNE and row["kind"] == "kpi"]
    assert [row["state"] for row in both] == ["final", "restated"]
    assert both[0]["value"] == before[0]["value"] != both[1]["value"]


def test_a_figure_that_a_restatement_no_longer_holds_is_an_empty_row():
    them = made()
    confirm(them, "provider_lead")
    confirm(them, "customer_lead")
    them.book(KPI, contacts="\n".join(row for row in contacts() if not row.startswith("6-")))
    with transaction.atomic():
        member = them.at("customer_lead")
        operations.restate(member, queries.review(member.joint(), JUNE), JUNE, "all rows were taken back")
    rows = [row for row in table(them, "auditor") if row["period"] == JUNE and row["kind"] == "kpi"]
    assert [(row["state"], bool(row["value"])) for row in rows] == [("final", True), ("restated", False)]


def day(month, number):
    return f"2026-{month:02}-{number + 1:02}"


@pytest.mark.long
def test_what_one_side_keeps_and_the_answers_of_few_are_not_in_it_for_the_other():
    them = cast()
    answers = [
        f"{month}-{one},customer,Zebulon-{month}-{one},{day(month, one)},{day(month, one)},csat,1,5,5"
        for month, people in ((4, 8), (5, 30), (6, 28))
        for one in range(people)
    ]
    few = [row for row in answers if not row.startswith("4-")] + answers[:3]
    head = "response_id,audience,respondent_id,asked_on,answered_on,instrument,scale_min,scale_max,score"
    toml = KPI + '[[kpi]]\nid = "csat"\ntarget = 0.8\n[private]\nprovider = ["surveys"]\n'
    them.book(toml, contacts="\n".join(contacts()), private__provider__surveys="\n".join([head, *few]))
    own = table(them, "provider_lead")
    assert {row["period"] for row in own if row["id"] == "csat"} == {"2026-05", JUNE}  # three answers in April
    for who, path in (("customer_lead", ""), ("auditor", ""), ("provider_lead", "?view=joint")):
        rows = table(them, who, f"review/figures.csv{path}")
        assert rows
        assert "csat" not in {row["id"] for row in rows}, who


def test_a_program_never_gets_a_page_in_place_of_the_file():
    """While figures are computed it is told in plain text to ask again; a browser waits on a page."""
    them, client = made(), Client()
    client.force_login(them.people["customer_lead"], backend=BACKEND)
    address = them.url("review/figures.csv")
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/csv"}):
        told = client.get(address, headers=headers)
        assert (told.status_code, told.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
        assert int(told.headers["Retry-After"]) > 0
    page = client.get(address, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.headers["Content-Type"]) == (202, "text/html; charset=utf-8")
    while run_jobs(*COMPUTING):
        pass
    answer = client.get(address)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.getvalue()  # read to its end, a file is closed
