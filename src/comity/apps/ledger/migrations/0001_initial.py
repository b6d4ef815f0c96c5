"""Transactions, promises and lines, which the app's role reads and never writes; `comity_post` posts a step.

What is open of a subject after a step is read from a view that the app of the subject registers in `ledger_source`; the
difference to what is posted is written with its header and its entry of the record, and every invariant is checked,
in one function of the owner and under the relationship's lock. Nothing is left to a deferred check: those run after the
viewer may have been cleared.

A view that is registered has a row for each step of each subject, and these columns:

    relationship_id uuid, subject_id uuid, step integer (counts in the subject, from 1),
    at timestamptz, day date (of `comity_ledger_day`), person_id uuid, side text (NULL: nobody's), cause text (20),
    late boolean      whether answers that this step gives were late; NULL: by their day
    ends text         how promises other than answers end that close by this step: kept, let_off, broken, withdrawn; and
                      withdrawn or deemed of answers too, which are otherwise kept where their debtor made the step
    ended boolean     whether the subject is ended, after which nothing of it may be open
    facts jsonb       what a recount from the record needs of the step
    obligations jsonb what is open after it: [{"promise": key, "debtor": side, "kind": kind, "amount": number,
                      "due_on": date or null, "done_on": date or null}]; a key is unique in the relationship, and an
                      obligation that goes on, or opens again, keeps it
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]
ENDS = [(end, end) for end in ("kept", "let_off", "broken", "withdrawn", "deemed")]

TABLES = """
INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES ('ledger', 'posted', false, '{}');
CREATE TABLE ledger_source (
    subject_type varchar(20) PRIMARY KEY,
    view name NOT NULL
);
-- By which days count, as the book has it: said once, with the first step that is made when there is a book.
CREATE TABLE ledger_calendar (
    relationship_id uuid PRIMARY KEY REFERENCES parties_relationship ON DELETE CASCADE,
    zone text NOT NULL,
    month_starts_on integer NOT NULL CHECK (month_starts_on BETWEEN 1 AND 28)
);
"""

WALL = """
DO $do$ DECLARE app text := current_setting('comity.app_role'); one text; BEGIN
    FOREACH one IN ARRAY '{ledger_transaction,ledger_promise,ledger_line,ledger_calendar,ledger_recount}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (relationship_id = (SELECT comity_relationship()))',
            one || '_reads', one);
        EXECUTE format('GRANT SELECT ON %I TO %I', one, app);
        IF one <> 'ledger_recount' THEN
            EXECUTE format('CREATE POLICY %I ON %I FOR INSERT TO CURRENT_USER WITH CHECK ('
                'relationship_id = comity_relationship())', one || '_owner_adds', one);
        END IF;
    END LOOP;
    -- Of promises the owner's functions note what became of them; transactions and lines nobody ever changes.
    CREATE POLICY ledger_promise_owner_changes ON ledger_promise FOR UPDATE TO CURRENT_USER
        USING (relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());
    CREATE POLICY ledger_recount_adds ON ledger_recount FOR INSERT WITH CHECK (
        relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())
        AND abs(extract(epoch FROM at - clock_timestamp())) <= 600);
    EXECUTE format('GRANT INSERT ON ledger_recount TO %I', app);
END $do$;
"""

# Lines are added by the transaction that wrote their header, and by no other; whoever owns the tables included.
LINES = """
CREATE FUNCTION comity_guard_line() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.ledger_transaction t JOIN public.ledger_promise p ON p.id = NEW.promise_id
            WHERE t.id = NEW.transaction_id AND t.txid = pg_current_xact_id()::text::bigint
            AND NOT t.relationship_id IS DISTINCT FROM NEW.relationship_id
            AND NOT p.relationship_id IS DISTINCT FROM NEW.relationship_id
            AND NOT t.day IS DISTINCT FROM NEW.day AND NOT p.kind IS DISTINCT FROM NEW.kind
            AND NOT (p.debtor = NEW.side) IS DISTINCT FROM (NEW.way = 'owes')) THEN
        RAISE EXCEPTION 'comity: a line is added with its header, by who owes and who is owed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_line BEFORE INSERT ON ledger_line FOR EACH ROW EXECUTE FUNCTION comity_guard_line();
