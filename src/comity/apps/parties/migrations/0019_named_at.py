"""Since when somebody bears their name, so that nobody counts as whom a text named before by taking the name.

The database notes the moment itself, whoever changes the name; nobody writes it.
"""

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models

SINCE = """
UPDATE parties_person SET named_at = joined_at;
CREATE FUNCTION comity_name_since() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.name <> OLD.name THEN
        NEW.named_at := clock_timestamp();
    ELSE
        NEW.named_at := OLD.named_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_name_since BEFORE INSERT OR UPDATE ON parties_person
    FOR EACH ROW EXECUTE FUNCTION comity_name_since();
"""
NO_SINCE = "DROP TRIGGER comity_name_since ON parties_person; DROP FUNCTION comity_name_since();"


class Migration(migrations.Migration):
    """A column and its trigger."""

    dependencies: ClassVar = [("parties", "0018_sample_side")]
    operations: ClassVar = [
        migrations.AddField(
            "person", "named_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)
        ),
        migrations.RunSQL(SINCE, NO_SINCE),
    ]
