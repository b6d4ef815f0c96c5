"""Every page has its picture: an address that is added is placed in the list of those, or said to be no page."""

import subprocess
import sys
from pathlib import Path

from tests.journeys.shots import NO_PAGES, PAGES, addresses, missing


def test_every_address_has_a_picture_or_is_no_page():
    assert missing(addresses()) == ""
    assert not PAGES.keys() & NO_PAGES


def test_one_that_is_added_or_gone_is_named():
    said = missing({*PAGES, *NO_PAGES, "brand_new"} - {"today"})
    assert said.splitlines() == [
        "brand_new is new: say in shots.py who looks at it, or that it is no page",
        "today is gone: take it out of shots.py",
    ]


def test_the_command_finds_what_it_needs():
    """It runs as a file, and so knows its neighbours by another name than the tests do."""
    beside = Path(__file__).resolve().parents[1] / "journeys"
    done = subprocess.run(
        [sys.executable, "-c", "import opening, shots"], cwd=beside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
