"""Mails that came in, when the mailbox was read, mails of ours that came back, and what no side has taken a copy of."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

_SIDES = [("customer", "customer"), ("provider", "provider")]
_OUTCOMES = [
    (name, name.replace("_", " ").title())
    for name in (
        "counted", "automatic", "bounce", "duplicate", "no_address", "several", "not_ours", "over", "other_sender",
        "not_proven",
        "part_signed", "unreadable", "too_large", "empty", "on_page", "refused", "too_often",
        "failed",
    )
]  # fmt: skip

WALL = """
ALTER TABLE mailbox_receivedmail ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_receivedmail FORCE ROW LEVEL SECURITY;
ALTER TABLE mailbox_rawmail ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_rawmail FORCE ROW LEVEL SECURITY;
ALTER TABLE mailbox_bounce ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_bounce FORCE ROW LEVEL SECURITY;
-- What was counted both sides read, with the step that it made; what was not, the side of whoever it was written to.
CREATE POLICY mailbox_receivedmail_reads ON mailbox_receivedmail FOR SELECT USING (
    relationship_id = (SELECT comity_relationship())
    AND (outcome = 'counted' OR (side <> '' AND side = (SELECT comity_side()))));
CREATE POLICY mailbox_receivedmail_adds ON mailbox_receivedmail FOR INSERT WITH CHECK (
    (relationship_id IS NULL AND outcome <> 'counted')
    OR (relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())));
CREATE POLICY mailbox_receivedmail_owner ON mailbox_receivedmail TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY mailbox_rawmail_adds ON mailbox_rawmail FOR INSERT WITH CHECK (true);
CREATE POLICY mailbox_rawmail_owner ON mailbox_rawmail TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY mailbox_bounce_reads ON mailbox_bounce FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY mailbox_bounce_owner ON mailbox_bounce TO CURRENT_USER USING (true) WITH CHECK (true);
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON mailbox_receivedmail TO %I', app);
    EXECUTE format('GRANT INSERT ON mailbox_rawmail TO %I', app);
    EXECUTE format('GRANT SELECT ON mailbox_bounce TO %I', app);
END $do$;

-- A mail whose bytes were read before, or which was counted before: by its id, or by its content under another id.
CREATE FUNCTION comity_mail_known(raw text, message text, content text) RETURNS text LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT 1 FROM public.mailbox_receivedmail WHERE raw_digest = raw) THEN 'raw'
        WHEN EXISTS (SELECT 1 FROM public.mailbox_receivedmail WHERE message_digest = message
            OR content_digest = content) THEN 'counted' ELSE '' END $$;
-- The bytes of a mail, encrypted, for the side of whoever it was written to.
CREATE FUNCTION comity_raw_mail(asked uuid) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT w.payload FROM public.mailbox_rawmail w JOIN public.mailbox_receivedmail m ON m.id = w.mail_id
        WHERE m.id = asked AND m.relationship_id = public.comity_relationship() AND m.side = public.comity_side() $$;
