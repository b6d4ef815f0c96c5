"""Confirmations and entries of the record are written by the owner's functions alone, which check what makes them true.

The app's role reads both tables and writes neither. A confirmation is made in the name of whoever looks, a silence only
after a reminder, and an entry only where both sides confirmed the very figures that it holds; number, digest, persons
and times are the database's own. The functions run as the owner, whom the policies hold too: they see what the viewer
sees. What they cannot check is whether figures are those of the book, and whether a mail was really sent: the room's
own code says so.
"""

from typing import ClassVar

from django.db import migrations

# As `comity.core.chain.canonical`: keys by their code points, which UTF-8 keeps in order under "C". Whole numbers
# alone: fractions are written in several ways, and the record holds them as text.
CANONICAL = """
CREATE FUNCTION comity_canonical(said jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE
    SET search_path = public, pg_temp AS $$
BEGIN
    CASE jsonb_typeof(said)
        WHEN 'object' THEN
            RETURN '{' || coalesce((SELECT string_agg(to_json(o.key)::text || ':' || public.comity_canonical(o.value),
                ',' ORDER BY o.key COLLATE "C") FROM jsonb_each(said) o), '') || '}';
        WHEN 'array' THEN
            RETURN '[' || coalesce((SELECT string_agg(public.comity_canonical(a.value), ',' ORDER BY a.ordinality)
                FROM jsonb_array_elements(said) WITH ORDINALITY a), '') || ']';
        WHEN 'number' THEN
            IF said::text !~ '^(0|-?[1-9][0-9]{0,14})$' THEN
                RAISE EXCEPTION 'comity: the record holds whole numbers, and others as text';
            END IF;
            RETURN said::text;
        ELSE RETURN said::text;
    END CASE;
END $$;
CREATE FUNCTION comity_digest(said text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT encode(sha256(convert_to(said, 'UTF8')), 'hex') $$;
CREATE FUNCTION comity_moment(at timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;
"""
NO_CANONICAL = (
    "DROP FUNCTION comity_moment(timestamptz); DROP FUNCTION comity_digest(text); DROP FUNCTION comity_canonical(jsonb)"
)

RIGHTS = """
DROP POLICY reviews_confirmation_adds ON reviews_confirmation;
DROP POLICY reviews_confirmation_changes ON reviews_confirmation;
DROP POLICY reviews_entry_adds ON reviews_entry;
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('REVOKE INSERT, UPDATE ON reviews_confirmation FROM %I', app);
    EXECUTE format('REVOKE UPDATE (reminded_at) ON reviews_confirmation FROM %I', app);
    EXECUTE format('REVOKE INSERT ON reviews_entry FROM %I', app);
END $do$;
CREATE POLICY reviews_confirmation_owner_adds ON reviews_confirmation FOR INSERT TO CURRENT_USER
    WITH CHECK (relationship_id = (SELECT comity_relationship()));
CREATE POLICY reviews_confirmation_owner_changes ON reviews_confirmation FOR UPDATE TO CURRENT_USER
    USING (relationship_id = (SELECT comity_relationship()))
    WITH CHECK (relationship_id = (SELECT comity_relationship()));
CREATE POLICY reviews_entry_owner_adds ON reviews_entry FOR INSERT TO CURRENT_USER
    WITH CHECK (relationship_id = (SELECT comity_relationship()));
"""

# One at a time in a relationship, for the rest of the transaction; and whether a period is frozen.
LOCK = """
CREATE FUNCTION comity_open_period(asked_period text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship();
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM public.reviews_entry
        WHERE relationship_id = here AND period = asked_period AND kind = 'frozen') THEN
        RAISE EXCEPTION 'comity: this period is frozen, or nobody is looking' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN here;
END $$;
"""

CONFIRM = """
CREATE FUNCTION comity_confirm(asked_period text, shown_digest text, now_figures jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_period(asked_period); made uuid := gen_random_uuid();
    mine text := public.comity_side(); who uuid := public.comity_person(); place public.parties_membership;
    other text; named text;
BEGIN
    SELECT * INTO place FROM public.parties_membership WHERE relationship_id = here AND person_id = who
        AND left_at IS NULL AND side = mine;
    SELECT p.name INTO named FROM public.parties_person p WHERE p.id = who;
    IF place.id IS NULL OR who NOT IN (SELECT public.comity_able(mine, '{lead,executive}')) THEN
        RAISE EXCEPTION 'comity: not a person who confirms for a side' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF jsonb_typeof(now_figures) <> 'object' OR now_figures = '{}'
        OR shown_digest IS DISTINCT FROM public.comity_digest(public.comity_canonical(now_figures)) THEN
        RAISE EXCEPTION 'comity: other figures than those that were shown' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF place.role NOT IN ('lead', 'executive') THEN
        SELECT p.name INTO other FROM public.parties_membership m JOIN public.parties_person p ON p.id = m.person_id
            WHERE m.id = place.stands_in_for_id;
    END IF;
    INSERT INTO public.reviews_confirmation (id, relationship_id, period, side, person_id, name, role, stood_in_for,
            at, deemed, digest, figures)
        VALUES (made, here, asked_period, mine, who, named, place.role, coalesce(other, ''), now(), false,
            shown_digest, now_figures);
    RETURN made;
END $$;
"""

