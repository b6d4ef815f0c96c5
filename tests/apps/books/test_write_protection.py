"""The writing wall: what one side puts on record the other cannot change, hide or speak for, by whatever file.

Each attack of the red team's report by its number there; the figures are what the other side's lead sees.
"""

import re
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books import operations, queries, tasks
from comity.apps.books.models import Delivery, Mark, MarkStep, Stage
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.matters.corrections import changes
from comity.apps.matters.models import Matter
from comity.apps.outbox.tasks import recover
from comity.apps.parties import operations as parties
from comity.apps.parties.rate_limits import RATE_LIMITS, RateLimit
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import State
from comity.core.values import Side
from tests.builders.level_in_room import level
from tests.builders.levels import KPI, contacts
from tests.builders.matters import raised, sent
from tests.builders.turns import every, one_in
from tests.builders.uploads import now, received, run
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
SURVEYS = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
EVENTS = "event_id,kind,from,to,declared_by,declared_at,claim,kpi,state,answered_by\n"
KEPT = '\n[private]\nprovider = ["surveys[audience=employee]", "costs", "staff"]\ncustomer = ["accounts.name"]\n'


def answers(scores, audience="customer"):
    lines = [f"r{n},{audience},p{n},csat,1,5,{score},2026-06-{1 + n % 28:02d}" for n, score in enumerate(scores)]
    return SURVEYS + "\n".join(lines) + "\n"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI + KEPT)
    return made


def brought(them, who, name, text):
    """Looked at and, where it can be used, brought in; its matters are opened as in the worker."""
    made = run(them, who, received(them, who, name, text), dry_run=True)
    if made.stage != Stage.LOOKED:
        return made
    with transaction.atomic():
        operations.import_delivery(them.at(who), now(them, who, made))
    return run(them, who, made, dry_run=False)


def rows(them, who, table):
    run_jobs()
    with transaction.atomic(), queries.open_member_book(them.at(who)) as book:
        found = book.table(table).to_pyarrow().to_pylist() if table in book.holdings else []
    return sorted(found, key=str)


def corrections(them, who="customer_lead"):
    with transaction.atomic():
        them.at(who)
        return list(Matter.objects.filter(relationship=them.relationship, kind=Kind.CORRECTION).order_by("raised_at"))


def work(them, who, delivery):
    """What the worker does with an accepted correction."""
    return run(them, who, delivery, dry_run=False)


def move(them, who, matter, what, **more):
    return sent(them, who, matter, what, **more)


def delivered(them, who):
    with transaction.atomic():
        return [(one.name, one.stage) for one in queries.readable_deliveries(them.at(who))]


# H2, C2: rows of the other side --------------------------------------------------------------------------------


def test_the_other_sides_answers_are_not_overwritten_and_its_lead_is_asked(them):
    brought(them, "customer_lead", "ours.csv", answers([1, 2, 1, 2]))
    before = rows(them, "customer_lead", "surveys")
    made = brought(them, "provider_analyst", "theirs.csv", answers([5, 5, 5, 5]))
    assert made.outcome["counts"]["updated"] == 0
    assert made.outcome["counts"]["proposed"] == 4
    assert rows(them, "customer_lead", "surveys") == before
    (matter,) = corrections(them)
    assert (matter.asks, matter.answers, matter.records["counts"]) == (
        "provider",
        "customer",
        {"change": 4, "add": 0, "withdraw": 0},
    )
    page = them.client("customer_lead").get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "Proposed changes" in page
    assert "1.0" in page
    with transaction.atomic():
        first = changes(them.at("customer_lead"), matter)[0]
    assert (first.before, first.after) == ({"score": 1.0}, {"score": 5.0})
    assert ("theirs.csv", Stage.BROUGHT) in delivered(them, "customer_lead")  # both know that it came
    # Who proposed it cannot accept it, neither can silence.
    assert move(them, "provider_lead", matter, "agree").status_code == 422
    assert corrections(them)[0].state == State.ASKED
    with superuser() as everybody, pytest.raises(Exception, match="silence"):
        everybody.execute("UPDATE matters_matter SET state = 'deemed' WHERE id = %s", [matter.pk])
    assert rows(them, "customer_lead", "surveys") == before


