"""One export for several relationships: each row where the rules say, a trial first, and nobody hears of another's."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from comity.apps.books import exports, queries
from comity.apps.books.models import Delivery, Export, Routes, Stage
from comity.apps.matters.models import Matter
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import find_member, set_viewer
from comity.apps.parties.models import Membership, Role
from comity.apps.refusal import Refused
from comity.core.values import Side
from tests.builders.uploads import brought
from tests.room import BACKEND, cast

pytestmark = pytest.mark.gate

EXPORT = """contact_id,opened_at,queue,channel
a1,2026-06-01T10:00:00Z,alpha,voice
b1,2026-06-01T10:00:00Z,beta,voice
b2,2026-06-01T11:00:00Z,beta,voice
x1,2026-06-01T11:00:00Z,gamma-secret,voice
"""
RULES = """
[[route]]
column = "queue"
is = "alpha"
book = "Northwind Energy with Alpha"
[[route]]
column = "queue"
is = "re:beta.*"
book = "Northwind Energy with Beta"
"""


def at_home_in(one, other, role=Role.ANALYST):
    """Two relationships with a book each, and somebody of the customer who is at home in both."""
    first, second = cast(provider=one), cast(provider=other)
    person = first.people[f"customer_{role}"]
    with transaction.atomic():
        _, word = parties.invite(second.at("customer_lead"), person.email, role, Side.CUSTOMER)
        parties.accept_invitation(person, word)
    for each in (first, second):
        each.book()
    return first, second, person


@pytest.fixture(scope="module")
def two():
    return at_home_in("Alpha", "Beta")


def kept(person, text):
    with transaction.atomic():
        set_viewer(person.pk)
        exports.keep_routes(person, text)


def now(person, made):
    with transaction.atomic():
        set_viewer(person.pk)
        return Export.objects.get(pk=made.pk)


def received(person, text=EXPORT):
    with transaction.atomic():
        set_viewer(person.pk)
        return exports.receive_export(person, SimpleUploadedFile("all.csv", text.encode()), "contacts")


def rows(them, who):
    with transaction.atomic(), queries.open_member_book(them.at(who)) as book:
        return sorted(book.table("contacts").contact_id.to_pyarrow().to_pylist()) if book.has("contacts") else []


def test_a_trial_run_first_and_then_each_row_where_it_belongs(two):
    first, second, person = two
    kept(person, RULES)
    made = received(person)
    exports.run_export(person.pk, made.pk, dry_run=True)
    tried = now(person, made)
    assert tried.stage == Stage.LOOKED
    counts = [(one["name"], one["counts"]["new"], one["counts"]["rows_in"]) for one in tried.outcome["books"]]
    assert counts == [("Northwind Energy with Alpha", 1, 1), ("Northwind Energy with Beta", 2, 2)]
    assert (tried.outcome["unrouted"], tried.outcome["rows"][0]["value"]) == (1, "gamma-secret")
    assert rows(first, "provider_lead") == rows(second, "provider_lead") == []
    with transaction.atomic():
        set_viewer(person.pk)
        exports.import_export(now(person, made))
    exports.run_export(person.pk, made.pk, dry_run=False)
    assert (rows(first, "provider_lead"), rows(second, "provider_lead")) == (["a1"], ["b1", "b2"])
    for one, other in ((first, "beta"), (second, "alpha")):
        with transaction.atomic():
            one.at("provider_lead")
            (delivery,) = Delivery.objects.all()
        assert (delivery.name, delivery.side) == ("all.csv", Side.CUSTOMER)
        pages = one.client("provider_lead")
        for path in ("records/", f"records/{delivery.pk}/", "log/"):
            text = pages.get(one.url(path)).content.decode().lower()
            assert "gamma" not in text
            assert other not in text.replace("northwind energy with beta", "").replace("alpha</", "")


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("", "has no \\[\\[route\\]\\]"),
        (RULES.replace("with Beta", "with Nobody"), "route 2: book = 'Northwind Energy with Nobody' is none of yours"),
        (RULES.replace("Northwind Energy with Beta", "../../etc"), "is none of yours"),
        (RULES.replace("Northwind Energy with Beta", "/etc"), "is none of yours"),
        (RULES.replace("re:beta.*", "re:("), "no pattern that can be used"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_used_are_said_and_not_kept(two, rules, why):
    _, _, person = two
    kept(person, RULES)
    with pytest.raises(Refused, match=why), transaction.atomic():
        set_viewer(person.pk)
        exports.keep_routes(person, rules)
    with transaction.atomic():
        set_viewer(person.pk)
        assert Routes.objects.get().text == RULES


def test_only_where_somebody_may_bring_records(two):
    first, _, _ = two
    for who, books in (("customer_analyst", 2), ("customer_lead", 1), ("customer_finance", 0), ("auditor", 0)):
        with transaction.atomic():
            set_viewer(first.people[who].pk)
            assert len(exports.writable_books(first.people[who])) == books, who


def test_who_has_left_a_relationship_brings_nothing_more_into_it():
    first, second, person = at_home_in("Alpha", "Beta")
    kept(person, RULES)
    made = received(person)
    exports.run_export(person.pk, made.pk, dry_run=True)
    with transaction.atomic():
        member = find_member(person.pk, second.relationship)
        parties.end_membership(member, member.membership)
    with transaction.atomic():
        set_viewer(person.pk)
        exports.import_export(now(person, made))
    exports.run_export(person.pk, made.pk, dry_run=False)
    assert now(person, made).stage == Stage.REFUSED
    assert rows(first, "provider_lead") == rows(second, "provider_lead") == []


def test_the_page_keeps_rules_tries_and_throws_away_and_is_ones_own(two):
    first, _, person = two
    browser = Client()
    browser.force_login(person, backend=BACKEND)
    assert browser.post("/routes/", {"text": "[[route"}).status_code == 422
    assert browser.post("/routes/", {"text": RULES}).status_code == 302
    upload = SimpleUploadedFile("once.csv", EXPORT.encode())
    assert browser.post("/routes/export/", {"mapping": "contacts", "file": upload}).status_code == 302
    with transaction.atomic():
        set_viewer(person.pk)
        made = Export.objects.first()
    assert "once.csv" in browser.get("/routes/").content.decode()
    other = first.client("customer_lead")
    assert "once.csv" not in other.get("/routes/").content.decode()
    assert other.post(f"/routes/{made.pk}/", {"do": "drop"}).status_code == 404
    exports.run_export(person.pk, made.pk, dry_run=True)
    assert "gamma-secret" in browser.get("/routes/").content.decode()
    browser.post(f"/routes/{made.pk}/", {"do": "drop"})
    assert "once.csv" not in browser.get("/routes/").content.decode()
    with pytest.raises(Refused, match="not_now"), transaction.atomic():
        set_viewer(person.pk)
        exports.import_export(now(person, made))


def test_an_export_neither_writes_nor_meets_what_the_other_side_keeps(two):
    """A table, a column and rows of the other's are met as what is not there; what the own side brings is its own."""
    first, second, person = two
    head = "event_id,kind,from,to,declared_by,declared_at,evidence\n"
    storm = "{0},{1},2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,{2}\n"
    for one in (first, second):
        one.book(
            '[private]\nprovider = ["costs", "contacts.agent_id", "events[kind=storm]"]\n',
            events=head + storm.format("hidden-1", "storm", "Zebulon"),
            private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        )
    contacts = "contact_id,opened_at,queue,channel,agent_id\n{},2026-06-01T10:00:00Z,alpha,voice,{}\n"
    assert brought(first, "provider_lead", "theirs.csv", contacts.format("z2", "Zebulon")).stage == Stage.BROUGHT
    tables = {
        "costs": "month,driver,quantity,unit_cost,behaviour,queue\n2026-06,Zebulon,1,1,fixed,alpha\n",
        "contacts": contacts.format("z1", "Mine") + contacts.format("z2", "Mine").partition("\n")[2],
        "events": head.replace("evidence\n", "evidence,queue\n")
        + storm.format("hidden-1", "storm", "Mine").replace("\n", ",alpha\n"),
    }
    kept(person, RULES)
    stages = {}
    for table, text in tables.items():
        with transaction.atomic():
            set_viewer(person.pk)
            made = exports.receive_export(person, SimpleUploadedFile(f"{table}.csv", text.encode()), table)
        exports.run_export(person.pk, made.pk, dry_run=True)
        with transaction.atomic():
            set_viewer(person.pk)
            if now(person, made).stage == Stage.LOOKED:
                exports.import_export(now(person, made))
        exports.run_export(person.pk, made.pk, dry_run=False)
        stages[table] = now(person, made).stage
    assert stages["costs"] == Stage.BROUGHT
    for who, cost in (("provider_lead", 4711.13), ("customer_lead", 1.0)):
        with transaction.atomic(), queries.open_member_book(first.at(who)) as book:
            assert [float(one) for one in book.table("costs").unit_cost.to_pyarrow().to_pylist()] == [cost]
    for who, agent in (("provider_lead", "Zebulon"), ("customer_lead", None), ("auditor", None)):
        with transaction.atomic(), queries.open_member_book(first.at(who)) as book:
            found = book.table("contacts").select("contact_id", "agent_id").to_pyarrow().to_pylist()
        ours = {one["contact_id"]: one["agent_id"] for one in found if one["contact_id"].startswith("z")}
        assert ours == {"z1": "Mine", "z2": agent}
    with transaction.atomic(), queries.open_member_book(first.at("provider_lead")) as book:
        assert book.table("events").evidence.to_pyarrow().to_pylist() == ["Zebulon"]


