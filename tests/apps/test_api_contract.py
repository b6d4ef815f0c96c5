"""The API keeps its word: whatever is asked of any operation as whoever, the answer is one that the contract names."""

import json
import uuid

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from comity.apps.matters import operations as matters
from comity.apps.matters.models import Matter
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from comity.web.wsgi import application
from tests.builders.kept_apart import KPI, OURS
from tests.builders.levels import contacts
from tests.builders.matters import FIGURE
from tests.builders.uploads import brought
from tests.room import COMPUTING, EVERYBODY, Browser, cast, run_jobs

EVERYWHERE = [*EVERYBODY, "stranger", "former", None]


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(
        KPI,
        contacts="\n".join(f"{row},Quixote-reason" if n else f"{row},reason" for n, row in enumerate(contacts())),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
        events="event_id,kind,from,to,declared_by,declared_at,evidence\n"
        "provider-storm,storm,2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,Zebulon",
    )
    made.words = {None: None}
    with transaction.atomic():
        for who in EVERYWHERE[:-1]:
            set_viewer(made.people[who].pk)
            made.words[who] = parties.make_token(made.people[who], "a program", 90, writes=True)[1]
    with transaction.atomic():
        asked = matters.NewMatter(Kind.DISPUTE, "Service level", "Why?", **FIGURE)
        made.matter = matters.raise_matter(made.at("customer_lead"), asked, "UTC").pk
    head, first = (row.split(",")[:4] for row in list(contacts())[:2])
    would = "\n".join(",".join(row) for row in ([*head, "handle_s", "reason"], [*first, "999", "a guess"]))
    assert brought(made, "provider_lead", "would.csv", would).outcome["counts"]["proposed"] == 1
    with transaction.atomic():
        made.at("customer_lead")
        made.correction = Matter.objects.get(kind=Kind.CORRECTION).pk
    return made


@pytest.fixture(scope="module")
def contract(them):  # noqa: ARG001 - the database has to be there
    import schemathesis

    return schemathesis.openapi.from_wsgi("/api/openapi.json", closing(application))