def test_a_correction_is_accepted_row_by_row_and_taken_back_by_whose_rows_they_are(them):
    brought(them, "customer_lead", "ours.csv", answers([1, 2, 1, 2]))
    before = rows(them, "customer_lead", "surveys")
    brought(them, "provider_lead", "theirs.csv", answers([5, 5, 5, 5]))
    (matter,) = corrections(them)
    assert move(them, "customer_lead", matter, "agree", which="some", row=["1", "3"]).status_code == 302
    with transaction.atomic():
        place = them.at("customer_lead")
        (delivery,) = Delivery.objects.filter(relationship=place.relationship).exclude(corrects={})
    assert delivery.side == "customer"
    done = work(them, "customer_lead", delivery)
    assert (done.stage, done.outcome["counts"]["updated"]) == (Stage.BROUGHT, 2)
    after = rows(them, "customer_lead", "surveys")
    assert [row["score"] for row in after] == [5.0, 2.0, 5.0, 2.0]
    assert {row["brought_by"] for row in after} == {"customer"}
    assert corrections(them)[0].state == State.ANSWERED
    # Both still read what was asked for, and what became of it.
    for who in ("customer_lead", "provider_lead"):
        page = them.client(who).get(them.url(f"matters/{matter.pk}/")).content.decode()
        shown = re.findall(r"<tr><td>(\w+)</td>\s*<th scope=.row. class=.any.>(r\d+)</th>", page)
        assert shown == list(zip(["Accepted", "Unchanged"] * 2, ["r0", "r1", "r2", "r3"], strict=True))
    with transaction.atomic():
        operations.undo_delivery(them.at("customer_lead"), now(them, "customer_lead", done))
    assert [row["score"] for row in rows(them, "customer_lead", "surveys")] == [row["score"] for row in before]


def test_rows_that_are_not_ticked_are_never_accepted_by_a_choice_that_was_left_as_it_was(them):
    """The page offers all of them first: whoever takes a tick away and forgets to choose is asked again."""
    brought(them, "customer_lead", "ours.csv", answers([1, 2, 1, 2]))
    before = rows(them, "customer_lead", "surveys")
    brought(them, "provider_lead", "theirs.csv", answers([5, 5, 5, 5]))
    (matter,) = corrections(them)
    for said, why in (
        ({"which": "all", "row": ["1", "3"]}, "Some rows are not ticked"),
        ({"row": ["1", "3"]}, "Some rows are not ticked"),
        ({"which": "some"}, "Tick at least one change, or refuse."),
        ({"which": "some", "row": ["0", "9", "x"]}, "Tick at least one change, or refuse."),
    ):
        answer = move(them, "customer_lead", matter, "agree", **said)
        page = answer.content.decode()
        assert why in page, said
        ticked = re.findall(r'name="row" value="(\d)" checked', page)
        assert ticked == [one for one in said.get("row", []) if one in {"1", "3"}]
        assert 'name="which" value="some" checked' in page  # what was ticked is what is meant
    assert corrections(them)[0].state == State.ASKED
    assert rows(them, "customer_lead", "surveys") == before
    every = ["1", "2", "3", "4"]
    assert move(them, "customer_lead", matter, "agree", which="all", row=every).status_code == 302


def test_a_refused_correction_leaves_the_rows_as_they_are(them):
    brought(them, "customer_lead", "ours.csv", answers([1, 2]))
    before = rows(them, "customer_lead", "surveys")
    brought(them, "provider_lead", "theirs.csv", answers([5, 5]))
    (matter,) = corrections(them)
    assert move(them, "customer_lead", matter, "decline").status_code == 302
    tasks.refuse_correction(str(them.relationship), *(matter.records[name] for name in ("table", "number", "delivery")))
    assert corrections(them)[0].state == State.DECLINED
    assert rows(them, "customer_lead", "surveys") == before
    with transaction.atomic():
        kept = changes(them.at("customer_lead"), corrections(them)[0])
    assert [(one.before, one.after) for one in kept] == [({"score": score}, {"score": 5.0}) for score in (1.0, 2.0)]