# Void only where the figures are really others, and never once the period is frozen; kept with the figures of then.
VOID = """
CREATE FUNCTION comity_void_confirmations(asked_period text, now_figures jsonb) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_period(asked_period);
    now_digest text := public.comity_digest(public.comity_canonical(now_figures));
BEGIN
    RETURN QUERY UPDATE public.reviews_confirmation c
        SET void_at = now(), void_reason = 'figures', void_figures = now_figures
        WHERE c.relationship_id = here AND c.period = asked_period AND c.void_at IS NULL AND c.digest <> now_digest
        RETURNING c.id;
END $$;
CREATE FUNCTION comity_void_told(asked uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    UPDATE public.reviews_confirmation SET void_told_at = now() WHERE id = asked AND void_told_at IS NULL
        AND relationship_id = public.comity_relationship() AND void_at IS NOT NULL $$;
"""

# A reminder counts when it went to somebody who may confirm; where all of those have left, others may be reminded anew.
REMIND = """
CREATE FUNCTION comity_remind_confirmation(asked uuid, told uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE c public.reviews_confirmation; able uuid[];
BEGIN
    SELECT * INTO c FROM public.reviews_confirmation WHERE id = asked
        AND relationship_id = public.comity_relationship() AND void_at IS NULL AND NOT deemed FOR UPDATE;
    able := ARRAY(SELECT public.comity_able(
        CASE c.side WHEN 'customer' THEN 'provider' WHEN 'provider' THEN 'customer' END, '{lead,executive}'));
    IF c.id IS NULL OR coalesce(cardinality(told), 0) = 0 OR NOT told <@ able
        OR (c.reminded_at IS NOT NULL AND c.reminded_to ?| able::text[]) THEN
        RAISE EXCEPTION 'comity: this reminder does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.reviews_confirmation SET reminded_at = now(), reminded_to = to_jsonb(told) WHERE id = c.id;
END $$;
"""

# Silence: the other side confirmed these very figures, its reply clock can have run out, and somebody who may confirm
# was reminded at least a day before and is still there.
DEEM = """
CREATE FUNCTION comity_deem_confirmation(asked_period text, now_figures jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_period(asked_period); made uuid := gen_random_uuid();
    c public.reviews_confirmation; words integer; silent text; able uuid[];
    now_digest text := public.comity_digest(public.comity_canonical(now_figures));
BEGIN
    SELECT count(*) INTO words FROM public.reviews_confirmation
        WHERE relationship_id = here AND period = asked_period AND void_at IS NULL;
    SELECT * INTO c FROM public.reviews_confirmation
        WHERE relationship_id = here AND period = asked_period AND void_at IS NULL AND NOT deemed;
    silent := CASE c.side WHEN 'customer' THEN 'provider' WHEN 'provider' THEN 'customer' END;
    able := ARRAY(SELECT public.comity_able(silent, '{lead,executive}'));
    IF NOT coalesce(words = 1 AND c.digest = now_digest
        AND now() >= public.comity_earliest_due(c.at)
        AND c.reminded_at <= now() - interval '1 day' AND c.reminded_to ?| able::text[], false) THEN
        RAISE EXCEPTION 'comity: silence does not count here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.reviews_confirmation (id, relationship_id, period, side, person_id, at, deemed, digest, figures)
        VALUES (made, here, asked_period, silent, NULL, now(), true, c.digest, c.figures);
    RETURN made;
END $$;
"""

# The parts of an entry's content. A silence says who was reminded, and when.
WORD = """
CREATE FUNCTION comity_word(c reviews_confirmation) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN NOT c.deemed THEN jsonb_build_object('side', c.side, 'by_silence', false, 'person', c.person_id,
            'name', c.name, 'role', c.role, 'stood_in_for', c.stood_in_for, 'at', public.comity_moment(c.at))
        ELSE (SELECT jsonb_build_object('side', c.side, 'by_silence', true, 'person', NULL, 'name', NULL, 'role', NULL,
            'at', public.comity_moment(c.at), 'reminded_at', public.comity_moment(o.reminded_at), 'reminded',
            (SELECT coalesce(jsonb_agg(jsonb_build_object('person', p.id, 'name', p.name) ORDER BY p.id), '[]')
                FROM public.parties_person p WHERE o.reminded_to ? p.id::text))
            FROM public.reviews_confirmation o WHERE o.relationship_id = c.relationship_id AND o.period = c.period
            AND o.void_at IS NULL AND NOT o.deemed) END $$;
CREATE FUNCTION comity_append(what text, asked_period text, review_digest text, now_figures jsonb, said jsonb)
    RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); made uuid := gen_random_uuid(); next integer; before text;
    whole jsonb;
BEGIN
    IF review_digest !~ '^[0-9a-f]{64}$' OR length(asked_period) NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'comity: no digest of a review, or no period';
    END IF;
    SELECT number, digest INTO next, before FROM public.reviews_entry WHERE relationship_id = here
        ORDER BY number DESC LIMIT 1;
    next := coalesce(next, 0) + 1;
    before := coalesce(before, repeat('0', 64));
    SELECT jsonb_build_object('kind', what, 'relationship', here, 'period', asked_period, 'digest', review_digest,
            'figures', now_figures, 'figures_digest', public.comity_digest(public.comity_canonical(now_figures)),
            'parties', jsonb_build_object('customer', a.name, 'provider', b.name),
            'recorded_at', public.comity_moment(now())) || said
        INTO whole FROM public.parties_relationship r JOIN public.parties_organisation a ON a.id = r.customer_id
        JOIN public.parties_organisation b ON b.id = r.provider_id WHERE r.id = here;
    INSERT INTO public.reviews_entry (id, relationship_id, number, kind, period, at, content, previous, digest)
        VALUES (made, here, next, what, asked_period, now(), whole, before, public.comity_digest(
            '[' || next || ',"' || before || '",' || public.comity_canonical(whole) || ']'));
    RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION comity_append(text, text, text, jsonb, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_word(reviews_confirmation) FROM PUBLIC;
"""

