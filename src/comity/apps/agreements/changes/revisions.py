"""What the last text of a change alters against the one proposed before it: whoever answers reads just that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from comity.apps.agreements import queries
from comity.apps.agreements.changes.page import figures, says_rows, word_rows
from comity.apps.agreements.sentences import differences_text
from comity.apps.agreements.wording.values import change_label, kind_name
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements import signing
from comity.core.agreements.changes import Proposal, Revision, touched
from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import Situation
from comity.core.agreements.text import Chain, Text, days_otherwise, text, with_change
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words

Row = tuple[str, str, str, str]  # heading of the clause, label, before, after


@dataclass(frozen=True, slots=True)
class SinceBefore:
    """What a revision alters against the one before it.

    :ivar side: whose revision it is
    :ivar before: whose was the one before it
    """

    side: Side
    before: Side
    rows: list[Row]


def since_before(member: MemberContext, state: queries.ChangeState, now: Situation, words: Words) -> SinceBefore | None:
    """Return what the revision that stands alters against the one before it; None where there is none before it."""
    those = signing.revisions(state.steps)
    if len(those) < 2:  # noqa: PLR2004 - one before, and one that stands
        return None
    before, last = those[-2:]
    return SinceBefore(last.side, before.side, _rows(member, before, last, now.chain, words))


def _rows(member: MemberContext, before: Revision, last: Revision, chain: Chain, words: Words) -> list[Row]:
    old, new = before.proposal, last.proposal
    rows = _told(member, old, new, chain, words)
    rows += _met(member, old, new, chain, words)
    own = words("agreement.own_words")
    said = [
        dict(says_rows(one, words, figures(member, one.change, chain, words))) | _own_words(one, words)
        for one in (old, new)
    ]
    rows += [
        (own, label, said[0].get(label, DASH), said[1].get(label, DASH))
        for label in dict.fromkeys([*said[0], *said[1]])
        if said[0].get(label) != said[1].get(label)
    ]
    return rows


def _told(member: MemberContext, old: Proposal, new: Proposal, chain: Chain, words: Words) -> list[Row]:
    """What the clauses say otherwise on each day on which they do: on the first one another wording may lie over it."""
    chains = with_change(chain, replace(old.change, span=new.change.span)), with_change(chain, new.change)
    rows: dict[Row, None] = {}
    unread: dict[str, None] = {}
    first_day, told = _first_day(new), set()
    for day in days_otherwise(*chains, touched([*old.change.edits, *new.change.edits]), new.change):
        texts = [text(one, day) for one in chains]
        hidden = {
            clause.id: clause.kind for read in texts for clause in read.clauses if not queries.may_read(member, clause)
        }
        for heading, label, was, now in differences_text(_without(texts[0], hidden), _without(texts[1], hidden), words):
            if (heading, label, was, now) in told:
                continue
            told.add((heading, label, was, now))
            since = "" if day == first_day else words("agreement.from_day", day=words.day(day))
            rows[heading, " · ".join(part for part in (label, since) if part), was, now] = None
        changed = [kind for clause, kind in hidden.items() if texts[0].get(clause) != texts[1].get(clause)]
        unread |= {kind_name(kind, words): None for kind in changed}
    return [*rows, *((kind, "", DASH, words("agreement.changed_unread")) for kind in unread)]


def _met(member: MemberContext, old: Proposal, new: Proposal, chain: Chain, words: Words) -> list[Row]:
    """What the two say otherwise of agreed changes that they meet."""
    said = [word_rows(one, chain, member, words) for one in (old, new)]
    gone, come = ([row for row in said[at] if row not in said[1 - at]] for at in (0, 1))
    return [(title, "", what, DASH) for title, what in gone] + [(title, "", DASH, what) for title, what in come]


def _own_words(proposal: Proposal, words: Words) -> dict[str, str]:
    span = proposal.change.span
    days = {"first_day": span.first_day, "end": span.last_day}
    texts = {change_label(name, words): str(proposal.says.get(name, "")) for name in ("title", "reason")}
    return texts | {words(f"change.{name}"): DASH if day is None else words.day(day) for name, day in days.items()}


def _first_day(proposal: Proposal) -> date:
    return min(proposal.change.span.first_day, date.max - timedelta(days=1))


def _without(read: Text, hidden: Mapping[str, Kind]) -> Text:
    return Text(tuple(clause for clause in read.clauses if clause.id not in hidden))
