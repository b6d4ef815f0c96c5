"""Disputes say what is wrong and what follows, work is confirmed by the other side, and answers may be taken back.

The two guards are written anew. What a side has had before it is a row of its own: after that no answer is taken back.
"""

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

STATES = [
    ("asked", "Asked"),
    ("countered", "Countered"),
    ("accepted", "Accepted"),
    ("refused", "Refused"),
    ("deemed", "Deemed"),
    ("withdrawn", "Withdrawn"),
    ("done", "Done"),
    ("confirmed", "Confirmed"),
    ("let_off", "Let Off"),
    ("broken", "Broken"),
]
MOVES = [
    ("raise", "Raise"),
    ("accept", "Accept"),
    ("refuse", "Refuse"),
    ("counter", "Counter"),
    ("comment", "Comment"),
    ("remind", "Remind"),
    ("deem", "Deem"),
    ("withdraw", "Withdraw"),
    ("done", "Done"),
    ("hand_over", "Hand Over"),
    ("confirm", "Confirm"),
    ("not_done", "Not Done"),
    ("let_off", "Let Off"),
    ("cannot", "Cannot"),
    ("take_back", "Take Back"),
]

# Whose work an accepted matter is: the answering side's of a dispute, the owner's side's of an action, and of an action
# without an owner either side's, so that the other one confirms what one says is done. NULL where nothing is to do.
WORK = """
CREATE FUNCTION comity_owes(m matters_matter, mine text) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT CASE m.kind
        WHEN 'dispute' THEN CASE WHEN m.follows IN ('records', 'formula') THEN mine = m.answers END
        WHEN 'action' THEN CASE WHEN m.owner_id IS NULL THEN true
            ELSE (SELECT p.side = mine FROM public.parties_membership p WHERE p.id = m.owner_id) END
    END $$;
CREATE FUNCTION comity_may_take_back(m matters_matter, mine text) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT m.state IN ('accepted', 'refused') AND m.kind <> 'correction' AND EXISTS (
        SELECT 1 FROM public.matters_step s WHERE s.matter_id = m.id AND s.number = m.last_move AND s.side = mine
            AND s.move IN ('accept', 'refuse') AND s.at > clock_timestamp() - interval '10 minutes')
        AND NOT EXISTS (SELECT 1 FROM public.matters_opened o WHERE o.matter_id = m.id AND o.side <> mine
            AND o.number >= m.last_move)
        -- Nor once the other side has confirmed figures that the answer is part of, or they are final.
        AND NOT EXISTS (SELECT 1 FROM public.matters_step s WHERE s.matter_id = m.id AND s.number = m.last_move AND (
            EXISTS (SELECT 1 FROM public.record_consent c WHERE c.relationship_id = m.relationship_id
                AND c.subject_type = 'period' AND c.side <> mine AND c.at >= s.at)
            OR EXISTS (SELECT 1 FROM public.record_entry e WHERE e.relationship_id = m.relationship_id
                AND e.subject_type = 'period' AND e.at >= s.at))) $$;
"""
NO_WORK = """
DROP FUNCTION comity_owes(matters_matter, text); DROP FUNCTION comity_may_take_back(matters_matter, text);
"""

