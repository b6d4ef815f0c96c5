"""`comity doctor`: what is here, what is missing, and what to do about it."""

import importlib
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer

DISTRIBUTIONS = {"ibis": "ibis-framework", "PIL": "pillow"}  # of libraries that are installed under another name
LIBRARIES = (
    "duckdb",
    "ibis",
    "pyarrow",
    "markupsafe",
    "numpy",
    "scipy",
    "python_calamine",
    "xlsxwriter",
    "jinja2",
    "babel",
    "holidays",
    "ijson",
    "charset_normalizer",
    "filelock",
    "rich",
    "pptx",
    "PIL",
    "fontpkg_inter",
    "fontpkg_source_serif_4",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: whether it is here, and what it is for or how to get it."""

    name: str
    here: bool
    about: str
    optional: bool = False


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def findings() -> Iterator[Finding]:
    """Look for everything that a command may need."""
    yield Finding("Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.system()}")
    for name in LIBRARIES:
        yield _tried(name, lambda name=name: _version(name), "reinstall comity")  # type: ignore[misc]
    yield _tried(
        "PDF (pango)",
        _pango,
        "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, or brew install pango",
        optional=True,
    )
    yield _tried("Time zones", _zones, "install the package tzdata")
    yield _tried("The room", _room, "needed by comity serve only: pip install 'comity[room]'", optional=True)
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    yield Finding(
        "Chromium",
        browser is not None,
        "for the browser tests only" if browser else "needed by the browser tests only: apt install chromium",
        optional=True,
    )


def _version(name: str) -> str:
    importlib.import_module(name)
    try:
        return importlib.metadata.version(DISTRIBUTIONS.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return "here"


def _pango() -> str:
    importlib.import_module("weasyprint")
    return "reviews can be written as PDF"


def _room() -> str:
    from comity.web.postgres import NoDatabaseError, binaries  # noqa: PLC0415 - brings the web in

    for name in ("django", "allauth", "procrastinate", "gunicorn", "pyhanko"):
        importlib.import_module(name)
    try:
        return f"can be served, on the PostgreSQL in {binaries()}"
    except NoDatabaseError as error:
        raise LookupError(str(error)) from None


def _zones() -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - late, for a quick cold start

    return f"{ZoneInfo('Europe/Madrid')} is known"


def _tried(name: str, look: Callable[[], str], cure: str, *, optional: bool = False) -> Finding:
    try:
        return Finding(name, here=True, about=look(), optional=optional)
    except ImportError as error:
        if error.name is None:  # it is there, and what it needs is not
            return Finding(name, here=False, about=f"{_first_line(error)}; {cure}", optional=optional)
        return Finding(name, here=False, about=f"not installed; {cure}", optional=optional)
    except (OSError, LookupError) as error:
        return Finding(name, here=False, about=f"{_first_line(error)}; {cure}", optional=optional)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:80]


def doctor() -> None:
    """Check the installation; exit 1 when something needed is missing."""
    found = list(findings())
    width = max(len(finding.name) for finding in found)
    for finding in found:
        sign = "here   " if finding.here else "absent " if finding.optional else "MISSING"
        typer.echo(f"{sign}  {finding.name:<{width}}  {finding.about}")
    if any(not finding.here and not finding.optional for finding in found):
        raise typer.Exit(1)
