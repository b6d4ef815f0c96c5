"""What a side brings in: it neither reads, meets nor changes what the other side keeps to itself."""

import shutil
from datetime import date

import pytest
from django.db import transaction

from comity.apps.books import operations, queries
from comity.apps.books.models import Stage
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.matters import operations as matters
from comity.apps.outbox.tasks import recover
from comity.book.reading.origins import origins
from comity.book.storage.commit import BusyBookError, book_lock
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.level_in_room import level
from tests.builders.levels import KPI, contacts
from tests.builders.matters import asked, raised
from tests.builders.uploads import brought, received, run
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
PRIVATE = """
[private]
provider = ["costs", "intervals.handle_s", "events[kind=storm]"]
customer = ["prices", "contacts.reason"]
"""
PRICES = "month,index\n2026-06,{}\n"
CONTACTS = "contact_id,opened_at,queue,channel,answered_at,reason\na,2026-06-01T10:00:00Z,help,{},,{}\n"
EVENTS = "event_id,kind,from,to,declared_by,declared_at,evidence\n"
EVENT = "{},{},2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,{}\n"
BARE = "event_id,kind,from,to,declared_by,declared_at\nhidden-1,outage,{0},{0},customer,{0}\n".format(
    "2026-06-01T00:00:00Z"
)


@pytest.fixture(scope="module")
def everybody():
    return cast()


@pytest.fixture
def them(everybody):
    """With a new book."""
    shutil.rmtree(book_folder(everybody.relationship), ignore_errors=True)
    everybody.book(PRIVATE)
    return everybody


def test_a_table_that_the_other_side_keeps_is_met_as_one_that_is_not_there(them):
    """Neither a refusal nor a word tells that the customer keeps it; its own rows stay its own."""
    assert brought(them, "customer_lead", "prices.csv", PRICES.format("8128.77")).stage == Stage.BROUGHT
    made = brought(them, "provider_lead", "guess.csv", PRICES.format("1.5"))
    assert made.stage == Stage.BROUGHT
    assert made.outcome["counts"]["new"] == 1
    assert "8128.77" not in str(made.outcome) + made.why
    assert "keep" not in made.why + str(made.outcome["notes"])
    for who, value in (("customer_lead", 8128.77), ("provider_lead", 1.5), ("auditor", 1.5)):
        with transaction.atomic(), queries.open_member_book(them.at(who)) as book:
            assert book.table("prices").to_pyarrow().to_pydict()["index"] == [value]


def test_a_column_that_the_other_side_keeps_is_not_written_and_not_compared(them):
    brought(them, "customer_lead", "a.csv", CONTACTS.format("voice", "Quixote"))
    told = []
    for number, guess in enumerate(("Quixote", "Sancho")):
        made = brought(them, "provider_lead", f"b{number}.csv", CONTACTS.format("voice", guess) + "\n" * number)
        assert made.stage == Stage.BROUGHT
        told.append((made.outcome["counts"], made.outcome["notes"]))
    assert told[0] == told[1]
    assert told[0][0]["proposed"] == 1  # to the provider the column is empty, whatever the customer keeps in it
    with transaction.atomic(), queries.open_member_book(them.at("customer_lead")) as book:
        assert book.table("contacts").to_pyarrow().to_pydict()["reason"] == ["Quixote"]


@pytest.mark.parametrize("laid", ["shared", "apart"])
def test_rows_that_the_other_side_keeps_are_neither_met_nor_changed(them, laid):
    """A guess at their keys is answered as for rows that are not there, and takes nothing along."""
    storm = EVENT.format("hidden-1", "storm", "Zebulon")
    if laid == "shared":
        them.book(PRIVATE, events=EVENTS + storm)
    else:
        assert brought(them, "provider_lead", "s.csv", EVENTS + storm).stage == Stage.BROUGHT
    met = brought(them, "customer_lead", "m.csv", BARE)
    fresh = brought(them, "customer_lead", "n.csv", BARE.replace("hidden-1", "nothing-1"))
    assert met.outcome["counts"] == fresh.outcome["counts"]
    for who in ("customer_lead", "auditor"):
        with transaction.atomic(), queries.open_member_book(them.at(who)) as book:
            found = book.table("events").to_pyarrow().to_pylist()
        assert {(one["event_id"], one["kind"]) for one in found} == {("hidden-1", "outage"), ("nothing-1", "outage")}
        assert "Zebulon" not in str(found)


