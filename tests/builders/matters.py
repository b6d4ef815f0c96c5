"""Matters that are raised and moved by the cast, and their clocks."""

from django.db import transaction
from django.utils import timezone

from comity.apps.matters.models import Step
from comity.apps.matters.operations import Beside, NewMatter, Terms, move, raise_matter
from comity.core.matters.kinds import Kind
from tests.room import run_jobs, superuser

ZONE = "Europe/Madrid"


FIGURE = {"kpi": "service_level", "period": "2026-06", "wrong": "records"}  # what a dispute is about, unless said


def asked(kind=Kind.DISPUTE, title="A matter", **more):
    about = FIGURE if kind is Kind.DISPUTE else {}
    return NewMatter(kind, title, "Because.", **(about | more))


def raised(them, who="customer_lead", kind=Kind.DISPUTE, **more):
    with transaction.atomic():
        matter = raise_matter(them.at(who), asked(kind, **more), ZONE)
    run_jobs()
    return matter


def moved(them, who, matter, what, text="So it is.", beside=None, **terms):
    """Make a move; an accepted dispute is followed by a correction of the records, unless said."""
    terms = {"follows": "records"} | terms if matter.kind == Kind.DISPUTE else terms
    with transaction.atomic():
        said = Beside(**beside) if beside else None
        matter = move(them.at(who), matter, what, text, ZONE, Terms(**terms), beside=said)
    run_jobs()
    return matter


def sent(them, who, matter, what, **fields):
    """Send the form of a move, as the page that has shown every step of the matter."""
    with transaction.atomic():
        them.at("auditor")
        seen = Step.objects.filter(matter=matter).order_by("-number").first().number
    fields = {"text": "Because.", "seen": seen} | fields
    return them.client(who).post(them.url(f"matters/{matter.pk}/move/{what}/"), fields)


def steps(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return list(Step.objects.filter(matter=matter).select_related("answers_to"))


def running(matter, them, back):  # noqa: ARG001 - as other tests call it
    """Let the clock of a matter be where it will be; no viewer may, so that the superuser does it."""
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET reply_by = %s WHERE id = %s", [timezone.now() + back, matter.pk])


def reminded(matter, ago):
    """As if the reminder had been sent some time ago."""
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET reminded_at = %s WHERE id = %s", [timezone.now() - ago, matter.pk])
