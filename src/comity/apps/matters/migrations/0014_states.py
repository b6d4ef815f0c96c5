"""The whole table of states: what is stored is carried over, and the guards of the database are made from a table.

`matters_transition` is the table of `core.matters.transitions` as it was when this landed, frozen here as text: who may
do what in which state, and where it leads. The guards read it. A step is checked when it is added, a matter when it
changes: only the last step of the viewer's side justifies a change, each once, and each move may change its own columns
and no other. What a matter was before a step is written with the step by the database itself, so that an answer that is
taken back restores exactly that. Late and broken are nobody's, written by functions of the owner that check them.
"""

from typing import ClassVar

from django.db import migrations

# The states of before, and the moves that led to them. Counts must agree, or nothing is carried over.
STATES = """
SET CONSTRAINTS ALL IMMEDIATE;  -- else rows that change twice leave checks waiting, and no table can be altered
ALTER TABLE matters_matter NO FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_step NO FORCE ROW LEVEL SECURITY;
ALTER TABLE parties_membership NO FORCE ROW LEVEL SECURITY;
DO $do$
DECLARE before jsonb; after jsonb; accepted bigint; carried bigint;
BEGIN
    SELECT jsonb_build_object('matters', count(*), 'refused', count(*) FILTER (WHERE state = 'refused'),
        'open', count(*) FILTER (WHERE state IN ('asked', 'countered')),
        'others', count(*) FILTER (WHERE state IN ('deemed', 'withdrawn', 'done', 'confirmed', 'let_off', 'broken')))
        INTO before FROM matters_matter;
    SELECT count(*) INTO accepted FROM matters_matter WHERE state = 'accepted';
    -- Something is to be done after an action, and after a dispute that the records or the formula follow from.
    UPDATE matters_matter m SET promise = true, first_due_on = m.due_on, debtor = CASE m.kind WHEN 'dispute'
            THEN m.answers ELSE coalesce((SELECT p.side FROM parties_membership p WHERE p.id = m.owner_id), '') END
        WHERE m.state IN ('accepted', 'deemed', 'done', 'confirmed', 'let_off', 'broken')
        AND (m.kind = 'action' OR m.kind = 'dispute' AND m.follows IN ('records', 'formula'));
    UPDATE matters_matter SET state = CASE WHEN promise THEN 'agreed' ELSE 'answered' END WHERE state = 'accepted';
    UPDATE matters_matter SET state = 'declined' WHERE state = 'refused';
    UPDATE matters_matter m SET done_by = coalesce((SELECT s.side FROM matters_step s WHERE s.matter_id = m.id
        AND s.move = 'done' ORDER BY s.number DESC LIMIT 1), '') WHERE m.state IN ('done', 'confirmed');
    UPDATE matters_step SET move = 'agree' WHERE move = 'accept';
    UPDATE matters_step SET move = 'decline' WHERE move = 'refuse';
    UPDATE matters_step SET recorded_at = at, received_at = at;
    UPDATE matters_matter m SET closed_at = (SELECT max(s.at) FROM matters_step s WHERE s.matter_id = m.id
            AND s.number <= greatest(m.last_move, 1))
        WHERE m.state NOT IN ('asked', 'countered', 'agreed', 'done') AND NOT (m.promise AND m.state = 'deemed');
    SELECT jsonb_build_object('matters', count(*), 'refused', count(*) FILTER (WHERE state = 'declined'),
        'open', count(*) FILTER (WHERE state IN ('asked', 'countered')),
        'others', count(*) FILTER (WHERE state IN ('deemed', 'withdrawn', 'done', 'confirmed', 'let_off', 'broken')))
        INTO after FROM matters_matter;
    SELECT count(*) INTO carried FROM matters_matter WHERE state IN ('agreed', 'answered');
    IF before <> after OR accepted <> carried
        OR EXISTS (SELECT 1 FROM matters_matter WHERE state IN ('accepted', 'refused'))
        OR EXISTS (SELECT 1 FROM matters_step WHERE move IN ('accept', 'refuse')) THEN
        RAISE EXCEPTION 'comity: matters were not carried over: % accepted, % carried; % before, % after',
            accepted, carried, before, after;
    END IF;
END $do$;
ALTER TABLE parties_membership FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_step FORCE ROW LEVEL SECURITY;
ALTER TABLE matters_matter FORCE ROW LEVEL SECURITY;
SET CONSTRAINTS ALL DEFERRED;
"""

