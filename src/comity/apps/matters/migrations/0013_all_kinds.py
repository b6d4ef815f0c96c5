"""All kinds of matters: their fields, where what was agreed stands, and what each step keeps of its clock."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

# A policy and a trigger read the column that becomes longer: they go for a moment and come back as they were.
BEFORE = """
DROP POLICY matters_step_of_the_viewer ON matters_step;
DROP TRIGGER comity_audit_step ON matters_step;
"""
AFTER = """
DO $do$ BEGIN EXECUTE format($policy$
    CREATE POLICY matters_step_of_the_viewer ON matters_step AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
        move NOT IN ('remind', 'deem') AND person_id = (SELECT comity_person())
        AND side IS NOT DISTINCT FROM (SELECT comity_side()))
$policy$, current_setting('comity.app_role')); END $do$;
CREATE TRIGGER comity_audit_step AFTER INSERT ON matters_step FOR EACH ROW
    WHEN (NEW.person_id IS NULL AND NEW.move IN ('remind', 'deem')) EXECUTE FUNCTION comity_audit_step();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("matters", "0012_disputes"),
        ("parties", "0018_sample_side"),
    ]

    operations = [
        migrations.RunSQL(BEFORE),
        migrations.RemoveIndex(
            model_name="matter",
            name="matter_open",
        ),
        migrations.RemoveIndex(
            model_name="matter",
            name="matter_to_do",
        ),
        migrations.RemoveIndex(
            model_name="matter",
            name="matter_open_disputes",
        ),
        migrations.RemoveIndex(
            model_name="matter",
            name="matter_open_claims",
        ),
        migrations.RemoveField(
            model_name="matter",
            name="began",
        ),
        migrations.AddField(
            model_name="matter",
            name="about",
            field=models.CharField(blank=True, db_default="", default="", max_length=12),
        ),
        migrations.AddField(
            model_name="matter",
            name="about_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddField(
            model_name="matter",
            name="acknowledged",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="answers_paused",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="answers_with",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="parties.membership",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="asks_paused",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="asks_with",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="parties.membership",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="aware_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="becomes",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="matter",
            name="before",
            field=models.TextField(blank=True, db_default="", default="", max_length=4000),
        ),
        migrations.AddField(
            model_name="matter",
            name="cause",
            field=models.TextField(blank=True, db_default="", default="", max_length=4000),
        ),
        migrations.AddField(
            model_name="matter",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="debtor",
            field=models.CharField(
                blank=True,
                choices=[("", "none"), ("customer", "customer"), ("provider", "provider")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="declined_counters",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="department",
            field=models.CharField(blank=True, db_default="", default="", max_length=80),
        ),
        migrations.AddField(
            model_name="matter",
            name="done_by",
            field=models.CharField(
                blank=True,
                choices=[("", "none"), ("customer", "customer"), ("provider", "provider")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="event_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="external_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=80),
        ),
        migrations.AddField(
            model_name="matter",
            name="external_system",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="matter",
            name="external_url",
            field=models.CharField(blank=True, db_default="", default="", max_length=400),
        ),
        migrations.AddField(
            model_name="matter",
            name="failed",
            field=models.CharField(
                blank=True,
                choices=[("", "none"), ("customer", "customer"), ("provider", "provider")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="first_due_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="formal_under",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.AddField(
            model_name="matter",
            name="last_beside",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="level",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="matters.matter",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="moved",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="offer_by",
            field=models.CharField(
                blank=True,
                choices=[("", "none"), ("customer", "customer"), ("provider", "provider")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="offer_day",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="offer_due",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="offer_move",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="matter",
            name="price",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddField(
            model_name="matter",
            name="promise",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="prompted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="matters.matter",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="proposes",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="matter",
            name="rest_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="rest_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="serves",
            field=models.CharField(
                blank=True,
                choices=[("", "none"), ("customer", "customer"), ("provider", "provider")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="untold",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="matter",
            name="wording",
            field=models.TextField(blank=True, db_default="", default="", max_length=4000),
        ),
        migrations.AddField(
            model_name="opened",
            name="first_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="day",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="entered_later",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="step",
            name="level",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="step",
            name="link",
            field=models.CharField(
                blank=True,
                choices=[("chosen", "Chosen"), ("structure", "Structure"), ("default", "Default")],
                db_default="",
                default="",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="mark",
            field=models.CharField(
                blank=True,
                choices=[("under_reserve", "Under Reserve"), ("without_prejudice", "Without Prejudice")],
                db_default="",
                default="",
                max_length=17,
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="paused_s",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="received_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="recorded_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="reply_by",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="saw",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="stood",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AlterField(
            model_name="matter",
            name="kind",
            field=models.CharField(
                choices=[
                    ("question", "Question"),
                    ("need", "Need"),
                    ("problem", "Problem"),
                    ("request", "Request"),
                    ("failure", "Failure"),
                    ("complaint", "Complaint"),
                    ("offer", "Offer"),
                    ("proposal", "Proposal"),
                    ("warning", "Warning"),
                    ("decision", "Decision"),
                    ("untold", "Untold"),
                    ("dispute", "Dispute"),
                    ("claim", "Claim"),
                    ("action", "Action"),
                    ("correction", "Correction"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="matter",
            name="state",
            field=models.CharField(
                choices=[
                    ("asked", "Asked"),
                    ("asked_back_b", "Asked Back B"),
                    ("countered", "Countered"),
                    ("asked_back_a", "Asked Back A"),
                    ("agreed", "Agreed"),
                    ("done", "Done"),
                    ("answered", "Answered"),
                    ("declined", "Declined"),
                    ("withdrawn", "Withdrawn"),
                    ("confirmed", "Confirmed"),
                    ("deemed", "Deemed"),
                    ("let_off", "Let Off"),
                    ("broken", "Broken"),
                    ("merged", "Merged"),
                ],
                default="asked",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="move",
            field=models.CharField(
                choices=[
                    ("raise", "Raise"),
                    ("agree", "Agree"),
                    ("counter", "Counter"),
                    ("ask_back", "Ask Back"),
                    ("reply", "Reply"),
                    ("decline", "Decline"),
                    ("withdraw", "Withdraw"),
                    ("close", "Close"),
                    ("merge", "Merge"),
                    ("done", "Done"),
                    ("cannot", "Cannot"),
                    ("confirm", "Confirm"),
                    ("not_done", "Not Done"),
                    ("let_off", "Let Off"),
                    ("other_day", "Other Day"),
                    ("pause", "Pause"),
                    ("take", "Take"),
                    ("take_back", "Take Back"),
                    ("reopen", "Reopen"),
                    ("comment", "Comment"),
                    ("acknowledge", "Acknowledge"),
                    ("escalate", "Escalate"),
                    ("bring_down", "Bring Down"),
                    ("hand_over", "Hand Over"),
                    ("object", "Object"),
                    ("remind", "Remind"),
                    ("late", "Late"),
                    ("warn", "Warn"),
                    ("deem", "Deem"),
                    ("break", "Break"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                condition=models.Q(("state__in", ("asked", "asked_back_b", "countered", "asked_back_a"))),
                fields=["relationship", "reply_by", "id"],
                name="matter_open",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                condition=models.Q(("promise", True), ("state__in", ("agreed", "deemed", "done"))),
                fields=["relationship", "due_on", "id"],
                name="matter_to_do",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                condition=models.Q(
                    ("kind", "dispute"), ("state__in", ("asked", "asked_back_b", "countered", "asked_back_a"))
                ),
                fields=["relationship", "period"],
                name="matter_open_disputes",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                condition=models.Q(
                    ("kind", "claim"), ("state__in", ("asked", "asked_back_b", "countered", "asked_back_a"))
                ),
                fields=["relationship", "to_day", "from_day"],
                name="matter_open_claims",
            ),
        ),
        migrations.RunSQL(AFTER),
    ]
