"""Drafts the headline of a review: missed targets, the largest cause, firm verdicts; a person may put another there."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.core.calendars import Cut
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.review.i18n.words import Words
from comity.review.model import Level, Review
from comity.review.proceedings import Proceedings
from comity.review.views.attribution import lead_cause
from comity.review.views.sentences import capital, cause_clause, direction, level_title, subtitle
from comity.review.views.summary import largest_cause

MOST_SENTENCES = 2
MOST_WORDS = 20  # a sentence
MOST_MONTHS = 3  # that are named one by one
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


def draft_headline(review: Review, words: Words, cause: str = "", *, final: bool = False) -> tuple[Phrase, ...]:
    """At most two sentences: the targets that were missed and the largest cause, else what the firm verdicts say.

    :param final: whether the period is final; its readings, which nobody confirmed, are then told only where no target
        was agreed, and said to be as the records are now
    :param cause: the largest cause of a miss, as a clause that names no party; "" where none is known
    """
    phrases = _targets(review, words)
    if cause and phrases:
        phrases += _phrases(words("headline.cause", cause=cause))
    firm = [reading for reading in review.readings if reading.firm and reading.verdict is not Verdict.UNCLEAR]
    if final and phrases:
        return tuple(phrases)
    if final and firm:
        phrases += _phrases(words("headline.now"))
    room = MOST_SENTENCES - phrases.count(Phrase(" "))
    if not firm and room and not phrases:
        if not review.levels and review.period in review.whole_months:
            return (Phrase(words("headline.no_kpi")),)
        if review.whole_months:
            return (Phrase(_elsewhere(review, words)),)
        return (Phrase(words("headline.nothing" if review.readings else "headline.no_readings")),)
    moved = [reading for reading in firm if reading.verdict in _RANK]
    moved.sort(key=lambda reading: _RANK[reading.verdict])
    chosen = moved[:room]
    # Those chosen are told in the order of the table below them.
    chosen.sort(key=review.readings.index)
    for reading in chosen:
        key = f"headline.{reading.verdict.value}.{direction(reading)}"
        values = {} if reading.verdict is Verdict.GENUINE else {"because": cause_clause(reading, words)}
        names = _name(reading, review, words), words.named("reading_noun", reading.id)
        phrases += _phrases(_short([capital(words(key, name=name, **values)) for name in names]))
    steady = [reading for reading in firm if reading.verdict is Verdict.STEADY]
    if steady and len(chosen) < room:
        names_of = words.listed([_name(reading, review, words) for reading in steady])
        many = words("headline.steady_many", count=len(steady))
        phrases += _phrases(_short([words("headline.steady", names=names_of), many]))
    return tuple(phrases)


def _elsewhere(review: Review, words: Words) -> str:
    """That nothing could be formed of this period, and which months the records hold."""
    months = [words.period(month, Cut.MONTH) for month in review.whole_months]
    if len(months) > MOST_MONTHS:
        return words("headline.months_between", count=len(months), first=months[0], last=months[-1])
    return words("headline.months", count=len(months), months=words.listed(months))


def _targets(review: Review, words: Words) -> list[Phrase]:
    """How many targets were missed, and which; nothing where none was agreed."""
    with_target = [level for level in review.levels if level.met is not None]
    if not with_target:
        return []
    missed = [level for level in with_target if not level.met]
    if not missed:
        key = "headline.one_met" if len(with_target) == 1 else "headline.all_met"
        return _phrases(words(key, total=len(with_target)))
    known = words(
        "headline.missed_figures",
        count=len(missed),
        total=len(with_target),
        names=words.listed([_missed(level, review, words) for level in missed]),
    )
    named = words(
        "headline.missed_named",
        count=len(missed),
        total=len(with_target),
        names=words.listed([_noun(level_title(level, words)) for level in missed]),
    )
    counted = words("headline.missed", count=len(missed), total=len(with_target))
    return _phrases(_short([known, named, counted]))


def _noun(name: str) -> str:
    """A name as it stands within a sentence; an acronym stays as it is."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _missed(level: Level, review: Review, words: Words) -> str:
    """A missed level with its value and its target: service level (78.2 %, target 80.0 %)."""
    value, target = (words.figure(one, level.unit, review.currency) for one in (level.value, level.target))
    return words("headline.missed_one", name=_noun(level_title(level, words)), value=value, target=target)


def _short(sentences: Sequence[str]) -> str:
    """The first sentence that keeps to the length; the last is the shortest."""
    return next((text for text in sentences if len(text.split()) <= MOST_WORDS), sentences[-1])


def headline_phrases(review: Review, words: Words, proceedings: Proceedings | None = None) -> tuple[Phrase, ...]:
    """The headline as it stands: a person's wording where there is one, else the draft."""
    if review.headline_override is not None:
        return (Phrase(review.headline_override.text),)
    kpi = largest_cause(review, proceedings)
    cause = "" if kpi is None or proceedings is None else lead_cause(proceedings.causes[kpi], words)
    return draft_headline(review, words, cause, final=proceedings is not None and proceedings.final_on is not None)


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