STEP = """
CREATE OR REPLACE FUNCTION comity_guard_step() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE m public.matters_matter; mine text := public.comity_side(); waits text; last integer; owes boolean;
    by_other boolean;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF (NEW.relationship_id, NEW.side, NEW.person_id) IS DISTINCT FROM
        (public.comity_relationship(), mine, public.comity_person()) OR NEW.move IN ('remind', 'deem') THEN
        RETURN NEW;  -- the policies refuse it
    END IF;
    SELECT * INTO m FROM public.matters_matter WHERE id = NEW.matter_id AND relationship_id = NEW.relationship_id;
    waits := CASE m.state WHEN 'asked' THEN m.answers WHEN 'countered' THEN m.asks END;
    owes := public.comity_owes(m, mine);
    SELECT s.side IS DISTINCT FROM mine INTO by_other FROM public.matters_step s
        WHERE s.matter_id = m.id AND s.number = m.last_move;
    SELECT coalesce(max(number), 0) INTO last FROM public.matters_step WHERE matter_id = NEW.matter_id;
    IF m.id IS NULL OR NEW.number <> last + 1 OR abs(extract(epoch FROM NEW.at - clock_timestamp())) > 600
        OR (NEW.answers_to_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.matters_step s
            WHERE s.id = NEW.answers_to_id AND s.matter_id = NEW.matter_id AND s.number < NEW.number))
        OR NOT coalesce(CASE NEW.move
            WHEN 'raise' THEN last = 0 AND mine = m.asks
            WHEN 'accept' THEN mine = waits
            WHEN 'refuse' THEN mine = waits
            WHEN 'counter' THEN mine = waits
            WHEN 'withdraw' THEN mine = m.asks AND waits IS NOT NULL
            WHEN 'done' THEN mine IS NOT NULL AND owes AND m.state IN ('accepted', 'deemed')
            WHEN 'cannot' THEN mine IS NOT NULL AND owes AND m.state IN ('accepted', 'deemed')
            WHEN 'confirm' THEN mine IS NOT NULL AND owes IS NOT NULL AND m.state = 'done' AND by_other
            WHEN 'not_done' THEN mine IS NOT NULL AND owes IS NOT NULL AND m.state = 'done' AND by_other
            WHEN 'let_off' THEN mine IS NOT NULL AND NOT owes AND m.state IN ('accepted', 'deemed', 'broken')
            WHEN 'hand_over' THEN mine IS NOT NULL AND m.kind = 'action' AND m.state IN ('accepted', 'deemed')
            WHEN 'take_back' THEN mine IS NOT NULL AND public.comity_may_take_back(m, mine)
            WHEN 'comment' THEN true
        END, false) THEN
        RAISE EXCEPTION 'comity: this step is not the viewer''s to make now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.ran_out := coalesce(m.reply_by < clock_timestamp(), false);
    RETURN NEW;
END $$;
"""

