"""The form over which digests are computed: one for equal texts, and read back as it was."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.canonical import (
    SCHEMA,
    UnreadableTextError,
    WeakSaltError,
    canonical,
    clause_digest,
    counting_digest,
    digest,
    parse_text,
    salted_digest,
    text_content,
)
from comity.core.agreements.clauses import Clause, check_fields
from comity.core.agreements.kinds import Kind
from tests.builders.clauses import clauses, fields_written_otherwise

TEXTS = st.lists(clauses(), max_size=4).map(
    lambda found: tuple(Clause(f"c{at}", clause.kind, clause.fields) for at, clause in enumerate(found))
)


@given(TEXTS)
def test_a_text_is_read_back_as_it_was(text):
    written = canonical(text_content(text))
    assert parse_text(written) == text
    assert canonical(text_content(parse_text(written))) == written


@given(clauses(), st.integers(0, 10**6))
def test_equal_clauses_have_equal_digests_however_they_are_written(clause, seed):
    """Keys and sets in another order, NFD, CR LF, zeros, null and empty for absent, defaults left out."""
    values, problems = check_fields("c", clause.kind, fields_written_otherwise(clause, random.Random(seed)))
    assert problems == []
    assert clause_digest(Clause("c", clause.kind, values)) == clause_digest(clause)


@given(clauses(), clauses())
def test_different_clauses_have_different_digests(one, other):
    assert (clause_digest(one) == clause_digest(other)) == (one == other)


def test_the_form_is_that_of_the_specification():
    clause = Clause(
        "sl",
        Kind.KPI,
        check_fields("sl", Kind.KPI, {"measure": "service_level", "target": "0.80", "outcome": "e\u0301\r\n"})[0],
    )
    written = canonical(text_content([clause, Clause("old", Kind.PROSE, {}, removed=True)]))
    assert written == (
        '{"clauses":[{"fields":{"abandons":"exclude-short","answer_within_s":"20","better":"higher","channels":["*"],'
        '"formula":"top2","material":"0.01","measure":"service_level","outcome":"é\\n","queues":["*"],'
        '"seen_by":["all"],"target":"0.8","volume_band":"0","within_days":7},"id":"sl","kind":"kpi"},'
        '{"id":"old","kind":"prose","removed":true}],"schema":"comity.agreement/1"}'
    )
    assert digest(json.loads(written)) == digest(text_content(parse_text(written)))


def test_a_digest_pins_the_declaration_of_all_kinds():
    """A field with a default, added to a kind, changes what was signed: then `SCHEMA` counts up."""
    content = {kind.value: text_content([Clause("x", kind, {})]) for kind in Kind}
    assert (SCHEMA, digest(content)) == (
        "comity.agreement/1",
        "98ca6fd96374b0df5f02bb7718555a780b1f7139959f47493556720f7b3e9b5a",
    )


SL = {"measure": "service_level", "answer_within_s": "20"}


@pytest.mark.parametrize(
    "same",
    [
        {"target": "0.9"},
        {"abandons": "exclude-short"},  # as without a word
        {"queues": ["*"], "outcome": "Nobody waits.", "customer_owner": "Ana", "title": "Phones", "priority": 1},
    ],
)
def test_kpis_that_count_alike_have_one_digest_whatever_their_target_and_names(same):
    assert counting_digest(Clause("a", Kind.KPI, SL)) == counting_digest(Clause("b", Kind.KPI, SL | same))


@pytest.mark.parametrize(
    "other",
    [
        {"answer_within_s": "30"},
        {"queues": ["sales"]},
        {"channels": ["chat"]},
        {"short_abandon_s": "5"},
        {"abandons": "count"},
        {"records": "intervals"},
        {"queue_map": {"S1": "sales"}},
        {"measure": "wait_mean"},
    ],
)
def test_kpis_that_count_otherwise_have_another_digest(other):
    assert counting_digest(Clause("a", Kind.KPI, SL)) != counting_digest(Clause("a", Kind.KPI, SL | other))


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ("{", "not JSON"),
        ("[]", "schema"),
        ('{"schema":"comity.agreement/2","clauses":[]}', "schema"),
        ('{"schema":"comity.agreement/1","clauses":[],"also":1}', "nothing else"),
        ('{"schema":"comity.agreement/1","clauses":{}}', "list"),
        ('{"schema":"comity.agreement/1","clauses":[],"clauses":[]}', "twice"),
        ('{"schema":"comity.agreement/1","clauses":[{"id":"a","kind":"poem","fields":{}}]}', "one of the kinds"),
        (
            '{"schema":"comity.agreement/1","clauses":[{"id":"a","kind":"kpi","fields":{"measure":"csat","target":0.8}}]}',
            "in quotes",
        ),
        (
            '{"schema":"comity.agreement/1","clauses":[{"id":"a","kind":"kpi","fields":{"measure":"csat"},"x":1}]}',
            "nothing else",
        ),
        ('{"schema":"comity.agreement/1","clauses":[{"id":"a","kind":"kpi","fields":{}}]}', "write what is counted"),
        (
            '{"schema":"comity.agreement/1","clauses":[{"id":"a","kind":"effect","fields":{}},{"id":"a","kind":"exit","fields":{}}]}',
            "stands once",
        ),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(document, wrong):
    with pytest.raises(UnreadableTextError, match=wrong):
        parse_text(document)


def test_an_amount_kept_private_is_hidden_by_its_salt():
    assert salted_digest("120000", b"a" * 16) != salted_digest("120000", b"b" * 16)
    assert salted_digest("120000", b"a" * 16) == salted_digest("120000", b"a" * 16)
    with pytest.raises(WeakSaltError, match="16 random bytes"):
        salted_digest("120000", b"short")
