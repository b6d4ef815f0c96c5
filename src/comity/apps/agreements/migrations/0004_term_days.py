"""That a day of the term comes is in the log, once for 90, 60 and 30 days before: nobody's, by a function of the owner.

Which days those are is worked out from the agreement, which the database does not fold; what it checks is that the day
is to come, that the reminder is due, and that the line is not there yet.
"""

from typing import ClassVar

from django.db import migrations

TERM = """
CREATE FUNCTION comity_audit_term(of_day text, due_on date, days_before integer, what text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); line jsonb := jsonb_build_object('kind', of_day, 'due', due_on,
    'before', days_before, 'title', what);
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    IF NOT FOUND OR of_day NOT IN ('notice', 'end', 'option') OR days_before NOT IN (90, 60, 30)
        OR due_on < (clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date
        OR due_on - days_before > (clock_timestamp() AT TIME ZONE 'Etc/GMT-14')::date THEN
        RAISE EXCEPTION 'comity: no day of the term comes here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT 1 FROM public.audit_event WHERE relationship_id = here AND event = 'term_reminded'
        AND data = line) THEN RETURN false; END IF;
    PERFORM public.comity_audit_nobody(here, 'term_reminded', 'agreement', NULL, line);
    RETURN true;
END $$;
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_term_reminded ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'term_reminded')
    $policy$, app);
END $do$;
"""
NO_TERM = """
DROP POLICY audit_event_term_reminded ON audit_event;
DROP FUNCTION comity_audit_term(text, date, integer, text);
"""


class Migration(migrations.Migration):
    """A function of the owner, and a policy."""

    dependencies: ClassVar = [("agreements", "0003_lapses")]
    operations: ClassVar = [migrations.RunSQL(TERM, NO_TERM)]
