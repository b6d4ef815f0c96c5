"""The database itself refuses a move in a matter that the viewer's side may not make, whatever a request asks for.

The app's role adds steps of its own viewer alone; a matter changes only as a step of the viewer's side justifies; and
what is nobody's move, a reminder and acceptance by silence, is written by functions of the owner that check what makes
them so. The functions run as the owner, whom the policies hold too: they see and change what the viewer may.
"""

from typing import ClassVar

from django.db import migrations

# People of a side of the viewer's relationship with one of some roles now, of themselves or for somebody whose deputy
# they are. What `rights.may_now` says, for the functions below and those of the reviews.
ABLE = """
CREATE FUNCTION comity_able(of_side text, roles text[]) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT m.person_id FROM public.parties_membership m
    JOIN public.parties_person p ON p.id = m.person_id AND p.is_active
    LEFT JOIN public.parties_membership o ON o.id = m.stands_in_for_id AND o.left_at IS NULL
        AND m.stands_in_until >= (now() AT TIME ZONE 'UTC')::date
    WHERE m.relationship_id = public.comity_relationship() AND m.side = of_side AND m.left_at IS NULL
        AND (m.role = ANY (roles) OR o.role = ANY (roles)) $$;
"""

# The earliest moment at which a reply may be due: N working days are never shorter than N - 1 days of the calendar.
EARLIEST = """
CREATE FUNCTION comity_earliest_due(since timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT since + (reply_days - 1) * interval '1 day' FROM public.parties_relationship
    WHERE id = public.comity_relationship() $$;
"""

STEP = """
CREATE FUNCTION comity_guard_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; mine text := public.comity_side(); waits text; last integer;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), mine, public.comity_person()) OR NEW.move IN ('remind', 'deem') THEN
        RETURN NEW;  -- the policies refuse it
    END IF;
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id AND relationship_id = NEW.relationship_id;
    waits := CASE m.state WHEN 'asked' THEN m.answers WHEN 'countered' THEN m.asks END;
    SELECT coalesce(max(number), 0) INTO last FROM public.matters_step WHERE matter_id = NEW.matter_id;
    IF m.id IS NULL OR NEW.number <> last + 1 OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600
        OR (NEW.answers_to_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.matters_step s
            WHERE s.id = NEW.answers_to_id AND s.matter_id = NEW.matter_id AND s.number < NEW.number))
        OR NOT coalesce(CASE NEW.move
            WHEN 'raise' THEN last = 0 AND mine = m.asks
            WHEN 'accept' THEN mine = waits
            WHEN 'refuse' THEN mine = waits
            WHEN 'counter' THEN mine = waits
            WHEN 'withdraw' THEN mine = m.asks AND waits IS NOT NULL
            WHEN 'done' THEN mine IS NOT NULL AND m.kind = 'action' AND m.state IN ('accepted', 'deemed')
            WHEN 'hand_over' THEN mine IS NOT NULL AND m.kind = 'action' AND m.state IN ('accepted', 'deemed')
            WHEN 'comment' THEN true
        END, false) THEN
        RAISE EXCEPTION 'comity: this step is not the viewer''s to make now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.ran_out := coalesce(m.reply_by < clock_timestamp(), false);
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_step BEFORE INSERT ON matters_step FOR EACH ROW EXECUTE FUNCTION comity_guard_step();
"""

# Only the app's role is held by it: the owner's functions write what is nobody's move.
STEP_POLICY = """
DO $do$ BEGIN EXECUTE format($policy$
    CREATE POLICY matters_step_of_the_viewer ON matters_step AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
        move NOT IN ('remind', 'deem') AND person_id = (SELECT comity_person())
        AND side IS NOT DISTINCT FROM (SELECT comity_side()))
$policy$, current_setting('comity.app_role')); END $do$;
"""

