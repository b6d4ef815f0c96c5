"""Days of which the room asks the side that served whether it had been told; answered once, by that side alone.

The room's job adds the days, as whichever lead it runs as: a question says nothing for either side. The answer is
written by a function of the owner, with the answering side's viewer; "no" names the `untold` matter that it became.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

TOLD = """
ALTER TABLE matters_toldquestion ENABLE ROW LEVEL SECURITY;
ALTER TABLE matters_toldquestion FORCE ROW LEVEL SECURITY;
CREATE POLICY matters_toldquestion_reads ON matters_toldquestion FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY matters_toldquestion_adds ON matters_toldquestion FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND told IS NULL AND answered_at IS NULL AND person_id IS NULL
    AND matter_id IS NULL AND day < (now() AT TIME ZONE 'Etc/GMT-14')::date);
CREATE POLICY matters_toldquestion_owner ON matters_toldquestion TO CURRENT_USER
    USING (relationship_id = (SELECT comity_relationship()))
    WITH CHECK (relationship_id = (SELECT comity_relationship()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON matters_toldquestion TO %I', current_setting('comity.app_role'));
END $do$;
CREATE FUNCTION comity_answer_told(asked uuid, says boolean, made uuid) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE q public.matters_toldquestion;
BEGIN
    SELECT * INTO q FROM public.matters_toldquestion
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    IF NOT coalesce(q.told IS NULL AND says IS NOT NULL AND q.side = public.comity_side()
        AND public.comity_person() IN (SELECT public.comity_able(q.side, '{lead,analyst}'))
        AND (made IS NULL) = says AND (says OR EXISTS (SELECT 1 FROM public.matters_matter m
            WHERE m.id = made AND m.relationship_id = q.relationship_id AND m.kind = 'untold' AND m.asks = q.side
            AND m.from_day = q.day)), false) THEN
        RAISE EXCEPTION 'comity: this is not the viewer''s to answer now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.matters_toldquestion SET told = says, matter_id = made, person_id = public.comity_person(),
        answered_at = clock_timestamp() WHERE id = q.id;
END $$;
"""


class Migration(migrations.Migration):
    """A table, its policies, and the function that answers."""

    dependencies: ClassVar = [
        ("matters", "0019_formal_notices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ToldQuestion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("day", models.DateField()),
                ("queue", models.CharField(blank=True, max_length=80)),
                ("locked", models.FloatField()),
                ("offered", models.FloatField()),
                ("band", models.FloatField()),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("told", models.BooleanField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "matter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="matters.matter",
                    ),
                ),
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
                "ordering": ["day", "queue"],
                "constraints": [
                    models.UniqueConstraint(fields=["relationship", "day", "queue"], name="one_told_question_a_day")
                ],
            },
        ),
        migrations.RunSQL(TOLD),
    ]
