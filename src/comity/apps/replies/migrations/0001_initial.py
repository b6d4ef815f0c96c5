"""Calendars, silence and its notices; silence no longer accepts a matter, and a period only where both agreed to it.

Every condition under "Silence" of the matters' specification is checked here, in functions of the owner: the room's
own code cannot forget one. What they cannot check is whether a mail was really handed over.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES ('calendar', 'calendar', true, '{lead}');

ALTER TABLE replies_silenceterm ENABLE ROW LEVEL SECURITY;
ALTER TABLE replies_silenceterm FORCE ROW LEVEL SECURITY;
CREATE POLICY replies_silenceterm_reads ON replies_silenceterm FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY replies_silenceterm_owner_adds ON replies_silenceterm FOR INSERT TO CURRENT_USER
    WITH CHECK (relationship_id = (SELECT comity_relationship()));
ALTER TABLE replies_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE replies_notice FORCE ROW LEVEL SECURITY;
CREATE POLICY replies_notice_reads ON replies_notice FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
-- A mail that came back is nobody's viewing: the function that notes it says so for a moment.
CREATE POLICY replies_notice_owner ON replies_notice TO CURRENT_USER
    USING (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes')
    WITH CHECK (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes');
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT ON replies_silenceterm, replies_notice TO %I', app);
END $do$;

-- When the room's clock last ran, and when before that: after an outage reminders go first.
CREATE TABLE replies_clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    ran_at timestamptz NOT NULL,
    ran_before timestamptz NOT NULL
);
INSERT INTO replies_clock (ran_at, ran_before) VALUES ('-infinity', '-infinity');
CREATE FUNCTION comity_clock_ran() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.replies_clock SET ran_before = ran_at, ran_at = now() WHERE ran_at < now() - interval '1 minute' $$;

DROP FUNCTION comity_deem_matter(uuid);
"""

SILENCE = """
CREATE FUNCTION comity_set_silence(says boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE speaker jsonb := public.comity_speaker('{lead}');
BEGIN
    INSERT INTO public.replies_silenceterm (id, relationship_id, side, person_id, name, at, accepts)
        VALUES (gen_random_uuid(), public.comity_relationship(), speaker->>'side', (speaker->>'person')::uuid,
            speaker->>'name', clock_timestamp(), says);
END $$;

-- Since when both sides let silence confirm a period; null where they do not.
CREATE FUNCTION comity_silence_since() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN count(*) = 2 AND bool_and(accepts) THEN max(at) END FROM (
        SELECT DISTINCT ON (side) side, accepts, at FROM public.replies_silenceterm
        WHERE relationship_id = public.comity_relationship() ORDER BY side, at DESC) latest $$;
"""

# The notice: after the reply was due; to two people at least who may answer, a lead among them; at least ten working
# days, which are never fewer than ten days, before the day that it names.
NOTICE = """
CREATE FUNCTION comity_give_notice(asked uuid, due timestamptz, end_of_day timestamptz, told jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c public.record_consent; silent text; able uuid[]; people uuid[]; said jsonb; made uuid := gen_random_uuid();
BEGIN
    SELECT * INTO c FROM public.record_consent WHERE id = asked
        AND relationship_id = public.comity_relationship() AND void_at IS NULL AND NOT deemed FOR UPDATE;
    silent := CASE c.side WHEN 'customer' THEN 'provider' WHEN 'provider' THEN 'customer' END;
    able := ARRAY(SELECT public.comity_able(silent, public.comity_consenting(c.subject_type)));
    people := ARRAY(SELECT DISTINCT (one->>'person')::uuid FROM jsonb_array_elements(told) one);
    SELECT jsonb_agg(jsonb_build_object('person', m.person_id, 'role', m.role, 'taken_at', one->>'taken_at'))
        INTO said FROM jsonb_array_elements(told) one JOIN public.parties_membership m
        ON m.person_id = (one->>'person')::uuid AND m.relationship_id = c.relationship_id AND m.left_at IS NULL;
    IF NOT coalesce(c.subject_type = 'period' AND public.comity_silence_since() <= c.at
        AND due <= now() AND due >= public.comity_earliest_due(c.at) AND end_of_day >= now() + interval '10 days'
        AND cardinality(people) >= 2 AND people <@ able
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(said) one WHERE one->>'role' = 'lead')
        AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(said) one WHERE NOT coalesce(
            (one->>'taken_at')::timestamptz BETWEEN now() - interval '1 hour' AND clock_timestamp(), false))
        AND NOT EXISTS (SELECT 1 FROM public.replies_notice n WHERE n.word_id = c.id AND 2 <= (
            SELECT count(*) FROM jsonb_array_elements(n.told) one
            WHERE (one->>'person')::uuid = ANY (able) AND one->>'bounced_at' IS NULL)), false) THEN
        RAISE EXCEPTION 'comity: this notice does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.replies_notice (id, relationship_id, word_id, side, at, due_at, until, told)
        VALUES (made, c.relationship_id, c.id, silent, now(), due, end_of_day, said);
    RETURN made;
END $$;

-- A mail that came back: whoever got it counts as not told.
CREATE FUNCTION comity_note_bounce(address text) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE changed integer;
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
    PERFORM set_config('comity.bounce', '', true);
    RETURN changed;
END $$;
"""

