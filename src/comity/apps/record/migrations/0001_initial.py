"""The record leaves the reviews: confirmations become words for any subject, entries say which one they are about.

The tables of `reviews` are renamed, with their rows; those of before keep their digests, so that kept heads still
verify. What may be put to both sides is registered in `record_kind`, by a migration of the app that writes it: which
kind of entry follows from both words, and which roles give them. A subject that has its settling entry is closed.

Written by the owner's functions alone, as before: a word is made in the name of whoever looks, for the very content of
its digest; it becomes void only where the content is really another; an entry needs both words for what it holds.
Number, digest, persons and times are the database's own. What the functions cannot check is whether a content is that
of the book, and whether a mail was really sent: the room's own code says so.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import JSONField, Value

OLD_FUNCTIONS = """
DROP FUNCTION comity_restate(text, text, jsonb, text);
DROP FUNCTION comity_freeze(text, text, jsonb);
DROP FUNCTION comity_append(text, text, text, jsonb, jsonb);
DROP FUNCTION comity_word(reviews_confirmation);
DROP FUNCTION comity_deem_confirmation(text, jsonb);
DROP FUNCTION comity_remind_confirmation(uuid, uuid[]);
DROP FUNCTION comity_void_told(uuid);
DROP FUNCTION comity_void_confirmations(text, jsonb);
DROP FUNCTION comity_confirm(text, text, jsonb);
DROP FUNCTION comity_open_period(text);
"""

# Row-level security holds the owner too: it is lifted for the one statement that changes rows, in this transaction.
TABLES = """
ALTER TABLE reviews_confirmation RENAME TO record_consent;
ALTER TABLE record_consent RENAME COLUMN period TO subject;
ALTER TABLE record_consent RENAME COLUMN figures TO content;
ALTER TABLE record_consent RENAME COLUMN void_figures TO void_content;
ALTER TABLE record_consent ALTER COLUMN subject TYPE varchar(60);
ALTER TABLE record_consent ADD COLUMN subject_type varchar(20) NOT NULL DEFAULT 'period';
ALTER TABLE record_consent ALTER COLUMN subject_type DROP DEFAULT;
ALTER TABLE record_consent NO FORCE ROW LEVEL SECURITY;
UPDATE record_consent SET void_reason = 'changed' WHERE void_reason = 'figures';
UPDATE record_consent s SET reminded_at = o.reminded_at, reminded_to = o.reminded_to FROM record_consent o
    WHERE s.deemed AND s.void_at IS NULL AND NOT o.deemed AND o.void_at IS NULL
    AND (o.relationship_id, o.subject) = (s.relationship_id, s.subject);
ALTER TABLE record_consent FORCE ROW LEVEL SECURITY;
DROP INDEX one_valid_word_a_side;
CREATE UNIQUE INDEX one_valid_word_a_side ON record_consent (relationship_id, subject_type, subject, side)
    WHERE void_at IS NULL;
ALTER POLICY reviews_confirmation_reads ON record_consent RENAME TO record_consent_reads;
ALTER POLICY reviews_confirmation_owner_adds ON record_consent RENAME TO record_consent_owner_adds;
ALTER POLICY reviews_confirmation_owner_changes ON record_consent RENAME TO record_consent_owner_changes;

ALTER TABLE reviews_entry RENAME TO record_entry;
ALTER TABLE record_entry RENAME COLUMN period TO subject;
ALTER TABLE record_entry ALTER COLUMN subject TYPE varchar(60);
ALTER TABLE record_entry ALTER COLUMN kind TYPE varchar(20);
ALTER TABLE record_entry ADD COLUMN subject_type varchar(20) NOT NULL DEFAULT 'period';
ALTER TABLE record_entry ALTER COLUMN subject_type DROP DEFAULT;
ALTER POLICY reviews_entry_reads ON record_entry RENAME TO record_entry_reads;
ALTER POLICY reviews_entry_owner_adds ON record_entry RENAME TO record_entry_owner_adds;

CREATE TABLE record_kind (
    subject_type varchar(20) NOT NULL,
    kind varchar(20) NOT NULL,
    settles boolean NOT NULL,  -- whether an entry of this kind closes its subject
    roles text[] NOT NULL,  -- who may give a side's word for it
    PRIMARY KEY (subject_type, kind)
);
"""

FUNCTIONS = """
-- One at a time in a relationship, for the rest of the transaction; and whether a subject is closed.
CREATE FUNCTION comity_open_subject(asked_type text, asked_subject text) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship();
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM public.record_entry e JOIN public.record_kind k
            ON (k.subject_type, k.kind) = (e.subject_type, e.kind) AND k.settles
            WHERE e.relationship_id = here AND e.subject_type = asked_type AND e.subject = asked_subject)
        OR NOT EXISTS (SELECT 1 FROM public.record_kind WHERE subject_type = asked_type AND settles)
        OR length(asked_subject) NOT BETWEEN 1 AND 60 THEN
        RAISE EXCEPTION 'comity: this is closed, or nobody is looking' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN here;
END $$;

