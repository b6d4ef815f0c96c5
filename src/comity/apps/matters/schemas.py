"""API schemas of matters; their docstrings are part of the published contract."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from comity.apps.parties.schemas import MAX_SLICE, Day, Slice, Text
from comity.core.matters.history import Linked, Mark
from comity.core.matters.kinds import AskedFor, Becomes, ClaimEvent, Follows, Kind, Proposes, Untold, Wrong
from comity.core.matters.nature import About, Nature
from comity.core.matters.posture import Posture
from comity.core.matters.time_bars import Passed
from comity.core.matters.transitions import Move, State
from comity.core.spiral.moves import Strain
from comity.core.values import Side

MAX_TEXT_LENGTH = 4000  # characters
Value = Annotated[Decimal, Field(max_digits=16, decimal_places=8)]
StatementText = Annotated[Text, StringConstraints(max_length=MAX_TEXT_LENGTH)]


class EvidenceOut(Schema):
    """A file that was laid before the other side."""

    id: UUID
    name: str
    size: int
    digest: str


class TermsOut(Schema):
    """What lay on the table from a step on: of a proposal and its counters.

    Of a correction of which some changes were accepted: how many, and their numbers. `computed` is the figure of a
    dispute as the joint review had it when it was raised or accepted.
    """

    from_day: str | None = None
    to_day: str | None = None
    queue: str | None = None
    asked_for: AskedFor | None = None
    owner: str | None = None
    due_on: str | None = None
    value: str | None = None
    follows: Follows | None = None
    wording: str | None = None
    price: str | None = None
    cause: str | None = None
    becomes: Becomes | None = None
    failed: Side | None = None
    day: str | None = None
    into: UUID | None = None
    owner_side: Side | None = None
    object_to: Literal["posture", "nature", "late"] | None = None
    object_value: Posture | Nature | Literal["late"] | None = None
    computed: str | None = None
    changes: int | None = None
    rows: list[int] | None = None


class StepOut(Schema):
    """One move."""

    number: int
    at: datetime
    side: Side | None
    by: str | None
    firm: str = Field("", description="of an adviser, whom the side has engaged; empty for its own people")
    move: Move
    text: str
    answers_to: int | None
    link: Linked | Literal[""]
    saw: int | None
    received_at: datetime | None
    due_at: datetime | None
    paused_s: int | None
    mark: Mark | Literal[""]
    level: int
    ran_out: bool
    terms: TermsOut
    evidence: list[EvidenceOut]


class CorrectionOut(Schema):
    """What a correction is about: the table, the import that proposed it, its file, and how many changes of a kind."""

    table: str | None = None
    number: int | None = None
    delivery: UUID | None = None
    name: str | None = None
    counts: dict[str, int] | None = None


class MatterOut(Schema):
    """One matter."""

    id: UUID
    kind: Kind
    state: State
    asks: Side
    answers: Side
    waits_for: Side | None
    title: str
    kpi: str
    period: str
    queue: str
    from_day: date | None
    to_day: date | None
    asked_for: AskedFor | Literal[""]
    event: ClaimEvent | Literal[""]
    due_on: date | None
    wrong: Wrong | Literal[""]
    value: float | None
    unit: str
    follows: Follows | Literal[""]
    wording: str
    before: str
    price: str
    cause: str
    failed: Side | Literal[""]
    proposes: Proposes | Literal[""]
    becomes: Becomes | Literal[""]
    untold: Untold | Literal[""]
    serves: Side | Literal[""]
    posture: Posture | None
    nature: Nature
    department: str
    about: About | Literal[""]
    about_name: str
    event_on: date | None
    aware_on: date | None
    external_system: str
    external_id: str
    external_url: str
    promise: bool
    debtor: Side | Literal[""]
    first_due_on: date | None
    moved: int
    level: int
    raised_at: datetime
    reply_by: datetime | None
    late: bool
    formal_under: str
    records: CorrectionOut


class NoticeMailOut(Schema):
    """The mail of a formal notice to one of the agreed addresses."""

    address: str
    taken_at: datetime
    bounced_at: datetime | None = None


class NoticeOut(Schema):
    """That a matter is a formal notice under a clause, and when it was received; absent where it was not."""

    clause: str
    given_at: datetime
    received_at: datetime | None
    acknowledged_at: datetime | None
    failed_at: datetime | None
    addresses: list[str]
    told: list[NoticeMailOut]


class MatterWholeOut(MatterOut):
    """One matter with its steps, the moves that are open, and the matter that prompted it.

    `lateness` is of one that was raised late: whether the answering side may still object, objected, or let it pass.
    """

    prompted_by: UUID | None
    merged_into: UUID | None

    notice: NoticeOut | None = None
    lateness: Passed | None = None
    silent_until: datetime | None = Field(description="when silence accepts it unless it is answered; absent: never")
    steps: list[StepOut]
    moves: list[Move]


class MattersOut(Schema):
    """Some of many."""

    count: int
    items: list[MatterOut]


class MatterIn(Schema):
    """A matter to be raised. A dispute names `kpi` (or a reading), `period` and what is `wrong`.

    `value` is in the unit of the figure: a share from 0 to 1.
    """

    kind: Literal[
        Kind.QUESTION,
        Kind.DECISION,
        Kind.NEED,
        Kind.PROBLEM,
        Kind.REQUEST,
        Kind.FAILURE,
        Kind.COMPLAINT,
        Kind.UNTOLD,
        Kind.OFFER,
        Kind.PROPOSAL,
        Kind.ACTION,
        Kind.WARNING,
        Kind.DISPUTE,
        Kind.CLAIM,
    ]  # a correction is raised by an import alone
    title: Text = Field(min_length=1, max_length=160)
    text: Text = Field(min_length=1, max_length=MAX_TEXT_LENGTH)
    kpi: Text = Field("", max_length=60)
    period: Text = Field("", max_length=12)
    queue: Text = Field("", max_length=80)
    from_day: Day | None = None
    to_day: Day | None = None
    asked_for: AskedFor | Literal[""] = ""
    event: ClaimEvent | Literal[""] = ""
    due_on: Day | None = None
    owner: UUID | None = None
    wrong: Wrong | Literal[""] = ""
    value: Value | None = None
    wording: Text = Field("", max_length=MAX_TEXT_LENGTH)
    before: Text = Field("", max_length=MAX_TEXT_LENGTH)
    price: Text = Field("", max_length=120)
    cause: Text = Field("", max_length=MAX_TEXT_LENGTH)
    failed: Side | Literal[""] = ""
    proposes: Proposes | Literal[""] = ""
    becomes: Becomes | Literal[""] = ""
    untold: Untold | Literal[""] = ""
    department: Text = Field("", max_length=80)
    prompted_by: UUID | None = None
    about: About | Literal[""] = ""
    about_name: Text = Field("", max_length=120)
    event_on: Day | None = None
    aware_on: Day | None = None
    external_system: Text = Field("", max_length=40)
    external_id: Text = Field("", max_length=80)
    external_url: Text = Field("", max_length=400, pattern="^(https?://.*)?$")
    mark: Mark | Literal[""] = ""
    formal_under: Text = Field("", max_length=60, description="the clause under which it is a formal notice")


class MoveIn(Schema):
    """A move; with a counter-proposal what would be agreed instead, with a hand-over the number of the new owner.

    `follows` is said with the acceptance of a dispute, by the side that answers. `seen` is the number of the last step
    that was read: where there is a later one, the move is refused. `rows` are the numbers of the changes of a
    correction that are accepted; absent: all. `day` is another day, or the last day of a pause; `into` the matter into
    which one is merged; `object_to` and `object_value` are of an objection.
    """

    move: Literal[
        Move.AGREE,
        Move.DECLINE,
        Move.COUNTER,
        Move.COMMENT,
        Move.WITHDRAW,
        Move.DONE,
        Move.HAND_OVER,
        Move.CONFIRM,
        Move.NOT_DONE,
        Move.LET_OFF,
        Move.CANNOT,
        Move.TAKE_BACK,
        Move.ASK_BACK,
        Move.REPLY,
        Move.CLOSE,
        Move.MERGE,
        Move.OTHER_DAY,
        Move.PAUSE,
        Move.TAKE,
        Move.REOPEN,
        Move.ACKNOWLEDGE,
        Move.ESCALATE,
        Move.BRING_DOWN,
        Move.OBJECT,
    ]  # the others are made by raising, and by nobody
    text: Text = Field("", max_length=MAX_TEXT_LENGTH)
    from_day: Day | None = None
    to_day: Day | None = None
    queue: Text | None = Field(None, max_length=80)
    asked_for: AskedFor | None = None
    owner: UUID | None = None
    due_on: Day | None = None
    value: Value | None = None
    follows: Follows | None = None
    wording: Text | None = Field(None, max_length=MAX_TEXT_LENGTH)
    price: Text | None = Field(None, max_length=120)
    cause: Text | None = Field(None, max_length=MAX_TEXT_LENGTH)
    becomes: Becomes | None = None
    mark: Mark | Literal[""] = ""
    answers_to: int | None = Field(None, ge=1, le=MAX_SLICE)
    day: Day | None = None
    into: UUID | None = None
    object_to: Literal["posture", "nature", "late"] | None = None
    object_value: Posture | Nature | Literal["late"] | None = None
    objects_to_late: bool = Field(default=False, description="with an answer: that the matter was raised late")
    seen: int | None = Field(None, ge=1, le=MAX_SLICE)
    rows: list[Annotated[int, Field(ge=1, le=MAX_SLICE)]] | None = Field(None, max_length=100_000)


class ChangeOut(Schema):
    """One change of one row that a correction would make: the values that differ, before and after."""

    number: int
    kind: Literal["change", "add", "withdraw"]
    key: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class MatterQuery(Slice):
    """Which matters."""

    kind: Kind | None = None
    state: State | None = None
    waits: Side | None = None  # for an answer of that side; then by day


class MovesOfSideOut(Schema):
    """How many moves of one kind a side made. Of two kinds, or two sides, they are not to be added up or compared."""

    strained: int
    ordinary: int = Field(description="of the opposite, those that the other side or the calendar called for")


class MovesOfKindOut(Schema):
    """A kind of moves; without numbers where nobody records it, which does not say that there were none."""

    kind: Strain
    recorded: bool
    customer: MovesOfSideOut | None
    provider: MovesOfSideOut | None


class MovesOut(Schema):
    """All kinds of moves, over the last twelve months."""

    since: date | None = Field(description="the first day that is counted; null where nothing is in the book yet")
    kinds: list[MovesOfKindOut]
