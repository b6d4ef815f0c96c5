"""Whether somebody wants mail is theirs alone; the room's clock learns who, and no more."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import MINE, PERSON, Policy, raised

OWN = f"person_id = {PERSON}"
OWNER = "CREATE POLICY reviews_bymail_owner ON reviews_bymail TO CURRENT_USER USING (true);"
WHO = """
CREATE FUNCTION comity_by_mail() RETURNS TABLE (person uuid, relationship uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT b.person_id, b.relationship_id FROM public.reviews_bymail b JOIN public.parties_membership m
    ON m.person_id = b.person_id AND m.relationship_id = b.relationship_id WHERE m.left_at IS NULL $$;
"""


class Migration(migrations.Migration):
    """A policy and a function."""

    dependencies: ClassVar = [("reviews", "0003_by_mail"), ("parties", "0002_wall")]
    operations: ClassVar = [
        *raised(Policy("reviews_bymail", OWN, f"{OWN} AND {MINE}", OWN, OWN)),
        migrations.RunSQL(OWNER, migrations.RunSQL.noop),
        migrations.RunSQL(WHO, "DROP FUNCTION comity_by_mail()"),
    ]
