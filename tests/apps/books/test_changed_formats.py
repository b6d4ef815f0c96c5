"""A known format that does not know a file's values, and one of the side's own: changed on the page, not begun anew."""

import re
from datetime import date

import pytest
from django.db import transaction

from comity.apps.books import operations
from comity.apps.books.models import KeptMapping, Stage
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from tests.builders.uploads import fields, imported, looked, now, run, shown
from tests.room import cast

pytestmark = pytest.mark.gate

# The generic call log, but for its outcomes: "solved" and "transferred on" are this company's own words, and its
# "callback" is a call that an agent took.
LOG = "Call ID,Start,Queue,Wait,Result,Talk Time,ACW,Reason\n" + "".join(
    f"{at},{13 + at % 9}/11/2026 09:{at:02},Care,{20 + at},{('solved', 'callback', 'lost')[at % 3]},100,30,Bill\n"
    for at in range(30)
)


@pytest.fixture
def them():
    made = cast()
    made.book()
    return made


def test_beside_the_rejection_stands_what_helps_and_the_format_stays_otherwise(them):
    words, made = words_for("en"), looked(them, "calls.csv", LOG)
    assert made.mapping == "call_log", made.why
    assert made.outcome["counts"]["rejected"] == 10
    page = shown(them, made)
    link = re.search(rf'href="{them.url(f"records/{made.pk}/columns/")}">([^<]*)<', page)
    assert link[1] == words_for("en")("check.cure_values", values="“solved”", count=words_for("en").number(1))
    assert words("check.too_many_next") not in page  # nobody is sent to correct ten good rows
    page = shown(them, made, page="columns/")
    asked = fields(page)
    columns = [asked[f"field_{at}"] for at in range(7)]
    assert columns == ["contact_id", "opened_at", "queue", "wait_s", "outcome", "handle_s", "handle_s"]
    # In the order: what the table does not know, then what it takes for its own by the same word.
    assert [asked[f"meaning_outcome_{at}"] for at in range(3)] == ["", "abandoned", "callback"]
    assert words("match.same_word") in page
    assert words("value_of.outcome.flow_out") in page
    assert asked["name"] not in {"call_log", ""}
    asked |= {"meaning_outcome_0": "answered", "meaning_outcome_2": "answered", "do": "check"}
    answer = them.client("provider_lead").post(them.url(f"records/{made.pk}/columns/"), asked)
    assert answer.status_code == 302, answer.content.decode()
    made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert made.outcome["counts"]["rejected"] == 0, made.outcome["by_reason"]
    head, first = made.outcome["first_rows"][:2]
    first = dict(zip(head, first, strict=True))
    assert (first["outcome"], first["channel"], float(first["handle_s"])) == ("answered", "voice", 130)
    assert words_for("en")("check.cure_values", values="“solved”", count=words_for("en").number(1)) not in shown(
        them, made
    )


@pytest.mark.parametrize(
    ("reason", "key", "given"),
    [
        ("not a date and time such as 2026-01-31T09:30:00Z", "check.cure_days", {"columns": "Start"}),
        ("a time that does not exist in Europe/Madrid", "check.cure_zone", {}),
        ("not a number", "check.cure_columns", {"columns": "Start"}),
    ],
)
def test_each_cause_that_matching_settles_has_its_way(them, reason, key, given):
    made = looked(them, "calls.csv", LOG)
    made.outcome["by_reason"] = [{"column": "opened_at", "reason": reason, "rows": 30}]
    made.outcome["rejects"] = []
    with transaction.atomic():
        them.at("provider_lead")
        made.save()
    assert words_for("en")(key, **given) in shown(them, made)


FORECAST = "Skill;Slot;Expected\nCare;2026-11-{0:02}T09:00;12\n"


def forecast_format(them, name="fc.csv", issued="15.07.2026"):
    """A file matched by hand, with the day on which it was issued for all rows, and imported."""
    made = looked(them, name, FORECAST.format(1))
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/columns/")
    page = browser.post(address, {"do": "table", "table": "forecasts", "name": "our forecast"}).content.decode()
    asked = fields(page) | {"field_0": "queue", "field_1": "start", "field_2": "offered", "do": "check"}
    asked |= {"constant_minutes": "30", "constant_issued_on": issued, "zone": "Europe/Madrid"}
    return made, browser.post(address, asked)


def test_a_day_is_asked_for_with_its_control_and_read_as_the_reader_writes_it(them):
    made, answer = forecast_format(them, issued="in July")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words_for("en")("constant.day") in page
    assert re.search(r'<input type="date" name="constant_issued_on"', page)
    assert words_for("en")("field_note.issued_on") in page
    made, answer = forecast_format(them)
    assert answer.status_code == 302, answer.content.decode()
    made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    head, first = made.outcome["first_rows"][:2]
    assert dict(zip(head, first, strict=True))["issued_on"] == "2026-07-15"


