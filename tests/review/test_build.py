"""A review as each of the cast may see it, and where there is little or nothing to see."""

import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest

from comity.book.reading.open import NotInRelationshipError, open_book
from comity.core.calendars import Cut, UnknownPeriodError
from comity.review.build import NoReviewError, build_review
from comity.review.render import render
from tests.builders.review_books import CALLS, KPI, calls, two_months
from tests.cast import CUSTOMER, JOINT, PROVIDER, STRANGER, write_book

NOW = datetime(2026, 9, 1, tzinfo=UTC)
FORMS = [("json", "en"), ("terminal", "en"), ("html", "en"), ("terminal", "es"), ("html", "es")]
SECRETS = {"provider": "hidden-agent-7", "customer": "hidden-reason-9"}
PRIVATE = """
[private]
provider = ["costs", "contacts.agent_id"]
customer = ["contacts.reason", "surveys"]
"""


def composed(book, viewer=JOINT, **asked):
    with open_book(book, viewer) as opened:
        return build_review(opened, now=NOW, **asked)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Both sides keep something; its texts, its amounts and its names must not be seen by the other."""
    own = "contact_id,agent_id\n2026-06-01-0-help,hidden-agent-7\n"
    costs = "month,driver,quantity,unit_cost\n2026-06,hidden-agent-7,1,31337.42\n"
    reasons = "contact_id,reason\n2026-06-01-0-help,hidden-reason-9\n"
    answers = "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score,queue\n" + "".join(
        f"r{month}-{number},customer,p{number},2026-{month:02}-{number % 28 + 1:02},csat,1,5,{number % 5 + 1},"
        "hidden-reason-9\n"
        for month in (5, 6)
        for number in range(40)
    )
    book = two_months(
        tmp_path_factory.mktemp("planted") / "book",
        PRIVATE + KPI + '[[kpi]]\nid = "csat"\ntarget = 0.5\n',
        private__provider__costs=costs,
        private__customer__surveys=answers,
    )
    (book / "private/provider/contacts.columns.csv").write_text(own)
    (book / "private/customer/contacts.columns.csv").write_text(reasons)
    return book


def as_text(review):
    """Everything that a review says, in every form but PDF, which is made of the same page."""
    told = [render(review, form, language, color=False, width=80).decode() for form, language in FORMS]
    with zipfile.ZipFile(io.BytesIO(render(review, "xlsx", "en", color=False, width=80))) as sheets:
        told += [sheets.read(name).decode() for name in sheets.namelist() if name.endswith(".xml")]
    return "\n".join(told)


@pytest.mark.parametrize(
    ("viewer", "hidden"),
    [(CUSTOMER, ["provider"]), (PROVIDER, ["customer"]), (JOINT, ["provider", "customer"])],
)
def test_what_a_side_keeps_is_in_no_form_of_another_s_review(planted, viewer, hidden):
    text = as_text(composed(planted, viewer, period="2026-06"))
    for side in hidden:
        assert SECRETS[side] not in text
    if "provider" in hidden:
        assert "31337" not in text


def test_a_side_reads_what_it_keeps_and_the_other_is_told_that_it_is_kept(planted):
    own = composed(planted, CUSTOMER, period="2026-06")
    assert "csat" in {level.kpi for level in own.levels}
    for viewer in (PROVIDER, JOINT):
        other = composed(planted, viewer, period="2026-06")
        assert "csat" not in {level.kpi for level in other.levels}
        assert ("csat", "private", "customer") in {(one.reading, one.why, one.held_by) for one in other.missing}


def test_a_stranger_gets_nothing(planted):
    with pytest.raises(NotInRelationshipError, match="no such book"):
        open_book(planted, STRANGER)


def test_the_same_records_give_the_same_digest_and_another_view_another(planted):
    joint, again, own = (composed(planted, viewer, period="2026-06") for viewer in (JOINT, JOINT, CUSTOMER))
    assert joint.digest == again.digest != own.digest


def test_what_moved_is_read_between_the_two_months(tmp_path):
    review = composed(two_months(tmp_path / "book"), period="2026-06")
    (reading,) = review.readings
    assert (reading.id, reading.before, reading.after) == ("service_level", 0.8, 0.9)
    assert (review.name, review.reference_name) == ("2026-06", "2026-05")


def test_an_empty_book_says_what_to_do(tmp_path):
    with pytest.raises(NoReviewError, match="comity import"):
        composed(write_book(tmp_path / "book", KPI))


@pytest.mark.parametrize("period", ["2019-03", "2031-01"])
def test_a_period_outside_of_the_records_is_a_page_of_what_is_missing(tmp_path, period):
    review = composed(two_months(tmp_path / "book"), period=period)
    assert (review.levels, review.readings) == ((), ())
    assert {"service_level", "satisfaction", "revenue"} <= {one.reading for one in review.missing}
    assert period in as_text(review)


def test_records_that_nobody_imported_are_not_called_late(tmp_path):
    due = '[[source]]\ntable = "contacts"\nby = "provider"\ndue = "day 3 09:00"\n'
    due += '[[source]]\ntable = "surveys"\nby = "customer"\ndue = "day 3 09:00"\n'
    with open_book(two_months(tmp_path / "book", KPI + due), JOINT) as opened:
        in_july = build_review(opened, period="2026-06", now=datetime(2026, 7, 10, tzinfo=UTC))
        in_september = build_review(opened, period="2026-06", now=NOW)
    states = [
        [(one["table"], one["late"], one["unrecorded"]) for one in told.lateness] for told in (in_july, in_september)
    ]
    assert states[0] == [("contacts", False, True), ("surveys", True, False)]  # June is there: it came, some time
    assert states[1] == [("contacts", None, True), ("surveys", True, False)]  # August is not, but it may not be ready
    assert "no consta" in render(in_july, "terminal", "es", color=False, width=80).decode()


def test_two_readings_of_one_kind_have_headings_that_tell_them_apart(tmp_path):
    more = '[[kpi]]\nid = "sales_level"\nmeasure = "service_level"\nanswer_within_s = 60\n'
    review = composed(two_months(tmp_path / "book", KPI + more), period="2026-06")
    text = render(review, "terminal", "en", color=False, width=200).decode()
    headings = [
        line
        for line in text.splitlines()
        if line.startswith("Service level, ") and line.endswith(("steady", "genuine", "unclear"))
    ]
    assert len(headings) == len(set(headings)) == len(review.readings) == 2


def test_records_too_short_for_the_book_s_period_are_reviewed_by_a_shorter_one(tmp_path):
    """Two months in a book that is reviewed by quarter: the last whole month."""
    review = composed(two_months(tmp_path / "book"))
    assert (review.name, review.cut, review.reference_name) == ("2026-06", Cut.MONTH, "2026-05")


def two_months_apart(folder):
    """February and October 2025, and nothing between them."""
    rows = CALLS + calls(date(2025, 2, 1), 28, 8, 2) + calls(date(2025, 10, 1), 31, 9, 1)
    return write_book(folder, KPI, contacts=rows)


def test_a_quarter_without_a_record_is_not_the_one_that_is_reviewed(tmp_path):
    """The last whole quarter before November is the third, in which nothing was recorded: October it is."""
    review = composed(two_months_apart(tmp_path / "book"))
    assert (review.name, review.whole_months) == ("2025-10", ())
    assert [level.value for level in review.levels] == [0.9]


def test_where_nothing_was_formed_the_whole_months_of_the_records_are_named(tmp_path):
    review = composed(two_months_apart(tmp_path / "book"), period="2026-07")
    assert [str(month.start) for month in review.whole_months] == ["2025-02-01", "2025-10-01"]
    text = render(review, "terminal", "en", color=False, width=200).decode().replace("\u00a0", " ")
    assert "The records hold February 2025 and October 2025 in full" in text
    assert json.loads(render(review, "json", "en", color=False, width=80))["whole_months"] == ["2025-02", "2025-10"]


def test_answers_do_not_decide_which_period_is_reviewed_where_contacts_do(tmp_path):
    """Contacts to the end of June, a survey of August: June is reviewed, and not a July without a contact."""
    answers = "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score\n" + "".join(
        f"r{number},customer,p{number},2026-08-1{number % 5},csat,1,5,4\n" for number in range(20)
    )
    assert composed(two_months(tmp_path / "book", surveys=answers)).name == "2026-06"


def test_records_of_less_than_a_week_say_so(tmp_path):
    rows = "\n".join(
        ["contact_id,opened_at,queue,channel"] + [f"c{day},2026-06-0{day}T10:00:00Z,help,voice" for day in (2, 3)]
    )
    with pytest.raises(NoReviewError, match=r"2026-06-02 to 2026-06-03, hold no whole week yet; import more"):
        composed(write_book(tmp_path / "book", contacts=rows))


def test_a_period_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UnknownPeriodError):
        composed(two_months(tmp_path / "book"), period="June")


def test_the_json_is_the_contract(planted):
    told = json.loads(render(composed(planted, period="2026-06"), "json", "en", color=False, width=80))
    assert told["schema"] == "comity.review/1"
    assert told["name"] == "2026-06"
