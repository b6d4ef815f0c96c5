"""A decision that is asked for is owed as a decision, and not as an answer; and since when each kind is recorded.

`ledger_recorded` says since when promises of a kind are posted. A kind without a row is one that nobody records yet: it
is named as such wherever kinds are listed, and no count of it is ever shown. A source of a new kind adds its row.

Matters in which a decision was asked for before stay what they were posted as: their entries stand in the record.
"""

from typing import ClassVar

from django.db import migrations

RECORDED = """
CREATE TABLE ledger_recorded (
    kind varchar(10) PRIMARY KEY,
    since timestamptz NOT NULL
);
INSERT INTO ledger_recorded (kind, since)
    VALUES ('answer', '-infinity'), ('action', '-infinity'), ('decision', clock_timestamp());
DO $do$ BEGIN
    EXECUTE format('GRANT SELECT ON ledger_recorded TO %I', current_setting('comity.app_role'));
END $do$;
"""

# What the side that answers owes while it is asked to decide; what it asks back, and confirms, stays an answer.
DECISIONS = """
CREATE FUNCTION comity_owed_decisions(m matters_matter, obligations jsonb) RETURNS jsonb LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(CASE WHEN o->>'kind' = 'answer' AND o->>'debtor' = m.answers
            THEN o || jsonb_build_object('kind', 'decision',
                'promise', replace(o->>'promise', '/answer/', '/decision/'),
                -- By the day that the asking side named, and not by the clock of a reply.
                'due_on', coalesce((SELECT (s.terms->>'due_on')::date FROM public.matters_step s
                    WHERE s.matter_id = m.id AND s.number = split_part(o->>'promise', '/', 3)::integer), m.due_on))
            ELSE o END ORDER BY place), '[]')
    FROM jsonb_array_elements(obligations) WITH ORDINALITY one(o, place) $$;

CREATE FUNCTION comity_asks_to_decide(m matters_matter) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT m.kind = 'decision' AND coalesce((SELECT s.recorded_at >= r.since FROM public.matters_step s
        CROSS JOIN public.ledger_recorded r WHERE r.kind = 'decision' AND s.matter_id = m.id AND s.number = 1), false)
    $$;

CREATE OR REPLACE VIEW matters_owed AS
SELECT s.relationship_id, s.matter_id AS subject_id, s.number AS step, s.at,
    public.comity_ledger_day(s.relationship_id, s.at) AS day, s.person_id, s.side, s.move AS cause, s.ran_out AS late,
    p.ends, p.obligations = '[]' AS ended,
    jsonb_build_object('kind', m.kind, 'asks', m.asks, 'answers', m.answers, 'move', s.move, 'side', s.side,
        'debtor', p.debtor, 'state', p.state, 'follows', p.follows, 'earlier', s.stood = '{}')
        || CASE WHEN d.decides THEN '{"asks_for": "decision"}'::jsonb ELSE '{}' END AS facts,
    CASE WHEN d.decides AND p.state IN ('asked', 'asked_back_b')
        THEN public.comity_owed_decisions(m, p.obligations) ELSE p.obligations END AS obligations
FROM public.matters_matter m
CROSS JOIN LATERAL (SELECT public.comity_asks_to_decide(m) AS decides) d
CROSS JOIN LATERAL public.comity_matter_positions(m.id) p
JOIN public.matters_step s ON s.matter_id = m.id AND s.number = p.step;
REVOKE EXECUTE ON FUNCTION comity_owed_decisions(matters_matter, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION comity_asks_to_decide(matters_matter) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """One table, and the view of matters again."""

    dependencies: ClassVar = [("ledger", "0001_initial"), ("matters", "0015_ledger")]
    operations: ClassVar = [migrations.RunSQL([RECORDED, DECISIONS])]
