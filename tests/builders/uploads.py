"""Files that a person of the cast uploads, has looked at, and imports."""

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.books import operations
from comity.apps.books.models import Delivery, Stage


def received(them, who, name, text):
    with transaction.atomic():
        return operations.receive_upload(them.at(who), SimpleUploadedFile(name, text.encode()))


def run(them, who, delivery, *, dry_run):
    operations.run_delivery(them.people[who].pk, them.relationship, delivery.pk, dry_run=dry_run)
    return now(them, who, delivery)


def now(them, who, delivery):
    with transaction.atomic():
        them.at(who)
        return Delivery.objects.get(pk=delivery.pk)


def brought(them, who, name, text):
    """Looked at and, where it is of use, brought in."""
    made = run(them, who, received(them, who, name, text), dry_run=True)
    if made.stage != Stage.LOOKED:
        return made
    with transaction.atomic():
        operations.import_delivery(them.at(who), now(them, who, made))
    return run(them, who, made, dry_run=False)


def looked(them, name, text, who="provider_lead"):
    """A file that somebody uploaded, looked at."""
    return run(them, who, received(them, who, name, text), dry_run=True)


def imported(them, delivery, who="provider_lead"):
    """The same, imported."""
    with transaction.atomic():
        operations.import_delivery(them.at(who), now(them, who, delivery))
    return run(them, who, now(them, who, delivery), dry_run=False)


def shown(them, delivery, who="provider_lead", page=""):
    """Its page, or one below it."""
    return them.client(who).get(them.url(f"records/{delivery.pk}/{page}")).content.decode()


def fields(page):
    """What a browser would send: each select with what is chosen, each input with its value."""
    chosen = {}
    for name, inner in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        picked = re.search(r'value="([^"]*)" selected', inner)
        chosen[name] = picked[1] if picked else ""
    inputs = re.findall(r'<input type="text" name="([^"]+)"(?: value="([^"]*)")?', page)
    return {**dict(inputs), **chosen}
