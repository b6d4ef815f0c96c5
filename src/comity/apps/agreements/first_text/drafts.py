"""A first text of the agreement as a draft: from a template, an organisation's own too, or from a list of KPIs.

What is made is a draft like any other: its own side's alone, and counting for nothing before both have signed. It adds
to what is agreed and takes nothing from another relationship.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.agreements.refusals import Code
from comity.apps.books import queries as books
from comity.apps.i18n import words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies.queries import calendar_of
from comity.book.agreement import UnusableAgreementError
from comity.book.agreement_toml import parse_text_toml, text_toml
from comity.book.formats.sheet import UnusableSourceError
from comity.book.formats.small_file import MAX_BYTES, read_small_file
from comity.core.agreements.changes import AddClause, Edit
from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.first_text import Known, Office, first_edits, first_says, own_edits
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.kpi_list import KpiList, ListedKpi, SheetRows, identity, read_kpis
from comity.core.agreements.text import Chain, Text, patch, permanent_layer
from comity.core.values import Side
from comity.review.i18n.words import LOCALES


@dataclass(frozen=True, slots=True)
class Begun:
    """What was made of a list.

    :ivar listed: what was read of the file; with problems no draft was begun
    :ivar changes: a draft for each first day that the list names
    """

    listed: KpiList
    changes: tuple[Change, ...] = ()


def agreed_text(member: MemberContext) -> tuple[Chain, Text]:
    """Return what both sides agreed, and the permanent text of the last day on which it changes.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    entries = queries.chain(member)
    return entries, permanent_layer(entries, max([queries.today(member), *_first_days(entries)]))


def _first_days(entries: Chain) -> list[date]:
    return [entry.change.span.first_day for entry in entries]


def minting(entries: Chain) -> Callable[[str], str]:
    """Return what makes an id from a name: none that is used, nor one that a draft of somebody else's could have."""
    used = {edit.clause for entry in entries for edit in entry.change.edits}

    def mint(name: str) -> str:
        while (made := f"{name}_{secrets.token_hex(4)}") in used:
            pass
        used.add(made)
        return made

    return mint


def known_of(member: MemberContext, first_day: date | None = None, ends: date | None = None) -> Known:
    """Return what a template takes from the room: its zone, and each side's hours and days off as both agreed on them.

    :param ends: of the term; the first day without it
    """
    zone = books.zone(member)
    return Known(zone, {side: _office(member, side, zone) for side in Side}, first_day, ends)


def _office(member: MemberContext, side: Side, zone: str) -> Office:
    calendar = calendar_of(member.relationship, side, zone)
    if calendar.entry is None:
        return Office()
    week = {day: (one.isoformat("minutes"), two.isoformat("minutes")) for day, (one, two) in calendar.week.items()}
    return Office(week, calendar.free_days)


def begin_from_template(
    member: MemberContext, template: str, language: str, first_day: date | None = None, ends: date | None = None
) -> Change:
    """Begin a draft with the clauses of a template that the agreement lacks.

    :param language: of its prose
    :param first_day: of the change, and of the term where `ends` is given
    :raises Refused: for those who may not draft, and where nothing lacks
    """
    entries, there = agreed_text(member)
    edits = first_edits(template, language, there, known_of(member, first_day, ends), minting(entries))
    if not edits:
        raise Refused(Code.NOTHING_LACKS)
    is_first = not any(there.of(kind) for kind in Kind if kind is not Kind.KPI)
    says = first_says("title" if is_first else "title_more", language)
    return operations.begin_draft(member, DraftContent(first_day, None, edits, says=says))


