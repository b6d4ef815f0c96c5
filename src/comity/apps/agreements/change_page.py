"""What the page of a change shows: what it alters, what it would have meant, its forms, and what is left to do."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.http import Http404, HttpRequest

from comity.apps.agreements import queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting import drafted_text, word_name
from comity.apps.agreements.forms import ChangeForm, ClauseForm, EndForm, MarkForm, WaiveForm
from comity.apps.agreements.models import Change
from comity.apps.agreements.preview import Preview, previews, touched_kpis
from comity.apps.agreements.sentences import clause_heading, clause_sentences, clause_titles, differences_text
from comity.apps.agreements.values import kind_name
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.core import chain as hashes
from comity.core.agreements import signing
from comity.core.agreements.authority import SignedBy
from comity.core.agreements.changes import Entry, Proposal
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import notice_of
from comity.core.agreements.signing import StepKind
from comity.core.agreements.text import (
    Text,
    edits_without_effect,
    meetings,
    text,
    with_change,
)
from comity.review.i18n.words import DASH, LOCALES, Words


def content(state: queries.ChangeState, draft: DraftContent | None, *, editing: bool) -> DraftContent:
    """Return what a page shows: the draft while it is edited, else what was proposed."""
    if (editing or state.last is None) and draft is not None:
        return draft
    return DraftContent() if state.last is None else DraftContent.of(state.last.proposal)


def differences(
    shown: Proposal, entries: Sequence[Entry], member: MemberContext, words: Words
) -> list[dict[str, object]]:
    """Return what a change alters, with each clause's sentences before and after, on its first day."""
    first_day = shown.change.span.first_day
    if first_day == date.max:
        first_day = date.max.replace(year=date.max.year - 1)
    before, after = text(entries, first_day), text(with_change(entries, shown.change), first_day)
    found = []
    for clause in dict.fromkeys(edit.clause for edit in shown.change.edits):
        old, new = before.get(clause), after.get(clause)
        known = new or old
        if known is None:
            continue
        readable = queries.may_read(member, known)
        found.append(
            {
                "clause": clause,
                "title": clause_heading(known, words) if readable else kind_name(known.kind, words),
                "kind": kind_name(known.kind, words),
                "before": clause_sentences(old, words, clause_titles(before, words)) if old and readable else [],
                "after": clause_sentences(new, words, clause_titles(after, words)) if new and readable else [],
                "fields": differences_text(Text((old,)), Text((new,)), words) if old and new and readable else [],
                "readable": readable,
                "removed": new is None,
            }
        )
    return found


def preview(member: MemberContext, shown: Proposal, now: signing.Situation, words: Words) -> dict[str, object]:
    """Return what each edit of a KPI would have meant over the last closed periods, or that it is being computed."""
    if shown.change.span.first_day == date.max:
        return {"previews": [], "pending": False, "names": {}}
    pairs = touched_kpis(shown.change, now.chain)
    after = text(with_change(now.chain, shown.change), shown.change.span.first_day)
    names = clause_titles(after, words)
    try:
        found = previews(member, pairs) if pairs else []
    except NotComputedYet as error:
        return {"previews": [], "pending": not error.failed, "names": names}
    return {"previews": [(one, _preview_rows(one, words)) for one in found], "pending": False, "names": names}


def _preview_rows(one: Preview, words: Words) -> list[dict[str, object]]:
    def cell(value: float | None, *, met: bool | None) -> dict[str, object]:
        text_of_it = DASH if value is None else words.figure(value, one.unit)
        return {"text": text_of_it, "met": "" if met is None else words(f"agreement.{'met' if met else 'missed'}")}

    return [
        {
            "period": words.period(row.period, one.cut),
            "cells": [cell(row.before, met=row.met_before), cell(row.after, met=row.met_after)],
        }
        for row in one.rows
    ]


def clauses_without_effect(content: DraftContent, now: signing.Situation) -> list[str]:
    """Return the clauses that an edit of the draft does not reach, since they are not there on its days."""
    if content.first_day is None:
        return []
    return sorted({one.edit.clause for one in edits_without_effect(content.change(0), now.chain)})


def meeting_choices(
    content: DraftContent, row: Change, now: signing.Situation, words: Words
) -> list[dict[str, object]]:
    """Return the agreed changes that a change meets, each with its word."""
    if content.first_day is None:
        return []
    said = {(word.other, word.clause, word.field): word.instead for word in content.words}
    return [
        {
            "other": one.other, "clause": one.clause, "field": one.field, "day": one.first_day,
            "name": word_name(one),
            "choices": [
                (name, words(f"agreement.{name}"), said.get((one.other, one.clause, one.field)) is instead)
                for name, instead in (("until_then", False), ("instead", True))
            ],
        }
        for one in meetings(content.change(row.number or 0), now.chain)
    ]  # fmt: skip


def step_row(step: signing.Step, words: Words) -> dict[str, object]:
    """Return a step as a row of the list of steps."""
    return {
        "step": step,
        "what": words(f"change_step.{step.kind.value}"),
        "digest": step.digest[:16],
    }


