"""The room for programs: let in by a token alone, seeing what its person sees, every error as problem+json."""

import csv
import io
import json
import uuid
from datetime import timedelta
from enum import Enum
from itertools import cycle
from typing import get_args

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from ninja import Schema
from pyarrow import parquet

from comity.apps.books import operations as records
from comity.apps.books import queries
from comity.apps.books.models import Delivery, KeptMapping
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Token
from comity.apps.parties.queries import token_digest
from comity.apps.parties.rights import Action, role_may
from comity.core import chain
from comity.core.values import Side
from tests.builders.attribution import KPI as SHARED_OUT
from tests.builders.attribution import fortnight
from tests.builders.kept_apart import KPI, OURS
from tests.builders.levels import contacts
from tests.builders.programs import ask, token
from tests.builders.turns import by_turns
from tests.builders.uploads import brought
from tests.room import EVERYBODY, Browser, cast, forget_mails, run_jobs, said_again, sent_mails

pytestmark = pytest.mark.gate
READS = {"review": Action.READ, "levels.csv": Action.READ, "attribution": Action.READ, "matters": Action.READ,
         "records": Action.READ, "replies": Action.READ, "kpis": Action.READ, "people": Action.READ,
         "agreement": Action.READ, "agreement/changes": Action.READ, "agreement/measures": Action.READ,
         "agreement/priorities": Action.READ,
         "log": Action.AUDIT, "ledger": Action.READ, "moves": Action.READ,
         "record": Action.READ, "figures.csv": Action.READ, "search?q=help": Action.READ,
         "review/file.html": Action.READ, "access.csv": Action.AUDIT}  # fmt: skip
ONES_OWN = {"/api/relationships", "/api/tokens", "/api/tokens/{token}", "/api/routes", "/api/exports",
            "/api/exports/{export}", "/api/exports/{export}/moves"}  # fmt: skip


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(
        KPI,
        contacts="\n".join(contacts()),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
    )
    made.tokens = {}
    return made


def reads(who, path):
    return role_may(who.split("_")[-1], READS[path])


READERS = by_turns(READS, EVERYBODY, reads, times=2)
OUTSIDERS = list(
    zip(cycle([None, "stranger", "former"]), [*READS, "matters/12345678-1234-4234-8234-123456789abc"], strict=False)
)


def test_each_of_the_cast_has_a_turn():
    assert {who for who, _ in READERS} == {*EVERYBODY}
    assert {path for _, path in READERS} == {*READS}


def try_to_read(them, who, path):
    answer = ask(them, who, path)
    # Of these records nothing can be shared out: there is no forecast. That is told to whoever may know.
    assert answer.status_code == (200 if reads(who, path) else 404), (who, path)
    own = next((side for side in Side if who.startswith(side.value)), None)
    for side, secrets in OURS.items():
        if side is not own:
            assert not any(secret.encode() in answer.getvalue() for secret in secrets), (who, path)


def try_from_outside(them, who, path):
    answer = ask(them, who, path)
    nowhere = ask(them, who, path, relationship=uuid.uuid4())
    assert (answer.status_code, answer.content) == (nowhere.status_code, nowhere.content), (who, path)
    assert answer.status_code == (401 if who is None else 404), (who, path)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(("who", "path"), READERS)
def test_members_read_what_their_role_may(them, who, path):
    try_to_read(them, who, path)


@pytest.mark.parametrize(("who", "path"), OUTSIDERS)
def test_outsiders_get_not_found(them, who, path):
    try_from_outside(them, who, path)


@pytest.mark.long
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_member_reads_what_their_role_may_at_every_url(them, who):
    for path in READS:
        try_to_read(them, who, path)


@pytest.mark.long
@pytest.mark.parametrize("who", [None, "stranger", "former"])
def test_every_outsider_gets_not_found_for_every_url(them, who):
    for _, path in OUTSIDERS:
        try_from_outside(them, who, path)


def test_a_browser_session_does_not_authenticate_the_api(them):
    assert them.client("customer_lead").get(f"/api/r/{them.relationship}/review").status_code == 401


def test_a_token_ends_when_it_expires_or_is_revoked(them):
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        made, word = parties.make_token(them.people["customer_lead"], "short", 1, writes=False)
        assert not Token.objects.filter(digest=word).exists()
    asked = {"headers": {"authorization": f"Bearer {word}"}}
    assert Client().get("/api/relationships", **asked).status_code == 200
    page = them.client("customer_lead")
    assert them.client("provider_lead").post(f"/account/tokens/{made.pk}/revoke/").status_code == 404
    assert Client().get("/api/relationships", **asked).status_code == 200
    assert page.post(f"/account/tokens/{made.pk}/revoke/").status_code == 302
    assert Client().get("/api/relationships", **asked).status_code == 401
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        past, late = parties.make_token(them.people["customer_lead"], "past", 1, writes=False)
        later = Token(
            person=past.person, name="x", digest=token_digest("y"), expires_at=timezone.now() - timedelta(minutes=1)
        )
        later.save(force_insert=True)
    assert Client().get("/api/relationships", headers={"authorization": "Bearer y"}).status_code == 401
    assert Client().get("/api/relationships", headers={"authorization": f"Bearer {late}"}).status_code == 200


