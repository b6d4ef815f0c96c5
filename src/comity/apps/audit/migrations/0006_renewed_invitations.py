"""An invitation gets a new link, and the old one stops working: by a lead of the side that may withdraw it.

What the token of its mail is, the database does not know: only the digest of the new one takes the old one's place.
"""

from typing import ClassVar

from django.db import migrations

RENEW = """
CREATE FUNCTION comity_renew_invitation(asked uuid, word_digest text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); asked_for public.parties_invitation;
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    SELECT i.* INTO asked_for FROM public.parties_invitation i
        JOIN public.parties_membership maker ON maker.id = i.made_by_id AND maker.left_at IS NULL
        WHERE i.id = asked AND i.relationship_id = mine.relationship_id AND i.accepted_by_id IS NULL
        AND i.withdrawn_at IS NULL AND (i.side IS NULL OR i.side = mine.side OR maker.side = mine.side);
    IF NOT FOUND THEN RETURN 'invitation_ended'; END IF;
    -- Somebody neutral has no link before the other side has agreed.
    IF asked_for.side IS NULL AND asked_for.agreed_by_id IS NULL THEN RETURN 'other_side_agrees'; END IF;
    UPDATE public.parties_invitation SET digest = word_digest, expires_at = now() + interval '14 days' WHERE id = asked;
    PERFORM public.comity_audit(mine, 'invitation_renewed', 'invitation', asked,
        jsonb_build_object('role', asked_for.role, 'side', asked_for.side), asked_for.side IS DISTINCT FROM mine.side);
    RETURN NULL;
END $$;
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format($policy$
        CREATE POLICY audit_event_renewed ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event <> 'invitation_renewed')
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A function of the owner, and a policy."""

    dependencies: ClassVar = [("audit", "0005_late_deliveries"), ("parties", "0018_sample_side")]
    operations: ClassVar = [
        migrations.RunSQL(
            RENEW,
            "DROP FUNCTION comity_renew_invitation(uuid, text); DROP POLICY audit_event_renewed ON audit_event;",
        )
    ]
