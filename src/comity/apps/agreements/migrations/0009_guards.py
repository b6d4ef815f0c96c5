"""What the application's role adds by itself is what the room adds: now, in one's own name, and the next in its row.

Without these a side could, past the room, propose a day earlier than it did, write in another's name, end a change that
is the other's to end, mark its own reason sufficient, or take the last number there is, after which nobody has one.
"""

from typing import ClassVar

from django.db import migrations

GUARDS = """
CREATE FUNCTION comity_guard_change_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE before integer; proposed public.agreements_step; revised public.agreements_step; new_one jsonb; said jsonb;
BEGIN
    IF NEW.kind IN ('agree', 'lapse') OR (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), public.comity_side(), public.comity_person()) THEN
        RETURN NEW;  -- the owner's functions add it, or the policies refuse it
    END IF;
    SELECT max(number) INTO before FROM public.agreements_step WHERE change_id = NEW.change_id;
    SELECT * INTO proposed FROM public.agreements_step WHERE change_id = NEW.change_id AND content ? 'new'
        ORDER BY number LIMIT 1;
    SELECT * INTO revised FROM public.agreements_step WHERE change_id = NEW.change_id AND content ? 'new'
        ORDER BY number DESC LIMIT 1;
    new_one := NEW.content->'new';
    said := coalesce(proposed.content->'new'->'says',
        jsonb_build_object('proposed_by', NEW.side, 'person', NEW.content->>'name'));
    IF NEW.number > coalesce(before, 0) + 1  -- one that is taken is refused as such
        OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600
        OR NEW.content->>'name' IS DISTINCT FROM (
            SELECT p.name FROM public.parties_person p WHERE p.id = NEW.person_id)
        OR EXISTS (SELECT 1 FROM public.agreements_step s WHERE s.change_id = NEW.change_id
            AND s.kind IN ('agree', 'decline', 'withdraw', 'lapse'))
        OR (new_one IS NOT NULL) <> (NEW.kind IN ('propose', 'counter', 'revise'))
        OR (new_one IS NOT NULL AND NOT coalesce(
            (new_one->>'readable_at')::timestamptz >= NEW.at
            AND (new_one->>'number')::integer = coalesce((revised.content->'new'->>'number')::integer, 0) + 1
            AND new_one->'says'->>'proposed_by' = said->>'proposed_by'
            AND new_one->'says'->>'person' = said->>'person', false))
        OR NOT coalesce(CASE NEW.kind
            WHEN 'propose' THEN proposed.id IS NULL
            WHEN 'counter' THEN revised.side <> NEW.side
            WHEN 'revise' THEN revised.side = NEW.side
            WHEN 'open' THEN revised.id IS NOT NULL
            WHEN 'waive' THEN revised.id IS NOT NULL
            WHEN 'sign' THEN revised.id IS NOT NULL
            WHEN 'decline' THEN revised.side <> NEW.side AND btrim(NEW.content->>'reason') <> ''
            WHEN 'withdraw' THEN proposed.side = NEW.side
        END, false) THEN
        RAISE EXCEPTION 'comity: this step of the change is not the viewer''s to take now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_change_step BEFORE INSERT ON agreements_step
    FOR EACH ROW EXECUTE FUNCTION comity_guard_change_step();

CREATE FUNCTION comity_guard_draft() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.number > coalesce((SELECT max(d.number) FROM public.agreements_draft d
            WHERE d.change_id = NEW.change_id AND d.track = NEW.track), 0) + 1
        OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600 THEN
        RAISE EXCEPTION 'comity: this is not the next save of the draft' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_draft BEFORE INSERT ON agreements_draft
    FOR EACH ROW EXECUTE FUNCTION comity_guard_draft();

-- What the book held before the room did is no reason for a gap in which no number is left.
CREATE OR REPLACE FUNCTION comity_number_change(draft uuid, beyond integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); given integer;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    SELECT coalesce(max(number), 0) INTO given FROM public.agreements_change WHERE relationship_id = here;
    IF beyond > given + 10000 THEN
        RAISE EXCEPTION 'comity: no change has a number near this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    given := greatest(given, beyond) + 1;
    UPDATE public.agreements_change SET number = given WHERE id = draft AND relationship_id = here
        AND number IS NULL AND (side = public.comity_side() OR (shared AND public.comity_side() IS NOT NULL));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'comity: this is no draft of yours' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN given;
END $$;

-- The moment of an agreement is that of the signature from which it follows.
CREATE OR REPLACE FUNCTION comity_agree_change(asked uuid, step uuid, step_number integer, moment timestamptz,
    said jsonb) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); entry integer; signed public.agreements_step;
BEGIN
    SELECT e.number INTO entry FROM public.record_entry e JOIN public.agreements_change c
        ON c.id = asked AND c.relationship_id = here AND c.place IS NULL
        WHERE e.relationship_id = here AND e.subject_type = 'agreement' AND e.subject = c.number::text;
    SELECT * INTO signed FROM public.agreements_step WHERE change_id = asked AND relationship_id = here
        ORDER BY number DESC LIMIT 1;
    IF entry IS NULL OR signed.kind IS DISTINCT FROM 'sign' OR step_number <> signed.number + 1
        OR moment < clock_timestamp() - interval '10 minutes'
        OR (said->>'revision', said->>'digest')
            IS DISTINCT FROM (signed.content->>'revision', signed.content->>'digest') THEN
        RAISE EXCEPTION 'comity: both sides have not signed this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.agreements_change SET place = entry WHERE id = asked AND relationship_id = here;
    INSERT INTO public.agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content)
        VALUES (step, asked, here, step_number, 'agree', '', NULL, moment, said);
    RETURN entry;
END $$;

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY agreements_reasonmark_guard ON agreements_reasonmark AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            abs(extract(epoch FROM at - clock_timestamp())) <= 600
            AND side <> comity_change_says(change_id)->>'proposed_by');
        CREATE POLICY agreements_takenout_now ON agreements_takenout AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            abs(extract(epoch FROM at - clock_timestamp())) <= 600);
        CREATE POLICY agreements_signedfile_now ON agreements_signedfile AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            abs(extract(epoch FROM at - clock_timestamp())) <= 600);
    $policy$, app, app, app);
END $do$;
"""
NO_GUARDS = """
DROP POLICY agreements_signedfile_now ON agreements_signedfile;
DROP POLICY agreements_takenout_now ON agreements_takenout;
DROP POLICY agreements_reasonmark_guard ON agreements_reasonmark;
CREATE OR REPLACE FUNCTION comity_number_change(draft uuid, beyond integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); given integer;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    SELECT greatest(coalesce(max(number), 0), beyond) + 1 INTO given FROM public.agreements_change
        WHERE relationship_id = here;
    UPDATE public.agreements_change SET number = given WHERE id = draft AND relationship_id = here
        AND number IS NULL AND (side = public.comity_side() OR (shared AND public.comity_side() IS NOT NULL));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'comity: this is no draft of yours' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN given;
END $$;
CREATE OR REPLACE FUNCTION comity_agree_change(asked uuid, step uuid, step_number integer, moment timestamptz,
    said jsonb) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); entry integer;
BEGIN
    SELECT e.number INTO entry FROM public.record_entry e JOIN public.agreements_change c
        ON c.id = asked AND c.relationship_id = here AND c.place IS NULL
        WHERE e.relationship_id = here AND e.subject_type = 'agreement' AND e.subject = c.number::text;
    IF entry IS NULL THEN
        RAISE EXCEPTION 'comity: both sides have not signed this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.agreements_change SET place = entry WHERE id = asked AND relationship_id = here;
    INSERT INTO public.agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content)
        VALUES (step, asked, here, step_number, 'agree', '', NULL, moment, said);
    RETURN entry;
END $$;
DROP TRIGGER comity_guard_draft ON agreements_draft;
DROP FUNCTION comity_guard_draft();
DROP TRIGGER comity_guard_change_step ON agreements_step;
DROP FUNCTION comity_guard_change_step();
"""


class Migration(migrations.Migration):
    """Two triggers, three policies, and two functions of the owner."""

    dependencies: ClassVar = [("agreements", "0008_signed_elsewhere")]
    operations: ClassVar = [migrations.RunSQL(GUARDS, NO_GUARDS)]
