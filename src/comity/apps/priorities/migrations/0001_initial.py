"""Rounds of priorities, and each side's own row in one: no policy shows it to the other, and it is gone at the end.

Sealing is a function of the owner, under the relationship's lock: the room's code cannot see whether the other side has
sealed. With the second seal it opens both, writes the entry of the record, and removes the rows, in one transaction.
A round that ends otherwise leaves nothing of what was written or sealed in it.
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]
OUTCOMES = [("revealed", "Revealed"), ("withdrawn", "Withdrawn"), ("expired", "Expired")]
KINDS = """
INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES
    ('priorities', 'priorities', false, '{lead}'), ('joint_order', 'joint_order', true, '{lead}')
"""
NO_KINDS = "DELETE FROM record_kind WHERE subject_type IN ('priorities', 'joint_order')"

WALL = """
ALTER TABLE priorities_round ENABLE ROW LEVEL SECURITY;
ALTER TABLE priorities_round FORCE ROW LEVEL SECURITY;
CREATE POLICY priorities_round_reads ON priorities_round FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY priorities_round_adds ON priorities_round FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND ended_at IS NULL AND outcome = ''
    AND person_id IN (SELECT comity_able((SELECT comity_side()), '{lead}')));
CREATE POLICY priorities_round_owner ON priorities_round TO CURRENT_USER USING (
    relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());

ALTER TABLE priorities_ranking ENABLE ROW LEVEL SECURITY;
ALTER TABLE priorities_ranking FORCE ROW LEVEL SECURITY;
CREATE POLICY priorities_ranking_reads ON priorities_ranking FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
CREATE POLICY priorities_ranking_adds ON priorities_ranking FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND sealed_at IS NULL AND random = '' AND digest = ''
    AND EXISTS (SELECT 1 FROM priorities_round r WHERE r.id = round_id AND r.ended_at IS NULL
        AND r.relationship_id = (SELECT comity_relationship())));
CREATE POLICY priorities_ranking_saves ON priorities_ranking FOR UPDATE USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()) AND sealed_at IS NULL)
    WITH CHECK (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND sealed_at IS NULL);
CREATE POLICY priorities_ranking_owner ON priorities_ranking TO CURRENT_USER USING (
    relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());

-- What a side seals: its order with the round and the side, so that the seal fits no other.
CREATE FUNCTION comity_sealed_content(k priorities_ranking) RETURNS jsonb LANGUAGE sql IMMUTABLE
    SET search_path = public, pg_temp AS $$
    SELECT k.content || jsonb_build_object('schema', 'comity.priorities/1', 'round', k.round_id, 'side', k.side) $$;

