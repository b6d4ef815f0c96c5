"""Evaluation of the readings against simulated truth: a few seeds in the gate, many in the long run."""

import json

import pytest

from comity.simulate.evaluate import SIZES, Size, evaluate
from comity.simulate.evaluation_report import as_json, as_text, confusion, tally
from comity.simulate.stories import STORIES

pytestmark = pytest.mark.gate

SMALL = (Size("small", 200, 40, 8),)
QUICK = ("satisfaction_survivorship", "revenue_price")
STORIES_EVALUATED = tuple(name for name in STORIES if name != "demo")


@pytest.fixture(scope="module")
def outcomes():
    return list(evaluate([STORIES[name] for name in QUICK], [1, 2], SMALL))


@pytest.mark.long
def test_there_is_one_outcome_a_story_and_seed(outcomes):
    assert [(one.story, one.seed) for one in outcomes] == [(name, seed) for name in QUICK for seed in (1, 2)]


@pytest.mark.long
def test_accounting_readings_are_right_whatever_the_size(outcomes):
    exact = [one for one in outcomes if one.reading == "revenue"]
    assert all(one.enough and one.right and one.cause == "price" and not one.headline_right for one in exact)


def test_where_data_are_few_the_reading_says_so_or_is_right(outcomes):
    assert all(one.right or one.verdict == "unclear" for one in outcomes)


def test_the_table_counts_every_outcome_once(outcomes):
    rows = confusion(outcomes)
    assert sum(int(cell) for row in rows[1:] for cell in row[1:] if cell) == len(outcomes)


def test_reports_of_each_format_agree(outcomes):
    text, markdown = as_text(outcomes, markdown=False), as_text(outcomes, markdown=True)
    assert "right by the headline alone" in text
    assert "| right by the headline alone |" in markdown
    report = json.loads(as_json(outcomes))
    assert len(report["readings"]) == len(outcomes)
    headline = tally(outcomes, lambda one: one.headline_right)
    assert report["summary"]["right by the headline alone"]["count"] == headline.count


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STORIES_EVALUATED)
def test_where_the_data_suffice_at_least_95_of_100_are_right(name):
    found = list(evaluate([STORIES[name]], range(101, 121), SIZES))
    enough = [one for one in found if one.enough]
    assert enough
    wrong = [(one.reading, one.seed, one.verdict, one.cause) for one in enough if not one.right]
    assert len(wrong) <= 0.05 * len(enough), wrong
