"""How far a change is: five stations from draft to in force, and in one sentence what comes next, for whoever reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.timezone import localtime

from comity.apps.agreements import queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Draft
from comity.apps.agreements.sentences import signers_text
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements import signing
from comity.core.agreements.signing import UNDECIDED, State, StepKind
from comity.core.values import Side
from comity.review.i18n.words import Words

_ENDED = {State.DECLINED, State.WITHDRAWN, State.LAPSED}


@dataclass(frozen=True, slots=True)
class Station:
    """One station.

    :ivar reached: `done`, `now` for the next one, or empty
    :ivar about: when and by whom, or what it waits for
    """

    name: str
    reached: str
    about: str


def lacking(content: DraftContent, words: Words) -> list[str]:
    """Return the names of what a draft lacks before it can be proposed."""
    says = content.says
    found = [] if content.edits else [words("change_lacks.edits")]
    found += [] if content.first_day else [words("change_lacks.first_day")]
    found += [words(f"change_lacks.{name}") for name in ("title", "reason", "carried_out_by") if not says.get(name)]
    if not says.get("expects") and not says.get("expects_nothing"):
        found.append(words("change_lacks.expects"))
    return found


def stations(
    state: queries.ChangeState, content: DraftContent, first: Draft | None, today: date, words: Words
) -> list[Station]:
    """Return the five stations of a change.

    :param first: its first save; None where the reader may not know of it
    """
    begun = state.row.begun_at if first is None else first.at
    proposed = next((one for one in state.steps if one.new is not None), None)
    signed = [one for one in state.steps if one.kind is StepKind.SIGN and one.revision == _last(state)]
    agreed = next((one for one in state.steps if one.kind is StepKind.AGREE), None)
    first_day = content.first_day
    ended = next(
        (one for one in state.steps if one.kind in {StepKind.DECLINE, StepKind.WITHDRAW, StepKind.LAPSE}), None
    )
    by_one = signed if agreed is None else signed[:1]
    found = [
        (words("station.draft"), True, _when(begun, "", words) if proposed is None or first else ""),
        (words("station.proposed"), proposed is not None, _when_of(proposed, words)),
        (words("station.signed"), bool(by_one), ", ".join(one.person for one in by_one)),
        (words("station.agreed"), agreed is not None, _when_of(agreed, words)),
        (
            words("station.in_force"),
            agreed is not None and first_day is not None and first_day <= today,
            "" if first_day is None else words.day(first_day),
        ),
    ]
    next_one = next((at for at, (_, done, _) in enumerate(found) if not done), len(found))
    return [
        Station(
            name,
            "done" if done else "now" if at == next_one and ended is None else "",
            words(f"change_state.{state.state.value}") if at == next_one and ended is not None else about,
        )
        for at, (name, done, about) in enumerate(found)
    ]


def _last(state: queries.ChangeState) -> int:
    return 0 if state.last is None else state.last.number


def _when_of(step: signing.Step | None, words: Words) -> str:
    return "" if step is None else _when(step.at, step.person, words)


def _when(at: datetime, person: str, words: Words) -> str:
    day = words.day(localtime(at).date())
    return f"{day}, {person}" if person else day


def next_step(  # noqa: PLR0911, PLR0913 - a sentence for each state; a change, and whoever reads
    member: MemberContext,
    state: queries.ChangeState,
    content: DraftContent,
    deciding: Mapping[str, object],
    today: date,
    words: Words,
    unwritten: Sequence[str] = (),
    *,
    editing: bool = False,
) -> str:
    """Return what is to be done next, in one sentence, to the one who reads.

    :param deciding: as `page.deciding` gives it; empty where nothing can be decided
    :param unwritten: of a first text, the names of clauses that it does without
    :param editing: whether the page shows a draft, which may be that of a counter-proposal
    """
    other = "" if member.side is None else member.party(words)(member.side.other)
    if state.state is State.DRAFT:
        lacks = lacking(content, words)
        if member.side is None:
            return words("change_next.neutral_draft")
        if lacks:
            return words("change_next.lacks", what=words.listed(lacks))
        key = "shared" if state.row.shared else "draft_lacking" if unwritten else "draft"
        return words(f"change_next.{key}", party=other, kinds=words.listed(list(unwritten)))
    if state.state in _ENDED:
        return words(f"change_next.{state.state.value}")
    if state.state is State.AGREED:
        return _agreed(content, today, words)
    if editing:
        return words("change_next.countering", party=other)
    return _undecided(member, state, deciding, words)


def _agreed(content: DraftContent, today: date, words: Words) -> str:
    first_day, last = content.first_day, content.last_day
    if first_day is not None and first_day > today:
        return words("change_next.scheduled", day=words.day(first_day))
    if last is not None and last < today:
        return words("change_next.over", day=words.day(last))
    return words("change_next.until", day=words.day(last)) if last is not None else words("change_next.in_force")


def _undecided(  # noqa: PLR0911 - one sentence for each state and side
    member: MemberContext, state: queries.ChangeState, deciding: Mapping[str, object], words: Words
) -> str:
    assert state.state in UNDECIDED
    signed, side, party = deciding["signed_sides"], member.side, member.party(words)
    assert isinstance(signed, Sequence | frozenset | set)
    waits_for = [one for one in Side if one not in signed]
    if side is None:
        return words("change_next.neutral", parties=words.listed([party(one) for one in waits_for]))
    if deciding["unsettled"]:
        return words("change_next.unsettled")
    if deciding["meanwhile"]:
        return words("change_next.meanwhile")
    notice = deciding["notice"]
    if notice.shortfall and not deciding["waived"]:  # type: ignore[attr-defined]
        receives = notice.receiver is side  # type: ignore[attr-defined]
        key = "waive" if receives else "short"
        return words(f"change_next.{key}", days=notice.shortfall, party=party(side.other))  # type: ignore[attr-defined]
    if side in signed:
        return words("change_next.waits", party=party(side.other))
    if deciding["has_signed"]:
        return words("change_next.cosigner", party=party(side))
    if not deciding["may_sign"]:
        return words("change_next.others", party=party(side))
    if side.other in signed:
        return words("change_next.last" if deciding["completes"] else "change_next.more", party=party(side.other))
    return words("change_next.sign", party=party(side.other))


def needed_texts(lacks: Sequence[signing.Lack], words: Words) -> list[str]:
    """Return which signatures a side lacks, a sentence for each; as the agreement says who signs."""
    return [_needed_text(one, words) for one in lacks]


def _needed_text(one: signing.Lack, words: Words) -> str:
    if one.by_another:
        return words("needed.by_another")
    if not one.rules:
        return words("needed.nobody")
    said = [
        words(
            "needed.some",
            count=number,
            signers=signers_text(sorted(rule.roles), [one.name for one in rule.people], words),
        )
        for number, rule in one.rules
    ]
    return words("needed.still", signatures=words("needed.or").join(dict.fromkeys(said)))
