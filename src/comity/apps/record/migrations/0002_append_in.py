"""Entries may be appended to a relationship that is named, and are found by their subject.

`comity_append` stays what it was: of the viewer's relationship. The ledger makes entries by the thousand, so that those
of one subject have an index.
"""

from typing import ClassVar

from django.db import migrations, models

APPEND = """
-- An entry after the last one of a relationship, whose row the caller has locked. Runs as whoever calls it.
CREATE FUNCTION comity_append_in(here uuid, what text, asked_type text, asked_subject text, said jsonb) RETURNS integer
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE place integer; before text; whole jsonb;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.record_kind WHERE (subject_type, kind) = (asked_type, what)) THEN
        RAISE EXCEPTION 'comity: no kind of entry that is registered';
    END IF;
    SELECT number, digest INTO place, before FROM public.record_entry WHERE relationship_id = here
        ORDER BY number DESC LIMIT 1;
    place := coalesce(place, 0) + 1;
    before := coalesce(before, repeat('0', 64));
    SELECT jsonb_build_object('kind', what, 'relationship', here,
            'parties', jsonb_build_object('customer', a.name, 'provider', b.name),
            'recorded_at', public.comity_moment(now())) || said
        INTO whole FROM public.parties_relationship r JOIN public.parties_organisation a ON a.id = r.customer_id
        JOIN public.parties_organisation b ON b.id = r.provider_id WHERE r.id = here;
    INSERT INTO public.record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, previous,
            digest)
        VALUES (gen_random_uuid(), here, place, what, asked_type, asked_subject, now(), whole, before,
            public.comity_digest('[' || place || ',"' || before || '",' || public.comity_canonical(whole) || ']'));
    RETURN place;
END $$;
REVOKE EXECUTE ON FUNCTION comity_append_in(uuid, text, text, text, jsonb) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """A function and an index."""

    dependencies: ClassVar = [("record", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(APPEND, "DROP FUNCTION comity_append_in(uuid, text, text, text, jsonb)"),
        migrations.AddIndex(
            "entry", models.Index(fields=["relationship", "subject_type", "subject"], name="record_by_subject")
        ),
    ]
