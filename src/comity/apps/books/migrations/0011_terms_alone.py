"""One side changes the terms alone until the other has joined, and not again once the other's people have left."""

from typing import ClassVar

from django.db import migrations

POLICY = """
DROP POLICY books_termsstep_adds ON books_termsstep;
CREATE POLICY books_termsstep_adds ON books_termsstep FOR INSERT WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())
    AND person_id = (SELECT comity_person()) AND (change = 'proposed' OR CASE change
        WHEN 'changed' THEN NOT EXISTS (SELECT FROM parties_membership other
            WHERE other.relationship_id = books_termsstep.relationship_id
            AND other.side = CASE books_termsstep.side WHEN 'customer' THEN 'provider' ELSE 'customer' END)
        ELSE comity_terms_proposed_by() = CASE WHEN change = 'withdrawn' THEN side
            WHEN side = 'customer' THEN 'provider' ELSE 'customer' END END));
"""


class Migration(migrations.Migration):
    """A policy."""

    dependencies: ClassVar = [("books", "0010_terms_steps")]
    operations: ClassVar = [migrations.RunSQL(POLICY, migrations.RunSQL.noop)]