CREATE FUNCTION comity_forget_raw_mails() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE gone integer;
BEGIN
    DELETE FROM public.mailbox_rawmail WHERE kept_at < now() - interval '90 days';
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
"""
NO_WALL = """
DROP FUNCTION comity_forget_raw_mails();
DROP FUNCTION comity_raw_mail(uuid);
DROP FUNCTION comity_mail_known(text, text, text);
"""

# Whether and when the mailbox was read. `ended_at` is when the last successful reading of a run began: what came before
# has been read. Runs are parted by 15 minutes without one.
READINGS = """
CREATE TABLE mailbox_use (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    reads boolean NOT NULL,
    since timestamptz NOT NULL,
    told_at timestamptz
);
INSERT INTO mailbox_use (reads, since) VALUES (false, now());
CREATE TABLE mailbox_span (
    began_at timestamptz PRIMARY KEY,
    ended_at timestamptz NOT NULL CHECK (ended_at >= began_at)
);
CREATE FUNCTION comity_mailbox_use(boxes integer) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    UPDATE public.mailbox_use SET reads = boxes > 0, since = now(), told_at = NULL WHERE reads <> (boxes > 0) $$;
CREATE FUNCTION comity_mailbox_read(began timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE last public.mailbox_span;
BEGIN
    IF began IS NULL OR began > clock_timestamp() OR began < clock_timestamp() - interval '1 hour' THEN
        RAISE EXCEPTION 'comity: a reading of the mailbox begins now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    LOCK TABLE public.mailbox_span IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO last FROM public.mailbox_span ORDER BY began_at DESC LIMIT 1;
    IF last.ended_at > began - interval '15 minutes' THEN
        UPDATE public.mailbox_span SET ended_at = greatest(ended_at, began) WHERE began_at = last.began_at;
    ELSE
        INSERT INTO public.mailbox_span VALUES (began, began);
    END IF;
    UPDATE public.mailbox_use SET told_at = NULL WHERE told_at IS NOT NULL;
END $$;
-- Whether what was sent by mail up to a moment has been read, and the mailbox was read on the day before it.
CREATE FUNCTION comity_mail_heard(until timestamptz) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT NOT u.reads OR (EXISTS (SELECT 1 FROM public.mailbox_span WHERE ended_at >= until)
        AND EXISTS (SELECT 1 FROM public.mailbox_span WHERE began_at <= until
            AND ended_at >= until - interval '24 hours'))
        FROM public.mailbox_use u $$;
-- Returns true once an outage, to whoever tells of it.
CREATE FUNCTION comity_mailbox_tell() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.mailbox_use SET told_at = now() WHERE reads AND told_at IS NULL AND since < now() - interval '1 hour'
        AND NOT EXISTS (SELECT 1 FROM public.mailbox_span WHERE ended_at > now() - interval '1 hour');
    RETURN FOUND;
END $$;

-- No period is confirmed by silence while a mail may lie unread: whatever function adds the consent.
CREATE FUNCTION comity_guard_unheard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE d timestamptz;
BEGIN
    SELECT n.until INTO d FROM public.replies_notice n JOIN public.record_consent c ON c.id = n.word_id
        WHERE c.relationship_id = NEW.relationship_id AND c.subject_type = NEW.subject_type
        AND c.subject = NEW.subject AND c.void_at IS NULL ORDER BY n.at DESC LIMIT 1;
    IF NOT coalesce(public.comity_mail_heard(d), false) THEN
        RAISE EXCEPTION 'comity: the mailbox was not read on that day' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER record_consent_unheard BEFORE INSERT ON record_consent FOR EACH ROW WHEN (NEW.deemed)
    EXECUTE FUNCTION comity_guard_unheard();
-- Nor is a matter, whose step is nobody's; which day its notice named, the function that deems it checks by
-- `comity_mail_heard` itself.
CREATE FUNCTION comity_guard_unheard_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT public.comity_mail_heard(now() - interval '1 hour') THEN
        RAISE EXCEPTION 'comity: the mailbox is not read' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER matters_step_unheard BEFORE INSERT ON matters_step FOR EACH ROW WHEN (NEW.move = 'deem')
    EXECUTE FUNCTION comity_guard_unheard_step();

-- An answer by mail was there when our mail server had it: at most as long ago as the mailbox was read before, for what
-- came earlier had been read then.
CREATE FUNCTION comity_step_by_mail() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE mailed timestamptz := nullif(current_setting('comity.mailed_at', true), '')::timestamptz;
BEGIN
    IF mailed IS NOT NULL AND mailed <= clock_timestamp() AND NEW.person_id IS NOT NULL
            AND mailed > coalesce(public.comity_mailbox_read_at(), clock_timestamp()) THEN
        NEW.received_at := least(NEW.received_at, mailed);
        NEW.ran_out := NEW.due_at IS NOT NULL AND NEW.due_at < mailed;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION comity_mailbox_read_at() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT max(ended_at) FROM public.mailbox_span $$;
-- After the guard of steps, whose name comes before.
CREATE TRIGGER zz_matters_step_by_mail BEFORE INSERT ON matters_step FOR EACH ROW
    EXECUTE FUNCTION comity_step_by_mail();
"""
NO_READINGS = """
DROP TRIGGER zz_matters_step_by_mail ON matters_step;
DROP TRIGGER matters_step_unheard ON matters_step;
DROP TRIGGER record_consent_unheard ON record_consent;
DROP FUNCTION comity_step_by_mail();
DROP FUNCTION comity_guard_unheard_step();
DROP FUNCTION comity_guard_unheard();
DROP FUNCTION comity_mailbox_read_at();
DROP FUNCTION comity_mailbox_tell();
DROP FUNCTION comity_mail_heard(timestamptz);
DROP FUNCTION comity_mailbox_read(timestamptz);
DROP FUNCTION comity_mailbox_use(integer);
DROP TABLE mailbox_span;
DROP TABLE mailbox_use;
"""

# One mail of ours that came back: whoever was told by it, a few minutes around, was not. A later notice is another.
BOUNCES = """
CREATE FUNCTION comity_mail_bounced(here uuid, who uuid, sent timestamptz) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = here AND person_id = who) THEN
        RETURN false;
    END IF;
    INSERT INTO public.mailbox_bounce (id, relationship_id, person_id, sent_at, at)
        VALUES (gen_random_uuid(), here, who, sent, clock_timestamp()) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM set_config('comity.bounce', 'yes', true);
    UPDATE public.replies_notice n SET told = (SELECT jsonb_agg(
            CASE WHEN (one->>'person')::uuid = who AND one->>'bounced_at' IS NULL
                AND abs(extract(epoch FROM (one->>'taken_at')::timestamptz - sent)) <= 600
            THEN one || jsonb_build_object('bounced_at', public.comity_moment(now())) ELSE one END)
            FROM jsonb_array_elements(n.told) one)
        WHERE n.relationship_id = here AND n.until > now()
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(n.told) one WHERE (one->>'person')::uuid = who
            AND one->>'bounced_at' IS NULL AND abs(extract(epoch FROM (one->>'taken_at')::timestamptz - sent)) <= 600);
    PERFORM set_config('comity.bounce', '', true);
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION comity_mail_bounced(uuid, uuid, timestamptz) FROM PUBLIC;
DO $do$ BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION comity_mail_bounced(uuid, uuid, timestamptz) TO %I',
        current_setting('comity.app_role'));
