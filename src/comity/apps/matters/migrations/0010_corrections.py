"""Corrections: raised by an import, answered by whose rows they are, and never by silence."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import JSONField, Value

KINDS = [("dispute", "Dispute"), ("claim", "Claim"), ("action", "Action"), ("correction", "Correction")]
GUARD = """
CREATE FUNCTION comity_guard_correction() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.records IS DISTINCT FROM OLD.records THEN
        RAISE EXCEPTION 'comity: what a correction would change does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.kind = 'correction' AND (NEW.state = 'deemed' OR NEW.state = 'countered') THEN
        RAISE EXCEPTION 'comity: silence accepts no change of records' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_correction BEFORE UPDATE ON matters_matter
    FOR EACH ROW EXECUTE FUNCTION comity_guard_correction();
"""


class Migration(migrations.Migration):
    """A kind, a column with a default in the database, and a trigger."""

    dependencies: ClassVar = [("matters", "0009_guards")]
    operations: ClassVar = [
        migrations.AddField(
            "matter", "records", models.JSONField(blank=True, default=dict, db_default=Value({}, JSONField()))
        ),
        migrations.AlterField("matter", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.RunSQL(
            GUARD, "DROP TRIGGER comity_guard_correction ON matters_matter; DROP FUNCTION comity_guard_correction()"
        ),
    ]