TABLE = """
CREATE TABLE matters_transition (
    state text NOT NULL, who text NOT NULL, move text NOT NULL, leads text NOT NULL,
    PRIMARY KEY (state, who, move)
);
INSERT INTO matters_transition (state, who, move, leads) VALUES
    ('asked', 'answers', 'agree', 'agreed'), ('asked', 'answers', 'counter', 'countered'),
    ('asked', 'answers', 'ask_back', 'asked_back_b'), ('asked', 'answers', 'decline', 'declined'),
    ('asked_back_b', 'asks', 'reply', 'asked'), ('asked_back_b', 'answers', 'counter', 'countered'),
    ('asked_back_b', 'answers', 'agree', 'agreed'), ('asked_back_b', 'answers', 'decline', 'declined'),
    ('asked_back_b', 'answers', 'close', 'declined'), ('countered', 'asks', 'agree', 'agreed'),
    ('countered', 'asks', 'counter', 'asked'), ('countered', 'asks', 'ask_back', 'asked_back_a'),
    ('countered', 'asks', 'decline', 'asked'), ('asked_back_a', 'answers', 'reply', 'countered'),
    ('asked_back_a', 'asks', 'agree', 'agreed'), ('asked_back_a', 'asks', 'counter', 'asked'),
    ('asked_back_a', 'asks', 'decline', 'asked'), ('countered', 'answers', 'take_back', 'asked'),
    ('asked_back_a', 'answers', 'take_back', 'asked'), ('asked', 'asks', 'withdraw', 'withdrawn'),
    ('asked', 'asks', 'merge', 'merged'), ('asked_back_b', 'asks', 'withdraw', 'withdrawn'),
    ('asked_back_b', 'asks', 'merge', 'merged'), ('countered', 'asks', 'withdraw', 'withdrawn'),
    ('countered', 'asks', 'merge', 'merged'), ('asked_back_a', 'asks', 'withdraw', 'withdrawn'),
    ('asked_back_a', 'asks', 'merge', 'merged'), ('agreed', 'debtor', 'done', 'done'),
    ('agreed', 'debtor', 'cannot', 'broken'), ('deemed', 'debtor', 'done', 'done'),
    ('deemed', 'debtor', 'cannot', 'broken'), ('agreed', 'creditor', 'let_off', 'let_off'),
    ('deemed', 'creditor', 'let_off', 'let_off'), ('agreed', 'either', 'other_day', 'agreed'),
    ('agreed', 'either', 'pause', 'agreed'), ('agreed', 'other', 'take', 'agreed'),
    ('deemed', 'either', 'other_day', 'deemed'), ('deemed', 'either', 'pause', 'deemed'),
    ('deemed', 'other', 'take', 'deemed'), ('done', 'creditor', 'confirm', 'confirmed'),
    ('done', 'creditor', 'not_done', 'agreed'), ('done', 'creditor', 'let_off', 'let_off'),
    ('broken', 'creditor', 'let_off', 'let_off'), ('agreed', 'last', 'take_back', 'asked'),
    ('answered', 'last', 'take_back', 'asked'), ('declined', 'last', 'take_back', 'asked'),
    ('asked', 'last', 'take_back', 'asked'), ('answered', 'either', 'reopen', 'asked'),
    ('declined', 'either', 'reopen', 'asked'), ('withdrawn', 'either', 'reopen', 'asked'),
    ('confirmed', 'either', 'reopen', 'asked'), ('deemed', 'either', 'reopen', 'asked'),
    ('let_off', 'either', 'reopen', 'asked'), ('broken', 'either', 'reopen', 'asked'),
    ('merged', 'either', 'reopen', 'asked'), ('asked', 'either', 'escalate', 'asked'),
    ('asked', 'either', 'bring_down', 'asked'), ('asked', 'either', 'hand_over', 'asked'),
    ('asked', 'either', 'object', 'asked'), ('asked', 'either', 'acknowledge', 'asked'),
    ('asked', 'nobody', 'remind', 'asked'), ('asked', 'nobody', 'late', 'asked'),
    ('asked_back_b', 'either', 'escalate', 'asked_back_b'), ('asked_back_b', 'either', 'bring_down', 'asked_back_b'),
    ('asked_back_b', 'either', 'hand_over', 'asked_back_b'), ('asked_back_b', 'either', 'object', 'asked_back_b'),
    ('asked_back_b', 'either', 'acknowledge', 'asked_back_b'), ('asked_back_b', 'nobody', 'remind', 'asked_back_b'),
    ('asked_back_b', 'nobody', 'late', 'asked_back_b'), ('countered', 'either', 'escalate', 'countered'),
    ('countered', 'either', 'bring_down', 'countered'), ('countered', 'either', 'hand_over', 'countered'),
    ('countered', 'either', 'object', 'countered'), ('countered', 'either', 'acknowledge', 'countered'),
    ('countered', 'nobody', 'remind', 'countered'), ('countered', 'nobody', 'late', 'countered'),
    ('asked_back_a', 'either', 'escalate', 'asked_back_a'), ('asked_back_a', 'either', 'bring_down', 'asked_back_a'),
    ('asked_back_a', 'either', 'hand_over', 'asked_back_a'), ('asked_back_a', 'either', 'object', 'asked_back_a'),
    ('asked_back_a', 'either', 'acknowledge', 'asked_back_a'), ('asked_back_a', 'nobody', 'remind', 'asked_back_a'),
    ('asked_back_a', 'nobody', 'late', 'asked_back_a'), ('agreed', 'either', 'escalate', 'agreed'),
    ('agreed', 'either', 'bring_down', 'agreed'), ('agreed', 'either', 'hand_over', 'agreed'),
    ('agreed', 'either', 'object', 'agreed'), ('agreed', 'either', 'acknowledge', 'agreed'),
    ('agreed', 'nobody', 'remind', 'agreed'), ('agreed', 'nobody', 'late', 'agreed'),
    ('done', 'either', 'escalate', 'done'), ('done', 'either', 'bring_down', 'done'),
    ('done', 'either', 'hand_over', 'done'), ('done', 'either', 'object', 'done'),
    ('done', 'either', 'acknowledge', 'done'), ('done', 'nobody', 'remind', 'done'),
    ('done', 'nobody', 'late', 'done'), ('deemed', 'either', 'escalate', 'deemed'),
    ('deemed', 'either', 'bring_down', 'deemed'), ('deemed', 'either', 'hand_over', 'deemed'),
    ('deemed', 'either', 'object', 'deemed'), ('deemed', 'either', 'acknowledge', 'deemed'),
    ('deemed', 'nobody', 'remind', 'deemed'), ('deemed', 'nobody', 'late', 'deemed'),
    ('asked', 'either', 'comment', 'asked'), ('asked_back_b', 'either', 'comment', 'asked_back_b'),
    ('countered', 'either', 'comment', 'countered'), ('asked_back_a', 'either', 'comment', 'asked_back_a'),
    ('agreed', 'either', 'comment', 'agreed'), ('done', 'either', 'comment', 'done'),
    ('answered', 'either', 'comment', 'answered'), ('declined', 'either', 'comment', 'declined'),
    ('withdrawn', 'either', 'comment', 'withdrawn'), ('confirmed', 'either', 'comment', 'confirmed'),
    ('deemed', 'either', 'comment', 'deemed'), ('let_off', 'either', 'comment', 'let_off'),
    ('broken', 'either', 'comment', 'broken'), ('merged', 'either', 'comment', 'merged'),
    ('asked', 'nobody', 'warn', 'asked'), ('asked', 'nobody', 'deem', 'deemed'),
    ('agreed', 'nobody', 'break', 'broken'), ('deemed', 'nobody', 'break', 'broken'),
    ('done', 'nobody', 'deem', 'confirmed');
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT ON matters_transition TO %I', current_setting('comity.app_role'));
END $do$;
"""