MATTER = """
CREATE OR REPLACE FUNCTION comity_guard_matter() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE mine text := public.comity_side(); waits text; does text; due timestamptz := public.comity_earliest_due(now());
    same_terms boolean; same_owner boolean; same_clock boolean; same_answer boolean; owes boolean; by_other boolean;
    counters integer; allowed boolean := false;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.relationship_id IS DISTINCT FROM public.comity_relationship() THEN
            RETURN NEW;  -- the policies refuse it
        END IF;
        IF coalesce(NEW.asks = mine AND NEW.answers <> mine AND NEW.state = 'asked' AND NEW.reminded_at IS NULL
            AND NEW.reminded_to = '[]' AND NEW.last_move = 0 AND NEW.reply_by >= due AND NEW.follows = ''
            AND (NEW.kind <> 'dispute' OR NEW.due_on IS NULL)
            AND abs(extract(epoch FROM NEW.raised_at - clock_timestamp())) <= 600, false) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'comity: a matter is raised by the viewer''s side, now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.id, NEW.relationship_id, NEW.kind, NEW.began, NEW.asks, NEW.answers, NEW.title, NEW.kpi, NEW.period,
            NEW.event, NEW.raised_at, NEW.late, NEW.wrong, NEW.unit)
        IS DISTINCT FROM (OLD.id, OLD.relationship_id, OLD.kind, OLD.began, OLD.asks, OLD.answers, OLD.title, OLD.kpi,
            OLD.period, OLD.event, OLD.raised_at, OLD.late, OLD.wrong, OLD.unit) THEN
        RAISE EXCEPTION 'comity: what a matter is about does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    same_terms := (NEW.queue, NEW.from_day, NEW.to_day, NEW.asked_for)
        IS NOT DISTINCT FROM (OLD.queue, OLD.from_day, OLD.to_day, OLD.asked_for);
    same_owner := (NEW.owner_id, NEW.due_on) IS NOT DISTINCT FROM (OLD.owner_id, OLD.due_on);
    same_clock := (NEW.reminded_at, NEW.reminded_to) IS NOT DISTINCT FROM (OLD.reminded_at, OLD.reminded_to);
    same_answer := (NEW.value, NEW.follows) IS NOT DISTINCT FROM (OLD.value, OLD.follows);
    IF same_terms AND same_owner AND same_clock AND same_answer AND (NEW.state, NEW.reply_by, NEW.last_move)
        IS NOT DISTINCT FROM (OLD.state, OLD.reply_by, OLD.last_move) THEN
        RETURN NEW;
    END IF;
    waits := CASE OLD.state WHEN 'asked' THEN OLD.answers WHEN 'countered' THEN OLD.asks END;
    owes := public.comity_owes(OLD, mine);
    SELECT s.side IS DISTINCT FROM mine INTO by_other FROM public.matters_step s
        WHERE s.matter_id = OLD.id AND s.number = OLD.last_move;
    SELECT count(*) INTO counters FROM public.matters_step s WHERE s.matter_id = OLD.id AND s.move = 'counter';
    -- The step that justifies it: the last one, of the viewer's side, and not used before.
    SELECT s.move INTO does FROM public.matters_step s WHERE s.matter_id = OLD.id AND s.number = NEW.last_move
        AND s.side = mine AND NEW.last_move > OLD.last_move
        AND NOT EXISTS (SELECT 1 FROM public.matters_step l WHERE l.matter_id = OLD.id AND l.number > s.number);
    allowed := CASE does
        WHEN 'accept' THEN mine = waits AND NEW.state = 'accepted' AND NEW.reply_by IS NULL
            AND same_terms AND same_clock AND NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id
            AND NEW.value IS NOT DISTINCT FROM OLD.value
            -- What follows from a dispute is said by the side that will owe it, in its acceptance or its counter.
            AND (NEW.follows = OLD.follows OR (OLD.kind = 'dispute' AND mine = OLD.answers))
            AND CASE WHEN OLD.kind <> 'dispute' THEN same_owner AND NEW.follows = ''
                WHEN NEW.follows = 'value' THEN NEW.value IS NOT NULL AND NEW.due_on IS NULL
                WHEN NEW.follows IN ('records', 'formula') THEN NEW.due_on >= CURRENT_DATE + 19
                ELSE false END
        WHEN 'refuse' THEN mine = waits AND NEW.state = 'refused' AND NEW.reply_by IS NULL
            AND same_terms AND same_owner AND same_clock AND same_answer
        WHEN 'withdraw' THEN mine = OLD.asks AND waits IS NOT NULL AND NEW.state = 'withdrawn'
            AND NEW.reply_by IS NULL AND same_terms AND same_owner AND same_clock AND same_answer
        WHEN 'counter' THEN mine = waits AND NEW.reply_by >= due
            AND NEW.state = CASE OLD.state WHEN 'asked' THEN 'countered' ELSE 'asked' END
            AND NEW.reminded_at IS NULL AND NEW.reminded_to = '[]'
            AND (same_terms OR OLD.kind = 'claim') AND (same_owner OR OLD.kind = 'action')
            AND (same_answer OR OLD.kind = 'dispute')
            AND (NEW.follows = OLD.follows OR mine = OLD.answers OR NEW.follows = '')
            AND (NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id OR EXISTS (SELECT 1 FROM public.parties_membership p
                WHERE p.id = NEW.owner_id AND p.relationship_id = OLD.relationship_id AND p.left_at IS NULL))
        WHEN 'take_back' THEN public.comity_may_take_back(OLD, mine)
            AND NEW.state = CASE counters % 2 WHEN 0 THEN 'asked' ELSE 'countered' END
            AND NEW.reply_by IS NOT NULL AND same_terms AND same_clock
            AND NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id
            AND (same_owner OR (OLD.kind = 'dispute' AND NEW.due_on IS NULL))
            AND NEW.value IS NOT DISTINCT FROM OLD.value
            AND (same_answer OR OLD.kind = 'dispute')
        ELSE same_terms AND same_clock AND same_answer AND NEW.reply_by IS NOT DISTINCT FROM OLD.reply_by
            AND NEW.due_on IS NOT DISTINCT FROM OLD.due_on AND CASE does
                WHEN 'done' THEN owes AND OLD.state IN ('accepted', 'deemed') AND NEW.state = 'done' AND same_owner
                WHEN 'cannot' THEN owes AND OLD.state IN ('accepted', 'deemed') AND NEW.state = 'broken' AND same_owner
                WHEN 'confirm' THEN OLD.state = 'done' AND by_other AND NEW.state = 'confirmed' AND same_owner
                WHEN 'not_done' THEN OLD.state = 'done' AND by_other AND NEW.state = 'accepted' AND same_owner
                WHEN 'let_off' THEN NOT owes AND OLD.state IN ('accepted', 'deemed', 'broken')
                    AND NEW.state = 'let_off' AND same_owner
                WHEN 'hand_over' THEN OLD.kind = 'action' AND OLD.state IN ('accepted', 'deemed')
                    AND NEW.state = OLD.state
                    AND (OLD.owner_id IS NULL OR EXISTS (SELECT 1 FROM public.parties_membership p
                        WHERE p.id = OLD.owner_id AND p.side = mine))
                    AND EXISTS (SELECT 1 FROM public.parties_membership p WHERE p.id = NEW.owner_id AND p.side = mine
                        AND p.relationship_id = OLD.relationship_id AND p.left_at IS NULL)
                ELSE false END
    END;
    IF NOT coalesce(allowed AND mine IS NOT NULL, false) THEN
        RAISE EXCEPTION 'comity: no step of the viewer''s side justifies this change of a matter'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""

# Both sides read what each has opened, each says so of itself, and what was opened stays opened.
OPENED = """
ALTER TABLE matters_opened ENABLE ROW LEVEL SECURITY;
ALTER TABLE matters_opened FORCE ROW LEVEL SECURITY;
CREATE POLICY matters_opened_reads ON matters_opened FOR SELECT
    USING (relationship_id = (SELECT comity_relationship()));