CREATE FUNCTION comity_consenting(asked_type text) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT roles FROM public.record_kind WHERE subject_type = asked_type AND settles $$;

-- Whose word it is, as it stands under the digest of an entry.
CREATE FUNCTION comity_speaker(roles text[]) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE place public.parties_membership; mine text := public.comity_side(); who uuid := public.comity_person();
    named text; other text;
BEGIN
    SELECT * INTO place FROM public.parties_membership WHERE relationship_id = public.comity_relationship()
        AND person_id = who AND left_at IS NULL AND side = mine;
    IF place.id IS NULL OR who NOT IN (SELECT public.comity_able(mine, roles)) THEN
        RAISE EXCEPTION 'comity: not a person who gives this word for a side'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT p.name INTO named FROM public.parties_person p WHERE p.id = who;
    IF NOT place.role = ANY (roles) THEN
        SELECT p.name INTO other FROM public.parties_membership m JOIN public.parties_person p ON p.id = m.person_id
            WHERE m.id = place.stands_in_for_id;
    END IF;
    RETURN jsonb_build_object('side', mine, 'by_silence', false, 'person', who, 'name', named, 'role', place.role,
        'stood_in_for', coalesce(other, ''), 'at', public.comity_moment(now()));
END $$;

CREATE FUNCTION comity_consent(asked_type text, asked_subject text, shown_digest text, now_content jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_subject(asked_type, asked_subject); made uuid := gen_random_uuid();
    speaker jsonb := public.comity_speaker(public.comity_consenting(asked_type));
BEGIN
    IF jsonb_typeof(now_content) IS DISTINCT FROM 'object' OR now_content = '{}'
        OR shown_digest IS DISTINCT FROM public.comity_digest(public.comity_canonical(now_content)) THEN
        RAISE EXCEPTION 'comity: another content than the one that was shown' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.record_consent (id, relationship_id, subject_type, subject, side, person_id, name, role,
            stood_in_for, at, deemed, digest, content)
        VALUES (made, here, asked_type, asked_subject, speaker->>'side', (speaker->>'person')::uuid, speaker->>'name',
            speaker->>'role', speaker->>'stood_in_for', now(), false, shown_digest, now_content);
    RETURN made;
END $$;

-- Void only where the content is really another, and never once the subject is closed; kept with the content of then.
CREATE FUNCTION comity_void_consents(asked_type text, asked_subject text, now_content jsonb) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_subject(asked_type, asked_subject);
    now_digest text := public.comity_digest(public.comity_canonical(now_content));
BEGIN
    RETURN QUERY UPDATE public.record_consent c
        SET void_at = now(), void_reason = 'changed', void_content = now_content
        WHERE c.relationship_id = here AND c.subject_type = asked_type AND c.subject = asked_subject
        AND c.void_at IS NULL AND c.digest <> now_digest
        RETURNING c.id;
END $$;
CREATE FUNCTION comity_void_told(asked uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    UPDATE public.record_consent SET void_told_at = now() WHERE id = asked AND void_told_at IS NULL
        AND relationship_id = public.comity_relationship() AND void_at IS NOT NULL $$;

-- A reminder counts when it went to somebody who may answer; where all of those have left, others may be reminded anew.
CREATE FUNCTION comity_remind_consent(asked uuid, told uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE c public.record_consent; able uuid[];
BEGIN
    SELECT * INTO c FROM public.record_consent WHERE id = asked
        AND relationship_id = public.comity_relationship() AND void_at IS NULL AND NOT deemed FOR UPDATE;
    able := ARRAY(SELECT public.comity_able(
        CASE c.side WHEN 'customer' THEN 'provider' WHEN 'provider' THEN 'customer' END,
        public.comity_consenting(c.subject_type)));
    IF c.id IS NULL OR coalesce(cardinality(told), 0) = 0 OR NOT told <@ able
        OR (c.reminded_at IS NOT NULL AND c.reminded_to ?| able::text[]) THEN
        RAISE EXCEPTION 'comity: this reminder does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.record_consent SET reminded_at = now(), reminded_to = to_jsonb(told) WHERE id = c.id;
END $$;

-- Both words for a content, as an entry holds them; a silence says who was reminded, and when.
CREATE FUNCTION comity_word(c record_consent) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN NOT c.deemed THEN jsonb_build_object('side', c.side, 'by_silence', false, 'person', c.person_id,
            'name', c.name, 'role', c.role, 'stood_in_for', c.stood_in_for, 'at', public.comity_moment(c.at))
        ELSE jsonb_build_object('side', c.side, 'by_silence', true, 'person', NULL, 'name', NULL, 'role', NULL,
            'at', public.comity_moment(c.at), 'reminded_at', public.comity_moment(c.reminded_at), 'reminded',
            (SELECT coalesce(jsonb_agg(jsonb_build_object('person', p.id, 'name', p.name) ORDER BY p.id), '[]')
                FROM public.parties_person p WHERE c.reminded_to ? p.id::text)) END $$;
CREATE FUNCTION comity_both_words(asked_type text, asked_subject text, now_content jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE sides integer; said jsonb; now_digest text := public.comity_digest(public.comity_canonical(now_content));
BEGIN
    SELECT count(DISTINCT c.side), jsonb_agg(public.comity_word(c) ORDER BY c.side) INTO sides, said
        FROM public.record_consent c WHERE c.relationship_id = public.comity_relationship()
        AND c.subject_type = asked_type AND c.subject = asked_subject AND c.void_at IS NULL AND c.digest = now_digest;
    IF sides <> 2 THEN
        RAISE EXCEPTION 'comity: both sides have not given their word for this'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN said;
END $$;

-- An entry after the last one. Called by functions of the owner alone, which check that it may be made.
CREATE FUNCTION comity_append(what text, asked_type text, asked_subject text, said jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); made uuid := gen_random_uuid(); next integer; before text;
    whole jsonb;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.record_kind WHERE (subject_type, kind) = (asked_type, what)) THEN
        RAISE EXCEPTION 'comity: no kind of entry that is registered';
    END IF;
    SELECT number, digest INTO next, before FROM public.record_entry WHERE relationship_id = here
        ORDER BY number DESC LIMIT 1;
    next := coalesce(next, 0) + 1;
    before := coalesce(before, repeat('0', 64));
    SELECT jsonb_build_object('kind', what, 'relationship', here,
            'parties', jsonb_build_object('customer', a.name, 'provider', b.name),
            'recorded_at', public.comity_moment(now())) || said
        INTO whole FROM public.parties_relationship r JOIN public.parties_organisation a ON a.id = r.customer_id
        JOIN public.parties_organisation b ON b.id = r.provider_id WHERE r.id = here;
    INSERT INTO public.record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, previous,
            digest)
        VALUES (made, here, next, what, asked_type, asked_subject, now(), whole, before, public.comity_digest(
            '[' || next || ',"' || before || '",' || public.comity_canonical(whole) || ']'));
    RETURN made;
END $$;

-- The entry of a subject that both sides gave their word for; a period has its own function, whose content is older.
CREATE FUNCTION comity_settle(what text, asked_type text, asked_subject text, now_content jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM public.comity_open_subject(asked_type, asked_subject);
    IF asked_type = 'period' OR NOT EXISTS (SELECT 1 FROM public.record_kind k
        WHERE (k.subject_type, k.kind) = (asked_type, what) AND k.settles) THEN
        RAISE EXCEPTION 'comity: no kind of entry that settles this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN public.comity_append(what, asked_type, asked_subject, jsonb_build_object('subject_type', asked_type,
        'subject', asked_subject, 'content', now_content,
        'content_digest', public.comity_digest(public.comity_canonical(now_content)),
        'words', public.comity_both_words(asked_type, asked_subject, now_content)));
END $$;
REVOKE EXECUTE ON FUNCTION comity_append(text, text, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_word(record_consent) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_speaker(text[]) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """Two tables taken over, one table of kinds, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("reviews", "0006_guards"),
        ("parties", "0015_no_prose"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.RunSQL(OLD_FUNCTIONS),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLES)],
            state_operations=[
                migrations.CreateModel(
                    name="Consent",
                    fields=[
                        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ("subject_type", models.CharField(max_length=20)),
                        ("subject", models.CharField(max_length=60)),
                        (
                            "side",
                            models.CharField(
                                choices=[("customer", "customer"), ("provider", "provider")], max_length=8
                            ),
                        ),
                        ("name", models.CharField(blank=True, db_default="", default="", max_length=120)),
                        ("role", models.CharField(blank=True, db_default="", default="", max_length=12)),
                        ("stood_in_for", models.CharField(blank=True, db_default="", default="", max_length=120)),
                        ("at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("deemed", models.BooleanField(default=False)),
                        ("digest", models.CharField(blank=True, db_default="", default="", max_length=64)),
                        ("content", models.JSONField(blank=True, db_default=Value({}, JSONField()), default=dict)),
                        ("reminded_at", models.DateTimeField(blank=True, null=True)),
                        ("reminded_to", models.JSONField(blank=True, db_default=Value([], JSONField()), default=list)),
                        ("void_at", models.DateTimeField(blank=True, null=True)),
                        ("void_reason", models.CharField(blank=True, db_default="", default="", max_length=10)),
                        ("void_content", models.JSONField(blank=True, db_default=Value({}, JSONField()), default=dict)),
                        ("void_told_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "person",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
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
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("void_at", None)),
                                fields=("relationship", "subject_type", "subject", "side"),
                                name="one_valid_word_a_side",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ("number", models.PositiveIntegerField()),
                        ("kind", models.CharField(max_length=20)),
                        ("subject_type", models.CharField(max_length=20)),
                        ("subject", models.CharField(max_length=60)),
                        ("at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("content", models.JSONField()),
                        ("previous", models.CharField(max_length=64)),
                        ("digest", models.CharField(max_length=64)),
                        (
                            "relationship",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["number"],
                        "constraints": [
                            models.UniqueConstraint(fields=("relationship", "number"), name="one_entry_a_number")
                        ],
                    },
                ),
            ],
        ),
        migrations.RunSQL(FUNCTIONS),
    ]
