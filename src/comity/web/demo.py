"""The demo: two years of simulated records, one person per role, matters in several states."""

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.books import operations as books
from comity.apps.books.queries import book_folder, private_items_by_side
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Matter
from comity.apps.parties import operations
from comity.apps.parties.member_context import acting_as, find_member
from comity.apps.parties.models import NEUTRAL_ROLES, Membership, Person, Role
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.book.definition import read_definition
from comity.core import chain
from comity.core.calendars import Calendar, Cut
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from comity.simulate.book import NEXT_MONTH, TRUTH
from comity.web.demo_dates import DATES, FOLDER, ZONE, Dates, moment, write_dates
from comity.web.demo_files import copy_next_month, record_late_deliveries
from comity.web.demo_history import add_history

PASSWORD = "comity-demo-2026"  # noqa: S105 - printed, and only for the demo's invented people
PEOPLE = (
    ("marta", "Marta Ruiz", Side.CUSTOMER, Role.LEAD),
    ("elena", "Elena Prat", Side.CUSTOMER, Role.EXECUTIVE),
    ("ines", "Inés Sala", Side.CUSTOMER, Role.ANALYST),
    ("hugo", "Hugo Vidal", Side.CUSTOMER, Role.FINANCE),
    ("nora", "Nora Gil", Side.CUSTOMER, Role.MEMBER),
    ("jonas", "Jonas Weber", Side.PROVIDER, Role.LEAD),
    ("paul", "Paul Okafor", Side.PROVIDER, Role.EXECUTIVE),
    ("aisha", "Aisha Bello", Side.PROVIDER, Role.ANALYST),
    ("lena", "Lena Kurz", Side.PROVIDER, Role.ROSTER),
    ("tom", "Tom Brandt", Side.PROVIDER, Role.FINANCE),
    ("sofia", "Sofía Marín", None, Role.SURVEYOR),
    ("karl", "Karl Lind", None, Role.MEDIATOR),
    ("ruth", "Ruth Adler", None, Role.AUDITOR),
)
REASONS = {
    "costs": "What an hour costs us is ours, until open books are agreed.",
    "staff": "Names and contracts of our people are theirs and ours.",
    "contacts.agent_id": "Who took a call is nobody's but ours.",
    "surveys[audience=employee]": "Our people answered under the promise that only we read it.",
}
CUSTOMER, PROVIDER = "Northwind Energy", "Helpline"
_BRINGS = {Side.CUSTOMER: "ines", Side.PROVIDER: "aisha"}  # each side's files of the last month
_SATURDAY = 5
_OVERDUE_DAYS = 3  # by which one promise is late


def logins() -> list[tuple[str, str]]:
    """Return mail address and description of each person."""
    names = {Side.CUSTOMER: CUSTOMER, Side.PROVIDER: PROVIDER, None: "neither side"}
    return [(f"{name}@demo.example", f"{who}, {role.label.lower()}, {names[side]}") for name, who, side, role in PEOPLE]


def load_demo(book: Path) -> None:
    """Load the demo into an empty room; a room with people is left as it is.

    :param book: the folder of a simulated book, which is copied
    """
    if Person.objects.exists():
        return
    password = make_password(PASSWORD)  # once: that takes a fifth of a second, on purpose
    with transaction.atomic():
        people = {name: Person(email=f"{name}@demo.example", name=who, password=password) for name, who, _, _ in PEOPLE}
        for person in people.values():
            person.save()
        first = operations.create_relationship(people["marta"], Side.CUSTOMER, CUSTOMER, PROVIDER)
        for name, _, side, role in PEOPLE[1:]:
            inviter = "jonas" if side is Side.PROVIDER and name != "jonas" else "marta"
            member = find_member(people[inviter].pk, first.relationship.pk)
            assert member is not None
            invitation, token = operations.invite(
                member, people[name].email, role, None if role in NEUTRAL_ROLES else side
            )
            if token is None:  # somebody neutral, to whom the other side agrees
                provider = find_member(people["jonas"].pk, first.relationship.pk)
                assert provider is not None
                token = operations.agree_to_invitation(provider, invitation)
            operations.accept_invitation(people[name], token)
        target = book_folder(first.relationship.pk)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(book, target, ignore=shutil.ignore_patterns(TRUTH, NEXT_MONTH))
        end = read_definition(target).complete_to or date.today().replace(day=1)  # noqa: DTZ011 - the day here
        record_late_deliveries(target, end)
    dates = add_history(people, first.relationship.pk, end) + raise_matters(people, first.relationship.pk, end)
    _agree_and_mark(people, first.relationship.pk, end)
    folder = settings.DATA / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    write_dates(folder / DATES, first.relationship.pk, dates, end - timedelta(days=730))
    for file, side in copy_next_month(book, folder).items():
        with acting_as(people[_BRINGS[side]].pk, first.relationship.pk) as member:
            books.receive_upload(member, SimpleUploadedFile(file.name, file.read_bytes()))


def _agree_and_mark(people: dict[str, Person], relationship: UUID, end: date) -> None:
    """Confirm the last but one quarter as both sides, give reasons for private items, name a deputy, review access."""
    calendar = Calendar(Cut.QUARTER)
    confirmed = calendar.name(calendar.before(calendar.last_ending_by(end)))
    for name in ("marta", "jonas"):
        with acting_as(people[name].pk, relationship) as member:
            review = reviews.review(member.joint(), confirmed)
            figures = reviews.figures(member, review, confirmed)
            closing.confirm(member, review, confirmed, chain.digest_of(figures))
            operations.review_access(member)
    with acting_as(people["jonas"].pk, relationship) as member:
        review_on = date.today() + timedelta(days=60)  # noqa: DTZ011 - the day here
        for item in private_items_by_side(member)[Side.PROVIDER]:
            if item in REASONS:
                books.mark_private(member, item, REASONS[item], review_on)
        lead = member.membership
        deputy = Membership.objects.get(person=people["aisha"], left_at=None)
        operations.set_deputy(member, lead, deputy, date.today() + timedelta(days=12))  # noqa: DTZ011 - as above


