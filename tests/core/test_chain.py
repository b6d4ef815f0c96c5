"""The hash chain: digests, canonical JSON, and detection of changes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.chain import GENESIS_DIGEST, BrokenChainError, canonical, digest_of, entries_after, linked, verify

CONTENTS = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3), max_size=6)


def chained(contents):
    entries, before = [], GENESIS_DIGEST
    for number, content in enumerate(contents, 1):
        entries.append(linked(number, content, before))
        before = entries[-1].digest
    return entries


def test_linked_digest_equals_sha256sum():
    """By `printf '[1,"<64 zeros>",{"a":"é"}]' | sha256sum`."""
    assert (
        linked(1, {"a": "é"}, GENESIS_DIGEST).digest
        == "7552f59dcafc7d67f47d6c7607b3b2042f55f264efb63f59495e849c77408a5f"
    )


@given(CONTENTS)
def test_verify_returns_the_head_of_an_unchanged_chain(contents):
    entries = chained(contents)
    assert verify(entries) == (entries[-1].digest if entries else GENESIS_DIGEST)


@given(CONTENTS.filter(lambda found: len(found) > 1), st.data())
def test_verify_detects_every_change(contents, data):
    entries = chained(contents)
    at = data.draw(st.integers(0, len(entries) - 1))
    kind = data.draw(st.sampled_from(["content", "out", "swapped", "remade"]))
    if kind == "content":
        entries[at] = replace(entries[at], content=dict(entries[at].content) | {"put": "in"})
    elif kind == "out" and at < len(entries) - 1:
        del entries[at]
    elif kind == "swapped" and at < len(entries) - 1:
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
    elif kind == "remade" and at < len(entries) - 1:  # with a digest of its own: the next one gives it away
        entries[at] = linked(entries[at].number, {"put": "in its place"}, entries[at].previous)
    else:
        return
    with pytest.raises(BrokenChainError, match="entry"):
        verify(entries)


def test_verify_with_a_kept_head_detects_truncated_and_rewritten_records():
    entries = chained([{"a": 1}, {"b": 2}, {"c": 3}])
    assert verify(entries, head=entries[1].digest) == entries[2].digest
    with pytest.raises(BrokenChainError, match="kept"):
        verify(entries[:2], head=entries[2].digest)
    with pytest.raises(BrokenChainError, match="kept"):
        verify(chained([{"a": 1}, {"b": 9}]), head=entries[1].digest)


def test_canonical_text_is_in_the_order_of_code_points_and_without_white_space():
    """By hand; the database writes the same, in `tests/apps/test_database_refusals.py`."""
    assert canonical({"b": [1, None], "B": "é\n", "\U0001f600": True, "\uffff": ""}) == (
        '{"B":"é\\n","b":[1,null],"\uffff":"","\U0001f600":true}'
    )
    assert (
        digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )  # printf '{}' | sha256sum


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_canonical_refuses_what_json_cannot_represent(value):
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        canonical(value)
    entry = replace(linked(1, {}, GENESIS_DIGEST), content={"a": value})
    with pytest.raises(BrokenChainError, match="entry 1"):
        verify([entry])


def test_entries_after_counts_what_a_kept_digest_does_not_cover():
    entries = chained([{"a": 1}, {"b": 2}, {"c": 3}])
    assert [entries_after(entries, one.digest) for one in entries] == [2, 1, 0]
    with pytest.raises(BrokenChainError, match="kept"):
        entries_after(entries, GENESIS_DIGEST)
