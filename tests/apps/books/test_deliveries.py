"""Records in the room: recognised, looked at without a change, brought in, seen by whom they may be; mappings kept."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.books import contents, operations, queries
from comity.apps.books.models import Delivery, KeptMapping, Stage
from comity.apps.i18n import words_for
from comity.apps.parties.operations import end_membership
from comity.apps.refusal import Refused
from comity.book.importing.deliver import import_tables
from tests.builders.uploads import now, received, run
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate

KNOWN = """contact_id,opened_at,queue,channel,answered_at,handle_s
a,2026-06-01T10:00:00Z,help,voice,2026-06-01T10:00:05Z,90
"""
OTHERS = "Ticket;Came in;Line;Took\nT-{0};01.06.2026 10:00;help;90\nT-{0}b;01.06.2026 11:00;help;70\n"
MAPPING = """
table = "contacts"
[columns]
contact_id = { from = "Ticket" }
opened_at = { from = "Came in", as = "instant", format = "%d.%m.%Y %H:%M" }
queue = { from = "Line" }
channel = { value = "voice" }
handle_s = { from = "Took", as = "number" }
"""


@pytest.fixture
def them():
    made = cast()
    made.book('[private]\nprovider = ["costs"]\n')
    return made


def rows(them, who):
    run_jobs()
    with transaction.atomic():
        return {one["name"]: one["rows"] for one in contents.tables(them.at(who))}


def test_a_known_file_is_looked_at_and_then_brought_in(them):
    made = received(them, "provider_lead", "june.csv", KNOWN)
    assert (made.mapping, made.stage) == ("", Stage.LOOKING)  # what it is, the job finds out
    made = run(them, "provider_lead", made, dry_run=True)
    assert (made.mapping, made.stage) == ("contacts", Stage.LOOKED)
    assert made.outcome["counts"]["rows_in"] == 1
    assert made.outcome["first_rows"][0][0] == "contact_id"
    assert rows(them, "provider_lead") == {}
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), made)
    made = run(them, "provider_lead", made, dry_run=False)
    assert made.stage == Stage.BROUGHT
    assert rows(them, "customer_lead") == {"contacts": 1}
    again = received(them, "provider_lead", "june.csv", KNOWN)
    assert run(them, "provider_lead", again, dry_run=True).outcome["already"]


def test_a_file_whose_rows_were_changed_since_may_come_in_again(them):
    """What a later file of the same side changed is told, and the first file brings it back where somebody wants it."""
    first = "contact_id,opened_at,queue\na,2026-06-01T09:00:00Z,Care\n"
    for name, text in (("first.csv", first), ("second.csv", first.replace("Care", "Sales"))):
        made = received(them, "provider_lead", name, text)
        run(them, "provider_lead", made, dry_run=True)
        with transaction.atomic():
            operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
        assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    made = run(them, "provider_lead", received(them, "provider_lead", "first.csv", first), dry_run=True)
    assert (made.outcome["already"], made.outcome["again"]) == (False, True)
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
    made = run(them, "provider_lead", made, dry_run=False)
    assert (made.stage, made.outcome["counts"]["updated"]) == (Stage.BROUGHT, 1)
    made = run(them, "provider_lead", received(them, "provider_lead", "first.csv", first), dry_run=True)
    assert (made.outcome["already"], made.outcome["again"]) == (True, False)


def test_what_is_private_stays_with_its_side_when_it_has_come_in(them):
    made = received(
        them, "provider_lead", "costs.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,1,5,fixed\n"
    )
    run(them, "provider_lead", made, dry_run=True)
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
    assert run(them, "provider_lead", made, dry_run=False).private
    assert rows(them, "provider_lead") == {"costs": 1}
    assert rows(them, "customer_lead") == {}
    with transaction.atomic():
        them.at("customer_lead")
        assert not Delivery.objects.exists()


def test_an_unknown_file_gets_a_draft_and_ones_own_mapping_is_kept_for_the_next(them):
    made = run(them, "customer_lead", received(them, "customer_lead", "weekly 23.csv", OTHERS.format(1)), dry_run=True)
    assert (made.mapping, made.stage) == ("", Stage.LOOKED)
    assert "table =" in made.text
    with transaction.atomic(), pytest.raises(Refused, match="unusable_mapping"):
        operations.choose_mapping(them.at("customer_lead"), made, "", "table = 5")
    with transaction.atomic():
        operations.choose_mapping(them.at("customer_lead"), made, "", MAPPING)
    made = run(them, "customer_lead", made, dry_run=True)
    assert made.outcome["counts"]["rows_in"] == 2, made.why
    with transaction.atomic():
        operations.import_delivery(them.at("customer_lead"), made)
    assert run(them, "customer_lead", made, dry_run=False).stage == Stage.BROUGHT
    later = received(them, "customer_analyst", "weekly 24.csv", OTHERS.format(2))
    later = run(them, "customer_analyst", later, dry_run=True)
    assert (later.mapping, later.text) == ("", MAPPING)
    assert later.outcome["counts"]["rows_in"] == 2
    with transaction.atomic():
        them.at("provider_lead")
        assert not KeptMapping.objects.exists()  # the other side's own files are its own affair


@pytest.mark.parametrize("who", ["provider_member", "provider_finance", "auditor", "surveyor"])
def test_who_may_not_bring_does_not(them, who):
    with pytest.raises(Refused):
        received(them, who, "june.csv", KNOWN)


def test_what_broke_off_is_looked_at_again_or_thrown_away_by_a_colleague(them):
    """Whoever asked may have left, or the machine stopped: it is not under way for ever."""
    made = received(them, "provider_analyst", "june.csv", KNOWN)
    address = them.url(f"records/{made.pk}/")
    browser = them.client("provider_lead")
    page = browser.get(address).content.decode()
    assert words_for("en")("stage.looking") in page
    assert 'http-equiv="refresh"' in page
    assert browser.post(f"{address}move/", {"do": "drop"}).status_code == 302
    assert now(them, "provider_lead", made).stage == Stage.LOOKING  # it is under way
    with transaction.atomic():
        member = them.at("provider_analyst")
        end_membership(member, member.membership)
    with pytest.raises(PermissionError):
        operations.run_delivery(them.people["provider_analyst"].pk, them.relationship, made.pk, dry_run=True)
    with superuser() as everybody:  # as the worker leaves it
        asked = json.dumps({"delivery": str(made.pk)})
        change = "UPDATE procrastinate_jobs SET status = %s WHERE args @> %s::jsonb"
        everybody.execute(change, ["doing", asked])
        for silent, there in ((5, "stage.looking"), (70, "stage.cut_off")):  # a worker that speaks, or has gone
            (worker,) = everybody.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s') RETURNING id",
                [silent],
            ).fetchone()
            everybody.execute("UPDATE procrastinate_jobs SET worker_id = %s WHERE args @> %s::jsonb", [worker, asked])
            assert words_for("en")(there) in browser.get(address).content.decode()
        everybody.execute(change, ["failed", asked])
    page = browser.get(address).content.decode()
    assert words_for("en")("stage.cut_off") in page
    assert 'http-equiv="refresh"' not in page
    assert words_for("en")("stage.cut_off_looking") not in them.client("provider_member").get(address).content.decode()
    browser.post(f"{address}move/", {"do": "look", "mapping": "contacts", "text": ""})
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.stage == Stage.LOOKED
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), made)
    job = ProcrastinateJob.objects.get(task_name="books.bring", args__delivery=str(made.pk))
    assert job.args["person"] == str(them.people["provider_lead"].pk)  # who is here, and not who brought the file
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    assert rows(them, "customer_lead") == {"contacts": 1}


def test_rows_set_aside_are_looked_at_and_taken_by_their_reason(them, monkeypatch):
    monkeypatch.setattr(queries, "_SHOWN_REJECTS", 5)
    monkeypatch.setattr(operations, "_KEPT_REJECTS", 5)
    head, good = KNOWN.splitlines()
    wrong = [good.replace("a,", f"g{n},") for n in range(990)]
    wrong += [good.replace("a,", f"n{n},").replace("90", "-5") for n in range(7)]
    wrong += [good.replace("a,", f"d{n},").replace("2026-06-01T10:00:00Z", "soon") for n in range(3)]
    made = received(them, "provider_lead", "june.csv", "\n".join([head, good, *wrong]) + "\n")
    browser, address = them.client("provider_analyst"), them.url(f"records/{made.pk}/")
    for dry_run in (True, False):
        made = run(them, "provider_lead", made, dry_run=dry_run)
        reasons = {one["column"]: n for n, one in enumerate(made.outcome["by_reason"], 1)}
        pages = {column: browser.get(address, {"of": n}).content.decode() for column, n in reasons.items()}
        shown = {column: page.partition("<details open>")[2] for column, page in pages.items()}
        assert shown["handle_s"].count("handle_s = -5") == 5
        assert "soon" not in shown["handle_s"]
        # Of a file that was looked at the first few are told; once it has come in, all are there to be found.
        assert shown["opened_at"].count("opened_at = soon") == (0 if dry_run else 3)
        if dry_run:
            with transaction.atomic():
                operations.import_delivery(them.at("provider_lead"), made)
    taken = browser.get(f"{address}rejects.csv", {"of": reasons["opened_at"]}).content.decode()
    assert [row["value"] for row in csv.DictReader(io.StringIO(taken))] == ["soon"] * 3
    whole = browser.get(f"{address}rejects.csv", {"of": "9" * 30}).content.decode()
    assert len(list(csv.DictReader(io.StringIO(whole)))) == 10
    other = them.client("customer_lead")
    assert other.get(address, {"of": 1}).content.decode().count("soon") == 0
    assert other.get(f"{address}rejects.csv", {"of": 1}).content.decode().count("soon") == 0


def test_what_had_come_in_when_it_broke_off_is_told_and_not_thrown_away(them, monkeypatch):
    made = received(them, "provider_analyst", "june.csv", KNOWN)
    made = run(them, "provider_analyst", made, dry_run=True)
    with transaction.atomic():
        operations.import_delivery(them.at("provider_analyst"), made)

    def importing(*given, **named):
        found = import_tables(*given, **named)
        with transaction.atomic():
            member = them.at("provider_analyst")
            end_membership(member, member.membership)
        return found

    monkeypatch.setattr(operations, "import_tables", importing)
    with pytest.raises(PermissionError):
        operations.run_delivery(them.people["provider_analyst"].pk, them.relationship, made.pk, dry_run=False)
    monkeypatch.undo()
    with superuser() as everybody:
        asked = json.dumps({"delivery": str(made.pk)})
        everybody.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE args @> %s::jsonb", [asked])
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/")
    assert words_for("en")("stage.cut_off_bringing") in browser.get(address).content.decode()
    for do in ("drop", "look"):
        browser.post(f"{address}move/", {"do": do, "mapping": "contacts", "text": ""})
        assert now(them, "provider_lead", made).stage == Stage.BRINGING
    browser.post(f"{address}move/", {"do": "bring"})
    assert run(them, "provider_lead", made, dry_run=True).stage == Stage.BRINGING  # of a job that is too late
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    assert rows(them, "customer_lead") == {"contacts": 1}
    assert "imported" in them.client("customer_lead").get(them.url("log/")).content.decode()


@pytest.mark.parametrize("name", ["README.md", "pyproject.TOML", "LICENSE", "book.toml", "../book", ""])
def test_a_mapping_is_one_of_ours_and_no_file(them, name):
    made = run(them, "customer_lead", received(them, "customer_lead", "weekly 23.csv", OTHERS.format(1)), dry_run=True)
    with transaction.atomic(), pytest.raises(Refused, match="unusable_mapping: say what the file is"):
        operations.choose_mapping(them.at("customer_lead"), made, name, "")


def test_a_book_is_begun_whatever_the_parties_are_called():
    made = cast('Alpha "Desk"', "Beta \\ Desk")
    browser = made.client("customer_lead")
    said = {"timezone": "Europe/Berlin", "currency": "EUR"}
    assert browser.post(made.url("records/begin/"), said | {"timezone": "a\x7f"}).status_code == 422
    assert not (queries.book_folder(made.relationship) / "book.toml").exists()
    assert browser.post(made.url("records/begin/"), said).status_code == 302
    assert (queries.book_folder(made.relationship) / "book.toml").exists()


def test_a_file_that_has_come_in_is_not_thrown_away_and_one_that_runs_is_not_begun_twice(them):
    made = received(them, "provider_lead", "june.csv", KNOWN)
    with pytest.raises(Refused), transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), made)  # nobody has looked at it yet
    made = run(them, "provider_lead", made, dry_run=True)
    with transaction.atomic():
        operations.drop_delivery(them.at("provider_lead"), made)
    assert now(them, "provider_lead", made).stage == Stage.DROPPED
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.DROPPED
    assert rows(them, "provider_lead") == {}


def test_a_book_is_begun_with_names_of_any_kind():
    them = cast(customer='Ünï "quoted" \\ Energy', provider="Help [line] #1")
    with transaction.atomic():
        operations.begin_book_now(them.at("customer_lead"), "Europe/Madrid", "EUR")
        agreed = queries.definition(them.at("customer_lead"))
    assert [party.name for party in agreed.parties.values()] == ['Ünï "quoted" \\ Energy', "Help [line] #1"]
    browser = them.client("provider_lead")
    assert browser.get(them.url("review/")).status_code == 200  # and says that it needs records
    assert browser.get(them.url()).status_code == 200


def brought(them, who, name, text):
    made = received(them, who, name, text)
    run(them, who, made, dry_run=True)
    with transaction.atomic():
        operations.import_delivery(them.at(who), now(them, who, made))
    return run(them, who, made, dry_run=False)


PROMISED = (
    MAPPING
    + """
