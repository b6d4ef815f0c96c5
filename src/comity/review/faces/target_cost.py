"""What a target costs, as JSON, and in a terminal. A face translates; it computes nothing."""

import json
import math
from typing import Any

import numpy as np
from rich.console import Console

from comity.core.economics.prices import CustomerView, Price, ProviderView
from comity.core.economics.pulls import Lever, Pull
from comity.core.values import Side
from comity.review.costing import Policy, Priced, TargetCost
from comity.review.faces.terminal import Text, drawn, grid
from comity.review.faces.words import Words, clean

SCHEMA = "comity.target_cost/1"


def contract(made: TargetCost) -> bytes:
    """The JSON that other programs rely on; `docs/target-cost.md` says what each word means.

    A side's own figures stand under `own`, and for that side alone.
    """
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "kpi": made.kpi.id,
        "period": made.name,
        "whose": "joint" if made.whose is None else made.whose.value,
        "contacts": made.contacts,
        "currency": made.currency,
        "policies": {policy.value: _policy(made, policy) for policy in made.policies},
        "prices": [
            {
                "name": one.name,
                "unit": one.price.unit.value,
                "paid": {policy.value: [_known(value) for value in paid.tolist()] for policy, paid in one.paid.items()},
                "pull": None if one.pull is None else _pull(one.pull),
            }
            for one in made.prices
        ],
    }
    if made.whose is not None:
        told["own"] = {
            "side": made.whose.value,
            "periods": made.periods,
            "prices": [
                {
                    "name": one.name,
                    "best_level": one.best_level,
                    "policies": {policy.value: _own(view) for policy, view in one.own.items()},
                }
                for one in made.prices
            ],
        }
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


