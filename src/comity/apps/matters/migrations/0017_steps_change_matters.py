"""No step that moves a matter stands without the matter's change: checked at the end of the transaction.

The guards of before let a matter change only where a step justifies it; a step alone, added by SQL, would have said
*agreed* for good while the matter went on as asked. The check reads as the tables' owner under a setting of its own:
whoever clears the viewer before the commit is checked none the less.
"""

from typing import ClassVar

from django.db import migrations

CHECKED = """
CREATE FUNCTION comity_step_changes(move text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN move NOT IN ('raise', 'comment', 'object', 'remind', 'late', 'warn');
CREATE POLICY matters_matter_owner_checks ON matters_matter FOR SELECT TO CURRENT_USER
    USING (current_setting('comity.step_check', true) = 'yes');

CREATE FUNCTION comity_check_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter;
BEGIN
    PERFORM set_config('comity.step_check', 'yes', true);
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id;
    PERFORM set_config('comity.step_check', '', true);
    IF m.id IS NOT NULL AND NEW.number > (CASE
            WHEN NEW.move IN ('acknowledge', 'escalate', 'bring_down', 'hand_over') THEN m.last_beside
            ELSE m.last_move END) THEN
        RAISE EXCEPTION 'comity: a step without its matter''s change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION comity_check_step() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER comity_check_step AFTER INSERT ON matters_step DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (comity_step_changes(NEW.move)) EXECUTE FUNCTION comity_check_step();

-- Nor is a second one added before the first has changed it, which the check at the end could not tell apart.
CREATE FUNCTION comity_guard_step_order() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.matters_step s JOIN public.matters_matter m ON m.id = s.matter_id
            WHERE s.matter_id = NEW.matter_id AND s.recorded_at >= transaction_timestamp()
            AND public.comity_step_changes(s.move) AND s.number > CASE
                WHEN s.move IN ('acknowledge', 'escalate', 'bring_down', 'hand_over') THEN m.last_beside
                ELSE m.last_move END) THEN
        RAISE EXCEPTION 'comity: the step before has not changed its matter' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_step_order BEFORE INSERT ON matters_step FOR EACH ROW
    EXECUTE FUNCTION comity_guard_step_order();
"""


class Migration(migrations.Migration):
    """Two triggers, and a policy for what one of them reads."""

    dependencies: ClassVar = [("matters", "0016_silence")]
    operations: ClassVar = [migrations.RunSQL(CHECKED)]