def test_the_other_sides_rows_are_not_taken_under_a_private_rule(them):
    """C2."""
    brought(them, "customer_lead", "ours.csv", answers([1, 1, 5, 5]))
    before = rows(them, "customer_lead", "surveys")
    made = brought(them, "provider_lead", "relabelled.csv", answers([1, 1], "employee"))
    assert made.stage == Stage.REFUSED
    assert "shared already" in made.why
    assert rows(them, "customer_lead", "surveys") == rows(them, "auditor", "surveys") == before


def test_a_shared_row_of_the_other_side_does_not_hide_a_private_one(them):
    brought(them, "provider_lead", "staff answers.csv", answers([2, 2], "employee"))
    before = rows(them, "provider_lead", "surveys")
    made = brought(them, "customer_lead", "guess.csv", answers([5, 5, 5]))
    assert made.outcome["counts"]["new"] == 3
    brought(them, "customer_lead", "more.csv", answers([5, 5, 5, 4]))
    kept = [row for row in rows(them, "provider_lead", "surveys") if row["brought_by"] == "provider"]
    assert kept == before
    assert len(rows(them, "customer_lead", "surveys")) == 4


# C3: speaking for the other side -----------------------------------------------------------------------------------


def test_no_file_accepts_a_claim_or_answers_for_the_other_side(them):
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    more = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11), "asked_for": "exclude", "event": "outage"}
    claim = raised(them, "provider_lead", Kind.CLAIM, kpi="service_level", **more)
    assert move(them, "customer_lead", claim, "decline").status_code == 302
    before = level(them)
    span = "2026-06-10T00:00:00Z,2026-06-12T00:00:00Z"
    forged = [
        f"forged-1,outage,{span},provider,2026-06-12T00:00:00Z,exclude,service_level,accepted,customer",
        f"room-{claim.pk},outage,{span},provider,2026-06-12T00:00:00Z,exclude,service_level,accepted,customer",
        f"forged-2,outage,{span},customer,2026-06-12T00:00:00Z,exclude,service_level,,",
        f"forged-3,outage,{span},provider,2026-06-12T00:00:00Z,exclude,service_level,deemed,",
    ]
    for number, line in enumerate(forged):
        assert brought(them, "provider_lead", f"e{number}.csv", EVENTS + line + "\n").stage == Stage.REFUSED
    assert level(them) == before
    ours = f"e9,outage,{span},,2026-06-12T00:00:00Z,exclude,service_level,,\n"
    assert brought(them, "provider_lead", "e9.csv", EVENTS + ours).stage == Stage.BROUGHT
    (row,) = [one for one in rows(them, "customer_lead", "events") if one["event_id"] == "e9"]
    assert (row["declared_by"], row["state"], row["answered_by"]) == ("provider", "claimed", None)
    assert level(them) == before


def test_no_file_reports_a_figure_of_the_other_side(them):
    header = "period,kpi,value,reported_by\n"
    assert (
        brought(them, "provider_lead", "r.csv", header + "2026-06,service_level,0.99,customer\n").stage == Stage.REFUSED
    )
    brought(them, "customer_lead", "c.csv", header + "2026-06,service_level,0.7,customer\n")
    brought(them, "provider_lead", "p.csv", header + "2026-06,service_level,0.8,\n")
    found = {row["reported_by"]: (row["value"], row["brought_by"]) for row in rows(them, "auditor", "reported")}
    assert found == {"customer": (0.7, "customer"), "provider": (0.8, "provider")}


# C1, C5: holding back ----------------------------------------------------------------------------------------------


def hold_back(them, who, item):
    said = {"item": item, "reason": "Because.", "review_on": (timezone.now().date() + timedelta(days=30)).isoformat()}
    return them.client(who).post(them.url("records/private/"), said)


