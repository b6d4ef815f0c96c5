"""What each side says about a period: drafts of the own side alone, and versions that both read and nobody changes.

A function of the owner adds a version, so that side, name and number are as the database knows them, and what is said
once the period is final is refused. The entry that makes a period final holds every version.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]

WALL = """
ALTER TABLE reviews_periodcomment ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews_periodcomment FORCE ROW LEVEL SECURITY;
CREATE POLICY reviews_periodcomment_reads ON reviews_periodcomment FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY reviews_periodcomment_owner_adds ON reviews_periodcomment FOR INSERT TO CURRENT_USER WITH CHECK (true);
ALTER TABLE reviews_commentdraft ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews_commentdraft FORCE ROW LEVEL SECURITY;
CREATE POLICY reviews_commentdraft_own ON reviews_commentdraft
    USING (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()))
    WITH CHECK (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
        AND person_id = (SELECT comity_person()));
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT ON reviews_periodcomment TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON reviews_commentdraft TO %I', app);
    EXECUTE format($policy$
        CREATE POLICY audit_event_comments ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'period_commented')
    $policy$, app);
END $do$;
"""

# The number of the last version that the writer has seen comes along: two of a side do not overwrite each other unread.
COMMENT = """
CREATE FUNCTION comity_comment_period(asked_period text, said text, seen integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_subject('period', asked_period);
    speaker jsonb := public.comity_speaker(public.comity_consenting('period'));
    last public.reviews_periodcomment;
BEGIN
    SELECT * INTO last FROM public.reviews_periodcomment c WHERE c.relationship_id = here
        AND c.period = asked_period AND c.side = speaker->>'side' ORDER BY c.number DESC LIMIT 1;
    IF NOT coalesce(asked_period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]|W[0-5][0-9]))?$', false)
        OR said IS NULL OR said <> btrim(said) OR length(said) > 800
        OR (said = '' AND coalesce(last.text, '') = '') OR seen IS DISTINCT FROM coalesce(last.number, 0) THEN
        RAISE EXCEPTION 'comity: nothing that this viewer may say of a period'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF said <> coalesce(last.text, '') THEN
        INSERT INTO public.reviews_periodcomment (id, relationship_id, period, side, number, text, person_id, name,
                role, stood_in_for, at)
            VALUES (gen_random_uuid(), here, asked_period, speaker->>'side', seen + 1, said,
                (speaker->>'person')::uuid, speaker->>'name', speaker->>'role', speaker->>'stood_in_for', now());
        PERFORM public.comity_audit(public.comity_locked_place(), 'period_commented', 'period', NULL,
            jsonb_build_object('period', asked_period, 'number', seen + 1), true);
    END IF;
    DELETE FROM public.reviews_commentdraft d WHERE d.relationship_id = here AND d.period = asked_period
        AND d.side = speaker->>'side';
    RETURN seen + (said <> coalesce(last.text, ''))::int;
END $$;
"""
NO_COMMENT = "DROP FUNCTION comity_comment_period(text, text, integer)"

# Every version, where there is any: an entry without comments reads as it always did.
FREEZE = """
CREATE FUNCTION comity_period_comments(asked_period text) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN count(*) = 0 THEN '{}'::jsonb ELSE jsonb_build_object('comments', jsonb_agg(
        jsonb_build_object('side', c.side, 'number', c.number, 'text', c.text, 'person', c.person_id, 'name', c.name,
            'role', c.role, 'stood_in_for', c.stood_in_for, 'at', public.comity_moment(c.at))
        ORDER BY c.at, c.side, c.number)) END
    FROM public.reviews_periodcomment c
    WHERE c.relationship_id = public.comity_relationship() AND c.period = asked_period $$;
CREATE OR REPLACE FUNCTION comity_freeze(asked_period text, review_digest text, now_figures jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM public.comity_open_subject('period', asked_period);
    RETURN public.comity_append('frozen', 'period', asked_period,
        public.comity_figures(asked_period, review_digest, now_figures) || jsonb_build_object(
            'words', public.comity_both_words('period', asked_period, now_figures))
            || public.comity_period_comments(asked_period));
END $$;
"""


class Migration(migrations.Migration):
    """Two tables, their policies, the owner's function that adds a version, and comments in the final entry."""

    dependencies: ClassVar = [
        ("reviews", "0009_whole_periods"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="PeriodComment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("period", models.CharField(max_length=12)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("number", models.PositiveIntegerField()),
                ("text", models.CharField(blank=True, max_length=800)),
                ("name", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=12)),
                ("stood_in_for", models.CharField(blank=True, max_length=120)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
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
            options={
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("relationship", "period", "side", "number"), name="one_comment_a_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentDraft",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("period", models.CharField(max_length=12)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("text", models.CharField(max_length=800)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("relationship", "period", "side"), name="one_comment_draft_a_side")
                ],
            },
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
        migrations.RunSQL(COMMENT, NO_COMMENT),
        migrations.RunSQL(FREEZE, migrations.RunSQL.noop),
    ]
