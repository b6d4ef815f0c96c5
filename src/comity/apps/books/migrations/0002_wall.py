"""A file is its side's until it has come in, and stays so where its table is private; a side's mappings are its own."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import MINE, OWN, SIDE, Policy, own, raised

POLICIES = (
    Policy(
        "books_delivery",
        reads=f"{MINE} AND (side = {SIDE} OR (stage = 'brought' AND NOT private))",
        adds=OWN,
        changes=OWN,
    ),
    own("books_keptmapping"),
)


class Migration(migrations.Migration):
    """Policies on both tables."""

    dependencies: ClassVar = [("books", "0001_initial"), ("parties", "0002_wall")]
    operations: ClassVar = raised(*POLICIES)
