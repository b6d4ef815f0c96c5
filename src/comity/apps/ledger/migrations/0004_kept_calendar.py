"""The calendar of a ledger is asked for at every posting: whether there is a zone of its name, only where it has none.

Looking through the time zones reads some 600 files: 7 ms of each move of a matter.
"""

from typing import ClassVar

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION comity_keep_ledger_calendar(asked_zone text, asked_start integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF public.comity_side() IS NULL OR EXISTS (
        SELECT 1 FROM public.ledger_calendar WHERE relationship_id = public.comity_relationship())
        OR NOT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = asked_zone) THEN
        RETURN false;
    END IF;
    INSERT INTO public.ledger_calendar (relationship_id, zone, month_starts_on)
        VALUES (public.comity_relationship(), asked_zone, asked_start) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
"""


class Migration(migrations.Migration):
    """A function."""

    dependencies: ClassVar = [("ledger", "0003_agreed")]
    operations: ClassVar = [migrations.RunSQL(FUNCTION, migrations.RunSQL.noop)]
