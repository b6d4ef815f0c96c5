"""Queries for a person's own choices and visits."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.personal.models import DisplaySettings, SavedView, Visit

VISIT_GAP = timedelta(minutes=30)  # between two visits, after the last look at Today


def display_settings(person: Person) -> DisplaySettings:
    """Return how pages look to a person; the defaults until they choose."""
    return DisplaySettings.objects.filter(person=person).first() or DisplaySettings(person=person)


def saved_views(member: MemberContext, page: str) -> QuerySet[SavedView]:
    """Return the member's own saved views of a list, by name."""
    return SavedView.objects.filter(relationship=member.relationship, person=member.membership.person_id, page=page)


def last_visit(member: MemberContext) -> datetime | None:
    """Return when the member was here before the present visit; None on the first one."""
    visit = Visit.objects.filter(relationship=member.relationship, person=member.membership.person_id).first()
    if visit is None:
        return None
    return visit.before if timezone.now() - visit.at < VISIT_GAP else visit.at
