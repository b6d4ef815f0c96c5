"""Steps by which zone, currency and first day of months are changed: both read them, each side adds its own alone."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# The side whose proposal is the last step; none where it was answered.
LAST = """
CREATE FUNCTION comity_terms_proposed_by() RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN last.change = 'proposed' THEN last.side END FROM books_termsstep last
    WHERE last.relationship_id = (SELECT comity_relationship()) ORDER BY last.at DESC LIMIT 1
$$;
"""
POLICIES = """
ALTER TABLE books_termsstep ENABLE ROW LEVEL SECURITY;
ALTER TABLE books_termsstep FORCE ROW LEVEL SECURITY;
CREATE POLICY books_termsstep_reads ON books_termsstep FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY books_termsstep_adds ON books_termsstep FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND (change = 'proposed' OR CASE change
        WHEN 'changed' THEN NOT EXISTS (SELECT FROM parties_membership other
            WHERE other.relationship_id = books_termsstep.relationship_id AND other.left_at IS NULL
            AND other.side = CASE books_termsstep.side WHEN 'customer' THEN 'provider' ELSE 'customer' END)
        ELSE comity_terms_proposed_by() = CASE WHEN change = 'withdrawn' THEN side
            WHEN side = 'customer' THEN 'provider' ELSE 'customer' END END));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON books_termsstep TO %I', current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """A table and its policies."""

    dependencies: ClassVar = [
        ("books", "0009_complete_words"),
        ("parties", "0014_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="TermsStep",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                (
                    "change",
                    models.CharField(
                        choices=[
                            ("changed", "Changed"),
                            ("proposed", "Proposed"),
                            ("agreed", "Agreed"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=10,
                    ),
                ),
                ("timezone", models.CharField(max_length=60)),
                ("currency", models.CharField(max_length=3)),
                ("month_starts_on", models.PositiveSmallIntegerField()),
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
        migrations.RunSQL(LAST, "DROP FUNCTION comity_terms_proposed_by()"),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
    ]
