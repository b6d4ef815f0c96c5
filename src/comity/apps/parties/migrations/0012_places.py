"""Who may change a place in a relationship is decided by functions of the owner; the app changes no row of it itself.

Each function checks who asks and whether they may, writes the line of the log, and answers NULL, or the name of the
sentence that says why it refused. All of them take a lock on the relationship first and read the asker's own place
after it: of two changes at the same moment the second sees what the first left.
"""

from typing import ClassVar

from django.db import migrations

# Helpers, which the app cannot call.
HELPERS = """
CREATE FUNCTION comity_locked_place() RETURNS public.parties_membership LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE place public.parties_membership;
BEGIN
    -- NO KEY: rows that refer to the relationship may be added meanwhile, so that two askers cannot block each other.
    PERFORM 1 FROM public.parties_relationship WHERE id = public.comity_relationship() FOR NO KEY UPDATE;
    SELECT * INTO place FROM public.parties_membership
        WHERE id = nullif(current_setting('comity.viewer', true), '')::uuid
        AND person_id = public.comity_person() AND left_at IS NULL;
    RETURN place;
END $$;

CREATE FUNCTION comity_has_lead(there uuid, asked_side text, besides uuid) RETURNS boolean LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = there AND side = asked_side
        AND role = 'lead' AND left_at IS NULL AND id IS DISTINCT FROM besides) $$;

CREATE FUNCTION comity_acts_for(mine public.parties_membership, theirs uuid) RETURNS boolean LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(mine.stands_in_for_id = theirs AND mine.stands_in_until >= (now() AT TIME ZONE 'UTC')::date,
        false) $$;

CREATE FUNCTION comity_write(mine public.parties_membership, done text, told text, crossing boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.parties_access (id, relationship_id, at, person_id, side, crosses, action, about)
        VALUES (gen_random_uuid(), mine.relationship_id, clock_timestamp(), mine.person_id, mine.side,
            crossing OR mine.side IS NULL, done, left(told, 200)) $$;

CREATE FUNCTION comity_name(place public.parties_membership) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT name FROM public.parties_person WHERE id = place.person_id $$;

REVOKE ALL ON FUNCTION comity_locked_place(), comity_has_lead(uuid, text, uuid),
    comity_acts_for(public.parties_membership, uuid), comity_write(public.parties_membership, text, text, boolean),
    comity_name(public.parties_membership) FROM PUBLIC;
"""

BEGIN = """
CREATE FUNCTION comity_begin(on_side text, own text, own_kind text, other text, other_kind text) RETURNS uuid
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
    PERFORM public.comity_write(place, 'founded',
        CASE on_side WHEN 'customer' THEN own || ' with ' || other ELSE other || ' with ' || own END, true);
    RETURN place.id;
END $$;
"""

INVITATIONS = """
CREATE FUNCTION comity_invite(made uuid, on_side text, as_role text, address text, word_digest text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    PERFORM public.comity_write(mine, CASE WHEN neutral THEN 'proposed neutral' ELSE 'invited' END,
        concat_ws(' ', as_role, on_side), on_side IS DISTINCT FROM mine.side);
    RETURN NULL;
END $$;

CREATE FUNCTION comity_agree(asked uuid, word_digest text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
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
    PERFORM public.comity_write(mine, 'agreed to neutral', asked_for.role, true);
    RETURN NULL;
END $$;

CREATE FUNCTION comity_withdraw(asked uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
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
    PERFORM public.comity_write(mine, 'withdrew invitation', asked_for.role, asked_for.side IS DISTINCT FROM mine.side);
    RETURN NULL;
END $$;

DROP FUNCTION comity_join(text);
CREATE FUNCTION comity_join(word_digest text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
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
    PERFORM public.comity_write(place, 'joined', place.role, true);
    RETURN place.id;
END $$;
"""

PLACES = """
CREATE FUNCTION comity_let_go(asked uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
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
    PERFORM public.comity_write(mine, 'let go', public.comity_name(theirs), true);
    UPDATE public.parties_membership SET left_at = clock_timestamp() WHERE id = theirs.id;
    RETURN NULL;
END $$;

CREATE FUNCTION comity_change_role(asked uuid, as_role text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
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
    PERFORM public.comity_write(mine, 'changed role',
        public.comity_name(theirs) || ': ' || theirs.role || ' > ' || as_role, true);
    RETURN NULL;
END $$;

CREATE FUNCTION comity_stand_in(asked uuid, by uuid, until date) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
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
        PERFORM public.comity_write(mine, 'ended deputy', public.comity_name(theirs), true);
    ELSE
        UPDATE public.parties_membership SET stands_in_for_id = theirs.id, stands_in_until = until WHERE id = by;
        PERFORM public.comity_write(mine, 'named deputy',
            public.comity_name(deputy) || ' > ' || public.comity_name(theirs) || ', ' || until::text, true);
    END IF;
    RETURN NULL;
END $$;
"""

# The app reads places and invitations, and changes them by the functions alone. It may still lock a relationship, which
# takes the right to update it: the check lets no changed row through.
WALL = """
DO $do$ BEGIN
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON parties_membership, parties_invitation, parties_organisation '
        'FROM %I', current_setting('comity.app_role'));
    EXECUTE format('REVOKE INSERT, DELETE ON parties_relationship FROM %I', current_setting('comity.app_role'));
END $do$;
DROP POLICY parties_membership_adds ON parties_membership;
DROP POLICY parties_membership_changes ON parties_membership;
DROP POLICY parties_invitation_adds ON parties_invitation;
DROP POLICY parties_invitation_changes ON parties_invitation;
DROP FUNCTION comity_empty(uuid);
CREATE POLICY parties_relationship_owner ON parties_relationship TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER POLICY parties_relationship_changes ON parties_relationship WITH CHECK (false);
ALTER POLICY parties_invitation_reads ON parties_invitation USING (
    relationship_id = (SELECT comity_relationship()) AND (SELECT comity_side()) IS NOT NULL
    AND (side IS NULL OR side = (SELECT comity_side()) OR made_by_id = ANY (ARRAY(SELECT id FROM parties_membership
        WHERE relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side())))));
ALTER POLICY parties_access_adds ON parties_access WITH CHECK (
    relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())
    AND side IS NOT DISTINCT FROM (SELECT comity_side()));
"""
# What one lead alone had asked for becomes a proposal that the other side is asked about.
UNAGREED = """
UPDATE parties_invitation SET digest = NULL
    WHERE side IS NULL AND accepted_by_id IS NULL AND withdrawn_at IS NULL;
"""


class Migration(migrations.Migration):
    """Functions, and fewer rights for the app."""

    dependencies: ClassVar = [("parties", "0011_neutral_invitations")]
    operations: ClassVar = [migrations.RunSQL([HELPERS, BEGIN, INVITATIONS, PLACES, WALL, UNAGREED])]
