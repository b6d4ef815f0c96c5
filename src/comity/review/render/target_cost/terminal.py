"""What a target costs, in a terminal."""

import math

import numpy as np
from rich.console import Console

from comity.core.economics.prices import CustomerView, Price, ProviderView
from comity.core.economics.pulls import Lever
from comity.core.values import Side
from comity.review.i18n.words import Words, clean
from comity.review.render.terminal import Text, grid, render_console
from comity.review.target_cost import Policy, PricedTargets, TargetCost


def render(cost: TargetCost, words: Words, *, color: bool, width: int) -> bytes:
    """It as text in UTF-8, readable at 80 columns."""
    return render_console(lambda console: _draw(console, cost, words), color=color, width=width)


def _draw(console: Console, cost: TargetCost, words: Words) -> None:
    names = {"kpi": words.named("measure", cost.kpi.measure), "period": clean(cost.name)}
    console.print(Text(words("target_cost.title", **names), style="bold"))
    console.print(Text(words("target_cost.about", contacts=words.number(cost.contacts))))
    for policy in cost.policies:
        _hours(console, policy, cost, words)
    if any(plans.dominated.any() for plans in cost.policies.values()):
        console.print(Text(words("target_cost.dominated")))
    if cost.prices:
        console.print()
        console.print(Text(words("target_cost.prices"), style="bold"))
    if cost.prices and cost.viewer_side is Side.PROVIDER:
        if cost.periods > 1:
            console.print(Text(words("target_cost.term", count=words.number(cost.periods))))
        console.print(Text(words("target_cost.needed")))
    for priced in cost.prices:
        _price(console, priced, cost, words)
    if any(priced.pull is not None for priced in cost.prices):
        _pulls(console, cost, words)


def _hours(console: Console, policy: Policy, cost: TargetCost, words: Words) -> None:
    """What each target takes by a policy; of the pooled one, what meeting it in every interval takes beyond it."""
    plans, beyond = cost.policies[policy], policy is Policy.PERIOD
    console.print()
    console.print(Text(words(f"target_cost.policy_{policy.value}"), style="bold"))
    names = ("target", "paid_hours", "level", "gone", *(("more",) if beyond else ()))
    table = grid(*(f">{words(f'target_cost.{name}')}" for name in names))
    for at, target in enumerate(plans.targets.tolist()):
        cells = [
            words.percent(target, _places(target)),
            f"{words.number(plans.hours[at] / (1 - cost.shrinkage))}{' *' if plans.dominated[at] else '  '}",
            words.percent(plans.level[at]),
            words.percent(plans.abandoned[at] / cost.contacts),
        ]
        if beyond:
            share = cost.policies[Policy.EVERY_INTERVAL].hours[at] / plans.hours[at] - 1 if plans.hours[at] else 0.0
            cells.append(f"{'+' if share > 0 else ''}{words.percent(share)}")
        table.add_row(*cells)
    console.print(table)


def _price(console: Console, priced: PricedTargets, cost: TargetCost, words: Words) -> None:
    """What a price pays for each target met over the period, which is how it counts for whoever is paid by it."""
    console.print()
    console.print(Text(clean(priced.name), style="bold"))
    console.print(Text(_described(priced.price, cost.currency, words)))
    view = priced.own.get(Policy.PERIOD)
    columns = {"paid": priced.paid[Policy.PERIOD]}
    if isinstance(view, ProviderView):
        columns |= {"cost": view.cost, "margin": view.margin}
        columns |= {"over_term": view.over_term} if cost.periods > 1 else {}
    if isinstance(view, CustomerView):
        columns |= {"loses": view.lost, "in_all": view.total}
    names = [*columns, *(("back", "threshold") if isinstance(view, ProviderView) else ())]
    table = grid(f">{words('target_cost.target')}", *(f">{words(f'target_cost.{name}')}" for name in names))
    within = None if view is None else view.bearable if isinstance(view, CustomerView) else view.carries
    for at, target in enumerate(cost.targets.tolist()):
        cells: list[str] = [words.number(values[at]) for values in columns.values()]
        if isinstance(view, ProviderView):
            back = int(view.earned_back[at])
            alone = not priced.price.base and not priced.price.bands  # otherwise no single amount is the price
            needed = words.number(view.threshold[at], 2) if alone else words.percent(view.scale[at], 0)
            when = words("target_cost.after", count=words.number(back)) if back else words("target_cost.never")
            cells += [when, needed]
        mark = " !" if within is not None and not within[at] and math.isfinite(columns["paid"][at]) else "  "
        table.add_row(words.percent(target, _places(target)), *cells[:-1], f"{cells[-1]}{mark}")
    console.print(table)
    if cost.viewer_side is None or priced.best_level is None or within is None:
        return
    console.print(Text(words(f"target_cost.best_{cost.viewer_side.value}", level=words.percent(priced.best_level, 0))))
    if not np.all(within):
        console.print(Text(words(f"target_cost.limit_{cost.viewer_side.value}")))


def _described(price: Price, currency: str, words: Words) -> str:
    """A price in a line: what is paid beside the units, for one of them, from how many on, by the level reached."""
    amount = words.money(price.amount, currency, 2)
    phrases = [words("target_cost.amount", amount=amount, unit=words(f"unit_paid.{price.unit.value}"))]
    if price.base:
        phrases.insert(0, words("target_cost.base", amount=words.money(price.base, currency)))
    for start, value in price.bands:
        band = words.money(value, currency, 2)
        phrases.append(words("target_cost.band", start=words.number(start), amount=band))
    for start, share in price.steps:
        signed = f"{'+' if share > 0 else ''}{words.percent(share, _places(share))}"
        phrases.append(words("target_cost.step", level=words.percent(start, _places(start)), share=signed))
    return "; ".join(phrases) + "."


def _pulls(console: Console, cost: TargetCost, words: Words) -> None:
    target = words.percent(cost.kpi.target or 0.0, _places(cost.kpi.target or 0.0))
    console.print()
    console.print(Text(words("target_cost.pulls"), style="bold"))
    console.print(Text(words("target_cost.pulls_about", target=target)))
    pulls = [(priced.name, priced.pull) for priced in cost.prices if priced.pull is not None]
    margins = [margin for margin, _ in pulls[0][1].best]
    heads = [words("target_cost.at_margin", margin=words.percent(margin, 0)) for margin in margins]
    levers = [words(f"target_cost.{name}") for name in ("longer", "shorter", "more_contacts")]
    table = grid(words("target_cost.price_name"), *(f">{head}" for head in (*heads, *levers)))
    for name, pull in pulls:
        levels = [words.percent(level, 0) for _, level in pull.best]
        table.add_row(
            clean(name), *levels, *(_lever(priced, words) for priced in (pull.longer, pull.shorter, pull.more))
        )
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