@pytest.mark.parametrize(
    "item", every(2, ["surveys[score=1.0]", "surveys[score=1]", "surveys[scale_max=5.00]", "surveys"])
)
def test_what_both_have_is_not_held_back_however_it_is_spelt(them, item):
    brought(them, "customer_lead", "ours.csv", answers([1, 1, 5, 5]))
    before = rows(them, "customer_lead", "surveys")
    assert hold_back(them, "provider_lead", item).status_code == 422
    assert rows(them, "customer_lead", "surveys") == before


@pytest.mark.parametrize(
    "item",
    one_in(
        2,
        [
            (item, item)
            for item in (
                *("surveys[audience=employee]", "staff.left_on", "costs[driver=ZEBRA]", "costs", "staff"),
                *("nonsense", "nope.x"),
            )
        ],
    ),
)
def test_what_the_other_side_keeps_reads_as_what_is_not_there(them, item):
    brought(them, "provider_lead", "staff answers.csv", answers([2, 2], "employee"))
    before = rows(them, "provider_lead", "surveys")
    answer = hold_back(them, "customer_lead", item)
    assert answer.status_code == 422
    words = "There is no such table, column or row, or it is private to the other side."
    assert words in answer.content.decode()
    brought(them, "customer_lead", "ours.csv", answers([1, 1, 5]))
    assert [row for row in rows(them, "provider_lead", "surveys") if row["audience"] == "employee"] == before


def test_a_rule_for_what_does_not_occur_yet_takes_no_later_row_of_the_other_side(them):
    assert hold_back(them, "provider_lead", "contacts[queue=zzz]").status_code == 302
    header = "contact_id,opened_at,queue\n"
    brought(them, "customer_lead", "c.csv", header + "a,2026-06-01T10:00:00Z,zzz\n")
    assert [row["contact_id"] for row in rows(them, "customer_lead", "contacts")] == ["a"]
    brought(them, "provider_lead", "p.csv", header + "b,2026-06-01T10:00:00Z,zzz\n")
    assert [row["contact_id"] for row in rows(them, "customer_lead", "contacts")] == ["a"]
    assert [row["contact_id"] for row in rows(them, "provider_lead", "contacts")] == ["a", "b"]


def test_a_mark_is_withdrawn_and_each_change_of_it_is_kept(them):
    assert hold_back(them, "provider_lead", "contacts[queue=zzz]").status_code == 302
    assert hold_back(them, "provider_lead", "contacts[queue=zzz]").status_code == 302
    brought(them, "provider_lead", "p.csv", "contact_id,opened_at,queue\nb,2026-06-01T10:00:00Z,zzz\n")
    assert rows(them, "customer_lead", "contacts") == []
    item = {"item": "contacts[queue=zzz]"}
    them.client("customer_lead").post(them.url("records/private/disclose/"), item)  # not its own
    assert rows(them, "customer_lead", "contacts") == []
    assert them.client("provider_lead").post(them.url("records/private/disclose/"), item).status_code == 302
    assert [row["contact_id"] for row in rows(them, "customer_lead", "contacts")] == ["b"]
    with transaction.atomic():
        them.at("customer_lead")
        steps = [
            (one.side, one.change) for one in MarkStep.objects.filter(relationship=them.relationship).order_by("at")
        ]
        assert not Mark.objects.filter(relationship=them.relationship).exists()
    assert steps == [("provider", "held_back"), ("provider", "changed"), ("provider", "disclosed")]
    words = words_for("en")
    name = words("mark.rows_where", table="contacts", column=words("field.queue"), value="zzz")
    assert name in them.client("customer_lead").get(them.url("records/")).content.decode()


def test_a_book_that_gives_one_thing_to_both_says_so_and_is_mended_in_the_room(them):
    them = cast()
    folder = them.book('\n[private]\nprovider = ["accounts.name"]\ncustomer = ["accounts.name"]\n')
    page = them.client("customer_lead").get(them.url("records/")).content.decode()
    assert "take one of the two out" in page
    assert (
        them.client("provider_lead").post(them.url("records/private/disclose/"), {"item": "accounts.name"}).status_code
        == 302
    )
    page = them.client("customer_lead").get(them.url("records/")).content.decode()
    assert "take one of the two out" not in page
    assert folder.exists()