def _policy(made: TargetCost, policy: Policy) -> list[dict[str, Any]]:
    """One row a target; what is not reached is None."""
    plans = made.policies[policy]
    columns = {
        "hours": plans.hours,
        "paid_hours": plans.hours / (1 - made.shrinkage),
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
    def lever(one: Lever) -> dict[str, Any]:
        side = "below" if one.saves else "above"
        return {"pays_margins": side, "share": _known(one.share), "always": one.always, "never": one.never}

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


def terminal(made: TargetCost, words: Words, *, color: bool, width: int) -> bytes:
    """It as text in UTF-8, readable at 80 columns."""
    return drawn(lambda console: _draw(console, made, words), color=color, width=width)


def _draw(console: Console, made: TargetCost, words: Words) -> None:
    said = {"kpi": words.named("measure", made.kpi.measure), "period": clean(made.name)}
    console.print(Text(words("target_cost.title", **said), style="bold"))
    console.print(Text(words("target_cost.about", contacts=words.number(made.contacts))))
    for policy in made.policies:
        _hours(console, policy, made, words)
    if any(plans.dominated.any() for plans in made.policies.values()):
        console.print(Text(words("target_cost.dominated")))
    if made.prices:
        console.print()
        console.print(Text(words("target_cost.prices"), style="bold"))
    if made.prices and made.whose is Side.PROVIDER:
        if made.periods > 1:
            console.print(Text(words("target_cost.term", count=words.number(made.periods))))
        console.print(Text(words("target_cost.needed")))
    for one in made.prices:
        _price(console, one, made, words)
    if any(one.pull is not None for one in made.prices):
        _pulls(console, made, words)


def _hours(console: Console, policy: Policy, made: TargetCost, words: Words) -> None:
    """What each target takes by a policy; of the pooled one, what meeting it in every interval takes beyond it."""
    plans, beyond = made.policies[policy], policy is Policy.PERIOD
    console.print()
    console.print(Text(words(f"target_cost.policy_{policy.value}"), style="bold"))
    names = ("target", "paid_hours", "level", "gone", *(("more",) if beyond else ()))
    table = grid(*(f">{words(f'target_cost.{name}')}" for name in names))
    for at, target in enumerate(plans.targets.tolist()):
        cells = [
            words.percent(target, _places(target)),
            f"{words.number(plans.hours[at] / (1 - made.shrinkage))}{' *' if plans.dominated[at] else '  '}",
            words.percent(plans.level[at]),
            words.percent(plans.abandoned[at] / made.contacts),
        ]
        if beyond:
            share = made.policies[Policy.EVERY_INTERVAL].hours[at] / plans.hours[at] - 1 if plans.hours[at] else 0.0
            cells.append(f"{'+' if share > 0 else ''}{words.percent(share)}")
        table.add_row(*cells)
    console.print(table)


def _price(console: Console, one: Priced, made: TargetCost, words: Words) -> None:
    """What a price pays for each target met over the period, which is how it counts for whoever is paid by it."""
    console.print()
    console.print(Text(clean(one.name), style="bold"))
    console.print(Text(_described(one.price, made.currency, words)))
    view = one.own.get(Policy.PERIOD)
    columns = {"paid": one.paid[Policy.PERIOD]}
    if isinstance(view, ProviderView):
        columns |= {"cost": view.cost, "margin": view.margin}
        columns |= {"over_term": view.over_term} if made.periods > 1 else {}
    if isinstance(view, CustomerView):
        columns |= {"loses": view.lost, "in_all": view.total}
    names = [*columns, *(("back", "threshold") if isinstance(view, ProviderView) else ())]
    table = grid(f">{words('target_cost.target')}", *(f">{words(f'target_cost.{name}')}" for name in names))
    within = None if view is None else view.bearable if isinstance(view, CustomerView) else view.carries
    for at, target in enumerate(made.targets.tolist()):
        cells = [words.number(values[at]) for values in columns.values()]
        if isinstance(view, ProviderView):
            back = int(view.earned_back[at])
            alone = not one.price.base and not one.price.bands  # otherwise no single amount is the price
            needed = words.number(view.threshold[at], 2) if alone else words.percent(view.scale[at], 0)
            when = words("target_cost.after", count=words.number(back)) if back else words("target_cost.never")
            cells += [when, needed]
        mark = " !" if within is not None and not within[at] and math.isfinite(columns["paid"][at]) else "  "
        table.add_row(words.percent(target, _places(target)), *cells[:-1], f"{cells[-1]}{mark}")
    console.print(table)
    if made.whose is None or one.best_level is None or within is None:
        return
    console.print(Text(words(f"target_cost.best_{made.whose.value}", level=words.percent(one.best_level, 0))))
    if not np.all(within):
        console.print(Text(words(f"target_cost.limit_{made.whose.value}")))


def _described(price: Price, currency: str, words: Words) -> str:
    """A price in a line: what is paid beside the units, for one of them, from how many on, by the level reached."""
    amount = words.money(price.amount, currency, 2)
    said = [words("target_cost.amount", amount=amount, unit=words(f"unit_paid.{price.unit.value}"))]
    if price.base:
        said.insert(0, words("target_cost.base", amount=words.money(price.base, currency)))
    for start, value in price.bands:
        band = words.money(value, currency, 2)
        said.append(words("target_cost.band", start=words.number(start), amount=band))
    for start, share in price.steps:
        signed = f"{'+' if share > 0 else ''}{words.percent(share, _places(share))}"
        said.append(words("target_cost.step", level=words.percent(start, _places(start)), share=signed))
    return "; ".join(said) + "."


def _pulls(console: Console, made: TargetCost, words: Words) -> None:
    target = words.percent(made.kpi.target or 0.0, _places(made.kpi.target or 0.0))
    console.print()
    console.print(Text(words("target_cost.pulls"), style="bold"))
    console.print(Text(words("target_cost.pulls_about", target=target)))
    pulls = [(one.name, one.pull) for one in made.prices if one.pull is not None]
    margins = [margin for margin, _ in pulls[0][1].best]
    heads = [words("target_cost.at_margin", margin=words.percent(margin, 0)) for margin in margins]
    levers = [words(f"target_cost.{name}") for name in ("longer", "shorter", "more_contacts")]
    table = grid(words("target_cost.price_name"), *(f">{head}" for head in (*heads, *levers)))
    for name, pull in pulls:
        levels = [words.percent(level, 0) for _, level in pull.best]
        table.add_row(clean(name), *levels, *(_lever(one, words) for one in (pull.longer, pull.shorter, pull.more)))
    console.print(table)
    console.print(Text(words("target_cost.pulls_read", target=target)))


def _lever(lever: Lever, words: Words) -> str:
    """Whom it pays, by the margin at the target."""
    if lever.always:
        return words("target_cost.always")
    if lever.never:
        return words("target_cost.nobody")
    key = "below" if lever.saves else "above"
    return words(f"target_cost.{key}", share=words.percent(lever.share, 0))


def _places(share: float) -> int:
    return 0 if math.isclose(share * 100, round(share * 100)) else 1
