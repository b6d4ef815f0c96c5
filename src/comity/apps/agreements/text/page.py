"""What the page of the agreement shows: a text as it was known, its clauses with their history, its differences."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from comity.apps.agreements import queries
from comity.apps.agreements.sentences import clause_sentences, clause_titles, differences_text
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.agreements.wording.values import kind_name, name_text
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.queries import former_members, members
from comity.core.agreements.canonical import counting_digest
from comity.core.agreements.changes import Entry
from comity.core.agreements.clauses import Clause
from comity.core.agreements.first_text import for_reader
from comity.core.agreements.kinds import Kind
from comity.core.agreements.people import Named
from comity.core.agreements.pointed_out import PointKind, points
from comity.core.agreements.text import Chain, Text, text
from comity.core.values import Side
from comity.review.i18n.words import Words

_MAX_SEARCHED = 200  # characters
_SHORT = 16  # signs of a digest that is shown
_FEW = 3  # KPIs that are told by name, were they all


def sections(  # noqa: PLR0913 - a text, and what is asked of it
    read: Text,
    entries: Sequence[Entry],
    day: date,
    member: MemberContext,
    titles_of_changes: Mapping[int, tuple[str, UUID | None]],
    searched: str,
    words: Words,
) -> list[tuple[str, list[dict[str, object]]]]:
    """Return the clauses by kind, each with its sentences, the change that it is from, and its history.

    A KPI also says by what it counts, its target aside, so that those of two relationships can be compared.


    :param searched: only clauses with all of its words are returned, whatever their letters' case and accents
    """
    found: dict[str, list[dict[str, object]]] = {}
    titles = readable_titles(member, read, words)
    wanted = _folded(searched[:_MAX_SEARCHED]).split()
    for clause in read.clauses:
        if clause.removed:
            continue
        readable = queries.may_read(member, clause)
        sentences = clause_sentences(clause, words, titles) if readable else None
        kind = kind_name(clause.kind, words)
        title = titles[clause.id] if readable else kind
        within = _folded(" ".join([kind, title, *(sentences or ())]))
        if not all(word in within for word in wanted):
            continue
        history = _history(entries, clause, titles_of_changes)
        found.setdefault(kind, []).append(
            {
                "clause": clause,
                "title": title,
                "sentences": sentences,
                "number": next((one["number"] for one in reversed(history) if day in one["span"]), None),  # type: ignore[operator]
                "history": history,
                "counting": counting_digest(clause)[:_SHORT] if readable and clause.kind is Kind.KPI else "",
            }
        )
    return list(found.items())


def _folded(written: str) -> str:
    """A text as it is searched: without case and accents."""
    parts = unicodedata.normalize("NFD", written)
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()


def _history(
    entries: Sequence[Entry], clause: Clause, titles_of_changes: Mapping[int, tuple[str, UUID | None]]
) -> list[dict[str, object]]:
    """Return the changes that write into a clause, in the order in which they were agreed."""
    rows = []
    for entry in entries:
        if any(edit.clause == clause.id for edit in entry.change.edits):
            title, pk = titles_of_changes.get(entry.change.number, ("", None))
            span, agreed = entry.change.span, entry.agreed_at
            rows.append({"number": entry.change.number, "title": title, "pk": pk, "span": span, "agreed_at": agreed})
    return rows


def titles_of_changes(
    member: MemberContext, states: Sequence[queries.ChangeState], words: Words
) -> dict[int, tuple[str, UUID | None]]:
    """Return title and id of each agreed change, by its number; no id for what only the book has."""
    found: dict[int, tuple[str, UUID | None]] = {
        one.proposal.change.number: (for_reader(str(one.proposal.says.get("title", "")), words.language), None)
        for one in queries.book_changes(member)
    }
    for state in states:
        if state.row.number is not None and state.row.place is not None and state.last is not None:
            title = for_reader(str(state.last.proposal.says.get("title", "")), words.language)
            found[state.row.number] = (title, state.row.pk)
    return found


def otherwise(  # noqa: PLR0913 - two days of a text, and its reader
    read: Text, entries: Sequence[Entry], other_day: date, known: int | None, member: MemberContext, words: Words
) -> list[tuple[str, str, str, str]]:
    """Return what a text says otherwise than that of an other day: heading, label, there, here.

    What the reader may not read in either of the two is left out of both.
    """
    other = text(entries, other_day, known)
    closed = {clause.id for one in (read, other) for clause in one.clauses if not queries.may_read(member, clause)}
    open_texts = [Text(tuple(clause for clause in one.clauses if clause.id not in closed)) for one in (other, read)]
    return differences_text(open_texts[0], open_texts[1], words)


def pointed_out(read: Text, member: MemberContext, words: Words) -> list[str]:
    """Return what is pointed out about a text, a sentence each; those of one kind about many clauses as one."""
    here = [Named(one.person.name, str(one.person_id)) for one in members(member)]
    gone = [Named(one.person.name, str(one.person_id)) for one in former_members(member)]

    def has_left(person: Named) -> bool:
        return any(person.is_same(one) for one in gone) and not any(person.is_same(one) for one in here)

    titles = clause_titles(read, words)
    closed = {one.id for one in read.clauses if not queries.may_read(member, one)}
    found: dict[tuple[PointKind, tuple[str, ...]], list[tuple[str, ...]]] = {}
    for point in points(read, has_left):
        if closed.intersection(point.clauses):
            continue
        found.setdefault((point.kind, point.names), []).append(point.clauses)
    party = member.party(words)
    kpis = {one.id for one in read.of(Kind.KPI)}
    return [
        words(
            f"agreement_point.{kind.value}",
            clauses=_clauses_text(clauses, titles, kpis, words),
            names=words.listed([party(name) if name in set(Side) else name for name in names]) if names else "",
        )
        for (kind, names), clauses in found.items()
    ]


def _clauses_text(
    those: Sequence[tuple[str, ...]], titles: Mapping[str, str], kpis: Collection[str], words: Words
) -> str:
    """Return the clauses of several points of one kind: a name that could be read as two in quotation marks.

    All KPIs of a text are told by their number, and not one by one.
    """
    alone = {clause for one in those for clause in one if len(one) == 1}
    if len(kpis) > _FEW and alone == set(kpis):
        return words("agreement_point.all_kpis", count=len(kpis))
    return words.listed([words.listed([name_text(titles.get(one, one), words) for one in each]) for each in those])


def is_coming(one: queries.ChangeState, day: date) -> bool:
    """Whether a change is agreed and first holds after a day."""
    return one.row.place is not None and one.last is not None and one.last.proposal.change.span.first_day > day


def latest_text(entries: Chain, day: date) -> Text:
    """The text of a day, or of a later one on which a change begins that is agreed already: the last of them."""
    return text(entries, max([day, *(entry.change.span.first_day for entry in entries)]))
