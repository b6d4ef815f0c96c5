"""Disputes: a figure of a period and what is wrong, what follows from an acceptance, and what a period waits for."""

import re
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.utils import timezone

from comity.apps.agreements.models import Change, Draft
from comity.apps.books import operations as books
from comity.apps.books.models import Stage
from comity.apps.books.operations import prevent_undo
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import open_moves
from comity.apps.matters.today import records_work
from comity.apps.refusal import Refused
from comity.apps.reviews import operations as reviews
from comity.apps.reviews import queries, tasks
from comity.book.amend import begin_from_kpis
from comity.core import chain
from comity.core.calendars import named
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from tests.builders.confirmations import JUNE, confirm, entries, late
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE, moved, raised, sent, steps
from tests.builders.uploads import brought, now, received, run
from tests.room import BACKEND, cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


@pytest.fixture
def month():
    """A cast of its own, for tests that make June final."""
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def as_of(matter, them):
    with transaction.atomic():
        them.at("auditor")
        return Matter.objects.get(pk=matter.pk)


def overdue(matter):
    """Let the day by which a dispute is carried out be over; no side may."""
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET due_on = current_date - 1 WHERE id = %s", [matter.pk])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kpi": ""}, "incomplete_dispute"),
        ({"period": ""}, "incomplete_dispute"),
        ({"wrong": ""}, "incomplete_dispute"),
        ({"wrong": "nonsense"}, "incomplete_dispute"),
        ({"period": "last month"}, "unknown_period"),
        ({"kpi": "no_such_kpi"}, "unknown_figure"),
    ],
)
def test_a_dispute_names_a_figure_a_period_and_what_is_wrong(them, change, code):
    with pytest.raises(Refused, match=code):
        raised(them, **change)


@pytest.mark.parametrize(
    ("kpi", "unit"), [("service_level", "share"), ("satisfaction", "points"), ("revenue", "money")]
)
def test_kpis_and_readings_can_be_disputed_and_the_period_is_kept_with_its_days(them, kpi, unit):
    matter = raised(them, kpi=kpi, period="2026q2", value=Decimal("0.5"))
    assert (matter.unit, matter.period, str(matter.from_day), str(matter.to_day)) == (
        unit, "2026-Q2", "2026-04-01", "2026-06-30",
    )  # fmt: skip


def test_the_form_takes_a_share_in_per_cent_in_the_readers_notation(them):
    said = FIGURE | {"title": "Not so", "text": "Our sample.", "value": "78,4"}
    answer = them.client("customer_lead").post(them.url("matters/raise/dispute/"), said)
    number = answer.headers["Location"].split("/")[-2]
    with transaction.atomic():
        them.at("auditor")
        assert Matter.objects.get(pk=number).value == Decimal("0.784")
    page = them.client("provider_lead").get(them.url(f"matters/{number}/")).content.decode()
    assert "78.4" in page
    ambiguous = them.client("customer_lead").post(them.url("matters/raise/dispute/"), said | {"value": "1,234.5"})
    assert ambiguous.status_code == 422


def test_an_acceptance_says_what_follows(them):
    matter = raised(them)
    with pytest.raises(Refused, match="follows"):
        moved(them, "provider_lead", matter, Move.AGREE, follows="")
    with pytest.raises(Refused, match="no_value"):  # none was claimed that could be recorded
        moved(them, "provider_lead", matter, Move.AGREE, follows="value")
    matter = moved(them, "provider_lead", matter, Move.AGREE, follows="records")
    assert (matter.state, matter.follows, matter.ended) == (State.AGREED, "records", False)
    days = (matter.due_on - timezone.now().date()).days
    assert 26 <= days <= 32  # twenty working days
    terms = {name: text for name, text in steps(them, matter)[-1].terms.items() if name != "computed"}
    assert terms == {"follows": "records", "due_on": matter.due_on.isoformat()}


