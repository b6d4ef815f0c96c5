"""`comity new`: a book from nothing, by six questions or as many options."""

import difflib
import os
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

import typer

from comity.cli.review import refuse

_Answer = TypeVar("_Answer")


class Period(StrEnum):
    """How long a review's period is."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Service(StrEnum):
    """What sort of work is done."""

    CALLS = "calls"
    TICKETS = "tickets"
    BOTH = "both"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(  # noqa: PLR0913 - the options of a command
    folder: Annotated[Path, typer.Argument(help="The book's folder; made where it is not there.", show_default=False)],
    customer: Annotated[str | None, typer.Option(help="Who buys the service.", show_default=False)] = None,
    provider: Annotated[str | None, typer.Option(help="Who does the work.", show_default=False)] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where days and months are cut, such as Europe/Madrid.", show_default=False)
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of all amounts, such as EUR.", show_default=False)] = None,
    period: Annotated[Period | None, typer.Option(help="How long a review's period is.", show_default=False)] = None,
    service: Annotated[Service | None, typer.Option(help="What sort of work is done.", show_default=False)] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the book (default: CUSTOMER with PROVIDER).", show_default=False)
    ] = None,
) -> None:
    """Begin a book: write its book.toml, by six questions in a terminal or by options."""
    from comity.book.definition import FILE, UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.new_book import NewBook, begin_book  # noqa: PLC0415 - late, as above
    from comity.book.new_book import Service as Work  # noqa: PLC0415 - late, as above
    from comity.core.calendars import Cut  # noqa: PLC0415 - late, as above

    if (folder / FILE).exists():  # before anybody answers six questions
        raise refuse(f"{folder / FILE} already exists and is not overwritten; name another folder")
    options = {
        "customer": customer, "provider": provider, "timezone": timezone,
        "currency": currency, "period": period, "service": service,
    }  # fmt: skip
    missing = [f"--{option}" for option, value in options.items() if value is None]
    if missing and not has_terminal():
        raise refuse(f"no terminal to ask in; give {', '.join(missing)} as well")
    try:
        begin_book(
            folder,
            NewBook(
                customer=_answer(customer, "Who buys the service (the customer)", None, _name),
                provider=_answer(provider, "Who does the work (the provider)", None, _name),
                timezone=_answer(timezone, "Time zone", machine_zone(), _zone),
                currency=_answer(currency, "Currency, by its code", "EUR", _currency),
                period=Cut(_answer(period, f"Period of a review ({', '.join(Period)})", "quarter", Period)),
                service=Work(_answer(service, f"Sort of work ({', '.join(Service)})", "calls", Service)),
                name=_name(name) if name is not None else "",
            ),
        )
    except (UnusableBookError, ValueError) as error:
        raise refuse(str(error)) from None
    typer.echo(f"{folder / FILE} written; open it in an editor to see what else can be said, and to set targets")
    typer.echo("Next, bring records in:")
    typer.echo("  comity tables                         what a book may hold")
    typer.echo("  comity mapping list                   the exports that are known")
    typer.echo("  comity mapping new FILE -o FILE.toml  a first mapping for any other file")
    typer.echo(f"  comity import FILE --as FORMAT --into {shlex.quote(str(folder))}")


def has_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def machine_zone() -> str:
    """The time zone of this machine, by the name that it has everywhere; UTC where none can be told."""
    known = available_timezones()
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    with suppress(OSError):
        candidates.append(str(Path("/etc/localtime").readlink()))
    with suppress(OSError, UnicodeDecodeError):
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    for candidate in candidates:
        zone = candidate.rpartition("zoneinfo/")[2].removeprefix("posix/")
        if zone in known and zone not in {"localtime", "Etc/UTC", "Universal", "Zulu"}:
            return zone
    return "UTC"


def _answer(given: str | None, question: str, default: str | None, check: Callable[[str], _Answer]) -> _Answer:
    """What was given as an option, else what is answered; asked again until it can be."""
    if given is not None:
        return check(given)
    while True:
        try:
            return check(typer.prompt(question, default=default))
        except ValueError as error:
            typer.echo(f"  {error}", err=True)


def _name(text: str) -> str:
    """A name on one line.

    :raises ValueError: for an empty one, and for one that cannot be written
    """
    plain = " ".join(text.split())
    if not plain or not plain.isprintable():
        msg = f"{text!r} is not a name"
        raise ValueError(msg)
    return plain


def _zone(text: str) -> str:
    """A time zone.

    :raises ValueError: with the nearest that is one
    """
    zone, known = text.strip(), available_timezones() - {"localtime"}
    if zone in known:
        return zone
    alike = [one for one in known if one.casefold() == zone.casefold().replace(" ", "_")]
    cities = {one.rpartition("/")[2].casefold(): one for one in sorted(known)}
    alike += [cities[city] for city in difflib.get_close_matches(zone.casefold().replace(" ", "_"), cities, 1)]
    near = f"did you mean {alike[0]}?" if alike else "write one such as Europe/Madrid"
    msg = f"{text!r} is not a time zone; {near}"
    raise ValueError(msg)


def _currency(text: str) -> str:
    """A currency's code.

    :raises ValueError: for what is no code of three letters
    """
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        msg = f"{text!r} is not a currency's code; write three letters such as EUR"
        raise ValueError(msg)
    return code
