"""Operations on samples: a made-up relationship to look around in, loaded by a job, and deleted again."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.books.queries import book_folder
from comity.apps.books.results import records_changed
from comity.apps.first_run.queries import own_calendar
from comity.apps.outbox.operations import defer
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import MemberContext, acting_as, find_member
from comity.apps.parties.models import Person
from comity.apps.record.models import Consent
from comity.apps.replies import operations as replies
from comity.book.definition import FILE
from comity.core.values import Side

LOAD_TASK, REMOVE_TASK = "first_run.load", "first_run.remove"
CUSTOMER, PROVIDER = "Northwind Energy", "Helpline"
_MONTHS, _CONTACTS_PER_DAY, _STORY, _SEED = 24, 150, "demo", 1


def begin_sample(person: Person, side: Side) -> MemberContext:
    """Create a sample relationship, and defer the job that loads its records.

    :param side: as which the person looks around
    :raises Refused: beyond the rate limit
    """
    own, other = (CUSTOMER, PROVIDER) if side is Side.CUSTOMER else (PROVIDER, CUSTOMER)
    member = parties.create_sample(person, side, own, other)
    defer(LOAD_TASK, relationship=member.relationship.pk, person=str(person.pk))
    return member


def load_sample_now(person: UUID, relationship: UUID) -> None:
    """Simulate the records of a sample up to last month, for the task; records that are there stay as they are."""
    from comity.simulate.book import TRUTH, write_book  # noqa: PLC0415 - late: it brings the simulation in
    from comity.simulate.partnership import make_partnership  # noqa: PLC0415 - as above
    from comity.simulate.stories import story  # noqa: PLC0415 - as above

    with transaction.atomic():
        if find_member(person, relationship) is None:
            return  # deleted before it was loaded
    folder = book_folder(relationship)
    if not (folder / FILE).is_file():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".sample-") as work:
            out = Path(work) / "book"
            last = _month_before(timezone.now().date())
            write_book(make_partnership(story(_STORY), _SEED, _MONTHS, _CONTACTS_PER_DAY, last), out)
            (out / TRUTH).unlink()
            out.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)
            out.rename(folder)
    with acting_as(person, relationship):
        records_changed(relationship)


def _month_before(day: date) -> date:
    """Return the first day of the month before."""
    return date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)


def propose_days_off(member: MemberContext, free_days: Mapping[date, str]) -> Consent:
    """Propose days off of the own side; its hours stay as they are, or as it has proposed them.

    :raises Refused: as `replies.operations.propose_calendar`
    """
    return replies.propose_calendar(member, replace(own_calendar(member), free_days=dict(free_days), entry=None))


def end_sample(member: MemberContext) -> None:
    """Leave and delete a sample: nobody reads it any more, and a job removes its records.

    :raises Refused: for whoever is not a lead, and for a relationship that is no sample
    """
    relationship = member.relationship.pk
    defer(REMOVE_TASK, relationship=relationship, sides=())
    parties.end_sample(member)


def end_unjoined(member: MemberContext) -> None:
    """End a relationship that the other side never joined; a job removes its records.

    :raises Refused: as `parties.operations.end_unjoined`
    """
    relationship = member.relationship.pk
    parties.end_unjoined(member)
    defer(REMOVE_TASK, relationship=relationship, sides=())


def remove_sample_now(relationship: UUID) -> None:
    """Remove the files of a sample, or of what the other side never joined, once nobody is in it; for the task."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT comity_is_ended_sample(%s) OR comity_is_ended_unjoined(%s)", [relationship, relationship]
        )
        (is_ended,) = cursor.fetchone()
    if is_ended:
        folders = [Path(settings.DATA) / name / str(relationship) for name in ("uploads", "results")]
        for folder in (book_folder(relationship), *folders):
            shutil.rmtree(folder, ignore_errors=True)
