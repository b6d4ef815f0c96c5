"""`comity target-cost`: the hours that each target takes on a book's forecast, by two policies."""

import json
import math
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.cli.review import Eyes, refuse

if TYPE_CHECKING:
    from comity.core.economics.target_cost import Plans

_SCHEMA = "comity.target_cost/1"
_TARGETS = "0.5,0.6,0.7,0.75,0.8,0.85,0.9,0.95"


class Form(StrEnum):
    """What the answer is written as."""

    TERMINAL = "terminal"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("target-cost")(target_cost)


def target_cost(  # noqa: PLR0913 - the options of a command
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    kpi: Annotated[str, typer.Option(help="The service level whose formula counts.")] = "service_level",
    period: Annotated[
        str | None, typer.Option(help="Of whose forecast: 2026-Q2, 2026-05 or 2026-W23; absent: the last whole one.")
    ] = None,
    targets: Annotated[str, typer.Option(help="Shares, separated by commas.")] = _TARGETS,
    patience_s: Annotated[
        float | None, typer.Option(min=1, help="Mean patience, seconds; absent: as agreed.", show_default=False)
    ] = None,
    shrinkage: Annotated[float, typer.Option(help="Share of paid time away from the phones: 0.3 for 30 %.")] = 0.0,
    least: Annotated[int, typer.Option(min=0, help="The least number of agents in an interval.")] = 0,
    most_abandon: Annotated[float, typer.Option(help="The share that may give up: 0.05 for 5 %.")] = 1.0,
    eyes: Annotated[Eyes, typer.Option("--as", help="Whose view; joint opens only what is shared.")] = Eyes.JOINT,
    form: Annotated[Form, typer.Option("--format", "-f", help="What to write.")] = Form.TERMINAL,
) -> None:
    """Say how many paid hours each target takes: met in every interval, or over the period as a whole."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.opening import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.core.economics.target_cost import in_every_interval, over_the_period  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review.attributing import NoAttributionError, promised  # noqa: PLC0415 - late, as above

    if not 0 <= shrinkage < 1:
        raise refuse(f"--shrinkage is {shrinkage:g}; write a share below 1: 0.3 for 30 %")
    if not 0 <= most_abandon <= 1:
        raise refuse(f"--most-abandon is {most_abandon:g}; write a share: 0.05 for 5 %")
    side = None if eyes is Eyes.JOINT else Side(eyes.value)
    try:
        wanted = [float(one) for one in targets.split(",")]
        with open_book(book, home_viewer(book, side)) as opened:
            demand, rules, name = promised(
                opened, kpi, period=period, now=datetime.now(UTC), patience_s=patience_s, least=least, most=most_abandon
            )
        plans = {
            "every_interval": in_every_interval(demand, rules, wanted),
            "period": over_the_period(demand, rules, wanted),
        }
    except (UnusableBookError, UnknownPeriodError, NoAttributionError, ValueError) as error:
        raise refuse(str(error)) from None
    policies = {policy: _rows(made, shrinkage) for policy, made in plans.items()}
    if form is Form.JSON:
        told = {"schema": _SCHEMA, "kpi": kpi, "period": name, "contacts": float(demand.offered.sum())}
        typer.echo(json.dumps(told | {"policies": policies}, indent=2))
        return
    _table(policies, name, float(demand.offered.sum()))


def _rows(plans: "Plans", shrinkage: float) -> list[dict[str, Any]]:
    """One row a target; what is not reached is None."""
    rows = []
    for at, target in enumerate(plans.targets.tolist()):
        values = {
            "hours": plans.hours[at],
            "paid_hours": plans.hours[at] / (1 - shrinkage),
            "level": plans.level[at],
            "abandoned": plans.abandoned[at],
            "answered": plans.answered[at],
        }
        told = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        rows.append({"target": target, **told, "dominated": bool(plans.dominated[at])})
    return rows


def _table(policies: dict[str, list[dict[str, Any]]], name: str, contacts: float) -> None:
    from rich import box  # noqa: PLC0415 - late, for a quick cold start
    from rich.console import Console  # noqa: PLC0415 - late, as above
    from rich.table import Table  # noqa: PLC0415 - late, as above

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("target", "paid hours", "level", "gone", "| pooled: paid hours", "level", "gone", "saves"):
        table.add_column(column, justify="right", no_wrap=True)
    for each, pooled in zip(policies["every_interval"], policies["period"], strict=True):
        cells = []
        for row in (each, pooled):
            known = row["hours"] is not None
            mark = " *" if row["dominated"] else ""
            cells += [
                f"{row['paid_hours']:,.0f}{mark}" if known else "-",
                f"{100 * row['level']:.1f}" if known else "-",
                f"{100 * row['abandoned'] / contacts:.1f}" if known else "-",
            ]
        both = each["hours"] and pooled["hours"] is not None
        saves = f"{100 * (1 - pooled['hours'] / each['hours']):.1f}" if both else "-"
        table.add_row(f"{100 * each['target']:g}", *cells, saves)
    console = Console(highlight=False)
    console.print(f"{contacts:,.0f} contacts as forecast for {name}; per cent, and paid hours.")
    console.print(table)
    console.print("First: the least in every interval that meets the target there; pooled: over the period as a whole.")
    if any(row["dominated"] for rows in policies.values() for row in rows):
        console.print("* another target gives no less for no more hours.")
