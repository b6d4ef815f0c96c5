"""What both sides agree on about the ledger itself: an opening list, a reversal, by which days it counts.

One side proposes, the other agrees to exactly that (`record_consent`); the entry of the record that follows is what is
applied, once. Neither side alone opens, reverses or moves anything, and whoever may look may have it applied.

**Opening list**: what each side owed before the room kept it. A promise of it ends when the side that is owed says so
(kept, or no longer required), or the side that owes it cannot.

**Reversal**: the exact negative of a named transaction. What a subject's steps say stays what the ledger holds: a
reversal after which the two would differ is refused, so that what a step of a matter posted is put right in the matter,
and what was posted wrongly beside its steps is put right here.

**Calendar**: from then on days count by the other one. No transaction is moved.

Texts (what a promise is, why something is reversed) stand in `ledger_wording`, outside the chain, which has their
digest.
"""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SIDES = [("customer", "customer"), ("provider", "provider")]
ENDS = [(end, end) for end in ("kept", "let_off", "broken")]

WALL = """
INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES ('ledger_change', 'ledger_agreed', true, '{lead}');
DO $do$ DECLARE app text := current_setting('comity.app_role'); one text; BEGIN
    FOREACH one IN ARRAY '{ledger_wording,ledger_settlement}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (relationship_id = (SELECT comity_relationship()))',
            one || '_reads', one);
        EXECUTE format('GRANT SELECT ON %I TO %I', one, app);
    END LOOP;
    CREATE POLICY ledger_wording_adds ON ledger_wording FOR INSERT WITH CHECK (
        relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())
        AND side = (SELECT comity_side()) AND abs(extract(epoch FROM at - clock_timestamp())) <= 600);
    EXECUTE format('GRANT INSERT ON ledger_wording TO %I', app);
    CREATE POLICY ledger_settlement_owner_adds ON ledger_settlement FOR INSERT TO CURRENT_USER
        WITH CHECK (relationship_id = comity_relationship());
    CREATE POLICY ledger_calendar_owner_changes ON ledger_calendar FOR UPDATE TO CURRENT_USER
        USING (relationship_id = comity_relationship()) WITH CHECK (relationship_id = comity_relationship());
END $do$;
"""

