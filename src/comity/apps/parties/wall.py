"""The wall between the sides, as row-level security: what each table's policy is, said in one line of a migration.

A viewer is two settings of the transaction: `comity.person`, who is signed in, and `comity.viewer`, the membership that
they act in. From these the database itself works out the relationship and the side; a request that sets neither sees
nothing, and one that sets a membership that is not the person's sees nothing either. The app's role owns no table
and cannot pass by the policies, and FORCE holds them against the owner too.
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
    """Which rows of a table a viewer reads, and which it may write; what is not said is not allowed."""

    table: str
    reads: str
    writes: str
    may_change: bool = True  # else rows are only ever added

    def sql(self) -> str:
        """What makes it so."""
        rights = "SELECT, INSERT, UPDATE, DELETE" if self.may_change else "SELECT, INSERT"
        lines = [
            f"ALTER TABLE {self.table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {self.table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {self.table}_reads ON {self.table} FOR SELECT USING ({self.reads})",
            f"CREATE POLICY {self.table}_adds ON {self.table} FOR INSERT WITH CHECK ({self.writes})",
        ]
        if self.may_change:
            lines += [
                f"CREATE POLICY {self.table}_changes ON {self.table} FOR UPDATE USING ({self.writes}) "
                f"WITH CHECK ({self.writes})",
                f"CREATE POLICY {self.table}_removes ON {self.table} FOR DELETE USING ({self.writes})",
            ]
        return "; ".join([*lines, granted(self.table, rights)]) + ";"


def shared(table: str, *, may_change: bool = True) -> Policy:
    """Rows that both sides of the relationship read and write."""
    mine = f"relationship_id = {RELATIONSHIP}"
    return Policy(table, mine, mine, may_change)


def own(table: str, column: str = "side", *, may_change: bool = True) -> Policy:
    """Rows that one side keeps to itself: those with its name in a column."""
    mine = f"relationship_id = {RELATIONSHIP} AND {column} = {SIDE}"
    return Policy(table, mine, mine, may_change)


def granted(table: str, rights: str) -> str:
    """Rights of the app's role, named by the setting `comity.app_role` of the migrating connection."""
    return (
        f"DO $do$ BEGIN EXECUTE format('GRANT {rights} ON {table} TO %I', current_setting('comity.app_role')); END $do$"
    )


def raised(*policies: Policy) -> list[migrations.RunSQL]:
    """The operations of a migration that put policies on tables."""
    return [migrations.RunSQL(policy.sql(), migrations.RunSQL.noop) for policy in policies]