# H1: undo ----------------------------------------------------------------------------------------------------------


def test_a_duplicate_keeps_the_earlier_number_and_takes_nothing_back(them):
    first = brought(them, "provider_lead", "p.csv", answers([5]))
    again = brought(them, "provider_lead", "p.csv", answers([5]))
    assert again.stage == Stage.DUPLICATE
    assert again.outcome["number"] == first.outcome["number"]
    assert again.outcome["counts"] == first.outcome["counts"]
    brought(them, "customer_lead", "c.csv", answers([5, 4, 3])[:-1] + "\n")
    before = rows(them, "customer_lead", "surveys")
    with transaction.atomic():
        assert not queries.may_undo(them.at("provider_lead"), now(them, "provider_lead", again))
        with pytest.raises(Refused):
            operations.undo_delivery(them.at("provider_lead"), now(them, "provider_lead", again))
    assert rows(them, "customer_lead", "surveys") == before


def test_an_import_that_is_begun_again_keeps_its_number_and_true_counts(them):
    made = run(them, "provider_lead", received(them, "provider_lead", "p.csv", answers([5, 4])), dry_run=True)
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
    done = run(them, "provider_lead", made, dry_run=False)
    with superuser() as everybody:  # its worker was killed before it could say so
        everybody.execute("ALTER TABLE books_delivery DISABLE TRIGGER comity_guard_delivery")
        everybody.execute("UPDATE books_delivery SET stage = 'bringing', outcome = '{}' WHERE id = %s", [made.pk])
        everybody.execute("ALTER TABLE books_delivery ENABLE TRIGGER comity_guard_delivery")
    with transaction.atomic():
        place = queries.upload_path(now(them, "provider_lead", made))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(answers([5, 4]), encoding="utf-8")
    again = run(them, "provider_lead", made, dry_run=False)
    assert (again.stage, again.private) == (Stage.BROUGHT, False)
    assert again.outcome["number"] == done.outcome["number"]
    assert again.outcome["counts"] == done.outcome["counts"]
    with transaction.atomic():
        assert not queries.may_undo(them.at("provider_lead"), now(them, "provider_lead", again))


# H3, M2: what a file shows -------------------------------------------------------------------------------------------


def test_rejected_cells_are_read_by_the_own_side_alone(them):
    text = (
        "month,account_id,service,quantity,unit_price\n" + "2026-06,a,s,1,2\n" * 60 + "2026-06,a,s,SECRET +34 600,2\n"
    )
    made = brought(them, "customer_lead", "invoices.csv", text)
    assert made.stage == Stage.BROUGHT
    for who in ("provider_lead", "provider_roster", "provider_analyst", "auditor"):
        for path in (f"records/{made.pk}/rejects.csv", f"records/{made.pk}/"):
            answer = them.client(who).get(them.url(path))
            assert answer.status_code == 404 or b"SECRET" not in answer.content
        assert them.client(who).get(them.url(f"records/{made.pk}/rejects.csv")).status_code == 404
    assert b"SECRET" in them.client("customer_analyst").get(them.url(f"records/{made.pk}/rejects.csv")).content
    shared = [file for file in book_folder(them.relationship).rglob("*.parquet") if "private" not in file.parts]
    assert shared
    assert not any(b"SECRET" in file.read_bytes() for file in shared)


def test_an_upload_is_its_bringers_and_leads_until_it_is_known_what_it_is(them):
    text = "Cost centre;Amt\nSECRET-SALARY-CEO;123456.78\n"
    made = run(them, "provider_lead", received(them, "provider_lead", "unknown.csv", text), dry_run=True)
    assert made.stage == Stage.LOOKED
    assert "SECRET" in made.text
    for who, status in (("provider_roster", 404), ("provider_analyst", 404), ("provider_lead", 200)):
        assert them.client(who).get(them.url(f"records/{made.pk}/")).status_code == status
        said = {"do": "look", "mapping": "accounts"}
        if status == 404:
            assert them.client(who).post(them.url(f"records/{made.pk}/move/"), said).status_code == 404
    assert "unknown.csv" not in them.client("provider_roster").get(them.url("records/")).content.decode()


