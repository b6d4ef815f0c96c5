"""What each step of a matter leaves open, as a view that the ledger posts from, in the transaction of the step itself.

To extend it for a new kind, state or move, read `matters_owed` below from the top: six small parts, in this order.

1. `turn`: the last step up to this one that moves the matter. Moves that leave the position as it was (comments,
   reminders, hand-overs) are named in one place, `comity_moves_matter`; a new one of that sort is added there.
2. `asked`: the step that asked for the answer that is open, and which side it asked. A move that passes the turn is
   added to its list; an answer keeps the key of the step that asked for it, so that one that is taken back opens again.
3. `promised`: the step by which the promise was made, which gives it its key, and what follows from it.
4. `stands`: the state after the step, by its last move. A new move gets its line here.
5. `work`: whose work an accepted matter becomes; NULL for none. A new kind gets its line here.
6. the obligations: one for the answer that is open, one for the promise. *Asked back* adds a third: the answer of the
   side that asked back stays, under its own key, beside that of the side that is asked.

`ends` says how a promise ended by a step (answers follow from who made it). The same rules are counted a second time,
by other code, in `core/matters/owed.py`: change both, or the night's recount says that they differ.
"""

from typing import ClassVar

from django.db import migrations

VIEW = """
CREATE FUNCTION comity_moves_matter(move text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN move NOT IN ('comment', 'remind', 'hand_over');

CREATE VIEW matters_owed AS
SELECT s.relationship_id, s.matter_id AS subject_id, s.number AS step, s.at,
    public.comity_ledger_day(s.relationship_id, s.at) AS day, s.person_id, s.side, s.move AS cause, s.ran_out AS late,
    CASE s.move WHEN 'let_off' THEN 'let_off' WHEN 'cannot' THEN 'broken' WHEN 'withdraw' THEN 'withdrawn'
        WHEN 'take_back' THEN 'withdrawn' WHEN 'deem' THEN 'deemed' ELSE 'kept' END AS ends,
    owed.obligations = '[]' AS ended,
    jsonb_build_object('kind', m.kind, 'asks', m.asks, 'answers', m.answers, 'move', s.move, 'side', s.side,
        'debtor', work.debtor, 'state', stands.state, 'follows', coalesce(promised.follows, '')) AS facts,
    owed.obligations
FROM public.matters_step s
JOIN public.matters_matter m ON m.id = s.matter_id
CROSS JOIN LATERAL (  -- 1: by its position now
    SELECT t.number, t.move, t.side, t.at FROM public.matters_step t
    WHERE t.matter_id = s.matter_id AND t.number <= s.number AND public.comity_moves_matter(t.move)
    ORDER BY t.number DESC LIMIT 1) turn
CROSS JOIN LATERAL (  -- 2: the last question, and how many counter-proposals there were by then
    SELECT max(q.number) FILTER (WHERE q.move IN ('raise', 'counter')) AS number,
        count(*) FILTER (WHERE q.move = 'counter') AS counters
    FROM public.matters_step q WHERE q.matter_id = s.matter_id AND q.number <= s.number) asked
CROSS JOIN LATERAL (  -- 3: the last acceptance, and what was said to follow from it
    SELECT max(a.number) FILTER (WHERE a.move IN ('accept', 'deem')) AS number,
        (SELECT f.terms->>'follows' FROM public.matters_step f WHERE f.matter_id = s.matter_id AND f.number <= s.number
            AND (f.move = 'counter' OR (f.move = 'accept' AND f.terms ? 'follows')) ORDER BY f.number DESC LIMIT 1)
            AS follows
    FROM public.matters_step a WHERE a.matter_id = s.matter_id AND a.number <= s.number) promised
CROSS JOIN LATERAL (  -- 4
    SELECT CASE
        WHEN turn.move IN ('raise', 'counter', 'take_back') THEN
            CASE asked.counters % 2 WHEN 0 THEN 'asked' ELSE 'countered' END
        WHEN turn.move IN ('accept', 'not_done') THEN 'accepted'
        WHEN turn.move = 'deem' THEN 'deemed'
        WHEN turn.move = 'done' THEN 'done'
        WHEN turn.move = 'refuse' THEN 'refused'
        WHEN turn.move = 'withdraw' THEN 'withdrawn'
        WHEN turn.move = 'confirm' THEN 'confirmed'
        WHEN turn.move = 'let_off' THEN 'let_off'
        WHEN turn.move = 'cannot' THEN 'broken' END AS state) stands
CROSS JOIN LATERAL (  -- 5
    SELECT CASE m.kind
        WHEN 'action' THEN coalesce((SELECT p.side FROM public.parties_membership p WHERE p.id = m.owner_id), m.answers)
        WHEN 'dispute' THEN CASE WHEN promised.follows IN ('records', 'formula') THEN m.answers END
        END AS debtor) work
CROSS JOIN LATERAL (  -- 6
    SELECT coalesce(jsonb_agg(jsonb_build_object('promise', o.promise, 'debtor', o.debtor, 'kind', o.kind,
        'amount', 1, 'due_on', o.due_on, 'done_on', o.done_on)), '[]') AS obligations
    FROM (
        SELECT m.id || '/answer/' || asked.number AS promise,
            CASE stands.state WHEN 'asked' THEN m.answers ELSE m.asks END AS debtor, 'answer' AS kind,
            -- Only the last step knows its clock: of earlier ones it has gone on.
            CASE WHEN NOT EXISTS (SELECT 1 FROM public.matters_step l WHERE l.matter_id = s.matter_id
                    AND l.number > s.number AND public.comity_moves_matter(l.move))
                THEN public.comity_ledger_day(s.relationship_id, m.reply_by) END AS due_on, NULL::date AS done_on
        WHERE stands.state IN ('asked', 'countered')
        UNION ALL
        SELECT m.id || '/answer/' || turn.number, CASE turn.side WHEN 'customer' THEN 'provider' ELSE 'customer' END,
            'answer', NULL, NULL WHERE stands.state = 'done'
        UNION ALL
        SELECT m.id || '/action/' || promised.number, work.debtor, 'action', m.due_on,
            CASE stands.state WHEN 'done' THEN public.comity_ledger_day(s.relationship_id, turn.at) END
        WHERE stands.state IN ('accepted', 'deemed', 'done') AND work.debtor IS NOT NULL
    ) o) owed;

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
    IF said->>'state' IS DISTINCT FROM NEW.state OR (NEW.kind = 'dispute' AND NEW.state = 'accepted'
            AND said->>'follows' IS DISTINCT FROM NEW.follows) THEN
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
    """A view, two triggers, and the matters of before."""

    dependencies: ClassVar = [("matters", "0014_states"), ("ledger", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL([VIEW, POSTS, FILL])]
