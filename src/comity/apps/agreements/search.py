"""What search finds in the agreement: clauses of the text today, changes, drafts and remarks that one may read."""

from collections.abc import Iterator
from itertools import islice

from django.urls import reverse

from comity.apps.agreements import queries
from comity.apps.agreements.drafting.edits import drafted_text
from comity.apps.agreements.drafting.remarks import kept_clauses, remarks, shown_content
from comity.apps.agreements.queries import ChangeState
from comity.apps.agreements.sentences import clause_heading, clause_sentences, clause_titles
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.books.queries import readable_definition
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.searching import MAX_HITS, Excerpt, Hit, SearchSource, add_search_source, contains_words
from comity.book.agreement import UnusableAgreementError
from comity.core.agreements.changes import touched
from comity.core.agreements.signing import UNDECIDED, Situation, State
from comity.review.i18n.words import Words

_SAYS = ("reason", "expects_nothing")  # texts of a change about itself, beside its title


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("changes", 22, _changes))
    add_search_source(SearchSource("clauses", 24, _clauses))
    add_search_source(SearchSource("remarks", 26, _remarks))


def _can_be_read(member: MemberContext) -> bool:
    """Whether there is an agreement to search; the agreement's own page says what is wrong with one."""
    if readable_definition(member) is None:
        return False
    try:
        queries.situation(member)
    except UnusableAgreementError:
        return False
    return True


def _clauses(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    """Yield the clauses in force today, by heading and sentences; not those that name others as their readers."""
    return islice(_all_clauses(member, words, text), MAX_HITS)


def _all_clauses(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    if not _can_be_read(member):
        return
    read = queries.text_of(member)
    titles = readable_titles(member, read, words)
    for clause in read.clauses:
        if clause.removed or not queries.may_read(member, clause):
            continue
        said = [clause_heading(clause, words), *clause_sentences(clause, words, titles)]
        if contains_words(" ".join(said), text):
            url = reverse("agreement", kwargs={"relationship": member.relationship.pk})
            yield Hit(said[0], f"{url}#clause-{clause.id}", (Excerpt(" ".join(said[1:])),))


def _changes(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    """Yield the changes that the member knows of, by what they say of themselves and the clauses that they write."""
    return islice(_all_changes(member, words, text), MAX_HITS)


def _all_changes(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    if not _can_be_read(member):
        return
    now = queries.situation(member)
    for state in queries.change_states(member, now=now):
        said = _said(member, state, now, words)
        if said and contains_words(" ".join(said), text):
            yield Hit(
                said[0], _url(member, state), (Excerpt(words(f"change_state.{state.state}")),), state.row.begun_at
            )


def _said(member: MemberContext, state: ChangeState, now: Situation, words: Words) -> list[str]:
    """Return the title of a change, and what the member reads of it; empty for a draft that they see nothing of.

    Where a clause of it is kept from them they know its title alone, as in the list of changes.
    """
    content = shown_content(member, state, now.chain)
    title = str(content.says.get("title", ""))
    if not title:
        return []
    closed = kept_clauses(member, content, now)
    if closed & set(touched(content.edits)):
        return [title]
    said = [title, *(str(content.says.get(name, "")) for name in _SAYS)]
    if state.state in {State.DRAFT, *UNDECIDED}:  # what is agreed is found in the text
        read = drafted_text(content, now)
        titles = clause_titles(read, words)
        for name in touched(content.edits):
            clause = read.get(name)
            if clause is not None and not clause.removed:
                said += [clause_heading(clause, words), *clause_sentences(clause, words, titles)]
    return said


def _remarks(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:  # noqa: ARG001 - as people wrote them
    """Yield remarks on changes: those for both sides, and the own side's; never the other side's among themselves."""
    return islice(_all_remarks(member, text), MAX_HITS)


def _all_remarks(member: MemberContext, text: str) -> Iterator[Hit]:
    if not _can_be_read(member):
        return
    now = queries.situation(member)
    for state in queries.change_states(member, now=now):
        for row in remarks(member, state, now):
            if contains_words(row.text, text):
                title = str(shown_content(member, state, now.chain).says.get("title", ""))
                yield Hit(title or row.person.name, _url(member, state), (Excerpt(row.text),), row.at)


def _url(member: MemberContext, state: ChangeState) -> str:
    return reverse("agreement_change", kwargs={"relationship": member.relationship.pk, "change": state.row.pk})
