"""Every mail, every job and every line of the log as whom they reach: placed here, with secrets planted and looked for.

A mail or a job that is added fails the test until it is placed.
"""

import ast
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app

import comity.apps
from comity.apps.books import tasks as books
from comity.apps.books.models import Delivery
from comity.apps.matters import tasks as matters
from comity.apps.matters.models import Kind
from comity.apps.matters.operations import Asked, raise_matter
from comity.apps.parties.rights import Action, may
from comity.apps.reviews import tasks as reviews
from comity.apps.reviews.models import Confirmation
from comity.apps.wording import words_for
from comity.web.serving import QUEUES
from tests.apps.test_bringing import brought
from tests.apps.test_closing import back, confirm
from tests.apps.test_closing import entries as kept
from tests.apps.test_matrix import EVERYBODY, OURS
from tests.apps.test_matters import KPI, contacts, raised, running
from tests.apps.test_records import received
from tests.room import cast

pytestmark = pytest.mark.gate
# Mail -> the right of those of one side whom it goes to; None: to the address that somebody named.
# "oneself": whoever wished for it; tried in test_closing, as are the heads, which go to both sides.
MAILS = {
    "invite": None,
    "reminder": Action.ANSWER,
    "silence": Action.CONFIRM,
    "head_frozen": Action.CONFIRM,
    "head_restated": Action.CONFIRM,
    "by_mail": "oneself",
}
# Job -> as whom it looks: who asked for it, or somebody who leads in each relationship.
JOBS = {
    "books.look": "who asked",
    "books.bring": "who asked",
    "books.write": "the room",
    "books.again": "the room",  # counts jobs, and sees no row of a relationship
    "books.route": "who asked",
    "reviews.mail": "oneself",
    "matters.tick": "lead",
    "reviews.tick": "lead",
}
THEIRS = {"procrastinate.builtin_tasks.remove_old_jobs", "builtin:procrastinate.builtin_tasks.remove_old_jobs"}
PRIVATE = """
[private]
provider = ["costs", "staff"]
customer = ["prices"]
"""


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(
        PRIVATE + KPI,
        contacts="\n".join(contacts()),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
    )
    return made


def secrets():
    return [secret for side in OURS.values() for secret in side]


