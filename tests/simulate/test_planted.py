"""Planted causes are found again, and a wrong model is not used to blame anybody."""

import pytest

from comity.simulate.planted import PLANTS, Verdict, found_in, played, table

pytestmark = pytest.mark.gate

RIGHT = [plant for plant in PLANTS if plant.right]
UNFIT = [plant for plant in PLANTS if not plant.right]
NAMED = {"ids": lambda plant: plant.name}


@pytest.fixture(scope="module")
def verdicts():
    return {plant.name: played(plant, 1) for plant in RIGHT}


@pytest.mark.parametrize("plant", RIGHT, **NAMED)
def test_each_part_is_within_a_point_of_the_planted_one(verdicts, plant):
    verdict = verdicts[plant.name]
    assert verdict.found.fit
    assert verdict.furthest < 0.01
    assert sum(verdict.planted.values()) + 0.8 < 1


@pytest.mark.parametrize("plant", UNFIT, **NAMED)
def test_a_wrong_model_is_not_fit_to_be_used(plant):
    assert not found_in(plant, 1).fit


def test_the_same_seed_is_the_same_quarter():
    assert found_in(RIGHT[1], 3).parts == found_in(RIGHT[1], 3).parts != found_in(RIGHT[1], 4).parts


def test_the_table_says_found_and_planted(verdicts):
    one: Verdict = verdicts["absent"]
    head, _, row = table([one], markdown=True).splitlines()
    cells = dict(zip(*([cell.strip() for cell in line.strip("|").split("|")] for line in (head, row)), strict=True))
    assert cells["plant"] == "absent"
    assert cells["presence"] == f"{100 * one.parts['presence']:+.1f} ({100 * one.planted['presence']:+.1f})"
    assert cells["volume"].endswith("(+0.0)")
    assert cells["fit"] == "1 of 1"
    assert len(table([one], markdown=False).splitlines()) == 2