"""

DAYS = """
CREATE FUNCTION comity_ledger_day(here uuid, moment timestamptz) RETURNS date LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT (moment AT TIME ZONE coalesce((SELECT zone FROM public.ledger_calendar WHERE relationship_id = here), 'UTC'))
        ::date $$;

-- Says by which days the ledger counts; the first word stands, so that no side moves days later. Whether it was taken.
CREATE FUNCTION comity_keep_ledger_calendar(asked_zone text, asked_start integer) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF public.comity_side() IS NULL OR NOT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = asked_zone) THEN
        RETURN false;
    END IF;
    INSERT INTO public.ledger_calendar (relationship_id, zone, month_starts_on)
        VALUES (public.comity_relationship(), asked_zone, asked_start) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- The days of a period by its name (2026, 2026-Q2, 2026-05, 2026-W23), with months that start on a day from 1 to 28.
CREATE FUNCTION comity_period_days(period text, starts_on integer) RETURNS daterange LANGUAGE plpgsql IMMUTABLE
    SET search_path = public, pg_temp AS $$
DECLARE months integer; monday date; first date;
BEGIN
    IF period ~ '^[0-9]{4}-W[0-9]{2}$' THEN
        monday := to_date(left(period, 4) || right(period, 2), 'IYYYIW');
        RETURN daterange(monday, monday + 7);
    END IF;
    months := CASE WHEN period ~ '^[0-9]{4}$' THEN 12 WHEN period ~ '^[0-9]{4}-Q[1-4]$' THEN 3
        WHEN period ~ '^[0-9]{4}-[0-9]{2}$' THEN 1 END;
    IF months IS NULL THEN RETURN NULL; END IF;
    first := make_date(left(period, 4)::integer, CASE months WHEN 12 THEN 1
        WHEN 3 THEN right(period, 1)::integer * 3 - 2 ELSE right(period, 2)::integer END, starts_on);
    RETURN daterange(first, (first + months * interval '1 month')::date);
END $$;

-- The first day, from one on, that lies in no period whose figures are final.
CREATE FUNCTION comity_open_day(here uuid, asked date) RETURNS date LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp AS $$
DECLARE candidate date := asked; later date; starts_on integer := coalesce((
    SELECT month_starts_on FROM public.ledger_calendar WHERE relationship_id = here), 1);
BEGIN
    LOOP
        SELECT max(upper(public.comity_period_days(e.subject, starts_on))) INTO later FROM public.record_entry e
            WHERE e.relationship_id = here AND e.subject_type = 'period' AND e.kind = 'frozen'
            AND public.comity_period_days(e.subject, starts_on) @> candidate;
        IF later IS NULL THEN RETURN candidate; END IF;
        candidate := later;
    END LOOP;
