"""What a step, an early start and a signed file say of people is what the database knows of them.

Without these a side could, past the room, sign in a role that somebody does not hold, have another's name stand under
its request, say of a file that it holds signatures of whomever it likes, or write what no page can show.
"""

from typing import ClassVar

from django.db import migrations

GUARDS = """
CREATE FUNCTION comity_guard_signer() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE signer jsonb := NEW.content->'signer';
BEGIN
    IF NEW.kind IN ('agree', 'lapse') OR (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), public.comity_side(), public.comity_person()) THEN
        RETURN NEW;  -- the owner's functions add it, or the policies refuse it
    END IF;
    IF (NEW.kind = 'sign' AND signer IS NULL) OR (signer IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM public.parties_membership m
        LEFT JOIN public.parties_membership o ON o.id = m.stands_in_for_id AND o.left_at IS NULL
            AND m.stands_in_until >= (clock_timestamp() AT TIME ZONE 'UTC')::date
        LEFT JOIN public.parties_person p ON p.id = o.person_id
        WHERE m.relationship_id = NEW.relationship_id AND m.person_id = NEW.person_id AND m.side = NEW.side
            AND m.left_at IS NULL
            AND ((signer->>'role' = m.role AND coalesce(signer->>'deputy_for', '') = ''
                    AND coalesce(signer->>'deputy_for_id', '') = '')
                OR (signer->>'role' = o.role AND signer->>'deputy_for' = p.name
                    AND signer->>'deputy_for_id' = p.id::text)))) THEN
        RAISE EXCEPTION 'comity: this person does not sign in that role'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_signer BEFORE INSERT ON agreements_step
    FOR EACH ROW EXECUTE FUNCTION comity_guard_signer();

-- As `signed_pdf.FoundSignature` has each: what a page reads of it is there, and is of its type.
CREATE FUNCTION comity_are_signatures(listed jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
    SET search_path = public, pg_temp AS $$
DECLARE one jsonb; part text;
BEGIN
    IF jsonb_typeof(listed) IS DISTINCT FROM 'array' OR jsonb_array_length(listed) NOT BETWEEN 1 AND 20 THEN
        RETURN false;
    END IF;
    FOR one IN SELECT * FROM jsonb_array_elements(listed) LOOP
        IF jsonb_typeof(one) <> 'object' OR jsonb_typeof(one->'trusted') IS DISTINCT FROM 'boolean'
            OR (SELECT count(*) FROM jsonb_object_keys(one)) <> 7 THEN
            RETURN false;
        END IF;
        FOREACH part IN ARRAY ARRAY['signer', 'organisation', 'issuer', 'said_at', 'stamped_at', 'valid_until'] LOOP
            IF jsonb_typeof(one->part) IS DISTINCT FROM 'string' OR length(one->>part) > 400 THEN RETURN false; END IF;
            IF part LIKE '%\\_at' AND one->>part <> '' THEN PERFORM (one->>part)::timestamptz; END IF;
        END LOOP;
    END LOOP;
    RETURN true;
EXCEPTION WHEN data_exception THEN RETURN false;  -- a moment that is none
END $$;

DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY agreements_firststep_name ON agreements_firststep AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            name = (SELECT p.name FROM parties_person p WHERE p.id = (SELECT comity_person())));
        CREATE POLICY agreements_signedfile_found ON agreements_signedfile AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
            comity_are_signatures(found));
    $policy$, app, app);
END $do$;
"""
NO_GUARDS = """
DROP POLICY agreements_signedfile_found ON agreements_signedfile;
DROP POLICY agreements_firststep_name ON agreements_firststep;
DROP FUNCTION comity_are_signatures(jsonb);
DROP TRIGGER comity_guard_signer ON agreements_step;
DROP FUNCTION comity_guard_signer();
"""


class Migration(migrations.Migration):
    """A trigger and two policies."""

    dependencies: ClassVar = [("agreements", "0009_guards"), ("parties", "0019_named_at")]
    operations: ClassVar = [migrations.RunSQL(GUARDS, NO_GUARDS)]
