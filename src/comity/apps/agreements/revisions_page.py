"""What the last text of a change alters against the one proposed before it: whoever answers reads just that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from comity.apps.agreements import queries
from comity.apps.agreements.change_page import says_rows
from comity.apps.agreements.sentences import differences_text
from comity.apps.agreements.values import change_label, kind_name
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements import signing
from comity.core.agreements.changes import Proposal, Revision
from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import Situation
from comity.core.agreements.text import Chain, Text, text, with_change
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
    texts = [_text(one, chain) for one in (old, new)]
    hidden = {
        clause.id: clause.kind for read in texts for clause in read.clauses if not queries.may_read(member, clause)
    }
    rows = differences_text(_without(texts[0], hidden), _without(texts[1], hidden), words)
    changed = [kind for clause, kind in hidden.items() if texts[0].get(clause) != texts[1].get(clause)]
    rows += [(kind_name(kind, words), "", DASH, words("agreement.changed_unread")) for kind in dict.fromkeys(changed)]
    own = words("agreement.own_words")
    said = [dict(says_rows(one, words)) | _own_words(one, words) for one in (old, new)]
    rows += [
        (own, label, said[0].get(label, DASH), said[1].get(label, DASH))
        for label in dict.fromkeys([*said[0], *said[1]])
        if said[0].get(label) != said[1].get(label)
    ]
    return rows


def _own_words(proposal: Proposal, words: Words) -> dict[str, str]:
    span = proposal.change.span
    days = {"first_day": span.first_day, "end": span.end}
    texts = {change_label(name, words): str(proposal.says.get(name, "")) for name in ("title", "reason")}
    return texts | {words(f"change.{name}"): DASH if day is None else words.day(day) for name, day in days.items()}


def _text(proposal: Proposal, chain: Chain) -> Text:
    """The text of the first day on which a proposal would hold."""
    change = proposal.change
    day = min(change.span.first_day, date.max - timedelta(days=1))
    return text(with_change(chain, change), day)


def _without(read: Text, hidden: Mapping[str, Kind]) -> Text:
    return Text(tuple(clause for clause in read.clauses if clause.id not in hidden))
