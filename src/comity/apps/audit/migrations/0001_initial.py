"""The table of events."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """One table."""

    initial = True
    dependencies: ClassVar = [("parties", "0014_names")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "side",
                    models.CharField(
                        blank=True,
                        choices=[("customer", "customer"), ("provider", "provider")],
                        max_length=8,
                        null=True,
                    ),
                ),
                ("event", models.CharField(max_length=30)),
                ("subject_type", models.CharField(blank=True, max_length=20, null=True)),
                ("subject_id", models.UUIDField(blank=True, null=True)),
                ("data", models.JSONField(blank=True, default=dict)),
                ("shared", models.BooleanField(default=False)),
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
                "db_table": "audit_event",
                "ordering": ["-at"],
                "indexes": [
                    models.Index(fields=["relationship", "-at", "-id"], name="audit_newest_first"),
                    models.Index(
                        condition=Q(event="access_reviewed"),
                        fields=["relationship", "-at"],
                        name="audit_access_reviews",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(subject_id=None) | ~Q(subject_type=None), name="audit_subject_has_type"
                    )
                ],
            },
        ),
    ]
