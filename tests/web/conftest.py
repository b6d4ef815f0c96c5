"""Django, before any test of the room is read."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
os.environ.setdefault("COMITY_SECRET_KEY", "of the tests")
django.setup()
