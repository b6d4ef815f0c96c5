"""Events of before find the matters that they were about; reminders and silence are events too; no index by title.

A line of the log named its matter by the title alone. A move is found by its person, its kind and its moment, what was
read by a title that only one matter has; where several fit, the event keeps the title and no id.
"""

from typing import ClassVar

from django.db import migrations

SUBJECTS = """
ALTER TABLE audit_event NO FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_matter NO FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_step NO FORCE ROW LEVEL SECURITY;
UPDATE audit_event event SET subject_id = found.id FROM (
    SELECT e.id AS event_id, min(m.id::text)::uuid AS id FROM audit_event e
    JOIN matters_matter m ON m.relationship_id = e.relationship_id AND m.title = e.data->>'title'
    WHERE e.subject_type = 'matter' AND e.subject_id IS NULL AND (e.event = 'matter_read' OR EXISTS (
        SELECT 1 FROM matters_step s WHERE s.matter_id = m.id AND s.person_id = e.person_id
        AND abs(extract(epoch FROM s.at - e.at)) < 10 AND s.move = CASE e.event
            WHEN 'matter_raised' THEN 'raise' WHEN 'matter_accepted' THEN 'accept' WHEN 'matter_refused' THEN 'refuse'
            WHEN 'matter_withdrawn' THEN 'withdraw' WHEN 'matter_done' THEN 'done'
            WHEN 'matter_handed_over' THEN 'hand_over' END))
    GROUP BY e.id HAVING count(*) = 1) found
WHERE event.id = found.event_id;
ALTER TABLE matters_step FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_matter FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
"""

# Of nobody's steps, which functions of the owner alone can add. The matter is still as it was before the step.
NOBODYS = """
CREATE FUNCTION comity_audit_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter;
BEGIN
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id;
    PERFORM public.comity_audit_nobody(NEW.relationship_id,
        CASE NEW.move WHEN 'remind' THEN 'matter_reminded' ELSE 'matter_deemed' END, 'matter', m.id,
        jsonb_build_object('kind', m.kind, 'title', m.title,
            'side', CASE m.state WHEN 'countered' THEN m.asks ELSE m.answers END));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION comity_audit_step() FROM PUBLIC;
CREATE TRIGGER comity_audit_step AFTER INSERT ON matters_step FOR EACH ROW
    WHEN (NEW.person_id IS NULL AND NEW.move IN ('remind', 'deem')) EXECUTE FUNCTION comity_audit_step();
"""


class Migration(migrations.Migration):
    """Ids into events, a trigger, and one index fewer."""

    dependencies: ClassVar = [("matters", "0010_corrections"), ("audit", "0003_wall")]
    operations: ClassVar = [
        migrations.RunSQL([SUBJECTS, NOBODYS]),
        migrations.RemoveIndex("matter", "matter_by_title"),
    ]