OPENINGS = """
-- Whether what a step of a subject posted was reversed.
CREATE FUNCTION comity_is_reversed(here uuid, asked_type text, asked_subject uuid, asked_step integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.ledger_transaction t JOIN public.ledger_transaction r
        ON r.relationship_id = t.relationship_id AND r.reverses = t.number
        WHERE t.relationship_id = here AND t.subject_type = asked_type AND t.subject_id = asked_subject
        AND t.step = asked_step) $$;

CREATE VIEW ledger_openings AS
SELECT e.relationship_id, e.id AS subject_id, s.step, s.at, s.day, s.person_id, s.side, s.cause, NULL::boolean AS late,
    s.ends, o.obligations = '[]' AS ended, s.facts, o.obligations
FROM public.record_entry e
CROSS JOIN LATERAL (
    SELECT 1 AS step, e.at, (e.content#>>'{content,as_of}')::date AS day, NULL::uuid AS person_id, NULL::text AS side,
        'opening'::text AS cause, 'kept'::text AS ends, jsonb_build_object('opens', (SELECT jsonb_agg(jsonb_build_array(
            i->>'key', i->>'debtor', i->>'kind') ORDER BY i->>'key')
            FROM jsonb_array_elements(e.content#>'{content,promises}') i)) AS facts
    UNION ALL
    SELECT t.step, t.at, public.comity_ledger_day(t.relationship_id, t.at), t.person_id, t.side, 'settle', t.ended,
        jsonb_build_object('settles', t.key, 'side', t.side)
    FROM public.ledger_settlement t WHERE t.opening_id = e.id
) s
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('promise', i->>'key', 'debtor', i->>'debtor', 'kind', i->>'kind',
        'amount', 1, 'due_on', i->>'due_on', 'done_on', NULL) ORDER BY i->>'key'), '[]') AS obligations
    FROM jsonb_array_elements(e.content#>'{content,promises}') i
    WHERE NOT public.comity_is_reversed(e.relationship_id, 'opening', e.id, 1) AND NOT EXISTS (
        SELECT 1 FROM public.ledger_settlement t WHERE t.opening_id = e.id AND t.key = i->>'key' AND t.step <= s.step
        AND NOT public.comity_is_reversed(e.relationship_id, 'opening', e.id, t.step))
) o
WHERE e.subject_type = 'ledger_change' AND e.kind = 'ledger_agreed' AND e.content#>>'{content,what}' = 'opening';

INSERT INTO ledger_source (subject_type, view) VALUES ('opening', 'ledger_openings');

-- How a promise of an opening list ends, as the side says whose word that is.
CREATE FUNCTION comity_settle_opening(asked_key text, how text, done date) RETURNS uuid LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); mine text := public.comity_side(); p public.ledger_promise;
    next integer;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    SELECT * INTO p FROM public.ledger_promise WHERE relationship_id = here AND key = asked_key;
    IF p.id IS NULL OR p.subject_type <> 'opening' OR p.open = 0 OR mine IS NULL
        OR NOT coalesce(CASE WHEN how IN ('kept', 'let_off') THEN mine <> p.debtor
            WHEN how = 'broken' THEN mine = p.debtor END, false)
        OR public.comity_person() NOT IN (SELECT public.comity_able(mine, '{lead,analyst}'))
        OR (done IS NOT NULL AND (how <> 'kept' OR done > public.comity_ledger_day(here, clock_timestamp()))) THEN
        RAISE EXCEPTION 'comity: this promise does not end so, or not by whoever is looking'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT coalesce(max(t.step), 1) + 1 INTO next FROM public.ledger_settlement t WHERE t.opening_id = p.subject_id;
    INSERT INTO public.ledger_settlement (id, relationship_id, opening_id, step, key, ended, at, person_id, side)
        VALUES (gen_random_uuid(), here, p.subject_id, next, asked_key, how, clock_timestamp(),
            public.comity_person(), mine);
    UPDATE public.ledger_promise SET done_on = done WHERE id = p.id;
    RETURN public.comity_post_in(here, 'opening', p.subject_id, next);
END $$;
REVOKE EXECUTE ON FUNCTION comity_is_reversed(uuid, text, uuid, integer) FROM PUBLIC;
"""

