"""The sentence at the head is drafted from firm verdicts, in short sentences."""

from dataclasses import replace
from datetime import date

import pytest

from comity.core.readings.verdict import Verdict
from comity.core.values import Period, Side
from comity.review.i18n.words import catalogue, words_of
from comity.review.proceedings import Proceedings
from comity.review.views import headline
from comity.review.views.sentences import cause_clause, reading_sentence
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
                review = without_targets(readings=(one, replace(one, variant="nps 0-10 provider")))
                said = [*sentences(drafted(review, language)), reading_sentence(one, words_of(language))]
                assert [sentence for sentence in said if len(sentence.split()) > 20] == []


@LANGUAGES
def test_the_sentence_of_targets_is_short_too_however_many_were_missed(language):
    for missed in range(1, 5):
        said = drafted(sample.review(levels=with_targets(*[False] * missed)), language)
        assert [sentence for sentence in sentences(said) if len(sentence.split()) > 20] == []


@LANGUAGES
def test_every_explanation_of_unclear_is_short(language):
    told = [text for key, text in catalogue(language).items() if key.startswith("telling.unclear.")]
    assert all(len(text.split()) <= 20 for text in told)


def without_targets(**fields):
    """A review of which no level has a target, so that its headline speaks of readings alone."""
    return sample.review(levels=(), **fields)


def with_targets(*met):
    like = next(level for level in sample.review().levels if level.measure == "service_level")
    names = ("service_level", "service_level_chat", "service_level_mail", "service_level_letters")
    return tuple(replace(like, kpi=name, met=one) for name, one in zip(names, met, strict=False))


def test_only_firm_verdicts_are_told():
    doubtful = tuple(replace(reading, firm=False) for reading in sample.readings())
    assert drafted(without_targets(readings=doubtful)).startswith("No conclusive result yet")
    one = (*doubtful[:2], replace(doubtful[2], firm=True), *doubtful[3:])
    assert drafted(without_targets(readings=one)) == "The service level fell, and that is real."


def test_an_unclear_verdict_is_never_told_however_firm():
    unclear = replace(sample.readings()[1], firm=True)
    assert drafted(without_targets(readings=(unclear,))).startswith("No conclusive")


def test_missed_targets_come_first_and_the_largest_cause_second():
    review = sample.review(levels=with_targets(False, True, None))
    cause = "14 % fewer hours rostered than planned (\u22127.6 points)"
    said = headline.plain_text(headline.draft_headline(review, words_of("en"), cause))
    value, target = words_of("en").figure(review.levels[0].value, "share"), words_of("en").figure(0.8, "share")
    assert said == (
        f"1 of 2 targets missed: service level ({value}, target {target}). "
        "Largest cause: 14 % fewer hours rostered than planned (\u22127.6 points)."
    )


def test_without_a_known_cause_the_figure_that_misleads_most_is_told_after_the_targets():
    said = drafted(sample.review(levels=with_targets(False)))
    assert len(sentences(said)) == 2
    assert said.startswith("1 of 1 target missed: service level")
    assert "although the figure rose" in said


def test_that_all_targets_were_met_is_said_too():
    assert drafted(sample.review(levels=with_targets(True, True), readings=())) == "All 2 targets were met."


def test_what_misleads_most_comes_before_what_does_not():
    said = drafted(without_targets())
    assert len(sentences(said)) == 2
    assert "although the figure rose" in said
    assert "service level" not in said


def test_what_differs_from_what_it_seems_bears_the_marker_pen():
    marked = [phrase.text for phrase in headline.draft_headline(without_targets(), words_of("en")) if phrase.marked]
    assert marked == ["the figure hid it", "although the figure rose"]


def test_without_readings_it_says_where_to_look():
    assert "See below" in drafted(sample.bare())


def test_a_persons_words_stand_in_the_drafts_place():
    told = headline.headline_phrases(sample.worded(), words_of("en"))
    assert [phrase.marked for phrase in told] == [False]
    assert headline.plain_text(told).startswith("Calls were answered later")


def test_many_steady_readings_are_counted_instead_of_named():
    steady = [replace(sample.readings()[6], variant=f"kind {number} of many words", firm=True) for number in range(9)]
    assert drafted(without_targets(readings=tuple(steady))) == "Nothing that matters changed in 9 readings."


def test_a_party_is_named_nowhere_in_a_draft():
    said = drafted(sample.review(parties={Side.CUSTOMER: "Zebra", Side.PROVIDER: "Quagga"}))
    assert "Zebra" not in said
    assert "Quagga" not in said


def test_a_whole_month_without_an_agreed_kpi_says_so_and_names_no_other_month():
    month = Period(date(2026, 10, 1), date(2026, 11, 1))
    empty = replace(sample.bare(), levels=(), readings=(), period=month, whole_months=(month,))
    assert drafted(empty) == words_of("en")("headline.no_kpi")


def test_without_an_agreed_index_prices_do_not_rise_beyond_inflation():
    reading = next(one for one in sample.readings() if one.id == "revenue")
    parts = tuple(replace(part, value=5.0) if part.id == "price" else part for part in reading.parts)
    assert "price" in {part.id for part in parts}
    for inflation, said in ((0.02, "beyond inflation"), (None, "no agreed index")):
        known = replace(reading, cause="price", parts=parts, also={**reading.also, "inflation": inflation})
        assert said in cause_clause(known, words_of("en"))


def test_of_a_final_period_no_reading_is_told_beside_the_confirmed_targets():
    """A level of 52.1 % that is final does not stand beside a verdict that the records give now."""
    said = headline.plain_text(
        headline.draft_headline(sample.review(levels=with_targets(False)), words_of("en"), final=True)
    )
    assert said.startswith("1 of 1 target missed: service level")
    assert "although" not in said
    alone = headline.plain_text(headline.draft_headline(without_targets(), words_of("en"), final=True))
    assert alone.startswith("As the records say now, which nobody confirmed:")
    done = Proceedings(final_on=date(2026, 7, 14))
    assert headline.plain_text(headline.headline_phrases(without_targets(), words_of("en"), done)) == alone