def test_the_side_that_asked_cannot_say_what_the_other_owes(them):
    matter = raised(them, value=Decimal("0.6"))
    with pytest.raises(Refused, match="follows"):
        moved(them, "provider_lead", matter, Move.COUNTER, follows="")
    matter = moved(them, "provider_lead", matter, Move.COUNTER, follows="value", value=Decimal("0.55"))
    matter = moved(them, "customer_lead", matter, Move.AGREE, follows="records")
    assert (matter.follows, matter.value, matter.ended) == ("value", Decimal("0.55"), True)
    again = moved(them, "provider_lead", raised(them), Move.COUNTER, follows="records")
    again = moved(them, "customer_lead", again, Move.COUNTER, follows="formula", value=Decimal("0.61"))
    assert (again.state, again.follows, again.value) == (State.ASKED, "", Decimal("0.61"))


def test_the_side_that_owes_says_done_and_the_other_confirms(them):
    matter = moved(them, "provider_lead", raised(them), Move.AGREE)
    with pytest.raises(Refused, match="owner"):
        moved(them, "customer_lead", matter, Move.DONE)
    moved(them, "provider_lead", matter, Move.DONE)
    for who in ("provider_lead", "provider_analyst"):
        with pytest.raises(Refused, match="not_now"):
            moved(them, who, matter, Move.CONFIRM)
    assert moved(them, "customer_lead", matter, Move.NOT_DONE).state == State.AGREED
    moved(them, "provider_lead", matter, Move.DONE)
    assert moved(them, "customer_lead", matter, Move.CONFIRM).state == State.CONFIRMED


def test_an_accepted_dispute_blocks_the_period_until_both_say_that_it_is_carried_out(month):
    matter = moved(month, "provider_lead", raised(month, value=Decimal("0.7")), Move.AGREE)
    for who in ("customer_lead", "provider_lead"):
        with pytest.raises(Refused, match="dispute_waits"):
            confirm(month, who)
    with transaction.atomic():  # a quarter waits for its months
        member = month.at("customer_lead")
        waiting = {name: queries.disputes_to_carry_out(member, named(name)[1]) for name in ("2026-Q2", "2026-05")}
    assert waiting == {"2026-Q2": [matter], "2026-05": []}
    moved(month, "provider_lead", matter, Move.DONE)
    with pytest.raises(Refused, match="dispute_waits"):
        confirm(month, "provider_lead")
    moved(month, "customer_lead", matter, Move.CONFIRM)
    confirm(month, "customer_lead")
    entry = confirm(month, "provider_lead")
    figure = entry.content["figures"]["service_level"]
    assert figure["disputed"] == []
    assert figure["disputes"] == [
        {"id": str(matter.pk), "by": "customer", "status": "carried_out", "wrong": "records", "follows": "records",
         "value": "0.7"}
    ]  # fmt: skip


def test_after_its_last_day_the_period_is_final_with_both_values_marked_as_not_carried_out(month):
    matter = moved(month, "provider_lead", raised(month, value=Decimal("0.7")), Move.AGREE)
    moved(month, "provider_lead", matter, Move.CANNOT)
    with pytest.raises(Refused, match="dispute_waits"):  # who owes it does not end it alone
        confirm(month, "provider_lead")
    overdue(matter)
    confirm(month, "customer_lead")
    entry = confirm(month, "provider_lead")
    (note,) = entry.content["figures"]["service_level"]["disputes"]
    assert (note["status"], note["value"]) == ("not_carried_out", "0.7")
    page = month.client("customer_lead").get(month.url(f"review/?period={JUNE}")).content.decode()
    assert page.count("accepted, not carried out: 70.0") >= 2  # beside the level, and in the record


def test_the_side_that_it_is_owed_to_lets_off_and_the_period_no_longer_waits(month):
    matter = moved(month, "provider_lead", raised(month), Move.AGREE)
    with pytest.raises(Refused, match="not_now"):
        moved(month, "provider_lead", matter, Move.LET_OFF)
    moved(month, "customer_lead", matter, Move.LET_OFF)
    confirm(month, "customer_lead")
    (note,) = confirm(month, "provider_lead").content["figures"]["service_level"]["disputes"]
    assert note["status"] == "not_carried_out"


