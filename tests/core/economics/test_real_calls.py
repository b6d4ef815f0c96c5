"""Erlang A held against a month of a bank's calls (Technion, January 1999); docs/queueing-on-real-calls.md tells it."""

import csv
import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from comity.core.economics.erlang import queues

pytestmark = pytest.mark.shared

PAGE = Path(__file__).resolve().parents[3] / "docs" / "queueing-on-real-calls.md"
HALF_HOUR, SLOTS = 1800, 48
OPEN = slice(16, 46)  # 8:00 to 23:00
WORKDAYS = (6, 0, 1, 2, 3)  # Sunday to Thursday
BREAK_S = 1800  # without a call, an agent is taken to be away
SANE_S = 4000  # of a wait


def seconds(clock):
    hours, minutes, rest = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + rest


@pytest.fixture(scope="module")
def calls(shared):
    """By workday and half hour: counts, waits, and agents present between the first and last call of a stretch."""
    with gzip.open(shared / "data/anonymous_bank_calls/january.txt.gz", "rt") as file:
        rows = [{name: text.strip() for name, text in row.items()} for row in csv.DictReader(file, delimiter="\t")]
    for row in rows:
        row["day"] = date(1999, int(row["date"][2:4]), int(row["date"][4:6]))
    rows = [row for row in rows if row["outcome"] != "PHANTOM" and row["day"].weekday() in WORKDAYS]
    days = sorted({row["day"] for row in rows})
    names = ("count", "wait", "waited", "gone", "answered", "handle", "good", "present")
    table = {name: np.zeros((len(days), SLOTS)) for name in names}
    spans: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for row in rows:
        waited = int(row["q_time"])
        if not 0 <= waited < SANE_S or (row["outcome"] == "HANG" and waited == 0):  # hung up in the menu
            continue
        at = days.index(row["day"]), seconds(row["vru_exit"]) // HALF_HOUR
        entry = {"count": 1, "wait": waited, "waited": waited > 0, "gone": row["outcome"] == "HANG"}
        if row["outcome"] == "AGENT":
            entry |= {"answered": 1, "handle": int(row["ser_time"]), "good": waited <= 20}
            start, end = seconds(row["ser_start"]), seconds(row["ser_exit"])
            if end >= start:
                spans.setdefault((at[0], row["server"]), []).append((start, end))
        for name, value in entry.items():
            table[name][at] += value
    for (day, _), own in spans.items():
        for start, end in stretches(sorted(own)):
            for slot in range(start // HALF_HOUR, min(end // HALF_HOUR, SLOTS - 1) + 1):
                within = min(end, (slot + 1) * HALF_HOUR) - max(start, slot * HALF_HOUR)
                table["present"][day, slot] += max(within, 0) / HALF_HOUR
    return {name: values[:, OPEN] for name, values in table.items()}


def stretches(spans):
    start, end = spans[0]
    for begins, ends in spans[1:]:
        if begins - end > BREAK_S:
            yield start, end
            start = begins
        end = max(end, ends)
    yield start, end


@pytest.fixture(scope="module")
def modelled(calls):
    """Two figures fitted to the month as a whole: patience, and the share of those present who are on the phones."""

    from scipy import optimize

    patience = calls["wait"].sum() / calls["gone"].sum()  # θ = P(abandon) / E[wait], whatever the agents
    handle = calls["handle"].sum(0) / calls["answered"].sum(0)
    has_calls = (calls["present"] > 0) & (calls["count"] > 0)

    def states(share):
        rate = calls["count"] / HALF_HOUR
        return queues(rate, np.broadcast_to(handle, rate.shape), patience, calls["present"] * share, 20.0)

    def excess(share):
        return ((calls["count"] * states(share).p_abandon)[has_calls]).sum() - calls["gone"][has_calls].sum()

    share = optimize.brentq(excess, 0.3, 1.5)
    return patience, share, states(share), has_calls


def written(*figures):
    page = PAGE.read_text(encoding="utf-8")
    assert [figure for figure in figures if figure not in page] == []


def test_how_far_days_go_beyond_chance(calls):
    count = calls["count"]
    totals = count.sum(1)
    by_slot = (count.var(0, ddof=1) / count.mean(0)).mean()
    scaled = count.mean(0) * (totals / totals.mean())[:, None]
    within = ((count - scaled) ** 2 / scaled).sum() / ((len(count) - 1) * (count.shape[1] - 1))
    assert (by_slot, totals.var(ddof=1) / totals.mean(), within) == pytest.approx((5.0, 56.8, 3.05), rel=0.01)
    assert totals.std(ddof=1) / totals.mean() == pytest.approx(0.205, abs=0.001)
    written("5.0", "56.8", "3.05", "20.5 %")


def test_two_fitted_figures_tell_the_waits_of_each_hour(calls, modelled):
    patience, share, states, has_calls = modelled
    assert (patience, share) == pytest.approx((367.6, 0.846), rel=0.001)
    weights = np.where(has_calls, calls["count"], 0.0)
    hours = weights.reshape(len(weights), -1, 2).sum((0, 2))
    observed = np.where(has_calls, calls["wait"], 0.0).reshape(len(weights), -1, 2).sum((0, 2)) / hours
    model = (weights * np.nan_to_num(states.mean_wait_s)).reshape(len(weights), -1, 2).sum((0, 2)) / hours
    assert np.corrcoef(observed, model)[0, 1] == pytest.approx(0.98, abs=0.01)
    assert np.abs(observed - model).max() < 9
    for hour, (seen, told) in enumerate(zip(observed, model, strict=True), 8):
        written(f"| {hour}:00 | {seen:.1f} | {told:.1f} |")
    one_by_one = np.corrcoef((calls["wait"] / np.maximum(calls["count"], 1))[has_calls], states.mean_wait_s[has_calls])[
        0, 1
    ]
    assert one_by_one == pytest.approx(0.60, abs=0.01)
    written("0.60", "367.6", "0.846")


def test_the_model_promises_too_good_a_service_level(calls, modelled):
    _, _, states, has_calls = modelled
    weights = calls["count"][has_calls]
    observed = [calls[name][has_calls].sum() / weights.sum() for name in ("good", "waited")]
    model = [(weights * values[has_calls]).sum() / weights.sum() for values in (states.v1, states.p_wait)]
    assert observed == pytest.approx([0.513, 0.588], abs=0.001)
    assert model == pytest.approx([0.596, 0.467], abs=0.001)
    written("51.3 %", "59.6 %", "58.8 %", "46.7 %")
