"""What the page of a change shows of an early start: who asked for it, until when, and the figures by both texts."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from comity.apps.agreements import queries
from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.early_start.figures import AskedFigures, asked_figures
from comity.apps.agreements.forms.steps import AnswerForm, AskForm, StopForm
from comity.apps.agreements.preview.figures import touched_kpis
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.books.results import NotComputedYet
from comity.apps.parties.member_context import MemberContext
from comity.apps.refusal import Refused
from comity.core.agreements.carried_out_first import FirstKind, FirstState
from comity.core.agreements.changes import Change, Revision
from comity.core.agreements.signing import UNDECIDED, Situation
from comity.core.agreements.text import text, with_change
from comity.review.i18n.words import DASH, Words


def early_start(
    member: MemberContext, state: queries.ChangeState, now: Situation, words: Words
) -> dict[str, object] | None:
    """Return a request to carry a change out first, and what the reader can do about it; None where there is none."""
    if state.last is None:
        return None
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
    except Refused:  # too many figures asked for within an hour; all else can be read
        return {"figures": [], "pending": True}
    texts = (text(with_change(now.chain, revision.proposal.change), since), text(now.chain, since))
    names = readable_titles(member, texts[0], words, texts)
    return {"figures": [(names.get(one.kpi, one.kpi), _rows(one, words)) for one in found], "pending": False}


def _asked_change(revision: Revision, since: date) -> Change:
    change = revision.proposal.change
    return replace(change, span=replace(change.span, first_day=since))


def _rows(one: AskedFigures, words: Words) -> list[tuple[str, str, str]]:
    def cell(value: float | None) -> str:
        return DASH if value is None else words.figure(value, one.unit)

    return [(words.days(row.period), cell(row.in_force), cell(row.asked_for)) for row in one.rows]
