"""What the page of an agreed change shows of what it was to bring, what came, and each side's benefit."""

from collections.abc import Mapping

from comity.apps.agreements import queries
from comity.apps.agreements.forms.steps import BenefitForm
from comity.apps.agreements.outcomes import afterwards
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.agreements.wording.values import size_text
from comity.apps.books.results import NotComputedYet
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.core.agreements.signing import Situation, State
from comity.core.agreements.text import text, with_change
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words


def what_came(
    member: MemberContext, state: queries.ChangeState, now: Situation, words: Words
) -> dict[str, object] | None:
    """Return what a change was expected to bring, what came, and what each side says; None where it is not agreed."""
    if state.state is not State.AGREED or state.last is None:
        return None
    says = state.last.proposal.says
    pending, found = False, []
    try:
        read = text(with_change(now.chain, state.last.proposal.change), now.today)
        closed = {one.id for one in read.clauses if not queries.may_read(member, one)}
        found = [one for one in afterwards.expectations(member, state, now) if one.figure not in closed]
    except NotComputedYet as error:
        pending = not error.failed
    except Refused:  # too many figures asked for within an hour; all else can be read
        pending = True
    texts = (text(with_change(now.chain, state.last.proposal.change), now.today), text(now.chain, now.today))
    names = readable_titles(member, texts[0], words, texts)
    said, open_to_say = afterwards.words_of(state.row), afterwards.may_be_said(member, state, now)
    may = open_to_say and member.side is not None and member.may(Action.AGREE)
    may = may and queries.may_read_change(member, state.last.proposal, now.chain)
    return {
        "pending": pending,
        "rows": [_expectation(one, names, words) for one in found],
        "nothing": str(says.get("expects_nothing", "")),
        "from_day": afterwards.months_after(member, state.last.proposal.change)[-1].end,
        "is_open": open_to_say,
        "benefits": [
            {"side": side, "text": str(says.get(f"{side}_benefit", "")), "said": said.get(side)} for side in Side
        ],
        "one_sided": afterwards.is_one_sided(said),
        "form": BenefitForm(auto_id="benefit_%s") if may else None,
    }


def _expectation(one: afterwards.Expectation, names: Mapping[str, str], words: Words) -> dict[str, object]:
    """Return one expectation as finished text."""
    base, after = one.baseline, one.after

    def figure(value: float | None) -> str:
        return DASH if value is None else words.figure(value, one.unit)

    def between(low: float | None, high: float | None) -> str:
        return "" if low is None or high is None else words("after.between", low=figure(low), high=figure(high))

    direction = words(f"after.{'up' if one.rises else 'down'}")
    expected = words("after.expected", direction=direction, day=words.day(one.by))
    if one.size is not None:
        size = size_text(str(one.size), one.unit, words)
        expected = words("after.expected_size", direction=direction, size=size, day=words.day(one.by))
    return {
        "name": names.get(one.figure, one.figure),
        "expected": expected,
        "base": None if base is None else figure(base.mean),
        "base_between": "" if base is None else between(base.low, base.high),
        "base_count": 0 if base is None else base.count,
        "value": None if after is None else figure(after.value),
        "difference": "" if after is None or after.low is None else between(after.low, after.high),
        "came": words("after.not_counted" if after is None else f"after.{after.came.value}"),
        "others": words.listed([str(number) for number in one.others]) if one.others else "",
    }