# Silence: both sides let it count since before the word; the figures are those of the word; the notice's day is over,
# its mails were taken within a third of the days up to it and did not come back; two of those people are still there;
# and the clock ran within the hour before, so that nothing is deemed right after an outage.
DEEM = """
CREATE FUNCTION comity_deem_consent(asked_type text, asked_subject text, now_content jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_subject(asked_type, asked_subject); made uuid := gen_random_uuid();
    c public.record_consent; n public.replies_notice; words integer; silent text; able uuid[]; counted uuid[];
    now_digest text := public.comity_digest(public.comity_canonical(now_content));
BEGIN
    SELECT count(*) INTO words FROM public.record_consent
        WHERE relationship_id = here AND subject_type = asked_type AND subject = asked_subject AND void_at IS NULL;
    SELECT * INTO c FROM public.record_consent WHERE relationship_id = here AND subject_type = asked_type
        AND subject = asked_subject AND void_at IS NULL AND NOT deemed;
    silent := CASE c.side WHEN 'customer' THEN 'provider' WHEN 'provider' THEN 'customer' END;
    able := ARRAY(SELECT public.comity_able(silent, public.comity_consenting(asked_type)));
    SELECT * INTO n FROM public.replies_notice WHERE word_id = c.id ORDER BY at DESC LIMIT 1;
    counted := ARRAY(SELECT (one->>'person')::uuid FROM jsonb_array_elements(n.told) one
        WHERE one->>'bounced_at' IS NULL AND (one->>'person')::uuid = ANY (able)
        AND (one->>'taken_at')::timestamptz <= n.at + (n.until - n.at) / 3);
    IF NOT coalesce(asked_type = 'period' AND words = 1 AND c.digest = now_digest
        AND public.comity_silence_since() <= c.at
        AND n.due_at <= n.at AND n.until <= now() AND n.until >= n.at + interval '10 days'
        AND cardinality(counted) >= 2
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(n.told) one WHERE one->>'role' = 'lead'
            AND one->>'bounced_at' IS NULL)
        AND EXISTS (SELECT 1 FROM public.replies_clock WHERE ran_at > now() - interval '1 hour'
            AND ran_before > now() - interval '1 hour'), false) THEN
        RAISE EXCEPTION 'comity: silence does not count here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.record_consent (id, relationship_id, subject_type, subject, side, person_id, at, deemed, digest,
            content, reminded_at, reminded_to)
        VALUES (made, here, asked_type, asked_subject, silent, NULL, now(), true, c.digest, c.content, n.at,
            to_jsonb(counted));
    RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION comity_note_bounce(text) FROM PUBLIC;
DO $do$ BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION comity_note_bounce(text) TO %I', current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """Two tables, the clock, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("record", "0001_initial"),
        ("reviews", "0007_record"),
        ("matters", "0011_audit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SilenceTerm",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("name", models.CharField(max_length=120)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("accepts", models.BooleanField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("told", models.JSONField()),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
                (
                    "word",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="record.consent"
                    ),
                ),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.RunSQL([WALL, SILENCE, NOTICE, DEEM]),
    ]