def test_the_other_side_is_told_the_counts_of_what_it_sees(them):
    text = EVENTS + EVENT.format("s1", "storm", "x") + EVENT.format("o1", "outage", "x")
    made = brought(them, "provider_lead", "e.csv", text)
    assert made.outcome["counts"]["new"] == 2
    for who in ("customer_lead", "auditor", "provider_member"):
        page = them.client(who).get(them.url(f"records/{made.pk}/")).content.decode()
        assert f'<span class="label">{words_for("en")("count_of.new")}</span>1</td>' in page
        assert "</span>2</td>" not in page
    alone = brought(them, "provider_lead", "Zebulon.csv", EVENTS + EVENT.format("s2", "storm", "x"))
    assert alone.stage == Stage.BROUGHT
    assert "Zebulon.csv" in them.client("provider_lead").get(them.url("records/")).content.decode()
    assert "Zebulon.csv" not in them.client("customer_lead").get(them.url("records/")).content.decode()


@pytest.mark.parametrize("who", ["provider_analyst", "provider_roster"])
def test_who_may_not_read_a_table_of_the_own_side_does_not_read_it_in_the_file_either(them, who):
    """Those of the same side who bring records, and have no right to its money."""
    costs = "month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed\n"
    looked = run(them, "provider_lead", received(them, "provider_lead", "costs-4711.csv", costs), dry_run=True)
    assert looked.stage == Stage.LOOKED
    for made in (looked, brought(them, "provider_lead", "costs-4711.csv", costs + "\n")):
        for path in (f"records/{made.pk}/", f"records/{made.pk}/rejects.csv"):
            assert them.client("provider_lead").get(them.url(path)).status_code == 200
            assert them.client(who).get(them.url(path)).status_code == 404
        assert "costs-4711" in them.client("provider_lead").get(them.url("records/")).content.decode()
        assert "costs-4711" not in them.client(who).get(them.url("records/")).content.decode()


def test_the_digest_of_a_file_is_not_told_where_the_other_side_keeps_a_part_of_it(them):
    """Whoever knows the rest of a file could try every value until the digest is right."""
    for number in (1, 2):
        made = brought(them, "customer_lead", f"{number}.csv", CONTACTS.format("voice", f"Quixote {number}"))
        assert made.stage == Stage.BROUGHT
    for who, told in (("customer_lead", True), ("provider_lead", False), ("auditor", False)):
        with transaction.atomic(), queries.open_member_book(them.at(who)) as book:
            (origin,) = origins(book)
        assert [bool(one.digest) for one in origin.deliveries] == [told, told]


def test_a_claim_that_is_answered_while_a_file_comes_in_reaches_the_figures_a_little_later(monkeypatch):
    """Else either side could keep an accepted claim out of the figures by bringing a large file at that time."""
    them = cast()
    folder = them.book(KPI, contacts="\n".join(contacts()))
    more = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11), "asked_for": "exclude", "event": "outage"}
    claim = raised(them, "provider_lead", Kind.CLAIM, kpi="service_level", **more)
    monkeypatch.setattr(operations, "_LOCK_TIMEOUT_S", 0.01)
    with transaction.atomic():
        matters.move(them.at("customer_lead"), claim, Move.AGREE, "Yes.", "Europe/Madrid")
        matters.raise_matter(them.at("provider_lead"), asked(Kind.CLAIM, **more), "Europe/Madrid")
    with book_lock(folder), pytest.raises(BusyBookError):
        run_jobs()
    with superuser() as everybody:
        waiting = everybody.execute(
            "SELECT args, lock FROM procrastinate_jobs WHERE task_name = 'books.write' "
            "AND args->>'relationship' = %s ORDER BY id",
            [str(them.relationship)],
        ).fetchall()
    assert [args["rows"][0]["state"] for args, _ in waiting] == ["accepted", "claimed"]
    assert next(lock for _, lock in waiting) == f"books.write matter {claim.pk}"  # those of one matter in their order
    with superuser() as everybody:  # a worker begins with the first, and is killed
        for silent, then in ((5, "doing"), (70, "todo")):
            (worker,) = everybody.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s') RETURNING id",
                [silent],
            ).fetchone()
            mine = "task_name = 'books.write' AND args->'rows'->0->>'event_id' = %s"
            change = f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE {mine}"
            everybody.execute(change, [worker, f"room-{claim.pk}"])
            recover(0)
            found = everybody.execute(f"SELECT status FROM procrastinate_jobs WHERE {mine}", [f"room-{claim.pk}"])
            assert found.fetchone() == (then,)
    assert level(them) == (28, 56)