# What follows from a matter's kind and columns; the core says the same of each (`history.debtor`, `is_promise`,
# `Standing.turn`, `Standing.ended`, `posture.serving_side`).
FACTS = """
CREATE FUNCTION comity_serves(kind text, asks text, answers text, failed text) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN kind IN ('offer', 'proposal', 'warning') THEN asks
        WHEN kind IN ('question', 'decision', 'need', 'problem', 'request', 'complaint') THEN answers
        WHEN kind = 'failure' THEN coalesce(nullif(failed, ''), 'provider') ELSE '' END $$;
CREATE FUNCTION comity_promise(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT CASE m.kind WHEN 'dispute' THEN m.follows IN ('records', 'formula')
        WHEN 'proposal' THEN m.becomes = 'promise' WHEN 'complaint' THEN m.due_on IS NOT NULL
        ELSE m.kind IN ('decision', 'need', 'problem', 'request', 'failure', 'offer', 'action') END $$;
CREATE FUNCTION comity_debtor(m matters_matter) RETURNS text LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN m.kind IN ('offer', 'proposal') THEN m.asks
        WHEN m.kind = 'failure' THEN coalesce(nullif(m.failed, ''), 'provider')
        WHEN m.kind = 'action' THEN coalesce((SELECT p.side FROM public.parties_membership p
            WHERE p.id = m.owner_id), '')
        ELSE m.answers END $$;
CREATE FUNCTION comity_turn(m matters_matter) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN m.state IN ('asked', 'asked_back_a') THEN m.answers
        WHEN m.state IN ('countered', 'asked_back_b') THEN m.asks
        WHEN m.state = 'done' THEN CASE m.done_by WHEN m.asks THEN m.answers WHEN m.answers THEN m.asks END
        WHEN m.promise AND m.state IN ('agreed', 'deemed') THEN nullif(m.debtor, '') END $$;
CREATE FUNCTION comity_ended(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT m.state NOT IN ('asked', 'asked_back_b', 'countered', 'asked_back_a', 'agreed', 'done')
        AND NOT (m.promise AND m.state = 'deemed') $$;
-- The columns that steps change, as a step keeps them.
CREATE FUNCTION comity_stand(m matters_matter) RETURNS jsonb LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT to_jsonb(m) - ARRAY['id', 'relationship_id', 'kind', 'asks', 'answers', 'title', 'kpi', 'period', 'event',
        'raised_at', 'late', 'wrong', 'unit', 'records', 'before', 'failed', 'proposes', 'untold', 'serves',
        'department', 'prompted_by_id', 'event_on', 'aware_on', 'formal_under', 'about', 'about_name',
        'external_system',
        'external_id', 'external_url'] $$;
CREATE OR REPLACE FUNCTION comity_may_take_back(m matters_matter, mine text) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT m.kind <> 'correction' AND EXISTS (
        SELECT 1 FROM public.matters_step s WHERE s.matter_id = m.id AND s.number = m.last_move AND s.side = mine
            AND s.move IN ('agree', 'decline') AND s.at > clock_timestamp() - interval '10 minutes')
        AND NOT EXISTS (SELECT 1 FROM public.matters_opened o WHERE o.matter_id = m.id AND o.side <> mine
            AND o.number >= m.last_move)
        -- Nor once the other side has confirmed figures that the answer is part of, or they are final.
        AND NOT EXISTS (SELECT 1 FROM public.matters_step s WHERE s.matter_id = m.id AND s.number = m.last_move AND (
            EXISTS (SELECT 1 FROM public.record_consent c WHERE c.relationship_id = m.relationship_id
                AND c.subject_type = 'period' AND c.side <> mine AND c.at >= s.at)
            OR EXISTS (SELECT 1 FROM public.record_entry e WHERE e.relationship_id = m.relationship_id
                AND e.subject_type = 'period' AND e.at >= s.at))) $$;
-- After twice the clock: 2 N working days are never shorter than 2 N - 1 days of the calendar.
CREATE FUNCTION comity_may_close(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.matters_step s JOIN public.parties_relationship r ON r.id = s.relationship_id
        WHERE s.matter_id = m.id AND s.number = m.last_move AND s.move = 'ask_back'
        AND s.at <= clock_timestamp() - (2 * r.reply_days - 1) * interval '1 day') $$;
CREATE FUNCTION comity_may_move(m matters_matter, mine text, does text) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT mine IS NOT NULL AND EXISTS (
        SELECT 1 FROM public.matters_transition t WHERE t.state = m.state AND t.move = does AND CASE t.who
            WHEN 'asks' THEN mine = m.asks
            WHEN 'answers' THEN mine = m.answers
            WHEN 'debtor' THEN m.promise AND m.debtor IN ('', mine)
            WHEN 'creditor' THEN m.promise AND CASE WHEN m.state = 'done' THEN m.done_by <> mine
                WHEN m.state = 'broken' THEN m.kind = 'dispute' AND m.debtor <> mine
                ELSE m.debtor NOT IN ('', mine) END
            WHEN 'other' THEN m.promise AND m.offer_move IN ('other_day', 'pause') AND m.offer_by NOT IN ('', mine)
            WHEN 'last' THEN public.comity_may_take_back(m, mine)
            WHEN 'either' THEN true ELSE false END)
        AND CASE does
            WHEN 'counter' THEN m.kind NOT IN ('question', 'untold', 'warning', 'correction')
            WHEN 'close' THEN public.comity_may_close(m)
            WHEN 'escalate' THEN NOT public.comity_ended(m) AND m.level < 5
            WHEN 'bring_down' THEN NOT public.comity_ended(m) AND m.level > 0
            WHEN 'acknowledge' THEN public.comity_turn(m) = mine AND NOT m.acknowledged
            WHEN 'hand_over' THEN NOT public.comity_ended(m)
            WHEN 'object' THEN NOT public.comity_ended(m)
            WHEN 'merge' THEN m.kind <> 'correction'
            WHEN 'other_day' THEN m.promise
            WHEN 'pause' THEN m.promise
            WHEN 'reopen' THEN public.comity_ended(m) AND m.kind <> 'correction'
                AND NOT (m.offer_move = 'reopen' AND m.offer_by = mine)
            ELSE true END $$;
"""

