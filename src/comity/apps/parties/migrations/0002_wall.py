"""The wall around relationships and their people."""

from typing import ClassVar

from django.db import migrations

from comity.apps.parties.migrations._rls_v1 import (
    FUNCTIONS,
    MINE,
    NO_FUNCTIONS,
    PERSON,
    RELATIONSHIP,
    SIDE,
    Policy,
    raised,
)

# Functions that run as the owner, whom FORCE holds too: in these two tables it is let through.
OWNER = """
CREATE POLICY parties_membership_owner ON parties_membership TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY parties_invitation_owner ON parties_invitation TO CURRENT_USER USING (true) WITH CHECK (true);
"""
# A relationship that nobody is in may be entered by whoever founds it; else the word of an invitation opens it.
ENTERING = """
CREATE FUNCTION comity_empty(asked uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM public.parties_membership WHERE relationship_id = asked) $$;
CREATE FUNCTION comity_join(word_digest text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE asked public.parties_invitation; made uuid := gen_random_uuid(); who uuid := public.comity_person();
BEGIN
    SELECT i.* INTO asked FROM public.parties_invitation i JOIN public.parties_person p ON p.id = who
        WHERE i.digest = word_digest AND i.accepted_by_id IS NULL AND i.withdrawn_at IS NULL
        AND i.expires_at > now() AND lower(i.email) = lower(p.email) FOR UPDATE OF i;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM public.parties_membership m
        WHERE m.relationship_id = asked.relationship_id AND m.person_id = who AND m.left_at IS NULL) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.parties_membership (id, relationship_id, person_id, side, role, joined_at)
        VALUES (made, asked.relationship_id, who, asked.side, asked.role, now());
    UPDATE public.parties_invitation SET accepted_by_id = made WHERE id = asked.id;
    RETURN made;
END $$;
CREATE FUNCTION comity_invited(word_digest text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT email FROM public.parties_invitation WHERE digest = word_digest AND accepted_by_id IS NULL
        AND withdrawn_at IS NULL AND expires_at > now() $$;
"""
NOT_ENTERING = "DROP FUNCTION comity_invited(text); DROP FUNCTION comity_join(text); DROP FUNCTION comity_empty(uuid);"
VIEWER = "(SELECT nullif(current_setting('comity.viewer', true), '')::uuid)"
JOINED = f"SELECT relationship_id FROM parties_membership WHERE person_id = {PERSON} AND left_at IS NULL"
ON_MY_SIDE = f"{MINE} AND side IS NOT DISTINCT FROM {SIDE}"
OUR_NAME = (
    f"id = (SELECT CASE {SIDE} WHEN 'customer' THEN customer_id WHEN 'provider' THEN provider_id END "
    f"FROM parties_relationship WHERE id = {RELATIONSHIP})"
)

POLICIES = (
    Policy(
        "parties_membership",
        reads=f"person_id = {PERSON} OR {MINE}",
        adds=f"({ON_MY_SIDE}) OR (person_id = {PERSON} AND comity_empty(relationship_id))",
        changes=ON_MY_SIDE,
    ),
    Policy(
        "parties_relationship",
        reads=f"id IN ({JOINED})",
        adds=f"{PERSON} IS NOT NULL",
        changes=f"id = {RELATIONSHIP}",
    ),
    Policy(
        "parties_organisation",
        reads="EXISTS (SELECT 1 FROM parties_relationship r "
        "WHERE parties_organisation.id IN (r.customer_id, r.provider_id))",
        adds=f"{PERSON} IS NOT NULL",
        changes=OUR_NAME,
    ),
    Policy(
        "parties_invitation",
        reads=f"{MINE} AND (side = {SIDE} OR made_by_id = {VIEWER})",
        adds=f"{MINE} AND made_by_id = {VIEWER}",
        changes=f"{MINE} AND (side = {SIDE} OR made_by_id = {VIEWER})",
    ),
    Policy(
        "parties_access",
        reads=f"{MINE} AND (crosses OR side = {SIDE})",
        adds=f"{MINE} AND person_id = {PERSON}",
    ),
)


class Migration(migrations.Migration):
    """Policies on every table."""

    dependencies: ClassVar = [("parties", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(OWNER, migrations.RunSQL.noop),
        migrations.RunSQL(ENTERING, NOT_ENTERING),
        *raised(*POLICIES),
    ]
