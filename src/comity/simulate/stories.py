"""The stories to simulate: a healthy one, one for each way in which a figure deceives, and the demo with all of it."""

from datetime import date

from comity.simulate.conditions import Conditions, Money, Opinion, Service, Story

SATISFACTION, SERVICE, SLA, REVENUE = "satisfaction", "service_level", "sla_attainment", "revenue"

_HARD = (0.35, 0.35, 0.30)  # shares of the voice queues: much of it is slow, technical work
_EASY = (0.10, 0.25, 0.65)  # much of it is quick work, which is always in target


class UnknownStoryError(ValueError):
    """A name of no story."""

    def __init__(self, name: str) -> None:
        """Name the text, and the stories that exist."""
        super().__init__(f"{name!r} is not a story; there are {', '.join(STORIES)}")


def story(name: str) -> Story:
    """Return the story of this name.

    :raises UnknownStoryError: when there is none
    """
    if name not in STORIES:
        raise UnknownStoryError(name)
    return STORIES[name]


def _conditions(
    *, service: Service | None = None, opinion: Opinion | None = None, money: Money | None = None
) -> Conditions:
    return Conditions(service or Service(), opinion or Opinion(), money or Money())


_UNHAPPY_GO = Opinion(leaving=0.25, leaving_by_mood=True)

_STORIES = (
    Story(
        "healthy",
        "nothing changes but the season",
        (SATISFACTION, SERVICE, SLA, REVENUE),
        ends=date(2023, 6, 1),  # its quarter brings as much work as the one before
    ),
    Story(
        "satisfaction_survivorship",
        "a quarter of the accounts leave, the unhappiest; those who stay think as before",
        (SATISFACTION,),
        {0: _conditions(opinion=_UNHAPPY_GO)},
    ),
    Story(
        "satisfaction_silence",
        "the unhappiest three in ten no longer answer; nobody thinks otherwise than before",
        (SATISFACTION,),
        {0: _conditions(opinion=Opinion(silent=0.30))},
    ),
    Story(
        "satisfaction_unasked",
        "the unhappiest three in ten are no longer asked; nobody thinks otherwise than before",
        (SATISFACTION,),
        {0: _conditions(opinion=Opinion(unasked=0.30))},
        also={SATISFACTION: (("unclear", "unasked"),)},
    ),
    Story(
        "satisfaction_real",
        "everyone is better served and says so",
        (SATISFACTION,),
        {0: _conditions(opinion=Opinion(mood=0.30))},
    ),
    Story(
        "satisfaction_masked",
        "those who stay are disappointed, and the leaving of the unhappiest hides it",
        (SATISFACTION,),
        {0: _conditions(opinion=Opinion(mood=-0.26, leaving=0.25, leaving_by_mood=True))},
    ),
    Story("revenue_price", "six percent more for the same work", (REVENUE,), {0: _conditions(money=Money(price=1.06))}),
    Story(
        "revenue_inflation",
        "the agreed index rises by four percent, and prices with it",
        (REVENUE,),
        {0: _conditions(money=Money(price=1.04, index=1.04))},
    ),
    Story(
        "revenue_calendar",
        "a quarter with a day and a half less of work, nothing else",
        (REVENUE,),
        ends=date(2026, 3, 1),
    ),
    Story("revenue_real", "six percent more work", (REVENUE,), {0: _conditions(money=Money(quantity=1.06))}),
    Story(
        "revenue_arrivals",
        "new payers bring eight percent, the others buy three percent less",
        (REVENUE,),
        {0: _conditions(money=Money(quantity=0.97, arrivals=0.08))},
    ),
    Story(
        "mix",
        "every queue is answered worse, and the easy queue grows just enough to hide it",
        (SERVICE,),
        {0: _conditions(service=Service(shares=_EASY, short_of_plan=0.065))},
    ),
    Story(
        "mix_flatters",
        "no queue is answered better, and the easy queue grows",
        (SERVICE,),
        {0: _conditions(service=Service(shares=_EASY))},
    ),
    Story(
        "service_real",
        "positions are missing and tickets lie too long: every queue is answered worse",
        (SERVICE, SLA),
        {0: _conditions(service=Service(short_of_plan=0.08, in_time=0.84))},
    ),
    Story(
        "exclusions",
        "callers give up sooner, and the agreed figure leaves out all who gave up",
        (SERVICE,),
        {0: _conditions(service=Service(short_of_plan=0.08, patience_s=45.0))},
        kpi={"abandons": "exclude-all"},
        also={SERVICE: (("unclear", "exclusion"),)},
    ),
    Story(
        "exclusions_diverted",
        "one caller in twelve is sent to voicemail, where no clock runs, so that the rest are answered in time",
        (SERVICE,),
        {0: _conditions(service=Service(diverted=1 / 12))},
        also={SERVICE: (("unclear", "exclusion"),)},
    ),
    Story(
        "demo",
        "two years together: a bad autumn, a recovery, a price round, then more calls than told, a mix that flatters, "
        "unhappy accounts that leave",
        (SATISFACTION, SERVICE, SLA, REVENUE),
        {
            6: _conditions(service=Service(short_of_plan=0.03, in_time=0.90), opinion=Opinion(mood=-0.05)),
            5: _conditions(service=Service(volume=1.08, short_of_plan=0.09, in_time=0.85), opinion=Opinion(mood=-0.15)),
            4: _conditions(
                service=Service(short_of_plan=0.04, in_time=0.88),
                opinion=Opinion(mood=-0.15, leaving=0.06, leaving_by_mood=True),
            ),
            3: _conditions(service=Service(), opinion=Opinion(mood=-0.05), money=Money(index=1.012, quantity=1.02)),
            2: _conditions(service=Service(short_of_plan=-0.01), money=Money(index=1.02, quantity=1.03)),
            1: _conditions(money=Money(index=1.024, price=1.01, quantity=1.03, arrivals=0.02)),
            0: _conditions(
                service=Service(shares=(0.15, 0.28, 0.57), unforeseen=1.28, short_of_plan=0.03, in_time=0.90),
                opinion=Opinion(leaving=0.22, leaving_by_mood=True),
                money=Money(index=1.036, price=1.06, quantity=1.03, arrivals=0.02),
            ),
        },
    ),
)
STORIES: dict[str, Story] = {one.name: one for one in _STORIES}