END $do$;
"""
NO_BOUNCES = "DROP FUNCTION comity_mail_bounced(uuid, uuid, timestamptz);"

# Since when the record holds an entry of which a side has taken no copy; counted from this migration on.
AGES = """
CREATE TABLE mailbox_uncopied (
    relationship_id uuid NOT NULL REFERENCES parties_relationship ON DELETE CASCADE,
    side text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (relationship_id, side)
);
ALTER TABLE mailbox_uncopied ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_uncopied FORCE ROW LEVEL SECURITY;
CREATE POLICY mailbox_uncopied_reads ON mailbox_uncopied FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
CREATE POLICY mailbox_uncopied_owner ON mailbox_uncopied TO CURRENT_USER USING (true) WITH CHECK (true);
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT ON mailbox_uncopied TO %I', current_setting('comity.app_role'));
END $do$;
CREATE FUNCTION comity_note_uncopied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET row_security = on AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.parties_relationship WHERE id = NEW.relationship_id AND NOT is_sample) THEN
        INSERT INTO public.mailbox_uncopied SELECT NEW.relationship_id, side, clock_timestamp()
            FROM unnest(ARRAY['customer', 'provider']) side ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER record_entry_uncopied AFTER INSERT ON record_entry FOR EACH ROW
    EXECUTE FUNCTION comity_note_uncopied();
CREATE FUNCTION comity_note_copied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET row_security = on AS $$
BEGIN
    DELETE FROM public.mailbox_uncopied WHERE relationship_id = NEW.relationship_id AND side = NEW.side;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_event_copied AFTER INSERT ON audit_event FOR EACH ROW
    WHEN (NEW.event IN ('record_read', 'copy_read') AND NEW.side IS NOT NULL) EXECUTE FUNCTION comity_note_copied();

-- Four moments, each null where there is none: the oldest mail that waits, when the mailbox was read and the clock ran
-- last, and since when the record holds an entry of which a side has no copy. Nothing of whose they are.
CREATE FUNCTION comity_ages(OUT oldest_mail timestamptz, OUT last_reading timestamptz, OUT last_tick timestamptz,
    OUT oldest_uncopied timestamptz, OUT reads boolean) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT (SELECT min(created_at) FROM public.outbox_waitingmail), public.comity_mailbox_read_at(),
        (SELECT nullif(ran_at, '-infinity') FROM public.replies_clock),
        (SELECT min(since) FROM public.mailbox_uncopied), (SELECT u.reads FROM public.mailbox_use u) $$;
"""
NO_AGES = """
DROP FUNCTION comity_ages();
DROP TRIGGER audit_event_copied ON audit_event;
DROP TRIGGER record_entry_uncopied ON record_entry;
DROP FUNCTION comity_note_copied();
DROP FUNCTION comity_note_uncopied();
DROP TABLE mailbox_uncopied;
"""


class Migration(migrations.Migration):
    """Three tables with their wall, the mailbox's readings, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("parties", "0019_named_at"),
        ("audit", "0006_renewed_invitations"),
        ("outbox", "0002_queueing_locks"),
        ("record", "0002_append_in"),
        ("replies", "0001_initial"),
        ("matters", "0015_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ReceivedMail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(blank=True, choices=_SIDES, default="", max_length=8)),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("outcome", models.CharField(choices=_OUTCOMES, max_length=12)),
                ("matter", models.UUIDField(blank=True, null=True)),
                ("step", models.PositiveIntegerField(blank=True, null=True)),
                ("raw_digest", models.CharField(max_length=64, unique=True)),
                ("message_digest", models.CharField(max_length=64, null=True, unique=True)),
                ("content_digest", models.CharField(max_length=64, null=True, unique=True)),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="parties.relationship",
                    ),
                ),
            ],
            options={"ordering": ["-at"]},
        ),
        migrations.CreateModel(
            name="RawMail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("payload", models.BinaryField()),
                ("kept_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "mail",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="mailbox.receivedmail"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="Bounce",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sent_at", models.DateTimeField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
            options={
                "ordering": ["-at"],
                "constraints": [
                    models.UniqueConstraint(fields=("relationship", "person", "sent_at"), name="one_bounce_a_mail"),
                ],
            },
        ),
        migrations.RunSQL(WALL, NO_WALL),
        migrations.RunSQL(READINGS, NO_READINGS),
        migrations.RunSQL(BOUNCES, NO_BOUNCES),
        migrations.RunSQL(AGES, NO_AGES),
    ]
