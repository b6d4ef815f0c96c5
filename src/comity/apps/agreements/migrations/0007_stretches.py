"""Figures hold a stretch for each wording of a period: each of them has to be agreed, and so has relief.

A figure may have `earlier` ones, of the stretches before; and `relieved`, with the changes whose waiver both signed.
"""

from typing import ClassVar

from django.db import migrations

FIGURES = """
CREATE OR REPLACE FUNCTION comity_are_figures_agreed(here uuid, figures jsonb) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    WITH named AS (SELECT f.value AS figure FROM jsonb_each(
        CASE jsonb_typeof(figures) WHEN 'object' THEN figures ELSE '{}' END) f),
    every AS (SELECT figure FROM named UNION ALL SELECT e.value FROM named, jsonb_array_elements(
        CASE jsonb_typeof(figure->'earlier') WHEN 'array' THEN figure->'earlier' ELSE '[]' END) e)
    SELECT jsonb_typeof(figures) = 'object'
    AND NOT EXISTS (SELECT 1 FROM named WHERE coalesce(jsonb_typeof(figure->'earlier'), 'array') <> 'array'
        OR jsonb_path_exists(figure, '$.earlier[*].earlier'))
    AND NOT EXISTS (SELECT 1 FROM every WHERE
        coalesce(figure->'definition'->'agreed', 'true') <> 'true'
        OR (coalesce(figure->'definition'->'entry', 'null') <> 'null' AND NOT EXISTS (
            SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here
            AND to_jsonb(e.number) = figure->'definition'->'entry'
            AND ((e.subject_type = 'kpis' AND e.content @> jsonb_build_object('content', jsonb_build_object(
                    'kpis', jsonb_build_array(jsonb_build_object('id', figure->'definition'->'id')))))
                OR (e.subject_type = 'agreement' AND EXISTS (
                    SELECT 1 FROM jsonb_array_elements(e.content->'content'->'change'->'edits') edit
                    WHERE figure->'definition'->'id' IN (edit->'add', edit->'set'))))))
        OR EXISTS (SELECT 1 FROM jsonb_array_elements(
            CASE jsonb_typeof(figure->'relieved'->'changes') WHEN 'array' THEN figure->'relieved'->'changes'
            ELSE '[]' END) change WHERE NOT EXISTS (
                SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here AND e.subject_type = 'agreement'
                AND to_jsonb(e.subject) = to_jsonb(change.value #>> '{}')
                AND coalesce(e.content->'content'->'signed'->'waived'->'kpis' @> jsonb_build_array(
                    figure->'definition'->'id'), false))))
$$;
"""
OLD_FIGURES = """
CREATE OR REPLACE FUNCTION comity_are_figures_agreed(here uuid, figures jsonb) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(figures) = 'object' AND NOT EXISTS (SELECT 1 FROM jsonb_each(
        CASE jsonb_typeof(figures) WHEN 'object' THEN figures ELSE '{}' END) f WHERE
        coalesce(f.value->'definition'->'agreed', 'true') <> 'true'
        OR (coalesce(f.value->'definition'->'entry', 'null') <> 'null' AND NOT EXISTS (
            SELECT 1 FROM public.record_entry e WHERE e.relationship_id = here
            AND to_jsonb(e.number) = f.value->'definition'->'entry'
            AND ((e.subject_type = 'kpis' AND e.content @> jsonb_build_object('content', jsonb_build_object(
                    'kpis', jsonb_build_array(jsonb_build_object('id', f.value->'definition'->'id')))))
                OR (e.subject_type = 'agreement' AND EXISTS (
                    SELECT 1 FROM jsonb_array_elements(e.content->'content'->'change'->'edits') edit
                    WHERE f.value->'definition'->'id' IN (edit->'add', edit->'set')))))))
$$;
"""


class Migration(migrations.Migration):
    """One function, as frozen text."""

    dependencies: ClassVar = [("agreements", "0006_remarks")]
    operations: ClassVar = [migrations.RunSQL(FIGURES, OLD_FIGURES)]