def raise_matters(people: dict[str, Person], relationship: UUID, end: date) -> list[Dates]:
    """Raise what waits for somebody now: a dispute, claims, actions, a question, an offer and an overdue promise."""
    steps: dict[UUID, list[datetime]] = {}

    def raised(name: str, days: float, new_matter: matters.NewMatter) -> Matter:
        with acting_as(people[name].pk, relationship) as member:
            matter = matters.raise_matter(member, new_matter, ZONE)
        steps[matter.pk] = [_ago(days)]
        return matter

    def answered(name: str, days: float, matter: Matter, move: Move, text: str, **terms: Any) -> None:  # noqa: ANN401 - what the operation takes
        with acting_as(people[name].pk, relationship) as member:
            matters.move(member, matter, move, text, ZONE, **terms)
        steps[matter.pk].append(_ago(days))

    def action(title: str, text: str, who: str, days: int) -> matters.NewMatter:
        with acting_as(people[who].pk, relationship) as member:
            owner, due_on = member.membership, date.today() + timedelta(days=days)  # noqa: DTZ011 - the day here
            return matters.NewMatter(Kind.ACTION, title, text, owner=owner, due_on=due_on)

    letter, training, month = end - timedelta(days=12), end - timedelta(days=6), end - timedelta(days=1)
    claim = raised(
        "jonas",
        3.2,
        matters.NewMatter(
            Kind.CLAIM,
            f"The price letter of {letter:%B} was not in the forecast",
            f"The letter of {letter.day} {letter:%B} went to 40,000 homes; the forecast did not hold it. "
            "We ask that its days be left out.",
            kpi="service_level",
            from_day=letter,
            to_day=letter + timedelta(days=2),
            asked_for="exclude",
            event="price_letter",
        ),
    )
    volumes = f"day,calls,forecast\n{letter},3411,2706\n{letter + timedelta(days=1)},2790,2698\n".encode()
    answered(
        "ines",
        1.9,
        claim,
        Move.COUNTER,
        "The first day yes; on the others volume was within the band again.",
        terms=matters.Terms(to_day=letter),
        files=[matters.EvidenceFile("volume by day.csv", volumes)],
    )
    raised(
        "ines",
        1.1,
        matters.NewMatter(
            Kind.DISPUTE,
            f"Service level, {month:%B %Y}: answered before the queue",
            "Calls that the recording answers before the queue count as answered in time in the reported figure.",
            kpi="service_level",
            period=f"{month:%Y-%m}",
            wrong="formula",
        ),
    )
    raised(
        "aisha",
        1.4,
        matters.NewMatter(
            Kind.CLAIM,
            f"Training on {training.day} {training:%B} was ordered",
            "Eighteen agents were called to the tariff training on the day before; we ask for relief on that day.",
            kpi="service_level",
            from_day=training,
            to_day=training,
            asked_for="relief",
            event="training_ordered",
        ),
    )
    missed, told = (
        "Half hours from 13:00 to 15:00 miss the target all month.",
        "Told 20 working days before they go out.",
    )
    lunch = raised("aisha", 6.3, action("Spread lunch from 12:00 to 15:30", missed, "lena", 14))
    answered("marta", 4.1, lunch, Move.AGREE, "Agreed.")
    title = "Letters to more than 20,000 homes stand in the forecast"
    letters = raised("jonas", 5.2, action(title, told, "ines", 19))
    answered("marta", 2.4, letters, Move.AGREE, "We will name them when the forecast is locked.")
    asked = "An independent surveyor asks the accounts that stopped answering."
    raised("marta", 1.7, action("Ask those who fell silent why", asked, "jonas", 50))
    why = "Callers of the quick queue waited four times as long as in spring. Which hours were they?"
    raised("nora", 0.3, matters.NewMatter(Kind.QUESTION, "Why did the quick queue wait so long?", why, queue="moving"))
    calls = "We would call back, at the hour that they choose, those who wait for more than two minutes."
    offer = matters.NewMatter(
        Kind.OFFER, "Call-backs in the evening", calls, wording="Call-backs from 18 to 20", kpi="abandonment"
    )
    raised("paul", 2.6, offer)
    faults = "Agents hear of a fault from callers, an hour after your engineers know it."
    overdue = raised("lena", 15.2, action("Tell agents of known faults by nine", faults, "ines", _OVERDUE_DAYS))
    answered("marta", 13.5, overdue, Move.AGREE, "By nine, each morning.")
    moved = {overdue.pk: -2 * _OVERDUE_DAYS}
    return [Dates(matter, tuple(moments), moved.get(matter, 0)) for matter, moments in steps.items()]


def _ago(days: float) -> datetime:
    """A moment so many working days before today, and within its hours as far as the fraction says."""
    day, back = date.today(), int(days)  # noqa: DTZ011 - the day here
    while back:
        day -= timedelta(days=1)
        back -= day.weekday() < _SATURDAY
    return moment(day, 8 + round(days % 1 * 10))