def closing(served):
    """An application whose answers are read to the end and closed, as a server does, files among them."""

    def serve(environ, start_response):
        answer = served(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            answer.close()

    return serve


def conformance():
    """What every answer is held against."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.response_headers_conformance,
    ]


def asked(them, contract, examples):
    """Ask every operation, with what fits its schema and what does not, as one after the other; how often it was."""
    from schemathesis import GenerationMode

    checks = conformance()
    told = []

    def ask(case):
        who = EVERYWHERE[len(told) % len(EVERYWHERE)]
        own = next((side for side in Side if who and who.startswith(side.value)), None)
        theirs = [secret.encode() for side, secrets in OURS.items() if side is not own for secret in secrets]
        # Most of what is made up would end at the door: most of it is about what is there.
        inside = (len(told) // len(EVERYWHERE) + len(told)) % 4
        if "relationship" in case.path_parameters and inside:
            case.path_parameters["relationship"] = str(them.relationship)
        if "matter" in case.path_parameters and inside:
            # What it would change is asked of a correction; moves are made in both, one after the other.
            of_both = case.path.endswith("/changes") or (case.path.endswith("/moves") and len(told) % 2)
            case.path_parameters["matter"] = str(them.correction if of_both else them.matter)
        headers = {} if who is None else {"Authorization": f"Bearer {them.words[who]}"}
        answer = case.call(headers=headers)
        while run_jobs(*COMPUTING):  # 503 until a worker has computed what it asks for
            answer = case.call(headers=headers)
        told.append((who, answer.status_code))
        case.validate_response(answer, checks=checks)
        assert not any(secret in answer.content for secret in theirs), who

    quiet = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    for found in contract.get_all_operations():
        operation = found.ok()
        modes = [GenerationMode.POSITIVE]
        if operation.path_parameters or operation.query or operation.body:  # else there is nothing to get wrong
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            quiet(given(operation.as_strategy(generation_mode=mode))(ask))()
    return told


@pytest.mark.gate
def test_every_response_is_in_the_openapi_schema(them, contract):
    """Few examples of each operation, asked as everybody in turn."""
    told = asked(them, contract, 1)
    assert {who for who, _ in told} == set(EVERYWHERE)
    assert {200, 201, 401, 404, 422} <= {status for _, status in told}


@pytest.mark.long
def test_every_response_to_generated_requests_is_in_the_openapi_schema(them, contract):
    told = asked(them, contract, 6 * len(EVERYWHERE))
    assert {200, 201, 401, 404, 409, 422} <= {status for _, status in told}


def post(them, path, body):
    headers = {"authorization": f"Bearer {them.words['provider_lead']}"}
    return Client().post(f"/api/r/{them.relationship}/{path}", body, content_type="application/json", headers=headers)


CLAIM = {"kind": "claim", "title": "Out", "text": "It was out.", "event": "outage", "asked_for": "exclude",
         "from_day": "2026-06-10", "to_day": "2026-06-11", "kpi": "service_level"}  # fmt: skip


@pytest.mark.gate
@pytest.mark.parametrize(
    "change",
    [
        {"title": "a\0b"},
        {"text": "\0"},
        {"queue": "\0"},
        {"title": "\ud800"},
        {"from_day": "0001-01-01"},
        {"to_day": "9999-12-31"},
        {"from_day": 10**30},
        {"due_on": "0001-01-01"},
        {"title": ["x"]},
        {"title": "x" * 161},
    ],
)
def test_null_characters_and_impossible_days_are_refused_and_not_echoed(them, change):
    found = post(them, "matters", json.dumps(CLAIM | change))
    assert found.status_code == 422
    assert found.headers["Content-Type"] == "application/problem+json"
    assert {key for one in found.json()["errors"] for key in one} == {"type", "loc", "msg"}


@pytest.mark.gate
@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"", b"[" * 200_000, b'{"a":' * 100_000, b"1" * 5000, b"{", b"null", b"[]", b'"x"', b"NaN"],
    ids=["no UTF-8", "nothing", "deep list", "deep object", "long number", "broken", "null", "list", "text", "NaN"],
)
def test_invalid_json_is_refused(them, body):
    for path in ("matters", "confirmations", f"matters/{them.matter}/moves"):
        found = post(them, path, body)
        assert found.status_code in {400, 422}
        assert found.headers["Content-Type"] == "application/problem+json"


@pytest.mark.gate
@pytest.mark.parametrize("path", ["nowhere", "r/none/review", "r/{0}/nowhere", "r/{0}/matters/none"])
@pytest.mark.usefixtures("them")
def test_an_unknown_api_url_is_a_problem_document(path):
    found = Client().get(f"/api/{path.format(uuid.uuid4())}")
    assert (found.status_code, found.headers["Content-Type"]) == (404, "application/problem+json")
    assert found.json()["status"] == 404


@pytest.mark.gate
@pytest.mark.parametrize("offset", [10**9 + 1, 2**63, 10**40, -1])
def test_an_offset_has_a_maximum(them, offset):
    headers = {"authorization": f"Bearer {them.words['auditor']}"}
    assert Client().get(f"/api/r/{them.relationship}/matters?offset={offset}", headers=headers).status_code == 422


@pytest.mark.gate
def test_a_name_in_the_levels_csv_is_no_formula():
    them = cast()
    them.book(
        KPI.replace('id = "service_level"', 'id = "=1+1"\nmeasure = "service_level"'), contacts="\n".join(contacts())
    )
    with transaction.atomic():
        set_viewer(them.people["auditor"].pk)
        word = parties.make_token(them.people["auditor"], "a program", 90, writes=False)[1]
    headers = {"authorization": f"Bearer {word}"}
    rows = Browser().get(f"/api/r/{them.relationship}/levels.csv?period=2026-06", headers=headers).content.decode()
    assert "\n'=1+1," in rows
