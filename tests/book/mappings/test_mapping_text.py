"""A mapping written out as text is the same mapping when it is read again."""

from dataclasses import replace

import pytest

from comity.book.mappings.mapping_text import mapping_text, narrowed
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from tests.builders.mappings import EVERYTHING

pytestmark = pytest.mark.gate


def again(mapping):
    """Written and read; what a shipped mapping says of the order of days is a default, what a person writes is not."""
    return replace(parse_mapping(mapping_text(mapping), "t.toml", None, mapping.name), defaults=mapping.defaults)


@pytest.mark.parametrize("name", shipped_mappings())
def test_a_shipped_mapping_comes_back_as_it_was(name):
    mapping = read_mapping(name)
    found = again(mapping)
    assert replace(found, also=()) == replace(mapping, also=())
    assert [(one.table, one.columns, one.rows) for one in found.also] == [
        (one.table, one.columns, one.rows) for one in mapping.also
    ]


def test_a_mapping_with_every_class_of_the_language_comes_back(tmp_path):
    mapping = parse_mapping(EVERYTHING, "t.toml", tmp_path, "everything")
    assert again(mapping) == mapping


def test_what_a_sheet_lacks_is_left_out_and_what_it_has_keeps_its_own_spelling():
    """Of the call log's many names the file has three; what is made of the others is not written."""
    headers = {"call id": "CALL ID", "start time": "Start time", "queue": "Queue"}
    found = narrowed(read_mapping("call_log"), lambda header: headers.get(header.casefold()))
    assert found.columns["contact_id"].source == ("CALL ID",)
    assert found.columns["queue"].source == ("Queue",)
    assert {"reason", "team", "handle_s", "answered_at"}.isdisjoint(found.columns)
