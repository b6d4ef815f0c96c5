"""Preferences, what was mailed and up to when digests reach: each person's own.

Which of its people a side hears through is nobody's to read either: the job that mails an event learns it by a function
that gives the choices of the viewer's relationship, and somebody who turns their own off learns where they were the
last.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE notifications_preference ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications_preference FORCE ROW LEVEL SECURITY;
CREATE POLICY notifications_preference_own ON notifications_preference
    USING (person_id = (SELECT comity_person())) WITH CHECK (person_id = (SELECT comity_person()));
CREATE POLICY notifications_preference_owner ON notifications_preference FOR SELECT TO CURRENT_USER USING (true);

ALTER TABLE notifications_sentnotification ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications_sentnotification FORCE ROW LEVEL SECURITY;
CREATE POLICY notifications_sentnotification_own ON notifications_sentnotification
    USING (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()))
    WITH CHECK (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()));

ALTER TABLE notifications_digestposition ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications_digestposition FORCE ROW LEVEL SECURITY;
CREATE POLICY notifications_digestposition_own ON notifications_digestposition
    USING (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()))
    WITH CHECK (person_id = (SELECT comity_person()) AND relationship_id = (SELECT comity_relationship()));

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE (timing) ON notifications_preference TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON notifications_sentnotification TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE (until, at) ON notifications_digestposition TO %I', app);
END $do$;
"""

FUNCTIONS = """
CREATE FUNCTION comity_notification_timings() RETURNS TABLE (person uuid, topic text, timing text) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.person_id, p.topic, p.timing FROM public.notifications_preference p JOIN public.parties_membership m
    ON m.person_id = p.person_id WHERE m.relationship_id = public.comity_relationship() AND m.left_at IS NULL $$;

CREATE FUNCTION comity_told_alone() RETURNS TABLE (name text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT c.name || ', ' || v.name FROM public.parties_membership mine
    JOIN public.parties_relationship r ON r.id = mine.relationship_id
    JOIN public.parties_organisation c ON c.id = r.customer_id
    JOIN public.parties_organisation v ON v.id = r.provider_id
    WHERE mine.person_id = public.comity_person() AND mine.role = 'lead' AND mine.left_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM public.parties_membership other JOIN public.parties_person p ON p.id = other.person_id
        WHERE other.relationship_id = mine.relationship_id AND other.side = mine.side AND other.role = 'lead'
        AND other.left_at IS NULL AND other.id <> mine.id AND p.is_active AND NOT EXISTS (
            SELECT 1 FROM public.notifications_preference off
            WHERE off.person_id = other.person_id AND off.topic = 'move' AND off.timing = 'off')) $$;

CREATE FUNCTION comity_members() RETURNS TABLE (person uuid, relationship uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT m.person_id, m.relationship_id FROM public.parties_membership m
    JOIN public.parties_person p ON p.id = m.person_id WHERE m.left_at IS NULL AND p.is_active $$;
"""


class Migration(migrations.Migration):
    """Three tables, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("audit", "0005_late_deliveries"),
        ("parties", "0016_one_organisation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Preference",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("move", "Move"),
                            ("late", "Late"),
                            ("file", "File"),
                            ("final", "Final"),
                            ("comment", "Comment"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "timing",
                    models.CharField(
                        choices=[("at_once", "At Once"), ("daily", "Daily"), ("off", "Off")], max_length=10
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "topic"), name="one_timing_a_topic")],
            },
        ),
        migrations.CreateModel(
            name="SentNotification",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="audit.auditevent"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
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
                "constraints": [models.UniqueConstraint(fields=("person", "event"), name="one_notification_an_event")],
            },
        ),
        migrations.CreateModel(
            name="DigestPosition",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
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
                "constraints": [models.UniqueConstraint(fields=("relationship", "person"), name="one_digest_position")],
            },
        ),
        migrations.RunSQL([WALL, FUNCTIONS]),
    ]