REVERSALS = """
CREATE FUNCTION comity_reverse_in(here uuid, e record_entry) RETURNS uuid LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE said jsonb := e.content->'content'; t public.ledger_transaction; made uuid := gen_random_uuid(); next integer;
    place integer; happened date := public.comity_ledger_day(here, e.at); counts_on date; l record; source name;
    wrong bigint; legs jsonb;
BEGIN
    SELECT x.id INTO made FROM public.ledger_transaction x WHERE x.relationship_id = here
        AND x.subject_type = 'reversal' AND x.subject_id = e.id;
    IF made IS NOT NULL THEN RETURN made; END IF;
    made := gen_random_uuid();
    SELECT * INTO t FROM public.ledger_transaction x WHERE x.relationship_id = here
        AND x.number::text = said->>'transaction';
    IF t.id IS NULL OR t.reverses IS NOT NULL OR EXISTS (SELECT 1 FROM public.ledger_transaction x
            WHERE x.relationship_id = here AND x.reverses = t.number)
        OR said->>'digest' IS DISTINCT FROM (SELECT r.digest FROM public.record_entry r
            WHERE r.relationship_id = here AND r.number = t.entry) THEN
        RAISE EXCEPTION 'comity: this is no transaction to reverse' USING ERRCODE = 'insufficient_privilege';
    END IF;
    counts_on := public.comity_open_day(here, greatest(happened, t.day));
    SELECT coalesce(max(x.number), 0) + 1 INTO next FROM public.ledger_transaction x WHERE x.relationship_id = here;
    SELECT coalesce(max(r.number), 0) + 1 INTO place FROM public.record_entry r WHERE r.relationship_id = here;
    INSERT INTO public.ledger_transaction (id, relationship_id, number, subject_type, subject_id, step, cause, day,
            for_day, recorded_at, person_id, side, key, entry, txid, reverses)
        VALUES (made, here, next, 'reversal', e.id, 1, 'reversal', counts_on,
            CASE WHEN counts_on <> happened THEN happened END, clock_timestamp(), NULL, NULL, 'reversal ' || e.id,
            place, pg_current_xact_id()::text::bigint, t.number);
    FOR l IN SELECT o.promise_id, -o.amount AS amount, o.ended, o.late_by_first, o.late_by_last, p.key, p.kind, p.debtor
            FROM public.ledger_line o JOIN public.ledger_promise p ON p.id = o.promise_id
            WHERE o.transaction_id = t.id AND o.way = 'due' ORDER BY p.key LOOP
        -- What opens again counts against how it had ended; what is closed was never owed.
        IF l.amount < 0 THEN
            l.ended := 'withdrawn';
            l.late_by_first := false;
            l.late_by_last := false;
        END IF;
        UPDATE public.ledger_promise p SET open = p.open + l.amount,
                closed_on = CASE WHEN p.open + l.amount = 0 THEN counts_on END,
                ended = CASE WHEN p.open + l.amount = 0 THEN l.ended ELSE '' END,
                late_by_first = false, late_by_last = false
            WHERE p.id = l.promise_id;
        INSERT INTO public.ledger_line (id, relationship_id, transaction_id, promise_id, day, side, way, kind, amount,
                ended, late_by_first, late_by_last)
            SELECT gen_random_uuid(), here, made, l.promise_id, counts_on, leg.side, leg.way, l.kind, leg.amount,
                l.ended, l.late_by_first, l.late_by_last
            FROM (VALUES (CASE l.debtor WHEN 'customer' THEN 'provider' ELSE 'customer' END, 'due', l.amount),
                (l.debtor, 'owes', -l.amount)) leg(side, way, amount);
    END LOOP;
    PERFORM public.comity_check_ledger(made);
    SELECT s.view INTO source FROM public.ledger_source s WHERE s.subject_type = t.subject_type;
    EXECUTE format('WITH said AS (SELECT o->>''promise'' AS key, (o->>''amount'')::numeric AS open
            FROM (SELECT v.obligations FROM public.%I v WHERE v.relationship_id = $1 AND v.subject_id = $2
                ORDER BY v.step DESC LIMIT 1) last CROSS JOIN LATERAL jsonb_array_elements(last.obligations) o),
        held AS (SELECT p.key::text, p.open FROM public.ledger_promise p WHERE p.relationship_id = $1
            AND p.subject_type = $3 AND p.subject_id = $2 AND p.open > 0)
        SELECT count(*) FROM ((TABLE said EXCEPT ALL TABLE held) UNION ALL (TABLE held EXCEPT ALL TABLE said)) x',
        source) INTO wrong USING here, t.subject_id, t.subject_type;
    IF wrong <> 0 THEN
        RAISE EXCEPTION 'comity: the ledger would not be what the steps say'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT jsonb_agg(jsonb_build_object('side', x.side, 'way', x.way, 'kind', x.kind,
            'amount', trim_scale(x.amount)::text, 'promise', p.key, 'ended', x.ended) ORDER BY p.key, x.way) INTO legs
        FROM public.ledger_line x JOIN public.ledger_promise p ON p.id = x.promise_id WHERE x.transaction_id = made;
    legs := jsonb_build_object('number', next, 'day', counts_on,
        'for', CASE WHEN counts_on <> happened THEN happened END, 'cause', 'reversal',
        'of', jsonb_build_object('type', 'reversal', 'id', e.id, 'step', 1), 'ended', false,
        'facts', jsonb_build_object('reverses', t.number), 'lines', legs);
    IF public.comity_append_in(here, 'posted', 'ledger', next::text, jsonb_build_object('subject_type', 'ledger',
            'subject', next::text, 'content', legs,
            'content_digest', public.comity_digest(public.comity_canonical(legs)))) IS DISTINCT FROM place THEN
        RAISE EXCEPTION 'comity: the entry of the record is another one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN made;
END $$;

-- No entry says what could not be applied, whoever agreed to it and however.
CREATE FUNCTION comity_guard_ledger_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE said jsonb := NEW.content->'content';
BEGIN
    IF NOT coalesce(CASE said->>'what'
        WHEN 'calendar' THEN (said->>'month_starts_on')::integer BETWEEN 1 AND 28
            AND EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = said->>'zone')
        WHEN 'opening' THEN (said->>'as_of')::date <= public.comity_ledger_day(NEW.relationship_id, NEW.at)
            AND jsonb_array_length(said->'promises') BETWEEN 1 AND 200
            AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(said->'promises') i
                WHERE NOT coalesce(i->>'key' ~ ('^opening/' || NEW.subject || '/[0-9]{1,3}$')
                    AND i->>'debtor' IN ('customer', 'provider')
                    AND i->>'kind' IN ('answer', 'action', 'records', 'decision')
                    AND ((i->>'due_on') IS NULL OR (i->>'due_on')::date IS NOT NULL), false))
        WHEN 'reversal' THEN said->>'transaction' ~ '^[0-9]{1,9}$'
        ELSE false END, false) THEN
        RAISE EXCEPTION 'comity: no change of the ledger' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_guard_ledger_change BEFORE INSERT ON record_entry FOR EACH ROW
    WHEN (NEW.subject_type = 'ledger_change') EXECUTE FUNCTION comity_guard_ledger_change();
REVOKE ALL ON FUNCTION comity_guard_ledger_change() FROM PUBLIC;

-- Has the ledger be as an entry says that both sides agreed to; a second time it changes nothing.
CREATE FUNCTION comity_apply_ledger_change(asked integer) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); e public.record_entry; said jsonb;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR NO KEY UPDATE;
    SELECT * INTO e FROM public.record_entry r WHERE r.relationship_id = here AND r.number = asked
        AND r.subject_type = 'ledger_change' AND r.kind = 'ledger_agreed';
    IF e.id IS NULL THEN
        RAISE EXCEPTION 'comity: both sides have agreed on no such thing' USING ERRCODE = 'insufficient_privilege';
    END IF;
    said := e.content->'content';
    IF said->>'what' = 'calendar' THEN
        IF EXISTS (SELECT 1 FROM public.record_entry r WHERE r.relationship_id = here AND r.number > asked
                AND r.subject_type = 'ledger_change' AND r.content#>>'{content,what}' = 'calendar') THEN
            RAISE EXCEPTION 'comity: a later calendar was agreed on' USING ERRCODE = 'insufficient_privilege';
        END IF;
        INSERT INTO public.ledger_calendar (relationship_id, zone, month_starts_on)
            VALUES (here, said->>'zone', (said->>'month_starts_on')::integer)
            ON CONFLICT (relationship_id) DO UPDATE SET zone = EXCLUDED.zone,
                month_starts_on = EXCLUDED.month_starts_on;
        RETURN NULL;
    ELSIF said->>'what' = 'opening' THEN
        RETURN public.comity_post_in(here, 'opening', e.id, 1);
    ELSIF said->>'what' = 'reversal' THEN
        RETURN public.comity_reverse_in(here, e);
    END IF;
    RAISE EXCEPTION 'comity: both sides have agreed on no such thing' USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE EXECUTE ON FUNCTION comity_reverse_in(uuid, record_entry) FROM PUBLIC;
"""


