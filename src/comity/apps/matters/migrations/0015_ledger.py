"""What each step of a matter leaves open, as a view that the ledger posts from, in the transaction of the step itself.

`comity_matter_positions` folds the steps of one matter, in order, into where it stands after each; the view
`matters_owed` makes rows of that. To extend it for a new kind, state or move, read the fold from the top.

1. `comity_moves_matter`: moves that leave the position as it was (comments, reminders, another day that is proposed)
   are named there; a new one of that sort is added there and nowhere else.
2. The moves: each says which state it leads to, and which *key* it opens: the number of the step that asked for an
   answer (`question` of the side that answers, `counter` of the side that asks, `back` of whoever is asked back, `done`
   of who is to confirm), or that made the promise (`work`). A new move gets its line here.
3. An answer that is taken back puts back whole what it found, keys included: what opens again keeps its key. So does a
   promise that both sides open again; a question that they open again is a new one.
4. The obligations, by state: a side that has asked back still owes its own answer, under its own key, beside that of
   the side that is asked.

Whose work it becomes, and whether it becomes any, is said by `comity_debtor` and `comity_promise` of the matter as it
stood before the step (`matters_step.stood`, which the database writes) with what the step itself says. Steps of before
that was kept have none, and are read off the matter: a counter-proposal that was declined then ended the matter.

`ends` says how a promise ended by a step (answers follow from who made it). The same rules are counted a second time,
by other code, in `core/matters/owed.py`: change both, or the night's recount says that they differ.
"""

from typing import ClassVar

from django.db import migrations

