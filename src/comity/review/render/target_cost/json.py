"""What a target costs, as the JSON that other programs rely on."""

import json
import math
from typing import Any

from comity.core.economics.prices import CustomerView, ProviderView
from comity.core.economics.pulls import Lever, Pull
from comity.review.target_cost import Policy, TargetCost

SCHEMA = "comity.target_cost/1"


def render(cost: TargetCost) -> bytes:
    """The JSON that other programs rely on; `docs/target-cost.md` says what each word means.

    A side's own figures stand under `own`, and for that side alone.
    """
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kpi": cost.kpi.id,
        "period": cost.name,
        "whose": "joint" if cost.viewer_side is None else cost.viewer_side.value,
        "contacts": cost.contacts,
        "currency": cost.currency,
        "policies": {policy.value: _policy(cost, policy) for policy in cost.policies},
        "prices": [
            {
                "name": priced.name,
                "unit": priced.price.unit.value,
                "paid": {
                    policy.value: [_known(value) for value in paid.tolist()] for policy, paid in priced.paid.items()
                },
                "pull": None if priced.pull is None else _pull(priced.pull),
            }
            for priced in cost.prices
        ],
    }
    if cost.viewer_side is not None:
        content["own"] = {
            "side": cost.viewer_side.value,
            "periods": cost.periods,
            "prices": [
                {
                    "name": priced.name,
                    "best_level": priced.best_level,
                    "policies": {policy.value: _own(view) for policy, view in priced.own.items()},
                }
                for priced in cost.prices
            ],
        }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _policy(cost: TargetCost, policy: Policy) -> list[dict[str, Any]]:
    """One row a target; what is not reached is None."""
    plans = cost.policies[policy]
    columns = {
        "hours": plans.hours,
        "paid_hours": plans.hours / (1 - cost.shrinkage),
        "level": plans.level,
        "abandoned": plans.abandoned,
        "answered": plans.answered,
    }
    return [
        {
            "target": target,
            **{name: _known(float(values[at])) for name, values in columns.items()},
            "dominated": bool(plans.dominated[at]),
        }
        for at, target in enumerate(plans.targets.tolist())
    ]


def _pull(pull: Pull) -> dict[str, Any]:
    def lever(lever_of: Lever) -> dict[str, Any]:
        side = "below" if lever_of.saves else "above"
        return {
            "pays_margins": side,
            "share": _known(lever_of.share),
            "always": lever_of.always,
            "never": lever_of.never,
        }

    return {
        "brings_an_hour": pull.hour,
        "best_level": [{"margin": margin, "level": level} for margin, level in pull.best],
        "longer_contacts": lever(pull.longer),
        "shorter_contacts": lever(pull.shorter),
        "more_contacts": lever(pull.more),
    }


def _own(view: ProviderView | CustomerView) -> list[dict[str, Any]]:
    if isinstance(view, CustomerView):
        columns: dict[str, list[Any]] = {
            "pays": view.paid.tolist(),
            "loses": view.lost.tolist(),
            "total": view.total.tolist(),
            "within_limit": view.bearable.tolist(),
        }
    else:
        columns = {
            "cost": view.cost.tolist(),
            "margin": view.margin.tolist(),
            "over_term": view.over_term.tolist(),
            "earned_back_after": [count or None for count in view.earned_back.tolist()],
            "threshold": view.threshold.tolist(),
            "threshold_multiple": view.scale.tolist(),
            "within_limit": view.carries.tolist(),
        }
    return [
        {name: _known(value) if isinstance(value, float) else value for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
