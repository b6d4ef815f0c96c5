"""One statement read in each place that the person has, the wall as it stands in each of them.

Not a function of the owner: it reads with the rights of whoever calls it, which is the app's role, and sets no viewer
but places of `comity.person` that have not ended. So a page over all relationships of a person asks once for each kind
of thing, and the policies decide each relationship's rows as they do when it is looked at alone.
"""

from typing import ClassVar

from django.db import migrations

IN_EACH = """
CREATE FUNCTION comity_in_each(places uuid[], query text) RETURNS TABLE (relationship uuid, found json)
    LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE place uuid; there uuid; before text := current_setting('comity.viewer', true);
BEGIN
    FOREACH place IN ARRAY places LOOP
        PERFORM set_config('comity.viewer', place::text, true);
        there := comity_relationship();
        -- A place that has ended since, or was never the person's, reads nothing.
        CONTINUE WHEN there IS NULL;
        RETURN QUERY EXECUTE 'SELECT $1, row_to_json(one) FROM (' || query || ') one' USING there;
    END LOOP;
    PERFORM set_config('comity.viewer', coalesce(before, ''), true);
END $$;
"""


class Migration(migrations.Migration):
    """A function."""

    dependencies: ClassVar = [("parties", "0020_ended_unjoined")]
    operations: ClassVar = [migrations.RunSQL(IN_EACH, "DROP FUNCTION comity_in_each(uuid[], text)")]