def _id() -> Any:  # noqa: ANN401 - a field and its name
    return ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False))


def _to(model: str, on_delete: Any = django.db.models.deletion.CASCADE) -> Any:  # noqa: ANN401 - as Django takes them
    return models.ForeignKey(on_delete=on_delete, related_name="+", to=model)


class Migration(migrations.Migration):
    """Two tables, a column, a source of the ledger, and the owner's functions."""

    dependencies: ClassVar = [
        ("ledger", "0002_decisions"),
        ("record", "0002_append_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("transaction", "reverses", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddConstraint(
            "transaction",
            models.UniqueConstraint(fields=("relationship", "reverses"), name="reversed_once"),
        ),
        migrations.CreateModel(
            name="Wording",
            fields=[
                _id(),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("text", models.CharField(max_length=400)),
                ("salt", models.CharField(max_length=32)),
                ("person", _to(settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT)),
                ("relationship", _to("parties.relationship")),
            ],
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                _id(),
                ("step", models.PositiveIntegerField()),
                ("key", models.CharField(max_length=80)),
                ("ended", models.CharField(choices=ENDS, max_length=10)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("side", models.CharField(choices=SIDES, max_length=8)),
                ("opening", _to("record.entry")),
                ("person", _to(settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT)),
                ("relationship", _to("parties.relationship")),
            ],
            options={
                "ordering": ["opening", "step"],
                "constraints": [
                    models.UniqueConstraint(fields=("opening", "step"), name="one_settlement_a_step"),
                ],
            },
        ),
        migrations.RunSQL([WALL, OPENINGS, REVERSALS]),
    ]