def test_rows_of_the_other_side_in_an_export_wait_for_it_where_they_are_and_nowhere_else():
    first, second, person = at_home_in("Alpha", "Beta")
    kept(person, RULES)
    theirs = EXPORT.replace("10:00:00Z,alpha", "09:00:00Z,alpha").replace("x1", "a2").replace("gamma-secret", "alpha")
    brought(first, "provider_lead", "theirs.csv", "\n".join(row for row in theirs.splitlines() if "beta" not in row))
    made = received(person)
    for dry_run in (True, False):
        exports.run_export(person.pk, made.pk, dry_run=dry_run)
        if dry_run:
            with transaction.atomic():
                set_viewer(person.pk)
                exports.import_export(now(person, made))
    assert (rows(first, "auditor"), rows(second, "auditor")) == (["a1", "a2"], ["b1", "b2"])
    with transaction.atomic():
        second.at("provider_lead")
        assert not Matter.objects.exists()
    with transaction.atomic():
        first.at("provider_lead")
        (matter,) = Matter.objects.all()
    assert (matter.asks, matter.answers, matter.records["counts"]["change"]) == ("customer", "provider", 1)
    told = first.client("provider_lead").get(first.url(f"matters/{matter.pk}/changes.csv")).content.decode()
    assert "a1" in told
    assert not {word for word in ("beta", "b1", "gamma", "x1") if word in told}
    assert second.client("customer_lead").get(second.url(f"matters/{matter.pk}/changes.csv")).status_code == 404


