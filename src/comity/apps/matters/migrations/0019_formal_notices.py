"""Formal notices, the agreed days to reply, time bars, and what a step says: as rules of the database.

Until here they were rules of the room alone. What both sides signed in their clause of kind `clock` is read from the
record (`comity_clock_says`): where a temporary or contingent change lies over it, or a day begins in one zone and not
in another, each reading is allowed, since only the room knows the calendar; everywhere else there is one.

A formal notice is a row beside its matter that no side writes: the database adds it when the matter is raised, with the
addresses that both signed, and only for somebody who speaks for the side. Its clock starts with its receipt, which
functions of the owner note; the receiving side can neither call them nor unsay what it had before it. What they cannot
check is whether a mail was really handed over, as with the notices of silence.

What a step says of terms is what its matter has by it. What a claim would change is computed by the room: here is
checked that only an answer to a claim keeps such a thing, of the figures, days and form that it can have.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

WALL = """
ALTER TABLE matters_formalnotice ENABLE ROW LEVEL SECURITY;
ALTER TABLE matters_formalnotice FORCE ROW LEVEL SECURITY;
CREATE POLICY matters_formalnotice_reads ON matters_formalnotice FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
-- A mail that came back is nobody's viewing: the function that notes it says so for a moment.
CREATE POLICY matters_formalnotice_owner ON matters_formalnotice TO CURRENT_USER
    USING (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes')
    WITH CHECK (relationship_id = (SELECT comity_relationship()) OR current_setting('comity.bounce', true) = 'yes');
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    EXECUTE format('GRANT SELECT ON matters_formalnotice TO %I', app);
    EXECUTE format($policy$
        CREATE POLICY audit_event_notices ON audit_event AS RESTRICTIVE FOR INSERT TO %I
        WITH CHECK (event NOT IN ('notice_received', 'notice_failed'))
    $policy$, app);
END $do$;
"""

# What both sides signed of a field of their clause of kind `clock`, as it read at a moment: one reading, or several
# where it cannot be told here which one holds.
CLOCK = """
CREATE FUNCTION comity_clock_says(asked text, since timestamptz) RETURNS jsonb[] LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE one record; certain jsonb; others jsonb[] := '{}'; said jsonb;
    first date := (since AT TIME ZONE 'Etc/GMT+12')::date; last date := (since AT TIME ZONE 'Etc/GMT-14')::date;
BEGIN
    FOR one IN
        WITH edits AS (
            SELECT e.number, e.at, e.content->'content'->'change'->'span' AS span, x.edit, x.place
            FROM public.record_entry e
            CROSS JOIN LATERAL jsonb_array_elements(e.content->'content'->'change'->'edits')
                WITH ORDINALITY x(edit, place)
            WHERE e.relationship_id = public.comity_relationship() AND e.subject_type = 'agreement'),
        clocks AS (SELECT DISTINCT edit->>'add' AS clause FROM edits WHERE edit ? 'add' AND edit->>'kind' = 'clock')
        SELECT span, CASE WHEN edit ? 'add' THEN edit->'fields'->asked ELSE edit->'value' END AS says FROM edits
        WHERE at <= since AND ((edit ? 'add' AND edit->>'kind' = 'clock')
            OR (edit->>'set' IN (SELECT clause FROM clocks) AND edit->>'field' = asked)
            OR edit->>'remove' IN (SELECT clause FROM clocks))
        ORDER BY number, place
    LOOP
        said := coalesce(nullif(one.says, 'null'), '[]');
        IF (one.span->>'first_day')::date > last OR (one.span->>'end')::date <= first THEN
            CONTINUE;  -- it does not begin yet, or is over
        ELSIF coalesce(one.span->>'condition', '') <> '' OR nullif(one.span->>'end', '') IS NOT NULL
                OR (one.span->>'first_day')::date > first THEN
            others := others || said;
        ELSE
            certain := said;
        END IF;
    END LOOP;
    RETURN coalesce(certain, '[]') || others;
END $$;
-- In how many working days a matter of a kind is answered, at least: as signed, or as the room was set up.
CREATE FUNCTION comity_reply_days(of_kind text, since timestamptz) RETURNS integer LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT min(coalesce((SELECT (item->>'days')::integer FROM jsonb_array_elements(says) item
            WHERE item->>'matter' = of_kind), r.reply_days))
        FROM unnest(public.comity_clock_says('replies', since)) says, public.parties_relationship r
        WHERE r.id = public.comity_relationship() $$;
-- N working days are never shorter than N - 1 days of the calendar.
CREATE FUNCTION comity_earliest_reply(of_kind text, since timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT transaction_timestamp() + (public.comity_reply_days(of_kind, since) - 1) * interval '1 day' $$;
CREATE OR REPLACE FUNCTION comity_may_close(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.matters_step s
        WHERE s.matter_id = m.id AND s.number = m.last_move AND s.move = 'ask_back'
        AND s.at <= clock_timestamp() - (2 * public.comity_reply_days(m.kind, m.raised_at) - 1) * interval '1 day') $$;
"""

# Whether a matter is raised late follows from what both signed. A day is over for certain where it is over everywhere.
LATE = """
CREATE FUNCTION comity_guard_late() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE says jsonb[]; bar jsonb; start date; until date; over boolean; in_time boolean;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
        OR NEW.relationship_id IS DISTINCT FROM public.comity_relationship() OR NEW.kind = 'correction' THEN
        RETURN NEW;
    END IF;
    says := public.comity_clock_says('time_bars', clock_timestamp());
    IF cardinality(says) > 1 THEN RETURN NEW; END IF;
    SELECT item INTO bar FROM jsonb_array_elements(says[1]) item WHERE item->>'matter' = NEW.kind;
    start := coalesce(NEW.event_on, NEW.to_day);
    IF bar IS NULL THEN  -- as the room has it without one: 45 days after the last day
        start := CASE WHEN NEW.kind <> 'dispute' THEN NEW.to_day END;
        until := start + 45;
    ELSE
        IF bar->>'from' = 'aware_on' THEN start := coalesce(NEW.aware_on, start); END IF;
        until := start + (bar->>'days')::integer;
    END IF;
    over := start IS NOT NULL AND ((now() AT TIME ZONE 'Etc/GMT+12')::date > until
        OR (coalesce(bar->>'given_as', '') = 'formal_notice' AND NEW.formal_under = ''));
    in_time := start IS NULL OR (NOT over AND (now() AT TIME ZONE 'Etc/GMT-14')::date <= until);
    IF (coalesce(bar->>'late', 'marked') = 'barred' AND (over OR NEW.late)) OR (over AND NOT NEW.late)
        OR (in_time AND NEW.late) THEN
        RAISE EXCEPTION 'comity: whether this matter is late follows from the agreement'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_late BEFORE INSERT ON matters_matter FOR EACH ROW EXECUTE FUNCTION comity_guard_late();
"""

# What a step may say beside its text, and that it says what its matter has.
TERMS = """
CREATE FUNCTION comity_terms_known(m matters_matter, does text, mine text, terms jsonb) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(terms) = 'object' AND ARRAY(SELECT jsonb_object_keys(terms)) <@ CASE
            WHEN does IN ('raise', 'counter', 'decline') THEN '{from_day,to_day,queue,asked_for,owner,due_on,value,'
                'follows,wording,price,cause,becomes,failed,computed,effect}'
            WHEN does = 'agree' THEN '{due_on,cause,follows,computed,effect,changes,rows}'
            WHEN does = 'take' THEN '{due_on}'
            WHEN does IN ('other_day', 'pause') THEN '{day,due_on}'
            WHEN does = 'merge' THEN '{into}'
            WHEN does = 'hand_over' THEN '{owner,owner_side}'
            WHEN does = 'object' THEN '{object_to,object_value}'
            ELSE '{}' END::text[]
        AND (NOT terms ? 'computed' OR (m.kind = 'dispute' AND does IN ('raise', 'agree')
            AND terms->>'computed' ~ '^-?[0-9.]+(e[+-]?[0-9]+)?$'))
        AND (NOT terms ?| '{changes,rows}' OR (m.kind = 'correction' AND does = 'agree'))
        AND (NOT terms ? 'owner_side' OR terms->>'owner_side' = mine)
        AND (does <> 'object' OR coalesce(terms->>'object_to', '') <> 'late' OR (m.late AND mine = m.answers))
        -- What a claim would change: of its own figure and days, in the form that the room computes it in.
        AND (NOT terms ? 'effect' OR (m.kind = 'claim' AND does IN ('agree', 'decline')
            AND jsonb_typeof(terms->'effect') = 'array' AND jsonb_array_length(terms->'effect') <= 500
            AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(terms->'effect') one WHERE NOT coalesce(
                jsonb_typeof(one) = 'object'
                AND ARRAY(SELECT k FROM jsonb_object_keys(one) k ORDER BY k) = '{after,before,counted_after,'
                    'counted_before,kpi,measure,met_after,met_before,period,target,unit}'::text[]
                AND jsonb_typeof(one->'before') = 'number' AND jsonb_typeof(one->'after') = 'number'
                AND jsonb_typeof(one->'counted_before') = 'number' AND jsonb_typeof(one->'counted_after') = 'number'
                AND (m.kpi = '' OR one->>'kpi' = m.kpi)
                AND (one->'period'->>'start')::date <= m.to_day
                AND (one->'period'->>'end')::date > m.from_day, false)))) $$;
CREATE FUNCTION comity_terms_fit(m matters_matter, terms jsonb, whole boolean) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    WITH has AS (SELECT jsonb_strip_nulls(jsonb_build_object(
        'from_day', CASE WHEN m.kind <> 'dispute' THEN m.from_day END,
        'to_day', CASE WHEN m.kind <> 'dispute' THEN m.to_day END,
        'queue', nullif(m.queue, ''), 'asked_for', nullif(m.asked_for, ''), 'due_on', m.due_on,
        'owner', (SELECT p.name FROM public.parties_membership o JOIN public.parties_person p ON p.id = o.person_id
            WHERE o.id = m.owner_id),
        'follows', nullif(m.follows, ''), 'wording', nullif(m.wording, ''), 'price', nullif(m.price, ''),
        'cause', nullif(m.cause, ''), 'becomes', nullif(m.becomes, ''), 'failed', nullif(m.failed, ''))) AS kept)
    SELECT terms - '{value,computed,effect,changes,rows}'::text[] <@ has.kept
        AND (NOT terms ? 'value' OR (terms->>'value')::numeric = m.value)
        AND (NOT whole OR (has.kept <@ terms AND (m.value IS NULL OR terms ? 'value'))) FROM has $$;
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
        OR NEW.entered_later OR NEW.saw > last OR NOT public.comity_terms_known(m, NEW.move, mine, NEW.terms)
        OR (NEW.move = 'raise' AND NOT public.comity_terms_fit(m, NEW.terms, true))
        OR (NEW.answers_to_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.matters_step s
            WHERE s.id = NEW.answers_to_id AND s.matter_id = NEW.matter_id AND s.number < NEW.number))
        OR NOT coalesce(CASE NEW.move WHEN 'raise' THEN last = 0 AND mine = m.asks WHEN 'comment' THEN true
            ELSE last > 0 AND public.comity_may_move(m, mine, NEW.move) END, false) THEN
        RAISE EXCEPTION 'comity: this step is not the viewer''s to make now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    is_turn := coalesce(public.comity_turn(m) = mine, false) AND NEW.move <> 'raise';
    -- Open in the room; when a formal notice was received its own row says.
    NEW.received_at := CASE WHEN NEW.move <> 'raise' OR m.formal_under = '' THEN NEW.at END;
    NEW.due_at := CASE WHEN is_turn THEN m.reply_by END;
    NEW.ran_out := is_turn AND coalesce(m.reply_by < clock_timestamp(), false);
    NEW.paused_s := CASE WHEN NEW.move = 'reply' AND m.rest_since IS NOT NULL
        THEN greatest(0, extract(epoch FROM clock_timestamp() - m.rest_since))::integer END;
    NEW.level := m.level + CASE NEW.move WHEN 'escalate' THEN 1 WHEN 'bring_down' THEN -1 ELSE 0 END;
    NEW.stood := public.comity_stand(m);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION comity_guard_matter() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE mine text := public.comity_side(); due timestamptz;
    s public.matters_step; was public.matters_matter; does text; leads text; changed text[]; may text[]; beside boolean;
    new_clock boolean; ok boolean;
    terms text[] := '{queue,from_day,to_day,asked_for,owner_id,due_on,value,follows,wording,price,cause,becomes}';
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.relationship_id IS DISTINCT FROM public.comity_relationship() THEN
            RETURN NEW;  -- the policies refuse it
        END IF;
        due := public.comity_earliest_reply(NEW.kind, clock_timestamp());
        NEW.serves := public.comity_serves(NEW.kind, NEW.asks, NEW.answers, NEW.failed);
        NEW.closed_at := NULL;
        IF coalesce(NEW.asks = mine AND NEW.answers <> mine AND NEW.state = 'asked' AND NEW.reminded_at IS NULL
            AND NEW.reminded_to = '[]' AND NEW.last_move = 0 AND NEW.last_beside = 0
            AND CASE WHEN NEW.formal_under = '' THEN NEW.reply_by >= due ELSE NEW.reply_by IS NULL END
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
        due := public.comity_earliest_reply(
            CASE leads WHEN 'done' THEN 'confirmation' ELSE OLD.kind END, OLD.raised_at);
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
        -- What the step says is what the matter has from then on.
        ok := ok AND CASE WHEN does IN ('other_day', 'pause') THEN s.terms @> jsonb_build_object('day', NEW.offer_day,
                    'due_on', NEW.offer_due)
                WHEN does = 'merge' THEN s.terms->>'into' = NEW.merged_into_id::text
                ELSE public.comity_terms_fit(NEW, s.terms, does = 'counter') END AND CASE does
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
"""

NOTICES = """
-- When the receiving side first had it before it: it opened it in the room, or made a step.
CREATE FUNCTION comity_had_at(m matters_matter) RETURNS timestamptz LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT least((SELECT o.first_at FROM public.matters_opened o WHERE o.matter_id = m.id AND o.side = m.answers),
        (SELECT min(s.recorded_at) FROM public.matters_step s WHERE s.matter_id = m.id AND s.side = m.answers)) $$;
-- With the matter itself: the addresses are those that both signed, and whoever gives it speaks for the side.
CREATE FUNCTION comity_give_formal_notice() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE says jsonb[] := public.comity_clock_says(NEW.answers || '_addresses', clock_timestamp()); mailed jsonb;
BEGIN
    SELECT jsonb_agg(DISTINCT one) INTO mailed FROM jsonb_array_elements_text(says[1]) one WHERE one LIKE '%@%';
    IF cardinality(says) > 1 OR mailed IS NULL OR NOT coalesce(public.comity_side() = NEW.asks
            AND public.comity_person() IN (SELECT public.comity_able(NEW.asks, '{lead,executive}')), false) THEN
        RAISE EXCEPTION 'comity: no formal notice can be given here by the viewer'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.matters_formalnotice (id, relationship_id, matter_id, clause, side, addresses, given_at, told)
        VALUES (gen_random_uuid(), NEW.relationship_id, NEW.id, NEW.formal_under, NEW.answers, mailed,
            clock_timestamp(), '[]');
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION comity_give_formal_notice() FROM PUBLIC;
CREATE TRIGGER comity_give_formal_notice AFTER INSERT ON matters_matter FOR EACH ROW WHEN (NEW.formal_under <> '')
    EXECUTE FUNCTION comity_give_formal_notice();

-- Whatever the receiving side says in it, it has it.
CREATE FUNCTION comity_note_had() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.matters_formalnotice SET received_at = coalesce(received_at, NEW.recorded_at), failed_at = NULL,
        acknowledged_at = CASE WHEN NEW.move = 'acknowledge' THEN coalesce(acknowledged_at, clock_timestamp())
            ELSE acknowledged_at END
        WHERE matter_id = NEW.matter_id AND side = NEW.side;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION comity_note_had() FROM PUBLIC;
CREATE TRIGGER comity_note_had AFTER INSERT ON matters_step FOR EACH ROW WHEN (NEW.side IS NOT NULL)
    EXECUTE FUNCTION comity_note_had();

-- Mails that the server took just now, for the side that gives the notice; never for the one that receives it.
CREATE FUNCTION comity_notice_taken(asked uuid, mails jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; n public.matters_formalnotice;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    SELECT * INTO n FROM public.matters_formalnotice WHERE matter_id = m.id FOR UPDATE;
    IF NOT coalesce(public.comity_side() = m.asks AND jsonb_array_length(mails) > 0
        AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(mails) one WHERE NOT coalesce(
            n.addresses ? (one->>'address')
            AND (one->>'taken_at')::timestamptz BETWEEN greatest(n.given_at, now() - interval '1 hour')
                AND clock_timestamp()
            AND NOT one ? 'bounced_at' AND NOT n.told @> jsonb_build_array(jsonb_build_object(
                'address', one->>'address')), false)), false) THEN
        RAISE EXCEPTION 'comity: these mails do not count' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.matters_formalnotice SET told = told || mails WHERE id = n.id;
END $$;
-- Receipt: not before a mail of it that did not come back was taken, and by the giving side's call. Its clock starts,
-- as long as nobody has answered: not sooner than the days that both agreed for its kind.
CREATE FUNCTION comity_receive_notice(asked uuid, moment timestamptz, due timestamptz) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; n public.matters_formalnotice; first timestamptz;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    SELECT * INTO n FROM public.matters_formalnotice WHERE matter_id = m.id FOR UPDATE;
    SELECT least(min((one->>'taken_at')::timestamptz) FILTER (WHERE NOT one ? 'bounced_at'), public.comity_said_at(m))
        INTO first FROM jsonb_array_elements(n.told) one;
    IF NOT coalesce(public.comity_side() = m.asks AND moment >= first AND moment <= first + interval '31 days'
        AND (n.received_at IS NULL OR moment = n.received_at OR n.received_at = public.comity_said_at(m))
        AND due >= moment + (public.comity_reply_days(m.kind, m.raised_at) - 1) * interval '1 day', false) THEN
        RAISE EXCEPTION 'comity: this notice was not received then' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF n.received_at IS DISTINCT FROM moment THEN
        UPDATE public.matters_formalnotice SET received_at = moment, failed_at = NULL WHERE id = n.id;
        PERFORM public.comity_audit_nobody(m.relationship_id, 'notice_received', 'matter', m.id,
            jsonb_build_object('kind', m.kind, 'title', m.title, 'side', m.answers));
    END IF;
    IF m.state = 'asked' AND m.reply_by IS NULL THEN
        UPDATE public.matters_matter SET reply_by = due WHERE id = m.id;
    END IF;
END $$;
-- When the receiving side first said something in a matter: by the database's clock.
CREATE FUNCTION comity_said_at(m matters_matter) RETURNS timestamptz LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT min(s.recorded_at) FROM public.matters_step s WHERE s.matter_id = m.id AND s.side = m.answers $$;
-- One mail of a notice that came back: within a week, and not once the receiving side had the notice before it.
CREATE FUNCTION comity_notice_bounced(here uuid, failed text, sent timestamptz) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE changed integer;
BEGIN
    PERFORM set_config('comity.bounce', 'yes', true);
    UPDATE public.matters_formalnotice n SET told = (SELECT jsonb_agg(
            CASE WHEN lower(one->>'address') = lower(failed) AND NOT one ? 'bounced_at'
                AND (sent IS NULL OR abs(extract(epoch FROM (one->>'taken_at')::timestamptz - sent)) <= 600)
                AND (one->>'taken_at')::timestamptz > now() - interval '7 days'
            THEN one || jsonb_build_object('bounced_at', public.comity_moment(now())) ELSE one END)
            FROM jsonb_array_elements(n.told) one)
        WHERE (here IS NULL OR n.relationship_id = here) AND n.acknowledged_at IS NULL
        AND EXISTS (SELECT 1 FROM jsonb_array_elements(n.told) one WHERE lower(one->>'address') = lower(failed));
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('comity.bounce', '', true);
    RETURN changed;
END $$;
-- Bounced by all: not received. The clock stops, and the side that gave it is told.
CREATE FUNCTION comity_fail_notice(asked uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; n public.matters_formalnotice; had timestamptz;
BEGIN
    SELECT * INTO m FROM public.matters_matter
        WHERE id = asked AND relationship_id = public.comity_relationship() FOR UPDATE;
    SELECT * INTO n FROM public.matters_formalnotice WHERE matter_id = m.id FOR UPDATE;
    had := public.comity_had_at(m);
    IF NOT coalesce(n.failed_at IS NULL AND n.acknowledged_at IS NULL AND m.state = 'asked' AND m.last_move = 0
        AND jsonb_array_length(n.told) > 0 AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(n.told) one
            WHERE NOT one ? 'bounced_at' OR (one->>'bounced_at')::timestamptz >= had), false) THEN
        RAISE EXCEPTION 'comity: this notice did not come back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.matters_formalnotice SET received_at = NULL, failed_at = clock_timestamp() WHERE id = n.id;
    UPDATE public.matters_matter SET reply_by = NULL WHERE id = m.id;
    PERFORM public.comity_audit_nobody(m.relationship_id, 'notice_failed', 'matter', m.id,
        jsonb_build_object('kind', m.kind, 'title', m.title, 'side', m.answers));
END $$;
DO $do$ BEGIN
    EXECUTE 'REVOKE EXECUTE ON FUNCTION comity_notice_bounced(uuid, text, timestamptz) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION comity_notice_bounced(uuid, text, timestamptz) TO %I',
        current_setting('comity.app_role'));
END $do$;
"""


class Migration(migrations.Migration):
    """A table of notices, and guards made from what both sides signed."""

    dependencies: ClassVar = [("matters", "0018_due_days"), ("audit", "0006_renewed_invitations")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="FormalNotice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("clause", models.CharField(max_length=60)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("addresses", models.JSONField()),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("told", models.JSONField(default=list)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "matter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notice", to="matters.matter"
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="parties.relationship"
                    ),
                ),
            ],
        ),
        migrations.RunSQL([WALL, CLOCK, TERMS, LATE, NOTICES]),
    ]