def test_an_accepted_value_stays_on_the_figure_the_review_and_the_record(month):
    matter = moved(month, "provider_lead", raised(month, value=Decimal("0.7")), Move.AGREE, follows="value")
    assert matter.ended
    browser = month.client("customer_lead")
    for address in (f"review/?period={JUNE}", f"review/figure/service_level/?period={JUNE}"):
        page = browser.get(month.url(address)).content.decode()
        assert "accepted: 70.0" in page, address
    confirm(month, "customer_lead")
    (note,) = confirm(month, "provider_lead").content["figures"]["service_level"]["disputes"]
    assert (note["status"], note["value"]) == ("value_beside", "0.7")


def test_an_acceptance_after_one_side_confirmed_asks_that_side_again(month):
    dispute = raised(month, "provider_lead", value=Decimal("0.7"))
    confirm(month, "provider_lead")
    moved(month, "customer_lead", dispute, Move.AGREE, follows="value")
    forget_mails()
    assert confirm(month, "customer_lead") is None
    assert any("accepted disputes: 0 → 1" in one.body for one in sent_mails())


def test_silence_confirms_no_period_that_waits_for_a_dispute(month):
    word = late(month)
    moved(month, "provider_lead", raised(month), Move.AGREE)
    forget_mails()
    tasks.tick(0)
    run_jobs()
    assert [one for one in sent_mails() if "confirm or dispute" in one.subject] == []
    assert entries(month) == []
    assert word.void_at is None


def test_the_database_refuses_a_final_period_that_waits_for_a_dispute(month, monkeypatch):
    """Whatever a request forgets to ask."""
    moved(month, "provider_lead", raised(month), Move.AGREE)
    monkeypatch.setattr(reviews.queries, "disputes_to_carry_out", lambda *_: [])
    confirm(month, "customer_lead")
    with pytest.raises(ProgrammingError, match="still to be carried out"):
        confirm(month, "provider_lead")
    assert entries(month) == []