END $$;
"""

POST = """
-- Whether an entry is whole: both legs, of different sides, opposite, and of promises within their bounds.
CREATE FUNCTION comity_check_ledger(posted uuid) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
    SELECT string_agg(DISTINCT what, ', ') INTO wrong FROM (
        SELECT 'no lines' AS what WHERE NOT EXISTS (SELECT 1 FROM public.ledger_line WHERE transaction_id = posted)
        UNION ALL
        SELECT l.kind || ' does not sum to zero' FROM public.ledger_line l WHERE l.transaction_id = posted
            GROUP BY l.kind HAVING sum(l.amount) IS DISTINCT FROM 0
        UNION ALL
        SELECT 'no counter-entry' FROM public.ledger_line l WHERE l.transaction_id = posted GROUP BY l.promise_id
            HAVING count(*) <> 2 OR count(DISTINCT l.side) <> 2 OR count(DISTINCT l.way) <> 2
        UNION ALL
        -- Of each promise: due of the one is the opposite of owes of the other, and neither below zero nor too much.
        SELECT p.key || ' is out of bounds' FROM public.ledger_promise p
            CROSS JOIN LATERAL (SELECT coalesce(sum(l.amount) FILTER (WHERE l.way = 'due'), 0) AS due,
                coalesce(sum(l.amount) FILTER (WHERE l.way = 'owes'), 0) AS owes
                FROM public.ledger_line l WHERE l.promise_id = p.id) sums
            WHERE p.id IN (SELECT l.promise_id FROM public.ledger_line l WHERE l.transaction_id = posted)
            AND (sums.due IS DISTINCT FROM -sums.owes OR sums.due IS DISTINCT FROM p.open
                OR NOT coalesce(sums.due BETWEEN 0 AND p.promised, false)
                OR (p.open = 0) IS DISTINCT FROM (p.closed_on IS NOT NULL))
    ) found;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'comity: the ledger would not hold: %', wrong USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;