MATTER = """
CREATE FUNCTION comity_guard_matter() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE mine text := public.comity_side(); waits text; does text; due timestamptz := public.comity_earliest_due(now());
    same_terms boolean; same_owner boolean; same_clock boolean; allowed boolean := false;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.relationship_id IS DISTINCT FROM public.comity_relationship() THEN
            RETURN NEW;  -- the policies refuse it
        END IF;
        IF coalesce(NEW.asks = mine AND NEW.answers <> mine AND NEW.state = 'asked' AND NEW.reminded_at IS NULL
            AND NEW.reminded_to = '[]' AND NEW.last_move = 0 AND NEW.reply_by >= due
            AND abs(extract(epoch FROM NEW.raised_at - clock_timestamp())) <= 600, false) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'comity: a matter is raised by the viewer''s side, now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.id, NEW.relationship_id, NEW.kind, NEW.began, NEW.asks, NEW.answers, NEW.title, NEW.kpi, NEW.period,
            NEW.event, NEW.raised_at, NEW.late)
        IS DISTINCT FROM (OLD.id, OLD.relationship_id, OLD.kind, OLD.began, OLD.asks, OLD.answers, OLD.title, OLD.kpi,
            OLD.period, OLD.event, OLD.raised_at, OLD.late) THEN
        RAISE EXCEPTION 'comity: what a matter is about does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    same_terms := (NEW.queue, NEW.from_day, NEW.to_day, NEW.asked_for)
        IS NOT DISTINCT FROM (OLD.queue, OLD.from_day, OLD.to_day, OLD.asked_for);
    same_owner := (NEW.owner_id, NEW.due_on) IS NOT DISTINCT FROM (OLD.owner_id, OLD.due_on);
    same_clock := (NEW.reminded_at, NEW.reminded_to) IS NOT DISTINCT FROM (OLD.reminded_at, OLD.reminded_to);
    IF same_terms AND same_owner AND same_clock AND (NEW.state, NEW.reply_by, NEW.last_move)
        IS NOT DISTINCT FROM (OLD.state, OLD.reply_by, OLD.last_move) THEN
        RETURN NEW;
    END IF;
    waits := CASE OLD.state WHEN 'asked' THEN OLD.answers WHEN 'countered' THEN OLD.asks END;
    -- The step that justifies it: the last one, of the viewer's side, and not used before.
    SELECT s.move INTO does FROM public.matters_step s WHERE s.matter_id = OLD.id AND s.number = NEW.last_move
        AND s.side = mine AND NEW.last_move > OLD.last_move
        AND NOT EXISTS (SELECT 1 FROM public.matters_step l WHERE l.matter_id = OLD.id AND l.number > s.number);
    allowed := CASE does
        WHEN 'accept' THEN mine = waits AND NEW.state = 'accepted' AND NEW.reply_by IS NULL
            AND same_terms AND same_owner AND same_clock
        WHEN 'refuse' THEN mine = waits AND NEW.state = 'refused' AND NEW.reply_by IS NULL
            AND same_terms AND same_owner AND same_clock
        WHEN 'withdraw' THEN mine = OLD.asks AND waits IS NOT NULL AND NEW.state = 'withdrawn'
            AND NEW.reply_by IS NULL AND same_terms AND same_owner AND same_clock
        WHEN 'counter' THEN mine = waits AND NEW.reply_by >= due
            AND NEW.state = CASE OLD.state WHEN 'asked' THEN 'countered' ELSE 'asked' END
            AND NEW.reminded_at IS NULL AND NEW.reminded_to = '[]'
            AND (same_terms OR OLD.kind = 'claim') AND (same_owner OR OLD.kind = 'action')
            AND (NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id OR EXISTS (SELECT 1 FROM public.parties_membership p
                WHERE p.id = NEW.owner_id AND p.relationship_id = OLD.relationship_id AND p.left_at IS NULL))
        WHEN 'done' THEN mine IS NOT NULL AND OLD.kind = 'action' AND OLD.state IN ('accepted', 'deemed')
            AND NEW.state = 'done' AND NEW.reply_by IS NULL AND same_terms AND same_owner AND same_clock
        WHEN 'hand_over' THEN OLD.kind = 'action' AND OLD.state IN ('accepted', 'deemed') AND NEW.state = OLD.state
            AND NEW.reply_by IS NOT DISTINCT FROM OLD.reply_by AND same_terms AND same_clock
            AND NEW.due_on IS NOT DISTINCT FROM OLD.due_on
            AND (OLD.owner_id IS NULL OR EXISTS (SELECT 1 FROM public.parties_membership p
                WHERE p.id = OLD.owner_id AND p.side = mine))
            AND EXISTS (SELECT 1 FROM public.parties_membership p WHERE p.id = NEW.owner_id AND p.side = mine
                AND p.relationship_id = OLD.relationship_id AND p.left_at IS NULL)
    END;
    IF NOT coalesce(allowed, false) THEN
        RAISE EXCEPTION 'comity: no step of the viewer''s side justifies this change of a matter'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_matter BEFORE INSERT OR UPDATE ON matters_matter
    FOR EACH ROW EXECUTE FUNCTION comity_guard_matter();
"""