def test_a_day_of_one_file_is_asked_anew_for_the_next(them):
    made, _ = forecast_format(them)
    made = imported(them, run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True))
    assert made.stage == Stage.BROUGHT, made.why
    later = looked(them, "next.csv", FORECAST.format(2))
    assert (later.outcome["format"], later.outcome["days"]["columns"]) == ("our forecast", ["issued_on"])
    assert not later.outcome.get("counts")
    page, words = shown(them, later), words_for("en")
    asked = re.search(r'<section class="panel" aria-labelledby="h-days">.*?</section>', page, re.DOTALL)[0]
    assert words("days.title") in asked
    assert "2026-07-15" not in asked
    unchanged = {"do": "look", "mapping": "", "text": later.text}  # the text in the field has the earlier day
    assert them.client("provider_lead").post(them.url(f"records/{later.pk}/move/"), unchanged).status_code == 422
    with transaction.atomic(), pytest.raises(Refused):
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", later))
    # Nor is it filled in where the columns are changed.
    again = fields(shown(them, later, page="columns/"))
    assert (again.get("constant_issued_on", ""), again["constant_minutes"]) == ("", "30")
    posted = them.client("provider_lead").post(them.url(f"records/{later.pk}/columns/"), {**again, "do": "check"})
    assert posted.status_code == 422
    browser, move = them.client("provider_lead"), them.url(f"records/{later.pk}/move/")
    refused = browser.post(move, {"do": "days", "constant_issued_on": "31.02.2026"})
    assert refused.status_code == 422
    assert words("constant.day") in refused.content.decode()
    assert browser.post(move, {"do": "days", "constant_issued_on": "2026-10-16"}).status_code == 302
    later = run(them, "provider_lead", now(them, "provider_lead", later), dry_run=True)
    head, first = later.outcome["first_rows"][:2]
    row = dict(zip(head, first, strict=True))
    assert (row["issued_on"], row["minutes"]) == ("2026-10-16", "30")
    assert imported(them, later).stage == Stage.BROUGHT
    third = looked(them, "third.csv", FORECAST.format(3))
    assert third.outcome["days"]["columns"] == ["issued_on"]


def test_an_own_format_chosen_by_hand_asks_for_its_days_too(them):
    made, _ = forecast_format(them)
    imported(them, run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True))
    later = looked(them, "next.csv", FORECAST.format(2))
    with transaction.atomic():
        operations.choose_kept_format(them.at("provider_lead"), later, "our forecast")
    later = now(them, "provider_lead", later)
    assert (later.stage, later.outcome["days"]["columns"]) == (Stage.LOOKED, ["issued_on"])


def test_a_recognised_own_format_is_changed_without_losing_what_it_says(them):
    text = 'table = "contacts"\n[columns]\ncontact_id = "No"\nopened_at = { from = "Came", format = "day-first" }\n'
    text += (
        'channel = { value = "chat" }\noutcome = { from = "End", values = { ok = "answered" }, unlisted = "refuse" }\n'
    )
    with transaction.atomic():
        member = them.at("provider_lead")
        KeptMapping.objects.create(relationship=member.relationship, side="provider", name="chats", text=text)
    made = looked(them, "chats.csv", "No;Came;End;Skill\n1;05/06/2026 09:00;ok;Care\n2;05/06/2026 09:10;gone;Care\n")
    assert made.outcome["format"] == "chats"
    page = shown(them, made)
    assert words_for("en")("check.cure_values", values="“gone”", count=words_for("en").number(1)) in page
    asked = fields(shown(them, made, page="columns/"))
    assert (asked["name"], asked["order_1"], asked["meaning_outcome_0"]) == ("chats", "day-first", "answered")
    # Another column is chosen as well, so that the mapping is made anew, and still says that these are chats.
    asked |= {"meaning_outcome_1": "abandoned", "field_3": "queue", "zone": "Europe/Madrid", "do": "check"}
    answer = them.client("provider_lead").post(them.url(f"records/{made.pk}/columns/"), asked)
    assert answer.status_code == 302, answer.content.decode()
    made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    rows = [dict(zip(made.outcome["first_rows"][0], row, strict=True)) for row in made.outcome["first_rows"][1:]]
    assert [(row["channel"], row["outcome"], row["queue"]) for row in rows] == [
        ("chat", "answered", "Care"),
        ("chat", "abandoned", "Care"),
    ]


