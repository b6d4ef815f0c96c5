"""Files that a person of the cast uploads, has looked at, and imports."""

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
