"""Which organisations somebody sees, worked out once a query and not for each row anew."""

from typing import ClassVar

from django.db import migrations

READS = (
    "ALTER POLICY parties_organisation_reads ON parties_organisation USING (id IN ("
    "SELECT customer_id FROM parties_relationship UNION ALL SELECT provider_id FROM parties_relationship))"
)
READ_BEFORE = (
    "ALTER POLICY parties_organisation_reads ON parties_organisation USING (EXISTS (SELECT 1 FROM "
    "parties_relationship r WHERE parties_organisation.id IN (r.customer_id, r.provider_id)))"
)


class Migration(migrations.Migration):
    """The same rows as before."""

    dependencies: ClassVar = [("parties", "0007_in_order")]
    operations: ClassVar = [migrations.RunSQL(READS, READ_BEFORE)]
