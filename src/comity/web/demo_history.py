"""What the demo's people dealt with in earlier quarters."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.matters import operations as matters
from comity.apps.parties.member_context import acting_as
from comity.apps.parties.models import Membership, Person
from comity.core.calendars import Calendar, Cut
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.web.demo_dates import ZONE, Dates, moment

NOTICE = "all people, records and matters here are invented, and so are the days of the matters"


def add_history(people: dict[str, Person], relationship: UUID, end: date) -> list[Dates]:
    """Raise and answer what the sides dealt with in earlier quarters, and return when each is to have happened."""
    with acting_as(people["marta"].pk, relationship) as member:
        # Whoever reads the log is told what in it is invented.
        audit(member, Event.OTHER, None, {"action": "loaded the demo:", "about": NOTICE}, shared=True)
    calendar, dates = Calendar(Cut.QUARTER), []
    quarter = calendar.last_ending_by(end)
    for past in HISTORY:
        quarter = calendar.before(quarter)
        day = quarter.start + timedelta(days=past.day)
        with acting_as(people[past.asks].pk, relationship) as member:
            matter = matters.raise_matter(member, past.matter(people, day), ZONE)
        steps = [moment(day + timedelta(days=4), past.hour)]
        for name, move, text in past.moves:
            steps.append(steps[-1] + timedelta(days=2, minutes=37))
            with acting_as(people[name].pk, relationship) as member:
                matter = matters.move(member, matter, move, text, ZONE)
        due_on = day + timedelta(days=40) if past.kind is Kind.ACTION else None
        dates.append(Dates(matter.pk, tuple(steps), due_on))
    return dates


@dataclass(frozen=True, slots=True)
class PastMatter:
    """A matter of an earlier quarter.

    :ivar day: of the quarter, on which it happened; it is raised four days later
    :ivar moves: who answered what, one every other day
    """

    kind: Kind
    title: str
    text: str
    day: int
    hour: int
    asks: str
    moves: tuple[tuple[str, Move, str], ...]
    event: str = ""
    owner: str = ""

    def matter(self, people: dict[str, Person], day: date) -> matters.NewMatter:
        """The matter, as somebody raises it."""
        if self.kind is Kind.CLAIM:
            terms: dict[str, Any] = {"kpi": "service_level", "from_day": day, "to_day": day, "event": self.event}
            return matters.NewMatter(self.kind, self.title, self.text, asked_for="relief", **terms)
        if self.kind is Kind.DISPUTE:
            terms = {"kpi": "service_level", "period": f"{day:%Y-%m}", "wrong": "records"}
            return matters.NewMatter(self.kind, self.title, self.text, **terms)
        owner = Membership.objects.get(person=people[self.owner], left_at=None)
        due_on = date.today() + timedelta(days=40)  # noqa: DTZ011 - the day here; dated back later
        return matters.NewMatter(self.kind, self.title, self.text, owner=owner, due_on=due_on)


# The latest quarter first.
HISTORY = (
    PastMatter(
        Kind.ACTION, "Name the reason of each repeated call", "Agents choose one of nine reasons.", 12, 9, "ines",
        (("jonas", Move.AGREE, "From the first of the month on."), ("aisha", Move.DONE, "In place for all queues."),
         ("ines", Move.CONFIRM, "Nine of ten calls have one.")),
        owner="aisha",
    ),
    PastMatter(
        Kind.CLAIM, "The app was down for five hours", "Calls doubled from 10:00 to 15:00. We ask for relief.", 33, 11,
        "jonas", (("marta", Move.AGREE, "Our outage, and not in the forecast."),), event="outage",
    ),
    PastMatter(
        Kind.DISPUTE, "Test calls are counted", "Forty calls of the switch-over were no customers.", 45, 15, "aisha",
        (("ines", Move.DECLINE, "They were taken out before the file was made; the list is attached to the import."),),
    ),
    PastMatter(
        Kind.ACTION, "Give the forecast three weeks before the month", "Two are too few to plan leave.", 20, 10, "lena",
        (("marta", Move.AGREE, "Three weeks, by mail to Lena."), ("ines", Move.DONE, "Since the last forecast."),
         ("lena", Move.CONFIRM, "Yes, twice in a row.")),
        owner="ines",
    ),
    PastMatter(
        Kind.CLAIM, "A campaign that nobody announced", "The spring offer brought a third more calls.", 51, 16, "aisha",
        (("ines", Move.DECLINE, "It stood in the forecast of 4 May, at the volume that came."),), event="campaign",
    ),
    PastMatter(
        Kind.ACTION, "Answer mails that come with a bill in one place", "Two queues answer the same.", 27, 12, "paul",
        (("marta", Move.AGREE, "Billing takes them."), ("jonas", Move.DONE, "The second queue is closed."),
         ("marta", Move.CONFIRM, "So it is.")),
        owner="jonas",
    ),
)  # fmt: skip