FREEZE = """
CREATE FUNCTION comity_freeze(asked_period text, review_digest text, now_figures jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_open_period(asked_period); said jsonb; sides integer;
    now_digest text := public.comity_digest(public.comity_canonical(now_figures));
BEGIN
    SELECT count(DISTINCT c.side), jsonb_agg(public.comity_word(c) ORDER BY c.side) INTO sides, said
        FROM public.reviews_confirmation c WHERE c.relationship_id = here AND c.period = asked_period
        AND c.void_at IS NULL AND c.digest = now_digest;
    IF sides <> 2 THEN
        RAISE EXCEPTION 'comity: both sides have not confirmed these figures' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN public.comity_append('frozen', asked_period, review_digest, now_figures, jsonb_build_object('words', said));
END $$;
"""

RESTATE = """
CREATE FUNCTION comity_restate(asked_period text, review_digest text, now_figures jsonb, why text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); mine text := public.comity_side();
    who uuid := public.comity_person(); place public.parties_membership; named text; other text; last jsonb;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    SELECT content INTO last FROM public.reviews_entry WHERE relationship_id = here AND period = asked_period
        ORDER BY number DESC LIMIT 1;
    SELECT * INTO place FROM public.parties_membership WHERE relationship_id = here AND person_id = who
        AND left_at IS NULL AND side = mine;
    IF last IS NULL OR place.id IS NULL OR who NOT IN (SELECT public.comity_able(mine, '{lead,executive}'))
        OR coalesce(btrim(why), '') = '' OR length(why) > 1000 OR last->'figures' = now_figures THEN
        RAISE EXCEPTION 'comity: nothing that this viewer may restate' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT p.name INTO named FROM public.parties_person p WHERE p.id = who;
    IF place.role NOT IN ('lead', 'executive') THEN
        SELECT p.name INTO other FROM public.parties_membership m JOIN public.parties_person p ON p.id = m.person_id
            WHERE m.id = place.stands_in_for_id;
    END IF;
    RETURN public.comity_append('restated', asked_period, review_digest, now_figures, jsonb_build_object(
        'reason', btrim(why), 'by', mine, 'words', jsonb_build_array(jsonb_build_object('side', mine,
            'by_silence', false, 'person', who, 'name', named, 'role', place.role,
            'stood_in_for', coalesce(other, ''), 'at', public.comity_moment(now())))));
END $$;
"""


class Migration(migrations.Migration):
    """Rights taken from the app's role, and functions of the owner."""

    dependencies: ClassVar = [("reviews", "0005_figures"), ("matters", "0009_guards")]
    operations: ClassVar = [
        migrations.RunSQL(CANONICAL, NO_CANONICAL),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(LOCK, "DROP FUNCTION comity_open_period(text)"),
        migrations.RunSQL(CONFIRM, "DROP FUNCTION comity_confirm(text, text, jsonb)"),
        migrations.RunSQL(
            VOID, "DROP FUNCTION comity_void_told(uuid); DROP FUNCTION comity_void_confirmations(text, jsonb)"
        ),
        migrations.RunSQL(REMIND, "DROP FUNCTION comity_remind_confirmation(uuid, uuid[])"),
        migrations.RunSQL(DEEM, "DROP FUNCTION comity_deem_confirmation(text, jsonb)"),
        migrations.RunSQL(
            WORD,
            "DROP FUNCTION comity_append(text, text, text, jsonb, jsonb); "
            "DROP FUNCTION comity_word(reviews_confirmation)",
        ),
        migrations.RunSQL(FREEZE, "DROP FUNCTION comity_freeze(text, text, jsonb)"),
        migrations.RunSQL(RESTATE, "DROP FUNCTION comity_restate(text, text, jsonb, text)"),
    ]
