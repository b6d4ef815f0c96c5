"""Silence accepts a matter where a clause of kind `clock` that both signed says so, after a notice to the silent side.

Every condition under "Silence" of the matters' specification is checked here, in functions of the owner: the room's own
code cannot forget one, and no side can call them for a matter to which they do not apply. What they cannot check is
whether a mail was really handed over; whether the mailbox was read they ask where it is there (`comity_mail_heard`).

What both sides agreed is read from the record, and not folded as the room folds it: an agreement counts only where the
last change that says something of silence allows it, held when the matter was raised and holds now, and nothing that
was agreed later, or begins to hold meanwhile, takes it back. Where this is stricter than the text, nothing is deemed.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

WALL = """
ALTER TABLE matters_silencenotice ENABLE ROW LEVEL SECURITY;
ALTER TABLE matters_silencenotice FORCE ROW LEVEL SECURITY;
CREATE POLICY matters_silencenotice_reads ON matters_silencenotice FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
-- A mail that came back is nobody's viewing: the function that notes it says so for a moment.
CREATE POLICY matters_silencenotice_owner ON matters_silencenotice TO CURRENT_USER
    USING (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes')
    WITH CHECK (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes');
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT ON matters_silencenotice TO %I', current_setting('comity.app_role'));
END $do$;
"""

# How many working days after the notice silence accepts a kind of matter; NULL where both have not said so.
AGREED = """
CREATE FUNCTION comity_silence_days(asked_kind text, since timestamptz) RETURNS integer LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE one record; days integer; place integer := 0; holds boolean; from_day date; seen integer;
    raised_on date := (since AT TIME ZONE 'Etc/GMT+12')::date; today date := (now() AT TIME ZONE 'Etc/GMT-14')::date;
BEGIN
    FOR one IN
        WITH edits AS (
            SELECT e.number, e.at, e.content->'content'->'change'->'span' AS span, x.edit
            FROM public.record_entry e
            CROSS JOIN LATERAL jsonb_array_elements(e.content->'content'->'change'->'edits') x(edit)
            WHERE e.relationship_id = public.comity_relationship() AND e.subject_type = 'agreement'),
        clocks AS (SELECT DISTINCT edit->>'add' AS clause FROM edits WHERE edit->>'kind' = 'clock')
        SELECT number, at, span, CASE WHEN edit ? 'add' THEN edit->'fields'->'silence' ELSE edit->'value' END AS says
        FROM edits WHERE (edit ? 'add' AND edit->>'kind' = 'clock')
            OR (edit ? 'set' AND edit->>'field' = 'silence')
            OR (edit ? 'remove' AND edit->>'remove' IN (SELECT clause FROM clocks))
        ORDER BY number
    LOOP
        SELECT (item->>'days')::integer INTO seen FROM jsonb_array_elements(
            CASE jsonb_typeof(one.says) WHEN 'array' THEN one.says ELSE '[]' END) item
            WHERE item->>'matter' = asked_kind;
        holds := seen IS NOT NULL AND coalesce(one.span->>'condition', '') = '';
        IF one.at <= since AND (one.span->>'first_day')::date <= raised_on
                AND (nullif(one.span->>'end', '') IS NULL OR (one.span->>'end')::date > today) THEN
            -- The last word on it that held when the matter was raised, and still does.
            IF place <> one.number THEN days := NULL; from_day := NULL; END IF;
            days := CASE WHEN holds AND (from_day IS NULL OR days IS NOT NULL) THEN greatest(days, seen) END;
            place := one.number;
            from_day := (one.span->>'first_day')::date;
        ELSIF (one.span->>'first_day')::date <= today AND NOT holds THEN
            RETURN NULL;  -- taken back since, or for some days meanwhile
        END IF;
    END LOOP;
    RETURN CASE WHEN days >= 10 THEN days END;
END $$;
-- Never: a definition, a price, an amount, what is only answered, rows of the other side; nor work without a day.
CREATE FUNCTION comity_may_be_deemed(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT m.kind IN ('need', 'problem', 'request', 'failure', 'complaint', 'dispute', 'claim', 'action')
        AND m.state = 'asked' AND m.price = '' AND (m.kind <> 'dispute' OR m.value IS NOT NULL)
        AND (m.due_on IS NOT NULL OR NOT public.comity_promise(m)) $$;
REVOKE EXECUTE ON FUNCTION comity_may_be_deemed(matters_matter) FROM PUBLIC;
"""

NOBODYS = """
CREATE FUNCTION comity_clock_times() RETURNS TABLE (ran_at timestamptz, ran_before timestamptz) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT nullif(c.ran_at, '-infinity'), nullif(c.ran_before, '-infinity') FROM public.replies_clock c $$;

CREATE FUNCTION comity_add_nobodys(m matters_matter, does text, late boolean, said jsonb) RETURNS integer
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE place integer; other uuid;
BEGIN
    SELECT coalesce(max(number), 0) + 1 INTO place FROM public.matters_step WHERE matter_id = m.id;
    SELECT id INTO other FROM public.matters_step WHERE matter_id = m.id AND side IS NOT NULL
        ORDER BY number DESC LIMIT 1;
    INSERT INTO public.matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text,
            answers_to_id, link, ran_out, terms, due_at, level, stood)
        VALUES (gen_random_uuid(), m.relationship_id, m.id, place, clock_timestamp(), NULL, NULL, does, '', other,
            'structure', late, said, m.reply_by, m.level, public.comity_stand(m));
    RETURN place;
END $$;
REVOKE EXECUTE ON FUNCTION comity_add_nobodys(matters_matter, text, boolean, jsonb) FROM PUBLIC;

-- The notice: after the reply was due; to two people at least who may answer, a lead among them, each mail taken now;
-- and at least as many working days before the day that it names as were agreed, which are never fewer than days.
CREATE FUNCTION comity_warn_matter(asked uuid, end_of_day timestamptz, told jsonb) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; able uuid[]; people uuid[]; said jsonb; made uuid := gen_random_uuid(); days integer;
    place integer;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    days := public.comity_silence_days(m.kind, m.raised_at);
    able := ARRAY(SELECT public.comity_able(public.comity_turn(m), '{lead,analyst}'));
    people := ARRAY(SELECT DISTINCT (one->>'person')::uuid FROM jsonb_array_elements(told) one);
    SELECT jsonb_agg(jsonb_build_object('person', p.person_id, 'role', p.role, 'taken_at', one->>'taken_at'))
        INTO said FROM jsonb_array_elements(told) one JOIN public.parties_membership p
        ON p.person_id = (one->>'person')::uuid AND p.relationship_id = m.relationship_id AND p.left_at IS NULL;
    IF NOT coalesce(public.comity_may_be_deemed(m) AND m.reply_by < now()
        AND end_of_day >= now() + days * interval '1 day' AND cardinality(people) >= 2 AND people <@ able
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(said) one WHERE one->>'role' = 'lead')
        AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(said) one WHERE NOT coalesce(
            (one->>'taken_at')::timestamptz BETWEEN now() - interval '1 hour' AND clock_timestamp(), false))
        AND NOT EXISTS (SELECT 1 FROM public.matters_silencenotice n WHERE n.matter_id = m.id
            AND n.number > greatest(m.last_move, 1) AND 2 <= (SELECT count(*) FROM jsonb_array_elements(n.told) one
                WHERE (one->>'person')::uuid = ANY (able) AND one->>'bounced_at' IS NULL)), false) THEN
        RAISE EXCEPTION 'comity: this notice does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    place := public.comity_add_nobodys(m, 'warn', true, '{}');
    INSERT INTO public.matters_silencenotice (id, relationship_id, matter_id, number, side, at, due_at, until, told)
        VALUES (made, m.relationship_id, m.id, place, public.comity_turn(m), now(), m.reply_by, end_of_day, said);
    RETURN made;