# The holder of a table, and books of an earlier version -----------------------------------------------------------


def test_new_rows_of_a_table_that_the_other_side_holds_wait_for_it(them):
    them = cast()
    them.book('\n[[source]]\ntable = "contacts"\nby = "provider"\n')
    made = brought(them, "customer_lead", "c.csv", "contact_id,opened_at\na,2026-06-01T10:00:00Z\n")
    assert made.outcome["counts"]["proposed"] == 1
    assert rows(them, "auditor", "contacts") == []
    (matter,) = corrections(them, "provider_lead")
    assert matter.answers == "provider"
    assert brought(them, "provider_lead", "p.csv", "contact_id,opened_at\nb,2026-06-01T10:00:00Z\n").outcome["counts"][
        "new"
    ]


def test_rows_of_nobody_known_count_as_the_other_sides_for_both(them):
    them = cast()
    them.book("", contacts="contact_id,opened_at,queue\na,2026-06-01T10:00:00Z,help\n")
    for who in ("customer_lead", "provider_lead"):
        text = f"contact_id,opened_at,queue\na,2026-06-01T10:00:00Z,{who}\n"
        assert brought(them, who, "c.csv", text).outcome["counts"]["proposed"] == 1
    assert [row["queue"] for row in rows(them, "auditor", "contacts")] == ["help"]
    assert [(one.asks, one.answers) for one in corrections(them)] == [
        ("customer", "provider"),
        ("provider", "customer"),
    ]


def test_what_a_delivery_was_does_not_change_in_the_database(them):
    made = brought(them, "provider_lead", "p.csv", answers([5]))
    for values in ({"private": True}, {"side": "customer"}, {"stage": "looked"}, {"name": "other.csv"}):
        with pytest.raises(Exception, match=r"comity|violates"), transaction.atomic():
            them.at("provider_lead")
            Delivery.objects.filter(pk=made.pk).update(**values)
    assert Side(now(them, "provider_lead", made).side) is Side.PROVIDER


# L3: looking at many periods that nobody has looked at -------------------------------------------------------------


def test_first_looks_at_periods_are_limited_for_each_person_and_others_are_not_kept_waiting(monkeypatch):
    monkeypatch.setitem(RATE_LIMITS, "first looks", RateLimit(3, 3600))
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    browser = them.client("customer_member")
    answers_ = [browser.get(them.url(f"review/?period=2026-0{month}")).status_code for month in (1, 2, 3, 4, 5)]
    assert 429 in answers_
    assert browser.get(them.url("review/?period=2026-04")).status_code == 429
    assert them.client("provider_member").get(them.url("review/?period=2026-06")).status_code == 200
    assert browser.get(them.url("review/?period=2026-06")).status_code == 200  # somebody has looked at it


def test_an_old_correction_accepts_nothing_of_a_later_import_that_got_its_number(them):
    """Found by the two sides at random: numbers of imports that were taken back are given anew."""
    brought(them, "customer_lead", "ours.csv", answers([1, 2]))
    first = brought(them, "provider_lead", "one.csv", answers([5, 5]))
    with transaction.atomic():
        operations.undo_delivery(them.at("provider_lead"), now(them, "provider_lead", first))
    run_jobs()
    (old,) = corrections(them)
    assert old.state == State.WITHDRAWN
    second = brought(them, "provider_lead", "two.csv", answers([1, 4]))
    assert second.outcome["number"] == first.outcome["number"]
    assert second.outcome["counts"]["proposed"] == 1
    _, new = corrections(them)
    with transaction.atomic():
        place = them.at("customer_lead")
        assert [one.after for one in changes(place, old)] == [{"score": 5.0}] * 2  # as it was proposed, and withdrawn
        assert [one.after for one in changes(place, new)] == [{"score": 4.0}]
    assert move(them, "customer_lead", old, "agree").status_code == 422
    run_jobs()
    assert [row["score"] for row in rows(them, "customer_lead", "surveys")] == [1.0, 2.0]


