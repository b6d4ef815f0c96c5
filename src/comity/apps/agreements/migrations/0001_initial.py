"""Changes of the agreement, their saved drafts and their steps; the limits that a side notes for itself; marks.

What one side drafts is its own until it proposes it or shares it. A step names its side and its person, and is never
changed. A change gets its number from the owner's function, under the relationship's lock; it is agreed where the
record has an entry for it, which takes both sides' word.
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]
KIND = """
INSERT INTO record_kind (subject_type, kind, settles, roles)
VALUES ('agreement', 'agreement', true, '{lead,executive,finance,analyst,roster,member}')
"""
NO_KIND = "DELETE FROM record_kind WHERE subject_type = 'agreement'"

WALL = """
ALTER TABLE agreements_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_change FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_change_reads ON agreements_change FOR SELECT USING (
    relationship_id = (SELECT comity_relationship())
    AND (number IS NOT NULL OR side = (SELECT comity_side()) OR (shared AND (SELECT comity_side()) IS NOT NULL)));
CREATE POLICY agreements_change_adds ON agreements_change FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND number IS NULL AND place IS NULL AND NOT shared);
CREATE POLICY agreements_change_shares ON agreements_change FOR UPDATE USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()) AND number IS NULL)
    WITH CHECK (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()) AND number IS NULL
    AND shared);
CREATE POLICY agreements_change_drops ON agreements_change FOR DELETE USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()) AND number IS NULL
    AND NOT shared);
CREATE POLICY agreements_change_owner ON agreements_change TO CURRENT_USER USING (
    relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());

ALTER TABLE agreements_draft ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_draft FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_draft_reads ON agreements_draft FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND (
        track = (SELECT comity_side()) OR (track = 'shared' AND (SELECT comity_side()) IS NOT NULL)));
CREATE POLICY agreements_draft_adds ON agreements_draft FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.relationship_id = (SELECT comity_relationship())
        AND (track = (SELECT comity_side()) OR (track = 'shared' AND c.shared))));
CREATE POLICY agreements_draft_drops ON agreements_draft FOR DELETE USING (
    relationship_id = (SELECT comity_relationship()) AND track = (SELECT comity_side()));

ALTER TABLE agreements_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_step FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_step_reads ON agreements_step FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_step_adds ON agreements_step FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND kind NOT IN ('agree', 'lapse') AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));
CREATE POLICY agreements_step_owner ON agreements_step TO CURRENT_USER USING (
    relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());

ALTER TABLE agreements_limit ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_limit FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_limit_own ON agreements_limit USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())) WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()));

ALTER TABLE agreements_reasonmark ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_reasonmark FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_reasonmark_reads ON agreements_reasonmark FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_reasonmark_adds ON agreements_reasonmark FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));

