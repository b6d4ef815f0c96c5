"""PDF files that somebody takes out to sign them elsewhere, and those that came back signed.

What was taken out is its person's alone; what came back both sides read. A signature in a PDF is a step only where its
own side brought the very file that the step names, which a policy checks beside those of the table.
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]

WALL = """
ALTER TABLE agreements_takenout ADD CONSTRAINT agreements_takenout_digests CHECK (
    digest ~ '^[0-9a-f]{64}$' AND sha256 ~ '^[0-9a-f]{64}$' AND size > 0);
ALTER TABLE agreements_takenout ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_takenout FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_takenout_reads ON agreements_takenout FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()));
CREATE POLICY agreements_takenout_adds ON agreements_takenout FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));

ALTER TABLE agreements_signedfile ADD CONSTRAINT agreements_signedfile_digest CHECK (
    sha256 = encode(sha256(content), 'hex') AND size = octet_length(content));
ALTER TABLE agreements_signedfile ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_signedfile FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_signedfile_reads ON agreements_signedfile FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_signedfile_adds ON agreements_signedfile FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_takenout t WHERE t.id = taken_out_id AND t.change_id = agreements_signedfile.change_id
        AND t.person_id = (SELECT comity_person()) AND t.size < octet_length(content)
        AND t.sha256 = encode(sha256(substring(content FROM 1 FOR t.size)), 'hex')));

-- A step that says it was signed in a PDF names a file that this person brought for this change; no other names one.
CREATE POLICY agreements_step_file ON agreements_step AS RESTRICTIVE FOR INSERT WITH CHECK (
    kind <> 'sign'
    OR (coalesce(agreements_step.content->>'means', 'room') = 'room' AND agreements_step.content->>'file' IS NULL)
    OR EXISTS (
        SELECT 1 FROM agreements_signedfile f JOIN agreements_takenout t ON t.id = f.taken_out_id
        WHERE f.change_id = agreements_step.change_id AND f.person_id = (SELECT comity_person())
        AND agreements_step.content->>'means' = 'pdf' AND f.sha256 = agreements_step.content->>'file'
        AND t.digest = agreements_step.content->>'digest'));

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON agreements_takenout, agreements_signedfile TO %I', app);
END $do$;
"""
NO_WALL = "DROP POLICY agreements_step_file ON agreements_step"


def _id() -> Any:  # noqa: ANN401 - a field and its name, as below
    return ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False))


def _to(model: str, **options: Any) -> Any:  # noqa: ANN401 - as Django takes them
    on_delete = options.pop("on_delete", django.db.models.deletion.CASCADE)
    return models.ForeignKey(on_delete=on_delete, to=model, **{"related_name": "+", **options})


def _whose() -> Any:  # noqa: ANN401 - as above
    return [
        ("side", models.CharField(choices=SIDES, max_length=8)),
        ("person", _to(settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.PROTECT)),
        ("relationship", _to("parties.relationship")),
        ("at", models.DateTimeField(default=django.utils.timezone.now)),
        ("size", models.PositiveIntegerField()),
        ("sha256", models.CharField(max_length=64)),
    ]


class Migration(migrations.Migration):
    """Two tables and their policies."""

    dependencies: ClassVar = [
        ("agreements", "0007_stretches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="TakenOut",
            fields=[
                _id(),
                *_whose(),
                ("revision", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("sentences", models.JSONField()),
                ("retroactive", models.BooleanField()),
                ("change", _to("agreements.change")),
            ],
            options={"ordering": ["-at", "id"]},
        ),
        migrations.CreateModel(
            name="SignedFile",
            fields=[
                _id(),
                *_whose(),
                ("content", models.BinaryField()),
                ("found", models.JSONField()),
                ("change", _to("agreements.change", related_name="signed_files")),
                ("taken_out", _to("agreements.takenout", on_delete=django.db.models.deletion.PROTECT)),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.RunSQL(WALL, NO_WALL),
    ]
