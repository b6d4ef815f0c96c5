"""What each side says of how far its records are whole: both read it, and each adds its own word alone."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

POLICIES = """
ALTER TABLE books_completeword ENABLE ROW LEVEL SECURITY;
ALTER TABLE books_completeword FORCE ROW LEVEL SECURITY;
CREATE POLICY books_completeword_reads ON books_completeword FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY books_completeword_adds ON books_completeword FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON books_completeword TO %I', current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """A table and its policies."""

    dependencies: ClassVar = [
        ("books", "0008_shared_formats"),
        ("parties", "0014_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="CompleteWord",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("table", models.CharField(max_length=20)),
                ("until", models.DateField()),
                ("said", models.BooleanField(default=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
    ]