VIEW = """
CREATE FUNCTION comity_moves_matter(move text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN move NOT IN ('comment', 'acknowledge', 'escalate', 'bring_down', 'object', 'remind', 'late', 'warn',
        'other_day', 'pause');

CREATE FUNCTION comity_matter_positions(asked uuid) RETURNS TABLE (step integer, state text, debtor text, follows text,
        ends text, obligations jsonb) LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; s public.matters_step; r public.matters_matter; last integer; granted integer;
    countered integer; moved integer; undone integer; p jsonb := '{}'; was jsonb := '{}'; earlier boolean;
BEGIN
    SELECT * INTO m FROM public.matters_matter WHERE id = asked;
    SELECT max(t.number) FILTER (WHERE public.comity_moves_matter(t.move)),
        max(t.number) FILTER (WHERE t.move IN ('agree', 'deem')) INTO last, granted
        FROM public.matters_step t WHERE t.matter_id = asked;
    FOR s IN SELECT * FROM public.matters_step t WHERE t.matter_id = asked ORDER BY t.number LOOP
        ends := CASE s.move WHEN 'let_off' THEN 'let_off' WHEN 'break' THEN 'broken' WHEN 'deem' THEN 'deemed'
            WHEN 'cannot' THEN CASE WHEN s.side = p->>'debtor' THEN 'broken' ELSE 'withdrawn' END
            WHEN 'withdraw' THEN 'withdrawn' WHEN 'take_back' THEN 'withdrawn' WHEN 'close' THEN 'withdrawn'
            WHEN 'merge' THEN 'withdrawn' ELSE 'kept' END;
        earlier := s.stood = '{}';
        IF s.move IN ('agree', 'decline', 'counter') THEN
            was := was || jsonb_build_object(s.number, p);
        END IF;
        CASE s.move
        WHEN 'raise' THEN p := jsonb_build_object('state', 'asked', 'question', s.number);
        WHEN 'counter' THEN
            p := p || CASE WHEN s.side = m.answers THEN jsonb_build_object('state', 'countered', 'counter', s.number)
                ELSE jsonb_build_object('state', 'asked', 'question', s.number) END;
            countered := s.number;
        WHEN 'ask_back' THEN
            p := p || jsonb_build_object('back', s.number,
                'state', CASE WHEN s.side = m.answers THEN 'asked_back_b' ELSE 'asked_back_a' END);
        WHEN 'reply' THEN
            p := p || jsonb_build_object('state', CASE WHEN s.side = m.asks THEN 'asked' ELSE 'countered' END);
        WHEN 'decline' THEN  -- a counter-proposal, the first time: what was first asked is asked again
            p := p || CASE WHEN s.side = m.asks AND (s.stood->>'declined_counters')::integer = 0
                THEN jsonb_build_object('state', 'asked', 'question', s.number)
                ELSE jsonb_build_object('state', 'declined') END;
        WHEN 'agree', 'deem' THEN
            IF p->>'state' = 'done' THEN
                p := p || jsonb_build_object('state', 'confirmed');
                ends := 'kept';
            ELSE
                r := jsonb_populate_record(m, s.stood);
                IF m.kind = 'dispute' THEN r.follows := coalesce(s.terms->>'follows', r.follows); END IF;
                r.due_on := coalesce((s.terms->>'due_on')::date, r.due_on);
                p := p || jsonb_build_object('follows', r.follows, 'state', CASE WHEN s.move = 'deem' THEN 'deemed'
                    WHEN public.comity_promise(r) THEN 'agreed' ELSE 'answered' END)
                    || CASE WHEN public.comity_promise(r) THEN jsonb_build_object('work', s.number,
                        'free', public.comity_debtor(r) = '',
                        'debtor', coalesce(nullif(public.comity_debtor(r), ''), m.answers),
                        -- The first day as it is kept of the matter, once the matter has it.
                        'due', CASE WHEN s.number <> granted OR m.last_move < s.number THEN r.due_on
                            WHEN m.moved = 0 THEN m.due_on ELSE m.first_due_on END)
                    ELSE jsonb_build_object('work', NULL, 'free', false, 'debtor', NULL, 'due', NULL) END;
            END IF;
        WHEN 'done', 'hand_over' THEN
            -- What either side may do is owed by the side that answers, until the other one takes it over, or does it.
            IF (p->>'free')::boolean AND p->>'state' IN ('agreed', 'deemed') THEN
                IF s.side IS DISTINCT FROM p->>'debtor' THEN
                    p := p || jsonb_build_object('debtor', s.side, 'work', s.number);
                    ends := 'withdrawn';
                END IF;
                p := p || jsonb_build_object('free', s.move = 'done');
            END IF;
            IF s.move = 'done' THEN
                p := p || jsonb_build_object('state', 'done', 'done', s.number, 'done_by', s.side,
                    'done_on', public.comity_ledger_day(m.relationship_id, s.at));
            END IF;
        WHEN 'not_done' THEN p := p || jsonb_build_object('state', 'agreed');
        WHEN 'take' THEN
            p := p || jsonb_build_object('due', coalesce(s.stood->>'offer_due', s.terms->>'due_on', p->>'due'));
        WHEN 'take_back' THEN
            undone := CASE WHEN p->>'state' IN ('countered', 'asked_back_a') THEN countered ELSE moved END;
            IF was ? undone::text AND NOT EXISTS (SELECT 1 FROM public.matters_step t WHERE t.matter_id = asked
                    AND t.number = undone AND t.stood = '{}' AND NOT earlier) THEN
                p := was->undone::text;
            END IF;
        WHEN 'reopen' THEN
            IF s.stood->>'offer_move' = 'reopen' AND s.stood->>'offer_by' <> s.side THEN
                p := p || CASE WHEN (s.stood->>'promise')::boolean THEN jsonb_build_object('state', 'agreed')
                    ELSE jsonb_build_object('state', 'asked', 'question', s.number) END;
            END IF;
        ELSE
            p := p || coalesce('{"withdraw": {"state": "withdrawn"}, "close": {"state": "declined"},
                "merge": {"state": "merged"}, "cannot": {"state": "broken"}, "break": {"state": "broken"},
                "confirm": {"state": "confirmed"}, "let_off": {"state": "let_off"}}'::jsonb->s.move, '{}');
        END CASE;
        IF s.move <> 'hand_over' AND public.comity_moves_matter(s.move) THEN moved := s.number; END IF;
        step := s.number;
        state := p->>'state';
        debtor := p->>'debtor';
        follows := coalesce(p->>'follows', '');
        SELECT coalesce(jsonb_agg(jsonb_build_object('promise', m.id || '/' || o.kind || '/' || (p->>o.key),
                'debtor', o.debtor, 'kind', o.kind, 'amount', 1, 'due_on', o.due_on, 'done_on', o.done_on)), '[]')
            INTO obligations FROM (
                -- Only the last step knows its clock: of earlier ones it has gone on.
                SELECT a.key, a.debtor, 'answer' AS kind, NULL::date AS done_on, CASE WHEN s.number >= last
                    THEN public.comity_ledger_day(m.relationship_id, a.due_at) END AS due_on
                FROM (VALUES ('asked', 'question', m.answers::text, m.reply_by),
                    ('asked_back_b', 'question', m.answers, m.rest_due_at),
                    ('asked_back_b', 'back', m.asks, m.reply_by),
                    ('countered', 'counter', m.asks, m.reply_by),
                    ('asked_back_a', 'counter', m.asks, m.rest_due_at),
                    ('asked_back_a', 'back', m.answers, m.reply_by),
                    ('done', 'done', CASE p->>'done_by' WHEN m.asks THEN m.answers ELSE m.asks END, m.reply_by)
                ) a(state, key, debtor, due_at) WHERE a.state = p->>'state'
                UNION ALL
                SELECT 'work', p->>'debtor', 'action',
                    CASE p->>'state' WHEN 'done' THEN (p->>'done_on')::date END, (p->>'due')::date
                WHERE p->>'state' IN ('agreed', 'deemed', 'done') AND p->>'work' IS NOT NULL
            ) o;
        RETURN NEXT;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION comity_matter_positions(uuid) FROM PUBLIC;

CREATE VIEW matters_owed AS
SELECT s.relationship_id, s.matter_id AS subject_id, s.number AS step, s.at,
    public.comity_ledger_day(s.relationship_id, s.at) AS day, s.person_id, s.side, s.move AS cause, s.ran_out AS late,
    p.ends, p.obligations = '[]' AS ended,
    jsonb_build_object('kind', m.kind, 'asks', m.asks, 'answers', m.answers, 'move', s.move, 'side', s.side,
        'debtor', p.debtor, 'state', p.state, 'follows', p.follows, 'earlier', s.stood = '{}') AS facts,
    p.obligations
FROM public.matters_matter m
CROSS JOIN LATERAL public.comity_matter_positions(m.id) p
JOIN public.matters_step s ON s.matter_id = m.id AND s.number = p.step;

INSERT INTO ledger_source (subject_type, view) VALUES ('matter', 'matters_owed');
"""

