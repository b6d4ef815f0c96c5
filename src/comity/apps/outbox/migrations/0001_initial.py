"""Mails that wait: the app adds them and reads none; jobs take one by its id."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

WALL = """
ALTER TABLE outbox_waitingmail ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_waitingmail FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_waitingmail_adds ON outbox_waitingmail FOR INSERT WITH CHECK (
    relationship_id IS NULL OR relationship_id = (SELECT comity_relationship()));
CREATE POLICY outbox_waitingmail_owner ON outbox_waitingmail TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE FUNCTION comity_take_mail(mail uuid) RETURNS bytea LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT payload FROM public.outbox_waitingmail WHERE id = mail FOR UPDATE $$;
CREATE FUNCTION comity_mail_sent(mail uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    DELETE FROM public.outbox_waitingmail WHERE id = mail $$;
DO $do$ BEGIN
    EXECUTE format('GRANT INSERT ON outbox_waitingmail TO %I', current_setting('comity.app_role'));
END $do$;
"""
NO_WALL = "DROP FUNCTION comity_take_mail(uuid); DROP FUNCTION comity_mail_sent(uuid);"


class Migration(migrations.Migration):
    """One table, which only functions of the owner read."""

    initial = True
    dependencies: ClassVar = [("parties", "0014_names")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="WaitingMail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("payload", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "relationship",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="parties.relationship",
                    ),
                ),
            ],
            options={"ordering": ["created_at"]},
        ),
        migrations.RunSQL(WALL, NO_WALL),
    ]
