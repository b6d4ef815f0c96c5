"""Every page has a screenshot: each URL is in the list of pages, or in that of URLs that are no page."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.shots import NO_PAGES, PAGES, addresses, missing, parted


def test_every_url_has_a_screenshot_or_is_no_page():
    assert missing(addresses()) == ""
    assert not PAGES.keys() & NO_PAGES


def test_added_and_removed_urls_are_named():
    message = missing({*PAGES, *NO_PAGES, "brand_new"} - {"today"})
    assert message.splitlines() == [
        "brand_new is new: say in shots.py who looks at it, or that it is no page",
        "today is gone: take it out of shots.py",
    ]


def test_shots_runs_as_a_script():
    """It runs as a file, and so knows its neighbours by another name than the tests do."""
    beside = Path(__file__).resolve().parents[1] / "journeys"
    completed = subprocess.run(
        [sys.executable, "-c", "import opening, shots"], cwd=beside, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr


def test_some_pages_the_rest_or_a_part_are_taken_and_the_other_pictures_stay():
    assert parted([]) == ([], False, (1, 1))
    assert parted(["today", "review"]) == (["today", "review"], True, (1, 1))
    assert parted(["--resume"]) == ([], True, (1, 1))
    assert parted(["--part=2/5", "log"]) == (["log"], True, (2, 5))
    for wrong in ("--part=0/3", "--part=4/3"):
        with pytest.raises(ValueError, match=r"\(\d, 3\)"):
            parted([wrong])
