"""What search finds in matters: titles, texts of steps, comments, and names of evidence."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.urls import reverse

from comity.apps.matters.models import Evidence, Matter, Step
from comity.apps.matters.sentences import matter_title
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.searching import (
    MAX_HITS,
    Excerpt,
    Hit,
    SearchSource,
    add_search_source,
    excerpts,
    search_query,
    search_vector,
    with_excerpt,
)
from comity.core.matters.transitions import Move
from comity.review.i18n.words import Words


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("matters", 10, _matters))
    add_search_source(SearchSource("comments", 20, _comments))
    add_search_source(SearchSource("evidence", 70, _evidence))


def _matters(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    """Yield matters by title, then by the text of a step that is no comment; each once."""
    found: set[object] = set()
    titled = Matter.objects.filter(relationship=member.relationship).annotate(
        words=search_vector(words.language, "title", "queue")
    )
    query = search_query(text, words.language)
    for matter in titled.filter(Q(words=query) | Q(title__icontains=text)).order_by("-raised_at", "pk")[:MAX_HITS]:
        found.add(matter.pk)
        about = f"{words(f'kind_of.matter_{matter.kind}')}, {words(f'state.{matter.word(matter.state)}')}"
        yield Hit(matter_title(member, matter, words), _url(member, matter), (Excerpt(about),), matter.raised_at)
    for step in _steps(member, words, text).exclude(move=Move.COMMENT)[:MAX_HITS]:
        if step.matter_id not in found and len(found) < MAX_HITS:
            found.add(step.matter_id)
            yield _step_hit(member, step)


def _comments(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    return (_step_hit(member, step) for step in _steps(member, words, text).filter(move=Move.COMMENT)[:MAX_HITS])


def _evidence(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:  # noqa: ARG001 - names have no language
    files = Evidence.objects.filter(relationship=member.relationship, name__icontains=text)
    for file in files.select_related("matter").defer("content").order_by("name", "pk")[:MAX_HITS]:
        yield Hit(file.name, _url(member, file.matter), (Excerpt(file.matter.title),))


def _steps(member: MemberContext, words: Words, text: str) -> QuerySet[Step]:
    steps = Step.objects.filter(relationship=member.relationship).select_related("matter")
    found = steps.annotate(words=search_vector(words.language, "text")).filter(words=search_query(text, words.language))
    return with_excerpt(found, "text", text, words.language).order_by("-at", "pk")


def _step_hit(member: MemberContext, step: Step) -> Hit:
    url = f"{_url(member, step.matter)}#step-{step.number}"
    return Hit(step.matter.title, url, excerpts(step.excerpt), step.at)  # type: ignore[attr-defined]


def _url(member: MemberContext, matter: Matter) -> str:
    return reverse("matter", kwargs={"relationship": member.relationship.pk, "matter": matter.pk})
