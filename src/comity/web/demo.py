"""The demo: two years of simulated records, one person per role, matters in several states."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction

from comity.apps.books import operations as books
from comity.apps.books.queries import book_folder, private_items_by_side
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Began, Matter
from comity.apps.parties import operations
from comity.apps.parties.member_context import MemberContext, acting_as, find_member
from comity.apps.parties.models import NEUTRAL_ROLES, Membership, Person, Role
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side

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
CONFIRMED = "2026-Q1"
CUSTOMER, PROVIDER = "Northwind Energy", "Helpline"


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
    with transaction.atomic():
        people = {
            name: Person.objects.create_user(f"{name}@demo.example", PASSWORD, name=who) for name, who, _, _ in PEOPLE
        }
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
        shutil.copytree(book, target, ignore=shutil.ignore_patterns("truth.json"))
        _raise_matters(people, first.relationship.pk)
    _agree_and_mark(people, first.relationship.pk)


def _agree_and_mark(people: dict[str, Person], relationship: UUID) -> None:
    """Confirm an earlier period as both sides, give reasons for private items, name a deputy, review access."""
    for name in ("marta", "jonas"):
        with acting_as(people[name].pk, relationship) as member:
            review = reviews.review(member.joint(), CONFIRMED)
            figures = reviews.figures(member, review, CONFIRMED)
            closing.confirm(member, review, CONFIRMED, chain.digest_of(figures))
            operations.review_access(member)
    with acting_as(people["jonas"].pk, relationship) as member:
        review_on = date.today() + timedelta(days=60)  # noqa: DTZ011 - the day here
        for item in private_items_by_side(member)[Side.PROVIDER]:
            if item in REASONS:
                books.mark_private(member, item, REASONS[item], review_on)
        lead = member.membership
        deputy = Membership.objects.get(person=people["aisha"], left_at=None)
        operations.set_deputy(member, lead, deputy, date.today() + timedelta(days=12))  # noqa: DTZ011 - as above


def _raise_matters(people: dict[str, Person], relationship: UUID) -> None:
    """Raise a dispute, two claims and three actions, in several states."""
    zone = "Europe/Madrid"

    def at(name: str) -> MemberContext:
        member = find_member(people[name].pk, relationship)
        assert member is not None
        return member

    def owner(name: str) -> Membership:
        return Membership.objects.get(person=people[name], left_at=None)

    today = date.today()  # noqa: DTZ011 - the day here
    letter = date(2026, 6, 9)
    claim = matters.raise_matter(
        at("jonas"),
        matters.NewMatter(
            Kind.CLAIM,
            "The price letter of June was not in the forecast",
            "The letter went to 40,000 homes on 8 June; the forecast locked on 15 May did not hold it. "
            "We ask that its days be left out.",
            kpi="service_level",
            from_day=letter,
            to_day=letter + timedelta(days=2),
            asked_for="exclude",
            event="price_letter",
        ),
        zone,
    )
    matters.move(
        at("ines"),
        claim,
        Move.COUNTER,
        "The first day yes; on the others volume was within the band again.",
        zone,
        matters.Terms(to_day=letter),
        [
            matters.EvidenceFile(
                "volume by day.csv", b"day,calls,forecast\n2026-06-09,3411,2706\n2026-06-10,2790,2698\n"
            )
        ],
    )
    matters.raise_matter(
        at("ines"),
        matters.NewMatter(
            Kind.DISPUTE,
            "Service level, June 2026: answered before the queue",
            "Calls that the recording answers before the queue count as answered in time in the reported figure.",
            kpi="service_level",
            period="2026-06",
            wrong="formula",
        ),
        zone,
    )
    matters.raise_matter(
        at("aisha"),
        matters.NewMatter(
            Kind.CLAIM,
            "Training on 16 June was ordered",
            "Eighteen agents were called to the tariff training on the day before; we ask for relief on that day.",
            kpi="service_level",
            from_day=date(2026, 6, 16),
            to_day=date(2026, 6, 16),
            asked_for="relief",
            event="training_ordered",
        ),
        zone,
    )

    def act(name: str, title: str, text: str, who: str, days: int, began: Began) -> Matter:  # noqa: PLR0913 - an action
        due_on = today + timedelta(days=days)
        asked = matters.NewMatter(Kind.ACTION, title, text, owner=owner(who), due_on=due_on, began=began)
        return matters.raise_matter(at(name), asked, zone)

    lunch = act(
        "aisha", "Spread lunch from 12:00 to 15:30", "Half hours from 13:00 to 15:00 miss the target all month.",
        "lena", 14, Began.PROACTIVE,
    )  # fmt: skip
    matters.move(at("marta"), lunch, Move.ACCEPT, "Agreed.", zone)
    letters = act(
        "jonas", "Letters to more than 20,000 homes stand in the forecast",
        "Told 20 working days before they go out.", "ines", 19, Began.INTERACTIVE,
    )  # fmt: skip
    matters.move(at("marta"), letters, Move.ACCEPT, "We will name them when the forecast is locked.", zone)
    act(
        "marta", "Ask those who fell silent why", "An independent surveyor asks the accounts that stopped answering.",
        "jonas", 50, Began.PROACTIVE,
    )  # fmt: skip
