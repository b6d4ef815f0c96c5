"""Formats that a side shares: both sides read them, and only their own side adds and removes them."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

POLICIES = """
ALTER TABLE books_sharedformat ENABLE ROW LEVEL SECURITY;
ALTER TABLE books_sharedformat FORCE ROW LEVEL SECURITY;
CREATE POLICY books_sharedformat_reads ON books_sharedformat FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY books_sharedformat_adds ON books_sharedformat FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()));
CREATE POLICY books_sharedformat_removes ON books_sharedformat FOR DELETE USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON books_sharedformat TO %I', current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """A table and its policies."""

    dependencies: ClassVar = [
        ("books", "0007_audit"),
        ("parties", "0014_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SharedFormat",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("name", models.CharField(max_length=60)),
                ("table", models.CharField(max_length=20)),
                ("text", models.TextField()),
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
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("side", "relationship", "name"), name="one_shared_format_a_name")
                ],
            },
        ),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
    ]