-- Posts what a step of a subject changed. Returns its transaction, or null where it changed nothing. Runs as whoever
-- calls it: `comity_post` and the triggers of subjects, as the owner; fills, as a role that sees rows.
CREATE FUNCTION comity_post_in(here uuid, asked_type text, asked_subject uuid, asked_step integer) RETURNS uuid
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE source name; v record; now_open jsonb; one record; made uuid; known public.ledger_transaction; next integer;
    place integer; counts_on date; how text; moved numeric; p public.ledger_promise; legs jsonb := '[]'; late boolean;
    done date; agreed jsonb;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'comity: nobody is looking' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT s.view INTO source FROM public.ledger_source s WHERE s.subject_type = asked_type;
    IF source IS NULL THEN
        RAISE EXCEPTION 'comity: no subject of the ledger' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Cast, so that a step reads alike whichever view it comes from.
    EXECUTE format('SELECT step::integer, at::timestamptz, day::date, person_id::uuid, side::text, cause::text,
            late::boolean, ends::text, ended::boolean, facts::jsonb, obligations::jsonb
        FROM public.%I WHERE relationship_id = $1 AND subject_id = $2 AND step = $3', source)
        INTO v USING here, asked_subject, asked_step;
    IF v.step IS NULL THEN
        RAISE EXCEPTION 'comity: no such step' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT 1 FROM public.ledger_transaction t WHERE t.subject_type = asked_type
            AND t.subject_id = asked_subject AND t.step > asked_step) THEN
        RETURN (SELECT t.id FROM public.ledger_transaction t WHERE t.relationship_id = here
            AND t.subject_type = asked_type AND t.subject_id = asked_subject AND t.step = asked_step);
    END IF;
    now_open := v.obligations;
    IF v.day IS NULL OR v.cause IS NULL OR jsonb_typeof(now_open) IS DISTINCT FROM 'array' OR EXISTS (
            SELECT 1 FROM jsonb_to_recordset(now_open) AS x(promise text, debtor text, kind text, amount numeric)
            WHERE NOT coalesce(length(x.promise) BETWEEN 1 AND 80 AND x.debtor IN ('customer', 'provider')
                AND x.amount > 0 AND (x.kind ~ '^[A-Z]{3}$' OR (x.amount = 1
                    AND x.kind IN ('answer', 'action', 'records', 'decision'))), false)
        ) OR (SELECT count(*) <> count(DISTINCT x.promise) FROM jsonb_to_recordset(now_open) AS x(promise text)) THEN
        RAISE EXCEPTION 'comity: no position: %', now_open USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF v.ended AND jsonb_array_length(now_open) > 0 THEN
        RAISE EXCEPTION 'comity: an ended subject owes nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO known FROM public.ledger_transaction t WHERE t.relationship_id = here
        AND t.subject_type = asked_type AND t.subject_id = asked_subject AND t.step = asked_step;
    counts_on := CASE WHEN known.id IS NULL THEN public.comity_open_day(here, v.day) ELSE known.day END;
    -- What is open, or was, and what is open now, by promise; those that close first.
    FOR one IN
        SELECT coalesce(was.key, o.promise) AS key, coalesce(was.debtor, o.debtor) AS debtor,
            coalesce(was.kind, o.kind) AS kind, coalesce(o.amount, 0) AS amount, o.due_on, o.done_on,
            o.promise IS NOT NULL AS is_open
        FROM (SELECT * FROM public.ledger_promise w WHERE w.relationship_id = here AND w.subject_type = asked_type
                AND w.subject_id = asked_subject) was
        FULL JOIN (SELECT x.promise, x.debtor, x.kind, x.amount, x.due_on, x.done_on FROM jsonb_to_recordset(now_open)
                AS x(promise text, debtor text, kind text, amount numeric, due_on date, done_on date)) o
            ON o.promise = was.key
        WHERE was.open > 0 OR o.promise IS NOT NULL
        ORDER BY (o.promise IS NOT NULL), coalesce(was.key, o.promise)
    LOOP
        SELECT * INTO p FROM public.ledger_promise w WHERE w.relationship_id = here AND w.key = one.key FOR UPDATE;
        IF p.id IS NULL THEN
            INSERT INTO public.ledger_promise (id, relationship_id, key, subject_type, subject_id, debtor, kind,
                    promised, open, opened_on, days, ended, late_by_first, late_by_last)
                VALUES (gen_random_uuid(), here, one.key, asked_type, asked_subject, one.debtor, one.kind, one.amount,
                    0, counts_on, '[]', '', false, false)
                RETURNING * INTO p;
        END IF;
        IF (p.subject_type, p.subject_id) IS DISTINCT FROM (asked_type, asked_subject) OR (one.is_open AND EXISTS (
                SELECT 1 FROM jsonb_to_recordset(now_open) AS x(promise text, debtor text, kind text)
                WHERE x.promise = p.key AND (x.debtor, x.kind) IS DISTINCT FROM (p.debtor::text, p.kind::text))) THEN
            RAISE EXCEPTION 'comity: a promise does not change its debtor, kind or subject: %', one.key
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        moved := one.amount - p.open;
        -- Another day agreed on is another one of its days; what the same step says again is written over.
        agreed := p.days;
        IF one.is_open AND one.due_on IS NOT NULL THEN
            IF (agreed->-1->>0)::integer = asked_step THEN agreed := agreed - (-1); END IF;
            IF (agreed->-1->>2)::date IS DISTINCT FROM one.due_on THEN
                agreed := agreed || jsonb_build_array(jsonb_build_array(asked_step, counts_on, one.due_on));
            END IF;
        END IF;
        done := CASE WHEN one.is_open THEN one.done_on ELSE p.done_on END;
        how := CASE WHEN moved > 0 THEN p.ended  -- empty, or how the one had ended that opens again
            WHEN moved < 0 AND p.kind = 'answer' THEN CASE WHEN v.ends IN ('withdrawn', 'deemed') THEN v.ends
                WHEN v.side IS NOT DISTINCT FROM p.debtor THEN 'kept' ELSE 'withdrawn' END
            WHEN moved < 0 THEN v.ends ELSE p.ended END;
        IF moved < 0 AND (how IS NULL OR how NOT IN ('kept', 'let_off', 'broken', 'withdrawn', 'deemed')) THEN
            RAISE EXCEPTION 'comity: a promise ends somehow: %', one.key
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF moved < 0 THEN
            late := how = 'kept' AND CASE p.kind WHEN 'answer' THEN coalesce(v.late, counts_on > p.due_on, false)
                ELSE coalesce(coalesce(done, v.day) > (agreed->-1->>2)::date, false) END;
            p.late_by_last := late;
            p.late_by_first := how = 'kept' AND CASE p.kind WHEN 'answer' THEN late
                ELSE coalesce(coalesce(done, v.day) > (agreed->0->>2)::date, false) END;
        END IF;
        IF moved <> 0 THEN
            IF known.id IS NOT NULL AND made IS NULL THEN
                RAISE EXCEPTION 'comity: a step is posted once' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF made IS NULL THEN
                made := gen_random_uuid();
                SELECT coalesce(max(t.number), 0) + 1 INTO next FROM public.ledger_transaction t
                    WHERE t.relationship_id = here;
                -- Its entry of the record has the number after the last one; the relationship is locked.
                SELECT coalesce(max(e.number), 0) + 1 INTO place FROM public.record_entry e
                    WHERE e.relationship_id = here;
                INSERT INTO public.ledger_transaction (id, relationship_id, number, subject_type, subject_id, step,
                        cause, day, for_day, recorded_at, person_id, side, key, entry, txid)
                    VALUES (made, here, next, asked_type, asked_subject, asked_step, v.cause, counts_on,
                        CASE WHEN counts_on <> v.day THEN v.day END, clock_timestamp(), v.person_id, v.side,
                        asked_type || ' ' || asked_subject || ' ' || asked_step, place,
                        pg_current_xact_id()::text::bigint)
                    RETURNING * INTO known;
            END IF;
        END IF;
        UPDATE public.ledger_promise w SET open = one.amount, promised = greatest(w.promised, one.amount),
                days = agreed, due_on = (agreed->-1->>2)::date, done_on = done,
                closed_on = CASE WHEN one.amount = 0 THEN coalesce(w.closed_on, counts_on) END,
                ended = CASE WHEN one.amount = 0 THEN how ELSE '' END,
                late_by_first = one.amount = 0 AND p.late_by_first, late_by_last = one.amount = 0 AND p.late_by_last
            WHERE w.id = p.id;
        IF moved <> 0 THEN
            INSERT INTO public.ledger_line (id, relationship_id, transaction_id, promise_id, day, side, way, kind,
                    amount, ended, late_by_first, late_by_last)
                SELECT gen_random_uuid(), here, made, p.id, counts_on, leg.side, leg.way, p.kind, leg.amount, how,
                    p.late_by_first, p.late_by_last
                FROM (VALUES (CASE p.debtor WHEN 'customer' THEN 'provider' ELSE 'customer' END, 'due', moved),
                    (p.debtor, 'owes', -moved)) leg(side, way, amount);
            legs := legs || (SELECT jsonb_agg(jsonb_build_object('side', leg.side, 'way', leg.way, 'kind', p.kind,
                    'amount', trim_scale(leg.amount)::text, 'promise', p.key, 'ended', how) ORDER BY leg.way)
                FROM (VALUES (CASE p.debtor WHEN 'customer' THEN 'provider' ELSE 'customer' END, 'due', moved),
                    (p.debtor, 'owes', -moved)) leg(side, way, amount));
        END IF;
    END LOOP;
    IF made IS NULL THEN RETURN known.id; END IF;
    PERFORM public.comity_check_ledger(made);
    IF v.ended AND EXISTS (SELECT 1 FROM public.ledger_promise w WHERE w.relationship_id = here
            AND w.subject_type = asked_type AND w.subject_id = asked_subject AND w.open IS DISTINCT FROM 0) THEN
        RAISE EXCEPTION 'comity: an ended subject owes nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    legs := jsonb_build_object('number', known.number, 'day', known.day, 'for', known.for_day, 'cause', known.cause,
        'of', jsonb_build_object('type', asked_type, 'id', asked_subject, 'step', asked_step), 'ended', v.ended,
        'facts', v.facts, 'lines', legs);
    IF public.comity_append_in(here, 'posted', 'ledger', known.number::text, jsonb_build_object(
            'subject_type', 'ledger', 'subject', known.number::text, 'content', legs,
            'content_digest', public.comity_digest(public.comity_canonical(legs)))) IS DISTINCT FROM place THEN
        RAISE EXCEPTION 'comity: the entry of the record is another one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN made;
