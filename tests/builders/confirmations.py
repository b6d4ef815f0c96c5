"""Periods that a side confirms, the entries that follow from it, and silence about them."""

from datetime import timedelta

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.replies import operations as replies
from comity.apps.replies.models import Notice
from comity.apps.reviews import operations, queries
from comity.core import chain
from tests.room import superuser

JUNE = "2026-06"


def confirm(them, who, period=JUNE, digest=None):
    """Confirm the figures as they are now, or those of a digest."""
    with transaction.atomic():
        member = them.at(who)
        review = queries.review(member.joint(), period)
        seen = digest or chain.digest_of(queries.figures(member, review, period))
        return operations.confirm(member, review, period, seen)


def entries(them):
    """What the record holds of both sides' words; steps that are posted to the ledger stand between."""
    with transaction.atomic():
        them.at("auditor")
        return list(Entry.objects.exclude(subject_type=ConsentSubject.LEDGER).order_by("number"))


def back(word, **changes):
    with superuser() as everybody:
        for name, value in changes.items():
            everybody.execute(f"UPDATE record_consent SET {name} = %s WHERE id = %s", [value, word.pk])


def words(them):
    """The words for periods that count now, by side."""
    with transaction.atomic():
        them.at("auditor")
        return list(Consent.objects.filter(subject_type=ConsentSubject.PERIOD, void_at=None).order_by("side"))


def silence_allowed(them, *sides, days=60):
    """Both sides, or these, let silence confirm a period, since so many days."""
    for side in sides or ("customer", "provider"):
        with transaction.atomic():
            replies.set_silence(them.at(f"{side}_lead"), accepts=True)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE replies_silenceterm SET at = %s WHERE relationship_id = %s",
            [timezone.now() - timedelta(days=days), them.relationship],
        )


def late(them, days=40):
    """The customer confirmed June so many days ago, and the provider has not answered."""
    confirm(them, "customer_lead")
    (word,) = words(them)
    back(word, at=timezone.now() - timedelta(days=days))
    cache.clear()  # of the attempts of other tests, as a day later
    return word


def clock(minutes=10, before=20):
    """Let the room's clock have run so many minutes ago, and before that."""
    with superuser() as everybody:
        everybody.execute(
            "UPDATE replies_clock SET ran_at = now() - %s * interval '1 minute', "
            "ran_before = now() - %s * interval '1 minute'",
            [minutes, before],
        )


def notices(them):
    with transaction.atomic():
        them.at("auditor")
        return list(Notice.objects.order_by("at"))


def notice_over(them, days=20):
    """Let the notice be so many days old, and its day over since a minute."""
    with superuser() as everybody:
        everybody.execute(
            "UPDATE replies_notice SET at = at - %(by)s, due_at = due_at - %(by)s, "
            "until = now() - interval '1 minute', told = (SELECT jsonb_agg(one || jsonb_build_object('taken_at', "
            "(one->>'taken_at')::timestamptz - %(by)s)) FROM jsonb_array_elements(told) one) "
            "WHERE relationship_id = %(here)s",
            {"by": timedelta(days=days), "here": them.relationship},
        )