def test_a_file_called_a_forecast_is_proposed_as_one_and_the_page_says_why(them):
    text = "Queue;Interval;Calls;AHT (s)\nCare;2026-11-01T09:00;12;300\n"
    made = looked(them, "forecast_2026-08_10.csv", text)
    assert made.mapping == ""
    page = shown(them, made, page="columns/")
    asked = fields(page)
    assert asked["table"] == "forecasts"
    assert [asked[f"field_{at}"] for at in range(4)] == ["queue", "start", "offered", "aht_s"]
    words = words_for("en")
    table = words.named("table", "forecasts")
    assert words("match.proposed_forecast", table=table, text="forecast_2026-08_10.csv") in page


@pytest.mark.parametrize(
    "text",
    [
        "Rechnung;Datum;Betrag EUR\nR-1;01.07.2026;1200,50\nR-2;02.07.2026;10,00\n",
        "Nº factura;Fecha;Base imponible\nF-1;13/07/2026;1200,50\nF-2;14/07/2026;10,00\n",
    ],
)
def test_invoices_are_recognised_and_the_proposed_name_is_taken(them, text):
    made = looked(them, "invoices.csv", text)
    asked = fields(shown(them, made, page="columns/"))
    assert asked["table"] == "invoices"
    assert asked["name"] not in {"invoices", ""}
    values = {"constant_account_id": "Nord", "constant_service": "Voice", "constant_quantity": "1"}
    asked |= values | {"field_1": "month", "order_1": "day-first", "do": "check"}
    answer = them.client("provider_lead").post(them.url(f"records/{made.pk}/columns/"), asked)
    assert answer.status_code == 302, answer.content.decode()
    made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert (made.outcome["table"], made.outcome["counts"]["new"]) == ("invoices", 2), made.outcome["by_reason"]


def test_a_proposed_name_is_never_one_that_is_taken(them):
    with transaction.atomic():
        member = them.at("provider_lead")
        for name in ("calls", "Calls 2"):
            KeptMapping.objects.create(relationship=member.relationship, side="provider", name=name, text="x")
    made = looked(them, "calls.csv", "Ref;When\n1;13/06/2026 09:00\n2;13/06/2026 09:10\n")
    assert fields(shown(them, made, page="columns/"))["name"] == "calls 3"
    odd = looked(them, "https www.example.com.csv", "Ref;When\n1;13/06/2026 09:00\n2;13/06/2026 09:10\n")
    assert fields(shown(them, odd, page="columns/"))["name"]


def test_what_is_added_up_what_is_personal_and_what_stands_in_is_said(them):
    words = words_for("en")
    text = "Call;Came;Agent;Talk (s);After-call (s)\n1;13/06/2026 09:00;Ana;100;20\n2;14/06/2026 09:00;Ben;90;15\n"
    made = looked(them, "acd.csv", text)
    page = shown(them, made, page="columns/")
    asked = fields(page)
    assert (asked["field_3"], asked["field_4"]) == ("handle_s", "handle_s")
    assert words("match.added_up", columns="Talk (s), After-call (s)") in page
    assert page.count(words("match.is_added")) == 2
    assert words("personal.person") in page
    assert "/personal-data/" in page
    survey = looked(them, "csat.csv", "Answer id;Answered on;CSAT 1-5;Ticket\nA1;13/06/2026;4;T1\nA2;14/06/2026;5;T2\n")
    page = shown(them, survey, page="columns/")
    asked = fields(page)
    assert (asked["table"], asked["constant_instrument"]) == ("surveys", "csat")
    assert "constant_respondent_id" not in asked  # nobody is asked to invent one
    assert words("match.stands_in", field=words("field.respondent_id"), other=words("field.response_id")) in page
    asked |= {"constant_audience": "customer", "also_0": "contact_id", "field_3": "", "do": "check"}
    answer = them.client("provider_lead").post(them.url(f"records/{survey.pk}/columns/"), asked)
    assert answer.status_code == 302, answer.content.decode()
    survey = run(them, "provider_lead", now(them, "provider_lead", survey), dry_run=True)
    first = dict(zip(*survey.outcome["first_rows"][:2], strict=True))
    assert (first["respondent_id"], first["contact_id"], first["response_id"]) == ("A1", "A1", "A1")


def test_after_an_undo_the_page_says_what_is_so(them):
    words = words_for("en")
    made = looked(them, "june.csv", "contact_id,opened_at\na,2026-06-01T10:00:00Z\n")
    made = imported(them, made)
    with transaction.atomic():
        operations.undo_delivery_now(them.at("provider_lead"), now(them, "provider_lead", made))
    for who in ("provider_lead", "customer_lead"):
        page = shown(them, made, who)
        assert words("check.undone_now") in page
        assert words("check.had_changed") in page
        assert words("check.after") not in page
    undone = now(them, "provider_lead", made).outcome["undone"]
    assert date.fromisoformat(undone["at"][:10])
