"""Deliveries that accept corrections, files that were here before, and each change of what is held back."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

STAGES = [
    ("looking", "Looking"),
    ("looked", "Looked"),
    ("bringing", "Bringing"),
    ("brought", "Brought"),
    ("refused", "Refused"),
    ("dropped", "Dropped"),
    ("undone", "Undone"),
    ("duplicate", "Duplicate"),
]
# A side's delivery that both saw stays in both sight once it is taken back: what came and went is no secret.
POLICIES = """
ALTER POLICY books_delivery_reads ON books_delivery USING (
    relationship_id = (SELECT comity_relationship())
    AND (side = (SELECT comity_side()) OR (stage IN ('brought', 'undone') AND NOT private)));
ALTER TABLE books_markstep ENABLE ROW LEVEL SECURITY;
ALTER TABLE books_markstep FORCE ROW LEVEL SECURITY;
CREATE POLICY books_markstep_reads ON books_markstep FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY books_markstep_adds ON books_markstep FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()));
CREATE POLICY books_mark_removes ON books_mark FOR DELETE USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON books_markstep TO %I', current_setting('comity.app_role'));
    EXECUTE format('GRANT DELETE ON books_mark TO %I', current_setting('comity.app_role'));
END $do$;
"""
# What a side brought, and whether the other side may know of it, does not change by a forgotten check.
GUARD = """
CREATE FUNCTION comity_guard_delivery() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.relationship_id, NEW.side, NEW.person_id, NEW.at, NEW.name)
        IS DISTINCT FROM (OLD.id, OLD.relationship_id, OLD.side, OLD.person_id, OLD.at, OLD.name)
        OR (OLD.stage = 'brought' AND (NEW.stage NOT IN ('brought', 'undone') OR NEW.private <> OLD.private))
        OR (OLD.stage IN ('undone', 'dropped', 'duplicate') AND NEW.stage <> OLD.stage) THEN
        RAISE EXCEPTION 'comity: what a delivery was does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_delivery BEFORE UPDATE ON books_delivery
    FOR EACH ROW EXECUTE FUNCTION comity_guard_delivery();
"""
NO_GUARD = "DROP TRIGGER comity_guard_delivery ON books_delivery; DROP FUNCTION comity_guard_delivery()"


class Migration(migrations.Migration):
    """A column, a table, policies and a trigger."""

    dependencies: ClassVar = [
        ("books", "0005_in_order"),
        ("parties", "0010_standing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("delivery", "corrects", models.JSONField(blank=True, default=dict)),
        migrations.AlterField("delivery", "stage", models.CharField(choices=STAGES, default="looking", max_length=10)),
        migrations.AlterField("export", "stage", models.CharField(choices=STAGES, default="looking", max_length=10)),
        migrations.CreateModel(
            name="MarkStep",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("item", models.CharField(max_length=120)),
                (
                    "change",
                    models.CharField(
                        choices=[("held_back", "Held Back"), ("changed", "Changed"), ("disclosed", "Disclosed")],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=400)),
                ("review_on", models.DateField(blank=True, null=True)),
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
        migrations.RunSQL(GUARD, NO_GUARD),
    ]
