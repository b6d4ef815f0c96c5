"""Who reads and adds events, and the functions of the owner that write those of places: typed, where they wrote prose.

What both sides read and what the own side did is as it was. Events that only functions of the owner write, since they
say what the database itself has decided, the app's role cannot add in anybody's name; others in its viewer's alone.
"""

from typing import ClassVar

from django.db import migrations

WALL = """
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_event_reads ON audit_event FOR SELECT USING (
    relationship_id = (SELECT comity_relationship()) AND (shared OR side = (SELECT comity_side())));
CREATE POLICY audit_event_owner_adds ON audit_event FOR INSERT TO CURRENT_USER WITH CHECK (true);
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON audit_event TO %I', app);
    EXECUTE format($policy$
        CREATE POLICY audit_event_adds ON audit_event FOR INSERT TO %I WITH CHECK (
            relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())
            AND side IS NOT DISTINCT FROM (SELECT comity_side())
            AND event <> ALL ('{relationship_founded,member_joined,member_let_go,invitation_made,invitation_withdrawn,
                neutral_proposed,neutral_agreed,role_changed,deputy_named,deputy_ended,access_reviewed,
                matter_reminded,matter_deemed}'))
    $policy$, app);
END $do$;
"""

# Helpers, which the app cannot call. What is nobody's doing names neither person nor side, and both sides read it.
AUDIT = """
CREATE FUNCTION comity_audit(mine public.parties_membership, event text, subject_type text, subject_id uuid, data jsonb,
    shared boolean) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data,
            shared) VALUES (gen_random_uuid(), mine.relationship_id, clock_timestamp(), mine.person_id, mine.side,
            event, subject_type, subject_id, data, shared OR mine.side IS NULL) $$;
CREATE FUNCTION comity_audit_nobody(there uuid, event text, subject_type text, subject_id uuid, data jsonb)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data,
            shared) VALUES (gen_random_uuid(), there, clock_timestamp(), NULL, NULL, event, subject_type, subject_id,
            data, true) $$;
REVOKE ALL ON FUNCTION comity_audit(public.parties_membership, text, text, uuid, jsonb, boolean),
    comity_audit_nobody(uuid, text, text, uuid, jsonb) FROM PUBLIC;
"""

# The people's page, whose app stands below the log, asks for the last review of each side by a function that sees what
# the viewer sees.
ACCESS_REVIEWS = """
CREATE FUNCTION comity_review_access() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place();
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    PERFORM public.comity_audit(mine, 'access_reviewed', NULL, NULL, '{}', true);
    RETURN NULL;
END $$;
CREATE FUNCTION comity_access_reviews(there uuid) RETURNS TABLE (side text, at timestamptz, name text)
    LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (e.side) e.side, e.at, p.name FROM audit_event e JOIN parties_person p ON p.id = e.person_id
    WHERE e.relationship_id = there AND e.event = 'access_reviewed' ORDER BY e.side, e.at DESC $$;
"""

BEGIN = """
CREATE OR REPLACE FUNCTION comity_begin(on_side text, own text, own_kind text, other text, other_kind text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ours uuid := gen_random_uuid(); theirs uuid := gen_random_uuid(); there uuid := gen_random_uuid();
    place public.parties_membership;
BEGIN
    INSERT INTO public.parties_organisation (id, name, kind, placeholder)
        VALUES (ours, own, own_kind, false), (theirs, other, other_kind, true);
    INSERT INTO public.parties_relationship (id, customer_id, provider_id, founded_at, reply_days, closes_on_day)
        VALUES (there, CASE on_side WHEN 'customer' THEN ours ELSE theirs END,
            CASE on_side WHEN 'customer' THEN theirs ELSE ours END, now(), 10, 10);
    INSERT INTO public.parties_membership (id, relationship_id, person_id, side, role, joined_at)
        VALUES (gen_random_uuid(), there, public.comity_person(), on_side, 'lead', now()) RETURNING * INTO place;
    PERFORM set_config('comity.viewer', place.id::text, true);
    PERFORM public.comity_audit(place, 'relationship_founded', 'relationship', there, jsonb_build_object(
        'customer', CASE on_side WHEN 'customer' THEN own ELSE other END,
        'provider', CASE on_side WHEN 'customer' THEN other ELSE own END), true);
    RETURN place.id;
END $$;
"""

