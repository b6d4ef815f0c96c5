"""Django, before any test of the room is read."""

import os

import django
import pytest
from django.core.cache import cache
from django.utils import translation

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
os.environ.setdefault("COMITY_SECRET_KEY", "of the tests")
# The journeys' browser keeps a loop running in a process that these tests may share; nothing here runs in it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
django.setup()


@pytest.fixture(autouse=True)
def _nobody_has_asked_in_spanish_yet():
    """The language of the latest request stays that of the process until the next one."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet():
    """How often somebody did something is counted for minutes or a day: what other tests did is not this one's."""
    from tests.room import started

    if started.cache_info().currsize:  # else there is no database yet, and nothing in it
        cache.clear()


@pytest.fixture(autouse=True, scope="module")
def _what_other_modules_left_is_gone():
    """The clock visits each relationship of the database: those of other modules would make each visit longer."""
    from tests.room import emptied, started

    if started.cache_info().currsize:
        emptied()
