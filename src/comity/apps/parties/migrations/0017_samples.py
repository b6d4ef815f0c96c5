"""Sample relationships, which one person looks around in; and what an invitation is to, for whoever holds its token."""

from typing import ClassVar

from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION comity_begin_sample(on_side text, own text, other text) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE made uuid := public.comity_begin(on_side, own, 'external', other, 'external');
BEGIN
    UPDATE public.parties_relationship SET is_sample = true
        WHERE id = (SELECT relationship_id FROM public.parties_membership WHERE id = made);
    RETURN made;
END $$;

-- Nobody is in it any more, so that nobody reads it; the room removes its records.
CREATE FUNCTION comity_end_sample() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE mine public.parties_membership := public.comity_locked_place();
BEGIN
    IF mine.id IS NULL OR NOT EXISTS (SELECT 1 FROM public.parties_relationship
            WHERE id = mine.relationship_id AND is_sample) THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    UPDATE public.parties_membership SET left_at = clock_timestamp()
        WHERE relationship_id = mine.relationship_id AND left_at IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION comity_is_ended_sample(asked uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.parties_relationship WHERE id = asked AND is_sample)
    AND NOT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = asked AND left_at IS NULL) $$;

-- Whoever leads a sample leads none of its organisations elsewhere.
CREATE OR REPLACE FUNCTION comity_led_organisations() RETURNS TABLE (id uuid, name text, kind text) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT o.id, o.name::text, o.kind::text FROM public.parties_membership m
    JOIN public.parties_relationship r ON r.id = m.relationship_id AND NOT r.is_sample
    JOIN public.parties_organisation o
        ON o.id = CASE m.side WHEN 'customer' THEN r.customer_id WHEN 'provider' THEN r.provider_id END
    WHERE m.person_id = public.comity_person() AND m.role = 'lead' AND m.left_at IS NULL AND NOT o.placeholder $$;

-- By whom, to what and as what: for whoever has the token of an invitation that is open.
CREATE FUNCTION comity_invitation_of(word_digest text)
    RETURNS TABLE (person text, customer text, provider text, side text, role text) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.name::text, a.name::text, b.name::text, i.side::text, i.role::text FROM public.parties_invitation i
    JOIN public.parties_membership m ON m.id = i.made_by_id JOIN public.parties_person p ON p.id = m.person_id
    JOIN public.parties_relationship r ON r.id = i.relationship_id
    JOIN public.parties_organisation a ON a.id = r.customer_id
    JOIN public.parties_organisation b ON b.id = r.provider_id
    WHERE i.digest = word_digest AND i.withdrawn_at IS NULL AND i.accepted_by_id IS NULL AND i.expires_at > now() $$;
"""


STAND = """
-- As before, with one more column of the relationship.
DROP FUNCTION comity_stand(uuid, uuid);
CREATE FUNCTION comity_stand(who uuid, asked uuid) RETURNS TABLE (
    "membership.id" uuid, "membership.relationship_id" uuid, "membership.person_id" uuid,
    "membership.side" varchar, "membership.role" varchar, "membership.stands_in_for_id" uuid,
    "membership.stands_in_until" date, "membership.joined_at" timestamptz, "membership.left_at"
    timestamptz, "relationship.id" uuid, "relationship.customer_id" uuid, "relationship.provider_id"
    uuid, "relationship.founded_at" timestamptz, "relationship.reply_days" smallint,
    "relationship.closes_on_day" smallint, "relationship.is_sample" boolean, "customer.id" uuid,
    "customer.name" varchar, "customer.kind" varchar, "customer.placeholder" boolean, "provider.id"
    uuid, "provider.name" varchar, "provider.kind" varchar, "provider.placeholder" boolean, "person.id"
    uuid, "person.email" varchar, "person.name" varchar, "person.language" varchar, "person.is_active"
    boolean, "person.joined_at" timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('comity.person', who::text, true), set_config('comity.viewer', '', true);
    RETURN QUERY SELECT membership.id, membership.relationship_id, membership.person_id, membership.side,
        membership.role,
        membership.stands_in_for_id, membership.stands_in_until, membership.joined_at, membership.left_at,
        relationship.id, relationship.customer_id, relationship.provider_id, relationship.founded_at,
        relationship.reply_days, relationship.closes_on_day, relationship.is_sample, customer.id,
        customer.name, customer.kind, customer.placeholder, provider.id, provider.name, provider.kind,
        provider.placeholder, person.id, person.email, person.name, person.language, person.is_active,
        person.joined_at FROM parties_membership membership
        JOIN parties_relationship relationship ON relationship.id = membership.relationship_id
        JOIN parties_organisation customer ON customer.id = relationship.customer_id
        JOIN parties_organisation provider ON provider.id = relationship.provider_id
        JOIN parties_person person ON person.id = membership.person_id
        WHERE membership.person_id = who AND membership.relationship_id = asked AND membership.left_at IS NULL;
    PERFORM set_config('comity.viewer', id::text, true) FROM parties_membership
        WHERE person_id = who AND relationship_id = asked AND left_at IS NULL;
END $$;
"""


class Migration(migrations.Migration):
    """A column, and functions of the owner."""

    dependencies: ClassVar = [("parties", "0016_one_organisation"), ("audit", "0003_wall")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="relationship", name="is_sample", field=models.BooleanField(db_default=False, default=False)
        ),
        migrations.RunSQL([FUNCTIONS, STAND]),
    ]