STEP = """
CREATE OR REPLACE FUNCTION comity_guard_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; mine text := public.comity_side(); last integer; is_turn boolean;
BEGIN
    NEW.recorded_at := clock_timestamp();
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), mine, public.comity_person())
        OR NEW.move IN ('remind', 'late', 'warn', 'deem', 'break') THEN
        RETURN NEW;  -- the policies refuse it
    END IF;
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id AND relationship_id = NEW.relationship_id;
    SELECT coalesce(max(number), 0) INTO last FROM public.matters_step WHERE matter_id = NEW.matter_id;
    IF m.id IS NULL OR NEW.number <> last + 1 OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600
        OR NEW.entered_later OR NEW.saw > last
        OR (NEW.answers_to_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.matters_step s
            WHERE s.id = NEW.answers_to_id AND s.matter_id = NEW.matter_id AND s.number < NEW.number))
        OR NOT coalesce(CASE NEW.move WHEN 'raise' THEN last = 0 AND mine = m.asks WHEN 'comment' THEN true
            ELSE last > 0 AND public.comity_may_move(m, mine, NEW.move) END, false) THEN
        RAISE EXCEPTION 'comity: this step is not the viewer''s to make now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    is_turn := coalesce(public.comity_turn(m) = mine, false) AND NEW.move <> 'raise';
    NEW.received_at := NEW.at;  -- open in the room; what a mail server takes is added when mails are told of
    NEW.due_at := CASE WHEN is_turn THEN m.reply_by END;
    NEW.ran_out := is_turn AND coalesce(m.reply_by < clock_timestamp(), false);
    NEW.paused_s := CASE WHEN NEW.move = 'reply' AND m.rest_since IS NOT NULL
        THEN greatest(0, extract(epoch FROM clock_timestamp() - m.rest_since))::integer END;
    NEW.level := m.level + CASE NEW.move WHEN 'escalate' THEN 1 WHEN 'bring_down' THEN -1 ELSE 0 END;
    NEW.stood := public.comity_stand(m);
    RETURN NEW;
END $$;
DROP POLICY matters_step_of_the_viewer ON matters_step;
DO $do$ BEGIN EXECUTE format($policy$
    CREATE POLICY matters_step_of_the_viewer ON matters_step AS RESTRICTIVE FOR INSERT TO %I WITH CHECK (
        move NOT IN ('remind', 'late', 'warn', 'deem', 'break') AND person_id = (SELECT comity_person())
        AND side IS NOT DISTINCT FROM (SELECT comity_side()))
$policy$, current_setting('comity.app_role')); END $do$;
"""

