"""The log is typed events (`audit/migrations/`): its table of prose goes, and the function that wrote there."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """One table and one function fewer."""

    dependencies: ClassVar = [("parties", "0014_names"), ("audit", "0003_wall")]
    operations: ClassVar = [
        migrations.RunSQL(["DROP FUNCTION comity_write(public.parties_membership, text, text, boolean)"]),
        migrations.DeleteModel("Access"),
    ]
