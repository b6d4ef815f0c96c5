"""Whom the authority clause means by the people it names: members of a side, by id wherever the text has one.

Texts of before, and of home, know people by name alone. Whoever takes such a name, or joins under it, once it was
agreed is not the person who was meant.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.parties.queries import members
from comity.core.agreements.authority import Bearers, named_signatories
from comity.core.agreements.changes import AddClause, Change, Edit, SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.people import Named
from comity.core.agreements.text import Chain
from comity.core.values import Side

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def choices(member: MemberContext) -> dict[str, list[Named]]:
    """Return by side who can be chosen as its signatories: its members, by name; namesakes with their address too."""
    found: dict[str, list[Named]] = {side.value: [] for side in Side}
    alike = namesakes(member)
    for one in members(member).exclude(side=None):
        key = str(one.person_id)
        found[str(one.side)].append(Named(alike.get(key, one.person.name), key))
    return found


def namesakes(member: MemberContext) -> dict[str, str]:
    """Return by id those who share their name with another of their side: their name, with their address.

    Whoever left counts too: what they signed stands beside what the other signs.
    """
    everybody = list(_everybody(member))
    often = Counter((one.side, one.person.name) for one in everybody)
    return {str(one.person_id): _with_address(one) for one in everybody if often[one.side, one.person.name] > 1}


def _with_address(one: Membership) -> str:
    return f"{one.person.name} ({one.person.email})"


def bearers(member: MemberContext, chain: Chain) -> dict[Side, Bearers]:
    """Return by side and name who is meant by the signatories whom the agreement knows by name alone.

    Who stood on that side under that name when a change first wrote it; where nobody did, the first who came to.
    """
    named = _agreed_names(chain)
    if not named:
        return {}
    since: dict[tuple[Side, str], list[tuple[datetime, str]]] = {}
    for one in _everybody(member):
        key = Side(str(one.side)), one.person.name
        since.setdefault(key, []).append((max(one.joined_at, one.person.named_at), str(one.person_id)))
    found: dict[Side, dict[str, frozenset[str]]] = {}
    for (side, name), agreed_at in named.items():
        known = sorted(since.get((side, name), ()), key=itemgetter(0))
        if known:
            then = frozenset(person for moment, person in known if moment <= agreed_at)
            found.setdefault(side, {})[name] = then or frozenset({known[0][1]})
    return dict(found)


def unknown(member: MemberContext, change: Change, chain: Chain) -> list[str]:
    """Return the names that a change gives to ids of others, or of nobody on that side; not those agreed before."""
    written = {(side, one.id, one.name) for side, one in _signatories(change.edits, chain) if one.id}
    if not written:
        return []
    edits = [edit for entry in chain for edit in entry.change.edits]
    written -= {(side, one.id, one.name) for side, one in _signatories(edits, chain)}
    for one in _everybody(member):
        side, key = Side(str(one.side)), str(one.person_id)
        written -= {(side, key, one.person.name), (side, key, _with_address(one))}
    return sorted(name for _, _, name in written)


def _everybody(member: MemberContext) -> Iterator[Membership]:
    """Yield each who stands or stood on a side, once, with the first membership that they had on it."""
    rows = Membership.objects.filter(relationship=member.relationship).exclude(side=None)
    seen = set()
    for one in rows.select_related("person").order_by("joined_at", "pk"):
        if (one.side, one.person_id) not in seen:
            seen.add((one.side, one.person_id))
            yield one


def _agreed_names(chain: Chain) -> dict[tuple[Side, str], datetime]:
    """Return when each signatory without an id was first agreed to."""
    found: dict[tuple[Side, str], datetime] = {}
    for entry in chain:
        for side, one in _signatories(entry.change.edits, chain):
            if not one.id:
                found.setdefault((side, one.name), entry.agreed_at or _LONG_AGO)
    return found


def _signatories(edits: Sequence[Edit], chain: Chain) -> Iterator[tuple[Side, Named]]:
    """Yield whom edits of authority clauses name, with the side that they sign for."""
    clauses: set[str] | None = None
    for edit in edits:
        if isinstance(edit, AddClause) and edit.kind is Kind.AUTHORITY:
            values = {side: edit.fields.get(side.value) for side in Side}
        elif isinstance(edit, SetField) and edit.field in set(Side):
            if clauses is None:
                added = [*(one for entry in chain for one in entry.change.edits), *edits]
                clauses = {one.clause for one in added if isinstance(one, AddClause) and one.kind is Kind.AUTHORITY}
            values = {Side(edit.field): edit.value} if edit.clause in clauses else {}
        else:
            continue
        for side, rules in values.items():
            for rule in rules if isinstance(rules, list) else ():
                if isinstance(rule, dict):
                    yield from ((side, one) for one in named_signatories(rule))
