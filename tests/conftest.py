"""What many tests share: the real records beside the project, where they are; and how processes share the tests."""

import gc
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from comity.book.reading import typed_files
from comity.book.storage import duckdb as engine
from tests.builders.typed_forms import remembering

# A busy machine is no failure; a test never measures time. `make test-long` takes the profile of its name.
settings.register_profile("gate", deadline=None, max_examples=10)
settings.register_profile("long", deadline=None, max_examples=300)
settings.load_profile("gate")

# A test's book need not outlive a loss of power, as its database need not.
os.fsync = lambda _: None

# Processes of a run share the cores: a second thread of each engine would only wait for the others'.
engine.THREADS = 1

# Most books of tests are a few lines written by hand, and many are alike: each is checked once in a process.
typed_files._write_typed = remembering(typed_files._write_typed)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real records; a test that wants it is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the real records (../shared/data) are not beside this checkout")
    return SHARED


@pytest.fixture(scope="module")
def browser():
    """Chromium, the one browser of the process; a test that wants it is skipped where there is none.

    It goes with its module: while it is there an event loop runs in the process, and `asyncio.run` is refused.
    """
    from tests.journeys.opening import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip("no Chromium is here; `make setup` says how it comes")
    with chromium() as started:
        yield started


# Begun first, the longest first of all: a process is not left alone with one of them at the end.
BEGUN_FIRST = (
    *("tests/journeys/", "tests/web/test_killed_processes.py", "tests/web/test_server.py", "tests/web/test_backup.py"),
    *(
        "tests/apps/test_two_sides_model.py",
        "tests/apps/reviews/test_small_groups.py",
        "tests/review/render/test_html_in_browser.py",
    ),
)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Read all test modules without looking for garbage: every object made meanwhile stays until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules in the order in which processes take them: those that are long, then those of many tests."""
    modules = [item.nodeid.split("::")[0] for item in items]
    sizes = Counter(modules)

    def place(module: str) -> tuple[int, int]:
        first = (number for number, name in enumerate(BEGUN_FIRST) if module.startswith(name))
        return next(first, len(BEGUN_FIRST)), -sizes[module]

    order = sorted(range(len(items)), key=lambda number: place(modules[number]))
    items[:] = [items[number] for number in order]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A process takes a module whole, and makes its cast and book once; the journeys share a room and go together."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Modules(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/journeys" if nodeid.startswith("tests/journeys/") else super()._split_scope(nodeid)

    return Modules(config, log)
