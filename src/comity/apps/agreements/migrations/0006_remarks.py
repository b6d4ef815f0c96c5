"""Remarks and suggestions about a change: both sides read them where they read the change, else one side alone.

A remark is never changed; its author withdraws it by a further row.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE agreements_remark ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_remark FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_remark_reads ON agreements_remark FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND (audience = (SELECT comity_side()) OR (audience = 'both'
        AND ((SELECT comity_side()) IS NOT NULL OR EXISTS (
            SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL)))));
CREATE POLICY agreements_remark_adds ON agreements_remark FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND abs(extract(epoch FROM at - clock_timestamp())) <= 600
    AND EXISTS (SELECT 1 FROM agreements_change c WHERE c.id = change_id
        AND c.relationship_id = (SELECT comity_relationship())
        AND (audience = (SELECT comity_side()) OR (audience = 'both' AND (c.number IS NOT NULL OR c.shared)))));

CREATE FUNCTION comity_guard_remark() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.withdraws_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.agreements_remark r
        WHERE r.id = NEW.withdraws_id AND r.person_id = public.comity_person() AND r.change_id = NEW.change_id
        AND r.audience = NEW.audience AND r.withdraws_id IS NULL) THEN
        RAISE EXCEPTION 'comity: this remark is not the viewer''s to withdraw' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_remark BEFORE INSERT ON agreements_remark
    FOR EACH ROW EXECUTE FUNCTION comity_guard_remark();

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON agreements_remark TO %I', app);
END $do$;
"""
NO_WALL = "DROP TRIGGER comity_guard_remark ON agreements_remark; DROP FUNCTION comity_guard_remark()"
SIDES = [("customer", "customer"), ("provider", "provider")]
AUDIENCES = [("both", "Both"), ("customer", "Customer"), ("provider", "Provider")]
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    """A table, its policies and its trigger."""

    dependencies: ClassVar = [
        ("agreements", "0005_afterwards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Remark",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("audience", models.CharField(choices=AUDIENCES, max_length=8)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("clause", models.CharField(blank=True, default="", max_length=80)),
                ("text", models.CharField(blank=True, default="", max_length=4000)),
                ("suggestion", models.JSONField(blank=True, default=list)),
                ("change", models.ForeignKey(on_delete=CASCADE, related_name="remarks", to="agreements.change")),
                ("person", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("relationship", models.ForeignKey(on_delete=CASCADE, related_name="+", to="parties.relationship")),
                (
                    "withdraws",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=CASCADE, related_name="withdrawals", to="agreements.remark"
                    ),
                ),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.RunSQL(WALL, NO_WALL),
    ]
