"""What a change is worth to a side in money: read and written by that side alone."""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE agreements_benefitamount ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_benefitamount FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_benefitamount_own ON agreements_benefitamount USING (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())) WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON agreements_benefitamount TO %I', app);
END $do$;
"""
SIDES = [("customer", "customer"), ("provider", "provider")]
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


def _amount() -> Any:  # noqa: ANN401 - a field
    return models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)


class Migration(migrations.Migration):
    """A table and its policy."""

    dependencies: ClassVar = [
        ("agreements", "0011_decided"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="BenefitAmount",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("expected", _amount()),
                ("came", _amount()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("change", models.ForeignKey(on_delete=CASCADE, related_name="+", to="agreements.change")),
                ("person", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("relationship", models.ForeignKey(on_delete=CASCADE, related_name="+", to="parties.relationship")),
            ],
        ),
        migrations.AddConstraint(
            "benefitamount",
            models.UniqueConstraint(fields=("side", "relationship", "change"), name="one_amount_a_side"),
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
    ]