[also.deadlines.columns]
contact_id = "Ticket"
name = { value = "resolution" }
kind = { value = "resolution" }
due_at = { from = "Due", format = "%d.%m.%Y %H:%M", needed = true }
"""
)


def test_a_file_of_two_tables_is_two_imports_each_undone_by_itself(them):
    made = received(them, "provider_lead", "june.csv", "Ticket;Came in;Due\nT-1;01.06.2026 10:00;01.06.2026 18:00\n")
    made = run(them, "provider_lead", made, dry_run=True)
    with transaction.atomic():
        operations.choose_mapping(them.at("provider_lead"), made, "", PROMISED)
    made = run(them, "provider_lead", made, dry_run=True)
    assert (made.stage, rows(them, "provider_lead")) == (Stage.LOOKED, {})
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
    made = run(them, "provider_lead", made, dry_run=False)
    assert rows(them, "provider_lead") == {"contacts": 1, "deadlines": 1}
    with transaction.atomic():
        them.at("provider_lead")
        further = Delivery.objects.exclude(pk=made.pk).get()
    assert (further.name, further.stage, further.outcome["table"]) == ("june.csv", Stage.BROUGHT, "deadlines")
    undone(them, "provider_lead", further)
    assert rows(them, "provider_lead") == {"contacts": 1}


def undone(them, who, delivery):
    with transaction.atomic():
        operations.undo_delivery(them.at(who), now(them, who, delivery))


def contact(number, day=1):
    return f"contact_id,opened_at,queue,channel\n{number},2026-06-{day:02}T10:00:00Z,help,voice\n"


def test_what_came_last_is_taken_back_by_its_own_side_until_something_comes_after_it(them):
    first = brought(them, "provider_lead", "a.csv", contact("a"))
    second = brought(them, "provider_analyst", "b.csv", contact("b"))
    assert rows(them, "customer_lead") == {"contacts": 2}
    with pytest.raises(Refused, match="not_last"):
        undone(them, "provider_lead", first)
    with pytest.raises(Refused, match="not_now"):
        undone(them, "customer_lead", second)
    page = them.client("provider_lead")
    assert words_for("en")("delivery.undo") in page.get(them.url(f"records/{second.pk}/")).content.decode()
    assert words_for("en")("delivery.undo") not in page.get(them.url(f"records/{first.pk}/")).content.decode()
    assert (
        words_for("en")("delivery.undo")
        not in them.client("customer_lead").get(them.url(f"records/{second.pk}/")).content.decode()
    )
    page.post(them.url(f"records/{second.pk}/move/"), {"do": "undo"})
    assert now(them, "provider_lead", second).stage == Stage.UNDONE
    assert rows(them, "customer_lead") == {"contacts": 1}
    undone(them, "provider_lead", first)
    assert rows(them, "customer_lead").get("contacts", 0) == 0
    assert "undid the import of" in them.client("customer_lead").get(them.url("log/")).content.decode()


def test_once_a_period_is_frozen_what_had_come_in_stays_but_for_what_is_private(them):
    shared = brought(them, "provider_lead", "a.csv", contact("a"))
    own = brought(them, "provider_lead", "c.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,1,5,fixed\n")
    with transaction.atomic():
        operations.prevent_undo(them.at("customer_lead"), "2026-05")
    with pytest.raises(Refused, match="held"):
        undone(them, "provider_lead", shared)
    undone(them, "provider_lead", own)
    later = brought(them, "provider_lead", "b.csv", contact("b"))
    undone(them, "provider_lead", later)


def test_the_book_remembers_a_file_by_its_own_name(them):
    brought(them, "provider_lead", "../../june <b>.csv", contact("a"))
    with transaction.atomic():
        (table,) = contents.tables(them.at("customer_lead"))
    assert table["last"].file == "june _b_.csv"


def test_days_without_a_row_are_told_among_days_that_usually_have_one():
    """Four weeks from Monday 1 June 2026 without Sundays; Wednesday to Friday of the third week are missing."""
    month = [date(2026, 6, day) for day in range(1, 29)]
    days = [day for day in month if day.weekday() != 6 and day.day not in {17, 18, 19}]
    assert contents.gaps(days, monthly=False) == [(date(2026, 6, 17), date(2026, 6, 19))]
    months = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 5, 1)]
    assert contents.gaps(months, monthly=True) == [(date(2026, 3, 1), date(2026, 4, 1))]


def test_both_sides_read_what_was_agreed_to_come_and_whether_it_came():
    made = cast()
    made.book('[[source]]\ntable = "contacts"\nby = "provider"\ndue = "monday 09:00"\n', contacts=contact("a"))
    for who in ("customer_lead", "provider_lead", "auditor"):
        page = made.client(who).get(made.url("records/")).content.decode()
        assert words_for("en")("late.title") in page
        assert "Mondays, 09:00" in page


def marked(them, who, item, days=30, reason="Our margin."):
    review = (timezone.now() + timedelta(days=days)).date().isoformat()
    return them.client(who).post(them.url("records/private/"), {"item": item, "reason": reason, "review_on": review})


def test_holding_back_takes_a_reason_and_a_day_and_both_sides_read_them(them):
    assert marked(them, "customer_lead", "contacts.reason").status_code == 302
    page = them.client("provider_lead").get(them.url("records/")).content.decode()
    words = words_for("en")
    assert words("mark.column_of", table="contacts", column=words("field.reason")) in page
    assert "Our margin." in page
    head = "contact_id,opened_at,queue,channel,reason"
    brought(them, "customer_lead", "a.csv", f"{head}\na,2026-06-01T10:00:00Z,q,voice,secret\n")
    with transaction.atomic():
        with queries.open_member_book(them.at("provider_lead")) as book:
            assert book.table("contacts").reason.to_pyarrow().to_pylist() == [None]
        with queries.open_member_book(them.at("customer_lead")) as book:
            assert book.table("contacts").reason.to_pyarrow().to_pylist() == ["secret"]
    # Said anew: the day moves, and the book is not changed twice.
    assert marked(them, "customer_lead", "contacts.reason", days=60, reason="Still.").status_code == 302
    assert (queries.book_folder(them.relationship) / "book.toml").read_text().count("contacts.reason") == 1


def test_rows_of_one_value_are_picked_by_column_and_value(them):
    said = {"item": "events.kind", "only": " storm ", "reason": "Ours.", "review_on": "2090-01-01"}
    assert them.client("customer_lead").post(them.url("records/private/"), said).status_code == 302
    run_jobs()
    assert '"events[kind=storm]"' in (queries.book_folder(them.relationship) / "book.toml").read_text()
    words = words_for("en")
    name = words("mark.rows_where", table="events", column=words("field.kind"), value="storm")
    assert name in them.client("provider_lead").get(them.url("records/")).content.decode()


@pytest.mark.parametrize(
    ("who", "item", "days", "status", "why"),
    [
        ("customer_lead", "contacts", 30, 422, "Both sides already have these records"),
        ("customer_lead", "costs", 30, 422, "or it is private to the other side"),
        ("customer_lead", "nonsense", 30, 422, "There is no such table"),
        ("customer_lead", "contacts.reason", -1, 422, "a day in the future"),
        ("customer_finance", "contacts.reason", 30, 404, ""),
        ("auditor", "contacts.reason", 30, 404, ""),
    ],
)
def test_what_cannot_be_held_back_is_said_and_changes_nothing(them, who, item, days, status, why):
    them.book('# ours\n[private]\nprovider = ["costs"]\n', contacts=contact("a"))
    before = (queries.book_folder(them.relationship) / "book.toml").read_text()
    found = marked(them, who, item, days)
    assert found.status_code == status
    assert why in found.content.decode()
    assert (queries.book_folder(them.relationship) / "book.toml").read_text() == before


def test_records_that_nobody_imported_are_called_so_and_not_on_time():
    """As the review says of the same: nothing tells when they came."""
    them = cast()
    soon = timezone.now().date() - timedelta(days=1)
    rows = "\n".join(f"{n},{soon - timedelta(n)}T10:00:00Z" for n in range(20))
    them.book('[[source]]\ntable = "contacts"\nby = "provider"\ndue = "monday 09:00"\n',
              contacts=f"contact_id,opened_at\n{rows}")  # fmt: skip
    page, words = them.client("customer_lead").get(them.url("records/")).content.decode(), words_for("en")
    section = page.partition('id="h-late"')[2].partition("</section>")[0]
    assert f">{words('late.last')}</span>not recorded" in section
    assert "delivered</td>" in section
    assert words("late.in_time") not in section
