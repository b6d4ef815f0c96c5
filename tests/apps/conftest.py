"""Django, before any test of the room is read."""

import os

import django
import pytest
from django.core.cache import cache

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
os.environ.setdefault("COMITY_SECRET_KEY", "of the tests")
# The journeys' browser keeps a loop running in a process that these tests may share; nothing here runs in it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
django.setup()


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet():
    """How often an address has tried to sign in is counted for a minute: other tests' tries are not this one's."""
    cache.clear()
