"""A token is its person's alone; who it lets in is found by its word."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import PERSON, Policy, raised

OWNER = "CREATE POLICY parties_token_owner ON parties_token TO CURRENT_USER USING (true);"
FINDING = """
CREATE FUNCTION comity_token(word_digest text) RETURNS TABLE (person uuid, writes boolean) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.person_id, t.writes FROM public.parties_token t JOIN public.parties_person p ON p.id = t.person_id
    WHERE t.digest = word_digest AND t.revoked_at IS NULL AND t.expires_at > now() AND p.is_active $$;
"""
MINE = f"person_id = {PERSON}"


class Migration(migrations.Migration):
    """A policy and a function."""

    dependencies: ClassVar = [("parties", "0004_token")]
    operations: ClassVar = [
        *raised(Policy("parties_token", MINE, MINE, MINE, columns=("revoked_at",))),
        migrations.RunSQL(OWNER, migrations.RunSQL.noop),
        migrations.RunSQL(FINDING, "DROP FUNCTION comity_token(text)"),
    ]