# In the transaction of the step, whoever makes it and however: no code of the room has to remember it. A step that a
# superuser adds is nobody's viewing and is not posted; the recount tells.
POSTS = """
CREATE FUNCTION comity_post_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF public.comity_relationship() IS NOT DISTINCT FROM NEW.relationship_id THEN
        PERFORM public.comity_post_in(NEW.relationship_id, 'matter', NEW.matter_id, NEW.number);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER comity_post_step AFTER INSERT ON matters_step FOR EACH ROW WHEN (comity_moves_matter(NEW.move))
    EXECUTE FUNCTION comity_post_step();

-- A matter is where its steps say; and another day, which is written after the step that agreed on it, is noted.
CREATE FUNCTION comity_post_matter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE last integer; said jsonb;
BEGIN
    IF public.comity_relationship() IS DISTINCT FROM NEW.relationship_id THEN RETURN NULL; END IF;
    SELECT s.number INTO last FROM public.matters_step s WHERE s.matter_id = NEW.id
        AND public.comity_moves_matter(s.move) ORDER BY s.number DESC LIMIT 1;
    IF last IS NULL THEN RETURN NULL; END IF;
    SELECT v.facts INTO said FROM public.matters_owed v WHERE v.subject_id = NEW.id AND v.step = last;
    IF said->>'state' IS DISTINCT FROM NEW.state
            OR (NEW.kind = 'dispute' AND NEW.state IN ('agreed', 'answered')
                AND said->>'follows' IS DISTINCT FROM NEW.follows)
            OR (NEW.promise AND NEW.state IN ('agreed', 'deemed', 'done') AND NEW.debtor <> ''
                AND said->>'debtor' IS DISTINCT FROM NEW.debtor) THEN
        RAISE EXCEPTION 'comity: a matter is where its steps say' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM public.comity_post_in(NEW.relationship_id, 'matter', NEW.id, last);
    RETURN NULL;
END $$;
CREATE TRIGGER comity_post_matter AFTER UPDATE OF state, reply_by, due_on, follows ON matters_matter FOR EACH ROW
    WHEN ((OLD.state, OLD.reply_by, OLD.due_on, OLD.follows)
        IS DISTINCT FROM (NEW.state, NEW.reply_by, NEW.due_on, NEW.follows)) EXECUTE FUNCTION comity_post_matter();
REVOKE ALL ON FUNCTION comity_post_step() FROM PUBLIC;
REVOKE ALL ON FUNCTION comity_post_matter() FROM PUBLIC;
"""

# Matters of before. Row-level security holds the owner too: it is lifted for this transaction, and what is left of it
# is an error and no filter (`row_security` is off within the function that fills). By whoever owns the tables.
FILL = """
CREATE FUNCTION comity_fill_matters() RETURNS integer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE seen text[] := '{matters_matter,matters_step,parties_relationship,parties_membership,parties_organisation,
    record_entry,ledger_transaction,ledger_promise,ledger_line,ledger_calendar}'; one text; steps integer;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH one IN ARRAY seen LOOP EXECUTE format('ALTER TABLE public.%I NO FORCE ROW LEVEL SECURITY', one); END LOOP;
    steps := public.comity_fill_ledger('matter');
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH one IN ARRAY seen LOOP EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', one); END LOOP;
    SET CONSTRAINTS ALL DEFERRED;
    RETURN steps;
END $$;
REVOKE EXECUTE ON FUNCTION comity_fill_matters() FROM PUBLIC;
SELECT comity_fill_matters();
"""


class Migration(migrations.Migration):
    """A fold of the steps and its view, two triggers, and the matters of before."""

    dependencies: ClassVar = [("matters", "0014_states"), ("ledger", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL([VIEW, POSTS, FILL])]
