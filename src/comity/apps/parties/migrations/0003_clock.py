"""From where the room's own clock looks: somebody who leads, in each relationship."""

from typing import ClassVar

from django.db import migrations

LEADS = """
CREATE FUNCTION comity_leads() RETURNS TABLE (person uuid, relationship uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT DISTINCT ON (relationship_id) person_id, relationship_id FROM public.parties_membership
    WHERE role = 'lead' AND left_at IS NULL ORDER BY relationship_id, joined_at $$;
"""


class Migration(migrations.Migration):
    """One function."""

    dependencies: ClassVar = [("parties", "0002_wall")]
    operations: ClassVar = [migrations.RunSQL(LEADS, "DROP FUNCTION comity_leads()")]