def test_programs_sort_exports_as_the_page_does_and_each_only_its_own_persons():
    first, second, person = at_home_in("Gamma", "Delta", Role.LEAD)
    with transaction.atomic():
        set_viewer(person.pk)
        words = {"mine": parties.make_token(person, "x", 9, writes=True)[1]}
        set_viewer(first.people["customer_analyst"].pk)
        words["other"] = parties.make_token(first.people["customer_analyst"], "x", 9, writes=True)[1]

    def ask(method, path, body=None, who="mine", **more):
        asked = {} if body is None else {"data": body, "content_type": "application/json"}
        headers = {"authorization": f"Bearer {words[who]}"}
        return getattr(Client(), method)(f"/api/{path}", headers=headers, **asked, **more)

    def sent(text, mapping="contacts"):
        return ask("post", "exports", data={"file": SimpleUploadedFile("all.csv", text.encode()), "mapping": mapping})

    rules = RULES.replace("Alpha", "Gamma").replace("Beta", "Delta")
    assert ask("get", "routes").json() == {
        "text": "",
        "books": ["Northwind Energy with Delta", "Northwind Energy with Gamma"],
    }
    assert sent(EXPORT).status_code == 409  # there are no rules yet
    assert ask("put", "routes", {"text": RULES}).status_code == 422
    assert ask("put", "routes", {"text": rules}).json()["text"] == rules.strip()
    assert sent(EXPORT, "nonsense").status_code == 422
    made = sent(EXPORT).json()
    assert ask("post", f"exports/{made['id']}/moves", {"do": "bring"}).status_code == 409  # nothing was tried
    exports.run_export(person.pk, made["id"], dry_run=True)
    (tried,) = ask("get", "exports").json()
    assert (tried["stage"], tried["outcome"]["unrouted"]) == ("looked", 1)
    for method, path, body in (
        ("get", "", None),
        ("post", "/moves", {"do": "bring"}),
        ("post", "/moves", {"do": "drop"}),
    ):
        assert ask(method, f"exports/{made['id']}{path}", body, who="other").status_code == 404
    assert ask("get", "exports", who="other").json() == []
    assert ask("post", f"exports/{made['id']}/moves", {"do": "bring"}).json()["stage"] == "bringing"
    exports.run_export(person.pk, made["id"], dry_run=False)
    assert ask("get", f"exports/{made['id']}").json()["stage"] == "brought"
    assert rows(second, "provider_lead") == ["b1", "b2"]


