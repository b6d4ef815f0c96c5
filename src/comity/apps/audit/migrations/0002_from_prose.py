"""Lines of prose become typed events: kind, subject and data, as far as they can be read; what cannot stays as text.

Matters and deliveries are found again by their own apps (`matters/migrations/0011_audit.py`, `books/migrations`).
"""

from typing import ClassVar

from django.db import migrations

# What was written -> event, subject, the text in parts, and what else the action says. An action that is not here, or a
# text without these parts, is kept word for word.
CONVERT = r"""
CREATE TEMP TABLE known_action (action text PRIMARY KEY, event text, subject text, parts text, fields text[],
    more jsonb) ON COMMIT DROP;
INSERT INTO known_action VALUES
    ('founded', 'relationship_founded', 'relationship', '^(.+) with (.+)$', '{customer,provider}', '{}'),
    ('joined', 'member_joined', 'membership', '^(\S+)$', '{role}', '{}'),
    ('let go', 'member_let_go', 'membership', '^(.+)$', '{name}', '{}'),
    ('invited', 'invitation_made', 'invitation', '^(\S+) (customer|provider)$', '{role,side}', '{}'),
    ('withdrew invitation', 'invitation_withdrawn', 'invitation', '^(\S+)$', '{role}', '{}'),
    ('proposed neutral', 'neutral_proposed', 'invitation', '^(\S+)$', '{role}', '{}'),
    ('agreed to neutral', 'neutral_agreed', 'invitation', '^(\S+)$', '{role}', '{}'),
    ('changed role', 'role_changed', 'membership', '^(.+): (\w+) > (\w+)$', '{name,old,new}', '{}'),
    ('named deputy', 'deputy_named', 'membership', '^(.+) > (.+), (\d{4}-\d\d-\d\d)$', '{deputy,name,until}', '{}'),
    ('ended deputy', 'deputy_ended', 'membership', '^(.+)$', '{name}', '{}'),
    ('reviewed access', 'access_reviewed', NULL, '^$', '{}', '{}'),
    ('began the book', 'book_begun', 'book', '^$', '{}', '{}'),
    ('uploaded', 'delivery_uploaded', 'delivery', '^(.+)$', '{name}', '{}'),
    ('brought in', 'delivery_imported', 'delivery', '^(.+)$', '{name}', '{}'),
    ('took back', 'delivery_undone', 'delivery', '^(.+)$', '{name}', '{}'),
    ('undo failed', 'undo_failed', 'delivery', '^(.+)$', '{name}', '{}'),
    ('corrected', 'correction_made', 'delivery', '^(.+)$', '{name}', '{}'),
    ('correction failed', 'correction_failed', 'delivery', '^(.+)$', '{name}', '{}'),
    ('held back', 'item_held_back', 'item', '^(.+), (\d{4}-\d\d-\d\d)$', '{item,review_on}', '{}'),
    ('disclosed', 'item_disclosed', 'item', '^(.+)$', '{item}', '{}'),
    ('not held back', 'hold_back_failed', 'item', '^(.+)$', '{item}', '{}'),
    ('not disclosed', 'disclosure_failed', 'item', '^(.+)$', '{item}', '{}'),
    ('handed over', 'matter_handed_over', 'matter', '^(.+) > (.+)$', '{title,to}', '{"kind": "action"}'),
    ('confirmed', 'period_confirmed', 'period', '^(.+)$', '{period}', '{}'),
    ('restated', 'period_restated', 'period', '^(.+)$', '{period}', '{}'),
    ('read matter', 'matter_read', 'matter', '^(.+)$', '{title}', '{}'),
    ('read evidence', 'evidence_read', 'evidence', '^(.+)$', '{name}', '{}'),
    ('read delivery', 'delivery_read', 'delivery', '^(.+)$', '{name}', '{}'),
    ('read review', 'review_read', 'period', '^(.+)$', '{period}', '{}'),
    ('read file', 'review_file_read', 'period', '^(.+)$', '{name}', '{}'),
    ('read figure', 'figure_read', 'period', '^(.+) (\S+)$', '{kpi,period}', '{}'),
    ('read reading', 'reading_read', 'period', '^(.+) (\S+)$', '{reading,period}', '{}'),
    ('read attribution', 'attribution_read', 'period', '^(.+) (\S+)$', '{kpi,period}', '{}'),
    ('read record', 'record_read', 'record', '^$', '{}', '{}');
INSERT INTO known_action
    SELECT move || ' ' || kind, event, 'matter', '^(.+)$', '{title}', jsonb_build_object('kind', kind)
    FROM (VALUES ('raised', 'matter_raised'), ('accept', 'matter_accepted'), ('refuse', 'matter_refused'),
        ('withdraw', 'matter_withdrawn'), ('done', 'matter_done')) moves (move, event),
        unnest('{dispute,claim,action,correction}'::text[]) kind;

-- As the owner, whom FORCE would hold too: this table is about to go.
ALTER TABLE parties_access NO FORCE ROW LEVEL SECURITY;
INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, subject_type, subject_id, data, shared)
SELECT line.id, line.relationship_id, line.at, line.person_id, line.side, coalesce(known.event, 'other'),
    known.subject, CASE known.subject WHEN 'relationship' THEN line.relationship_id END,
    CASE WHEN known.action IS NULL THEN jsonb_build_object('action', line.action, 'about', line.about)
        WHEN cardinality(known.fields) = 0 AND line.about = '' THEN known.more
        WHEN cardinality(known.fields) > 0 AND line.about ~ known.parts
            THEN known.more || jsonb_object(known.fields, regexp_match(line.about, known.parts))
        ELSE known.more || jsonb_build_object('about', line.about) END,
    line.crosses
FROM parties_access line LEFT JOIN known_action known ON known.action = line.action;

DO $do$ DECLARE before bigint; after bigint; BEGIN
    SELECT count(*) INTO before FROM parties_access;
    SELECT count(*) INTO after FROM parties_access line JOIN audit_event event ON event.id = line.id;
    IF before <> after THEN
        RAISE EXCEPTION 'comity: of % lines of the log % became events', before, after;
    END IF;
END $do$;
"""


class Migration(migrations.Migration):
    """Every line is kept, or nothing is changed."""

    dependencies: ClassVar = [("audit", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL([CONVERT])]
