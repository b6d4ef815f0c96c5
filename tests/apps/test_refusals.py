"""What somebody asks for and does not get: one class, one rule for the status, one answer a channel."""

import importlib
import inspect
import pkgutil
import re
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

import comity.apps
from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.operations import audit
from comity.apps.books.queries import sentence
from comity.apps.i18n import APPS, words_for
from comity.apps.matters import operations as matters
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Membership, Role
from comity.apps.parties.refusals import Code
from comity.apps.refusal import RefusalCode, Refused
from comity.book.definition import UnusableBookError
from comity.book.formats.sheet import UnusableSourceError
from comity.book.mappings.model import UnusableMappingError
from comity.core.matters.kinds import Kind
from comity.review.i18n.words import LOCALES
from tests.builders.levels import contacts
from tests.builders.matters import sent
from tests.builders.programs import ask, token
from tests.builders.uploads import received, run
from tests.room import cast

WAITING, BOOK = Path("/srv/room/uploads/1/june _b_.csv"), Path("/srv/room/books/1")
FOLDER = Path(comity.apps.__file__).parent
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(comity.apps.__path__, "comity.apps.")
    if ".migrations" not in found.name and not found.name.endswith(".urls")
]
CODES = [
    code
    for module in MODULES
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, RefusalCode) and kind.__module__ == module.__name__
    for code in kind
]


def test_every_code_has_a_sentence_in_every_language_and_no_sentence_is_left_over():
    keys = {code.message for code in CODES}
    assert len(keys) == len(CODES) > 30
    for language in LOCALES:
        known = {f"refused.{app}.{key}" for app in APPS for key in sentences(app, language)}
        assert known == keys


def sentences(app, language):
    file = FOLDER / app / "words" / f"{language}.toml"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    section = text.partition(f"[refused.{app}]\n")[2].partition("\n[")[0]
    return re.findall(r"^(\w+) = ", section, re.MULTILINE)


def test_database_refusals_are_known_codes():
    answers = {
        answer
        for file in FOLDER.glob("*/migrations/*.py")
        for answer in re.findall(r"RETURN '([a-z_]+)'", file.read_text(encoding="utf-8"))
    }
    assert answers
    assert answers <= set(Code)


def test_errors_of_the_apps_are_refusals_and_no_value_errors():
    errors = {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith("comity.apps")
    }
    assert {kind.__name__ for kind in errors} >= {"Refused", "FiguresMovedError", "NoBookError"}
    for kind in errors:
        assert issubclass(kind, Refused), kind
        assert not issubclass(kind, ValueError | LookupError), kind


def test_statuses_follow_the_kind_of_refusal():
    assert {code.status for code in CODES} == {403, 409, 410, 422, 429, 503}
    assert {code for code in CODES if code.status == HTTPStatus.TOO_MANY_REQUESTS} == {Code.TOO_OFTEN}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnusableSourceError("the file is empty", file=WAITING), "june <b>.csv: the file is empty"),
        (UnusableSourceError("is too long", file=WAITING, line=1200), "june <b>.csv line 1,200: is too long"),
        (UnusableSourceError("1 of 2 rows break a rule", file=WAITING.name), "june <b>.csv: 1 of 2 rows break a rule"),
        (
            UnusableBookError("is not a zone", file=BOOK / "book.toml", place="book.timezone"),
            "the book/book.toml: book.timezone is not a zone",
        ),
        (UnusableBookError("cannot be written", file=BOOK), "the book: cannot be written"),
        (UnusableBookError("is damaged", file="/etc/keys/digest.key"), "digest.key: is damaged"),
        (UnusableMappingError("say what the file is"), "say what the file is"),
        (PermissionError(13, "Permission denied", str(BOOK)), "Permission denied"),
    ],
)
def test_sentences_name_files_without_their_paths(error, said):
    names = {WAITING: "june <b>.csv", Path(WAITING.name): "june <b>.csv", BOOK: "the book"}
    assert sentence(error, names) == said


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.tokens = {}
    made.book("", contacts="\n".join(contacts()))
    return made


