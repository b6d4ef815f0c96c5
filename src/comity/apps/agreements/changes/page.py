"""What the page of a change shows: what it alters, what it would have meant, its forms, and what is left to do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.http import Http404, HttpRequest

from comity.apps.agreements import queries, signatories
from comity.apps.agreements.changes import decided, progress
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting.edits import drafted_text, edited_text, first_day_of, word_name
from comity.apps.agreements.drafting.merging import MINE, NOTHING, THEIRS, Conflict
from comity.apps.agreements.forms.clauses import ChangeForm, ClauseForm, of_measure
from comity.apps.agreements.forms.steps import AmountForm, DecidedForm, EndForm, MarkForm, WaiveForm
from comity.apps.agreements.models import Change
from comity.apps.agreements.outcomes import amounts
from comity.apps.agreements.sentences import (
    clause_heading,
    clause_sentences,
    clause_titles,
    differences_text,
    figures_of,
    relief_text,
    word_texts,
)
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.agreements.wording.values import (
    Figure,
    change_label,
    change_value_text,
    field_label,
    kind_name,
    name_text,
    value_text,
)
from comity.apps.books import queries as books
from comity.apps.books.contents import known_channels
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.core import chain as hashes
from comity.core.agreements import signing
from comity.core.agreements.authority import SignedBy
from comity.core.agreements.changes import CHANGE_FIELDS, AddClause, Entry, Proposal, RemoveClause, field_of
from comity.core.agreements.changes import Change as ChangeContent
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import KINDS, Effect, Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.notice import notice_of
from comity.core.agreements.people import Named
from comity.core.agreements.signing import UNDECIDED, StepKind
from comity.core.agreements.text import (
    Chain,
    Text,
    edits_without_effect,
    meetings,
    permanent_layer,
    text,
    with_change,
    wordings_told,
)
from comity.core.values import Side
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
    change = shown.change
    found: list[dict[str, object]] = []
    if change.span.first_day == date.max:
        change = replace(change, span=replace(change.span, first_day=date.max.replace(year=date.max.year - 1)))
    for clause, day, before, after in wordings_told(change, entries):
        old, new = before.get(clause), after.get(clause)
        known = new or old
        if known is None:
            continue
        readable = all(queries.may_read(member, one) for one in (old, new) if one is not None)
        titles = [readable_titles(member, read, words, (before, after)) for read in (before, after)]
        found.append(
            {
                "clause": clause,
                "day": None if day == change.span.first_day else day,
                "title": titles[0 if new is None else 1].get(clause, kind_name(known.kind, words)),
                "kind": kind_name(known.kind, words),
                "before": clause_sentences(old, words, titles[0]) if old and readable else [],
                "after": clause_sentences(new, words, titles[1]) if new and readable else [],
                "fields": differences_text(Text((old,)), Text((new,)), words) if old and new and readable else [],
                "readable": readable,
                "removed": new is None,
            }
        )
    return found


def word_rows(shown: Proposal, entries: Sequence[Entry], member: MemberContext, words: Words) -> list[tuple[str, str]]:
    """Return which wording holds where a change meets agreed ones, as the reader may read it."""
    return word_texts(shown.change, entries, lambda clause: queries.may_read(member, clause), words)


def relief(member: MemberContext, state: queries.ChangeState, of: signing.Situation, words: Words) -> str:
    """Return which KPIs a waiver relieves on which days, as it is signed; empty for none."""
    waived = signing.what_is_signed(state.steps, of).get("waived")
    if waived is None or state.last is None:
        return ""
    titles = readable_titles(member, text(of.chain, of.today), words)
    return relief_text(waived["kpis"], state.last.proposal.change.span.first_day, waived["until"], titles, words)


def figures(member: MemberContext, change: ChangeContent, chain: Chain, words: Words) -> dict[str, Figure]:
    """Return the KPIs of which a change may expect something, of those that the reader may read."""
    first_day = min(change.span.first_day, _LAST_FIRST_DAY)
    then = replace(change, span=replace(change.span, first_day=first_day))
    texts = (text(chain, first_day), text(with_change(chain, then), first_day))
    closed = {one.id for read in texts for one in read.clauses if not queries.may_read(member, one)}
    return {key: one for key, one in figures_of(*texts, words=words).items() if key not in closed}


def says_rows(proposal: Proposal, words: Words, figures: Mapping[str, Figure]) -> list[tuple[str, str]]:
    """Return what a change says of itself beside title and reason: label and value."""
    return [
        (change_label(one.name, words), change_value_text(one.name, proposal.says[one.name], words, figures))
        for one in CHANGE_FIELDS
        if one.name in proposal.says and one.name not in {"title", "reason", "proposed_by", "person"}
    ]


def clauses_without_effect(
    member: MemberContext, content: DraftContent, now: signing.Situation, words: Words
) -> list[str]:
    """Return the headings of clauses that an edit of the draft does not reach: they are not there on its days."""
    if content.first_day is None:
        return []
    titles = readable_titles(member, edited_text(content, now), words, [text(now.chain, now.today)])
    found = {one.edit.clause for one in edits_without_effect(content.change(0), now.chain)}
    return sorted(name_text(titles.get(one, words("clause_word.clause")), words) for one in found)


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


def step_rows(
    member: MemberContext, state: queries.ChangeState, now: signing.Situation, words: Words
) -> list[dict[str, object]]:
    """Return the steps of a change as rows, without those who only looked at it."""
    titles = readable_titles(member, text(now.chain, now.today), words)
    first_day = None if state.last is None else state.last.proposal.change.span.first_day
    return [_step_row(one, first_day, titles, words) for one in state.steps if one.kind is not StepKind.OPEN]


def _step_row(step: signing.Step, first_day: date | None, titles: Mapping[str, str], words: Words) -> dict[str, object]:
    waiver = step.waiver
    return {
        "step": step,
        "relief": ""
        if waiver is None or waiver.until is None or first_day is None
        else relief_text(waiver.kpis, first_day, waiver.until.isoformat(), titles, words),
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
    signatures = signing.signatures(state.steps, of)
    own = Named(member.membership.person.name, str(member.membership.person_id))
    has_signed = any(step.side is side and step.named.is_same(own) for step in signatures)
    lacks = {one: signing.lacks(state.steps, of, one) for one in Side}
    kpis = [
        (one.id, clause_heading(one, words))
        for one in text(of.chain, of.today).of(Kind.KPI)
        if queries.may_read(member, one)
    ]
    may = side is not None and member.may(Action.AGREE)
    return {
        "notice": notice,
        "waived": "waived" in signing.what_is_signed(state.steps, of),
        "relief": relief(member, state, of, words),
        "signed_sides": signing.signed_sides(state.steps, of),
        "signatures": signatures,
        "needed": {one: progress.needed_texts(those, words) for one, those in lacks.items()},
        "completes": side is not None and _is_one_signature(lacks[side]),
        "has_signed": has_signed,
        "fallen": signing.fallen(state.steps, of),
        "may_sign": side is not None and not has_signed and _may_sign(member, state, of),
        "may_sign_elsewhere": side is not None and not has_signed and _may_sign(member, state, of, SignedBy.PDF),
        "may_waive": may and notice.shortfall > 0 and notice.receiver is side,
        "waive_form": WaiveForm(initial={"shortfall": notice.shortfall}, kpis=kpis),
        "ending": _ending(state, side) if may and side is not None else None,
        "is_giver": state.last.proposal.giver is side,
        "end_form": EndForm(),
        "mark_form": MarkForm(),
        "marks": list(state.row.marks.select_related("person")),
        "retroactive": state.last.proposal.change.span.first_day <= of.today,
        "unsettled": signing.unsettled(state.steps, of),
        "meanwhile": meanwhile(member, state, now, words),
    }


def _is_one_signature(lacks: Sequence[signing.Lack]) -> bool:
    """Whether one more signature is enough."""
    return len(lacks) == 1 and any(number == 1 for number, _ in lacks[0].rules)


def _ending(state: queries.ChangeState, side: Side) -> StepKind | None:
    """Return how a side can end a change: whoever proposed it withdraws it, who has the other's text declines that."""
    first, last = signing.revisions(state.steps)[0], state.last
    if first.side is side:
        return StepKind.WITHDRAW
    return None if last is None or last.side is side else StepKind.DECLINE


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
    opened = signing.Step(
        StepKind.OPEN, of.now, member.side, signer.person, state.last.number, digest, person_id=signer.person_id
    )
    step = signing.Step(
        StepKind.SIGN, of.now, member.side, signer.person, state.last.number, digest, signer=signer, retroactive=True,
        means=means, file="" if means is SignedBy.ROOM else digest, person_id=signer.person_id,
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
    """Return the forms of a draft: what it says of itself, and the clause that is being edited.

    One form is open at a time; without one the page shows what the draft changes, and may ask for itself again.
    """
    if clause_form is None:
        clause_form = _asked_form(request, member, content, now)
    lacks = progress.lacking(content, words)
    if about is None and clause_form is None and (request.GET.get("edit") == ABOUT or not content.says.get("title")):
        about = form_of_change(member, content, now)
    return {
        "about": about,
        "clause_form": clause_form,
        "over_it": [] if clause_form is None else _temporary_wordings(clause_form, content, now, words),
        "clauses": clause_list(member, content, now, words),
        "kinds": [(kind.value, kind_name(kind, words)) for kind in _kinds_to_add(drafted_text(content, now))],
        "lacks": lacks,
    }


_LAST_FIRST_DAY = date.max.replace(year=date.max.year - 1)  # of a draft without one
ABOUT = "about"  # in place of a clause in the address: the form of the change itself


def _kinds_to_add(read: Text) -> list[Kind]:
    """The kinds of which a text can have another clause."""
    return [kind for kind in Kind if not (KINDS[kind].single and read.of(kind))]


def clause_list(
    member: MemberContext, content: DraftContent, now: signing.Situation, words: Words
) -> list[dict[str, object]]:
    """Return the clauses of a text with the draft, each with its mark: edited, added, removed, or none."""
    read, before = drafted_text(content, now), text(now.chain, first_day_of(content, now))
    titles = clause_titles(before, words) | clause_titles(read, words)
    marks: dict[str, str] = {}
    for edit in content.edits:
        name = {AddClause: "added", RemoveClause: "removed"}.get(type(edit), "edited")
        if name != "edited" or edit.clause not in marks:
            marks[edit.clause] = name
    return [
        {
            "id": one.id,
            "title": titles[one.id],
            "kind": kind_name(shown.kind, words),
            "mark": marks.get(one.id, ""),
        }
        for one in read.clauses
        if (shown := before.get(one.id) if one.removed else one) is not None
        and (not one.removed or marks.get(one.id) == "removed")
        and all(queries.may_read(member, each) for each in (shown, before.get(one.id)) if each is not None)
    ]


def _temporary_wordings(
    clause_form: tuple[str, ClauseForm], content: DraftContent, now: signing.Situation, words: Words
) -> list[tuple[str, str]]:
    """Return the fields over which something else holds for a time, which a form does not show: (label, value)."""
    clause, form = clause_form
    lasting, shown = edited_text(content, now).get(clause), drafted_text(content, now).get(clause)
    if lasting is None or shown is None:
        return []
    return [
        (field_label(form.kind, name, words), value_text(form.kind, name, value, words, beside=shown.fields))
        for name, value in shown.fields.items()
        if lasting.fields.get(name) != value
    ]


def form_of_change(
    member: MemberContext, content: DraftContent, now: signing.Situation, data: object = None
) -> ChangeForm:
    """Return the form of what a change says of itself; it may expect something of the KPIs that the member reads.

    KPIs about people are none of them: what became of those is not counted here.
    """
    read = drafted_text(content, now)
    known = figures_of(read, words=words_for(language()))
    offered = {
        clause.id: known[clause.id]
        for clause in read.of(Kind.KPI)
        if clause.id in known
        and queries.may_read(member, clause)
        and MEASURES[str(clause.fields["measure"])].people_of is None
    }
    return ChangeForm(content.says, content.first_day, content.end, data, figures=offered)


def form_of_clause(
    member: MemberContext, clause: Clause, content: DraftContent, now: signing.Situation, data: object = None
) -> ClauseForm:
    """Return the form of a clause of a draft, with what differs from the text in force marked."""
    before = permanent_layer(now.chain, first_day_of(content, now)).get(clause.id)
    known = None if before is None else before.fields
    people = signatories.choices(member) if clause.kind is Kind.AUTHORITY else {}
    return ClauseForm(
        clause.kind,
        clause.fields,
        drafted_text(content, now),
        data,
        before=known,
        people=people,
        channels=_channels(member, clause.kind),
    )


def _asked_form(
    request: HttpRequest, member: MemberContext, content: DraftContent, now: signing.Situation
) -> tuple[str, ClauseForm] | None:
    """Return the form of the clause that the address asks for, or of one that is to be added."""
    asked, added = request.GET.get("edit", ""), request.GET.get("add", "")
    clause = edited_text(content, now).get(asked) if asked else None
    if clause is not None and may_edit(member, asked, content, now):
        return clause.id, form_of_clause(member, clause, content, now)
    if added in set(Kind):
        people = signatories.choices(member) if added == Kind.AUTHORITY else {}
        return "", ClauseForm(
            Kind(added), {}, drafted_text(content, now), people=people, channels=_channels(member, Kind(added))
        )
    return None


def _channels(member: MemberContext, kind: Kind) -> tuple[str, ...]:
    return known_channels(member) if kind is Kind.KPI else ()


def shown_sentences(proposal: Proposal, entries: Sequence[Entry]) -> dict[str, str]:
    """Return the digest of the sentences of the touched clauses as the page has them, by language."""
    told = [(read.get(clause), read) for clause, _, _, read in wordings_told(proposal.change, entries)]
    return {
        name: hashes.digest_of(
            [
                [
                    clause_titles(read, words_for(name)).get(one.id, clause_heading(one, words_for(name))),
                    *clause_sentences(one, words_for(name), clause_titles(read, words_for(name))),
                ]
                for one, read in told
                if one is not None
            ]
        )
        for name in LOCALES
    }


def amends_contract(change: ChangeContent, entries: Sequence[Entry]) -> bool:
    """Whether the text that a change makes amends the signed contract, on its first day; else it says how we count."""
    read = text(with_change(entries, change), change.span.first_day)
    return any(clause.fields.get("counts_as") == Effect.AMENDMENT for clause in read.of(Kind.EFFECT))


def decided_rows(member: MemberContext, state: queries.ChangeState) -> dict[str, object]:
    """Return what the other side says of the day on which a change was decided, and the form to say so."""
    said = None if state.last is None else decided.said_by_other(state.row)
    may = decided.may_say(member, state)
    return {"said": [said] if said else [], "form": DecidedForm(auto_id="decided_%s") if may else None}


def own_amounts(member: MemberContext, state: queries.ChangeState, now: signing.Situation) -> dict[str, object] | None:
    """Return what the reader's side noted of a change's worth, and the form; None for who may not, and for a draft."""
    if state.last is None or not amounts.may_note(member):
        return None
    if not queries.may_read_change(member, state.last.proposal, now.chain):
        return None
    noted, currency = amounts.noted(member, state.row), books.definition(member).currency
    initial = {} if noted is None else {"expected": noted.expected, "came": noted.came}
    return {"currency": currency, "form": AmountForm(initial=initial, auto_id="amounts_%s")}


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


def is_kept_from(member: MemberContext, clause: str, content: DraftContent, now: signing.Situation) -> bool:
    """Return whether a clause is kept from a member, as it is or as a draft has it."""
    texts = (edited_text(content, now), permanent_layer(now.chain, first_day_of(content, now)))
    known = [one for read in texts if (one := read.get(clause)) is not None]
    return not all(queries.may_read(member, one) for one in known)


def may_edit(member: MemberContext, clause: str, content: DraftContent, now: signing.Situation) -> bool:
    """Return whether a member reads a clause, as it is and as the draft has it; not one that is in neither."""
    texts = (edited_text(content, now), permanent_layer(now.chain, first_day_of(content, now)))
    known = [one for read in texts if (one := read.get(clause)) is not None]
    return bool(known) and all(queries.may_read(member, one) for one in known)


def posted_form(
    request: HttpRequest, member: MemberContext, content: DraftContent, now: signing.Situation
) -> tuple[str, ClauseForm]:
    """Return the clause and its form as it was sent, with the controls that it was shown with; no clause: a new one.

    :raises Http404: for a clause that is not there, or that the member may not read
    """
    asked, kind = request.POST.get("clause", ""), request.POST.get("kind", "")
    if request.POST.get("what") == "add":
        if kind not in set(Kind):
            raise Http404
        asked, clause = "", Clause("", Kind(kind), {})
    else:
        known = edited_text(content, now).get(asked)
        if known is None or not may_edit(member, asked, content, now):
            raise Http404
        clause = known
    measure = request.POST.get("shown_measure") or request.POST.get("measure", "")
    if clause.kind is Kind.KPI and measure in MEASURES and measure != clause.fields.get("measure"):
        clause = replace(clause, fields=of_measure(clause.fields, measure))
    return asked, form_of_clause(member, clause, content, now, request.POST)


def conflict_rows(  # noqa: PLR0913 - two texts, and their reader
    member: MemberContext,
    found: Sequence[Conflict],
    texts: tuple[DraftContent, DraftContent],
    by: str,
    now: signing.Situation,
    words: Words,
) -> list[dict[str, object]]:
    """Return where one's own text and another's differ, as rows: what it is, both as text, and which is taken.

    A clause that the reader may not read is no row: neither of the two was written by them.

    :param texts: one's own, and the other
    :param by: who saved the other
    """
    read = tuple(edited_text(one, now) for one in texts)
    whole = {one.clause for one in found if one.slot[0] == "added"}
    known_figures = figures(member, texts[1].change(0), now.chain, words)
    rows = []
    for one in found:
        clauses = [text_of_it.get(one.clause) for text_of_it in read]
        known = [clause for clause in clauses if clause is not None]
        known += [
            clause for clause in [permanent_layer(now.chain, first_day_of(texts[0], now)).get(one.clause)] if clause
        ]
        if one.clause and not (known and all(queries.may_read(member, clause) for clause in known)):
            continue
        if one.slot[0] == "field" and one.clause in whole:
            continue
        title = clause_heading(known[0], words) if one.clause else ""
        label, mine, theirs = _conflict_texts(one, clauses, known, words, known_figures)
        choices = [(MINE, words("conflict.mine"), mine), (THEIRS, by, theirs)]
        rows.append({"conflict": one, "title": title, "label": label, "choices": choices})
    return rows


def _conflict_texts(
    one: Conflict,
    clauses: Sequence[Clause | None],
    known: Sequence[Clause],
    words: Words,
    known_figures: Mapping[str, Figure],
) -> tuple[str, str, str]:
    """The label and both values of a place in which two texts differ."""
    what, *names = one.slot
    values = (one.mine, one.theirs)
    if what == "says":
        texts = [
            "" if value is NOTHING else change_value_text(names[0], value, words, known_figures)  # type: ignore[arg-type]
            for value in values
        ]
        return (change_label(names[0], words), *(text_of_it or DASH for text_of_it in texts))  # type: ignore[return-value]
    if what in {"first_day", "end"}:
        texts = [words.day(value) if isinstance(value, date) else DASH for value in values]
        return words(f"change.{what}"), texts[0], texts[1]
    if what == "word":
        texts = [
            DASH if value is NOTHING else words("agreement.instead" if value else "agreement.until_then")
            for value in values
        ]
        return words("agreement.change_number", number=names[0]), texts[0], texts[1]
    if what in {"added", "removed"}:
        texts = [
            words("agreement.removed") if clause is None else " ".join(clause_sentences(clause, words)) or DASH
            for clause in clauses
        ]
        return words("clause_word.clause"), texts[0], texts[1]
    kind = known[0].kind
    texts = [
        words("agreement.removed")
        if clause is None
        else value_text(kind, names[1], clause.fields.get(names[1]), words, beside=clause.fields) or DASH
        for clause in clauses
    ]
    return field_label(kind, names[1], words), texts[0], texts[1]


def meanwhile(
    member: MemberContext, state: queries.ChangeState, now: signing.Situation, words: Words
) -> list[dict[str, object]]:
    """Return each field that something agreed since writes too: as that has it, and as this change has it."""
    if state.last is None or state.state not in UNDECIDED:
        return []
    change = state.last.proposal.change
    own, first_day = text(with_change(now.chain, change), change.span.first_day), change.span.first_day
    rows = []
    for other in signing.agreed_meanwhile(state.last, now.chain):
        theirs = text(now.chain, max(first_day, other.span.first_day))
        for edit in other.edits:
            mine, clause = own.get(edit.clause), theirs.get(edit.clause)
            known = mine or clause
            ours = {field_of(one) for one in change.edits if one.clause == edit.clause}
            if (
                known is None
                or not ours
                or not all(queries.may_read(member, one) for one in (mine, clause) if one is not None)
            ):
                continue
            name = field_of(edit)
            if name and name not in ours and "" not in ours:
                continue
            texts = [
                words("agreement.removed")
                if one is None
                else value_text(one.kind, name, one.fields.get(name), words, beside=one.fields) or DASH
                if name
                else " ".join(clause_sentences(one, words))
                for one in (clause, mine)
            ]
            rows.append({
                "number": other.number, "title": clause_heading(known, words),
                "label": field_label(known.kind, name, words) if name else "", "agreed": texts[0], "own": texts[1],
            })  # fmt: skip
    return rows


def last_day(state: queries.ChangeState, now: signing.Situation) -> dict[str, object]:
    """Return the last day on which a change can be signed, where it names one, and whether it is over."""
    is_open = state.last is not None and state.state in UNDECIDED
    until = state.last.proposal.says.get("open_until") if state.last is not None and is_open else None
    return {
        "open_until": None if until is None else date.fromisoformat(str(until)),
        "is_over": state.last is not None and signing.is_over(state.steps, now),
    }