CREATE POLICY matters_opened_adds ON matters_opened FOR INSERT
    WITH CHECK (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
CREATE POLICY matters_opened_changes ON matters_opened FOR UPDATE
    USING (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()))
    WITH CHECK (relationship_id = (SELECT comity_relationship()) AND side = (SELECT comity_side()));
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON matters_opened TO %I', current_setting('comity.app_role'));
END $do$;
CREATE FUNCTION comity_guard_opened() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.relationship_id, NEW.matter_id, NEW.side) IS DISTINCT FROM
        (OLD.id, OLD.relationship_id, OLD.matter_id, OLD.side) OR NEW.number < OLD.number THEN
        RAISE EXCEPTION 'comity: what was opened stays opened' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
-- Nobody has had before them what is not there yet; else no answer of the other side could ever be taken back.
CREATE FUNCTION comity_guard_opened_number() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.number > (SELECT max(s.number) FROM public.matters_step s WHERE s.matter_id = NEW.matter_id
            AND s.relationship_id = NEW.relationship_id) IS NOT FALSE THEN
        RAISE EXCEPTION 'comity: no such step was there to be opened' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_opened_number BEFORE INSERT OR UPDATE ON matters_opened FOR EACH ROW
    EXECUTE FUNCTION comity_guard_opened_number();