END $$;

-- Silence: the notice of what still lies on the table is over; of its mails two at least, a lead's among them, were
-- taken within a third of the days up to that day and did not come back; those people still may answer; the mailbox
-- was read on that day; and the clock ran within the hour before, so that nothing is deemed right after an outage.
CREATE FUNCTION comity_deem_matter(asked uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; n public.matters_silencenotice; able uuid[]; counted uuid[]; place integer;
    heard boolean := true; promised boolean; days integer;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    SELECT * INTO n FROM public.matters_silencenotice WHERE matter_id = m.id ORDER BY number DESC LIMIT 1;
    days := public.comity_silence_days(m.kind, m.raised_at);
    able := ARRAY(SELECT public.comity_able(public.comity_turn(m), '{lead,analyst}'));
    counted := ARRAY(SELECT (one->>'person')::uuid FROM jsonb_array_elements(n.told) one
        WHERE one->>'bounced_at' IS NULL AND (one->>'person')::uuid = ANY (able)
        AND (one->>'taken_at')::timestamptz <= n.at + (n.until - n.at) / 3);
    IF to_regprocedure('public.comity_mail_heard(timestamp with time zone)') IS NOT NULL THEN
        EXECUTE 'SELECT public.comity_mail_heard($1)' INTO heard USING n.until;
    END IF;
    IF NOT coalesce(public.comity_may_be_deemed(m) AND n.side = public.comity_turn(m)
        AND n.number > greatest(m.last_move, 1) AND n.due_at = m.reply_by AND n.due_at < n.at AND n.until <= now()
        AND n.until >= n.at + days * interval '1 day' AND cardinality(counted) >= 2
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(n.told) one WHERE one->>'role' = 'lead'
            AND (one->>'person')::uuid = ANY (counted))
        AND heard
        AND EXISTS (SELECT 1 FROM public.replies_clock WHERE ran_at > now() - interval '1 hour'
            AND ran_before > now() - interval '1 hour'), false) THEN
        RAISE EXCEPTION 'comity: silence does not count here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    promised := public.comity_promise(m);
    place := public.comity_add_nobodys(m, 'deem', true,
        CASE WHEN m.kind = 'dispute' THEN '{"follows": "value"}'::jsonb
            WHEN promised THEN jsonb_build_object('due_on', m.due_on) ELSE '{}' END);
    UPDATE public.matters_matter SET state = 'deemed', last_move = place, reply_by = NULL, acknowledged = false,
        follows = CASE WHEN m.kind = 'dispute' THEN 'value' ELSE follows END,
        promise = promised, debtor = CASE WHEN promised THEN public.comity_debtor(m) ELSE '' END,
        first_due_on = CASE WHEN promised THEN m.due_on END, moved = 0,
        closed_at = CASE WHEN promised THEN NULL ELSE clock_timestamp() END WHERE id = m.id;
