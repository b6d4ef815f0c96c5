"""Who reads and changes holds, marks, and what is somebody's across relationships."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import OWN, PERSON, Policy, raised, shared

MINE = f"person_id = {PERSON}"


class Migration(migrations.Migration):
    """Policies on four tables."""

    dependencies: ClassVar = [("books", "0003_holds_marks_routes")]
    operations: ClassVar = raised(
        shared("books_hold", changes=False),
        shared("books_mark", by=OWN),
        Policy("books_routes", MINE, MINE, MINE),
        Policy("books_export", MINE, MINE, MINE),
    )