def test_a_deputy_names_the_books_of_whom_they_stand_in_for():
    them = cast()
    them.book()
    with transaction.atomic():
        lead = them.at("provider_lead")
        deputy = Membership.objects.get(relationship=them.relationship, person=them.people["provider_member"])
        parties.set_deputy(lead, lead.membership, deputy, timezone.now().date())
    for who, books in (("provider_member", 1), ("provider_finance", 0)):
        page = them.client(who).get("/routes/")
        assert (page.status_code, page.content.decode().count("<b>Northwind Energy with Helpline</b>")) == (200, books)


def test_books_of_one_name_are_told_apart_and_a_name_is_no_path():
    first, second, person = at_home_in("Same", "Same")
    with transaction.atomic():
        set_viewer(person.pk)
        known = exports.writable_books(person)
    assert sorted(known) == sorted(
        f"Northwind Energy with Same ({str(one.relationship)[:8]})" for one in (first, second)
    )
    for name in known:
        for path in (f"./{name}", f"{name}/", f"{name}//."):
            with pytest.raises(Refused, match="none of yours"):
                kept(person, RULES.replace("Northwind Energy with Alpha", path))


def test_a_part_of_an_export_that_came_in_is_told_though_another_book_refuses_its_own():
    """Else a side could bring rows in that the other is never told of, and nobody could take back."""
    first, second, person = at_home_in("Alpha", "Beta")
    kept(person, RULES)
    text = EXPORT.splitlines()
    rows = [line.replace("2026", "never") if ",beta" in line else line for line in text]
    with transaction.atomic():
        set_viewer(person.pk)
        made = exports.receive_export(person, SimpleUploadedFile("june.csv", "\n".join(rows).encode()), "contacts")
    exports.run_export(person.pk, made.pk, dry_run=True)
    with transaction.atomic():
        set_viewer(person.pk)
        exports.import_export(now(person, made))
    exports.run_export(person.pk, made.pk, dry_run=False)
    assert now(person, made).stage == Stage.REFUSED
    came = []
    for one in (first, second):
        with transaction.atomic():
            came.append([delivery.name for delivery in queries.readable_deliveries(one.at("customer_lead"))])
    assert came == [["june.csv"], []]
