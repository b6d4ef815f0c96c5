"""What the page of a change shows around it: remarks, an early start, how it came about, what it brought."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from comity.apps.agreements import afterwards, carrying_out, change_page, queries, remarks
from comity.apps.agreements.around_forms import AnswerForm, AskForm, BenefitForm, RemarkForm, StopForm
from comity.apps.agreements.asked_figures import AskedFigures, asked_figures
from comity.apps.agreements.drafting import drafted_text, edited_text
from comity.apps.agreements.models import Audience, Remark
from comity.apps.agreements.preview import touched_kpis
from comity.apps.agreements.sentences import clause_heading, differences_text
from comity.apps.books.results import NotComputedYet
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.core.agreements import signing
from comity.core.agreements.carried_out_first import FirstKind, FirstState
from comity.core.agreements.changes import Change, Revision
from comity.core.agreements.signing import UNDECIDED, Situation, State
from comity.core.agreements.text import Text, text, with_change
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words


def around_change(
    request: HttpRequest, member: MemberContext, state: queries.ChangeState, now: Situation, words: Words
) -> dict[str, object]:
    """Return what stands around a change on its page, for its templates of their own."""
    talk = _remarks(request, member, state, now, words)
    if state.last is None:
        return {"talk": talk, "first": None, "came_about": None, "open_until": None, "is_over": False, "after": None}
    until = state.last.proposal.says.get("open_until") if state.state in UNDECIDED else None
    return {
        "talk": talk,
        "open_until": None if until is None else date.fromisoformat(str(until)),
        "is_over": signing.is_over(state.steps, now),
        "first": _first(member, state, now, words),
        "came_about": carrying_out.came_about(state, now),
        "after": _after(member, state, now, words) if state.state is State.AGREED else None,
    }


def _after(member: MemberContext, state: queries.ChangeState, now: Situation, words: Words) -> dict[str, object]:
    """Return what an agreed change was expected to bring, what came, and what each side says of its benefit."""
    assert state.last is not None
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
    names = queries.readable_titles(member, text(with_change(now.chain, state.last.proposal.change), now.today), words)
    said, open_to_say = afterwards.words_of(state.row), afterwards.may_be_said(member, state, now)
    may = open_to_say and member.side is not None and member.may(Action.AGREE)
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
    size = "" if one.size is None else words("after.size", size=words.figure(one.size, one.unit))
    return {
        "name": names.get(one.figure, one.figure),
        "expected": words("after.expected", direction=direction, day=words.day(one.by)),
        "size": size,
        "base": None if base is None else figure(base.mean),
        "base_between": "" if base is None else between(base.low, base.high),
        "base_count": 0 if base is None else base.count,
        "value": None if after is None else figure(after.value),
        "difference": "" if after is None or after.low is None else between(after.low, after.high),
        "came": words("after.not_counted" if after is None else f"after.{after.came.value}"),
        "others": words.listed([str(number) for number in one.others]) if one.others else "",
    }


def _first(member: MemberContext, state: queries.ChangeState, now: Situation, words: Words) -> dict[str, object] | None:
    """Return a request to carry a change out first, and what the reader can do about it; None where there is none."""
    assert state.last is not None
    request = carrying_out.request_of(state, now)
    is_open, side = state.state in UNDECIDED, member.side
    readable = queries.may_read_change(member, state.last.proposal, now.chain)

    def may(kind: FirstKind) -> bool:
        return is_open and readable and side is not None and member.may(carrying_out.RIGHTS[kind])

    asked, number = request.asked, state.last.number
    may_ask = may(FirstKind.ASK) and request.state in {
        FirstState.NOT_ASKED, FirstState.DECLINED, FirstState.TAKEN_BACK
    }  # fmt: skip
    if asked is None and not may_ask:
        return None
    is_asker = asked is not None and asked.side is side
    stops = is_asker or request.is_overdue(now.now)
    waits = request.state in {FirstState.ASKED, FirstState.CARRIED_OUT}
    last = request.steps[-1] if request.steps else None
    return {
        "request": request,
        "last": last,
        "asked": asked,
        "due": None if request.due is None else request.due.astimezone(ZoneInfo(now.zone)),
        "overdue": request.is_overdue(now.now),
        "old_revision": waits and asked is not None and asked.revision != number,
        "ask_form": AskForm(initial={"revision": number}, auto_id="ask_%s") if may_ask else None,
        "answer_form": AnswerForm(initial={"revision": number}, auto_id="answer_%s")
        if request.state is FirstState.ASKED and not is_asker and may(FirstKind.ACCEPT)
        else None,
        "stop_form": StopForm(initial={"revision": number}, auto_id="stop_%s")
        if waits and stops and may(FirstKind.TAKE_BACK)
        else None,
        **_figures(member, state, request, now, words),
    }


def _figures(
    member: MemberContext, state: queries.ChangeState, request: carrying_out.Request, now: Situation, words: Words
) -> dict[str, object]:
    """Return the figures by the text in force and by the one asked for, while it is carried out."""
    revision = carrying_out.asked_revision(state, request)
    if request.state is not FirstState.CARRIED_OUT or request.asked is None or revision is None:
        return {"figures": [], "pending": False}
    since = request.asked.first_day or now.today
    asked = _asked_change(revision, since)
    both = text(now.chain, since), text(with_change(now.chain, asked), since)
    closed = {one.id for read in both for one in read.clauses if not queries.may_read(member, one)}
    pairs = [pair for pair in touched_kpis(asked, now.chain) if pair[1].id not in closed]
    try:
        found = asked_figures(member, pairs, since) if pairs else []
    except NotComputedYet as error:
        return {"figures": [], "pending": not error.failed}
    except Refused:  # as above
        return {"figures": [], "pending": True}
    names = queries.readable_titles(member, text(with_change(now.chain, revision.proposal.change), since), words)
    return {"figures": [(names.get(one.kpi, one.kpi), _rows(one, words)) for one in found], "pending": False}


def _asked_change(revision: Revision, since: date) -> Change:
    change = revision.proposal.change
    return replace(change, span=replace(change.span, first_day=since))


def _rows(one: AskedFigures, words: Words) -> list[tuple[str, str, str]]:
    def cell(value: float | None) -> str:
        return DASH if value is None else words.figure(value, one.unit)

    return [(words.days(row.period), cell(row.in_force), cell(row.asked_for)) for row in one.rows]


def _remarks(
    request: HttpRequest, member: MemberContext, state: queries.ChangeState, now: Situation, words: Words
) -> dict[str, object]:
    """Return the remarks about a change, and the forms for a further one and for a suggestion."""
    is_open = state.state in {State.DRAFT, *UNDECIDED}
    may = is_open and member.side is not None and member.may(Action.ACT)
    content = remarks.shown_content(member, state)
    read = drafted_text(content, now)
    titles = {one.id: clause_heading(one, words) for one in read.clauses if not one.removed}
    closed = remarks.kept_clauses(member, content, now)
    clauses = [(one.id, titles[one.id]) for one in read.clauses if one.id in titles and one.id not in closed]
    track = queries.own_track(member, state.row) if may else None
    saved = None if track is None else queries.drafts(member, state.row).get(track.value)
    asked = edited_text(content, now).get(request.GET.get("suggest", "")) if may else None
    return {
        "rows": [_remark(one, read, member, titles, words, may=may) for one in remarks.remarks(member, state, now)],
        "form": RemarkForm(clauses=clauses, auto_id="remark_%s") if may else None,
        "clauses": clauses,
        "suggesting": change_page.form_of_clause(asked, content, now)
        if asked is not None and asked.id not in closed
        else None,
        "suggested": "" if asked is None else asked.id,
        "seen": 0 if saved is None else saved.number,
    }


def _remark(  # noqa: PLR0913 - a remark and what it is read with
    one: Remark, read: Text, member: MemberContext, titles: Mapping[str, str], words: Words, *, may: bool
) -> dict[str, object]:
    clause = read.get(one.clause) if one.clause else None
    fields: list[object] = []
    if clause is not None and one.suggestion:
        wanted = replace(clause, fields=remarks.suggested_values(clause, one))
        fields = list(differences_text(Text((clause,)), Text((wanted,)), words))
    is_own = one.person_id == member.membership.person_id
    takes = may and bool(fields) and (one.audience != Audience.BOTH or one.side != member.side)
    return {
        "remark": one,
        "title": titles.get(one.clause, one.clause),
        "fields": fields,
        "takes": takes,
        "withdraws": may and is_own,
        "own_side": one.audience != Audience.BOTH,
    }
