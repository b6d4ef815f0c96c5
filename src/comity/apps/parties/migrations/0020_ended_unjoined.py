"""A relationship that was begun by mistake ends, while nobody but its own side has ever been in it."""

from typing import ClassVar

from django.db import migrations

FUNCTIONS = """
-- Nobody is in it any more and nobody comes in: its links end with it. The room removes its files.
CREATE FUNCTION comity_end_unjoined() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE mine public.parties_membership := public.comity_locked_place();
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' OR mine.side IS NULL THEN RETURN 'leads_only'; END IF;
    PERFORM 1 FROM public.parties_relationship WHERE id = mine.relationship_id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM public.parties_membership
            WHERE relationship_id = mine.relationship_id AND side IS DISTINCT FROM mine.side)
        THEN RETURN 'other_joined'; END IF;
    UPDATE public.parties_invitation SET withdrawn_at = clock_timestamp()
        WHERE relationship_id = mine.relationship_id AND accepted_by_id IS NULL AND withdrawn_at IS NULL;
    UPDATE public.parties_membership SET left_at = clock_timestamp()
        WHERE relationship_id = mine.relationship_id AND left_at IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION comity_is_ended_unjoined(asked uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = asked)
    AND NOT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = asked AND left_at IS NULL)
    AND (SELECT count(DISTINCT coalesce(side, 'neither')) FROM public.parties_membership
        WHERE relationship_id = asked) = 1 $$;
"""


class Migration(migrations.Migration):
    """Functions of the owner."""

    dependencies: ClassVar = [("parties", "0019_named_at")]
    operations: ClassVar = [
        migrations.RunSQL(
            FUNCTIONS, "DROP FUNCTION comity_end_unjoined(); DROP FUNCTION comity_is_ended_unjoined(uuid);"
        )
    ]
