"""Who may sign for a side: the rules of the authority clause, and whether those who signed are enough.

Where the clause has no rule for a kind of clause, and where there is no such clause, the side's lead signs, alone, in
the room. Where it has rules and the amount is above all of them, nobody may: the text has to say who, before. Of people
who sign together, a deputy and the one deputised for are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from comity.core.agreements.kinds import Kind, Means
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

    :ivar role: held then; of a deputy, the role of whom they stand for
    :ivar deputy_for: whom they stand for; empty for themselves
    """

    person: str
    role: str
    deputy_for: str = ""


@dataclass(frozen=True, slots=True)
class AuthorityRule:
    """Who may sign for a side: `together` of those in `roles` or `people`, by one of the means.

    :ivar kinds: of clauses; empty: all
    :ivar up_to: the yearly amount; None: any
    """

    kinds: frozenset[Kind]
    up_to: Decimal | None
    roles: frozenset[str]
    people: frozenset[str]
    together: int
    means: frozenset[str]
    deputies: bool

    def fits(self, signer: Signer, means: SignedBy) -> bool:
        """Whether this person may sign under it by these means; deputies aside."""
        return means.value in self.means and (
            signer.role in self.roles or (signer.deputy_for or signer.person) in self.people
        )


LEAD_ALONE = AuthorityRule(
    frozenset(), None, frozenset({LEAD}), frozenset(), 1, frozenset({Means.ROOM.value}), deputies=False
)


def authority_rules(of: Text, side: Side) -> tuple[list[AuthorityRule], str]:
    """Return a side's rules by a text, and the id of the clause that has them."""
    clauses = of.of(Kind.AUTHORITY)
    if not clauses:
        return [], ""
    records = clauses[0].fields.get(side.value)
    rules = [_rule(record) for record in records if isinstance(record, dict)] if isinstance(records, list) else []
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
    people = {
        signer.deputy_for or signer.person
        for signer, means in signed
        if rule.fits(signer, means) and (rule.deputies or not signer.deputy_for)
    }
    return max(0, rule.together - len(people))


def _rule(record: Mapping[str, Any]) -> AuthorityRule:
    return AuthorityRule(
        frozenset(Kind(kind) for kind in record.get("kinds", ())),
        Decimal(record["up_to"]) if "up_to" in record else None,
        frozenset(record.get("roles", ())),
        frozenset(record.get("people", ())),
        record["together"],
        frozenset(record["means"]),
        record["deputies"],
    )
