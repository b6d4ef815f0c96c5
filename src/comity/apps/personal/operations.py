"""Change a person's own choices, and note their visits."""

from datetime import datetime

from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.personal import queries
from comity.apps.personal.models import Appearance, DisplaySettings, SavedView, Visit
from comity.apps.personal.refusals import Code
from comity.apps.refusal import Refused

_MAX_VIEWS = 20  # of a person, for each list


def choose_display(person: Person, time_zone: str, appearance: Appearance, *, shortcuts: bool) -> None:
    """Set the time zone and the colours in which a person sees pages, and whether keys lead to them."""
    chosen = {"time_zone": time_zone, "appearance": appearance, "shortcuts": shortcuts}
    DisplaySettings.objects.update_or_create(person=person, defaults=chosen)


def save_view(member: MemberContext, page: str, name: str, query: str) -> SavedView:
    """Save the filters of a list under a name; one of the same name is replaced.

    :raises Refused: for more than a person may keep
    """
    views = queries.saved_views(member, page)
    if not views.filter(name=name).exists() and views.count() >= _MAX_VIEWS:
        raise Refused(Code.TOO_MANY_VIEWS)
    view, _ = SavedView.objects.update_or_create(
        relationship=member.relationship,
        person=member.membership.person,
        page=page,
        name=name,
        defaults={"query": query},
    )
    return view


def note_visit(member: MemberContext) -> datetime | None:
    """Note that the member is here, and return when they were here before; None on the first visit."""
    now, before = timezone.now(), queries.last_visit(member)
    Visit.objects.update_or_create(
        relationship=member.relationship,
        person=member.membership.person,
        defaults={"at": now, "before": before},
    )
    return before
