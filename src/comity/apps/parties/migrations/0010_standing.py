"""Where somebody stands, found and looked from in one step, however many relationships the room has."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import PERSON

# Arrays, which are worked out once a query and then found by index: as sets they were read through row by row.
JOINED = f"SELECT relationship_id FROM parties_membership WHERE person_id = {PERSON} AND left_at IS NULL"
NAMED = "SELECT unnest(ARRAY[customer_id, provider_id]) FROM parties_relationship"
READS = f"""
ALTER POLICY parties_relationship_reads ON parties_relationship USING (id = ANY (ARRAY({JOINED})));
ALTER POLICY parties_organisation_reads ON parties_organisation USING (id = ANY (ARRAY({NAMED})));
"""
READ_BEFORE = f"""
ALTER POLICY parties_relationship_reads ON parties_relationship USING (id IN ({JOINED}));
ALTER POLICY parties_organisation_reads ON parties_organisation USING (id IN (
    SELECT customer_id FROM parties_relationship UNION ALL SELECT provider_id FROM parties_relationship));
"""

PARTS = {
    "membership": (
        "id uuid, relationship_id uuid, person_id uuid, side varchar, role varchar, stands_in_for_id uuid, "
        "stands_in_until date, joined_at timestamptz, left_at timestamptz"
    ),
    "relationship": (
        "id uuid, customer_id uuid, provider_id uuid, founded_at timestamptz, reply_days smallint, "
        "closes_on_day smallint"
    ),
    "customer": "id uuid, name varchar, kind varchar, placeholder boolean",
    "provider": "id uuid, name varchar, kind varchar, placeholder boolean",
    "person": "id uuid, email varchar, name varchar, language varchar, is_active boolean, joined_at timestamptz",
}
COLUMNS = [(part, *column.split()) for part, columns in PARTS.items() for column in columns.split(", ")]
GIVES = ", ".join(f'"{part}.{name}" {kind}' for part, name, kind in COLUMNS)
FINDS = ", ".join(f"{part}.{name}" for part, name, _ in COLUMNS)
# Runs as whoever asks, whom the wall holds as anywhere; PL/pgSQL, which keeps the plan as long as the connection.
STAND = f"""
CREATE FUNCTION comity_stand(who uuid, asked uuid) RETURNS TABLE ({GIVES}) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('comity.person', who::text, true), set_config('comity.viewer', '', true);
    RETURN QUERY SELECT {FINDS} FROM parties_membership membership
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
    """The same rows as before, and a function."""

    dependencies: ClassVar = [("parties", "0009_access_reviews")]
    operations: ClassVar = [
        migrations.RunSQL(READS, READ_BEFORE),
        migrations.RunSQL(STAND, "DROP FUNCTION comity_stand(uuid, uuid)"),
    ]
