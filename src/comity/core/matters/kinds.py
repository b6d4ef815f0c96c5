"""Kinds of matters: fields, who raises and answers them, and consequences, in one table that everything else reads.

Forms, the API's schemas, buttons, operations and documentation are made from `KINDS`. A kind is added here, with its
sentences, and nowhere else. Source: the kinds of the matters' specification, as far as they exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a matter is about."""

    DISPUTE = "dispute"  # a figure is not accepted
    CLAIM = "claim"  # contacts are to be left out, or relief is to be given, for something that happened
    ACTION = "action"  # something is to be done
    CORRECTION = "correction"  # an import would change rows that the other side brought


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


@dataclass(frozen=True, slots=True)
class Spec:
    """Specification of one kind.

    :ivar raised_with: the right that raising one takes
    :ivar answered_with: the right that accepting, refusing and countering one takes
    :ivar terms: the fields that it has; those in `required` are filled when it is raised
    :ivar countered: the fields that a counter-proposal may change; without any it may only be answered in words
    :ivar counters: whether a counter-proposal can be made at all
    :ivar accepted_with: the fields that the side which answers fills in when it accepts
    :ivar becomes_work: an accepted one is still to be done: by the owner's side, or by the side that answers
    :ivar in_the_book: it is an event of the book, so that figures are made with it
    :ivar changes_records: accepting it changes rows of the book
    :ivar silence: whether silence may accept it, where the parties agreed that silence counts
    """

    kind: Kind
    raised_by: Raiser
    raised_with: Right
    answered_with: Right
    terms: tuple[Term, ...]
    required: frozenset[Term] = frozenset()
    countered: tuple[Term, ...] = ()
    counters: bool = True
    accepted_with: tuple[Term, ...] = ()
    becomes_work: bool = False
    in_the_book: bool = False
    changes_records: bool = False
    silence: bool = True


def _spec(*specs: Spec) -> Mapping[Kind, Spec]:
    return {spec.kind: spec for spec in specs}


KINDS: Mapping[Kind, Spec] = _spec(
    Spec(
        Kind.DISPUTE,
        raised_by=Raiser.PERSON,
        raised_with=Right.DISPUTE,
        answered_with=Right.ANSWER,
        terms=(Term.KPI, Term.PERIOD, Term.WRONG, Term.VALUE, Term.FOLLOWS, Term.DUE_ON),
        required=frozenset({Term.KPI, Term.PERIOD, Term.WRONG}),
        countered=(Term.VALUE, Term.FOLLOWS),
        accepted_with=(Term.FOLLOWS,),
        becomes_work=True,
    ),
    Spec(
        Kind.CLAIM,
        raised_by=Raiser.PERSON,
        raised_with=Right.DISPUTE,
        answered_with=Right.ANSWER,
        terms=(Term.EVENT, Term.ASKED_FOR, Term.FROM_DAY, Term.TO_DAY, Term.QUEUE, Term.KPI),
        required=frozenset({Term.EVENT, Term.ASKED_FOR, Term.FROM_DAY, Term.TO_DAY}),
        countered=(Term.FROM_DAY, Term.TO_DAY, Term.QUEUE, Term.ASKED_FOR),
        in_the_book=True,
    ),
    Spec(
        Kind.ACTION,
        raised_by=Raiser.PERSON,
        raised_with=Right.ACT,
        answered_with=Right.ACT,
        terms=(Term.OWNER, Term.DUE_ON, Term.KPI, Term.PERIOD),
        required=frozenset({Term.OWNER, Term.DUE_ON}),
        countered=(Term.OWNER, Term.DUE_ON),
        becomes_work=True,
    ),
    Spec(
        Kind.CORRECTION,
        raised_by=Raiser.IMPORT,
        raised_with=Right.ACT,
        answered_with=Right.ANSWER,
        terms=(Term.RECORDS,),
        required=frozenset({Term.RECORDS}),
        counters=False,
        changes_records=True,
        silence=False,  # silence changes no records
    ),
)