INVITATIONS = """
CREATE OR REPLACE FUNCTION comity_invite(made uuid, on_side text, as_role text, address text, word_digest text)
    RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place();
    neutral boolean := as_role IN ('surveyor', 'mediator', 'auditor');
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    IF neutral <> (on_side IS NULL) THEN RETURN 'other_kind'; END IF;
    IF on_side <> mine.side AND (as_role <> 'lead' OR public.comity_has_lead(mine.relationship_id, on_side, NULL)) THEN
        RETURN 'invites_own';
    END IF;
    INSERT INTO public.parties_invitation (id, relationship_id, side, role, email, digest, made_by_id, made_at,
            expires_at) VALUES (made, mine.relationship_id, on_side, as_role, lower(address),
            CASE WHEN neutral THEN NULL ELSE word_digest END, mine.id, clock_timestamp(), now() + interval '14 days');
    PERFORM public.comity_audit(mine, CASE WHEN neutral THEN 'neutral_proposed' ELSE 'invitation_made' END,
        'invitation', made, jsonb_build_object('role', as_role, 'side', on_side), on_side IS DISTINCT FROM mine.side);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION comity_agree(asked uuid, word_digest text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); asked_for public.parties_invitation;
    maker public.parties_membership;
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    SELECT * INTO asked_for FROM public.parties_invitation WHERE id = asked AND relationship_id = mine.relationship_id
        AND side IS NULL AND agreed_by_id IS NULL AND accepted_by_id IS NULL AND withdrawn_at IS NULL
        AND expires_at > now();
    IF NOT FOUND THEN RETURN 'invitation_ended'; END IF;
    SELECT * INTO maker FROM public.parties_membership WHERE id = asked_for.made_by_id AND left_at IS NULL;
    IF NOT FOUND THEN RETURN 'invitation_ended'; END IF;
    IF maker.side IS NOT DISTINCT FROM mine.side THEN RETURN 'other_side_agrees'; END IF;
    UPDATE public.parties_invitation SET agreed_by_id = mine.id, digest = word_digest,
        expires_at = now() + interval '14 days' WHERE id = asked;
    PERFORM public.comity_audit(mine, 'neutral_agreed', 'invitation', asked,
        jsonb_build_object('role', asked_for.role), true);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION comity_withdraw(asked uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); asked_for public.parties_invitation;
BEGIN
    IF mine.id IS NULL THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' THEN RETURN 'leads_only'; END IF;
    SELECT i.* INTO asked_for FROM public.parties_invitation i
        JOIN public.parties_membership maker ON maker.id = i.made_by_id
        WHERE i.id = asked AND i.relationship_id = mine.relationship_id AND i.accepted_by_id IS NULL
        AND i.withdrawn_at IS NULL AND (i.side IS NULL OR i.side = mine.side OR maker.side = mine.side);
    IF NOT FOUND THEN RETURN 'invitation_ended'; END IF;
    UPDATE public.parties_invitation SET withdrawn_at = now() WHERE id = asked;
    PERFORM public.comity_audit(mine, 'invitation_withdrawn', 'invitation', asked,
        jsonb_build_object('role', asked_for.role, 'side', asked_for.side), asked_for.side IS DISTINCT FROM mine.side);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION comity_join(word_digest text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE there uuid; asked public.parties_invitation; maker public.parties_membership;
    who uuid := public.comity_person(); place public.parties_membership;
BEGIN
    SELECT relationship_id INTO there FROM public.parties_invitation WHERE digest = word_digest;
    PERFORM 1 FROM public.parties_relationship WHERE id = there FOR NO KEY UPDATE;
    SELECT i.* INTO asked FROM public.parties_invitation i JOIN public.parties_person p ON p.id = who
        WHERE i.digest = word_digest AND i.withdrawn_at IS NULL AND lower(i.email) = lower(p.email);
    IF NOT FOUND THEN RETURN NULL; END IF;
    SELECT * INTO place FROM public.parties_membership
        WHERE relationship_id = there AND person_id = who AND left_at IS NULL;
    -- A second click on the same button finds the place that the first one made.
    IF FOUND THEN RETURN CASE WHEN asked.accepted_by_id = place.id THEN place.id END; END IF;
    IF asked.accepted_by_id IS NOT NULL OR asked.expires_at <= now() THEN RETURN NULL; END IF;
    SELECT * INTO maker FROM public.parties_membership WHERE id = asked.made_by_id AND left_at IS NULL;
    IF NOT FOUND OR (asked.side IS NULL AND asked.agreed_by_id IS NULL)
        OR (asked.side <> maker.side AND public.comity_has_lead(there, asked.side, NULL)) THEN RETURN NULL; END IF;
    INSERT INTO public.parties_membership (id, relationship_id, person_id, side, role, joined_at)
        VALUES (gen_random_uuid(), there, who, asked.side, asked.role, now()) RETURNING * INTO place;
    UPDATE public.parties_invitation SET accepted_by_id = place.id WHERE id = asked.id;
    PERFORM set_config('comity.viewer', place.id::text, true);
    UPDATE public.parties_organisation SET placeholder = false WHERE placeholder AND id = (SELECT CASE asked.side
        WHEN 'customer' THEN customer_id WHEN 'provider' THEN provider_id END FROM public.parties_relationship
        WHERE id = there);
    -- A side that has a lead invites its own people: what the other side has asked for besides ends here.
    IF asked.role = 'lead' THEN
        UPDATE public.parties_invitation i SET withdrawn_at = now() FROM public.parties_membership m
            WHERE m.id = i.made_by_id AND i.relationship_id = there AND i.side = asked.side AND m.side <> i.side
            AND i.accepted_by_id IS NULL AND i.withdrawn_at IS NULL;
    END IF;
    PERFORM public.comity_audit(place, 'member_joined', 'membership', place.id,
        jsonb_build_object('role', place.role), true);
    RETURN place.id;
END $$;
"""

