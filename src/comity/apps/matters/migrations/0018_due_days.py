"""The log says that owed work is due soon and due today, and that an accepted dispute was not carried out in time.

Each once for each day by which it is owed, and only by a function of the owner, since it is nobody's doing; the mails
follow from these lines. A dispute that lapses lets its period be confirmed with both values: no step is added, as what
it is follows from its day.
"""

from typing import ClassVar

from django.db import migrations

DUE = """
CREATE FUNCTION comity_audit_due(asked uuid, said text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; line jsonb; latest date := (now() AT TIME ZONE 'Etc/GMT-14')::date; kind_of text;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    IF m.id IS NULL OR m.due_on IS NULL OR NOT coalesce(CASE said
            WHEN 'soon' THEN m.promise AND m.state IN ('agreed', 'deemed') AND m.due_on - 3 <= latest
            WHEN 'today' THEN m.promise AND m.state IN ('agreed', 'deemed') AND m.due_on <= latest
            WHEN 'undone' THEN m.kind = 'dispute' AND m.follows IN ('records', 'formula')
                AND m.state IN ('agreed', 'deemed', 'done') AND m.due_on < latest
            ELSE false END, false) THEN
        RAISE EXCEPTION 'comity: nothing is due here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    kind_of := CASE said WHEN 'undone' THEN 'matter_undone' ELSE 'matter_due' END;
    line := jsonb_build_object('kind', m.kind, 'title', m.title, 'side', coalesce(nullif(m.debtor, ''), m.answers),
        'due', m.due_on, 'days', said);
    IF EXISTS (SELECT 1 FROM public.audit_event WHERE relationship_id = m.relationship_id AND subject_id = m.id
        AND event = kind_of AND data ->> 'due' = line ->> 'due' AND data ->> 'days' = said) THEN RETURN false; END IF;
    PERFORM public.comity_audit_nobody(m.relationship_id, kind_of, 'matter', m.id, line);
    RETURN true;
END $$;
CREATE INDEX audit_due_days ON audit_event (subject_id) WHERE event IN ('matter_due', 'matter_undone');
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_due ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event NOT IN ('matter_due', 'matter_undone', 'matter_late', 'matter_warned', 'matter_lapsed'))
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A function, its index, and a policy."""

    dependencies: ClassVar = [("matters", "0017_steps_change_matters"), ("audit", "0006_renewed_invitations")]
    operations: ClassVar = [migrations.RunSQL(DUE)]
