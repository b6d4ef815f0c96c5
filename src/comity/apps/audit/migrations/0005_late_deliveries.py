"""A delivery that did not come is in the log: once, and only by a function of the owner, since it is nobody's doing.

Of a table that a side keeps to itself only that side reads it. Whether the delivery is late is worked out from the
book, which the database does not see; what it checks is that the day is over and that the line is not there yet.
"""

from typing import ClassVar

from django.db import migrations

LATE = """
CREATE FUNCTION comity_audit_late(table_name text, owing text, due_on date, for_both boolean) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); made uuid := gen_random_uuid();
    line jsonb := jsonb_build_object('table', table_name, 'side', owing, 'due', due_on);
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    IF NOT FOUND OR owing NOT IN ('customer', 'provider') OR due_on >= (now() AT TIME ZONE 'Etc/GMT-14')::date
        OR NOT (for_both OR owing IS NOT DISTINCT FROM public.comity_side()) THEN
        RAISE EXCEPTION 'comity: no delivery is late here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT 1 FROM public.audit_event
        WHERE relationship_id = here AND event = 'delivery_late' AND data = line) THEN RETURN NULL; END IF;
    INSERT INTO public.audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data,
            shared) VALUES (made, here, clock_timestamp(), NULL, CASE WHEN for_both THEN NULL ELSE owing END,
            'delivery_late', 'book', NULL, line, for_both);
    RETURN made;
END $$;
CREATE INDEX audit_late_deliveries ON audit_event (relationship_id) WHERE event = 'delivery_late';
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_late ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'delivery_late')
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A function, its index, and a policy."""

    dependencies: ClassVar = [("audit", "0004_periods"), ("parties", "0016_one_organisation")]
    operations: ClassVar = [migrations.RunSQL(LATE)]
