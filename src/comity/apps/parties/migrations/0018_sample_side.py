"""The side as which a sample is looked at: its one person changes it, in a sample alone."""

from typing import ClassVar

from django.db import migrations

SWITCH = """
CREATE FUNCTION comity_switch_sample(asked_side text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place();
BEGIN
    IF mine.id IS NULL OR asked_side IS NULL OR asked_side NOT IN ('customer', 'provider') OR NOT EXISTS (
            SELECT 1 FROM public.parties_relationship WHERE id = mine.relationship_id AND is_sample) THEN
        RETURN 'place_ended';
    END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    UPDATE public.parties_membership SET side = asked_side WHERE id = mine.id;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    """A function of the owner."""

    dependencies: ClassVar = [("parties", "0017_samples")]
    operations: ClassVar = [migrations.RunSQL(SWITCH, "DROP FUNCTION comity_switch_sample(text)")]
