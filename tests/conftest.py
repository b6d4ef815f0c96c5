"""What many tests share: the real records beside the project, where they are."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure; a test never measures time
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real records; a test that wants it is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the real records (../shared/data) are not beside this checkout")
    return SHARED