MATTER = """
CREATE OR REPLACE FUNCTION comity_guard_matter() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE mine text := public.comity_side(); due timestamptz := public.comity_earliest_due(now());
    s public.matters_step; was public.matters_matter; does text; leads text; changed text[]; may text[]; beside boolean;
    new_clock boolean; ok boolean;
    terms text[] := '{queue,from_day,to_day,asked_for,owner_id,due_on,value,follows,wording,price,cause,becomes}';
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.relationship_id IS DISTINCT FROM public.comity_relationship() THEN
            RETURN NEW;  -- the policies refuse it
        END IF;
        NEW.serves := public.comity_serves(NEW.kind, NEW.asks, NEW.answers, NEW.failed);
        NEW.closed_at := NULL;
        IF coalesce(NEW.asks = mine AND NEW.answers <> mine AND NEW.state = 'asked' AND NEW.reminded_at IS NULL
            AND NEW.reminded_to = '[]' AND NEW.last_move = 0 AND NEW.last_beside = 0 AND NEW.reply_by >= due
            AND NEW.follows = '' AND NOT NEW.promise AND NEW.debtor = '' AND NEW.done_by = ''
            AND NEW.first_due_on IS NULL AND NEW.moved = 0 AND NEW.declined_counters = 0 AND NEW.level = 0
            AND NEW.offer_move = '' AND NEW.offer_by = '' AND NEW.rest_due_at IS NULL AND NEW.rest_since IS NULL
            AND NOT NEW.asks_paused AND NOT NEW.answers_paused AND NOT NEW.acknowledged AND NEW.merged_into_id IS NULL
            AND NEW.answers_with_id IS NULL AND NEW.failed IN ('', NEW.asks, NEW.answers)
            AND (NEW.asks_with_id IS NULL OR EXISTS (SELECT 1 FROM public.parties_membership p
                WHERE p.id = NEW.asks_with_id AND p.relationship_id = NEW.relationship_id AND p.side = mine))
            AND (NEW.prompted_by_id IS NULL OR EXISTS (SELECT 1 FROM public.matters_matter p
                WHERE p.id = NEW.prompted_by_id AND p.relationship_id = NEW.relationship_id))
            AND (NEW.kind <> 'dispute' OR NEW.due_on IS NULL)
            AND abs(extract(epoch FROM NEW.raised_at - clock_timestamp())) <= 600, false) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'comity: a matter is raised by the viewer''s side, now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.closed_at := CASE WHEN public.comity_ended(NEW)
        THEN CASE WHEN public.comity_ended(OLD) THEN OLD.closed_at ELSE clock_timestamp() END END;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) n
        WHERE n.value IS DISTINCT FROM to_jsonb(OLD)->n.key AND n.key <> 'closed_at';
    IF NOT changed <@ ARRAY(SELECT jsonb_object_keys(public.comity_stand(OLD))) THEN
        RAISE EXCEPTION 'comity: what a matter is about does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF cardinality(changed) = 0 THEN
        RETURN NEW;
    END IF;
    -- The step that justifies it: the last one, of the viewer's side, and not used before.
    beside := NEW.last_move = OLD.last_move;
    SELECT * INTO s FROM public.matters_step l WHERE l.matter_id = OLD.id AND l.side = mine
        AND l.number = CASE WHEN beside THEN NEW.last_beside ELSE NEW.last_move END
        AND l.number > CASE WHEN beside THEN OLD.last_beside ELSE OLD.last_move END
        AND NOT EXISTS (SELECT 1 FROM public.matters_step n WHERE n.matter_id = OLD.id AND n.number > l.number);
    does := s.move;
    SELECT t.leads INTO leads FROM public.matters_transition t WHERE t.state = OLD.state AND t.move = does LIMIT 1;
    ok := s.id IS NOT NULL AND leads IS NOT NULL AND public.comity_may_move(OLD, mine, does)
        AND beside = (does IN ('acknowledge', 'escalate', 'bring_down', 'hand_over'))
        AND (beside OR NEW.last_beside = OLD.last_beside);
    IF ok AND beside THEN
        ok := CASE does
            WHEN 'acknowledge' THEN changed <@ '{acknowledged,last_beside}' AND NEW.acknowledged
            WHEN 'escalate' THEN changed <@ '{level,last_beside}' AND NEW.level = OLD.level + 1
            WHEN 'bring_down' THEN changed <@ '{level,last_beside}' AND NEW.level = OLD.level - 1
            WHEN 'hand_over' THEN
                CASE mine WHEN OLD.asks THEN changed <@ '{asks_with_id,owner_id,debtor,last_beside}'
                    ELSE changed <@ '{answers_with_id,owner_id,debtor,last_beside}' END
                AND EXISTS (SELECT 1 FROM public.parties_membership p WHERE p.relationship_id = OLD.relationship_id
                    AND p.id = CASE mine WHEN OLD.asks THEN NEW.asks_with_id ELSE NEW.answers_with_id END
                    AND p.side = mine AND p.left_at IS NULL)
                AND (NOT changed && '{owner_id,debtor}' OR (OLD.promise AND OLD.state IN ('agreed', 'deemed')
                    AND OLD.debtor IN ('', mine) AND NEW.debtor = mine
                    AND NEW.owner_id = CASE mine WHEN OLD.asks THEN NEW.asks_with_id ELSE NEW.answers_with_id END
                    AND (OLD.owner_id IS NULL OR EXISTS (SELECT 1 FROM public.parties_membership p
                        WHERE p.id = OLD.owner_id AND p.side = mine))))
        END;
    ELSIF ok AND does = 'take_back' THEN
        -- Exactly what was before the answer, or before the counter that lies on the table.
        SELECT * INTO s FROM public.matters_step b WHERE b.matter_id = OLD.id AND CASE
            WHEN OLD.state IN ('countered', 'asked_back_a') THEN b.move = 'counter' ELSE b.number = OLD.last_move END
            ORDER BY b.number DESC LIMIT 1;
        was := jsonb_populate_record(OLD, s.stood);
        was.last_move := NEW.last_move;
        was.last_beside := OLD.last_beside;
        was.level := OLD.level;
        was.asks_paused := OLD.asks_paused OR was.asks_paused;
        was.answers_paused := OLD.answers_paused OR was.answers_paused;
        was.closed_at := NEW.closed_at;
        ok := s.id IS NOT NULL AND NEW IS NOT DISTINCT FROM was;
    ELSIF ok THEN
        may := '{state,last_move,reply_by,acknowledged,offer_move,offer_by,offer_day,offer_due,rest_due_at,rest_since,'
            'reminded_at,reminded_to}'::text[] || CASE does
            WHEN 'counter' THEN CASE OLD.kind WHEN 'claim' THEN '{queue,from_day,to_day,asked_for}'
                WHEN 'action' THEN '{owner_id,due_on}' WHEN 'dispute' THEN '{value,follows}'
                WHEN 'failure' THEN '{cause,wording,due_on}' WHEN 'offer' THEN '{wording,price,due_on}'
                WHEN 'proposal' THEN '{wording,price,becomes,due_on}' ELSE '{wording,due_on}' END::text[]
            WHEN 'ask_back' THEN CASE mine WHEN OLD.asks THEN '{asks_paused}' ELSE '{answers_paused}' END::text[]
            WHEN 'agree' THEN '{promise,debtor,due_on,first_due_on,moved,follows,cause}'::text[]
            WHEN 'decline' THEN terms || '{declined_counters}'::text[]
            WHEN 'done' THEN '{done_by}'::text[]
            WHEN 'take' THEN '{due_on,moved}'::text[]
            WHEN 'merge' THEN '{merged_into_id}'::text[]
            WHEN 'reopen' THEN terms || '{declined_counters,done_by}'::text[]
            ELSE '{}'::text[] END;
        leads := CASE does
            WHEN 'agree' THEN CASE WHEN NEW.promise THEN 'agreed' ELSE 'answered' END
            WHEN 'decline' THEN CASE WHEN OLD.declined_counters > 0 THEN 'declined' ELSE leads END
            WHEN 'reopen' THEN CASE WHEN OLD.offer_move <> 'reopen' THEN OLD.state
                WHEN OLD.promise THEN 'agreed' ELSE 'asked' END
            ELSE leads END;
        new_clock := leads IN ('asked', 'asked_back_b', 'countered', 'asked_back_a', 'done');
        ok := changed <@ may AND NEW.state = leads
            AND CASE WHEN NOT new_clock THEN NEW.reply_by IS NULL
                WHEN does = 'reply' AND OLD.rest_due_at IS NOT NULL THEN NEW.reply_by >= OLD.rest_due_at
                ELSE NEW.reply_by >= due END
            AND CASE WHEN new_clock THEN NEW.reminded_at IS NULL AND NEW.reminded_to = '[]'
                ELSE (NEW.reminded_at, NEW.reminded_to) IS NOT DISTINCT FROM (OLD.reminded_at, OLD.reminded_to) END
            AND CASE WHEN does = 'ask_back' THEN NEW.rest_due_at IS NOT DISTINCT FROM OLD.reply_by
                    AND (NEW.rest_since IS NULL OR (abs(extract(epoch FROM NEW.rest_since - clock_timestamp())) <= 600
                        AND OLD.reply_by > NEW.rest_since
                        AND NOT CASE mine WHEN OLD.asks THEN OLD.asks_paused ELSE OLD.answers_paused END))
                    AND CASE mine WHEN OLD.asks THEN NEW.asks_paused ELSE NEW.answers_paused END
                ELSE NEW.rest_due_at IS NULL AND NEW.rest_since IS NULL END
            AND CASE WHEN does IN ('other_day', 'pause') THEN NEW.offer_move = does AND NEW.offer_by = mine
                    AND NEW.offer_day >= CURRENT_DATE - 1 AND NEW.offer_due >= CURRENT_DATE - 1
                    AND NEW.acknowledged = OLD.acknowledged
                WHEN does = 'reopen' AND OLD.offer_move <> 'reopen' THEN NEW.offer_move = 'reopen'
                    AND NEW.offer_by = mine AND NEW.acknowledged = OLD.acknowledged
                ELSE NEW.offer_move = '' AND NEW.offer_by = '' AND NEW.offer_day IS NULL AND NEW.offer_due IS NULL
                    AND NOT NEW.acknowledged END;
        ok := ok AND CASE does
            WHEN 'counter' THEN (NEW.follows = OLD.follows OR mine = OLD.answers OR NEW.follows = '')
                AND (NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id OR EXISTS (SELECT 1 FROM public.parties_membership p
                    WHERE p.id = NEW.owner_id AND p.relationship_id = OLD.relationship_id AND p.left_at IS NULL))
            WHEN 'agree' THEN NEW.promise = public.comity_promise(NEW)
                AND NEW.debtor = CASE WHEN NEW.promise THEN public.comity_debtor(NEW) ELSE '' END
                AND NEW.moved = 0
                AND NEW.first_due_on IS NOT DISTINCT FROM CASE WHEN NEW.promise THEN NEW.due_on END
                -- What follows from a dispute is said by the side that will owe it, in its acceptance or its counter.
                AND (NEW.follows = OLD.follows OR (OLD.kind = 'dispute' AND mine = OLD.answers))
                AND (NEW.cause = OLD.cause OR (OLD.kind = 'failure' AND mine = public.comity_debtor(OLD)))
                AND CASE WHEN OLD.kind = 'dispute' THEN
                        CASE WHEN NEW.follows = 'value' THEN NEW.value IS NOT NULL AND NEW.due_on IS NULL
                            WHEN NEW.follows IN ('records', 'formula') THEN NEW.due_on >= CURRENT_DATE + 19
                            ELSE false END
                    -- By when is said by the side that will owe it, where it is not on the table yet.
                    ELSE NEW.due_on IS NOT DISTINCT FROM OLD.due_on
                        OR (OLD.due_on IS NULL AND mine = public.comity_debtor(OLD)) END
            WHEN 'decline' THEN CASE WHEN leads = 'asked' THEN NEW.declined_counters = OLD.declined_counters + 1
                    AND public.comity_first_terms(NEW, OLD)
                ELSE NOT changed && (terms || '{declined_counters}'::text[]) END
            WHEN 'done' THEN NEW.done_by = mine
            WHEN 'take' THEN NEW.due_on = OLD.offer_due
                AND NEW.moved = OLD.moved + CASE WHEN OLD.due_on IS DISTINCT FROM NEW.due_on THEN 1 ELSE 0 END
            WHEN 'merge' THEN EXISTS (SELECT 1 FROM public.matters_matter i WHERE i.id = NEW.merged_into_id
                AND i.id <> OLD.id AND i.relationship_id = OLD.relationship_id AND i.asks = OLD.asks
                AND NOT public.comity_ended(i))
            WHEN 'reopen' THEN CASE WHEN OLD.offer_move <> 'reopen'
                    THEN NOT changed && (terms || '{declined_counters,done_by}'::text[])
                ELSE NEW.declined_counters = 0 AND NEW.done_by = '' AND CASE WHEN leads = 'asked'
                    THEN public.comity_first_terms(NEW, OLD) ELSE NOT changed && terms END END
            ELSE true END;
    END IF;
    IF NOT coalesce(ok AND mine IS NOT NULL, false) THEN
        RAISE EXCEPTION 'comity: no step of the viewer''s side justifies this change of a matter'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
-- Whether a matter has the terms again that were asked first; matters of before this was kept keep what they have.
CREATE FUNCTION comity_first_terms(n matters_matter, o matters_matter) RETURNS boolean LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp AS $$
DECLARE f public.matters_matter;
BEGIN
    f := jsonb_populate_record(o,
        (SELECT s.stood FROM public.matters_step s WHERE s.matter_id = o.id AND s.number = 1));
    RETURN (n.queue, n.from_day, n.to_day, n.asked_for, n.owner_id, n.due_on, n.value, n.follows, n.wording, n.price,
            n.cause, n.becomes)
        IS NOT DISTINCT FROM (f.queue, f.from_day, f.to_day, f.asked_for, f.owner_id, f.due_on, f.value, f.follows,
            f.wording, f.price, f.cause, f.becomes);
END $$;
DROP FUNCTION comity_owes(matters_matter, text);
"""

