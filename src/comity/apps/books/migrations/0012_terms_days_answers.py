"""What a step of a book's terms says of days of service, and of who answers for what."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three columns; earlier steps said nothing of them."""

    dependencies: ClassVar = [("books", "0011_terms_alone")]
    operations: ClassVar = [
        migrations.AddField("termsstep", "country", models.CharField(blank=True, default="", max_length=12), False),
        migrations.AddField("termsstep", "open_days", models.CharField(blank=True, default="", max_length=27), False),
        migrations.AddField("termsstep", "answers", models.JSONField(blank=True, default=dict)),
    ]
