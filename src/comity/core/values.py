"""Basic value types: sides, kinds of organisations, viewers, periods, comparisons."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Side(StrEnum):
    """The two sides of a relationship. Customer first, wherever both are named."""

    CUSTOMER = "customer"
    PROVIDER = "provider"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.PROVIDER if self is Side.CUSTOMER else Side.CUSTOMER


class OrganisationKind(StrEnum):
    """What an organisation is to the other: a relationship is not always between two firms."""

    EXTERNAL = "external"  # a firm or an authority
    INTERNAL = "internal"  # a department of the same house
    DEALER = "dealer"
    VENDOR = "vendor"
    USER_GROUP = "user_group"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person in a relationship, on one side or neither, for whom records are read.

    Every query needs one. `side` is None on neither side (the joint view, a surveyor, a mediator), which sees only
    what is shared.
    """

    person: str
    relationship: str
    side: Side | None

    def opens(self, owner: Side) -> bool:
        """Whether what is private to `owner` may be opened for this viewer."""
        return self.side is owner


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Half-open range of days from `start` up to, and without, `end`, in the book's time zone."""

    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a period that holds no day."""
        if self.end <= self.start:
            msg = f"a period ends after it starts, but {self.end} is not after {self.start}"
            raise ValueError(msg)

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day < self.end


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period, its reference period, and the horizon: the first day that the records do not cover."""

    period: Period
    reference: Period
    horizon: date
