"""What a change was held against when it was signed, and what each side says of its benefit afterwards.

Both belong to an agreed change, are added under one's own name, and are never changed: a baseline once for a figure, so
that nobody puts another in its place once it is known what came.
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE agreements_baseline ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_baseline FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_baseline_reads ON agreements_baseline FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_baseline_adds ON agreements_baseline FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND abs(extract(epoch FROM at - clock_timestamp())) <= 600 AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.place IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));

ALTER TABLE agreements_benefitword ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_benefitword FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_benefitword_reads ON agreements_benefitword FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_benefitword_adds ON agreements_benefitword FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND answer IN ('yes', 'partly', 'no')
    AND abs(extract(epoch FROM at - clock_timestamp())) <= 600 AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.place IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON agreements_baseline, agreements_benefitword TO %I', app);
END $do$;
"""
SIDES = [("customer", "customer"), ("provider", "provider")]


def _of(related_name: str, more: list[Any]) -> list[Any]:
    """Return the fields of a table whose rows a side adds to a change."""
    cascade, protect = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT
    return [
        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
        ("side", models.CharField(choices=SIDES, max_length=8)),
        ("at", models.DateTimeField(default=django.utils.timezone.now)),
        *more,
        ("change", models.ForeignKey(on_delete=cascade, related_name=related_name, to="agreements.change")),
        ("person", models.ForeignKey(on_delete=protect, related_name="+", to=settings.AUTH_USER_MODEL)),
        ("relationship", models.ForeignKey(on_delete=cascade, related_name="+", to="parties.relationship")),
    ]


class Migration(migrations.Migration):
    """Two tables and their policies."""

    dependencies: ClassVar = [
        ("agreements", "0004_term_days"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Baseline",
            fields=_of(
                "baselines",
                [
                    ("figure", models.CharField(max_length=400)),
                    ("unit", models.CharField(max_length=40)),
                    ("count", models.PositiveIntegerField()),
                    ("mean", models.FloatField()),
                    ("spread", models.FloatField(blank=True, null=True)),
                    ("low", models.FloatField(blank=True, null=True)),
                    ("high", models.FloatField(blank=True, null=True)),
                ],
            ),
            options={"ordering": ["change", "figure"]},
        ),
        migrations.CreateModel(
            name="BenefitWord",
            fields=_of(
                "benefit_words",
                [
                    ("answer", models.CharField(max_length=8)),
                    ("because", models.CharField(blank=True, default="", max_length=1000)),
                ],
            ),
            options={"ordering": ["at", "id"]},
        ),
        migrations.AddConstraint(
            "baseline", models.UniqueConstraint(fields=("change", "figure"), name="one_baseline_of_a_figure")
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
    ]
