"""Keyboard shortcuts, which a person may switch off."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column."""

    dependencies: ClassVar = [("personal", "0001_initial")]
    operations: ClassVar = [
        migrations.AddField("displaysettings", "shortcuts", models.BooleanField(default=True)),
    ]