def test_no_rule_takes_the_claims_that_the_room_writes_into_the_book(them):
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    more = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11), "asked_for": "exclude", "event": "outage"}
    claim = raised(them, "customer_lead", Kind.CLAIM, kpi="service_level", **more)
    assert hold_back(them, "provider_lead", "events[state=accepted]").status_code == 302
    assert move(them, "provider_lead", claim, "agree").status_code == 302
    for who in ("customer_lead", "auditor"):
        assert [row["event_id"] for row in rows(them, who, "events")] == [f"room-{claim.pk}"]


def test_a_book_of_an_earlier_version_learns_who_brought_each_row(them):
    made = brought(them, "customer_lead", "ours.csv", answers([1, 2]))
    brought(them, "provider_lead", "staff answers.csv", answers([5, 5, 5, 5], "employee")[:-1] + "\n")
    folder = book_folder(them.relationship)
    for file in (folder / "surveys.parquet", folder / "private" / "provider" / "surveys.parquet"):
        if file.is_file():  # as it lay before rows said so
            table = pq.read_table(file)
            pq.write_table(table.drop_columns(["brought_by"]), file)
    with transaction.atomic():
        operations.backfill_book_sides(them.at("provider_lead"))
    assert {row["brought_by"] for row in rows(them, "customer_lead", "surveys")} == {"customer"}
    assert made.outcome["number"] == 1


def test_an_accepted_correction_is_made_once_and_told_though_its_worker_died(them):
    brought(them, "customer_lead", "ours.csv", answers([1, 2]))
    brought(them, "provider_lead", "theirs.csv", answers([5, 5]))
    (matter,) = corrections(them)
    assert move(them, "customer_lead", matter, "agree").status_code == 302
    with transaction.atomic():
        place = them.at("customer_lead")
        (delivery,) = Delivery.objects.filter(relationship=place.relationship).exclude(corrects={})
    done = work(them, "customer_lead", delivery)
    with superuser() as everybody:  # the book was changed, and the worker killed before it could say so
        everybody.execute("ALTER TABLE books_delivery DISABLE TRIGGER comity_guard_delivery")
        everybody.execute("UPDATE books_delivery SET stage = 'bringing' WHERE id = %s", [delivery.pk])
        everybody.execute("ALTER TABLE books_delivery ENABLE TRIGGER comity_guard_delivery")
        (worker,) = everybody.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '70 s') RETURNING id"
        ).fetchone()
        mine = "task_name = 'books.correct' AND args->>'delivery' = %s"
        change = f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE {mine}"
        everybody.execute(change, [worker, str(delivery.pk)])
        recover(0)
        found = everybody.execute(f"SELECT status FROM procrastinate_jobs WHERE {mine}", [str(delivery.pk)])
        assert found.fetchone() == ("todo",)
    again = work(them, "customer_lead", delivery)
    assert (again.stage, again.outcome["counts"]) == (Stage.BROUGHT, done.outcome["counts"])
    assert [row["score"] for row in rows(them, "customer_lead", "surveys")] == [5.0, 5.0]


def test_an_accepted_correction_is_made_though_who_accepted_it_has_left(them):
    brought(them, "customer_lead", "ours.csv", answers([1, 2]))
    brought(them, "provider_lead", "theirs.csv", answers([5, 5]))
    (matter,) = corrections(them)
    assert move(them, "customer_analyst", matter, "agree").status_code == 302
    with transaction.atomic():
        place = them.at("customer_lead")
        (delivery,) = Delivery.objects.filter(relationship=place.relationship).exclude(corrects={})
        gone = place.relationship.memberships.get(person=them.people["customer_analyst"])
        parties.end_membership(place, gone)
    tasks.make_correction(str(them.people["customer_analyst"].pk), str(them.relationship), str(delivery.pk))
    assert [row["score"] for row in rows(them, "customer_lead", "surveys")] == [5.0, 5.0]
    assert ("theirs.csv", Stage.BROUGHT) in delivered(them, "provider_lead")
