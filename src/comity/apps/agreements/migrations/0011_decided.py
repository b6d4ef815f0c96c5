"""On which day a change was decided, as the side says that received it: added in one's own name, never changed."""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE agreements_decidedword ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_decidedword FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_decidedword_reads ON agreements_decidedword FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_decidedword_adds ON agreements_decidedword FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND btrim(because) <> ''
    AND abs(extract(epoch FROM at - clock_timestamp())) <= 600
    AND side <> coalesce(nullif(comity_change_says(change_id)->>'on_behalf_of', ''),
        comity_change_says(change_id)->>'proposed_by'));

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON agreements_decidedword TO %I', app);
END $do$;
"""
SIDES = [("customer", "customer"), ("provider", "provider")]
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    """A table and its policies."""

    dependencies: ClassVar = [
        ("agreements", "0010_signers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="DecidedWord",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("day", models.DateField()),
                ("because", models.CharField(max_length=1000)),
                ("change", models.ForeignKey(on_delete=CASCADE, related_name="decided_words", to="agreements.change")),
                ("person", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("relationship", models.ForeignKey(on_delete=CASCADE, related_name="+", to="parties.relationship")),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
    ]