@pytest.mark.parametrize("period", ["2026-Q2", "2026"])
def test_the_database_knows_that_a_month_is_part_of_a_quarter_and_a_year(month, monkeypatch, period):
    moved(month, "provider_lead", raised(month, period=period), Move.AGREE)
    monkeypatch.setattr(reviews.queries, "disputes_to_carry_out", lambda *_: [])
    confirm(month, "customer_lead")
    with pytest.raises(ProgrammingError, match="still to be carried out"):
        confirm(month, "provider_lead")


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14"])
def test_the_last_day_of_a_dispute_ends_where_the_book_is(zone):
    """At any time one of the two zones has another day than UTC."""
    here = cast()
    file = here.book(KPI, contacts="\n".join(contacts())) / "book.toml"
    text = re.sub("timezone = .*", f'timezone = "{zone}"', file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    matter = moved(here, "provider_lead", raised(here), Move.AGREE)
    today = timezone.now().astimezone(ZoneInfo(zone)).date()
    waits = []
    for day in (today, today - timedelta(days=1)):
        with superuser() as everybody:
            everybody.execute("UPDATE matters_matter SET due_on = %s WHERE id = %s", [day, matter.pk])
        with transaction.atomic():
            waits.append(bool(queries.disputes_to_carry_out(here.at("customer_lead"), named(JUNE)[1])))
    assert waits == [True, False]
    if zone == "Etc/GMT-14":  # the records hold all of June there
        confirm(here, "customer_lead")
        assert confirm(here, "provider_lead") is not None  # nor does the database wait any longer


@pytest.mark.parametrize(
    "change",
    [
        "follows = 'value', value = 0.9", "follows = 'records', due_on = current_date + 40", "value = 0.1",
        "state = 'confirmed'", "state = 'let_off'", "due_on = current_date", "due_on = NULL", "wrong = 'other'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_no_side_changes_what_was_agreed_without_a_step(them, who, change):
    matter = moved(them, "provider_lead", raised(them, value=Decimal("0.7")), Move.AGREE, follows="formula")
    with pytest.raises(ProgrammingError), transaction.atomic():
        them.at(who)
        Matter.objects.filter(pk=matter.pk).extra(where=["true"]).count()
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE matters_matter SET {change} WHERE id = %s", [matter.pk])
    assert as_of(matter, them).follows == "formula"


def test_an_answer_is_taken_back_until_the_other_side_opens_it(them):
    matter = raised(them)
    before = as_of(matter, them).reply_by
    moved(them, "provider_lead", matter, Move.AGREE, follows="records")
    with transaction.atomic():
        assert Move.TAKE_BACK not in open_moves(them.at("customer_lead"), as_of(matter, them))
    matter = moved(them, "provider_analyst", matter, Move.TAKE_BACK)
    assert (matter.state, matter.follows, matter.due_on, matter.reply_by) == (State.ASKED, "", None, before)
    moved(them, "provider_lead", matter, Move.DECLINE)
    them.client("provider_lead").get(them.url(f"matters/{matter.pk}/"))  # one's own eyes do not matter
    them.client("auditor").get(them.url(f"matters/{matter.pk}/"))
    moved(them, "provider_lead", matter, Move.TAKE_BACK)
    moved(them, "provider_lead", matter, Move.AGREE)
    them.client("customer_member").get(them.url(f"matters/{matter.pk}/"))
    with pytest.raises(Refused, match="seen"):
        moved(them, "provider_lead", matter, Move.TAKE_BACK)


def test_an_answer_is_not_taken_back_after_ten_minutes(them):
    matter = raised(them)
    moved(them, "provider_lead", matter, Move.DECLINE)
    with superuser() as everybody:
        everybody.execute("UPDATE matters_step SET at = at - interval '11 minutes' WHERE matter_id = %s", [matter.pk])
    with pytest.raises(Refused, match="seen"):
        moved(them, "provider_lead", matter, Move.TAKE_BACK)


@pytest.mark.parametrize("answer", [(Move.AGREE, "value"), (Move.DECLINE, "")])
def test_an_answer_is_not_taken_back_once_the_other_side_has_confirmed_a_period_after_it(month, answer):
    """Nor straight in the database: the record would say another thing of the dispute than the dispute does."""
    matter = raised(month, value=Decimal("0.7"))
    moved(month, "provider_lead", matter, answer[0], follows=answer[1])
    confirm(month, "provider_lead")
    with transaction.atomic():  # one's own word changes nothing
        assert Move.TAKE_BACK in open_moves(month.at("provider_lead"), as_of(matter, month))
    assert confirm(month, "customer_lead") is not None
    with pytest.raises(Refused, match="seen"):
        moved(month, "provider_lead", matter, Move.TAKE_BACK)
    with transaction.atomic(), connection.cursor() as cursor:
        month.at("provider_lead")
        cursor.execute("SELECT comity_may_take_back(m, 'provider') FROM matters_matter m WHERE id = %s", [matter.pk])
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE matters_opened SET number = 99 WHERE side = 'customer'",  # what is not there yet
        "UPDATE matters_opened SET number = 0 WHERE side = 'customer'",
        "UPDATE matters_opened SET side = 'provider'",
        (
            "INSERT INTO matters_opened (id, relationship_id, matter_id, side, number) "
            "SELECT gen_random_uuid(), relationship_id, matter_id, 'provider', 99 FROM matters_opened"
        ),
        "DELETE FROM matters_opened",
    ],
)
def test_a_side_cannot_say_what_the_other_has_opened_or_take_it_away(them, statement):
    matter = raised(them, "provider_lead")
    them.client("customer_lead").get(them.url(f"matters/{matter.pk}/"))
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_lead")
        cursor.execute(statement)


def test_a_page_that_has_not_shown_the_last_step_changes_nothing(them):
    matter = raised(them)
    moved(them, "customer_lead", matter, Move.COMMENT)
    answer = sent(them, "provider_lead", matter, "agree", follows="records", seen=1, text="Yes, you are right.")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Another step was added meanwhile" in page
    assert "Yes, you are right." in page
    assert as_of(matter, them).state == State.ASKED


def test_a_form_that_is_sent_twice_counts_once_and_says_no_error(them):
    matter = raised(them)
    for _ in range(2):
        answer = sent(them, "provider_lead", matter, "agree", follows="records", seen=1)
        assert answer.status_code == 302
    assert [one.move for one in steps(them, matter)] == ["raise", "agree"]


def test_the_page_of_a_move_says_what_follows_and_whether_it_can_be_undone(them):
    matter = raised(them)
    page = them.client("provider_lead").get(them.url(f"matters/{matter.pk}/move/agree/")).content.decode()
    assert "You can undo it for 10 minutes" in page
    assert "the records are corrected" in page
    closed = them.client("customer_lead").get(them.url(f"matters/{matter.pk}/move/agree/"))
    assert closed.status_code == 302  # it is not their turn: the matter says whose it is


def test_the_page_of_a_confirmation_counts_what_is_open_and_sends_the_digest(month):
    raised(month, value=Decimal("0.7"))
    day = date(2026, 6, 3)
    raised(month, "provider_lead", Kind.CLAIM, from_day=day, to_day=day, asked_for="exclude", event="outage")
    page = month.client("customer_lead").get(month.url(f"review/confirm/?period={JUNE}")).content.decode()
    assert "<dt>Open disputes</dt><dd>1</dd>" in page
    assert "<dt>Open claims</dt><dd>1</dd>" in page
    assert "when Filler confirms" not in page
    with transaction.atomic():
        member = month.at("customer_lead")
        digest = chain.digest_of(queries.figures(member, queries.review(member.joint(), JUNE), JUNE))
    assert f'name="figures" value="{digest}"' in page
    confirm(month, "provider_lead")
    page = month.client("customer_lead").get(month.url(f"review/confirm/?period={JUNE}")).content.decode()
    assert "This cannot be undone." in page
    for who in ("customer_member", "auditor"):
        assert month.client(who).get(month.url(f"review/confirm/?period={JUNE}")).status_code == 404


def test_an_action_is_not_due_in_the_past(them):
    day = timezone.now().date() - timedelta(days=2)
    with pytest.raises(Refused, match="past"):
        raised(them, kind=Kind.ACTION, due_on=day)
    matter = raised(them, kind=Kind.ACTION, due_on=day + timedelta(days=30))
    with pytest.raises(Refused, match="past"):
        moved(them, "provider_lead", matter, Move.COUNTER, due_on=day)


def test_on_the_page_to_confirm_a_dispute_is_in_yellow_and_a_claim_is_not(month):
    day = date(2026, 5, 20)
    raised(month, "provider_lead", Kind.CLAIM, from_day=day, to_day=day, asked_for="exclude", event="outage")
    raised(month, "provider_lead", period="2026-05")
    page = month.client("customer_lead").get(month.url("review/confirm/?period=2026-05")).content.decode()
    (marks,) = re.findall(r'<ul class="steps">.*?</ul>', page, re.DOTALL)
    assert re.findall(r'<span class="(late|muted)">(Disputed|Claimed) by', marks) == [
        ("late", "Disputed"),
        ("muted", "Claimed"),
    ]


def test_an_import_names_the_disputes_that_it_may_carry_out_to_the_side_that_owes_them(month):
    matter = moved(month, "provider_lead", raised(month), Move.AGREE, follows="records")
    for who, owes in (("provider_lead", True), ("customer_lead", False)):
        made = received(month, who, f"{who}.csv", f"contact_id,opened_at\n{who},2026-06-01T09:00:00Z\n")
        run(month, who, made, dry_run=True)
        with transaction.atomic():
            books.import_delivery(month.at(who), now(month, who, made))
        assert run(month, who, made, dry_run=False).stage == "brought"
        page = month.client(who).get(month.url(f"records/{made.pk}/")).content.decode()
        assert (month.url(f"matters/{matter.pk}/") in page) is owes
    moved(month, "provider_lead", matter, Move.DONE)
    with transaction.atomic():
        assert not list(records_work(month.at("provider_lead")))


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


# One call on the 1st of June that was answered after 50 s, as answered after 5 s: 29 of 60 in time and no longer 28.
CORRECTED = """contact_id,opened_at,queue,channel,answered_at
6-1-1,2026-06-01T10:00:00Z,help,voice,2026-06-01T10:00:05Z
"""


def test_the_computed_figure_is_beside_the_claimed_one_and_what_a_correction_changes_is_seen(month):
    """28 of 60 contacts in June are in time, 46.7 %; the customer claims 60 %, and one call is corrected: 48.3 %."""
    customer, provider = month.client("customer_lead"), month.client("provider_lead")
    matter = raised(month, value=Decimal("0.6"))
    at = month.url(f"matters/{matter.pk}/")
    for page in (text_of(provider.get(at)), text_of(provider.get(f"{at}move/agree/"))):
        assert "Computed now 46.7 %" in page
        assert "Claimed value 60.0 %" in page
        assert "Target at least 80.0 %, missed" in page
    assert sent(month, "provider_lead", matter, "agree", follows="records").status_code == 302
    assert steps(month, matter)[-1].terms["computed"] == "0.466666666667"
    after = customer.get(at)
    assert "The figure has not changed." in text_of(after)
    assert "Helpline imports the corrected records" in text_of(after)
    assert (
        month.url("records/") not in after.content.decode().partition('<div class="panel">')[2].partition("</div>")[0]
    )
    own = provider.get(at)
    assert "Next for you: import the corrected records" in text_of(own)
    assert f'href="{month.url("records/")}">Upload corrected file' in own.content.decode()
    for browser in (customer, provider):
        assert "Helpline corrects the records, then marks it as done" in text_of(browser.get(month.url()))
    assert "Imported since" not in text_of(own)
    delivery = brought(month, "provider_lead", "june corrected.csv", CORRECTED)
    page = customer.get(at)
    assert delivery.stage == Stage.BROUGHT, delivery.why
    assert f'href="{month.url(f"records/{delivery.pk}/")}">june corrected.csv</a>' in page.content.decode()
    with transaction.atomic():  # the row is of the customer's own file, so that it changes by its word alone
        month.at("auditor")
        correction = Matter.objects.get(relationship=month.relationship, kind=Kind.CORRECTION)
    assert f'href="{month.url(f"matters/{correction.pk}/")}">contacts: 1 change' in page.content.decode()
    at_correction = month.url(f"matters/{correction.pk}/")
    for path in ("", "matters/", f"matters/{correction.pk}/"):  # what the room itself wrote is in the reader's language
        page = text_of(customer.get(month.url(path), headers={"accept-language": "es"}))
        assert "contactos: 1 cambio en filas de Northwind Energy" in page, path
    assert customer.get(at_correction).headers["Refresh"] == f"3; url={at_correction}?shown=1"
    assert run_jobs("matters.correction_effect") == 1
    effect = text_of(customer.get(at_correction))
    assert "Effect if accepted" in effect
    assert "Service level June 2026 46.7 %, missed 48.3 %, missed 80.0 % 60 → 60" in effect
    assert list(book_folder(month.relationship).parent.glob(".supposed-*")) == []
    moved(month, "customer_lead", correction, Move.AGREE)
    run_jobs("books.correct")
    assert "46.7 % → 48.3 %" in text_of(customer.get(at))
    moved(month, "provider_lead", matter, Move.DONE)
    assert "Helpline has marked it as done. Northwind Energy checks the figure" in text_of(customer.get(at))


def test_a_page_that_waits_for_a_figure_asks_for_itself_again_until_somebody_writes(month):
    """Without a script: what is typed on a page that goes would be lost, so that there is no field on it."""
    matter = raised(month, value=Decimal("0.6"))
    browser, at = Client(), month.url(f"matters/{matter.pk}/")
    browser.force_login(month.people["provider_lead"], backend=BACKEND)  # whose workers do nothing yet
    waiting = browser.get(at)
    assert waiting.headers["Refresh"] == f"3; url={at}?shown=1"
    assert "<textarea" not in waiting.content.decode()
    writing = browser.get(f"{at}?write=1")
    assert "Refresh" not in writing.headers
    assert "<textarea" in writing.content.decode()
    run_jobs("reviews.compute")
    there = browser.get(at)
    assert "Refresh" not in there.headers
    assert "<textarea" in there.content.decode()


@pytest.mark.parametrize("kind", [Kind.DISPUTE, Kind.CLAIM])
def test_a_page_that_reloads_by_itself_does_not_open_the_answer_to_a_matter(month, kind):
    """Whoever asked left its page open while a figure was computed; the other side answers and is told it can undo."""
    about = {"value": Decimal("0.6")}
    if kind is Kind.CLAIM:
        days = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11)}
        about = {"event": "outage", "asked_for": "exclude", "period": JUNE} | days
    matter = raised(month, kind=kind, **about)
    left_open, provider = Client(), month.client("provider_lead")
    left_open.force_login(month.people["customer_lead"], backend=BACKEND)  # whose workers do nothing yet
    at = month.url(f"matters/{matter.pk}/")
    by_itself = left_open.get(at).headers["Refresh"].partition("url=")[2]
    assert "?shown=1" in by_itself
    with transaction.atomic():
        month.at("auditor")
        matter = Matter.objects.get(pk=matter.pk)
    sent(month, "provider_lead", matter, "agree", follows="records")
    page = left_open.get(by_itself).content.decode()
    assert "There is a new step that nobody of your side has opened yet." in page
    assert month.people["provider_lead"].name not in page
    assert "You can undo your answer for 10 minutes" in provider.get(at).content.decode()
    assert month.people["provider_lead"].name in left_open.get(at).content.decode()  # opened: by a person
    assert "You can undo your answer" not in provider.get(at).content.decode()