def test_a_tokens_secret_is_shown_once_on_the_account_page(them):
    page = said_again(them.client("provider_finance"))
    shown = page.post("/account/tokens/", {"name": "Power BI", "days": 30}).content.decode()
    assert "comity_" in shown
    again = page.get("/account/").content.decode()
    assert "comity_" not in again
    assert "Power BI" in again
    assert "Power BI" not in them.client("provider_lead").get("/account/").content.decode()
    assert page.post("/account/tokens/", {"name": "", "days": 3000}).status_code == 422


def test_relationships_levels_and_review_agree(them):
    (place,) = ask(them, "provider_lead", None).json()
    assert (place["side"], place["role"], place["provider"]) == ("provider", "lead", "Helpline")
    review = ask(them, "provider_lead", "review?period=2026-06").json()
    assert review["schema"] == "comity.review/1"
    (row,) = csv.DictReader(io.StringIO(ask(them, "provider_lead", "levels.csv?period=2026-06").content.decode()))
    assert (row["num"], row["den"], row["start"]) == ("28.0", "60.0", "2026-06-01")
    for wrong, status in (("period=nonsense", 422), ("against=sometimes", 422)):
        assert ask(them, "provider_lead", f"review?{wrong}").status_code == status


CLAIM = {"kind": "claim", "title": "Out", "text": "It was out.", "event": "outage", "asked_for": "exclude",
         "from_day": "2026-06-10", "to_day": "2026-06-11", "kpi": "service_level"}  # fmt: skip


def test_a_matter_is_raised_answered_and_listed(them):
    made = ask(them, "provider_analyst", "matters", CLAIM, writes=True)
    assert made.status_code == 201, made.content
    number = made.json()["id"]
    assert made.json()["moves"] == ["withdraw", "merge", "comment", "escalate", "hand_over", "object"]
    seen = ask(them, "customer_lead", f"matters/{number}").json()
    assert (seen["waits_for"], seen["steps"][0]["text"]) == ("customer", "It was out.")
    moves = f"matters/{number}/moves"
    assert ask(them, "provider_analyst", moves, {"move": "agree"}, writes=True).status_code == 409
    assert ask(them, "customer_lead", moves, {"move": "decline"}, writes=True).status_code == 422  # without a reason
    done = ask(them, "customer_lead", moves, {"move": "agree", "text": "Yes."}, writes=True)
    assert done.json()["state"] == "answered"
    page = ask(them, "auditor", "matters?kind=claim&state=answered&limit=1").json()
    assert (page["count"], page["items"][0]["id"]) == (1, number)
    assert ask(them, "auditor", "matters?kind=claim&offset=1").json()["items"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "threat"}, 422),
        ({"title": ""}, 422),
        ({"to_day": "2026-06-01"}, 422),
        ({"from_day": None}, 422),
        ({"event": "weather"}, 422),
    ],
)
def test_an_invalid_request_is_explained_and_changes_nothing(them, change, status):
    before = ask(them, "auditor", "matters").json()["count"]
    found = ask(them, "provider_analyst", "matters", CLAIM | change, writes=True)
    assert found.status_code == status
    assert found.headers["Content-Type"] == "application/problem+json"
    assert ask(them, "auditor", "matters").json()["count"] == before


@pytest.mark.parametrize("path", ["matters", "confirmations"])
def test_a_reading_token_cannot_write(them, path):
    given = CLAIM | {"period": "2026-06", "figures": "0" * 64}
    assert ask(them, "customer_lead", path, given).status_code == 403
    # Whoever reads matters knows that they are raised; the confirmations of a period are for those who confirm.
    status = 403 if path == "matters" else 404
    assert ask(them, "customer_member", path, given, writes=True).status_code == status


def test_a_period_is_confirmed_by_both_and_the_record_verifies(them):
    seen = ask(them, "customer_lead", "confirmations?period=2026-05").json()
    assert seen["figures"] == chain.digest_of(seen["shown"])
    assert (seen["frozen"], seen["words"], seen["moved"]) == (None, [], [])
    may = {"period": "2026-05", "figures": seen["figures"]}
    assert ask(them, "customer_lead", "confirmations", {"period": "2026-05"}, writes=True).status_code == 422
    other = {"period": "2026-05", "figures": "0" * 64}
    refused = ask(them, "customer_lead", "confirmations", other, writes=True)
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    assert refused.json()["figures"] == seen["figures"]
    first = ask(them, "customer_lead", "confirmations", may, writes=True)
    assert first.json() == {"period": "2026-05", "frozen": None}
    second = ask(them, "provider_lead", "confirmations", may, writes=True).json()
    told = ask(them, "auditor", "record").json()
    assert chain.verify([chain.Entry(**one) for one in told["entries"]], head=second["frozen"])
    assert ask(them, "provider_lead", "confirmations", may, writes=True).status_code == 409
    after = ask(them, "auditor", "confirmations?period=2026-05").json()
    assert after["frozen"] == told["entries"][-1]["digest"]
    assert {one["side"]: one["figures"] for one in after["words"]} == dict.fromkeys(Side, seen["figures"])


