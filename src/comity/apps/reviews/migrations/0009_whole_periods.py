"""The log says once of a period that it is whole and that nobody has confirmed it; the mails to both sides follow.

Only a function of the owner writes it, since it is nobody's doing. Whether the records are whole is worked out from the
book, which the database does not see; what it checks is that neither side has spoken of the period, and that the line
is not there yet.
"""

from typing import ClassVar

from django.db import migrations

WHOLE = """
CREATE FUNCTION comity_audit_whole(asked_period text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship();
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT coalesce(asked_period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]|W[0-5][0-9]))?$', false)
        OR left(asked_period, 4)::int > extract(year FROM now() AT TIME ZONE 'Etc/GMT-14') THEN
        RAISE EXCEPTION 'comity: no period is whole here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT 1 FROM public.audit_event WHERE relationship_id = here AND event = 'period_whole'
            AND data ->> 'period' = asked_period)
        OR EXISTS (SELECT 1 FROM public.record_consent WHERE relationship_id = here AND subject_type = 'period'
            AND subject = asked_period AND void_at IS NULL)
        OR EXISTS (SELECT 1 FROM public.record_entry WHERE relationship_id = here AND subject_type = 'period'
            AND subject = asked_period) THEN RETURN false; END IF;
    PERFORM public.comity_audit_nobody(here, 'period_whole', 'period', NULL,
        jsonb_build_object('period', asked_period));
    RETURN true;
END $$;
CREATE INDEX audit_whole_periods ON audit_event (relationship_id) WHERE event = 'period_whole';
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_whole ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'period_whole')
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A function, its index, and a policy."""

    dependencies: ClassVar = [
        ("reviews", "0008_audit"), ("record", "0001_initial"), ("audit", "0006_renewed_invitations"),
    ]  # fmt: skip
    operations: ClassVar = [migrations.RunSQL(WHOLE)]
