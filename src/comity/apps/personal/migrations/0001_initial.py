"""Choices and visits, which row-level security shows to their person alone."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE personal_displaysettings ENABLE ROW LEVEL SECURITY;
ALTER TABLE personal_displaysettings FORCE ROW LEVEL SECURITY;
CREATE POLICY personal_displaysettings_own ON personal_displaysettings
    USING (person_id = (SELECT comity_person())) WITH CHECK (person_id = (SELECT comity_person()));
ALTER TABLE personal_savedview ENABLE ROW LEVEL SECURITY;
ALTER TABLE personal_savedview FORCE ROW LEVEL SECURITY;
CREATE POLICY personal_savedview_own ON personal_savedview
    USING (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()))
    WITH CHECK (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()));
ALTER TABLE personal_visit ENABLE ROW LEVEL SECURITY;
ALTER TABLE personal_visit FORCE ROW LEVEL SECURITY;
CREATE POLICY personal_visit_own ON personal_visit
    USING (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()))
    WITH CHECK (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON personal_displaysettings, personal_visit TO %1$I',
        current_setting('comity.app_role'));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON personal_savedview TO %I',
        current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """Three tables and their policies."""

    initial = True
    dependencies: ClassVar = [
        ("parties", "0016_one_organisation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="DisplaySettings",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                    ),
                ),
                ("time_zone", models.CharField(blank=True, max_length=60)),
                (
                    "appearance",
                    models.CharField(
                        choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")],
                        default="system",
                        max_length=6,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("page", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=300)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        to=settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.CASCADE, related_name="+"
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        to="parties.relationship", on_delete=django.db.models.deletion.CASCADE, related_name="+"
                    ),
                ),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.AddConstraint(
            "savedview",
            models.UniqueConstraint(fields=["relationship", "person", "page", "name"], name="one_view_a_name"),
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("before", models.DateTimeField(blank=True, null=True)),
                (
                    "person",
                    models.ForeignKey(
                        to=settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.CASCADE, related_name="+"
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        to="parties.relationship", on_delete=django.db.models.deletion.CASCADE, related_name="+"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "visit", models.UniqueConstraint(fields=["relationship", "person"], name="one_visit_a_person")
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
    ]
