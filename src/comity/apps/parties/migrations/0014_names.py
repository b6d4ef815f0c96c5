"""No name holds control characters, line breaks or the beginning of a link, whatever way it came in.

`names.py` says the same with a sentence. Names from before stay as they are (NOT VALID) until they are next changed.
"""

from typing import ClassVar

from django.db import migrations

TABLES = ("parties_person", "parties_organisation", "parties_token")
ODD = r"[\u0001-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069\ufeff]"
LINK = r"://|\mwww\.|[[:alnum:]]\.[[:alpha:]]{2,}(/|:[0-9])"
CHECKS = "".join(
    f"ALTER TABLE {table} ADD CONSTRAINT {table}_plain_name CHECK (name !~ '{ODD}' AND name !~* '{LINK}') NOT VALID;\n"
    for table in TABLES
)
NO_CHECKS = "".join(f"ALTER TABLE {table} DROP CONSTRAINT {table}_plain_name;\n" for table in TABLES)


class Migration(migrations.Migration):
    """Checks on three tables."""

    dependencies: ClassVar = [("parties", "0013_cache")]
    operations: ClassVar = [migrations.RunSQL(CHECKS, NO_CHECKS)]
