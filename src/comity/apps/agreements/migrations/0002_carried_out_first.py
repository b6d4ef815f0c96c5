"""Requests that a proposed change be carried out before it is signed, and that their ten working days are over.

A step names its own side and person, follows from the last one, and is never changed. That the days are over is
nobody's step: the owner's function says so in the log, once. It does not know the agreed calendar; what it checks is
that ten working days can have passed at all.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

WALL = """
ALTER TABLE agreements_firststep ENABLE ROW LEVEL SECURITY;
ALTER TABLE agreements_firststep FORCE ROW LEVEL SECURITY;
CREATE POLICY agreements_firststep_reads ON agreements_firststep FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()));
CREATE POLICY agreements_firststep_adds ON agreements_firststep FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND EXISTS (
        SELECT 1 FROM agreements_change c WHERE c.id = change_id AND c.number IS NOT NULL
        AND c.relationship_id = (SELECT comity_relationship())));
CREATE POLICY agreements_firststep_owner ON agreements_firststep TO CURRENT_USER USING (
    relationship_id = comity_relationship());

CREATE FUNCTION comity_guard_first_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE last public.agreements_firststep; asked public.agreements_firststep;
BEGIN
    IF (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), public.comity_side(), public.comity_person()) THEN
        RETURN NEW;  -- the policies refuse it
    END IF;
    SELECT * INTO last FROM public.agreements_firststep WHERE change_id = NEW.change_id ORDER BY number DESC LIMIT 1;
    SELECT * INTO asked FROM public.agreements_firststep WHERE change_id = NEW.change_id AND kind = 'ask'
        ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600
        OR EXISTS (SELECT 1 FROM public.agreements_step s WHERE s.change_id = NEW.change_id
            AND s.kind IN ('agree', 'decline', 'withdraw', 'lapse'))
        OR NOT coalesce(CASE NEW.kind
            WHEN 'ask' THEN coalesce(last.kind, 'decline') IN ('decline', 'take_back')
                AND NEW.first_day >= (clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date
            WHEN 'accept' THEN last.kind = 'ask' AND last.side <> NEW.side AND last.revision = NEW.revision
                AND last.first_day >= (clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date
            WHEN 'decline' THEN last.kind = 'ask' AND last.side <> NEW.side AND btrim(NEW.reason) <> ''
            WHEN 'take_back' THEN last.kind IN ('ask', 'accept') AND (asked.side = NEW.side
                OR (last.kind = 'accept' AND last.at < clock_timestamp() - interval '9 days'))
        END, false) THEN
        RAISE EXCEPTION 'comity: this step of the request is not the viewer''s to take now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_first_step BEFORE INSERT ON agreements_firststep
    FOR EACH ROW EXECUTE FUNCTION comity_guard_first_step();

-- What the last revision of a change says of itself.
CREATE FUNCTION comity_change_says(asked uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT s.content->'new'->'says' FROM public.agreements_step s
    WHERE s.change_id = asked AND s.relationship_id = public.comity_relationship() AND s.content ? 'new'
    ORDER BY s.number DESC LIMIT 1 $$;

-- In the log, once for each acceptance: it was neither agreed nor taken back by its day.
CREATE FUNCTION comity_first_overdue(asked uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); last public.agreements_firststep; which integer; line jsonb;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    SELECT * INTO last FROM public.agreements_firststep WHERE change_id = asked AND relationship_id = here
        ORDER BY number DESC LIMIT 1;
    SELECT number INTO which FROM public.agreements_change WHERE id = asked AND relationship_id = here;
    IF NOT coalesce(last.kind = 'accept' AND last.at < clock_timestamp() - interval '9 days', false)
        OR EXISTS (SELECT 1 FROM public.agreements_step s WHERE s.change_id = asked
            AND s.kind IN ('agree', 'decline', 'withdraw', 'lapse')) THEN
        RAISE EXCEPTION 'comity: nothing is overdue here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    line := jsonb_build_object('number', which, 'title', coalesce(public.comity_change_says(asked)->>'title', ''),
        'step', last.id);
    IF EXISTS (SELECT 1 FROM public.audit_event WHERE relationship_id = here AND event = 'first_overdue'
        AND data = line) THEN RETURN false; END IF;
    PERFORM public.comity_audit_nobody(here, 'first_overdue', 'agreement', NULL, line);
    RETURN true;
END $$;

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON agreements_firststep TO %I', app);
    EXECUTE format($policy$
        CREATE POLICY audit_event_first_overdue ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'first_overdue')
    $policy$, app);
END $do$;
"""
NO_WALL = """
DROP POLICY audit_event_first_overdue ON audit_event;
DROP FUNCTION comity_first_overdue(uuid);
DROP FUNCTION comity_change_says(uuid);
DROP TRIGGER comity_guard_first_step ON agreements_firststep;
DROP FUNCTION comity_guard_first_step();
"""
SIDES = [("customer", "customer"), ("provider", "provider")]
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    """A table, its policies and trigger, and a function of the owner."""

    dependencies: ClassVar = [
        ("agreements", "0001_initial"),
        ("audit", "0006_renewed_invitations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="FirstStep",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("name", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("revision", models.PositiveIntegerField()),
                ("first_day", models.DateField(blank=True, null=True)),
                ("under_reserve", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, default="", max_length=2000)),
                ("change", models.ForeignKey(on_delete=CASCADE, related_name="first_steps", to="agreements.change")),
                ("person", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("relationship", models.ForeignKey(on_delete=CASCADE, related_name="+", to="parties.relationship")),
            ],
            options={"ordering": ["change", "number"]},
        ),
        migrations.AddConstraint(
            "firststep", models.UniqueConstraint(fields=("change", "number"), name="one_first_step_of_a_number")
        ),
        migrations.RunSQL(WALL, NO_WALL),
    ]