END $$;

-- A mail that came back: whoever got it counts as not told, of a period and of a matter.
CREATE OR REPLACE FUNCTION comity_note_bounce(address text) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE changed integer; also integer;
BEGIN
    PERFORM set_config('comity.bounce', 'yes', true);
    WITH who AS (SELECT id FROM public.parties_person WHERE lower(email) = lower(address))
    UPDATE public.replies_notice n SET told = (SELECT jsonb_agg(
            CASE WHEN (one->>'person')::uuid IN (SELECT id FROM who) AND one->>'bounced_at' IS NULL
            THEN one || jsonb_build_object('bounced_at', public.comity_moment(now())) ELSE one END)
            FROM jsonb_array_elements(n.told) one)
        WHERE n.until > now() AND EXISTS (SELECT 1 FROM who WHERE n.told @> jsonb_build_array(
            jsonb_build_object('person', who.id)));
    GET DIAGNOSTICS changed = ROW_COUNT;
    WITH who AS (SELECT id FROM public.parties_person WHERE lower(email) = lower(address))
    UPDATE public.matters_silencenotice n SET told = (SELECT jsonb_agg(
            CASE WHEN (one->>'person')::uuid IN (SELECT id FROM who) AND one->>'bounced_at' IS NULL
            THEN one || jsonb_build_object('bounced_at', public.comity_moment(now())) ELSE one END)
            FROM jsonb_array_elements(n.told) one)
        WHERE n.until > now() AND EXISTS (SELECT 1 FROM who WHERE n.told @> jsonb_build_array(
            jsonb_build_object('person', who.id)));
    GET DIAGNOSTICS also = ROW_COUNT;
    PERFORM set_config('comity.bounce', '', true);
    RETURN changed + also;
END $$;

CREATE OR REPLACE FUNCTION comity_audit_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter;
BEGIN
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id;
    PERFORM public.comity_audit_nobody(NEW.relationship_id,
        CASE NEW.move WHEN 'remind' THEN 'matter_reminded' WHEN 'late' THEN 'matter_late'
            WHEN 'warn' THEN 'matter_warned' WHEN 'break' THEN 'matter_lapsed' ELSE 'matter_deemed' END, 'matter', m.id,
        jsonb_build_object('kind', m.kind, 'title', m.title, 'side', coalesce(public.comity_turn(m), m.answers)));
    RETURN NULL;
END $$;
DROP TRIGGER comity_audit_step ON matters_step;
CREATE TRIGGER comity_audit_step AFTER INSERT ON matters_step FOR EACH ROW
    WHEN (NEW.person_id IS NULL AND NEW.move IN ('remind', 'late', 'warn', 'deem', 'break'))
    EXECUTE FUNCTION comity_audit_step();
"""


class Migration(migrations.Migration):
    """A table of notices, what both agreed on silence, and the owner's functions."""

    dependencies: ClassVar = [("matters", "0015_ledger"), ("replies", "0001_initial"), ("record", "0001_initial")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SilenceNotice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("told", models.JSONField()),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="matters.matter"
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
            options={"ordering": ["number"]},
        ),
        migrations.RunSQL([WALL, AGREED, NOBODYS]),
    ]
