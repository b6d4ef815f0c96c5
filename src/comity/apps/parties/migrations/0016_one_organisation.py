"""An organisation is one row, however many relationships it is in: whoever leads it there uses it here too.

Rows that were made twice are one once somebody who leads both says so; a name alone makes nothing one.
"""

from typing import ClassVar

from django.db import migrations

POLICIES = """
CREATE POLICY parties_relationship_owner_joins ON parties_relationship FOR UPDATE TO CURRENT_USER
    USING (id = (SELECT comity_relationship())) WITH CHECK (id = (SELECT comity_relationship()));
-- The function below looks, for a moment, for the relationships that one organisation is in, whoever is in them.
CREATE POLICY parties_relationship_owner_counts ON parties_relationship FOR SELECT TO CURRENT_USER USING (
    nullif(current_setting('comity.organisation', true), '')::uuid IN (customer_id, provider_id));
CREATE POLICY parties_organisation_owner_reads ON parties_organisation FOR SELECT TO CURRENT_USER USING (
    id = nullif(current_setting('comity.organisation', true), '')::uuid);
CREATE POLICY parties_organisation_owner_joins ON parties_organisation FOR DELETE TO CURRENT_USER USING (
    id = nullif(current_setting('comity.organisation', true), '')::uuid);
"""
NO_POLICIES = """
DROP POLICY parties_relationship_owner_joins ON parties_relationship;
DROP POLICY parties_relationship_owner_counts ON parties_relationship;
DROP POLICY parties_organisation_owner_reads ON parties_organisation;
DROP POLICY parties_organisation_owner_joins ON parties_organisation;
"""

LED = """
CREATE FUNCTION comity_led_organisations() RETURNS TABLE (id uuid, name text, kind text) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT o.id, o.name::text, o.kind::text FROM public.parties_membership m
    JOIN public.parties_relationship r ON r.id = m.relationship_id
    JOIN public.parties_organisation o
        ON o.id = CASE m.side WHEN 'customer' THEN r.customer_id WHEN 'provider' THEN r.provider_id END
    WHERE m.person_id = public.comity_person() AND m.role = 'lead' AND m.left_at IS NULL AND NOT o.placeholder $$;
"""

BEGIN = """
CREATE FUNCTION comity_begin_for(on_side text, ours uuid, other text, other_kind text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE theirs uuid := gen_random_uuid(); there uuid := gen_random_uuid(); place public.parties_membership; own text;
BEGIN
    SELECT l.name INTO own FROM public.comity_led_organisations() l WHERE l.id = ours;
    IF NOT FOUND THEN RETURN NULL; END IF;
    INSERT INTO public.parties_organisation (id, name, kind, placeholder) VALUES (theirs, other, other_kind, true);
    INSERT INTO public.parties_relationship (id, customer_id, provider_id, founded_at, reply_days, closes_on_day)
        VALUES (there, CASE on_side WHEN 'customer' THEN ours ELSE theirs END,
            CASE on_side WHEN 'customer' THEN theirs ELSE ours END, now(), 10, 10);
    INSERT INTO public.parties_membership (id, relationship_id, person_id, side, role, joined_at)
        VALUES (gen_random_uuid(), there, public.comity_person(), on_side, 'lead', now()) RETURNING * INTO place;
    PERFORM set_config('comity.viewer', place.id::text, true);
    PERFORM public.comity_audit(place, 'relationship_founded', 'relationship', there, jsonb_build_object(
        'customer', CASE on_side WHEN 'customer' THEN own ELSE other END,
        'provider', CASE on_side WHEN 'customer' THEN other ELSE own END), true);
    RETURN place.id;
END $$;
"""

JOIN = """
CREATE FUNCTION comity_use_organisation(asked uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); there public.parties_relationship;
    before uuid; old text; new text;
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' OR mine.side IS NULL THEN RETURN 'leads_only'; END IF;
    SELECT * INTO there FROM public.parties_relationship WHERE id = mine.relationship_id;
    before := CASE mine.side WHEN 'customer' THEN there.customer_id ELSE there.provider_id END;
    SELECT l.name INTO new FROM public.comity_led_organisations() l WHERE l.id = asked;
    IF NOT FOUND OR asked = before THEN RETURN 'not_led'; END IF;
    IF asked IN (there.customer_id, there.provider_id) THEN RETURN 'serves_itself'; END IF;
    SELECT name INTO old FROM public.parties_organisation WHERE id = before;
    UPDATE public.parties_relationship SET
        customer_id = CASE mine.side WHEN 'customer' THEN asked ELSE customer_id END,
        provider_id = CASE mine.side WHEN 'provider' THEN asked ELSE provider_id END WHERE id = there.id;
    PERFORM set_config('comity.organisation', before::text, true);
    DELETE FROM public.parties_organisation o WHERE o.id = before AND NOT EXISTS (
        SELECT 1 FROM public.parties_relationship r WHERE before IN (r.customer_id, r.provider_id));
    PERFORM set_config('comity.organisation', '', true);
    PERFORM public.comity_audit(mine, 'organisation_joined', 'relationship', there.id,
        jsonb_build_object('old', old, 'new', new), true);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    """Functions of the owner, and what they may change."""

    dependencies: ClassVar = [("parties", "0015_no_prose"), ("audit", "0003_wall")]
    operations: ClassVar = [
        migrations.RunSQL(POLICIES, NO_POLICIES),
        migrations.RunSQL(LED, "DROP FUNCTION comity_led_organisations()"),
        migrations.RunSQL(BEGIN, "DROP FUNCTION comity_begin_for(text, uuid, text, text)"),
        migrations.RunSQL(JOIN, "DROP FUNCTION comity_use_organisation(uuid)"),
    ]
