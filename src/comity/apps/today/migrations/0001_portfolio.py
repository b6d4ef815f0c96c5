"""Relationships of a person's organisations that the person is no member of: the other's name, and whom to ask."""

from typing import ClassVar

from django.db import migrations

# The settings name, for a moment, the organisation whose rows the owner's policies then show to this function.
OTHERS = """
CREATE FUNCTION comity_other_relationships() RETURNS TABLE (
    organisation text, side text, other text, ask text) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE ours uuid; there public.parties_relationship; theirs uuid;
BEGIN
    FOR ours IN SELECT DISTINCT CASE m.side WHEN 'customer' THEN r.customer_id WHEN 'provider' THEN r.provider_id END
        FROM public.parties_membership m JOIN public.parties_relationship r ON r.id = m.relationship_id
        WHERE m.person_id = public.comity_person() AND m.left_at IS NULL AND m.side IS NOT NULL
    LOOP
        PERFORM set_config('comity.organisation', ours::text, true);
        organisation := (SELECT o.name FROM public.parties_organisation o WHERE o.id = ours);
        FOR there IN SELECT r.* FROM public.parties_relationship r WHERE ours IN (r.customer_id, r.provider_id)
            AND NOT EXISTS (SELECT 1 FROM public.parties_membership m WHERE m.relationship_id = r.id
                AND m.person_id = public.comity_person() AND m.left_at IS NULL) ORDER BY r.founded_at
        LOOP
            side := CASE ours WHEN there.customer_id THEN 'customer' ELSE 'provider' END;
            theirs := CASE side WHEN 'customer' THEN there.provider_id ELSE there.customer_id END;
            PERFORM set_config('comity.organisation', theirs::text, true);
            other := (SELECT o.name FROM public.parties_organisation o WHERE o.id = theirs);
            ask := (SELECT p.name FROM public.parties_membership m
                JOIN public.parties_person p ON p.id = m.person_id
                WHERE m.relationship_id = there.id AND m.side = comity_other_relationships.side AND m.role = 'lead'
                    AND m.left_at IS NULL ORDER BY m.joined_at, m.id LIMIT 1);
            RETURN NEXT;
            PERFORM set_config('comity.organisation', ours::text, true);
        END LOOP;
    END LOOP;
    PERFORM set_config('comity.organisation', '', true);
END $$;
"""


class Migration(migrations.Migration):
    """A function of the owner."""

    initial = True
    dependencies: ClassVar = [("parties", "0016_one_organisation")]
    operations: ClassVar = [migrations.RunSQL(OTHERS, "DROP FUNCTION comity_other_relationships()")]
