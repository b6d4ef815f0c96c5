"""What programs ask of the log, and are answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema

from comity.apps.audit.models import Event, SubjectType
from comity.apps.parties.schemas import Slice
from comity.core.values import Side


class LogQuery(Slice):
    """Which events of the log."""

    reads: bool = False


class SubjectOut(Schema):
    """What an event is about; `id` is null where that is no row, such as a period."""

    type: SubjectType
    id: UUID | None


class EventOut(Schema):
    """One event: `action` and `about` say in English what `event`, `subject` and `data` say exactly.

    `by` is null for what is nobody's doing: a reminder, acceptance by silence.
    """

    at: datetime
    by: str | None
    side: Side | None
    action: str
    about: str
    event: Event
    subject: SubjectOut | None
    data: dict[str, Any]
