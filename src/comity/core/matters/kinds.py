"""Kinds of matters: fields, who raises and answers them, and consequences, in one table that everything else reads.

Forms, the API's schemas, buttons, operations and documentation are made from `KINDS`. A kind is added here, with its
sentences, and nowhere else. Source: the kinds of the matters' specification; a change of the agreement is a matter of
its own app, and the position of a group comes with groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a matter is about."""

    QUESTION = "question"
    NEED = "need"
    PROBLEM = "problem"  # of one's own business, which the other side may take up
    REQUEST = "request"
    FAILURE = "failure"  # of the service
    COMPLAINT = "complaint"
    OFFER = "offer"
    PROPOSAL = "proposal"
    WARNING = "warning"  # early, and no admission
    DECISION = "decision"  # the other side is asked to decide by a day
    UNTOLD = "untold"  # something had to be carried out that had not been told
    DISPUTE = "dispute"  # a figure is not accepted
    CLAIM = "claim"  # contacts are to be left out, or relief is to be given, for something that happened
    ACTION = "action"  # something is to be done
    CORRECTION = "correction"  # an import would change rows that the other side brought


class Button(StrEnum):
    """The six buttons with which a person raises a matter; the kind follows by one further choice."""

    ASK = "ask"
    NEED = "need"
    WRONG = "wrong"  # something is wrong
    OFFER = "offer"  # offer or propose
    WARN = "warn"
    DISPUTE = "dispute"  # dispute a figure


class Term(StrEnum):
    """A field of a matter, by the name that forms, schemas and tables share."""

    KPI = "kpi"
    PERIOD = "period"
    QUEUE = "queue"
    FROM_DAY = "from_day"
    TO_DAY = "to_day"
    ASKED_FOR = "asked_for"
    EVENT = "event"
    OWNER = "owner"
    DUE_ON = "due_on"
    RECORDS = "records"  # which changes of which import
    WRONG = "wrong"
    VALUE = "value"
    FOLLOWS = "follows"
    WORDING = "wording"  # what exactly is asked for, offered or proposed
    BEFORE = "before"  # of a proposal: as it is now
    PRICE = "price"
    CAUSE = "cause"  # of a failure
    FAILED = "failed"  # of a failure: the side that failed
    PROPOSES = "proposes"  # what a proposal is of
    BECOMES = "becomes"  # of a proposal: what it becomes once it is agreed
    UNTOLD = "untold"  # what was not told


class AskedFor(StrEnum):
    """What a claim asks for."""

    EXCLUDE = "exclude"  # the days are left out of the figures
    RELIEF = "relief"  # the days count, and nothing follows from them


class Wrong(StrEnum):
    """What is wrong with a disputed figure."""

    RECORDS = "records"
    FORMULA = "formula"
    EXCLUSIONS = "exclusions"
    OTHER = "other"


class Follows(StrEnum):
    """What follows from an accepted dispute."""

    RECORDS = "records"  # the answering side corrects the records
    FORMULA = "formula"  # the answering side has the figure computed by another formula
    VALUE = "value"  # the claimed value is recorded beside the computed one, and nothing is left to do


class Proposes(StrEnum):
    """What a proposal is of."""

    PROCESS = "process"
    PRODUCT = "product"
    BUNDLE = "bundle"
    CONTRACT = "contract"
    KPI = "kpi"


class Becomes(StrEnum):
    """What a proposal becomes once it is agreed."""

    PROMISE = "promise"
    CHANGE = "change"  # of the agreement, which both sides have still to sign


class Untold(StrEnum):
    """What was not told of something that had to be carried out."""

    THAT = "that"  # that it would come
    WHY = "why"
    IN_TIME = "in_time"


class ClaimEvent(StrEnum):
    """What happened, in a claim and in the table `events` of a book."""

    OUTAGE = "outage"
    CAMPAIGN = "campaign"
    PRICE_LETTER = "price_letter"
    BILL_RUN = "bill_run"
    STORM = "storm"
    HOLIDAY = "holiday"
    TRAINING_ORDERED = "training_ordered"
    OTHER = "other"


class Raiser(StrEnum):
    """Who raises matters of a kind."""

    PERSON = "person"
    IMPORT = "import"  # alone: no form and no operation does


class Right(StrEnum):
    """The right that a move takes; the room's table of rights says which roles have it."""

    DISPUTE = "dispute"
    ANSWER = "answer"
    ACT = "act"


class Serves(StrEnum):
    """Which side serves in a matter, the side whose posture it is."""

    ASKS = "asks"
    ANSWERS = "answers"
    FAILED = "failed"  # the provider, or whoever failed
    NONE = "none"


