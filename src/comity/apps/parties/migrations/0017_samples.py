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


class Migration(migrations.Migration):
    """A column, and functions of the owner."""

    dependencies: ClassVar = [("parties", "0016_one_organisation"), ("audit", "0003_wall")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="relationship", name="is_sample", field=models.BooleanField(db_default=False, default=False)
        ),
        migrations.RunSQL(FUNCTIONS),
    ]
