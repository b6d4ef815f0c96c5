"""`comity staffing`: how many agents a target takes, or what a number of agents gives, by the queueing model."""

import json
import math
from enum import StrEnum
from typing import Annotated, Any

import typer

from comity.cli.review import refuse

_AROUND = 3  # agents more and fewer, shown beside
_SCHEMA = "comity.staffing/1"


class Form(StrEnum):
    """What the answer is written as."""

    TERMINAL = "terminal"
    JSON = "json"


class Counted(StrEnum):
    """Which service level a target is of."""

    V1 = "v1"
    V2 = "v2"
    V3 = "v3"
    V4 = "v4"
    V5 = "v5"
    V6 = "v6"


_MEANINGS = {
    "v1": "answered in time, of all offered",
    "v2": "answered or gone in time, of all offered",
    "v3": "answered in time, of all answered",
    "v4": "answered in time, of all but those gone by then",
    "v5": "answered in time or gone as short abandons, of all offered",
    "v6": "answered in time, of all but short abandons",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("staffing")(staffing)


def staffing(  # noqa: PLR0913 - the options of a command
    *,
    offered: Annotated[float, typer.Option(min=0, help="Contacts in the interval.", show_default=False)],
    handle_s: Annotated[float, typer.Option(help="Mean handle time, seconds.", show_default=False)],
    within_s: Annotated[float, typer.Option(min=0, help="The threshold of the service level, seconds.")] = 20,
    interval_s: Annotated[float, typer.Option(help="The interval's length, seconds.")] = 1800,
    patience_s: Annotated[
        float | None,
        typer.Option(help="Mean patience, seconds (default: nobody gives up, Erlang C).", show_default=False),
    ] = None,
    short_s: Annotated[float, typer.Option(min=0, help="Longest short abandon, seconds.")] = 0,
    agents: Annotated[
        float | None, typer.Option(min=0, help="The result of this many agents.", show_default=False)
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="The agents for this target: 0.8 for 80 %.", show_default=False)
    ] = None,
    variant: Annotated[Counted, typer.Option(help="Formula of the target.")] = Counted.V1,
    most_abandon: Annotated[float, typer.Option(help="With --target: largest share of abandons.")] = 1,
    form: Annotated[Form, typer.Option("--format", "-f", help="Output format.")] = Form.TERMINAL,
) -> None:
    """Say how many agents a target takes in one interval of one queue, or what a number of agents gives."""
    from comity.core.economics.staffing import Variant, agents_for  # noqa: PLC0415 - late, for a quick cold start

    if (agents is None) == (target is None):
        raise refuse("give either --agents or --target")
    if target is not None and not 0 <= target < 1:
        raise refuse(f"--target is {target:g}; write a share below 1: 0.8 for 80 %")
    if not 0 <= most_abandon <= 1:
        raise refuse(f"--most-abandon is {most_abandon:g}; write a share: 0.05 for 5 %")
    if interval_s <= 0:
        raise refuse(f"--interval-s is {interval_s:g}; an interval is longer than 0 seconds")
    rate, patience = offered / interval_s, math.inf if patience_s is None else patience_s
    try:
        if agents is None:
            agents = float(
                agents_for(
                    *(target or 0.0, rate, handle_s, patience, within_s, short_s),
                    variant=Variant(variant.value),
                    most_abandon=most_abandon,
                ),
            )
            if math.isnan(agents):
                raise refuse("that takes more than a million agents; look at --offered and --handle-s")
        shown = _given(rate, handle_s, patience, agents, within_s, short_s)
    except ValueError as error:
        raise refuse(_in_options(str(error))) from None
    if form is Form.JSON:
        typer.echo(json.dumps({"schema": _SCHEMA, **shown}))
        return
    nearby = [agents + more for more in range(-_AROUND, _AROUND + 1) if agents + more >= 0]
    rows = [_given(rate, handle_s, patience, number, within_s, short_s) for number in nearby]
    _table(rows, agents, within_s)


def _given(  # noqa: PLR0913 - a state of a queue
    rate: float,
    handle_s: float,
    patience_s: float,
    agents: float,
    within_s: float,
    short_s: float,
) -> dict[str, Any]:
    """What this many agents give; what is no finite number is None."""
    from comity.core.economics.erlang import queues  # noqa: PLC0415 - late, for a quick cold start

    states = queues(rate, handle_s, patience_s, agents, within_s, short_s)
    names = (*_MEANINGS, "p_wait", "p_abandon", "mean_wait_s", "occupancy")
    values = {name: float(getattr(states, name)) for name in names}
    return {
        "agents": int(agents) if agents == int(agents) else agents,
        **{name: value if math.isfinite(value) else None for name, value in values.items()},
    }


def _in_options(message: str) -> str:
    """The core's words with the names of the options: handle_s is --handle-s."""
    name, _, rest = message.partition(" ")
    return f"--{name.replace('_', '-')} {rest}" if "_s" in name else message


def _table(rows: list[dict[str, Any]], agents: float, within_s: float) -> None:
    from rich import box  # noqa: PLC0415 - late, for a quick cold start
    from rich.console import Console  # noqa: PLC0415 - late, as above
    from rich.table import Table  # noqa: PLC0415 - late, as above

    columns = ("agents", *(name.upper() for name in _MEANINGS), "waits", "gone", "wait s", "busy")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        mark = "▸" if row["agents"] == agents else " "
        shares = [_percent(row[name]) for name in (*_MEANINGS, "p_wait", "p_abandon")]
        wait = "endless" if row["mean_wait_s"] is None else f"{row['mean_wait_s']:.1f}"
        table.add_row(f"{mark} {row['agents']:g}", *shares, wait, _percent(row["occupancy"]))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nPer cent; wait: the mean of all, in seconds. Service levels, within {within_s:g} s:")
    for name, meaning in _MEANINGS.items():
        console.print(f"  {name.upper()} {meaning}")
    console.print("By Erlang A: one skill, nobody calls again, steady within the interval.")
    console.print("Breaks and absence come on top: divide by 1 - shrinkage.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