# A reminder counts when it went to somebody who may answer; where all of those have left, others may be reminded anew.
REMIND = """
CREATE FUNCTION comity_remind_matter(asked uuid, told uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; able uuid[]; next integer; other uuid;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    able := ARRAY(SELECT public.comity_able(CASE m.state WHEN 'asked' THEN m.answers WHEN 'countered' THEN m.asks END,
        '{lead,analyst}'));
    IF m.id IS NULL OR coalesce(cardinality(told), 0) = 0 OR NOT told <@ able
        OR (m.reminded_at IS NOT NULL AND m.reminded_to ?| able::text[]) THEN
        RAISE EXCEPTION 'comity: this reminder does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT coalesce(max(number), 0) + 1 INTO next FROM public.matters_step WHERE matter_id = m.id;
    SELECT id INTO other FROM public.matters_step WHERE matter_id = m.id AND side IS NOT NULL
        ORDER BY number DESC LIMIT 1;
    INSERT INTO public.matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text,
            answers_to_id, ran_out, terms)
        VALUES (gen_random_uuid(), m.relationship_id, m.id, next, clock_timestamp(), NULL, NULL, 'remind', '', other,
            false, '{}');
    UPDATE public.matters_matter SET reminded_at = clock_timestamp(), reminded_to = to_jsonb(told) WHERE id = m.id;
END $$;
"""

# Silence: the clock has run out, somebody who may answer was reminded at least a day before, and is still there.
DEEM = """
CREATE FUNCTION comity_deem_matter(asked uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; able uuid[]; next integer; other uuid;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    able := ARRAY(SELECT public.comity_able(CASE m.state WHEN 'asked' THEN m.answers WHEN 'countered' THEN m.asks END,
        '{lead,analyst}'));
    IF m.id IS NULL OR NOT coalesce(m.reply_by < clock_timestamp()
        AND m.reminded_at <= clock_timestamp() - interval '1 day' AND m.reminded_to ?| able::text[], false) THEN
        RAISE EXCEPTION 'comity: silence does not count here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT coalesce(max(number), 0) + 1 INTO next FROM public.matters_step WHERE matter_id = m.id;
    SELECT id INTO other FROM public.matters_step WHERE matter_id = m.id AND side IS NOT NULL
        ORDER BY number DESC LIMIT 1;
    INSERT INTO public.matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text,
            answers_to_id, ran_out, terms)
        VALUES (gen_random_uuid(), m.relationship_id, m.id, next, clock_timestamp(), NULL, NULL, 'deem', '', other,
            true, '{}');
    UPDATE public.matters_matter SET state = 'deemed', reply_by = NULL, last_move = next WHERE id = m.id;
END $$;
"""


class Migration(migrations.Migration):
    """Two triggers, a policy, and the owner's functions."""

    dependencies: ClassVar = [("matters", "0008_justified"), ("parties", "0010_standing")]
    operations: ClassVar = [
        migrations.RunSQL(ABLE, "DROP FUNCTION comity_able(text, text[])"),
        migrations.RunSQL(EARLIEST, "DROP FUNCTION comity_earliest_due(timestamptz)"),
        migrations.RunSQL(STEP, "DROP TRIGGER comity_guard_step ON matters_step; DROP FUNCTION comity_guard_step()"),
        migrations.RunSQL(STEP_POLICY, "DROP POLICY matters_step_of_the_viewer ON matters_step"),
        migrations.RunSQL(
            MATTER, "DROP TRIGGER comity_guard_matter ON matters_matter; DROP FUNCTION comity_guard_matter()"
        ),
        migrations.RunSQL(REMIND, "DROP FUNCTION comity_remind_matter(uuid, uuid[])"),
        migrations.RunSQL(DEEM, "DROP FUNCTION comity_deem_matter(uuid)"),
    ]