def place_of(them, who):
    with transaction.atomic():
        them.at("auditor")
        return Membership.objects.get(person=them.people[who], left_at=None).pk


def refusing(monkeypatch, status):
    """Let an operation write to the log and then refuse with a status."""
    monkeypatch.setattr(Code.LAST_LEAD, "status", status)

    def end_membership(member, _):
        audit(member, Event.DELIVERY_IMPORTED, None, {"name": "what is not kept"}, shared=True)
        raise Refused(Code.LAST_LEAD, retry_after_s=60 if status == HTTPStatus.TOO_MANY_REQUESTS else None)

    monkeypatch.setattr(parties, "end_membership", end_membership)


def kept(them):
    with transaction.atomic():
        them.at("auditor")
        return AuditEvent.objects.filter(data__name="what is not kept").exists()


@pytest.mark.gate
@pytest.mark.parametrize("status", [403, 404, 409, 422, 429])
def test_the_api_answers_a_refusal_with_status_sentence_and_code(them, monkeypatch, status):
    refusing(monkeypatch, HTTPStatus(status))
    place, headers = place_of(them, "customer_member"), {
        "authorization": f"Bearer {token(them, 'customer_lead', writes=True)}",
    }  # fmt: skip
    answer = them.client(None).delete(f"/api/r/{them.relationship}/people/{place}", headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.headers.get("Retry-After") == ("60" if status == 429 else None)
    if status == 404:  # as for every address that is none
        assert answer.content == ask(them, "customer_lead", f"matters/{place}").content
    else:
        sentence = words_for("en")("refused.parties.last_lead")
        assert answer.json() == {"type": "about:blank", "title": sentence, "status": status, "code": "last_lead"}
    assert not kept(them)


@pytest.mark.gate
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_page_redirects_a_refusal_to_its_form_with_a_message(them, monkeypatch, language):
    refusing(monkeypatch, HTTPStatus.CONFLICT)
    place, browser = place_of(them, "customer_member"), them.client("customer_lead")
    address, page = them.url(f"people/{place}/let-go/"), them.url(f"people/{place}/")
    answer = browser.post(address, headers={"accept-language": language})
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    told = browser.get(page, headers={"accept-language": language}).content.decode()
    assert words_for(language)("refused.parties.last_lead") in told
    assert not kept(them)


@pytest.mark.gate
def test_a_refusal_may_name_the_page_that_follows(them, monkeypatch):
    def end_membership(*_):
        raise Refused(Code.LAST_LEAD, place=them.url("records/"))

    monkeypatch.setattr(parties, "end_membership", end_membership)
    answer = them.client("customer_lead").post(them.url(f"people/{place_of(them, 'customer_member')}/let-go/"))
    assert answer.headers["Location"] == them.url("records/")


@pytest.mark.gate
@pytest.mark.parametrize(("status", "title"), [(404, "error.not_found"), (429, "error.too_often")])
def test_not_found_and_rate_limits_have_error_pages(them, monkeypatch, status, title):
    refusing(monkeypatch, HTTPStatus(status))
    address = them.url(f"people/{place_of(them, 'customer_member')}/let-go/")
    answer = them.client("customer_lead").post(address)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, "60" if status == 429 else None)
    assert words_for("en")(title) in answer.content.decode()
    assert (words_for("en")("refused.parties.last_lead") in answer.content.decode()) == (status == 429)
    assert not kept(them)


@pytest.mark.gate
def test_a_refused_get_is_an_error_page(them, monkeypatch):
    """Nobody is sent round in circles by a page that itself is refused."""

    def refuse(*_):
        raise Refused(Code.LEADS_ONLY)

    monkeypatch.setattr("comity.apps.parties.queries.members", refuse)
    answer = them.client("customer_lead").get(them.url("people/"))
    assert answer.status_code == 403
    assert words_for("en")("refused.parties.leads_only") in answer.content.decode()


# What is typed is there again, beside the reason ----------------------------------------------------------------------


