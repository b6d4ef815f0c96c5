"""The sentence at the head is drafted from firm verdicts, in short sentences."""

from dataclasses import replace

import pytest

from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.i18n.words import catalogue, words_of
from comity.review.views import headline
from comity.review.views.sentences import reading_sentence
from tests.builders import review as sample

LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])


def sentences(text: str) -> list[str]:
    return [sentence for sentence in text.replace("? ", ". ").split(". ") if sentence.strip()]


def drafted(review, language="en"):
    return headline.plain_text(headline.draft_headline(review, words_of(language)))


@LANGUAGES
@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_sentence_is_longer_than_twenty_words(verdict, language):
    for like in sample.readings():
        for up in (1, -1):
            turned = {part.id: part.value * up for part in like.parts}
            for cause in [None, *turned]:
                one = sample.reading(verdict, id=like.id, variant=like.variant, parts=turned, cause=cause)
                review = sample.review(readings=(one, replace(one, variant="nps 0-10 provider")))
                said = [*sentences(drafted(review, language)), reading_sentence(one, words_of(language))]
                assert [sentence for sentence in said if len(sentence.split()) > 20] == []


@LANGUAGES
def test_every_explanation_of_unclear_is_short(language):
    told = [text for key, text in catalogue(language).items() if key.startswith("telling.unclear.")]
    assert all(len(text.split()) <= 20 for text in told)


def test_only_firm_verdicts_are_told():
    doubtful = tuple(replace(reading, firm=False) for reading in sample.readings())
    assert drafted(sample.review(readings=doubtful)).startswith("No conclusive result yet")
    one = (*doubtful[:2], replace(doubtful[2], firm=True), *doubtful[3:])
    assert drafted(sample.review(readings=one)) == "The service level fell, and that is real."


def test_an_unclear_verdict_is_never_told_however_firm():
    unclear = replace(sample.readings()[1], firm=True)
    assert drafted(sample.review(readings=(unclear,))).startswith("No conclusive")


def test_what_misleads_most_comes_before_what_does_not():
    said = drafted(sample.review())
    assert len(sentences(said)) == 3
    assert "only looks higher" in said
    assert "although the figure rose" in said
    assert "service level" not in said


def test_what_differs_from_what_it_seems_bears_the_marker_pen():
    marked = [phrase.text for phrase in headline.draft_headline(sample.review(), words_of("en")) if phrase.marked]
    assert marked == ["only looks higher", "the figure hid it", "although the figure rose"]


def test_without_readings_it_says_where_to_look():
    assert "See below" in drafted(sample.bare())


def test_a_persons_words_stand_in_the_drafts_place():
    told = headline.headline_phrases(sample.worded(), words_of("en"))
    assert [phrase.marked for phrase in told] == [False]
    assert headline.plain_text(told).startswith("Calls were answered later")


def test_many_steady_readings_are_counted_instead_of_named():
    steady = [replace(sample.readings()[6], variant=f"kind {number} of many words", firm=True) for number in range(9)]
    assert drafted(sample.review(readings=tuple(steady))) == "Nothing that matters changed in 9 readings."


def test_a_party_is_named_nowhere_in_a_draft():
    said = drafted(sample.review(parties={Side.CUSTOMER: "Zebra", Side.PROVIDER: "Quagga"}))
    assert "Zebra" not in said
    assert "Quagga" not in said
