"""The wall between the sides, as row-level security: what each table's policy is, said in one line of a migration.

A viewer is two settings of the transaction: `comity.person`, who is signed in, and `comity.viewer`, the membership that
they act in. From these the database itself works out the relationship and the side; a request that sets neither sees
nothing, and one that sets a membership that is not the person's sees nothing either. The app's role owns no table
and cannot pass by the policies, and FORCE holds them against the owner too.

Frozen: the migrations that import it have landed, and what they did never changes. A new migration writes its SQL out
as text, as `outbox/migrations/0001_initial.py` does.
"""

from dataclasses import dataclass

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION comity_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('comity.person', true), '')::uuid;
CREATE FUNCTION comity_relationship() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT relationship_id FROM public.parties_membership
    WHERE id = nullif(current_setting('comity.viewer', true), '')::uuid
        AND person_id = nullif(current_setting('comity.person', true), '')::uuid AND left_at IS NULL $$;
CREATE FUNCTION comity_side() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT side FROM public.parties_membership
    WHERE id = nullif(current_setting('comity.viewer', true), '')::uuid
        AND person_id = nullif(current_setting('comity.person', true), '')::uuid AND left_at IS NULL $$;
"""
NO_FUNCTIONS = "DROP FUNCTION comity_side(); DROP FUNCTION comity_relationship(); DROP FUNCTION comity_person();"

# Sub-selects, so that each is worked out once a query and not once a row.
RELATIONSHIP = "(SELECT comity_relationship())"
SIDE = "(SELECT comity_side())"
PERSON = "(SELECT comity_person())"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rows of a table a viewer reads, may add, and may change; what is not said is not allowed.

    :ivar changes: None for a table whose rows are only ever added
    :ivar removes: None where rows stay
    """

    table: str
    reads: str
    adds: str
    changes: str | None = None
    removes: str | None = None
    columns: tuple[str, ...] = ()  # that may be changed; none said: all

    def sql(self) -> str:
        """What makes it so."""
        table, rights = self.table, ["SELECT", "INSERT"]
        lines = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {table}_reads ON {table} FOR SELECT USING ({self.reads})",
            f"CREATE POLICY {table}_adds ON {table} FOR INSERT WITH CHECK ({self.adds})",
        ]
        if self.changes:
            rights.append(f"UPDATE ({', '.join(self.columns)})" if self.columns else "UPDATE")
            lines.append(
                f"CREATE POLICY {table}_changes ON {table} FOR UPDATE "
                f"USING ({self.changes}) WITH CHECK ({self.changes})"
            )
        if self.removes:
            rights.append("DELETE")
            lines.append(f"CREATE POLICY {table}_removes ON {table} FOR DELETE USING ({self.removes})")
        return "; ".join([*lines, granted(table, ", ".join(rights))]) + ";"


MINE = f"relationship_id = {RELATIONSHIP}"
OWN = f"{MINE} AND side = {SIDE}"


def shared(table: str, *, by: str = MINE, changes: bool = True) -> Policy:
    """Rows that both sides of the relationship read.

    :param by: who may add and change them: both, or only the side that a row names (`OWN`)
    """
    return Policy(table, MINE, by, by if changes else None)


def own(table: str, *, changes: bool = True) -> Policy:
    """Rows that one side keeps to itself: those that name it in `side`."""
    return Policy(table, OWN, OWN, OWN if changes else None, OWN if changes else None)


def granted(table: str, rights: str) -> str:
    """Rights of the app's role, named by the setting `comity.app_role` of the migrating connection."""
    return (
        f"DO $do$ BEGIN EXECUTE format('GRANT {rights} ON {table} TO %I', current_setting('comity.app_role')); END $do$"
    )


def raised(*policies: Policy) -> list[migrations.RunSQL]:
    """The operations of a migration that put policies on tables."""
    return [migrations.RunSQL(policy.sql(), migrations.RunSQL.noop) for policy in policies]
