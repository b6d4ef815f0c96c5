"""The agreement in a book: files that are as they were signed, and the KPIs that figures are counted by."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.agreement import (
    UnusableAgreementError,
    agreed_changes,
    agreed_json,
    chain_of,
    parse_agreed,
    problems_of,
)
from comity.book.agreement_toml import parse_text_toml, text_toml
from comity.book.amend import HomeChange, NothingChangesError, begin_from_kpis, change_to, write_agreed
from comity.book.definition import UnusableBookError, read_definition
from comity.core.agreements.changes import SetField, proposal_digest
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import in_force
from comity.core.agreements.text import text
from comity.core.kpi_templates import CHANNELS
from comity.core.values import Side
from tests.builders.agreed_changes import BOTH, agreed
from tests.builders.agreement import FIRST, add, change, first_change, random_chain
from tests.builders.examples import examples
from tests.cast import write_book

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def target(number, first_day, value, **more):
    return change(number, first_day, SetField("sl", "target", value), **more)


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def write_all(book, *changes):
    for one in changes:
        write_agreed(book, one)


# Files ------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1000))
def test_a_file_holds_exactly_the_change(tmp_path_factory, seed):
    for entry in random_chain(Random(seed), 5):
        one = agreed(entry.change, entry.place, agreed_on=date(2026, 1, 2) if seed % 2 else None)
        read = parse_agreed(agreed_json(one), tmp_path_factory.getbasetemp())
        assert (read.place, read.agreed_at, read.signed, read.signatures) == (
            one.place,
            one.agreed_at,
            one.signed,
            BOTH,
        )
        assert proposal_digest(read.proposal) == proposal_digest(one.proposal)
        assert agreed_json(read) == agreed_json(one)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("change", "edits", 1, "fields", "target"), "0.81"),
        (("says", "reason"), "Another."),
        (("signed", "revision"), "0" * 64),
        (("digest",), "0" * 64),
    ],
)
def test_a_file_that_was_changed_after_it_was_signed_is_refused(book, place, value):
    write_agreed(book, agreed(first_change(), 1))
    file = book / "agreement" / "0001.json"
    content = json.loads(file.read_text())
    part = content
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    file.write_text(json.dumps(content))
    with pytest.raises(UnusableBookError, match=r"0001\.json: was changed after it was signed.*bring the file back"):
        read_definition(book)


@pytest.mark.parametrize(
    "text_", ["", "[]", "{}", '{"schema": "comity.agreed-change/2"}', "{" * 5000, '{"schema": NaN}']
)
def test_what_is_no_file_of_an_agreement_is_refused_with_its_name(book, text_):
    (book / "agreement").mkdir()
    (book / "agreement" / "0001.json").write_text(text_)
    with pytest.raises(UnusableBookError, match=r"agreement/0001\.json: .*bring the file back from a copy"):
        read_definition(book)


def test_a_file_under_another_number_and_two_at_one_place_are_refused(book):
    write_all(book, agreed(first_change(), 1), agreed(target(2, FIRST, "0.9"), 2))
    folder = book / "agreement"
    (folder / "0002.json").rename(folder / "0003.json")
    with pytest.raises(UnusableAgreementError, match=r"0003\.json: holds change 2; name it 0002\.json"):
        agreed_changes(book)
    (folder / "0003.json").unlink()
    write_agreed(book, agreed(target(2, FIRST, "0.9"), 1))
    with pytest.raises(UnusableAgreementError, match=r"0002\.json: was agreed at the place"):
        agreed_changes(book)


def test_a_change_is_written_once_and_never_over_another(book):
    one = agreed(first_change(), 1)
    written = write_agreed(book, one)
    before = written.stat().st_mtime_ns
    assert write_agreed(book, one).stat().st_mtime_ns == before
    with pytest.raises(UnusableAgreementError, match="is never changed"):
        write_agreed(book, replace(one, revision=2))


def test_what_could_not_have_been_agreed_is_found_by_a_check(book):
    later = target(2, date(2026, 8, 1), "0.82")
    silent = target(3, date(2026, 6, 22), "0.78")  # says nothing of change 2, which it meets
    write_all(book, agreed(first_change(), 1), agreed(later, 2), agreed(silent, 3))
    ((number, message),) = problems_of(agreed_changes(book))
    assert (number, message) == (3, "clause sl, target: says nothing of change 2, which it meets")


# KPIs of the book -------------------------------------------------------------------------------------------------


def test_figures_are_counted_by_the_agreement(book):
    summer = target(2, date(2026, 8, 1), "0.82", end=date(2026, 9, 1))
    write_all(book, agreed(first_change(), 1, entry=7), agreed(summer, 2))
    kpis = read_definition(book).kpis
    found = [(one.target, one.valid_from, one.valid_to, one.entry, one.agreed) for one in kpis if one.id == "sl"]
    assert found == [
        (0.8, FIRST, date(2026, 8, 1), 7, True),
        (0.82, date(2026, 8, 1), date(2026, 9, 1), None, True),
        (0.8, date(2026, 9, 1), None, 7, True),
    ]


def test_what_nobody_signed_and_no_paper_says_is_not_agreed(book):
    write_all(book, agreed(first_change(), 1, signed=False))
    assert {one.agreed for one in read_definition(book).kpis} == {False}
    (book / "agreement" / "0001.json").unlink()
    write_all(book, agreed(first_change(), 1, signed=False, agreed_on=date(2025, 12, 1)))
    kpis = read_definition(book).kpis
    assert {(one.agreed, one.agreed_on) for one in kpis} == {(True, date(2025, 12, 1))}


def test_one_sides_signature_is_not_enough(book):
    write_all(book, replace(agreed(first_change(), 1), signatures=BOTH[:1]))
    assert {one.agreed for one in read_definition(book).kpis} == {False}


def test_kpis_in_the_book_file_beside_an_agreement_are_an_error_with_the_next_step(tmp_path):
    book = write_book(tmp_path / "book", '[[kpi]]\nid = "service_level"\n')
    write_all(book, agreed(first_change(), 1))
    with pytest.raises(
        UnusableBookError, match=r"\[\[kpi\]\] is there beside the folder agreement.*take the \[\[kpi\]\] out"
    ):
        read_definition(book)


def test_a_changed_file_is_read_again(book):
    write_all(book, agreed(first_change(), 1))
    assert len(agreed_changes(book)) == 1
    write_all(book, agreed(target(2, FIRST + timedelta(days=9), "0.9"), 2))
    assert len(agreed_changes(book)) == 2


# From [[kpi]] -----------------------------------------------------------------------------------------------------

OF_OLD = """
# Agreed in the kick-off.
[[kpi]]
id = "service_level"
target = 0.8
agreed_on = 2025-12-12
valid_from = 2026-01-01
valid_to = 2026-08-01
[[kpi]]
id = "service_level"
target = 0.82
answer_within_s = 30
valid_from = 2026-08-01
[[kpi]]
id = "csat"
instrument = "post-call"
formula = "mean"
valid_from = 2026-03-01
valid_to = 2026-06-01
"""


def test_every_day_reads_as_before_once_the_kpis_of_old_are_an_agreement(tmp_path):
    book = write_book(tmp_path / "book", OF_OLD)
    before = read_definition(book)
    changes = begin_from_kpis(book)
    after = read_definition(book)
    assert [one.proposal.change.span.first_day.month for one in changes] == [1, 3, 6, 8]
    assert "[[kpi]]" not in (book / "book.toml").read_text()
    assert "Agreed in the kick-off" in (book / "book.toml").read_text()
    day = date(2025, 12, 25)
    while day < date(2026, 10, 1):
        for name in ("service_level", "csat"):
            was, now = (in_force(one.kpis, name, day) for one in (before, after))
            assert (was is None) == (now is None)
            if was is not None:
                plain = {"valid_from": day, "valid_to": None, "agreed_on": None, "entry": None, "change": None}
                assert replace(was, **plain) == replace(now, **plain)
        day += timedelta(days=1)
    assert problems_of(agreed_changes(book)) == []
    with pytest.raises(UnusableBookError, match="has an agreement already"):
        begin_from_kpis(book)


_NAMES = st.lists(st.text("aZé ñ1-", min_size=1, max_size=6).filter(str.strip), min_size=1, max_size=4)
_SHARES = st.decimals("0.01", "0.99", places=6).map(str)


@given(queues=_NAMES, channels=st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=4), target=_SHARES)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_a_book_lists_its_queues_and_writes_its_numbers_its_kpis_become_an_agreement(
    tmp_path_factory, queues, channels, target
):
    kpi = f'[[kpi]]\nid = "sl"\nmeasure = "service_level"\nqueues = {json.dumps(queues)}\ntarget = {target}\n'
    book = write_book(tmp_path_factory.mktemp("listed") / "book", f"{kpi}channels = {json.dumps(channels)}\n")
    (before,) = read_definition(book).kpis
    assert len(begin_from_kpis(book)) == 1
    (after,) = read_definition(book).kpis
    assert ({*after.queues}, {*after.channels}) == ({*before.queues}, {*before.channels})
    assert after.target == before.target


def test_wordings_of_a_room_keep_the_entries_of_its_record(tmp_path):
    of_a_room = OF_OLD.replace("valid_from = 2026-03-01", "entry = 4\nvalid_from = 2026-03-01").replace(
        "answer_within_s = 30", "entry = 9\nanswer_within_s = 30"
    )
    book = write_book(tmp_path / "book", of_a_room)
    changes = begin_from_kpis(book)
    assert [(one.number, one.place, one.entry) for one in changes] == [
        (1, -3, None),
        (2, -2, 4),
        (3, -1, None),
        (4, 0, 9),
    ]
    assert {(kpi.id, kpi.entry) for kpi in read_definition(book).kpis} == {
        ("service_level", None), ("csat", 4), ("service_level", 9),
    }  # fmt: skip


def test_a_kpi_that_ends_and_begins_again_needs_an_id_of_its_own(tmp_path):
    again = OF_OLD + '[[kpi]]\nid = "csat"\ninstrument = "post-call"\nvalid_from = 2026-09-01\n'
    book = write_book(tmp_path / "book", again)
    with pytest.raises(UnusableBookError, match="'csat' that ends and begins again"):
        begin_from_kpis(book)
    assert not (book / "agreement").exists()
    assert "[[kpi]]" in (book / "book.toml").read_text()


def test_a_book_without_kpis_has_nothing_to_begin_with(book):
    assert begin_from_kpis(book) == []


# A change by hand -------------------------------------------------------------------------------------------------


def wanting(first_day, **more):
    return HomeChange("Title", "Reason.", "Ana", Side.PROVIDER, NOW, first_day, **more)


def test_a_text_taken_in_becomes_a_change_of_what_differs_alone(book):
    write_all(book, agreed(first_change(), 1))
    written = text_toml(text(chain_of(agreed_changes(book)), FIRST)).replace("target = 0.8\n", "target = 0.85\n")
    wanted = parse_text_toml(written, book)
    made = change_to(book, wanted, wanting(date(2026, 8, 1)))
    assert made.proposal.change.edits == (SetField("sl", "target", "0.85"),)
    assert (made.number, made.place, made.is_agreed) == (2, 2, False)
    write_agreed(book, made)
    with pytest.raises(NothingChangesError):
        change_to(book, wanted, wanting(date(2026, 8, 1)))


def test_a_change_that_meets_another_has_to_say_which_holds(book):
    write_all(book, agreed(first_change(), 1), agreed(target(2, date(2026, 8, 1), "0.82"), 2))
    wanted = parse_text_toml(
        text_toml(text(chain_of(agreed_changes(book)), FIRST)).replace("target = 0.8\n", "target = 0.78\n"), book
    )
    with pytest.raises(UnusableAgreementError, match=r"meets change 2 on sl\.target; say whether"):
        change_to(book, wanted, wanting(date(2026, 6, 22)))
    for instead, september in ((True, 0.78), (False, 0.82)):
        made = change_to(book, wanted, wanting(date(2026, 6, 22), instead=instead))
        kpi = text(chain_of([*agreed_changes(book), made]), date(2026, 9, 1)).get("sl")
        assert float(kpi.fields["target"]) == september


# TOML -------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1000), offset=st.integers(0, 60))
def test_toml_read_back_is_exactly_the_text(tmp_path_factory, seed, offset):
    read = text(random_chain(Random(seed), 8), FIRST + timedelta(days=offset))
    again = parse_text_toml(text_toml(read), tmp_path_factory.getbasetemp())
    kept = [one for one in read.clauses if not one.removed]
    assert [(one.id, one.kind) for one in again.clauses] == [(one.id, one.kind) for one in kept]
    from comity.core.agreements.clauses import complete

    for one, other in zip(kept, again.clauses, strict=True):
        assert complete(other.kind, other.fields) == one.fields


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("x", "is not TOML"),
        ("[[clause]]\n", "has to say schema"),
        ('schema = "comity.agreement/1"\n[[clause]]\nkind = "kpi"\n', "clause 1: write an id and a kind"),
        ('schema = "comity.agreement/1"\n[[clause]]\nid = "a"\nkind = "kpy"\n', "clause a: write one of the kinds"),
        (
            'schema = "comity.agreement/1"\n[[clause]]\nid = "a"\nkind = "kpi"\nmeasure = "csat"\ntarget = "80 %"\n',
            "clause a, target: '80 %' cannot stand here; write a number",
        ),
        (
            'schema = "comity.agreement/1"\n'
            + 2 * '[[clause]]\nid = "a"\nkind = "prose"\ntext = "Text."\nlanguage = "en"\n',
            "clause a: is there twice",
        ),
    ],
)
def test_toml_that_is_no_text_is_refused_with_clause_field_and_value(tmp_path, written, said):
    with pytest.raises(UnusableAgreementError, match=f"t.toml: {said}"):
        parse_text_toml(written, tmp_path / "t.toml")


def test_numbers_that_toml_cannot_hold_exactly_are_texts():
    long = "0.1234567890123456789"
    one = add("p", Kind.PRICE, service="Voice", unit="contact", currency="EUR", price=long)
    assert f'price = "{long}"' in text_toml(text([*chain_of([agreed(change(1, FIRST, one), 1)])], FIRST))
