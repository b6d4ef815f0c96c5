"""What search finds in the log, for those who may read it."""

from collections.abc import Iterator

from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func, Q
from django.urls import reverse

from comity.apps.audit.queries import log_events
from comity.apps.audit.sentences import event_sentence
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.parties.searching import CONFIGS, MAX_HITS, Hit, SearchSource, add_search_source, search_query
from comity.review.i18n.words import Words


class _DataWords(Func):
    """The words of the values of an event's data, without its keys."""

    template = "jsonb_to_tsvector('%(config)s'::regconfig, %(expressions)s, '[\"string\"]')"
    output_field = SearchVectorField()


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("log", 60, _events))


def _events(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    """Yield events by the values of their data and by the person's name."""
    if not member.may(Action.AUDIT):
        return
    url, party = reverse("log", kwargs={"relationship": member.relationship.pk}), member.party(words)
    found = log_events(member).annotate(words=_DataWords(F("data"), config=CONFIGS[words.language]))
    matching = found.filter(Q(words=search_query(text, words.language)) | Q(person__name__icontains=text))
    for event in matching[:MAX_HITS]:
        who = words("log.nobody") if event.person is None else event.person.name
        yield Hit(f"{who} {event_sentence(event, words, party)}", url, at=event.at)