-- Seals what the viewer's side has written; with the second seal both are opened. Returns the entry of the record then.
CREATE FUNCTION comity_seal_priorities(asked uuid, shown_digest text, bits text) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); mine text := public.comity_side(); speaker jsonb; sealing jsonb;
    seals jsonb; sealers jsonb; sides integer; listed jsonb; whole jsonb; entry uuid;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    speaker := public.comity_speaker('{lead}');
    SELECT public.comity_sealed_content(k) INTO sealing FROM public.priorities_ranking k
        JOIN public.priorities_round r ON r.id = k.round_id AND r.ended_at IS NULL
        WHERE k.round_id = asked AND k.relationship_id = here AND k.side = mine AND k.sealed_at IS NULL FOR UPDATE OF k;
    IF sealing IS NULL OR bits !~ '^[0-9a-f]{32}$' OR shown_digest IS DISTINCT FROM encode(
        sha256(decode(bits, 'hex') || convert_to(public.comity_canonical(sealing), 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'comity: this cannot be sealed, or is not what was shown'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.priorities_ranking SET sealed_at = now(), sealer = speaker, random = bits, digest = shown_digest
        WHERE round_id = asked AND relationship_id = here AND side = mine;
    SELECT count(*), jsonb_agg(k.sealer ORDER BY k.side), jsonb_object_agg(k.side, jsonb_build_object(
            'content', public.comity_sealed_content(k), 'random', k.random, 'digest', k.digest))
        INTO sides, sealers, seals FROM public.priorities_ranking k
        WHERE k.round_id = asked AND k.relationship_id = here AND k.sealed_at IS NOT NULL;
    IF sides < 2 THEN RETURN NULL; END IF;
    UPDATE public.priorities_round SET ended_at = now(), outcome = 'revealed' WHERE id = asked
        AND relationship_id = here RETURNING kpis INTO listed;
    whole := jsonb_build_object('round', asked, 'kpis', listed, 'seals', seals);
    entry := public.comity_append('priorities', 'priorities', asked::text, jsonb_build_object(
        'subject_type', 'priorities', 'subject', asked::text, 'content', whole,
        'content_digest', public.comity_digest(public.comity_canonical(whole)), 'words', sealers));
    DELETE FROM public.priorities_ranking WHERE round_id = asked AND relationship_id = here;
    RETURN entry;
END $$;

-- Ends a round without a result and erases what was written in it: by the side that started it, or once its day is over
-- everywhere. The latter is nobody's doing, and this writes its line of the log.
CREATE FUNCTION comity_end_priorities(asked uuid, how text) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); mine text := public.comity_side(); made uuid := gen_random_uuid();
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    UPDATE public.priorities_round r SET ended_at = now(), outcome = how
        WHERE r.id = asked AND r.relationship_id = here AND r.ended_at IS NULL AND (
            (how = 'withdrawn' AND r.side = mine AND public.comity_person() IN (
                SELECT public.comity_able(mine, '{lead}')))
            OR (how = 'expired' AND r.closes_on < (now() AT TIME ZONE 'Etc/GMT+12')::date));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'comity: no round that can be ended so' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM public.priorities_ranking WHERE round_id = asked AND relationship_id = here;
    IF how = 'withdrawn' THEN RETURN NULL; END IF;
    INSERT INTO public.audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data,
            shared) VALUES (made, here, clock_timestamp(), NULL, NULL, 'priorities_expired', 'agreement', NULL, '{}',
            true);
    RETURN made;
END $$;

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON priorities_round TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE (person_id, number, at, content) ON priorities_ranking TO %I', app);
    EXECUTE format($policy$
        CREATE POLICY audit_event_expired ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'priorities_expired')
    $policy$, app);
    -- A round begins now and ends within sixty days; else a side could keep the other from starting one.
    EXECUTE format($policy$
        CREATE POLICY priorities_round_soon ON priorities_round AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            abs(extract(epoch FROM started_at - clock_timestamp())) <= 600
            AND closes_on <= (clock_timestamp() AT TIME ZONE 'Etc/GMT-14')::date + 60)
    $policy$, app);
END $do$;
"""
NO_WALL = """
DROP POLICY priorities_round_soon ON priorities_round;
DROP POLICY audit_event_expired ON audit_event;
DROP FUNCTION comity_end_priorities(uuid, text);
DROP FUNCTION comity_seal_priorities(uuid, text, text);
DROP FUNCTION comity_sealed_content(priorities_ranking);
"""


def _id() -> Any:  # noqa: ANN401 - a field and its name, as below
    return ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False))


def _to(model: str, **options: Any) -> Any:  # noqa: ANN401 - as Django takes them
    on_delete = options.pop("on_delete", django.db.models.deletion.CASCADE)
    return models.ForeignKey(on_delete=on_delete, to=model, **{"related_name": "+", **options})


def _person() -> Any:  # noqa: ANN401 - as above
    return _to(settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.PROTECT)


def _side() -> Any:  # noqa: ANN401 - as above
    return models.CharField(choices=SIDES, max_length=8)


class Migration(migrations.Migration):
    """Two tables, their policies, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("agreements", "0001_initial"),
        ("audit", "0006_renewed_invitations"),
        ("parties", "0018_sample_side"),
        ("record", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Round",
            fields=[
                _id(),
                ("side", _side()),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("closes_on", models.DateField()),
                ("kpis", models.JSONField()),
                ("known", models.PositiveIntegerField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.CharField(blank=True, choices=OUTCOMES, default="", max_length=10)),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": ["-started_at", "id"]},
        ),
        migrations.CreateModel(
            name="Ranking",
            fields=[
                _id(),
                ("side", _side()),
                ("number", models.PositiveIntegerField(default=1)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("content", models.JSONField()),
                ("sealed_at", models.DateTimeField(blank=True, null=True)),
                ("sealer", models.JSONField(blank=True, default=dict)),
                ("random", models.CharField(blank=True, default="", max_length=32)),
                ("digest", models.CharField(blank=True, default="", max_length=64)),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
                ("round", _to("priorities.round", related_name="rankings")),
            ],
        ),
        migrations.AddConstraint("round", models.UniqueConstraint(
            fields=("relationship",), condition=models.Q(("ended_at", None)), name="one_open_round_of_priorities")),
        migrations.AddConstraint("ranking", models.UniqueConstraint(
            fields=("side", "round"), name="one_ranking_a_side")),
        migrations.RunSQL(WALL, NO_WALL),
        migrations.RunSQL(KINDS, NO_KINDS),
    ]  # fmt: skip
