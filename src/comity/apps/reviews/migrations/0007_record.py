"""Periods are one of the subjects of the record: the models leave this app, its own two functions stay.

A frozen entry and a restatement read as they always did (`period`, `digest` of the review, `figures`), so that one
program checks records of before and after.
"""

from typing import ClassVar

from django.db import migrations

KINDS = """
INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES
    ('period', 'frozen', true, '{lead,executive}'), ('period', 'restated', false, '{lead,executive}');
"""
NO_KINDS = "DELETE FROM record_kind WHERE subject_type = 'period'"

FREEZE = """
CREATE FUNCTION comity_figures(asked_period text, review_digest text, now_figures jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF review_digest !~ '^[0-9a-f]{64}$' OR length(asked_period) NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'comity: no digest of a review, or no period';
    END IF;
    RETURN jsonb_build_object('period', asked_period, 'digest', review_digest, 'figures', now_figures,
        'figures_digest', public.comity_digest(public.comity_canonical(now_figures)));
END $$;
CREATE FUNCTION comity_freeze(asked_period text, review_digest text, now_figures jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM public.comity_open_subject('period', asked_period);
    RETURN public.comity_append('frozen', 'period', asked_period,
        public.comity_figures(asked_period, review_digest, now_figures) || jsonb_build_object(
            'words', public.comity_both_words('period', asked_period, now_figures)));
END $$;
"""
NO_FREEZE = "DROP FUNCTION comity_freeze(text, text, jsonb); DROP FUNCTION comity_figures(text, text, jsonb);"

RESTATE = """
CREATE FUNCTION comity_restate(asked_period text, review_digest text, now_figures jsonb, why text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here uuid := public.comity_relationship(); last jsonb; speaker jsonb;
BEGIN
    PERFORM 1 FROM public.parties_relationship WHERE id = here FOR UPDATE;
    speaker := public.comity_speaker(public.comity_consenting('period'));
    SELECT content INTO last FROM public.record_entry WHERE relationship_id = here AND subject_type = 'period'
        AND subject = asked_period ORDER BY number DESC LIMIT 1;
    IF last IS NULL OR coalesce(btrim(why), '') = '' OR length(why) > 1000 OR last->'figures' = now_figures THEN
        RAISE EXCEPTION 'comity: nothing that this viewer may restate' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN public.comity_append('restated', 'period', asked_period,
        public.comity_figures(asked_period, review_digest, now_figures) || jsonb_build_object(
            'reason', btrim(why), 'by', speaker->>'side', 'words', jsonb_build_array(speaker)));
END $$;
"""


class Migration(migrations.Migration):
    """The models are those of `record` now, over the same tables."""

    dependencies: ClassVar = [("reviews", "0006_guards"), ("record", "0001_initial")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel("Confirmation"), migrations.DeleteModel("Entry")]
        ),
        migrations.RunSQL(KINDS, NO_KINDS),
        migrations.RunSQL(FREEZE, NO_FREEZE),
        migrations.RunSQL(RESTATE, "DROP FUNCTION comity_restate(text, text, jsonb, text)"),
    ]
