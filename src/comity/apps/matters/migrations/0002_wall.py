"""Both sides read a matter and its steps; a step is added by the side it names, or by nobody's own move."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import MINE, PERSON, SIDE, Policy, raised, shared

POLICIES = (
    shared("matters_matter"),
    Policy(
        "matters_step",
        reads=MINE,
        adds=f"{MINE} AND (side IS NULL OR side = {SIDE}) AND (person_id IS NULL OR person_id = {PERSON})",
    ),
)


class Migration(migrations.Migration):
    """Policies on both tables."""

    dependencies: ClassVar = [("matters", "0001_initial"), ("parties", "0002_wall")]
    operations: ClassVar = raised(*POLICIES)