# What is nobody's: a reminder to somebody who may answer, a clock that has run out, a promise long past its day.
NOBODYS = """
CREATE FUNCTION comity_add_nobodys(m matters_matter, does text, late boolean) RETURNS integer LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE place integer; other uuid;
BEGIN
    SELECT coalesce(max(number), 0) + 1 INTO place FROM public.matters_step WHERE matter_id = m.id;
    SELECT id INTO other FROM public.matters_step WHERE matter_id = m.id AND side IS NOT NULL
        ORDER BY number DESC LIMIT 1;
    INSERT INTO public.matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text,
            answers_to_id, link, ran_out, terms, due_at, level, stood)
        VALUES (gen_random_uuid(), m.relationship_id, m.id, place, clock_timestamp(), NULL, NULL, does, '', other,
            'structure', late, '{}', m.reply_by, m.level, public.comity_stand(m));
    RETURN place;
END $$;
REVOKE EXECUTE ON FUNCTION comity_add_nobodys(matters_matter, text, boolean) FROM PUBLIC;
CREATE OR REPLACE FUNCTION comity_remind_matter(asked uuid, told uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; able uuid[];
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    able := ARRAY(SELECT public.comity_able(public.comity_turn(m), '{lead,analyst}'));
    IF m.id IS NULL OR m.state NOT IN ('asked', 'asked_back_b', 'countered', 'asked_back_a')
        OR coalesce(cardinality(told), 0) = 0 OR NOT told <@ able
        OR (m.reminded_at IS NOT NULL AND m.reminded_to ?| able::text[]) THEN
        RAISE EXCEPTION 'comity: this reminder does not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM public.comity_add_nobodys(m, 'remind', false);
    UPDATE public.matters_matter SET reminded_at = clock_timestamp(), reminded_to = to_jsonb(told) WHERE id = m.id;
END $$;
CREATE FUNCTION comity_late_matter(asked uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    IF m.id IS NULL OR NOT coalesce(m.reply_by < clock_timestamp(), false)
        OR m.state NOT IN ('asked', 'asked_back_b', 'countered', 'asked_back_a', 'done')
        OR EXISTS (SELECT 1 FROM public.matters_step s WHERE s.matter_id = m.id AND s.move = 'late'
            AND s.number > m.last_move) THEN
        RAISE EXCEPTION 'comity: no clock has run out here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM public.comity_add_nobodys(m, 'late', true);
END $$;
-- Twenty working days are never shorter than twenty days of the calendar.
CREATE FUNCTION comity_break_promise(asked uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; place integer;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    IF m.id IS NULL OR NOT coalesce(m.promise AND m.state IN ('agreed', 'deemed') AND m.kind <> 'dispute'
        AND m.due_on + 20 < (now() AT TIME ZONE 'UTC')::date, false) THEN
        RAISE EXCEPTION 'comity: this promise does not count as broken' USING ERRCODE = 'insufficient_privilege';
    END IF;
    place := public.comity_add_nobodys(m, 'break', true);
    UPDATE public.matters_matter SET state = 'broken', last_move = place, offer_move = '', offer_by = '',
        offer_day = NULL, offer_due = NULL, acknowledged = false, closed_at = clock_timestamp() WHERE id = m.id;
END $$;
CREATE OR REPLACE FUNCTION comity_audit_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter;
BEGIN
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id;
    PERFORM public.comity_audit_nobody(NEW.relationship_id,
        CASE NEW.move WHEN 'remind' THEN 'matter_reminded' WHEN 'late' THEN 'matter_late'
            WHEN 'break' THEN 'matter_lapsed' ELSE 'matter_deemed' END, 'matter', m.id,
        jsonb_build_object('kind', m.kind, 'title', m.title, 'side', coalesce(public.comity_turn(m), m.answers)));
    RETURN NULL;
END $$;
DROP TRIGGER comity_audit_step ON matters_step;
CREATE TRIGGER comity_audit_step AFTER INSERT ON matters_step FOR EACH ROW
    WHEN (NEW.person_id IS NULL AND NEW.move IN ('remind', 'late', 'deem', 'break'))
    EXECUTE FUNCTION comity_audit_step();
"""

