"""A round begins now and ends within sixty days, and no side ends it before its last day is over everywhere.

The first version asked whether that day was over where days begin: in Madrid at noon of the last day itself, so that a
side could erase a round in which the other still had half a day to seal.
"""

from typing import ClassVar

from django.db import migrations

END = """
CREATE OR REPLACE FUNCTION comity_end_priorities(asked uuid, how text) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); mine text := public.comity_side(); made uuid := gen_random_uuid();
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    UPDATE public.priorities_round r SET ended_at = now(), outcome = how
        WHERE r.id = asked AND r.relationship_id = here AND r.ended_at IS NULL AND (
            (how = 'withdrawn' AND r.side = mine AND public.comity_person() IN (
                SELECT public.comity_able(mine, '{{lead}}')))
            OR (how = 'expired' AND r.closes_on < (now() AT TIME ZONE '{zone}')::date));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'comity: no round that can be ended so' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM public.priorities_ranking WHERE round_id = asked AND relationship_id = here;
    IF how = 'withdrawn' THEN RETURN NULL; END IF;
    INSERT INTO public.audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data,
            shared) VALUES (made, here, clock_timestamp(), NULL, NULL, 'priorities_expired', 'agreement', NULL, '{{}}',
            true);
    RETURN made;
END $$;
"""
ROUNDS = """
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY priorities_round_soon ON priorities_round AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            abs(extract(epoch FROM started_at - clock_timestamp())) <= 600
            AND closes_on <= (clock_timestamp() AT TIME ZONE 'Etc/GMT-14')::date + 60)
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A function of the owner, and a policy."""

    dependencies: ClassVar = [("priorities", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(END.format(zone="Etc/GMT+12"), END.format(zone="Etc/GMT-14")),
        migrations.RunSQL(ROUNDS, "DROP POLICY priorities_round_soon ON priorities_round"),
    ]