class Outcome(StrEnum):
    """What an agreed matter becomes."""

    ANSWER = "answer"
    TALK = "talk"
    PROMISE = "promise"
    MAYBE_PROMISE = "maybe_promise"  # an answer, or a promise where one is given with it


class Debtor(StrEnum):
    """Whose promise an agreed matter becomes."""

    ASKS = "asks"
    ANSWERS = "answers"
    FAILED = "failed"  # whoever failed
    OWNER = "owner"  # the side of its owner; either side's as long as it has none


@dataclass(frozen=True, slots=True)
class Spec:
    """Specification of one kind.

    :ivar button: with which a person raises it; None where none does
    :ivar raised_with: the right that raising one takes
    :ivar answered_with: the right that agreeing, declining and countering takes
    :ivar terms: the fields that it has; those in `required` are filled when it is raised
    :ivar countered: the fields that a counter-proposal may change; without any it may only be answered in words
    :ivar counters: whether a counter-proposal can be made at all
    :ivar agreed_with: the fields that the side which will owe it fills in when it agrees
    :ivar in_the_book: it is an event of the book, so that figures are made with it
    :ivar changes_records: agreeing to it changes rows of the book
    :ivar silence: whether silence may accept it, where a `clock` clause of the agreement says so
    """

    kind: Kind
    button: Button | None
    serves: Serves
    outcome: Outcome
    terms: tuple[Term, ...]
    debtor: Debtor = Debtor.ANSWERS
    raised_by: Raiser = Raiser.PERSON
    raised_with: Right = Right.ACT
    answered_with: Right = Right.ANSWER
    required: frozenset[Term] = frozenset()
    countered: tuple[Term, ...] = ()
    counters: bool = True
    agreed_with: tuple[Term, ...] = ()
    in_the_book: bool = False
    changes_records: bool = False
    silence: bool = True

    @property
    def may_be_promise(self) -> bool:
        """Whether something may be left to be done once it is agreed."""
        return self.outcome in {Outcome.PROMISE, Outcome.MAYBE_PROMISE}


def _by_kind(*specs: Spec) -> Mapping[Kind, Spec]:
    return {spec.kind: spec for spec in specs}


_WORK = (Term.WORDING, Term.DUE_ON)  # what is to be done, and by when
_FIGURE = (Term.KPI, Term.QUEUE)

