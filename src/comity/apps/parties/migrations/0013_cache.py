"""One cache for all workers: used one-time codes, and how often somebody did something. It holds no row of anybody."""

from typing import ClassVar

from django.db import migrations

TABLE = """
CREATE TABLE comity_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX comity_cache_expires ON comity_cache (expires);
DO $do$ BEGIN EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON comity_cache TO %I',
    current_setting('comity.app_role')); END $do$;
"""


class Migration(migrations.Migration):
    """A table."""

    dependencies: ClassVar = [("parties", "0012_places")]
    operations: ClassVar = [migrations.RunSQL(TABLE, "DROP TABLE comity_cache")]
