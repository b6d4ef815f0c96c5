"""Both sides read the record; a side gives its own word alone, and silence is nobody's."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import MINE, PERSON, SIDE, Policy, raised

POLICIES = (
    Policy(
        "reviews_confirmation",
        reads=MINE,
        adds=f"{MINE} AND ((side = {SIDE} AND person_id = {PERSON}) OR (deemed AND person_id IS NULL))",
        changes=MINE,
        columns=("reminded_at",),
    ),
    Policy("reviews_entry", reads=MINE, adds=MINE),
)


class Migration(migrations.Migration):
    """Policies on both tables."""

    dependencies: ClassVar = [("reviews", "0001_initial"), ("parties", "0002_wall")]
    operations: ClassVar = raised(*POLICIES)
