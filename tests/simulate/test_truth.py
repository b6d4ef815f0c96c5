"""The truth beside a simulated book: its form, its sums, and its words."""

import json
import sys
from datetime import date

import pytest

from comity.simulate.conditions import Opinion
from comity.simulate.partnership import make_partnership
from comity.simulate.people import ACCOUNT_SD, ANSWER_SD, DRIFT_SD, MEAN, PERSON_SD
from comity.simulate.stories import STORIES
from comity.simulate.truth import true_verdicts, truth_document, truths

pytestmark = pytest.mark.gate

FORM = {
    "type": "object",
    "required": ["schema", "story", "meaning", "seed", "about", "readings"],
    "properties": {
        "schema": {"const": "comity.truth/1"},
        "readings": {
            "type": "array",
            "minItems": 4,
            "items": {
                "type": "object",
                "required": ["reading", "variant", "period", "reference", "headline", "like_for_like", "verdicts"],
                "properties": {
                    "reading": {"enum": ["satisfaction", "service_level", "sla_attainment", "revenue"]},
                    "verdicts": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "parts": {"type": "array", "items": {"type": "object", "required": ["id", "value"]}},
                },
            },
        },
    },
}
EXPECTED = {
    "satisfaction_survivorship": ("satisfaction", "illusory", "survivorship"),
    "satisfaction_silence": ("satisfaction", "illusory", "silence"),
    "satisfaction_unasked": ("satisfaction", "illusory", "unasked"),
    "satisfaction_real": ("satisfaction", "genuine", None),
    "satisfaction_masked": ("satisfaction", "masked", "survivorship"),
    "revenue_price": ("revenue", "illusory", "price"),
    "revenue_inflation": ("revenue", "illusory", "inflation"),
    "revenue_calendar": ("revenue", "illusory", "calendar"),
    "revenue_real": ("revenue", "genuine", None),
    "revenue_arrivals": ("revenue", "genuine", None),
    "mix": ("service_level", "masked", "mix"),
    "mix_flatters": ("service_level", "illusory", "mix"),
    "service_real": ("service_level", "genuine", None),
    "exclusions": ("service_level", "reversed", "exclusion"),
    "exclusions_diverted": ("service_level", "illusory", "exclusion"),
}


def _partnership(name, per_day=250):
    return make_partnership(STORIES[name], 1, 6, per_day, STORIES[name].ends)


@pytest.mark.parametrize("per_day", [250, pytest.param(1500, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", EXPECTED)
def test_truth_of_each_story_matches_its_name_at_any_size(name, per_day):
    reading, word, why = EXPECTED[name]
    found = next(one for one in truth_document(_partnership(name, per_day))["readings"] if one["reading"] == reading)
    assert (found["verdicts"], found["cause"], found["about"]) == ([word], why, True)


def test_a_healthy_partnership_is_steady_in_everything():
    for one in truths(_partnership("healthy")):
        assert one.verdicts == ("steady",), one.reading


def test_truth_document_follows_the_documented_schema():
    import jsonschema

    jsonschema.validate(json.loads(json.dumps(truth_document(_partnership("mix")))), FORM)


@pytest.mark.parametrize("name", [name for name in STORIES if name != "demo"])
def test_parts_add_up_to_the_headline(name):
    """Within 1e-9 of the sum of their absolute values, and what a difference of two such levels loses in a float.

    In a healthy partnership all parts of revenue are nothing, and the headline is one float of some 300,000 less
    another: the last digit of either is 6e-11.
    """
    for truth in truths(_partnership(name)):
        size = sum(abs(part.value) for part in truth.parts)
        last_digit = 4 * sys.float_info.epsilon * (abs(truth.before) + abs(truth.after))
        assert sum(part.value for part in truth.parts) == pytest.approx(truth.headline, abs=1e-9 * size + last_digit)
        like = sum(part.value for part in truth.parts if part.like_for_like)
        assert like == pytest.approx(truth.like_for_like, abs=1e-9 * size + last_digit)


def test_the_mean_answer_is_that_of_the_normal_distribution():
    """E of the rounded, clipped answer, by quadrature of the sum of all four normal spreads."""

    from scipy import stats

    spread = (ACCOUNT_SD**2 + PERSON_SD**2 + ANSWER_SD**2 + DRIFT_SD**2) ** 0.5
    expected = 1 + sum(stats.norm.sf(border, MEAN, spread) for border in (1.5, 2.5, 3.5, 4.5))
    found = next(one for one in truths(_partnership("healthy")) if one.reading == "satisfaction")
    assert found.before == pytest.approx(expected, abs=2e-4)


def test_survivorship_is_the_mean_of_a_truncated_normal():
    """The worst quarter of the accounts gone: the mean answer of the rest, by an integral over the rest."""

    from scipy import integrate, stats

    leaving = STORIES["satisfaction_survivorship"].quarters[0].opinion.leaving
    joining = Opinion().joining
    cut, spread = stats.norm.ppf(leaving), (PERSON_SD**2 + ANSWER_SD**2 + DRIFT_SD**2) ** 0.5

    def says(account):
        at = MEAN + ACCOUNT_SD * account
        return 1 + sum(stats.norm.sf(border, at, spread) for border in (1.5, 2.5, 3.5, 4.5))

    rest = integrate.quad(lambda x: says(x) * stats.norm.pdf(x), cut, 8)[0]
    everyone = integrate.quad(lambda x: says(x) * stats.norm.pdf(x), -8, 8)[0]
    # Of one account at the beginning, 1 - leaving are left, and `joining` came.
    expected = (rest + joining * everyone) / (1 - leaving + joining)
    found = next(one for one in truths(_partnership("satisfaction_survivorship")) if one.reading == "satisfaction")
    assert found.after == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("n", "h", "expected"),
    [
        (0.0, 0.0, {"steady"}),
        (3.0, 3.0, {"genuine"}),
        (3.0, 0.0, {"illusory"}),
        (0.0, 3.0, {"masked"}),
        (2.0, -2.0, {"reversed"}),
        (6.0, 1.5, {"overstated"}),
        (1.1, 1.1, {"genuine", "steady"}),
    ],
)
def test_true_verdicts_near_a_border_hold_both_words(n, h, expected):
    assert set(true_verdicts(n, h, 1.0)) == expected


@pytest.mark.long
def test_truths_of_two_years_hold_seven_comparisons():
    partnership = make_partnership(STORIES["demo"], 1, 24, 300, date(2026, 6, 1))
    assert sum(one.reading == "revenue" for one in truths(partnership)) == 7
    assert [one.verdicts[0] for one in truths(partnership) if one.about] == [
        "illusory",
        "masked",
        "genuine",
        "illusory",
    ]
