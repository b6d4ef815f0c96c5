"""Planted causes: attribution recovers them, and is unfit under a wrong model."""

import pytest

from comity.simulate.planted_causes import (
    SCENARIOS,
    ScenarioResult,
    attribute_scenario,
    results_table,
    simulate_scenario,
)
from tests.builders.turns import every

pytestmark = pytest.mark.gate

RIGHT = [scenario for scenario in SCENARIOS if scenario.right]
UNFIT = [scenario for scenario in SCENARIOS if not scenario.right]
IDS = {"ids": lambda scenario: scenario.name}


@pytest.fixture(scope="module")
def results():
    return {scenario.name: simulate_scenario(scenario, 1) for scenario in RIGHT}


@pytest.mark.long
@pytest.mark.parametrize("scenario", every(4, RIGHT), **IDS)
def test_attributed_parts_are_within_a_point_of_the_planted_ones(results, scenario):
    result = results[scenario.name]
    assert result.attribution.fit
    assert result.max_error < 0.01
    assert sum(result.planted.values()) + 0.8 < 1


@pytest.mark.parametrize("scenario", UNFIT, **IDS)
def test_attribution_under_a_wrong_model_is_unfit(scenario):
    assert not attribute_scenario(scenario, 1).fit


def test_attribute_scenario_is_reproducible_by_seed():
    assert (
        attribute_scenario(RIGHT[1], 3).parts
        == attribute_scenario(RIGHT[1], 3).parts
        != attribute_scenario(RIGHT[1], 4).parts
    )


def test_results_table_shows_attributed_and_planted_parts(results):
    result: ScenarioResult = results["absent"]
    head, _, row = results_table([result], markdown=True).splitlines()
    cells = dict(zip(*([cell.strip() for cell in line.strip("|").split("|")] for line in (head, row)), strict=True))
    assert cells["plant"] == "absent"
    assert cells["presence"] == f"{100 * result.parts['presence']:+.1f} ({100 * result.planted['presence']:+.1f})"
    assert cells["volume"].endswith("(+0.0)")
    assert cells["fit"] == "1 of 1"
    assert len(results_table([result], markdown=False).splitlines()) == 2
