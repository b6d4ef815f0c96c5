"""Who may sign for a side: the rules of the authority clause, and whether those who signed are enough.

Where the clause has no rule for a kind of clause, and where there is no such clause, the side's lead signs, alone, in
the room. Where it has rules and the amount is above all of them, nobody may: the text has to say who, before. Of people
who sign together, a deputy and the one deputised for are one. People are who they are by id (`people.Named`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from comity.core.agreements.kinds import Kind, Means
from comity.core.agreements.people import Named, distinct
from comity.core.agreements.text import Text
from comity.core.values import Side

LEAD = "lead"


class SignedBy(StrEnum):
    """By what means a signature is said to have been given; only `Means` count."""

    ROOM = Means.ROOM.value
    PDF = Means.PDF.value
    MAIL = "mail"
    TOKEN = "token"  # noqa: S105 - a means, no secret
    SILENCE = "silence"


class NoAuthority(StrEnum):
    """Why a person's signature is not asked for."""

    MEANS = "means"  # not by these means
    AUTHORITY = "authority"  # not this person
    DEPUTY = "deputy"  # no rule lets a deputy sign


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who signs, as of that moment.

    :ivar person: their name then
    :ivar role: held then; of a deputy, the role of whom they stand for
    :ivar deputy_for: the name of whom they stand for; empty for themselves
    :ivar person_id: as the room knows them; empty where it was not recorded
    :ivar deputy_for_id: of whom they stand for, likewise
    """

    person: str
    role: str
    deputy_for: str = ""
    person_id: str = ""
    deputy_for_id: str = ""

    @property
    def named(self) -> Named:
        """Who signs."""
        return Named(self.person, self.person_id)

    @property
    def in_place_of(self) -> Named:
        """In whose place they sign: of a deputy another's, else their own."""
        return Named(self.deputy_for, self.deputy_for_id) if self.deputy_for else self.named


# By the name that a text has for a signatory without an id: the ids of those who are meant by it (`authority_rules`).
Bearers = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class AuthorityRule:
    """Who may sign for a side: `together` of those in `roles` or `people`, by one of the means.

    :ivar kinds: of clauses; empty: all
    :ivar up_to: the yearly amount; None: any
    :ivar people: in the order of their names
    """

    kinds: frozenset[Kind]
    up_to: Decimal | None
    roles: frozenset[str]
    people: tuple[Named, ...]
    together: int
    means: frozenset[str]
    deputies: bool

    def fits(self, signer: Signer, means: SignedBy) -> bool:
        """Whether this person may sign under it by these means; deputies aside."""
        return means.value in self.means and (
            signer.role in self.roles or any(signer.in_place_of.is_same(one) for one in self.people)
        )


LEAD_ALONE = AuthorityRule(frozenset(), None, frozenset({LEAD}), (), 1, frozenset({Means.ROOM.value}), deputies=False)


_NOBODY: Bearers = {}


def authority_rules(of: Text, side: Side, bearers: Bearers = _NOBODY) -> tuple[list[AuthorityRule], str]:
    """Return a side's rules by a text, and the id of the clause that has them.

    :param bearers: of the side's signatories whom the text knows by name alone, who is meant; a name that is not in it
        is everybody's who bears it
    """
    clauses = of.of(Kind.AUTHORITY)
    if not clauses:
        return [], ""
    records = clauses[0].fields.get(side.value)
    rules = (
        [_rule(record, bearers) for record in records if isinstance(record, dict)] if isinstance(records, list) else []
    )
    return rules, clauses[0].id


def rules_for(rules: Sequence[AuthorityRule], kind: Kind, amount: Decimal | None) -> list[AuthorityRule]:
    """Return the rules under which a clause of a kind may be signed; any of them is enough."""
    those = [rule for rule in rules if not rule.kinds or kind in rule.kinds]
    if not those:
        return [LEAD_ALONE]
    return [rule for rule in those if rule.up_to is None or (amount is not None and amount <= rule.up_to)]


def why_not(rules: Mapping[Kind, Sequence[AuthorityRule]], signer: Signer, means: SignedBy) -> NoAuthority | None:
    """Return why nobody asks for this person's signature; None where some rule of some clause touched does."""
    every = [rule for those in rules.values() for rule in those]
    if means.value not in set(Means):
        return NoAuthority.MEANS
    fit = [rule for rule in every if rule.fits(signer, means)]
    if not fit:
        other = any(rule.fits(signer, SignedBy(one.value)) for rule in every for one in Means)
        return NoAuthority.MEANS if other else NoAuthority.AUTHORITY
    return NoAuthority.DEPUTY if signer.deputy_for and not any(rule.deputies for rule in fit) else None


def has_enough(rule: AuthorityRule, signed: Sequence[tuple[Signer, SignedBy]]) -> bool:
    """Whether those who signed, each by some means, are as many as a rule asks for."""
    return missing(rule, signed) == 0


def missing(rule: AuthorityRule, signed: Sequence[tuple[Signer, SignedBy]]) -> int:
    """Return how many signatures a rule still asks for."""
    fit = [
        signer.in_place_of
        for signer, means in signed
        if rule.fits(signer, means) and (rule.deputies or not signer.deputy_for)
    ]
    return max(0, rule.together - len(distinct(fit)))


def named_signatories(record: Mapping[str, Any]) -> list[Named]:
    """Return the people whom a rule of the clause names: those by id, then those by name alone."""
    members = record.get("members")
    known = [Named(str(name), key) for key, name in members.items()] if isinstance(members, dict) else []
    return [*known, *(Named(name) for name in record.get("people", ()))]


def _people(record: Mapping[str, Any], bearers: Bearers) -> Iterator[Named]:
    for one in named_signatories(record):
        if one.id or one.name not in bearers:
            yield one
        else:
            yield from (Named(one.name, key) for key in bearers[one.name])


def _rule(record: Mapping[str, Any], bearers: Bearers) -> AuthorityRule:
    return AuthorityRule(
        frozenset(Kind(kind) for kind in record.get("kinds", ())),
        Decimal(record["up_to"]) if "up_to" in record else None,
        frozenset(record.get("roles", ())),
        tuple(sorted(_people(record, bearers), key=lambda one: (one.name, one.id))),
        record["together"],
        frozenset(record["means"]),
        record["deputies"],
    )
