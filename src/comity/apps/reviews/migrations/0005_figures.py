"""A confirmation is for figures: it holds them and their digest, and becomes void when they change.

Confirmations of periods that were not frozen yet held no figures, so that nobody knows what they confirmed: they are
void from here on, and the clock tells both sides. Those of frozen periods stay as they are.
"""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import JSONField, Value

# Row-level security holds the owner too: it is lifted for this one statement, within the migration's transaction.
VOID = """
ALTER TABLE reviews_confirmation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_entry NO FORCE ROW LEVEL SECURITY;
UPDATE reviews_confirmation c SET void_at = now(), void_reason = 'before' WHERE NOT EXISTS (
    SELECT 1 FROM reviews_entry e WHERE e.relationship_id = c.relationship_id AND e.period = c.period
    AND e.kind = 'frozen');
ALTER TABLE reviews_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_confirmation FORCE ROW LEVEL SECURITY;
"""
NO_FIGURES = Value({}, JSONField())
NOBODY = Value([], JSONField())


class Migration(migrations.Migration):
    """Columns, with defaults in the database; one valid confirmation for each side and period."""

    dependencies: ClassVar = [("reviews", "0004_by_mail_wall")]
    operations: ClassVar = [
        migrations.AddField(
            "confirmation", "name", models.CharField(blank=True, default="", db_default="", max_length=120)
        ),
        migrations.AddField(
            "confirmation", "role", models.CharField(blank=True, default="", db_default="", max_length=12)
        ),
        migrations.AddField(
            "confirmation", "stood_in_for", models.CharField(blank=True, default="", db_default="", max_length=120)
        ),
        migrations.AddField(
            "confirmation", "digest", models.CharField(blank=True, default="", db_default="", max_length=64)
        ),
        migrations.AddField(
            "confirmation", "figures", models.JSONField(blank=True, default=dict, db_default=NO_FIGURES)
        ),
        migrations.AddField(
            "confirmation", "reminded_to", models.JSONField(blank=True, default=list, db_default=NOBODY)
        ),
        migrations.AddField("confirmation", "void_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "confirmation",
            "void_reason",
            models.CharField(
                blank=True,
                choices=[("figures", "Figures"), ("before", "Before")],
                default="",
                db_default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "confirmation", "void_figures", models.JSONField(blank=True, default=dict, db_default=NO_FIGURES)
        ),
        migrations.AddField("confirmation", "void_told_at", models.DateTimeField(blank=True, null=True)),
        migrations.RemoveConstraint("confirmation", "one_word_a_side"),
        migrations.AddConstraint(
            "confirmation",
            models.UniqueConstraint(
                fields=["relationship", "period", "side"],
                condition=models.Q(void_at=None),
                name="one_valid_word_a_side",
            ),
        ),
        migrations.RunSQL(VOID, migrations.RunSQL.noop),
    ]