-- A number for a draft of one's own side; `beyond` is what the book held before the room did.
CREATE FUNCTION comity_number_change(draft uuid, beyond integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
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

-- A change is agreed where the record has its entry, which took both sides' word; its last step says so.
CREATE FUNCTION comity_agree_change(asked uuid, step uuid, step_number integer, moment timestamptz, said jsonb)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE (shared), DELETE ON agreements_change TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON agreements_draft TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON agreements_step, agreements_reasonmark TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON agreements_limit TO %I', app);
END $do$;
"""
NO_WALL = """
DROP FUNCTION comity_agree_change(uuid, uuid, integer, timestamptz, jsonb);
DROP FUNCTION comity_number_change(uuid, integer);
"""

# Figures by a wording of the agreement are agreed where the entry that it names changes its clause.
FIGURES = """
CREATE OR REPLACE FUNCTION comity_are_figures_agreed(here uuid, figures jsonb) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(figures) = 'object' AND NOT EXISTS (SELECT 1 FROM jsonb_each(
        CASE jsonb_typeof(figures) WHEN 'object' THEN figures ELSE '{}' END) f WHERE
        coalesce(f.value->'definition'->'agreed', 'true') <> 'true'
        OR (coalesce(f.value->'definition'->'entry', 'null') <> 'null' AND NOT EXISTS (
            SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here
            AND to_jsonb(e.number) = f.value->'definition'->'entry'
            AND ((e.subject_type = 'kpis' AND e.content @> jsonb_build_object('content', jsonb_build_object(
                    'kpis', jsonb_build_array(jsonb_build_object('id', f.value->'definition'->'id')))))
                OR (e.subject_type = 'agreement' AND EXISTS (
                    SELECT 1 FROM jsonb_array_elements(e.content->'content'->'change'->'edits') edit
                    WHERE f.value->'definition'->'id' IN (edit->'add', edit->'set')))))))
$$;
"""
OLD_FIGURES = """
CREATE OR REPLACE FUNCTION comity_are_figures_agreed(here uuid, figures jsonb) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(figures) = 'object' AND NOT EXISTS (SELECT 1 FROM jsonb_each(
        CASE jsonb_typeof(figures) WHEN 'object' THEN figures ELSE '{}' END) f WHERE
        coalesce(f.value->'definition'->'agreed', 'true') <> 'true'
        OR (coalesce(f.value->'definition'->'entry', 'null') <> 'null' AND NOT EXISTS (
            SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here AND e.subject_type = 'kpis'
            AND to_jsonb(e.number) = f.value->'definition'->'entry'
            AND e.content @> jsonb_build_object('content', jsonb_build_object('kpis', jsonb_build_array(
                jsonb_build_object('id', f.value->'definition'->'id')))))))
$$;
"""


def _id() -> Any:  # noqa: ANN401 - a field and its name, as below
    return ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False))


def _to(model: str, **options: Any) -> Any:  # noqa: ANN401 - as Django takes them
    on_delete = options.pop("on_delete", django.db.models.deletion.CASCADE)
    return models.ForeignKey(on_delete=on_delete, to=model, **{"related_name": "+", **options})


def _person(**options: Any) -> Any:  # noqa: ANN401 - as above
    return _to(settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.PROTECT, **options)


def _side(**options: Any) -> Any:  # noqa: ANN401 - as above
    return models.CharField(choices=SIDES, max_length=8, **options)


class Migration(migrations.Migration):
    """Five tables, their policies, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("kpis", "0002_agreed_figures"),
        ("parties", "0018_sample_side"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Change",
            fields=[
                _id(),
                ("number", models.PositiveIntegerField(blank=True, null=True)),
                ("side", _side()),
                ("shared", models.BooleanField(default=False)),
                ("begun_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("place", models.PositiveIntegerField(blank=True, null=True)),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": [models.F("number").asc(nulls_last=True), "begun_at", "id"]},
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                _id(),
                ("track", models.CharField(
                    choices=[("shared", "Shared"), ("customer", "Customer"), ("provider", "Provider")], max_length=8)),
                ("number", models.PositiveIntegerField()),
                ("side", _side()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("content", models.JSONField()),
                ("change", _to("agreements.change", related_name="drafts")),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": ["change", "track", "number"]},
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                _id(),
                ("number", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("side", _side(blank=True, default="")),
                ("at", models.DateTimeField()),
                ("content", models.JSONField(default=dict)),
                ("change", _to("agreements.change", related_name="steps")),
                ("person", _person(blank=True, null=True)),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": ["change", "number"]},
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                _id(),
                ("side", _side()),
                ("kind", models.CharField(max_length=8)),
                ("clause", models.CharField(blank=True, default="", max_length=80)),
                ("least", models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ("most", models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ("note", models.CharField(blank=True, default="", max_length=400)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": ["kind", "clause"]},
        ),
        migrations.CreateModel(
            name="ReasonMark",
            fields=[
                _id(),
                ("side", _side()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sufficient", models.BooleanField()),
                ("because", models.CharField(blank=True, default="", max_length=1000)),
                ("change", _to("agreements.change", related_name="marks")),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.AddConstraint("change", models.UniqueConstraint(
            fields=("relationship", "number"), name="one_change_a_number")),
        migrations.AddConstraint("change", models.UniqueConstraint(
            fields=("relationship", "place"), name="one_change_a_place")),
        migrations.AddConstraint("draft", models.UniqueConstraint(
            fields=("change", "track", "number"), name="one_save_a_number")),
        migrations.AddConstraint("step", models.UniqueConstraint(
            fields=("change", "number"), name="one_step_of_a_number")),
        migrations.AddConstraint("limit", models.UniqueConstraint(
            fields=("side", "relationship", "kind", "clause"), name="one_limit_of_a_kind")),
        migrations.RunSQL(WALL, NO_WALL),
        migrations.RunSQL(KIND, NO_KIND),
        migrations.RunSQL(FIGURES, OLD_FIGURES),
    ]  # fmt: skip