def test_a_figure_that_nobody_computed_is_not_kept_with_a_step(month):
    matter = raised(month)
    assert "computed" not in steps(month, matter)[0].terms


def test_who_disputes_a_figure_sees_it_and_the_record_keeps_what_was_seen(month):
    browser = month.client("customer_lead")
    address = month.url("matters/raise/dispute/?kpi=service_level&period=2026-06")
    page = text_of(browser.get(address))
    assert "Computed now 46.7 %" in page
    said = FIGURE | {"title": "Not so", "text": "Our sample.", "value": "60"}
    number = browser.post(month.url("matters/raise/dispute/"), said).headers["Location"].split("/")[-2]
    matter = as_of(Matter(pk=number), month)
    assert steps(month, matter)[0].terms["computed"] == "0.466666666667"
    assert "Computed when disputed 46.7 %" in text_of(browser.get(month.url(f"matters/{number}/")))


def test_a_period_that_waits_for_a_dispute_says_who_carries_it_out(month):
    moved(month, "provider_lead", raised(month), Move.AGREE, follows="formula")
    for address in (f"review/confirm/?period={JUNE}", f"review/?period={JUNE}&view=joint"):
        page = text_of(month.client("customer_lead").get(month.url(address)))
        assert "Helpline proposes the other formula, then marks it as done" in page, address