# A period waits for an accepted dispute; when a side first opened a matter stays as it was.
REST = """
CREATE OR REPLACE FUNCTION comity_guard_frozen() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.matters_matter m WHERE m.relationship_id = NEW.relationship_id
            AND m.kind = 'dispute' AND m.state IN ('agreed', 'done', 'broken')
            AND (m.period = NEW.subject OR public.comity_months(m.period) && public.comity_months(NEW.subject))
            AND m.follows IN ('records', 'formula') AND m.due_on >= (now() AT TIME ZONE 'Etc/GMT-14')::date) THEN
        RAISE EXCEPTION 'comity: an accepted dispute about this period is still to be carried out'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION comity_guard_opened_number() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.number > (SELECT max(s.number) FROM public.matters_step s WHERE s.matter_id = NEW.matter_id
            AND s.relationship_id = NEW.relationship_id) IS NOT FALSE THEN
        RAISE EXCEPTION 'comity: no such step was there to be opened' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.first_at := CASE TG_OP WHEN 'INSERT' THEN clock_timestamp() ELSE OLD.first_at END;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    """Data, a table of transitions, and the guards written anew."""

    dependencies: ClassVar = [("matters", "0013_all_kinds"), ("record", "0001_initial"), ("replies", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL([STATES, TABLE, FACTS, STEP, MATTER, NOBODYS, REST])]
