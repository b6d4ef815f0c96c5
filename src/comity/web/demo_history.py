"""What the demo's people dealt with in earlier quarters: asked, offered, promised, kept and broken, on both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Matter
from comity.apps.parties.member_context import acting_as
from comity.apps.parties.models import Membership, Person
from comity.core.calendars import Calendar, Cut
from comity.core.matters.kinds import Kind, Term
from comity.core.matters.transitions import Move
from comity.web.demo_dates import ZONE, Dates, moment

NOTICE = "all people, records and matters here are invented, and so are the days of the matters"
_RAISED_AFTER, _MINUTES = 4, 37  # days after what a matter is about; between two moves, beside their days


def add_history(people: Mapping[str, Person], relationship: UUID, end: date) -> list[Dates]:
    """Raise and answer what the sides dealt with in earlier quarters, and return when each is to have happened."""
    with acting_as(people["marta"].pk, relationship) as member:
        # Whoever reads the log is told what in it is invented.
        audit(member, Event.OTHER, None, {"action": "loaded the demo:", "about": NOTICE}, shared=True)
    calendar, dates = Calendar(Cut.QUARTER), []
    quarter = calendar.last_ending_by(end)
    for number, quarter_matters in enumerate(HISTORY):
        if number:
            quarter = calendar.before(quarter)
        raised: dict[str, Matter] = {}
        for past in quarter_matters:
            day = quarter.start + timedelta(days=past.day)
            matter, told = _dealt_with(people, relationship, past, day, raised)
            raised[past.title] = matter
            dates.append(told)
    return dates


def _dealt_with(
    people: Mapping[str, Person], relationship: UUID, past: "PastMatter", day: date, raised: Mapping[str, Matter]
) -> tuple[Matter, Dates]:
    """Raise a matter and make its moves, now; and when that is to have been."""
    today = date.today()  # noqa: DTZ011 - the day here; dated back later
    with acting_as(people[past.asks].pk, relationship) as member:
        matter = matters.raise_matter(member, past.matter(people, day, today, raised), ZONE)
    steps = [moment(day + timedelta(days=_RAISED_AFTER), past.hour)]
    for one in past.moves:
        steps.append(steps[-1] + timedelta(days=one.after, minutes=_MINUTES))
        owed_by = None if one.day is None else today + timedelta(days=one.day)
        terms = matters.Terms(due_on=owed_by, **one.terms)
        with acting_as(people[one.who].pk, relationship) as member:
            matter = matters.move(member, matter, one.move, one.text, ZONE, terms, beside=matters.Beside(day=owed_by))
    return matter, Dates(matter.pk, tuple(steps), (day - today).days)


@dataclass(frozen=True, slots=True)
class PastMove:
    """A move in a matter of an earlier quarter.

    :ivar after: days after the move before it
    :ivar day: of what is agreed or proposed with it, in days from what the matter is about
    """

    who: str
    move: Move
    text: str
    after: int = 2
    day: int | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PastMatter:
    """A matter of an earlier quarter.

    :ivar day: of the quarter, on which it happened; it is raised four days later
    :ivar due: by when it is asked, offered or proposed to be done, in days from `day`
    :ivar prompted_by: the title of an earlier one of the same quarter
    :ivar says: further fields of its kind
    """

    kind: Kind
    title: str
    text: str
    day: int
    hour: int
    asks: str
    moves: tuple[PastMove, ...]
    owner: str = ""
    due: int | None = None
    prompted_by: str = ""
    says: Mapping[str, Any] = field(default_factory=dict)

    def matter(
        self, people: Mapping[str, Person], day: date, today: date, raised: Mapping[str, Matter]
    ) -> matters.NewMatter:
        """The matter, as somebody raises it; a day by which it is owed lies ahead of `today`, as it does of `day`."""
        says = dict(self.says)
        if self.owner:
            says["owner"] = Membership.objects.get(person=people[self.owner], left_at=None)
        if self.due is not None:
            says["due_on"] = today + timedelta(days=self.due)
        if self.prompted_by:
            says["prompted_by"] = raised[self.prompted_by]
        if self.kind is Kind.DISPUTE:
            says |= {"period": f"{day:%Y-%m}"}
        if self.kind is Kind.CLAIM:
            says |= {"from_day": day, "to_day": day}
        if self.kind is Kind.UNTOLD:
            says |= {"from_day": day, "event_on": day}
        return matters.NewMatter(self.kind, self.title, self.text, **says)


_LEVEL = {Term.KPI.value: "service_level"}
_RELIEF = {**_LEVEL, "asked_for": "relief"}

# The latest quarter first.
HISTORY: tuple[tuple[PastMatter, ...], ...] = (
    (
        PastMatter(
            Kind.QUESTION, "Which letters go out next quarter?", "We plan leave now and know of none.", 3, 9, "lena",
            (PastMove("ines", Move.AGREE, "One in the second month, to 40,000 homes; the third is not decided."),),
        ),
        PastMatter(
            Kind.NEED, "Callers who moved house want one call, not two", "Half of them call again for the final bill.",
            9, 11, "marta",
            (PastMove("jonas", Move.AGREE, "We take the meter reading in the first call.", 3, day=45),
             PastMove("aisha", Move.DONE, "Live in both queues since Monday.", 24),
             PastMove("ines", Move.CONFIRM, "Second calls are down by a third.", 6)),
            says={"wording": "Meter reading and final bill in the first call", "kpi": "repeat_contact"},
        ),
        PastMatter(
            Kind.UNTOLD, "The new tariff went live on the website", "Calls doubled for two days; nobody had told us.",
            16, 10, "jonas",
            (PastMove("marta", Move.AGREE, "Right: it was brought forward, and the mail was never sent.", 4),),
            says={**_LEVEL, "untold": "that"},
        ),
        PastMatter(
            Kind.ACTION, "Hire twelve agents before the letter goes out", "The plan for autumn needs them.", 14, 15,
            "marta",
            (PastMove("jonas", Move.AGREE, "Twelve, trained by then.", 3),
             PastMove("jonas", Move.OTHER_DAY, "Eight are here; four begin three weeks later.", 20, day=61),
             PastMove("marta", Move.TAKE, "Taken, with regret.", 1),
             PastMove("jonas", Move.DONE, "All twelve are on the phones.", 24),
             PastMove("marta", Move.CONFIRM, "Seen in the rosters.", 3)),
            owner="jonas", due=40, says=_LEVEL,
        ),
    ),
    (
        PastMatter(
            Kind.ACTION, "Name the reason of each repeated call", "Agents choose one of nine reasons.", 12, 9, "ines",
            (PastMove("jonas", Move.AGREE, "From the first of the month on."),
             PastMove("aisha", Move.DONE, "In place for all queues.", 21),
             PastMove("ines", Move.CONFIRM, "Nine of ten calls have one.")),
            owner="aisha", due=40,
        ),
        PastMatter(
            Kind.OFFER, "Answer chats on Saturdays", "Four in ten who write on Saturday call on Monday.", 20, 12,
            "jonas",
            (PastMove("marta", Move.COUNTER, "Yes, from 9 to 15, and for three months first.", 3,
                      terms={"wording": "Chat on Saturdays from 9 to 15, for three months", "price": "as on weekdays"}),
             PastMove("jonas", Move.AGREE, "Agreed: three months.", 2, day=40),
             PastMove("lena", Move.DONE, "Staffed since last Saturday.", 18),
             PastMove("nora", Move.CONFIRM, "Monday is calmer.", 9)),
            says={"wording": "Chat on Saturdays", "price": "3,200 EUR a month", "kpi": "chat_service_level"},
        ),
        PastMatter(
            Kind.FAILURE, "Tickets of a bill run lay for six days", "Four hundred tickets were routed to nobody.", 31,
            9, "aisha",
            (PastMove("ines", Move.AGREE, "Thank you for saying so first.", 1),
             PastMove("jonas", Move.DONE, "Closed, and an alarm is set at twenty unassigned tickets.", 9),
             PastMove("ines", Move.CONFIRM, "Checked on ten of them.", 3)),
            due=21, says={"failed": "provider", "cause": "A rule of the ticket system, changed on a Friday.",
                          "kpi": "sla_attainment"},
        ),
    ),
    (
        PastMatter(
            Kind.CLAIM, "The app was down for five hours", "Calls doubled from 10:00 to 15:00. We ask for relief.", 33,
            11, "jonas", (PastMove("marta", Move.AGREE, "Our outage, and not in the forecast."),),
            says={**_RELIEF, "event": "outage"},
        ),
        PastMatter(
            Kind.COMPLAINT, "Three callers heard that we would ring back, and nobody did",
            "Their letters are attached.",
            40, 10, "nora",
            (PastMove("jonas", Move.AGREE, "We called all three, and list each call-back with its hour now.", 2),),
        ),
        PastMatter(
            Kind.DECISION, "May agents waive a reminder fee up to 10 euros?", "It would end one call in thirty.", 50,
            14,
            "paul",
            (PastMove("marta", Move.AGREE, "Yes, once a year and customer.", 6),
             PastMove("marta", Move.DONE, "The note to all agents went out today.", 8),
             PastMove("paul", Move.CONFIRM, "Received.", 1)),
            due=30, says={"wording": "Agents may waive a reminder fee up to 10 euros"},
        ),
    ),
    (
        PastMatter(
            Kind.DISPUTE, "Test calls are counted", "Forty calls of the switch-over were no customers.", 45, 15,
            "aisha",
            (PastMove("ines", Move.DECLINE,
                      "They were taken out before the file was made; the list is attached to the import."),),
            says={**_LEVEL, "wrong": "records"},
        ),
        PastMatter(
            Kind.ACTION, "Send the list of closed branches each Friday", "Agents send callers to closed doors.", 8, 9,
            "aisha",
            (PastMove("marta", Move.AGREE, "Each Friday by noon."),
             PastMove("ines", Move.DONE, "The first list is sent.", 44),
             PastMove("aisha", Move.NOT_DONE, "It came once, and not on the two Fridays since.", 15),
             PastMove("ines", Move.DONE, "Sent by itself now.", 12),
             PastMove("aisha", Move.CONFIRM, "Three Fridays in a row.", 8)),
            owner="ines", due=40,
        ),
        PastMatter(
            Kind.OFFER, "Forecast the calls of each letter from its draft", "Two weeks earlier than now.", 60, 16,
            "aisha",
            (PastMove("ines", Move.DECLINE, "Drafts change until the day before; it would be wrong too often."),),
            says={"wording": "A forecast of each letter from its draft", "kpi": "forecast_wape"},
        ),
    ),
    (
        PastMatter(
            Kind.ACTION, "Give the forecast three weeks before the month", "Two are too few to plan leave.", 20, 10,
            "lena",
            (PastMove("marta", Move.AGREE, "Three weeks, by mail to Lena."),
             PastMove("ines", Move.DONE, "Since the last forecast.", 16),
             PastMove("lena", Move.CONFIRM, "Yes, twice in a row.", 9)),
            owner="ines", due=40,
        ),
        PastMatter(
            Kind.PROPOSAL, "Agents of the quick queue learn the slow one",
            "Waits of the slow queue are three times as long.",
            28, 11, "jonas",
            (PastMove("marta", Move.ASK_BACK, "What does the quick queue lose meanwhile?", 2),
             PastMove("jonas", Move.REPLY, "Two agents a week for a day each.", 2),
             PastMove("marta", Move.AGREE, "Agreed, outside of the bill run.", 2),
             PastMove("jonas", Move.CANNOT, "Nine of the fourteen have left; we begin again in spring.", 26)),
            due=50, says={**_LEVEL, "proposes": "process", "becomes": "promise",
                          "before": "Each agent knows one queue.", "wording": "Fourteen agents know two queues."},
        ),
        PastMatter(
            Kind.WARNING, "A third of the team's contracts end within a year",
            "We see it coming and cannot yet say more.",
            41, 9, "paul", (PastMove("elena", Move.ACKNOWLEDGE, ""),
                            PastMove("marta", Move.AGREE, "Let us talk about it on Thursday.", 1)),
            says=_LEVEL,
        ),
    ),
    (
        PastMatter(
            Kind.CLAIM, "A campaign that nobody announced", "The spring offer brought a third more calls.", 51, 16,
            "aisha", (PastMove("ines", Move.DECLINE, "It stood in the forecast, at the volume that came."),),
            says={**_RELIEF, "event": "campaign"},
        ),
        PastMatter(
            Kind.REQUEST, "A weekly list of the ten longest calls", "To see what the bill does not explain.", 15, 13,
            "ines",
            (PastMove("aisha", Move.AGREE, "Each Tuesday.", 2, day=30),
             PastMove("ines", Move.LET_OFF, "The new bill explains it; it is not needed any more.", 20)),
            says={"wording": "The ten longest calls of each week, without names"},
        ),
        PastMatter(
            Kind.QUESTION, "What will you no longer do by telephone?", "To know which skills to train.", 4, 10, "jonas",
            (PastMove("marta", Move.AGREE, "Meter readings end in a year; nothing else.", 5),),
            says={"queue": "moving"},
        ),
        PastMatter(
            Kind.NEED, "Nobody should wait for a code twice", "The code expires while the caller waits.", 22, 12,
            "ines",
            (PastMove("jonas", Move.AGREE, "The code is sent when the agent answers.", 4, day=40),
             PastMove("aisha", Move.DONE, "Changed in all scripts.", 30),
             PastMove("ines", Move.CONFIRM, "Confirmed on twenty calls.", 3)),
            prompted_by="What will you no longer do by telephone?",
            says={"wording": "The code is sent when an agent answers", "queue": "moving"},
        ),
    ),
    (
        PastMatter(
            Kind.ACTION, "Answer mails that come with a bill in one place", "Two queues answer the same.", 27, 12,
            "paul",
            (PastMove("marta", Move.AGREE, "Billing takes them."),
             PastMove("jonas", Move.DONE, "The second queue is closed.", 17),
             PastMove("marta", Move.CONFIRM, "So it is.")),
            owner="jonas", due=40,
        ),
        PastMatter(
            Kind.PROBLEM, "Our field staff book visits that agents cannot see", "Callers know more than agents do.",
            35, 9,
            "nora",
            (PastMove("jonas", Move.COUNTER, "We can show them once there is an interface; until then a list.", 3,
                      day=60,
                      terms={"wording": "A list of tomorrow's visits each evening"}),
             PastMove("ines", Move.AGREE, "A list it is.", 2),
             PastMove("aisha", Move.DONE, "First list tonight.", 30),
             PastMove("nora", Move.CONFIRM, "It helps.", 5)),
            says={"wording": "Visits shown to agents"},
        ),
        PastMatter(
            Kind.QUESTION, "Who decides at your desk what counts as an emergency?", "Callers hear different answers.",
            66,
            11, "ines",
            (PastMove("jonas", Move.AGREE, "The team lead on duty, by the list of last year.", 3),),
        ),
    ),
)  # fmt: skip
