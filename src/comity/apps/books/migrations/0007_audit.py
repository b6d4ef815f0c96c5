"""Events of before find the files that they were about, where only one file of their side has the name."""

from typing import ClassVar

from django.db import migrations

SUBJECTS = """
ALTER TABLE audit_event NO FORCE ROW LEVEL SECURITY;
ALTER TABLE books_delivery NO FORCE ROW LEVEL SECURITY;
UPDATE audit_event event SET subject_id = found.id FROM (
    SELECT e.id AS event_id, min(d.id::text)::uuid AS id FROM audit_event e
    JOIN books_delivery d ON d.relationship_id = e.relationship_id AND d.name = e.data->>'name'
        AND (e.event = 'delivery_read') <> (d.side IS NOT DISTINCT FROM e.side)
        AND (e.event LIKE 'correction_%') = (d.corrects <> '{}')
    WHERE e.subject_type = 'delivery' AND e.subject_id IS NULL
    GROUP BY e.id HAVING count(*) = 1) found
WHERE event.id = found.event_id;
ALTER TABLE books_delivery FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    """Ids into events."""

    dependencies: ClassVar = [("books", "0006_corrections"), ("audit", "0003_wall")]
    operations: ClassVar = [migrations.RunSQL([SUBJECTS])]