def test_whoever_claims_and_whoever_answers_reads_that_the_month_is_final(month):
    """What both confirmed of June stays; the page of the answer waits for what it would change, and says it."""
    customer, provider = month.client("customer_lead"), month.client("provider_lead")
    assert "Final already" not in text_of(provider.get(month.url("matters/raise/claim/")))
    with transaction.atomic():
        prevent_undo(month.at("customer_lead"), "2026-06")
    assert "Final already: June 2026." in text_of(provider.get(month.url("matters/raise/claim/")))
    day = date(2026, 6, 2)
    matter = raised(month, "provider_lead", Kind.CLAIM, from_day=day, to_day=day, asked_for="exclude", event="outage")
    at = month.url(f"matters/{matter.pk}/")
    waiting = customer.get(f"{at}move/agree/")
    assert waiting.headers["Refresh"] == "3"
    assert "What it does to the figures is being computed." in text_of(waiting)
    assert "<form" in customer.get(f"{at}move/agree/?write=1").content.decode().partition('id="h-reply"')[2]
    run_jobs("matters.claim_effect")
    said = "June 2026: final already. What both sides confirmed stays"
    for browser, page in ((customer, f"{at}move/agree/"), (customer, at), (provider, at)):
        assert said in text_of(browser.get(page))
    assert "Service level June 2026, final" in text_of(customer.get(f"{at}move/agree/"))
    later = date(2026, 7, 2)
    other = raised(
        month, "provider_lead", Kind.CLAIM, from_day=later, to_day=later, asked_for="exclude", event="outage"
    )
    assert said not in text_of(customer.get(month.url(f"matters/{other.pk}/")))


