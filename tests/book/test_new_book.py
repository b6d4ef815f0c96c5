"""A book from nothing: it can be read at once, whatever it was told, and so can all that it offers as notes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.book.definition import UnusableBookError, parse_definition, read_definition
from comity.book.definition_keys import RETENTION, SECTIONS
from comity.book.new_book import NewBook, Service, begin_book, book_text
from comity.core.calendars import Cut
from comity.core.values import Side

NEW = NewBook("Northwind Energy", "Helpline", "Europe/Madrid", "EUR", Cut.MONTH, Service.BOTH)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip)


def uncommented(text: str) -> str:
    """The text with every line said that a reader may say: those that begin with `#` and no blank."""
    return re.sub(r"^#(?! )", "", text, flags=re.MULTILINE)


def test_a_new_book_says_what_it_was_told(tmp_path):
    begin_book(tmp_path / "ours", NEW)
    made = read_definition(tmp_path / "ours")
    assert (made.name, made.timezone, made.currency, made.cut) == (
        "Northwind Energy with Helpline",
        "Europe/Madrid",
        "EUR",
        Cut.MONTH,
    )
    assert [(party.id, party.name) for party in made.parties.values()] == [
        ("northwind-energy", "Northwind Energy"),
        ("helpline", "Helpline"),
    ]


@pytest.mark.parametrize(
    ("service", "ids"),
    [
        (Service.CALLS, ["service_level", "abandonment"]),
        (Service.TICKETS, ["sla_attainment", "backlog"]),
        (Service.BOTH, ["service_level", "abandonment", "sla_attainment", "backlog"]),
    ],
)
def test_its_first_kpis_are_those_of_the_work_and_no_target_is_agreed(service, ids, tmp_path):
    begin_book(tmp_path, NewBook("A", "B", "UTC", "EUR", Cut.WEEK, service))
    kpis = read_definition(tmp_path).kpis
    assert [kpi.id for kpi in kpis] == ids
    assert [kpi.target for kpi in kpis] == [None] * len(ids)


def test_every_line_that_it_offers_can_be_used_as_it_stands(tmp_path):
    text = book_text(NEW)
    made = parse_definition(uncommented(text), tmp_path / "book.toml")
    assert made.kpis[-1].queue_map == {"SKILL_07": "sales"}
    assert made.private[Side.PROVIDER].tables == ("costs", "staff")
    assert made.sources[0].path == "../exports/calls-*.csv"
    assert made.retention == {"contacts": 730, "intervals": 730}


def test_it_offers_every_section_and_every_key():
    text = uncommented(book_text(NEW))
    for section in SECTIONS:
        _, found, rest = text.rpartition(f"\n{section.header}\n")
        assert found, section.header
        written = set(re.findall(r"^(\w+) = ", re.split(r"^\[", rest, flags=re.MULTILINE)[0], re.MULTILINE))
        wanted = {key.name for key in section.keys}
        assert written <= wanted
        assert written == wanted or section is RETENTION


@given(NAMES, NAMES, st.sampled_from(Cut), st.sampled_from(Service))
def test_any_names_can_be_read_again(customer, provider, cut, service):
    made = parse_definition(book_text(NewBook(customer, provider, "UTC", "EUR", cut, service)), "book.toml")
    assert [party.name for party in made.parties.values()] == [customer, provider]
    assert made.name == f"{customer} with {provider}"
    assert all(re.fullmatch(r"[a-z0-9-]+", party.id) for party in made.parties.values())


def test_what_is_there_is_never_overwritten(tmp_path):
    (tmp_path / "book.toml").write_text("mine")
    with pytest.raises(UnusableBookError, match="is not overwritten"):
        begin_book(tmp_path, NEW)
    assert (tmp_path / "book.toml").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "book.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(UnusableBookError, match="is not overwritten"):
        begin_book(tmp_path / "ours", NEW)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_what_cannot_be_read_is_not_written(tmp_path):
    with pytest.raises(UnusableBookError, match="is not a zone"):
        begin_book(tmp_path, NewBook("A", "B", "Mars/Olympus", "EUR", Cut.WEEK, Service.CALLS))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "ours").write_text("")
    with pytest.raises(UnusableBookError, match="ours"):
        begin_book(tmp_path / "ours", NEW)
