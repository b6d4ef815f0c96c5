"""Both sides read what one lays before the other; it is added by the side that it names, and stays."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import MINE, SIDE, Policy, raised


class Migration(migrations.Migration):
    """A policy."""

    dependencies: ClassVar = [("matters", "0003_terms_and_evidence")]
    operations: ClassVar = raised(
        Policy("matters_evidence", reads=MINE, adds=f"{MINE} AND side IS NOT DISTINCT FROM {SIDE}")
    )