END $$;

-- What everybody may call: it posts what the steps say, and a step that is posted already is answered with its own.
CREATE FUNCTION comity_post(asked_type text, asked_subject uuid, asked_step integer) RETURNS uuid LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT public.comity_post_in(public.comity_relationship(), asked_type, asked_subject, asked_step) $$;

-- Posts every step that a source has and that is not posted, in the order in which they happened: of subjects of before
-- the ledger. Run as a role that sees every row: with `row_security` off, one that does not is refused.
CREATE FUNCTION comity_fill_ledger(asked_type text) RETURNS integer LANGUAGE plpgsql
    SET search_path = public, pg_temp SET row_security = off AS $$
DECLARE source name; one record; steps integer := 0; expected bigint; got bigint;
BEGIN
    SELECT s.view INTO source FROM public.ledger_source s WHERE s.subject_type = asked_type;
    FOR one IN EXECUTE format('SELECT v.relationship_id, v.subject_id, v.step,
            max(v.at) OVER (PARTITION BY v.subject_id ORDER BY v.step) AS since FROM public.%I v
            ORDER BY since, v.subject_id, v.step', source) LOOP
        PERFORM public.comity_post_in(one.relationship_id, asked_type, one.subject_id, one.step);
        steps := steps + 1;
    END LOOP;
    -- What is open after the last step of each subject, and what is posted as open: promise by promise, the same.
    EXECUTE format('SELECT count(*) FROM (
        SELECT o->>''promise'' AS key, o->>''debtor'' AS debtor, o->>''kind'' AS kind, (o->>''amount'')::numeric AS open
        FROM (SELECT DISTINCT ON (v.subject_id) v.obligations FROM public.%I v ORDER BY v.subject_id, v.step DESC) last
        CROSS JOIN LATERAL jsonb_array_elements(last.obligations) o
        EXCEPT ALL SELECT p.key, p.debtor, p.kind, p.open FROM public.ledger_promise p
        WHERE p.subject_type = $1 AND p.open > 0) missing', source) INTO expected USING asked_type;
    EXECUTE format('SELECT count(*) FROM (
        SELECT p.key, p.debtor::text, p.kind::text, p.open FROM public.ledger_promise p
        WHERE p.subject_type = $1 AND p.open > 0
        EXCEPT ALL SELECT o->>''promise'', o->>''debtor'', o->>''kind'', (o->>''amount'')::numeric
        FROM (SELECT DISTINCT ON (v.subject_id) v.obligations FROM public.%I v ORDER BY v.subject_id, v.step DESC) last
        CROSS JOIN LATERAL jsonb_array_elements(last.obligations) o) more', source) INTO got USING asked_type;
    IF expected <> 0 OR got <> 0 THEN
        RAISE EXCEPTION 'comity: % promises are not posted, and % are that nobody made', expected, got;
    END IF;
    RETURN steps;
END $$;
REVOKE EXECUTE ON FUNCTION comity_post_in(uuid, text, uuid, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_fill_ledger(text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_check_ledger(uuid) FROM PUBLIC;
"""


def _id() -> Any:  # noqa: ANN401 - a field and its name, as below
    return ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False))


def _to(model: str, **options: Any) -> Any:  # noqa: ANN401 - as Django takes them
    on_delete = options.pop("on_delete", django.db.models.deletion.CASCADE)
    return models.ForeignKey(on_delete=on_delete, to=model, **{"related_name": "+", **options})


def _person(**options: Any) -> Any:  # noqa: ANN401 - as above
    return _to(settings.AUTH_USER_MODEL, on_delete=django.db.models.deletion.PROTECT, **options)


def _amount() -> Any:  # noqa: ANN401 - as above
    return models.DecimalField(decimal_places=6, max_digits=24)


class Migration(migrations.Migration):
    """Six tables, their policies, and the owner's functions."""

    initial = True
    dependencies: ClassVar = [
        ("parties", "0018_sample_side"),
        ("record", "0002_append_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Transaction",
            fields=[
                _id(),
                ("number", models.PositiveIntegerField()),
                ("subject_type", models.CharField(max_length=20)),
                ("subject_id", models.UUIDField()),
                ("step", models.PositiveIntegerField()),
                ("cause", models.CharField(max_length=20)),
                ("day", models.DateField()),
                ("for_day", models.DateField(blank=True, null=True)),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("person", _person(blank=True, null=True)),
                ("side", models.CharField(blank=True, choices=SIDES, max_length=8, null=True)),
                ("key", models.CharField(max_length=120)),
                ("entry", models.PositiveIntegerField()),
                ("txid", models.BigIntegerField()),
                ("relationship", _to("parties.relationship")),
            ],
            options={
                "ordering": ["number"],
                "indexes": [models.Index(fields=["relationship", "-day", "-number"], name="ledger_latest_first")],
                "constraints": [
                    models.UniqueConstraint(fields=("relationship", "number"), name="one_transaction_a_number"),
                    models.UniqueConstraint(
                        fields=("subject_type", "subject_id", "step"), name="one_transaction_a_step"
                    ),
                    models.UniqueConstraint(
                        fields=("relationship", "person", "key"), name="one_transaction_a_key", nulls_distinct=False
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Promise",
            fields=[
                _id(),
                ("key", models.CharField(max_length=80)),
                ("subject_type", models.CharField(max_length=20)),
                ("subject_id", models.UUIDField()),
                ("debtor", models.CharField(choices=SIDES, max_length=8)),
                ("kind", models.CharField(max_length=10)),
                ("promised", _amount()),
                ("open", _amount()),
                ("opened_on", models.DateField()),
                ("days", models.JSONField(default=list)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("done_on", models.DateField(blank=True, null=True)),
                ("closed_on", models.DateField(blank=True, null=True)),
                ("ended", models.CharField(blank=True, choices=ENDS, default="", max_length=10)),
                ("late_by_first", models.BooleanField(default=False)),
                ("late_by_last", models.BooleanField(default=False)),
                ("relationship", _to("parties.relationship")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["relationship", "closed_on"], name="ledger_promise_closed"),
                    models.Index(fields=["relationship", "opened_on"], name="ledger_promise_opened"),
                    models.Index(fields=["subject_id"], name="ledger_promise_subject"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("relationship", "key"), name="one_promise_a_key"),
                    models.CheckConstraint(
                        condition=models.Q(("open__gte", 0), ("open__lte", models.F("promised"))),
                        name="promise_in_bounds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                _id(),
                ("day", models.DateField()),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("way", models.CharField(choices=[("due", "due"), ("owes", "owes")], max_length=4)),
                ("kind", models.CharField(max_length=10)),
                ("amount", _amount()),
                ("ended", models.CharField(blank=True, choices=ENDS, default="", max_length=10)),
                ("late_by_first", models.BooleanField(default=False)),
                ("late_by_last", models.BooleanField(default=False)),
                ("promise", _to("ledger.promise", related_name="lines")),
                ("relationship", _to("parties.relationship")),
                ("transaction", _to("ledger.transaction", related_name="lines")),
            ],
            options={
                "ordering": ["transaction__number", "promise", "way"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("way", "owes")),
                        fields=["relationship", "day"],
                        include=("side", "kind", "ended", "late_by_first", "late_by_last", "amount"),
                        name="ledger_owes_by_day",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("transaction", "promise", "side"), name="one_leg_a_side"),
                    models.UniqueConstraint(fields=("transaction", "promise", "way"), name="one_leg_a_way"),
                    models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="line_of_something"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Recount",
            fields=[
                _id(),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("subjects", models.PositiveIntegerField()),
                ("differences", models.JSONField(default=list)),
                ("person", _person()),
                ("relationship", _to("parties.relationship")),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["relationship", "-at"], name="ledger_recount_latest")],
            },
        ),
        migrations.RunSQL([TABLES, WALL, LINES, DAYS, POST]),
    ]