CREATE TRIGGER comity_guard_opened BEFORE UPDATE ON matters_opened FOR EACH ROW EXECUTE FUNCTION comity_guard_opened();
"""

# A period is not final while a dispute about it, or about one that overlaps it, was accepted, is still to be carried
# out and is not late. The database knows no calendar of the book: a day is over where it is over first, and months,
# quarters and years are compared by their names, which nest alike on whatever day months start.
FROZEN = """
CREATE FUNCTION comity_months(period text) RETURNS int4range LANGUAGE plpgsql IMMUTABLE
    SET search_path = public, pg_temp AS $$
DECLARE months integer; first integer;
BEGIN
    months := CASE WHEN period ~ '^[0-9]{4}$' THEN 12 WHEN period ~ '^[0-9]{4}-Q[1-4]$' THEN 3
        WHEN period ~ '^[0-9]{4}-[0-9]{2}$' THEN 1 END;
    IF months IS NULL THEN RETURN NULL; END IF;
    first := left(period, 4)::integer * 12
        + CASE months WHEN 12 THEN 0 WHEN 3 THEN right(period, 1)::integer * 3 - 3
            ELSE right(period, 2)::integer - 1 END;
    RETURN int4range(first, first + months);
END $$;
CREATE FUNCTION comity_guard_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.matters_matter m WHERE m.relationship_id = NEW.relationship_id
            AND m.kind = 'dispute' AND m.state IN ('accepted', 'done', 'broken')
            AND (m.period = NEW.subject OR public.comity_months(m.period) && public.comity_months(NEW.subject))
            AND m.follows IN ('records', 'formula') AND m.due_on >= (now() AT TIME ZONE 'Etc/GMT-14')::date) THEN
        RAISE EXCEPTION 'comity: an accepted dispute about this period is still to be carried out'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_frozen BEFORE INSERT ON record_entry FOR EACH ROW
    WHEN (NEW.subject_type = 'period' AND NEW.kind = 'frozen') EXECUTE FUNCTION comity_guard_frozen();
"""


class Migration(migrations.Migration):
    """Columns, a table with its policy, and the guards."""

    dependencies: ClassVar = [("matters", "0011_audit"), ("record", "0001_initial")]
    operations: ClassVar = [
        migrations.AlterField("matter", "state", models.CharField(choices=STATES, default="asked", max_length=12)),
        migrations.AlterField("step", "move", models.CharField(choices=MOVES, max_length=10)),
        migrations.AddField("matter", "wrong", models.CharField(blank=True, db_default="", max_length=12)),
        migrations.AddField(
            "matter", "value", models.DecimalField(blank=True, decimal_places=8, max_digits=24, null=True)
        ),
        migrations.AddField("matter", "unit", models.CharField(blank=True, db_default="", max_length=8)),
        migrations.AddField("matter", "follows", models.CharField(blank=True, db_default="", max_length=8)),
        migrations.CreateModel(
            name="Opened",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("customer", "customer"), ("provider", "provider")], max_length=8)),
                ("number", models.PositiveIntegerField()),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="matters.matter"
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
        migrations.AddConstraint(
            "opened", models.UniqueConstraint(fields=["matter", "side"], name="one_opened_a_side")
        ),
        migrations.RunSQL(WORK, NO_WORK),
        migrations.RunSQL(STEP, migrations.RunSQL.noop),
        migrations.RunSQL(MATTER, migrations.RunSQL.noop),
        migrations.RunSQL(
            OPENED,
            "DROP TRIGGER comity_guard_opened ON matters_opened; DROP FUNCTION comity_guard_opened();"
            "DROP TRIGGER comity_guard_opened_number ON matters_opened; DROP FUNCTION comity_guard_opened_number()",
        ),
        migrations.RunSQL(
            FROZEN,
            "DROP TRIGGER comity_guard_frozen ON record_entry; DROP FUNCTION comity_guard_frozen();"
            "DROP FUNCTION comity_months(text)",
        ),
    ]