def deciding(
    member: MemberContext, state: queries.ChangeState, now: signing.Situation, words: Words
) -> dict[str, object]:
    """Return what a reader can do with a change that was proposed."""
    of = queries.situation_for(state.steps, now)
    assert state.last is not None
    notice = notice_of(signing.revisions(state.steps), of.chain, of.zone)
    side = member.side
    of_side = [step for step in signing.signatures(state.steps, of) if step.side is side]
    kpis = [(one.id, clause_heading(one, words)) for one in text(of.chain, of.today).of(Kind.KPI)]
    may = side is not None and member.may(Action.AGREE)
    return {
        "notice": notice,
        "waived": "waived" in signing.what_is_signed(state.steps, of),
        "signed_sides": signing.signed_sides(state.steps, of),
        "signatures": signing.signatures(state.steps, of),
        "fallen": signing.fallen(state.steps, of),
        "may_sign": side is not None and not of_side and _may_sign(member, state, of),
        "may_sign_elsewhere": side is not None and not of_side and _may_sign(member, state, of, SignedBy.PDF),
        "may_waive": may and notice.shortfall > 0 and notice.receiver is side,
        "waive_form": WaiveForm(initial={"shortfall": notice.shortfall}, kpis=kpis),
        "may_end": may,
        "is_giver": state.last.proposal.giver is side,
        "end_form": EndForm(),
        "mark_form": MarkForm(),
        "marks": list(state.row.marks.select_related("person")),
        "retroactive": state.last.proposal.change.span.first_day <= of.today,
        "unsettled": signing.unsettled(state.steps, of),
    }


def _may_sign(
    member: MemberContext, state: queries.ChangeState, of: signing.Situation, means: SignedBy = SignedBy.ROOM
) -> bool:
    """Whether this person's signature would be taken, were it given over what stands."""
    assert member.side is not None
    assert state.last is not None
    if not queries.may_read_change(member, state.last.proposal, of.chain):
        return False
    digest, signer = signing.what_is_signed_digest(state.steps, of), queries.signer_of(member.membership)
    if means.value not in signing.means_open_to(state.steps, signer, member.side, of):
        return False
    opened = signing.Step(StepKind.OPEN, of.now, member.side, signer.person, state.last.number, digest)
    step = signing.Step(
        StepKind.SIGN, of.now, member.side, signer.person, state.last.number, digest, signer=signer, retroactive=True,
        means=means, file="" if means is SignedBy.ROOM else digest,
    )  # fmt: skip
    why = signing.refusal([*state.steps, opened], step, of)
    return why is None or why in {signing.Refusal.RETROACTIVE, signing.Refusal.NOT_RETROACTIVE, signing.Refusal.NOTICE}


def editing(  # noqa: PLR0913 - the forms of a draft
    member: MemberContext,
    content: DraftContent,
    now: signing.Situation,
    about: ChangeForm | None,
    clause_form: tuple[str, ClauseForm] | None,
    request: HttpRequest,
    words: Words,
) -> dict[str, object]:
    """Return the forms of a draft: what it says of itself, and the clause that is being edited."""
    read = drafted_text(content, now)
    if clause_form is None:
        clause_form = _asked_form(request, member, read)
    return {
        "about": about or ChangeForm(content.says, content.first_day, content.end),
        "clause_form": clause_form,
        "clauses": [
            (one.id, clause_heading(one, words), kind_name(one.kind, words))
            for one in read.clauses
            if not one.removed and queries.may_read(member, one)
        ],
        "kinds": [(kind.value, kind_name(kind, words)) for kind in Kind],
        "edited": list(dict.fromkeys(edit.clause for edit in content.edits)),
    }


def _asked_form(request: HttpRequest, member: MemberContext, read: Text) -> tuple[str, ClauseForm] | None:
    """Return the form of the clause that the address asks for, or of one that is to be added."""
    asked, added = request.GET.get("edit", ""), request.GET.get("add", "")
    clause = read.get(asked) if asked else None
    if clause is not None and queries.may_read(member, clause):
        return clause.id, ClauseForm(clause.kind, clause.fields, read)
    if added in set(Kind):
        return "", ClauseForm(Kind(added), {}, read)
    return None


def shown_sentences(proposal: Proposal, entries: Sequence[Entry]) -> dict[str, str]:
    """Return the digest of the sentences of the touched clauses as the page has them, by language."""
    after = text(with_change(entries, proposal.change), proposal.change.span.first_day)
    titles = {name: clause_titles(after, words_for(name)) for name in LOCALES}
    clauses = [after.get(one) for one in dict.fromkeys(edit.clause for edit in proposal.change.edits)]
    return {
        name: hashes.digest_of(
            [
                [clause_heading(one, words_for(name)), *clause_sentences(one, words_for(name), titles[name])]
                for one in clauses
                if one is not None
            ]
        )
        for name in LOCALES
    }


def broken_limits(member: MemberContext, proposal: Proposal, now: signing.Situation) -> list[dict[str, object]]:
    """Return the limits of the reader's own side that the text would break: told to nobody else."""
    if member.side is None or not (member.may(Action.READ_OWN) and member.may(Action.READ_MONEY)):
        return []
    after = text(with_change(now.chain, proposal.change), proposal.change.span.first_day)
    found: list[dict[str, object]] = []
    for limit in queries.limits(member):
        clause = after.get(limit.clause)
        value = None if clause is None else clause.fields.get("target" if limit.kind == "kpi" else "price")
        if value is None:
            continue
        number = Decimal(str(value))
        if (limit.least is not None and number < limit.least) or (limit.most is not None and number > limit.most):
            found.append({"limit": limit, "clause": clause, "value": number})
    return found


def posted_form(request: HttpRequest, member: MemberContext, read: Text, what: str, clause: str) -> ClauseForm:
    """Return the form of a clause as it was sent.

    :raises Http404: for a clause that is not there, or that the member may not read
    """
    known = read.get(clause) if what == "clause" else None
    if known is not None and queries.may_read(member, known):
        return ClauseForm(known.kind, known.fields, read, request.POST)
    kind = request.POST.get("kind", "")
    if what == "clause" or kind not in set(Kind):
        raise Http404
    return ClauseForm(Kind(kind), {}, read, request.POST)