KINDS: Mapping[Kind, Spec] = _by_kind(
    Spec(
        Kind.QUESTION,
        Button.ASK,
        Serves.ANSWERS,
        Outcome.ANSWER,
        terms=_FIGURE,
        counters=False,  # an answer is an answer
        silence=False,  # and silence is none
    ),
    Spec(
        Kind.DECISION,
        Button.ASK,
        Serves.ANSWERS,
        Outcome.PROMISE,
        terms=(*_WORK, *_FIGURE),
        required=frozenset({Term.DUE_ON}),
        countered=_WORK,
        silence=False,  # nobody decides by silence
    ),
    Spec(
        Kind.NEED,
        Button.NEED,
        Serves.ANSWERS,
        Outcome.PROMISE,
        terms=(*_WORK, *_FIGURE),
        countered=_WORK,
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.PROBLEM,
        Button.NEED,
        Serves.ANSWERS,
        Outcome.PROMISE,
        terms=(*_WORK, *_FIGURE),
        countered=_WORK,
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.REQUEST,
        Button.NEED,
        Serves.ANSWERS,
        Outcome.PROMISE,
        terms=(*_WORK, *_FIGURE),
        countered=_WORK,
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.FAILURE,
        Button.WRONG,
        Serves.FAILED,
        Outcome.PROMISE,
        terms=(Term.FAILED, Term.CAUSE, *_WORK, *_FIGURE),
        debtor=Debtor.FAILED,
        required=frozenset({Term.FAILED}),
        countered=(Term.CAUSE, *_WORK),
        agreed_with=(Term.CAUSE, Term.DUE_ON),
    ),
    Spec(
        Kind.COMPLAINT,
        Button.WRONG,
        Serves.ANSWERS,
        Outcome.MAYBE_PROMISE,
        terms=(*_WORK, *_FIGURE),
        countered=_WORK,
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.UNTOLD,
        Button.WRONG,
        Serves.NONE,
        Outcome.ANSWER,
        terms=(Term.UNTOLD, Term.FROM_DAY, *_FIGURE),
        required=frozenset({Term.UNTOLD, Term.FROM_DAY}),
        counters=False,
        silence=False,
    ),
    Spec(
        Kind.OFFER,
        Button.OFFER,
        Serves.ASKS,
        Outcome.PROMISE,
        terms=(Term.WORDING, Term.PRICE, Term.DUE_ON, *_FIGURE),
        debtor=Debtor.ASKS,
        required=frozenset({Term.WORDING}),
        countered=(Term.WORDING, Term.PRICE, Term.DUE_ON),
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.PROPOSAL,
        Button.OFFER,
        Serves.ASKS,
        Outcome.MAYBE_PROMISE,
        terms=(Term.PROPOSES, Term.BECOMES, Term.BEFORE, Term.WORDING, Term.PRICE, Term.DUE_ON, *_FIGURE),
        debtor=Debtor.ASKS,
        required=frozenset({Term.PROPOSES, Term.BECOMES, Term.WORDING, Term.KPI}),  # it names what it should move
        countered=(Term.WORDING, Term.PRICE, Term.BECOMES, Term.DUE_ON),
        agreed_with=(Term.DUE_ON,),
    ),
    Spec(
        Kind.ACTION,
        Button.OFFER,
        Serves.NONE,
        Outcome.PROMISE,
        terms=(Term.OWNER, Term.DUE_ON, Term.KPI, Term.PERIOD),
        debtor=Debtor.OWNER,
        answered_with=Right.ACT,
        required=frozenset({Term.OWNER, Term.DUE_ON}),
        countered=(Term.OWNER, Term.DUE_ON),
    ),
    Spec(
        Kind.WARNING,
        Button.WARN,
        Serves.ASKS,
        Outcome.TALK,
        terms=(Term.FROM_DAY, *_FIGURE),
        counters=False,
        silence=False,
    ),
    Spec(
        Kind.DISPUTE,
        Button.DISPUTE,
        Serves.NONE,
        Outcome.MAYBE_PROMISE,
        terms=(Term.KPI, Term.PERIOD, Term.WRONG, Term.VALUE, Term.FOLLOWS, Term.DUE_ON),
        raised_with=Right.DISPUTE,
        required=frozenset({Term.KPI, Term.PERIOD, Term.WRONG}),
        countered=(Term.VALUE, Term.FOLLOWS),
        agreed_with=(Term.FOLLOWS,),
    ),
    Spec(
        Kind.CLAIM,
        Button.DISPUTE,
        Serves.NONE,
        Outcome.ANSWER,
        terms=(Term.EVENT, Term.ASKED_FOR, Term.FROM_DAY, Term.TO_DAY, Term.QUEUE, Term.KPI),
        raised_with=Right.DISPUTE,
        required=frozenset({Term.EVENT, Term.ASKED_FOR, Term.FROM_DAY, Term.TO_DAY}),
        countered=(Term.FROM_DAY, Term.TO_DAY, Term.QUEUE, Term.ASKED_FOR),
        in_the_book=True,
    ),
    Spec(
        Kind.CORRECTION,
        None,
        Serves.NONE,
        Outcome.ANSWER,
        terms=(Term.RECORDS,),
        raised_by=Raiser.IMPORT,
        required=frozenset({Term.RECORDS}),
        counters=False,
        changes_records=True,
        silence=False,  # silence changes no records
    ),
)


def kinds_of(button: Button) -> tuple[Kind, ...]:
    """Return the kinds behind a button, in the order in which they are offered."""
    return tuple(kind for kind, spec in KINDS.items() if spec.button is button)


def silence_may_accept(kind: Kind, *, proposes: str = "", price: str = "") -> bool:
    """Whether a `clock` clause can let silence accept a matter: never a definition, a price, an amount or `untold`.

    :param proposes: of a proposal, what it is of: one of the contract or of a KPI changes a definition
    """
    is_definition = proposes in {Proposes.CONTRACT, Proposes.KPI}
    return KINDS[kind].silence and not price.strip() and not is_definition


def is_promise(kind: Kind, *, follows: str = "", becomes: str = "", due: bool = False) -> bool:
    """Whether something is to be done once a matter is agreed.

    :param follows: of a dispute, what its acceptance is followed by
    :param becomes: of a proposal, what it becomes
    :param due: whether a day was given by which it is done: a complaint is answered, or answered with a promise
    """
    spec = KINDS[kind]
    if spec.outcome is not Outcome.MAYBE_PROMISE:
        return spec.outcome is Outcome.PROMISE
    if kind is Kind.DISPUTE:
        return follows in {Follows.RECORDS, Follows.FORMULA}
    return becomes == Becomes.PROMISE if kind is Kind.PROPOSAL else due
