"""A matter names the step that brought it where it is, and who was really reminded."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import JSONField, Value


class Migration(migrations.Migration):
    """Two columns, with defaults in the database: matters made before have neither."""

    dependencies: ClassVar = [("matters", "0007_found_sooner")]
    operations: ClassVar = [
        migrations.AddField("matter", "last_move", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "matter", "reminded_to", models.JSONField(blank=True, default=list, db_default=Value([], JSONField()))
        ),
    ]
