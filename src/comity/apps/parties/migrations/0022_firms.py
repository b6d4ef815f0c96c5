"""The firm of somebody who advises a side, and that this side engaged it: shown to both, kept with its days.

Set by leads of the side alone, by a function of the owner. A firm is never changed: it ends and another begins, so that
what somebody said then is shown with the firm that they were of then.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

FIRMS = """
ALTER TABLE parties_firm ENABLE ROW LEVEL SECURITY;
ALTER TABLE parties_firm FORCE ROW LEVEL SECURITY;
CREATE POLICY parties_firm_reads ON parties_firm FOR SELECT USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY parties_firm_owner ON parties_firm TO CURRENT_USER USING (true) WITH CHECK (true);
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT ON parties_firm TO %I', current_setting('comity.app_role'));
END $do$;
CREATE FUNCTION comity_set_firm(asked uuid, named text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); theirs public.parties_membership;
    firm_now text;
BEGIN
    SELECT * INTO theirs FROM public.parties_membership
        WHERE id = asked AND relationship_id = mine.relationship_id AND left_at IS NULL;
    IF NOT FOUND THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' OR theirs.side IS NULL OR theirs.side IS DISTINCT FROM mine.side THEN
        RETURN 'own_people';
    END IF;
    SELECT f.name INTO firm_now FROM public.parties_firm f WHERE f.membership_id = asked AND f.ended_at IS NULL;
    IF coalesce(firm_now, '') = btrim(named) THEN RETURN NULL; END IF;
    UPDATE public.parties_firm SET ended_at = clock_timestamp() WHERE membership_id = asked AND ended_at IS NULL;
    IF btrim(named) <> '' THEN
        INSERT INTO public.parties_firm (id, relationship_id, membership_id, person_id, side, name, from_at)
            VALUES (gen_random_uuid(), theirs.relationship_id, asked, theirs.person_id, theirs.side,
                left(btrim(named), 120), clock_timestamp());
    END IF;
    PERFORM public.comity_audit(mine, CASE WHEN btrim(named) = '' THEN 'firm_ended' ELSE 'firm_named' END, NULL, NULL,
        jsonb_build_object('name', public.comity_name(theirs), 'firm', coalesce(nullif(btrim(named), ''), firm_now)),
        true);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    """A table and a function."""

    dependencies: ClassVar = [("parties", "0021_in_each")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Firm",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("name", models.CharField(max_length=120)),
                ("from_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="firms", to="parties.membership"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.person"
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
            options={"ordering": ["from_at"]},
        ),
        migrations.RunSQL(FIRMS),
    ]