PLACES = """
CREATE OR REPLACE FUNCTION comity_let_go(asked uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); theirs public.parties_membership;
BEGIN
    SELECT * INTO theirs FROM public.parties_membership
        WHERE id = asked AND relationship_id = mine.relationship_id AND left_at IS NULL;
    IF NOT FOUND THEN RETURN 'place_ended'; END IF;
    IF theirs.id <> mine.id THEN
        IF mine.role <> 'lead' OR theirs.side <> mine.side THEN RETURN 'own_people'; END IF;
        IF public.comity_acts_for(mine, theirs.id) THEN RETURN 'acts_for'; END IF;
    END IF;
    IF theirs.role = 'lead' AND NOT public.comity_has_lead(theirs.relationship_id, theirs.side, theirs.id) THEN
        RETURN 'last_lead';
    END IF;
    -- Whatever they have open, or could come back by.
    UPDATE public.parties_invitation SET withdrawn_at = now() WHERE relationship_id = mine.relationship_id
        AND accepted_by_id IS NULL AND withdrawn_at IS NULL AND (made_by_id = theirs.id OR agreed_by_id = theirs.id
        OR lower(email) = (SELECT lower(p.email) FROM public.parties_person p WHERE p.id = theirs.person_id));
    UPDATE public.parties_membership SET stands_in_for_id = NULL, stands_in_until = NULL
        WHERE relationship_id = mine.relationship_id AND (stands_in_for_id = theirs.id OR id = theirs.id);
    PERFORM public.comity_audit(mine, 'member_let_go', 'membership', theirs.id,
        jsonb_build_object('name', public.comity_name(theirs), 'role', theirs.role), true);
    UPDATE public.parties_membership SET left_at = clock_timestamp() WHERE id = theirs.id;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION comity_change_role(asked uuid, as_role text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); theirs public.parties_membership;
BEGIN
    SELECT * INTO theirs FROM public.parties_membership
        WHERE id = asked AND relationship_id = mine.relationship_id AND left_at IS NULL;
    IF NOT FOUND THEN RETURN 'place_ended'; END IF;
    IF mine.role <> 'lead' OR theirs.side IS DISTINCT FROM mine.side THEN RETURN 'own_people'; END IF;
    IF as_role NOT IN ('lead', 'analyst', 'finance', 'roster', 'member', 'executive') THEN RETURN 'other_kind'; END IF;
    IF public.comity_acts_for(mine, theirs.id) THEN RETURN 'acts_for'; END IF;
    IF theirs.role = 'lead' AND as_role <> 'lead'
        AND NOT public.comity_has_lead(theirs.relationship_id, theirs.side, theirs.id) THEN RETURN 'last_lead'; END IF;
    UPDATE public.parties_membership SET role = as_role WHERE id = theirs.id;
    PERFORM public.comity_audit(mine, 'role_changed', 'membership', theirs.id,
        jsonb_build_object('name', public.comity_name(theirs), 'old', theirs.role, 'new', as_role), true);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION comity_stand_in(asked uuid, by uuid, until date) RETURNS text LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE mine public.parties_membership := public.comity_locked_place(); theirs public.parties_membership;
    deputy public.parties_membership; today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
    SELECT * INTO theirs FROM public.parties_membership
        WHERE id = asked AND relationship_id = mine.relationship_id AND left_at IS NULL;
    IF NOT FOUND THEN RETURN 'place_ended'; END IF;
    IF theirs.id <> mine.id AND (mine.role <> 'lead' OR theirs.side IS DISTINCT FROM mine.side) THEN
        RETURN 'own_people';
    END IF;
    -- Who stands on neither side was agreed to by both; a deputy of theirs would not be.
    IF theirs.side IS NULL THEN RETURN 'neutral_deputy'; END IF;
    IF by IS NOT NULL THEN
        SELECT * INTO deputy FROM public.parties_membership WHERE id = by AND relationship_id = mine.relationship_id
            AND side = theirs.side AND left_at IS NULL AND id <> theirs.id;
        IF NOT FOUND THEN RETURN 'same_side'; END IF;
        IF until IS NULL OR until < today THEN RETURN 'day_passed'; END IF;
        IF mine.role <> 'lead' AND until > today + 30 THEN RETURN 'deputy_days'; END IF;
        IF deputy.stands_in_for_id <> theirs.id AND deputy.stands_in_until >= today THEN RETURN 'deputy_taken'; END IF;
    END IF;
    UPDATE public.parties_membership SET stands_in_for_id = NULL, stands_in_until = NULL
        WHERE relationship_id = mine.relationship_id AND stands_in_for_id = theirs.id;
    IF by IS NULL THEN
        PERFORM public.comity_audit(mine, 'deputy_ended', 'membership', theirs.id,
            jsonb_build_object('name', public.comity_name(theirs)), true);
    ELSE
        UPDATE public.parties_membership SET stands_in_for_id = theirs.id, stands_in_until = until WHERE id = by;
        PERFORM public.comity_audit(mine, 'deputy_named', 'membership', theirs.id, jsonb_build_object(
            'deputy', public.comity_name(deputy), 'deputy_id', deputy.id, 'name', public.comity_name(theirs),
            'until', until), true);
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    """Policies, and functions."""

    dependencies: ClassVar = [("audit", "0002_from_prose")]
    operations: ClassVar = [migrations.RunSQL([WALL, AUDIT, ACCESS_REVIEWS, BEGIN, INVITATIONS, PLACES])]