def test_a_dispute_chooses_its_period_first_and_then_among_the_figures_that_were_formed(month):
    """The records are of May and June 2026; whoever disputes is offered no other period, and no figure without data."""
    browser, at = month.client("customer_lead"), month.url("matters/raise/dispute/")
    page = browser.get(at).content.decode()
    assert '<select id="id_period" name="period">' in page
    assert re.findall(r'<option value="([^"]+)"', page) == ["2026-06", "2026-05", "2026-Q2", "2026"]
    assert "<textarea" not in page  # what is wrong is typed once the figures are there
    page = browser.get(f"{at}?period=2026-06").content.decode()
    (offered,) = re.findall(r'<select name="kpi".*?</select>', page, re.DOTALL)
    assert re.findall(r'value="([^"]+)"', offered) == ["service_level"]
    assert 'name="period"' in page
    said = {"title": "Not so", "text": "See.", "kpi": "revenue", "period": "2026-06", "wrong": "records"}
    assert browser.post(at, said).status_code == 422
    assert browser.post(at, said | {"kpi": "service_level"}).status_code == 302
    page = browser.get(f"{at}?period=2025-01").content.decode()
    assert "No figure was formed for January 2025. Choose another period." in page.replace("\u00a0", " ")


def test_a_dispute_waits_for_the_figures_of_its_period_unless_one_was_seen(month):
    browser, at = Client(), month.url("matters/raise/dispute/?period=2026-06")
    browser.force_login(month.people["customer_lead"], backend=BACKEND)  # whose workers do nothing yet
    waiting = browser.get(at)
    assert waiting.headers["Refresh"] == "3"
    assert "<textarea" not in waiting.content.decode()
    assert "<textarea" in browser.get(f"{at}&kpi=service_level").content.decode()
    assert "<textarea" in browser.get(f"{at}&write=1").content.decode()
    run_jobs("reviews.compute")
    assert "<textarea" in browser.get(at).content.decode()


def test_another_formula_leads_to_a_draft_of_a_change_where_the_agreement_holds_the_kpis():
    """The page of the KPIs changes nothing there: a change of the agreement does, and the draft is its side's alone."""
    room, words = cast(), words_for("en")
    begin_from_kpis(room.book(KPI, contacts="\n".join(contacts())))
    matter = moved(room, "provider_lead", raised(room), Move.AGREE, follows="formula")
    address = room.url(f"matters/{matter.pk}/")
    browser = room.client("provider_lead")
    page = browser.get(address).content.decode()
    assert words("next.clause_do") in page
    assert words("next.formula_do") not in page
    assert f'name="title" value="{matter.title}"' in page
    answer = browser.post(room.url("agreement/changes/begin/"), {"title": matter.title})
    with transaction.atomic():
        room.at("provider_lead")
        change = Change.objects.get()
        assert answer.headers["Location"] == room.url(f"agreement/changes/{change.pk}/")
        assert Draft.objects.get(change=change).content["says"]["title"] == matter.title
    assert words("next.clause_do") not in room.client("customer_lead").get(address).content.decode()
    with transaction.atomic():
        room.at("customer_lead")
        assert not Change.objects.exists()
