"""Figures by KPIs that are not agreed by both take no confirmation, and are never final.

A figure holds the wording by which it was computed: `agreed` is false in it while one side alone proposed it, and
`entry` is the place in the record by which both agreed to it. An entry that the record does not have, or that is about
another KPI, is no agreement.
"""

from typing import ClassVar

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION comity_are_figures_agreed(here uuid, figures jsonb) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(figures) = 'object' AND NOT EXISTS (SELECT 1 FROM jsonb_each(
        CASE jsonb_typeof(figures) WHEN 'object' THEN figures ELSE '{}' END) f WHERE
        coalesce(f.value->'definition'->'agreed', 'true') <> 'true'
        OR (coalesce(f.value->'definition'->'entry', 'null') <> 'null' AND NOT EXISTS (
            SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here AND e.subject_type = 'kpis'
            AND to_jsonb(e.number) = f.value->'definition'->'entry'
            AND e.content @> jsonb_build_object('content', jsonb_build_object('kpis', jsonb_build_array(
                jsonb_build_object('id', f.value->'definition'->'id')))))))
$$;
CREATE FUNCTION comity_guard_agreed_figures() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE figures jsonb := CASE TG_TABLE_NAME WHEN 'record_entry' THEN NEW.content->'figures' ELSE NEW.content END;
BEGIN
    IF NOT coalesce(public.comity_are_figures_agreed(NEW.relationship_id, figures), false) THEN
        RAISE EXCEPTION 'comity: figures by KPIs that are not agreed by both'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_agreed_figures BEFORE INSERT ON record_consent FOR EACH ROW
    WHEN (NEW.subject_type = 'period') EXECUTE FUNCTION comity_guard_agreed_figures();
CREATE TRIGGER comity_guard_agreed_figures BEFORE INSERT ON record_entry FOR EACH ROW
    WHEN (NEW.subject_type = 'period' AND NEW.kind = 'frozen') EXECUTE FUNCTION comity_guard_agreed_figures();
"""
NO_FUNCTIONS = """
DROP TRIGGER comity_guard_agreed_figures ON record_entry;
DROP TRIGGER comity_guard_agreed_figures ON record_consent;
DROP FUNCTION comity_guard_agreed_figures();
DROP FUNCTION comity_are_figures_agreed(uuid, jsonb);
"""


class Migration(migrations.Migration):
    """A guard of both tables of the record."""

    dependencies: ClassVar = [("kpis", "0001_initial"), ("record", "0001_initial"), ("reviews", "0007_record")]
    operations: ClassVar = [migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS)]