def shown_again(answer, typed, reason):
    page = answer.content.decode()
    assert answer.status_code == 422
    assert typed in page
    assert words_for("en")(reason) in page


@pytest.mark.gate
def test_a_refused_invitation_keeps_its_address(them):
    said = {"email": "typed@example.org", "role": Role.MEMBER, "across": "1"}
    answer = them.client("customer_lead").post(them.url("people/invite/"), said)
    shown_again(answer, 'value="typed@example.org"', "refused.parties.invites_own")


@pytest.mark.gate
def test_a_refused_deputy_form_keeps_the_day(them):
    day = (timezone.now() + timedelta(days=90)).date().isoformat()
    said = {"deputy": str(place_of(them, "customer_roster")), "until": day}
    address = them.url(f"people/{place_of(them, 'customer_member')}/stand-in/")
    shown_again(them.client("customer_member").post(address, said), f'value="{day}"', "refused.parties.deputy_days")


@pytest.mark.gate
def test_a_refused_reply_keeps_its_text_and_terms(them):
    with transaction.atomic():
        day = timezone.now().date()
        about = matters.NewMatter(Kind.CLAIM, "Out", "It was out.", from_day=day, to_day=day, event="outage")
        matter = matters.raise_matter(them.at("customer_lead"), about, "UTC")
    not_their_turn = sent(them, "customer_lead", matter, "agree", text="typed at length")
    shown_again(not_their_turn, "typed at length", "refused.matters.their_turn")
    wrong = {"text": "typed at length", "queue": "help", "to_day": (day - timedelta(days=1)).isoformat()}
    answer = sent(them, "provider_lead", matter, "counter", **wrong)
    shown_again(answer, "typed at length", "refused.matters.order")
    assert '<option value="help" selected>' in answer.content.decode()


@pytest.mark.gate
def test_a_refused_mapping_keeps_its_text(them):
    delivery = run(
        them, "customer_lead", received(them, "customer_lead", "weekly.csv", "Skill,Date\nx,1\n"), dry_run=True
    )
    answer = them.client("customer_lead").post(
        them.url(f"records/{delivery.pk}/move/"), {"do": "look", "mapping": "", "text": "table = 5 # typed at length"}
    )
    assert answer.status_code == 422
    assert "table = 5 # typed at length" in answer.content.decode()
    assert "weekly.csv: " in answer.content.decode()  # what is wrong, and of which file


@pytest.mark.gate
def test_a_refused_restatement_keeps_its_reason(them):
    said = {"period": "2026-06", "reason": "typed at length"}
    answer = them.client("customer_lead").post(them.url("review/restate/"), said)
    shown_again(answer, "typed at length", "refused.reviews.not_frozen")


@pytest.mark.gate
def test_refused_holding_back_keeps_its_reason(them):
    day = (timezone.now() + timedelta(days=30)).date().isoformat()
    said = {"item": "contacts", "reason": "typed at length", "review_on": day}
    answer = them.client("customer_lead").post(them.url("records/private/"), said)
    shown_again(answer, "typed at length", "refused.books.shared_already")


@pytest.mark.gate
def test_a_refused_book_form_keeps_its_input():
    made = cast()
    answer = made.client("customer_lead").post(
        made.url("records/begin/"), {"timezone": "Typed/Zone", "currency": "SEK"}
    )
    assert answer.status_code == 422
    assert 'value="SEK"' in answer.content.decode()
    assert words_for("en")("book.no_zone") in answer.content.decode()
    assert "book.timezone" not in answer.content.decode()
    assert "/book.toml" not in answer.content.decode()


@pytest.mark.gate
def test_a_missing_right_is_explained_where_the_matter_is_visible(them):
    """403 for who reads matters and may not raise one; 404 for who has no place here."""
    body = {"kind": "dispute", "title": "Typed", "text": "Why?"}
    refused = ask(them, "auditor", "matters", body, writes=True)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert ask(them, "stranger", "matters", body, writes=True).status_code == 404