def called(name):
    """Where the room calls a function of a name: the file, and the text that it is given first of its own."""
    for file in Path(comity.apps.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
                yield file.name, [one.value for one in node.args if isinstance(one, ast.Constant)]


def test_every_mail_is_placed():
    keys = {key.removesuffix(".mail") for key in words_for("en")._sentences if key.endswith(".mail")}
    assert keys == MAILS.keys()
    told = {text for name in ("tell", "tell_one") for _, texts in called(name) for text in texts}
    assert {text for text in told if isinstance(text, str)} == MAILS.keys() - {"invite", "head_frozen", "head_restated"}
    # One place hands mails over, and beside it only allauth's and what asks somebody in.
    assert {file for file, _ in called("send_mail")} == {"mailing.py"}
    assert sorted(file for file, _ in called("later")) == ["mailing.py", "operations.py"]
    assert sorted(file for file, _ in called("EmailMessage")) == ["mailing.py"]


def test_every_job_is_placed():
    assert app.tasks.keys() - THEIRS == JOBS.keys()
    assert {app.tasks[name].queue for name in JOBS} == set(QUEUES)  # somebody works on each


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_mail_goes_to_those_of_the_side_with_the_right_and_tells_no_secret(them, language):
    """A reminder and the word before silence; in the reader's language."""
    for one in them.people.values():
        type(one).objects.filter(pk=one.pk).update(language=language)
    period = {"en": "2026-05", "es": "2026-06"}[language]
    matter = raised(them, "provider_lead", Kind.DISPUTE)
    confirm(them, "provider_lead", period)
    running(matter, them, timedelta(days=1))
    with transaction.atomic():
        them.at("customer_lead")
        word = Confirmation.objects.get(period=period)
    back(word, at=timezone.now() - timedelta(days=12))
    mail.outbox = []
    matters.tick(0)
    reviews.tick(0)
    ours = [one for one in mail.outbox if str(them.relationship) in one.body]
    for path, right in ((f"matters/{matter.pk}/", Action.ANSWER), (f"period={period}", Action.CONFIRM)):
        to = {address for one in ours if path in one.body for address in one.to}
        assert to == {
            them.people[name].email
            for name in EVERYBODY
            if name.startswith("customer") and may(name.split("_")[-1], right)
        }
    assert all(len(one.to) == 1 and not one.cc and not one.bcc for one in ours)
    told = "".join(str(one.message()) for one in ours)
    assert not any(secret in told for secret in secrets())
    assert ("contesta" in told.lower() or "confirma" in told.lower()) is (language == "es")


def test_a_title_over_several_lines_stops_no_clock(them):
    """Else either side could hold up silence, for the whole relationship, by one matter."""
    other = raised(them)
    with transaction.atomic():
        standing = them.at("provider_lead")
        odd = raise_matter(standing, Asked(Kind.DISPUTE, "A\r\nBcc: evil@example.org\n\nx", "Why."), "UTC")
    running(odd, them, timedelta(days=1))
    running(other, them, -timedelta(minutes=1))
    mail.outbox = []
    matters.tick(0)
    told = [one for one in mail.outbox if str(odd.pk) in one.body]
    assert told
    assert all("evil@example.org" not in one.recipients() and one.message()["Bcc"] is None for one in told)
    with transaction.atomic():
        them.at("provider_lead")
        assert type(other).objects.get(pk=other.pk).state == "deemed"


@pytest.mark.parametrize("job", [books.look, books.bring])
@pytest.mark.parametrize("who", ["customer_lead", "stranger", "former"])
def test_a_job_in_the_name_of_somebody_else_does_nothing(them, job, who):
    made = received(
        them, "provider_lead", "costs.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,1,5,fixed\n"
    )
    with pytest.raises((PermissionError, Delivery.DoesNotExist)):
        job(str(them.people[who].pk), str(them.relationship), str(made.pk))
    with transaction.atomic():
        them.at("provider_lead")
        assert Delivery.objects.get(pk=made.pk).stage == made.stage


def test_no_log_and_no_name_of_a_file_tells_a_secret_or_who_is_there(them, caplog):
    """Of whatever is asked, granted or refused: neither what is kept, nor names, addresses and words."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    brought(
        them, "provider_lead", "Zebulon-4711.13.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,y,5,fixed\n"
    )
    names = []
    for who in ("customer_lead", "provider_lead", "provider_member", "auditor", "stranger", "former", None):
        browser = them.client(who)
        for path in ("", "review/", "review/file.json", "review/file.xlsx", "record/", "records/", "log/", "people/",
                     "attribution/", "matters/", "review/?period=none"):  # fmt: skip
            names.append(  # noqa: PERF401
                browser.get(them.url(path)).headers.get("Content-Disposition", "")
            )
        browser.post(them.url("people/invite/"), {"email": "Zebulon@example.org", "role": "member"})
        browser.post(them.url("matters/raise/action/"), {"title": "Zebulon 4711.13"})
    Client().post("/sign-in/", {"login": them.people["auditor"].email, "password": "Zebulon 4711.13"})
    Client().get("/api/relationships", headers={"authorization": "Bearer Zebulon"})
    assert set(names) == {
        "",
        'attachment; filename="record.json"',
        *(f'attachment; filename="review-2026-06.{form}"' for form in ("json", "xlsx")),
    }
    ours = [one for one in caplog.records if not one.name.startswith(("asyncio", "fontTools", "weasyprint"))]
    assert ours
    text = "\n".join(f"{one.name} {one.getMessage()}" for one in ours)
    people = [one.email for one in them.people.values()] + [one.name for one in them.people.values()]
    for told in (*secrets(), "Zebulon@", "Northwind", "Helpline", *people):
        assert told not in text
    assert kept(them) is not None
