"""`comity staffing`, as a planner uses it; the figures are those of the reference table (tests/reference)."""

import json

import pytest
from typer.testing import CliRunner

from comity.cli import app

QUEUE = ("--offered", "250", "--interval-s", "1800", "--handle-s", "210", "--within-s", "20")
PATIENT = (*QUEUE, "--patience-s", "180")


def run(*arguments):
    return CliRunner().invoke(app, ["staffing", *arguments])


def test_what_a_number_of_agents_gives():
    done = run(*PATIENT, "--short-s", "5", "--agents", "34", "--format", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "schema": "comity.staffing/1",
        "agents": 34,
        "v1": pytest.approx(0.909430077001),
        "v2": pytest.approx(0.924004500994),
        "v3": pytest.approx(0.929304412934),
        "v4": pytest.approx(0.922880529128),
        "v5": pytest.approx(0.914458957434),
        "v6": pytest.approx(0.914026607522),
        "p_wait": pytest.approx(0.201780921374),
        "p_abandon": pytest.approx(0.0213862493882),
        "mean_wait_s": pytest.approx(3.84952488988),
        "occupancy": pytest.approx(0.839497089986),
    }


@pytest.mark.parametrize(("queue", "agents"), [(PATIENT, 32), (QUEUE, 34)])
def test_how_many_a_target_takes(queue, agents):
    done = run(*queue, "--target", "0.8", "--format", "json")
    assert json.loads(done.stdout)["agents"] == agents


def test_what_is_no_finite_number_is_none():
    found = json.loads(run(*QUEUE, "--agents", "29", "--format", "json").stdout)
    assert (found["v1"], found["p_wait"], found["mean_wait_s"]) == (0, 1, None)


def test_the_terminal_shows_the_neighbours_in_eighty_columns():
    done = run(*PATIENT, "--target", "0.8")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (marked,) = [line.split() for line in lines if "▸" in line]
    assert marked[1:3] == ["32", "83.8"]  # V1 .83827184: standards, 3.2
    assert len([line for line in lines if line.strip()[:2] in {"29", "35"}]) == 2
    assert "…" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*QUEUE,), "either --agents"),
        ((*QUEUE, "--agents", "3", "--target", "0.8"), "either --agents"),
        ((*QUEUE, "--target", "80"), "0.8 for 80 %"),
        ((*QUEUE, "--target", "0.8", "--most-abandon", "5"), "0.05 for 5 %"),
        ((*QUEUE, "--agents", "3", "--patience-s", "0"), "--patience-s has to be a number above 0"),
        ((*QUEUE[:4], "--handle-s", "-1", "--agents", "3"), "--handle-s has to be"),
        ((*QUEUE, "--interval-s", "0", "--agents", "3"), "longer than 0"),
        ((*QUEUE, "--target", "1"), "a share below 1"),
        (("--offered", "1e12", "--handle-s", "100", "--target", "0.8"), "more than a million"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
