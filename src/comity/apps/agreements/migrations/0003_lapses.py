"""A change that can no longer be signed lapses: nobody's step, by a function of the owner, which puts it in the log.

The database does not know the zone in which days are cut: it waits until the last day for signing is over everywhere,
so that neither side ends a change of the other while that may still sign. The room takes no signature in between.
"""

from typing import ClassVar

from django.db import migrations

LAPSE = """
CREATE FUNCTION comity_lapse_change(asked uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); says jsonb := NULL; which integer; last public.agreements_step;
    revision integer;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    SELECT number INTO which FROM public.agreements_change WHERE id = asked AND relationship_id = here;
    SELECT * INTO last FROM public.agreements_step WHERE change_id = asked AND relationship_id = here
        ORDER BY number DESC LIMIT 1;
    says := public.comity_change_says(asked);
    IF which IS NULL OR last.id IS NULL OR says->>'open_until' IS NULL OR EXISTS (
        SELECT 1 FROM public.agreements_step s WHERE s.change_id = asked
            AND s.kind IN ('agree', 'decline', 'withdraw', 'lapse')) THEN
        RAISE EXCEPTION 'comity: this change does not lapse' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (says->>'open_until')::date >= (clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date THEN RETURN false; END IF;
    SELECT (s.content->'new'->>'number')::integer INTO revision FROM public.agreements_step s
        WHERE s.change_id = asked AND s.content ? 'new' ORDER BY s.number DESC LIMIT 1;
    INSERT INTO public.agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content)
        VALUES (gen_random_uuid(), asked, here, last.number + 1, 'lapse', '', NULL, clock_timestamp(),
            jsonb_build_object('name', '', 'revision', revision));
    PERFORM public.comity_audit_nobody(here, 'change_lapsed', 'agreement', NULL,
        jsonb_build_object('number', which, 'title', coalesce(says->>'title', '')));
    RETURN true;
END $$;
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_change_lapsed ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'change_lapsed')
    $policy$, app);
END $do$;
"""
NO_LAPSE = """
DROP POLICY audit_event_change_lapsed ON audit_event;
DROP FUNCTION comity_lapse_change(uuid);
"""


class Migration(migrations.Migration):
    """A function of the owner, and a policy."""

    dependencies: ClassVar = [("agreements", "0002_carried_out_first")]
    operations: ClassVar = [migrations.RunSQL(LAPSE, NO_LAPSE)]
