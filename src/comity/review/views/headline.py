"""Drafts the sentence at the head of a review, from firm verdicts only; a person may put another in its place."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.review.i18n.words import Words
from comity.review.model import Review
from comity.review.views.sentences import capital, cause_clause, direction, subtitle

MOST_SENTENCES = 3
MOST_WORDS = 20  # a sentence
# What a reader must hear first: where the figure misleads most.
_RANK = {
    Verdict.REVERSED: 0,
    Verdict.MASKED: 1,
    Verdict.ILLUSORY: 2,
    Verdict.OVERSTATED: 3,
    Verdict.UNDERSTATED: 3,
    Verdict.GENUINE: 4,
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of the headline; a marked one differs from what it seems, and bears the marker pen."""

    text: str
    marked: bool = False


def draft_headline(review: Review, words: Words) -> tuple[Phrase, ...]:
    """At most three sentences from the firm verdicts; says plainly when there is nothing firm to tell."""
    if not review.readings:
        return (Phrase(words("headline.no_readings")),)
    firm = [reading for reading in review.readings if reading.firm and reading.verdict is not Verdict.UNCLEAR]
    if not firm:
        return (Phrase(words("headline.nothing")),)
    moved = [reading for reading in firm if reading.verdict in _RANK]
    moved.sort(key=lambda reading: _RANK[reading.verdict])
    steady = [reading for reading in firm if reading.verdict is Verdict.STEADY]
    chosen = moved[: MOST_SENTENCES if not steady or len(moved) >= MOST_SENTENCES else MOST_SENTENCES - 1]
    # Those chosen are told in the order of the table below them.
    chosen.sort(key=review.readings.index)
    phrases: list[Phrase] = []
    for reading in chosen:
        key = f"headline.{reading.verdict.value}.{direction(reading)}"
        values = {} if reading.verdict is Verdict.GENUINE else {"because": cause_clause(reading, words)}
        names = _name(reading, review, words), words.named("reading_noun", reading.id)
        phrases += _phrases(_short([capital(words(key, name=name, **values)) for name in names]))
    if steady and len(chosen) < MOST_SENTENCES:
        names_of = words.listed([_name(reading, review, words) for reading in steady])
        many = words("headline.steady_many", count=len(steady))
        phrases += _phrases(_short([words("headline.steady", names=names_of), many]))
    return tuple(phrases)


def _short(sentences: Sequence[str]) -> str:
    """The first sentence that keeps to the length; the last is the shortest."""
    return next((text for text in sentences if len(text.split()) <= MOST_WORDS), sentences[-1])


def headline_phrases(review: Review, words: Words) -> tuple[Phrase, ...]:
    """The headline as it stands: a person's wording where there is one, else the draft."""
    if review.headline_override is not None:
        return (Phrase(review.headline_override.text),)
    return draft_headline(review, words)


def plain_text(phrases: tuple[Phrase, ...]) -> str:
    """The headline without its marks."""
    return "".join(phrase.text for phrase in phrases).strip()


def _name(reading: Reading, review: Review, words: Words) -> str:
    name = words.named("reading_noun", reading.id)
    if sum(other.id == reading.id for other in review.readings) > 1:
        return words("headline.named", name=name, variant=subtitle(reading, review, words).replace("*", ""))
    return name


def _phrases(sentence: str) -> list[Phrase]:
    """Cut a sentence at its asterisks: what stands between two of them is marked. A space parts sentences."""
    pieces = sentence.split("*")
    return [Phrase(piece, marked=bool(at % 2)) for at, piece in enumerate(pieces) if piece] + [Phrase(" ")]
