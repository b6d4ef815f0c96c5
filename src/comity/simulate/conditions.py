"""True conditions of a quarter: the parameters that a story changes and that a reading should notice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

VOICE = ("technical", "billing", "moving")  # slow and hard to staff, middling, quick
PLANNED = {"technical": 0.70, "billing": 0.80, "moving": 0.90}  # V6 that each is staffed to
HANDLE_S = {"technical": 420.0, "billing": 300.0, "moving": 210.0}
CHAT, TICKETS = "chat", "tickets"
ANSWER_WITHIN_S = {"technical": 20.0, "billing": 20.0, "moving": 20.0, CHAT: 60.0}
SHORT_S = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """Conditions of the service: volume, staffing, patience.

    `volume`: against the plan of the whole book; `unforeseen`: calls against the forecast, of which nobody told;
    `shares`: of the voice queues in voice; `short_of_plan`: by how
    much less than PLANNED, of all who call, the positions give (a share, negative: more); `patience_s`: mean patience
    of callers; `diverted`: share of callers who are sent to voicemail instead of waiting; `in_time`: share of tickets
    resolved by their due date.
    """

    volume: float = 1.0
    unforeseen: float = 1.0
    shares: tuple[float, float, float] = (0.35, 0.35, 0.30)
    short_of_plan: float = 0.0
    patience_s: float = 120.0
    diverted: float = 0.0
    in_time: float = 0.92


@dataclass(frozen=True, slots=True)
class Opinion:
    """Conditions of satisfaction: opinions, who leaves, who is asked, who answers.

    `mood`: shift of everyone's opinion against the first quarter, on the scale of 1 to 5; `leaving`: share of the
    accounts that leave, the unhappiest first when `leaving_by_mood`; `silent`, `unasked`: share of people, the
    unhappiest, who no longer answer, or are no longer asked; `joining`: new accounts, as a share.
    """

    mood: float = 0.0
    leaving: float = 0.02
    leaving_by_mood: bool = False
    silent: float = 0.0
    unasked: float = 0.0
    joining: float = 0.02


@dataclass(frozen=True, slots=True)
class Money:
    """Conditions of revenue; levels relative to the first quarter of the book, so that they last.

    `quantity`: how much the payers who stay buy; `price`: what they pay for one; `index`: the agreed price index;
    `arrivals`: volume of payers who came since the book's beginning, as a share of what all bought then.
    """

    quantity: float = 1.0
    price: float = 1.0
    index: float = 1.0
    arrivals: float = 0.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one quarter."""

    service: Service = field(default_factory=Service)
    opinion: Opinion = field(default_factory=Opinion)
    money: Money = field(default_factory=Money)


@dataclass(frozen=True, slots=True)
class Story:
    """A simulated course of events in a partnership.

    `about`: the readings that it is about; `quarters`: what differs from a healthy quarter, counted back from the
    last one (0); `kpi`: keys of book.toml's service level that the story needs otherwise; `also`: words, with their
    cause, that a careful reading may say instead of the one that follows from the truth; `ends`: the last month of
    the book unless another is asked for (a fixed one, so that a seed gives one book).
    """

    name: str
    meaning: str
    about: tuple[str, ...]
    quarters: Mapping[int, Conditions] = field(default_factory=dict)
    kpi: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    ends: date = date(2026, 6, 1)

    def conditions(self, back: int) -> Conditions:
        """The quarter that ended `back` quarters before the last one."""
        return self.quarters.get(max(back, 0), Conditions())
