"""The digest of a mapping: today's stays as the language grows, and that of earlier versions is still known."""

from dataclasses import replace

import pytest

from comity.book.mappings.digest import mapping_digest, mapping_digests
from comity.book.mappings.model import NULLS, CellKind, FileOptions, Value, identity_mapping
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from tests.builders.mappings import EVERYTHING

# A mapping in which every class of the language occurs.


@pytest.mark.parametrize(
    ("name", "earlier"),
    [
        ("genesys_conversations", "de940251969cbe81"),
        ("forecast_workbook", "b8b725d462d4a59f"),
        ("contacts", "a9e0c088f416a37e"),
    ],
)
def test_the_digest_of_earlier_versions_is_known(name: str, earlier: str) -> None:
    """The digests were printed by `digest_of_mapping` of commit 33be922, the last before the classes were renamed."""
    assert mapping_digests(read_mapping(name)) == (mapping_digest(read_mapping(name)), earlier)


def test_the_digest_of_earlier_versions_covers_every_class_of_the_language() -> None:
    mapping = parse_mapping(EVERYTHING, "many.toml", None, "many")
    assert mapping_digests(mapping)[1] == "83de363e5f7c1c4b"


def test_mappings_that_differ_have_digests_that_differ() -> None:
    mappings = [*map(read_mapping, shipped_mappings()), identity_mapping("contacts")]
    contacts = identity_mapping("contacts")
    mappings += [
        replace(contacts, file=FileOptions(delimiter=";")),
        replace(contacts, decimal=","),
        replace(contacts, let={"a": Value(("x",))}),
        replace(contacts, let={"a": Value(("x",), kind=CellKind.DAY)}),
        replace(contacts, let={"a": Value(total=(Value(("x",)),))}),
    ]
    assert len({mapping_digest(mapping) for mapping in mappings}) == len(mappings)


def test_what_says_a_default_is_what_does_not_say_it() -> None:
    assert mapping_digest(replace(identity_mapping("contacts"), nulls=NULLS, file=FileOptions(header_rows=1))) == (
        mapping_digest(identity_mapping("contacts"))
    )