def enums(kind):
    """The enumerations within a type that a schema's field may have."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield kind
    for part in get_args(kind):
        yield from enums(part)


def test_enumerations_of_the_openapi_schema_have_unique_names():
    """Else the contract describes one of them, and says it of the other too."""
    found = {}
    for schema in subclasses(Schema):
        for field in schema.model_fields.values():
            for one in enums(field.annotation):
                found.setdefault(one.__name__, set()).add(one)
    assert len(found) > 5
    assert {name: those for name, those in found.items() if len(those) > 1} == {}


def subclasses(kind):
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


@pytest.mark.usefixtures("them")
def test_the_schema_is_valid_openapi():
    told = Client().get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    paths = {path.split("/r/{relationship}/")[-1] for path in told["paths"]}
    others = {
        "matters/{matter}", "matters/{matter}/moves", "matters/{matter}/evidence", "attribution/supposed",
        "matters/{matter}/changes", "held-back/disclose",
        "matters/{matter}/evidence/{evidence}", "confirmations", "comments", "restatements", "mail", "levels.parquet",
        "records/begin", "records/{delivery}", "records/{delivery}/moves", "records/{delivery}/rejects.csv",
        "records/{delivery}/rejected-rows.csv",
        "held-back", "invitations", "invitations/{invitation}", "invitations/{invitation}/agreement", "people/{person}",
        "invitations/{invitation}/link",
        "people/{person}/role", "people/{person}/deputy", "access-reviews",
        "calendars", "calendars/agreement", "silence", "organisation", "kpis/agreement", "kpis/withdrawal",
    }  # fmt: skip
    reads = {
        path.partition("?")[0].replace(".html", ".{form}").replace("figures.csv", "figures.{form}") for path in READS
    }
    assert paths == reads | others | ONES_OWN  # an operation that is added fails here until it is tried above


def answers(told):
    """Each kind of content that an operation answers with when it succeeds."""
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if int(status) < 300:
                    for kind, content in answer.get("content", {"": {}}).items():
                        yield f"{method} {path}", kind, content.get("schema", {})


@pytest.mark.usefixtures("them")
def test_every_response_has_a_closed_schema():
    """As `dict[str, Any]` would leave it: an object of which nothing is said."""
    told = Client().get("/api/openapi.json").json()
    named = told["components"]["schemas"]
    for operation, kind, schema in answers(told):
        assert kind, operation
        if kind == "application/json":
            whole = schema.get("items", schema)
            for one in whole.get("anyOf", [whole]):
                assert named[one["$ref"].rpartition("/")[2]]["properties"], operation


def put(them, who, path, body, method="put"):
    headers = {"authorization": f"Bearer {token(them, who, writes=True)}"}
    address = path if path.startswith("/") else f"/api/r/{them.relationship}/{path}"
    return getattr(Browser(), method)(address, json.dumps(body), content_type="application/json", headers=headers)


def sent(them, who, path, **fields):
    headers = {"authorization": f"Bearer {token(them, who, writes=True)}"}
    return Browser().post(f"/api/r/{them.relationship}/{path}", fields, headers=headers)


def test_levels_as_parquet_equal_the_csv(them):
    rows = list(csv.DictReader(io.StringIO(ask(them, "auditor", "levels.csv?period=2026-06").content.decode())))
    (told,) = parquet.read_table(io.BytesIO(ask(them, "auditor", "levels.parquet?period=2026-06").content)).to_pylist()
    assert (told["kpi"], told["num"], told["met"]) == ("service_level", 28.0, False)
    assert [str(value) for value in told.values()] == list(rows[0].values())


def test_evidence_is_uploaded_and_terms_are_countered(them):
    number = ask(them, "provider_analyst", "matters", CLAIM, writes=True).json()["id"]
    more = {"move": "counter", "text": "One day.", "to_day": "2026-06-10"}
    told = ask(them, "customer_lead", f"matters/{number}/moves", more, writes=True).json()
    assert told["steps"][-1]["terms"]["to_day"] == told["to_day"] == "2026-06-10"
    shown = SimpleUploadedFile("shown.csv", b"a,b")
    told = sent(them, "provider_analyst", f"matters/{number}/evidence", file=shown, text="See.").json()
    (file,) = told["steps"][-1]["evidence"]
    taken = ask(them, "customer_member", f"matters/{number}/evidence/{file['id']}")
    assert (taken.content, file["name"], file["size"]) == (b"a,b", "shown.csv", 3)
    for who in ("stranger", "former"):
        assert ask(them, who, f"matters/{number}/evidence/{file['id']}").status_code == 404
    wrong = {"move": "counter", "text": "x", "owner": str(uuid.uuid4())}
    assert ask(them, "customer_lead", f"matters/{number}/moves", wrong, writes=True).status_code == 422


def test_a_file_is_uploaded_imported_and_undone(them):
    rows = "month,driver,quantity,unit_cost,behaviour\n2026-05,Xenon,1,2,fixed\nnonsense,x,1,2,fixed\n"
    rows += "".join(f"2026-0{n % 9 + 1},d{n},1,2,fixed\n" for n in range(60))
    made = sent(them, "provider_lead", "records", file=SimpleUploadedFile("costs.csv", rows.encode()))
    assert made.status_code == 201, made.content
    number = made.json()["id"]
    records.run_delivery(them.people["provider_lead"].pk, them.relationship, uuid.UUID(number), dry_run=True)
    assert ask(them, "provider_lead", f"records/{number}").json()["stage"] == "looked"
    for who in ("customer_lead", "auditor", "provider_analyst", "provider_member", "stranger"):
        assert ask(them, who, f"records/{number}").status_code == 404 or who == "provider_analyst"
    moves = f"records/{number}/moves"
    assert ask(them, "provider_lead", moves, {"do": "undo"}, writes=True).status_code == 409
    assert ask(them, "customer_lead", moves, {"do": "drop"}, writes=True).status_code == 404
    assert ask(them, "provider_lead", moves, {"do": "bring"}, writes=True).json()["stage"] == "bringing"
    records.run_delivery(them.people["provider_lead"].pk, them.relationship, uuid.UUID(number), dry_run=False)
    assert "nonsense" in ask(them, "provider_lead", f"records/{number}/rejects.csv").content.decode()
    assert ask(them, "provider_lead", moves, {"do": "undo"}, writes=True).status_code == 200
    assert ask(them, "provider_lead", f"records/{number}").json()["stage"] == "undone"


def test_holding_back_needs_a_reason(them):
    day = (timezone.now() + timedelta(days=30)).date().isoformat()
    said = {"item": "contacts.team", "reason": "Ours.", "review_on": day}
    assert ask(them, "customer_finance", "held-back", said, writes=True).status_code == 404
    assert ask(them, "customer_lead", "held-back", said | {"reason": ""}, writes=True).status_code == 422
    assert ask(them, "customer_lead", "held-back", said | {"item": "contacts"}, writes=True).status_code == 409
    assert ask(them, "customer_lead", "held-back", said, writes=True).status_code == 201
    told = ask(them, "provider_member", "records").json()
    assert ("contacts.team", "Ours.") in {(one["item"], one["reason"]) for one in told["held_back"]}


def test_only_the_own_side_discloses_what_it_holds_back():
    them = cast()
    them.tokens = {}
    them.book(KPI, contacts="\n".join(contacts()))
    item = {"item": "contacts.reason"}
    for who in [*EVERYBODY, "stranger", "former"]:
        if who in {"customer_lead", "customer_analyst", "customer_roster"}:
            continue
        found = ask(them, who, "held-back/disclose", item, writes=True)
        theirs = who in {"provider_lead", "provider_analyst", "provider_roster"}
        assert found.status_code == (422 if theirs else 404), who
        assert found.headers["Content-Type"] == "application/problem+json"
    assert ask(them, None, "held-back/disclose", item).status_code == 401
    assert ask(them, "customer_lead", "held-back/disclose", item).status_code == 403  # a token that reads
    for wrong, status in (({}, 422), ({"item": ""}, 422), ({"item": "contacts.queue"}, 422), ({"item": "costs"}, 422)):
        assert ask(them, "customer_lead", "held-back/disclose", wrong, writes=True).status_code == status, wrong
    # Money is not shared by a role that does not read it.
    for who, status in (("provider_analyst", 422), ("provider_roster", 422), ("provider_lead", 200)):
        assert ask(them, who, "held-back/disclose", {"item": "costs"}, writes=True).status_code == status, who
    assert ask(them, "provider_member", "records").json()["held_back"] == []
    done = ask(them, "customer_roster", "held-back/disclose", item, writes=True)
    assert (done.status_code, done.json()) == (200, item)
    assert ask(them, "customer_lead", "held-back/disclose", item, writes=True).status_code == 422
    for who in ("provider_member", "customer_member", "auditor"):
        told = ask(them, who, "records").json()["held_back_steps"]
        assert [(one["side"], one["item"], one["change"]) for one in told] == [
            ("customer", "contacts.reason", "disclosed"),
            ("provider", "costs", "disclosed"),
        ]
    lines = {(one["action"], one["about"], one["by"]) for one in ask(them, "auditor", "log").json()}
    assert ("disclosed", "contacts.reason", "Customer Roster") in lines


def test_corrections_are_read_by_all_members_and_accepted_by_rows():
    them = cast()
    them.tokens = {}
    them.book('[private]\ncustomer = ["contacts.reason"]\n')
    head = "contact_id,opened_at,queue,channel,handle_s,reason\n"
    row = "{},2026-06-01T10:00:00Z,help,voice,{},{}\n"
    for who, seconds, why in (("customer_lead", 90, "Quixote-reason"), ("provider_lead", 300, "")):
        text = head + "".join(row.format(f"c{number}", seconds + number, why) for number in range(3))
        assert brought(them, who, f"{who}.csv", text).stage == "brought"
    (made,) = ask(them, "auditor", "matters?kind=correction").json()["items"]
    assert (made["asks"], made["waits_for"], made["records"]["counts"]) == (
        "provider",
        "customer",
        {"change": 3, "add": 0, "withdraw": 0},
    )
    path = f"matters/{made['id']}/changes"
    changes = [
        {"number": number + 1, "kind": "change", "key": {"contact_id": f"c{number}"},
         "before": {"handle_s": 90.0 + number}, "after": {"handle_s": 300.0 + number}}
        for number in range(3)
    ]  # fmt: skip
    for who in EVERYBODY:
        assert ask(them, who, path).json() == changes, who
    assert ask(them, "auditor", f"{path}?limit=1&offset=1").json() == changes[1:2]
    assert ask(them, "auditor", f"{path}?offset=3").json() == []
    for who in (None, "stranger", "former"):
        assert ask(them, who, path).status_code == (401 if who is None else 404)
    assert ask(them, "auditor", f"matters/{uuid.uuid4()}/changes").status_code == 404
    other = ask(them, "customer_lead", "matters", CLAIM | {"kpi": ""}, writes=True).json()["id"]
    assert ask(them, "provider_lead", f"matters/{other}/changes").json() == []
    # Raised by an import alone, and answered by whose rows they are.
    moves, accept = f"matters/{made['id']}/moves", {"move": "agree", "text": "Those.", "rows": [1, 3]}
    assert ask(them, "provider_lead", "matters", CLAIM | {"kind": "correction"}, writes=True).status_code == 422
    for who in [one for one in EVERYBODY if one not in {"customer_lead", "customer_analyst"}]:
        found = ask(them, who, moves, accept, writes=True)
        may_move = role_may(who.split("_")[-1], Action.ACT) and "_" in who
        assert found.status_code == (409 if may_move and who.startswith("provider") else 403), who
    assert ask(them, "customer_lead", moves, {"move": "counter", "text": "Half."}, writes=True).status_code == 409
    for wrong in ([0], [-1], ["x"], [10**10], "all"):
        assert ask(them, "customer_lead", moves, accept | {"rows": wrong}, writes=True).status_code == 422, wrong
    assert ask(them, "customer_lead", moves, accept | {"rows": []}, writes=True).status_code == 422
    done = ask(them, "customer_analyst", moves, accept, writes=True).json()
    assert (done["state"], done["steps"][-1]["terms"]) == ("answered", {"changes": 2, "rows": [1, 3]})
    assert ask(them, "customer_lead", path).json() == changes  # what was asked for is still read
    with transaction.atomic():
        them.at("customer_lead")
        delivery = Delivery.objects.exclude(corrects={}).get()
    records.run_delivery(them.people["customer_analyst"].pk, them.relationship, delivery.pk, dry_run=False)
    told = ask(them, "provider_lead", f"records/{delivery.pk}").json()
    assert (told["side"], told["stage"]) == ("customer", "brought")
    with transaction.atomic(), queries.open_member_book(them.at("customer_lead")) as book:
        found = book.table("contacts").order_by("contact_id").to_pyarrow().to_pylist()
    assert [(one["handle_s"], one["reason"], one["brought_by"]) for one in found] == [
        (seconds, "Quixote-reason", "customer") for seconds in (300.0, 91.0, 302.0)
    ]


def test_members_are_invited_given_roles_and_deputies_and_removed():
    them = cast()
    them.tokens = {}
    token(them, "provider_lead", writes=True)
    forget_mails()
    for nowhere in ("new@\U0010d64a.org", "new@-.org", "new@exam ple.org"):
        found = ask(them, "provider_lead", "invitations", {"email": nowhere, "role": "member"}, writes=True)
        assert found.status_code == 422, nowhere  # else its mail would be tried in vain for days
    made = ask(them, "provider_lead", "invitations", {"email": "new@example.org", "role": "member"}, writes=True)
    assert made.status_code == 201
    assert [one.to for one in sent_mails()] == [["new@example.org"]]
    assert ask(them, "customer_lead", "invitations").json() == []
    (open_one,) = ask(them, "provider_lead", "invitations").json()
    assert put(them, "customer_lead", f"invitations/{open_one['id']}/link", {}, "post").status_code == 404
    renewed = put(them, "provider_lead", f"invitations/{open_one['id']}/link", {}, "post")
    assert (renewed.status_code, renewed.json()["id"], renewed.json()["link"]) == (201, open_one["id"], None)
    assert renewed.json()["expires_at"] > open_one["expires_at"]
    assert put(them, "customer_lead", f"invitations/{open_one['id']}", {}, "delete").status_code == 404
    assert put(them, "provider_lead", f"invitations/{open_one['id']}", {}, "delete").status_code == 200
    assert ask(them, "provider_lead", "invitations").json() == []
    people = {one["name"]: one["id"] for one in ask(them, "provider_lead", "people").json()}
    member, roster = people["Provider Member"], people["Provider Roster"]
    assert put(them, "customer_lead", f"people/{member}/role", {"role": "analyst"}).status_code == 404
    assert put(them, "provider_lead", f"people/{member}/role", {"role": "auditor"}).status_code == 422
    assert put(them, "provider_lead", f"people/{member}/role", {"role": "analyst"}).status_code == 200
    day = timezone.now().date().isoformat()
    assert put(them, "provider_member", f"people/{member}/deputy", {"deputy": roster, "until": day}).status_code == 200
    told = {one["id"]: one["stands_in_for"] for one in ask(them, "customer_member", "people").json()}
    assert told[roster] == member
    assert put(them, "provider_lead", f"people/{member}", {}, "delete").status_code == 200
    assert ask(them, "provider_member", "people").status_code == 404
    assert ask(them, "auditor", "access-reviews", {}, writes=True).status_code == 201
    assert ask(them, "customer_member", "access-reviews", {}, writes=True).status_code == 404


def test_the_review_by_mail_is_subscribed_and_ended(them):
    wish = {"due": "day 5 07:00", "form": "pdf", "view": "own"}
    assert put(them, "provider_lead", "mail", wish).json()["view"] == "own"
    assert ask(them, "provider_lead", "mail").json()["due"] == "day 5 07:00"
    assert ask(them, "customer_lead", "mail").json() == {"due": None}
    assert put(them, "provider_lead", "mail", {}, "delete").json() == {"due": None}
    assert put(them, "provider_lead", "mail", wish | {"due": "never"}).status_code == 422


def test_kpis_are_proposed_and_agreed_to_by_exactly_their_digest():
    them = cast()
    them.tokens = {}
    them.book(KPI, contacts="\n".join(contacts()))
    before = ask(them, "auditor", "kpis").json()
    assert [(one["id"], one["agreed"], one["entry"]) for one in before["in_force"]] == [("service_level", True, None)]
    assert (before["proposal"], before["agreed"], before["replaced"]) == (None, [], [])
    given = {"kpis": [{"id": "service_level", "measure": "service_level", "target": 0.9}], "review": "month",
             "valid_from": "2026-05-01",
             "deliveries": [{"table": "contacts", "by": "provider", "due": "daily 09:00"}]}  # fmt: skip
    word = ask(them, "customer_lead", "kpis", given, writes=True)
    assert word.status_code == 201, word.content
    waiting = ask(them, "provider_lead", "kpis").json()["proposal"]
    assert (waiting["side"], waiting["by"], waiting["digest"]) == (
        "customer",
        "Ana Customer Lead",
        word.json()["digest"],
    )
    assert waiting["deliveries"] == given["deliveries"]
    assert (waiting["kpis"][0]["target"], waiting["kpis"][0]["answer_within_s"]) == (0.9, 20.0)  # the pins in full
    may = {"digest": waiting["digest"]}
    for who, body, status, code in (
        ("customer_lead", may, 409, "no_proposal"),  # its own
        ("provider_lead", {"digest": "0" * 64}, 409, "changed"),
        ("provider_analyst", may, 404, None),
    ):
        found = ask(them, who, "kpis/agreement", body, writes=True)
        assert (found.status_code, found.json().get("code")) == (status, code)
    other = given | {"review": "quarter"}
    assert ask(them, "provider_lead", "kpis", other, writes=True).json()["code"] == "changed"  # without `seen`
    assert ask(them, "provider_lead", "kpis", other).status_code == 403  # a reading token
    made = ask(them, "provider_lead", "kpis/agreement", may, writes=True)
    assert (made.status_code, made.json()["number"]) == (201, 1)
    assert run_jobs("kpis.write") == 1
    after = ask(them, "auditor", "kpis").json()
    assert [(one["target"], one["agreed"], one["entry"]) for one in after["in_force"]] == [(0.9, True, 1)]
    assert [(one["entry"], one["until"], one["kpis"][0]["target"]) for one in after["agreed"]] == [(1, None, 0.9)]
    assert (after["proposal"], after["review"], after["deliveries"]) == (None, "month", given["deliveries"])


@pytest.mark.parametrize(
    "change",
    [
        {"kpis": []},
        {"kpis": [{"id": "service_level", "measure": "luck"}]},
        {"kpis": [{"id": "csat", "measure": "csat", "formula": "luck"}]},
        {"kpis": [{"id": "service_level", "measure": "service_level", "agreed": True}] * 2},
        {"valid_from": "2026-05-02"},
        {"review": "week"},
        {"deliveries": [{"table": "contacts", "by": "provider", "due": "soon"}]},
        {"deliveries": [{"table": "nothing", "by": "provider"}]},
    ],
    ids=repr,
)
def test_a_set_of_kpis_that_no_book_can_hold_is_explained_and_not_proposed(them, change):
    given = {"kpis": [{"id": "service_level", "measure": "service_level"}], "review": "month",
             "valid_from": "2026-07-01"}  # fmt: skip
    found = ask(them, "customer_lead", "kpis", given | change, writes=True)
    assert (found.status_code, found.headers["Content-Type"]) == (422, "application/problem+json"), found.content
    assert ask(them, "auditor", "kpis").json()["proposal"] is None


def test_a_restatement_needs_a_frozen_period_and_a_reason(them):
    said = {"period": "2026-06", "reason": "Late records."}
    assert ask(them, "customer_analyst", "restatements", said, writes=True).status_code == 404
    assert ask(them, "customer_lead", "restatements", said | {"reason": ""}, writes=True).status_code == 422
    assert ask(them, "customer_lead", "restatements", said, writes=True).status_code == 409


def test_a_relationship_and_its_book_are_created():
    them = cast()
    them.tokens = {}
    said = {"side": "provider", "own": "Alpha Desk", "other": "Someday Ltd", "other_kind": "dealer"}
    assert put(them, "stranger", "/api/relationships", said | {"own": ""}, "post").status_code == 422
    made = put(them, "stranger", "/api/relationships", said, "post")
    assert made.status_code == 201
    there = made.json()
    assert (there["customer"], there["provider"], there["side"]) == ("Someday Ltd", "Alpha Desk", "provider")
    assert (there["customer_kind"], there["provider_kind"]) == ("dealer", "external")
    assert there in ask(them, "stranger", None).json()
    first = {"email": "first@example.org", "role": "member", "across": True}
    asked = put(them, "stranger", f"/api/r/{there['id']}/invitations", first, "post")
    assert asked.status_code == 201
    (open_one,) = ask(them, "stranger", "invitations", relationship=there["id"]).json()
    assert (open_one["side"], open_one["role"]) == ("customer", "lead")  # the first of a side leads it
    assert put(them, "stranger", "/api/relationships", said | {"other": "  "}, "post").status_code == 422
    book = f"/api/r/{there['id']}/records/begin"
    said = {"timezone": "Europe/Berlin", "currency": "EUR"}
    assert put(them, "customer_lead", book, said, "post").status_code == 404
    for wrong in ({"timezone": "Europe/Nowhere"}, {"currency": "eur"}, {"timezone": '"\n[x]'}):
        assert put(them, "stranger", book, said | wrong, "post").status_code == 422, wrong
    assert put(them, "stranger", book, said, "post").status_code == 201
    assert put(them, "stranger", book, said, "post").status_code == 409
    assert ask(them, "stranger", "records", relationship=there["id"]).json()["tables"] == []


def test_own_tokens_are_listed_and_revoked_and_cannot_make_another(them):
    word = token(them, "provider_finance")
    headers = {"authorization": f"Bearer {token(them, 'provider_finance', writes=True)}"}
    known = [one for one in Client().get("/api/tokens", headers=headers).json() if one["name"] == "a program"]
    assert [one["writes"] for one in known] == [True, False]
    more = put(them, "provider_finance", "/api/tokens", {"name": "more"}, "post")
    assert (more.status_code, more.headers["Allow"]) == (405, "GET")
    assert more.json()["status"] == 405
    assert more.headers["X-Content-Type-Options"] == "nosniff"
    reads = f"/api/tokens/{known[1]['id']}"
    assert put(them, "provider_lead", reads, {}, "delete").status_code == 404
    assert put(them, "provider_finance", reads, {}, "delete").status_code == 200
    assert Client().get("/api/relationships", headers={"authorization": f"Bearer {word}"}).status_code == 401
    assert put(them, "provider_finance", reads, {}, "delete").status_code == 404
    del them.tokens["provider_finance", False]


def test_lists_are_sliced(them):
    whole = ask(them, "auditor", "people").json()
    parts = [ask(them, "auditor", f"people?limit=5&offset={at}").json() for at in range(0, len(whole) + 5, 5)]
    assert [one for part in parts for one in part] == whole
    assert ask(them, "auditor", "people?limit=201").status_code == 422


def test_matters_are_filtered_by_the_side_that_they_wait_for(them):
    ask(them, "customer_lead", "matters", CLAIM | {"title": "Of the customer"}, writes=True)
    waits = {side: ask(them, "auditor", f"matters?waits={side}").json()["items"] for side in Side}
    assert {one["waits_for"] for one in waits[Side.PROVIDER]} == {"provider"}
    assert "Of the customer" in {one["title"] for one in waits[Side.PROVIDER]}
    assert "Of the customer" not in {one["title"] for one in waits[Side.CUSTOMER]}


def test_the_days_that_a_format_asks_for_are_given_by_a_program(them):
    text = 'table = "forecasts"\n[columns]\nqueue = "Skill"\nstart = "Slot"\nminutes = { value = "30" }\n'
    text += 'offered = "Calls"\nissued_on = { value = "2026-07-15" }\n'
    with transaction.atomic():
        member = them.at("provider_lead")
        KeptMapping.objects.create(relationship=member.relationship, side="provider", name="ours", text=text)
    file = SimpleUploadedFile("next.csv", b"Skill,Slot,Calls\nCare,2026-11-01T09:00,12\n")
    number = sent(them, "provider_lead", "records", file=file).json()["id"]
    records.run_delivery(them.people["provider_lead"].pk, them.relationship, uuid.UUID(number), dry_run=True)
    outcome = ask(them, "provider_lead", f"records/{number}").json()["outcome"]
    assert outcome["days"] == {"table": "forecasts", "columns": ["issued_on"]}
    moves = f"records/{number}/moves"
    assert ask(them, "provider_lead", moves, {"do": "bring"}, writes=True).status_code == 409
    for days in (
        {},
        {"issued_on": ""},
        {"issued_on": "15.07.2026"},
        {"issued_on": "2026-10-15", "start": "2026-10-15"},
    ):
        assert ask(them, "provider_lead", moves, {"do": "days", "days": days}, writes=True).status_code == 422
    given = {"do": "days", "days": {"issued_on": "2026-10-15"}}
    assert ask(them, "customer_lead", moves, given, writes=True).status_code == 404
    assert ask(them, "provider_lead", moves, given, writes=True).json()["stage"] == "looking"
    records.run_delivery(them.people["provider_lead"].pk, them.relationship, uuid.UUID(number), dry_run=True)
    outcome = ask(them, "provider_lead", f"records/{number}").json()["outcome"]
    assert ("days" in outcome, "2026-10-15" in str(outcome["first_rows"])) == (False, True)


def test_a_delivery_is_described_in_full_to_its_own_side_alone(them):
    head = "contact_id,opened_at,queue,channel"
    row = "t1,2026-06-03T10:00:00Z,help,voice"
    made = sent(them, "provider_lead", "records", file=SimpleUploadedFile("june.csv", f"{head}\n{row}\n".encode()))
    number = made.json()["id"]
    for dry_run in (True, False):
        records.run_delivery(them.people["provider_lead"].pk, them.relationship, uuid.UUID(number), dry_run=dry_run)
        if dry_run:
            ask(them, "provider_lead", f"records/{number}/moves", {"do": "bring"}, writes=True)
    mine = ask(them, "provider_analyst", f"records/{number}").json()
    assert (mine["stage"], mine["mapping"], mine["may_undo"]) == ("brought", "contacts", True)
    assert mine["outcome"]["counts"]["new"] == 1
    theirs = ask(them, "customer_lead", f"records/{number}").json()
    assert theirs.keys() == mine.keys() - {"mapping", "text", "why", "rows", "outcome", "may_undo"}
    lines = ask(them, "auditor", "log?reads=true").json()
    assert ("read delivery", "june.csv") in {(one["action"], one["about"]) for one in lines}


@pytest.mark.parametrize(
    ("form", "begins"),
    [("pdf", b"%PDF-"), ("board", b"%PDF-"), ("html", b"<!doctype html>"), ("xlsx", b"PK"), ("pptx", b"PK")],
)
def test_a_review_file_holds_what_the_person_may_see(them, form, begins):
    found = ask(them, "provider_executive", f"review/file.{form}?period=2026-06")
    assert found.content.startswith(begins)
    if form == "html":
        own, joint = (
            ask(them, "provider_executive", f"review/file.html?view={view}").content for view in ("own", "joint")
        )
        assert own != joint
        assert ask(them, "provider_executive", "review/file.json").status_code == 422


def test_a_supposition_is_answered_by_the_model():
    """As on the page: 250 contacts in the place of 290 make 67.565 % (`reviews/test_attribution.py`)."""
    them = cast()
    them.tokens = {}
    them.book('[review]\nperiod = "month"\n' + SHARED_OUT, **fortnight(staffed=31))
    path = "attribution/supposed?kpi=service_level&period=2026-06"
    told = ask(them, "provider_lead", f"{path}&volume=-13.793").json()
    assert (round(told["level"], 4), round(told["supposed"], 3)) == (0.3828, 0.676)
    assert ask(them, "customer_member", path).json()["supposed"] is None
    assert ask(them, "customer_member", f"{path}&volume=many").status_code == 422
    assert ask(them, "customer_member", "attribution/supposed?kpi=nothing").status_code == 409
    for who in ("stranger", "former"):
        assert ask(them, who, path).status_code == 404
    told = {(one["action"], one["about"]) for one in ask(them, "auditor", "log?reads=true").json()}
    assert told == {("read attribution", "service_level 2026-06")}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("review?period=2026-05", ("read review", "2026-05")),
        ("levels.csv?period=2026-06", ("read review", "2026-06")),
        ("levels.parquet?period=2026-06", ("read review", "2026-06")),
        ("record", ("read record", "")),
        ("figures.csv", ("read file", "figures.csv")),
    ],
)
def test_reading_by_the_api_is_logged_as_on_the_pages(path, line):
    them = cast()
    them.tokens = {}
    them.book(KPI, contacts="\n".join(contacts()))
    assert ask(them, "customer_analyst", path).status_code == 200
    told = ask(them, "auditor", "log?reads=true").json()
    assert [(one["action"], one["about"], one["by"]) for one in told] == [(*line, "Customer Analyst")]