def begin_from_list(member: MemberContext, upload: "UploadedFile[Any]", language: str) -> Begun:
    """Begin drafts with the KPIs of an uploaded list: all of them, or none where a cell cannot be read.

    A row about a KPI that is agreed, of the same measure, queues and channels, changes what it says otherwise.

    :raises Refused: for those who may not draft, for a file that cannot be read, where nothing is otherwise than
        agreed, and for too many files within an hour
    """
    if member.side is None or not member.may(Action.ACT):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "uploads")
    try:
        sheets = read_small_file(upload.read(MAX_BYTES + 1))
    except UnusableSourceError as error:
        raise Refused(Code.UNUSABLE_LIST, why=str(error)) from None
    listed = read_kpis([SheetRows(one.name, one.rows) for one in sheets], member.side, _measure_names())
    if listed.problems:
        return Begun(listed)
    entries, there = agreed_text(member)
    readable = [clause for clause in there.of(Kind.KPI) if queries.may_read(member, clause)]
    mint, says = minting(entries), first_says("title_list", language)
    days: list[date | None] = [*sorted({kpi.first_day for kpi in listed.kpis if kpi.first_day is not None})]
    contents = []
    for day in days or [None]:
        kpis = [kpi for kpi in listed.kpis if kpi.first_day in {day, None}]
        edits = _list_edits(kpis, readable, permanent_layer(entries, day or queries.today(member)), there, mint)
        contents += [DraftContent(day, None, edits, says=says)] if edits else []
    if not contents:
        raise Refused(Code.LISTED_ALREADY)
    return Begun(listed, tuple(operations.begin_draft(member, content) for content in contents))


def begin_from_own(member: MemberContext, upload: "UploadedFile[Any]", language: str) -> Change:
    """Begin a draft with the clauses of an organisation's own template that the agreement lacks.

    :param upload: a text as TOML, as `comity agreement export` and `own_template` write it
    :raises Refused: for those who may not draft, for a file that is no such text, where nothing lacks, and for too many
        files within an hour
    """
    if member.side is None or not member.may(Action.ACT):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "uploads")
    content = upload.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Refused(Code.UNUSABLE_TEMPLATE, why=f"is larger than {MAX_BYTES // 1024} KB")
    try:
        template = parse_text_toml(content.decode("utf-8-sig"), Path())
    except UnicodeDecodeError:
        raise Refused(Code.UNUSABLE_TEMPLATE, why="is not UTF-8; save it as UTF-8") from None
    except UnusableAgreementError as error:
        raise Refused(Code.UNUSABLE_TEMPLATE, why=error.called("")) from None
    entries, there = agreed_text(member)
    edits = own_edits(template, there, minting(entries))
    if not edits:
        raise Refused(Code.NOTHING_LACKS)
    is_first = not any(there.of(kind) for kind in Kind if kind is not Kind.KPI)
    says = first_says("title" if is_first else "title_more", language)
    return operations.begin_draft(member, DraftContent(None, None, edits, says=says))


def own_drafts(member: MemberContext) -> list[Change]:
    """Return the drafts of the member's side that nobody else had a hand in: neither shared nor proposed."""
    rows = queries.visible_changes(member).filter(number=None, shared=False, side=member.side)
    return [row for row in rows.prefetch_related("drafts") if row.drafts.all()]


def own_template(member: MemberContext, change: Change) -> str:
    """Return the clauses that a draft of one's own side adds, as TOML to keep as a template.

    What is agreed is no part of it: that is both sides' text, and of this relationship alone.

    :raises Refused: for another draft
    """
    if change not in own_drafts(member):
        raise Refused(Code.NOT_YOURS)
    saved = queries.drafts(member, change)[queries.own_track(member, change).value]
    content = queries.draft_content(saved, queries.chain(member))
    added = [
        Clause(one.clause, one.kind, complete(one.kind, one.fields))  # with who reads it where nothing is written
        for one in content.edits
        if isinstance(one, AddClause)
    ]
    return text_toml(Text(tuple(one for one in added if queries.may_read(member, one))))


def _measure_names() -> dict[str, str]:
    """Return the names of measures in every language."""
    return {words_for(name).named("measure", measure): measure for name in LOCALES for measure in MEASURES}


def _list_edits(
    kpis: Sequence[ListedKpi], readable: Sequence[Clause], on_day: Text, there: Text, mint: Callable[[str], str]
) -> tuple[Edit, ...]:
    edits: list[Edit] = []
    own = there.of(Kind.KPI)
    anchor = own[-1].id if own else ""
    for kpi in kpis:
        same = [clause for clause in readable if identity(clause.fields) == identity(kpi.fields)]
        if len(same) == 1:
            before = on_day.get(same[0].id) or same[0]
            edits += patch(before, complete(Kind.KPI, {**before.fields, **kpi.fields}))
            continue
        edits.append(AddClause(mint(str(kpi.fields["measure"])), Kind.KPI, kpi.fields, anchor))
        anchor = edits[-1].clause
    return tuple(edits)
