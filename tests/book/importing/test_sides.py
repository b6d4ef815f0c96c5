"""In a room a side changes the rows that it brought, and no others: the rest waits for whose rows they are."""

import os
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from comity.book.definition import read_definition
from comity.book.importing.corrections import (
    NoProposalError,
    accept_proposals,
    count_proposals,
    proposals,
    refuse_proposals,
    supposed_accepted,
)
from comity.book.importing.deliver import RefusedError
from comity.book.importing.forget import forget_person
from comity.book.importing.supposed import remove_supposed
from comity.book.importing.undo import NotTheLastError, undo_import
from comity.book.importing.withhold import WithholdAnswer, disclose_rows, has_values_beside_others, may_withhold
from comity.book.storage.commit import book_lock
from comity.book.validation.rejects import rejects_of_import
from comity.core.values import Side
from tests.builders.deliveries import at, deliver, files_with, line, rows
from tests.builders.turns import every
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

pytestmark = pytest.mark.gate
C, P = Side.CUSTOMER, Side.PROVIDER
SURVEYS = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on"
EVENTS = "event_id,kind,from,to,declared_by,declared_at,claim,kpi,state,answered_by,answered_at"
INVOICES = "month,account_id,service,quantity,unit_price"


def answer(number: int, score: int, audience: str = "customer") -> str:
    return f"r{number},{audience},p{number},csat,1,5,{score},2026-03-{1 + number % 28:02d}"


def surveys(book, side, lines, day=1, **more):
    return deliver(
        book, f"surveys-{side}-{day}.csv", lines, table="surveys", header=SURVEYS, day=day, side=side, **more
    )


def scores(book, viewer=JOINT):
    return {row["response_id"]: row["score"] for row in rows(book, "surveys", viewer)}


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book", '[private]\nprovider = ["surveys[audience=employee]", "contacts.agent_id"]\n')


def test_every_row_says_which_side_brought_it(book):
    deliver(book, "a.csv", [line(1)], side=C)
    deliver(book, "b.csv", [line(2)], side=P, day=2)
    deliver(book, "c.csv", [line(3)], day=3)  # at home nobody says whose it is
    assert [row["brought_by"] for row in rows(book)] == ["customer", "provider", "unknown"]


def test_a_file_names_no_other_side_as_who_brought_it(book):
    header = "contact_id,opened_at,brought_by"
    with pytest.raises(RefusedError, match="names the customer"):
        deliver(book, "a.csv", ["c1,2026-01-02T10:00:00Z,customer"], header=header, side=P)
    deliver(book, "b.csv", ["c1,2026-01-02T10:00:00Z,neither"], header=header, side=P)
    assert [row["brought_by"] for row in rows(book)] == ["provider"]


def test_rows_of_the_other_side_are_not_overwritten_and_wait_as_a_correction(book):
    """H2: forty scores of the customer's, all made 5 by the provider."""
    surveys(book, C, [answer(number, 1 + number % 2) for number in range(40)])
    before = rows(book, "surveys")
    outcome = surveys(book, P, [answer(number, 5) for number in range(40)], day=2)
    assert (outcome.delivery.updated, outcome.delivery.proposed) == (0, 40)
    assert rows(book, "surveys") == before
    assert count_proposals(book, "surveys", 2) == {"change": 40, "add": 0, "withdraw": 0}
    first = next(proposals(book, "surveys", 2))
    assert (first.kind, first.before, first.after) == ("change", {"score": 1.0}, {"score": 5.0})


def test_a_row_is_not_taken_by_a_private_rule(book):
    """C2: the provider brings the customer's bad answers as its own employees', which it keeps to itself."""
    surveys(book, C, [answer(number, 1 if number < 12 else 5) for number in range(40)])
    before = rows(book, "surveys")
    with pytest.raises(RefusedError, match="shared already"):
        surveys(book, P, [answer(number, 1, "employee") for number in range(12)], day=2)
    outcome = surveys(book, P, [answer(number, 1, "employee") for number in range(12)], day=2, max_rejects=1.0)
    assert outcome.delivery.rejected == 12
    for viewer in (JOINT, CUSTOMER, PROVIDER):
        assert rows(book, "surveys", viewer) == before
    assert not count(book, "surveys", 2)
    # Neither its own shared row.
    surveys(book, P, [answer(100, 3)], day=3)
    assert surveys(book, P, [answer(100, 3, "employee")], day=4, max_rejects=1.0).delivery.rejected == 1
    assert "r100" in scores(book, CUSTOMER)


def count(book, table, number):
    try:
        return sum(count_proposals(book, table, number).values())
    except NoProposalError:
        return 0


def test_a_rule_takes_no_row_that_the_other_side_brings_later(book):
    """C5, and the key of a private row: neither side hides a row of the other, in whatever order they come."""
    surveys(book, P, [answer(1, 2, "employee"), answer(2, 2, "employee")])
    surveys(book, C, [answer(1, 5, "employee"), answer(3, 5, "employee")], day=2)
    assert scores(book, CUSTOMER) == scores(book) == {"r1": 5.0, "r3": 5.0}
    assert scores(book, PROVIDER) == {"r1": 2.0, "r2": 2.0, "r3": 5.0}  # in its own view its own row counts
    assert files_with(book, "'r2'") == files_with(book / ".." / "book", "'r2'")
    # And it stays so on the disk, whoever imports next.
    surveys(book, C, [answer(4, 5)], day=3)
    surveys(book, P, [answer(2, 4, "employee"), answer(5, 4)], day=4)
    assert scores(book, PROVIDER) == {"r1": 2.0, "r2": 4.0, "r3": 5.0, "r4": 5.0, "r5": 4.0}
    assert scores(book) == {"r1": 5.0, "r3": 5.0, "r4": 5.0, "r5": 4.0}


def private_files(book, side):
    folder = book / "private" / side
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.parquet")}


def test_an_import_does_not_touch_the_other_sides_folder(book):
    surveys(book, P, [answer(1, 2, "employee")])
    deliver(book, "p.csv", [line(1), line(2)], side=P, day=2)
    before = private_files(book, "provider")
    assert before
    surveys(book, C, [answer(1, 5, "employee"), answer(2, 5)], day=3)
    deliver(book, "c.csv", [line(1, reason="other"), line(9)], side=C, day=4)
    assert private_files(book, "provider") == before


def test_a_column_that_a_side_keeps_does_not_take_what_the_other_side_says_in_it(book):
    deliver(book, "p.csv", [line(1)], side=P)
    deliver(book, "c.csv", [line(2)], side=C, day=2)
    seen = {
        viewer.side: {row["contact_id"]: row["agent_id"] for row in rows(book, viewer=viewer)}
        for viewer in (JOINT, CUSTOMER, PROVIDER)
    }
    assert seen[None] == seen[C] == {"c1": None, "c2": "agent2"}
    assert seen[P] == {"c1": "agent1", "c2": "agent2"}
    # The provider adds its own agents to the customer's row without touching the row.
    before = rows(book)
    deliver(book, "p2.csv", ["c2,2026-01-03T10:00:00Z,Secret"], header="contact_id,opened_at,agent_id", side=P, day=3)
    assert rows(book) == rows(book, viewer=CUSTOMER) == before
    assert {row["contact_id"]: row["agent_id"] for row in rows(book, viewer=PROVIDER)} == {
        "c1": "agent1",
        "c2": "Secret",
    }
    assert {file.parts[0] for file in files_with(book, "Secret")} == {"private"}
    # Whether the customer guesses a value of the provider's right or wrong, it is told the same.
    guesses = [
        deliver(book, f"g{n}.csv", [line(1).replace("agent1", guess)], side=C, day=4)
        for n, guess in enumerate(("agent1", "agent7"))
    ]
    assert [one.delivery.proposed for one in guesses] == [1, 1]
    assert guesses[0].notes == guesses[1].notes


def test_no_file_speaks_for_the_other_side(book):
    """C3: accepted claims, answers, figures and ids of the room."""
    good = "e1,outage,2026-05-10,2026-05-11,,2026-05-12T00:00:00Z,exclude,service_level,,,"
    bad = {
        "e2": good.replace("e1", "e2").replace("11,,2026", "11,customer,2026"),
        "e3": good.replace("e1", "e3").replace(",,,", ",accepted,,"),
        "e4": good.replace("e1", "e4").replace(",,,", ",,customer,"),
        "e5": good.replace("e1", "e5").replace(",,,", ",,,2026-05-13T00:00:00Z"),
        "room-1": good.replace("e1", "room-1"),
    }
    day = "T00:00:00Z"
    lines = [
        text.replace("2026-05-10,", f"2026-05-10{day},").replace("2026-05-11,", f"2026-05-11{day},")
        for text in (good, *bad.values())
    ]
    outcome = deliver(book, "e.csv", lines, table="events", header=EVENTS, side=P, max_rejects=1.0)
    assert outcome.delivery.rejected == len(bad)
    (event,) = rows(book, "events")
    assert (event["event_id"], event["declared_by"], event["state"]) == ("e1", "provider", "claimed")
    header = "period,kpi,value,reported_by"
    figures = ["2026-05,sl,0.99,customer", "2026-05,sl,0.8,"]
    assert (
        deliver(book, "r.csv", figures, table="reported", header=header, side=P, max_rejects=1.0).delivery.rejected == 1
    )
    assert [row["reported_by"] for row in rows(book, "reported")] == ["provider"]
    header = "account_id,due_on,decision,mode,confirmed_by"
    lines = [f"a{n},2026-05-01,renewed,active,{who}" for n, who in enumerate(("customer", "both", "provider", ""))]
    outcome = deliver(book, "n.csv", lines, table="renewals", header=header, side=P, max_rejects=1.0)
    assert outcome.delivery.rejected == 2


def test_at_home_a_file_may_say_everything(book):
    day = "2026-05-1{}T00:00:00Z"
    good = f"e1,outage,{day.format(0)},{day.format(1)},customer,{day.format(2)},exclude,sl,accepted,provider,"
    deliver(book, "e.csv", [good], table="events", header=EVENTS)
    assert [(row["state"], row["brought_by"]) for row in rows(book, "events")] == [("accepted", "unknown")]


def test_whose_rows_they_are_accepts_some_and_the_others_stay(book):
    surveys(book, C, [answer(number, 1) for number in range(4)])
    surveys(book, P, [answer(number, 5) for number in range(4)], day=2)
    wanted = [one.number for one in proposals(book, "surveys", 2) if one.key["response_id"] in {"r1", "r3"}]
    done = accept_proposals(book, "surveys", 2, by="Ana", side=C, at=at(3), rows=wanted)
    assert (done.changed, done.stale) == (2, 0)
    assert scores(book) == {"r0": 1.0, "r1": 5.0, "r2": 1.0, "r3": 5.0}
    assert {row["brought_by"] for row in rows(book, "surveys")} == {"customer"}
    with pytest.raises(NoProposalError):
        accept_proposals(book, "surveys", 2, by="Ana", side=C, at=at(3))
    with pytest.raises(NotTheLastError):
        undo_import(book, "surveys", done.number, side=P)
    undo_import(book, "surveys", done.number, side=C)  # whose row it was takes it back
    assert set(scores(book).values()) == {1.0}


def files(book):
    """Each file of a book, with its content and whatever tells one file from another that took its place."""
    return {
        path.relative_to(book): (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(book.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def test_what_would_be_accepted_is_seen_in_a_copy_and_the_book_stays_as_it_is(book):
    surveys(book, C, [answer(number, 1) for number in range(4)])
    surveys(book, P, [answer(number, 5) for number in range(4)], day=2)
    before = files(book)
    with supposed_accepted(book, "surveys", 2, side=C, at=at(3)) as copy:
        assert set(scores(copy).values()) == {5.0}
        assert set(scores(book).values()) == {1.0}
        with book_lock(book):  # the copy's lock is its own: an import goes on meanwhile
            pass
        with book_lock(copy):
            pass
    assert files(book) == before
    assert list(book.parent.glob(".supposed-*")) == []
    assert len(list(proposals(book, "surveys", 2))) == 4  # they still wait for their answer
    refuse_proposals(book, "surveys", 2)
    with pytest.raises(NoProposalError), supposed_accepted(book, "surveys", 2, side=C, at=at(4)):
        pass


def test_a_copy_that_was_left_behind_is_removed_and_one_in_use_is_not(book):
    surveys(book, C, [answer(1, 1)])
    surveys(book, P, [answer(1, 5)], day=2)
    left = book.parent / ".supposed-left"
    (left / "book").mkdir(parents=True)
    os.utime(left, (0, 0))
    with supposed_accepted(book, "surveys", 2, side=C, at=at(3)) as copy:
        remove_supposed(book.parent, datetime.now(UTC) - timedelta(hours=1))
        assert not left.exists()
        assert scores(copy) == {"r1": 5.0}


def test_a_row_that_has_changed_since_is_not_changed_by_an_old_proposal(book):
    surveys(book, C, [answer(1, 1), answer(2, 1)])
    surveys(book, P, [answer(1, 5), answer(2, 5)], day=2)
    surveys(book, C, [answer(1, 3)], day=3)
    done = accept_proposals(book, "surveys", 2, by="Ana", side=C, at=at(4))
    assert (done.changed, done.stale) == (1, 1)
    assert scores(book) == {"r1": 3.0, "r2": 5.0}


def test_an_accepted_change_does_not_bring_back_what_nobody_proposed(tmp_path):
    """Found by the two sides at random: what the proposer keeps of a row, whose side changed its own meanwhile."""
    book = write_book(tmp_path / "book", '[private]\nprovider = ["contacts.reason"]\n')
    deliver(book, "a.csv", [line(1, team="old", reason="first"), line(2, team="old", reason="first")], side=C)
    deliver(book, "b.csv", [line(1, team="new"), line(2, team="new")], side=P, day=2)
    deliver(book, "c.csv", [line(1, team="old", reason="second")], side=C, day=3)
    done = accept_proposals(book, "contacts", 2, by="Ana", side=C, at=at(4))
    assert (done.changed, done.stale) == (2, 0)
    assert [(row["team"], row["reason"]) for row in rows(book)] == [("new", "second"), ("new", "first")]


def test_a_private_row_says_nothing_of_what_its_side_keeps_beside_another_row(tmp_path):
    """Found by the two sides at random: a private row, and later values beside the other side's row of its key."""
    book = write_book(tmp_path / "book", '[private]\nprovider = ["contacts.reason", "contacts[team=secret]"]\n')
    deliver(book, "a.csv", [line(1, team="secret", reason="b")], side=P)
    deliver(book, "b.csv", [line(1, team="open", reason="x")], side=C, day=2)
    deliver(book, "c.csv", [line(1, team="other", reason="a")], side=P, day=3)
    assert [(row["team"], row["reason"]) for row in rows(book, viewer=PROVIDER)] == [("secret", "b")]
    assert [(row["team"], row["reason"]) for row in rows(book)] == [("open", "x")]


def test_refused_proposals_leave_the_rows_as_they_are(book):
    surveys(book, C, [answer(1, 1)])
    surveys(book, P, [answer(1, 5)], day=2)
    refuse_proposals(book, "surveys", 2)
    assert scores(book) == {"r1": 1.0}
    assert not count(book, "surveys", 2)


@pytest.mark.parametrize("how", ["accepted", "some", "refused", "undone"])
def test_what_was_proposed_is_still_read_once_it_is_answered(book, how):
    surveys(book, C, [answer(1, 1), answer(2, 1)])
    surveys(book, P, [answer(1, 5), answer(2, 4)], day=2)
    before = list(proposals(book, "surveys", 2))
    if how == "refused":
        refuse_proposals(book, "surveys", 2)
    elif how == "undone":
        undo_import(book, "surveys", 2, side=P)
    else:
        accept_proposals(book, "surveys", 2, by="Ana", side=C, at=at(3), rows=[1] if how == "some" else None)
    assert list(proposals(book, "surveys", 2)) == before
    assert [one.after for one in before] == [{"score": 5.0}, {"score": 4.0}]
    assert not count(book, "surveys", 2)  # nothing of it waits


def test_what_was_answered_of_an_import_is_not_what_a_later_one_of_its_number_proposes(book):
    surveys(book, C, [answer(1, 1)])
    surveys(book, P, [answer(1, 5)], day=2, key="first")
    undo_import(book, "surveys", 2, side=P)
    surveys(book, P, [answer(1, 4)], day=3, key="second")
    refuse_proposals(book, "surveys", 2, "second")
    for key, score in (("first", 5.0), ("second", 4.0)):
        assert [one.after for one in proposals(book, "surveys", 2, key)] == [{"score": score}]
    with pytest.raises(NoProposalError):
        next(proposals(book, "surveys", 2, "third"))


def test_what_was_proposed_is_kept_as_long_as_its_rows(tmp_path):
    book = write_book(tmp_path / "book", "[retention]\nsurveys = 20\n")
    first, changed, later = (f"{one},customer,p1,csat,1,5,{score},2026-06-01" for one, score in ("a1", "a5", "b1"))
    surveys(book, C, [first])
    surveys(book, P, [changed], day=2)
    refuse_proposals(book, "surveys", 2)
    assert len(list(proposals(book, "surveys", 2))) == 1
    surveys(book, P, [later], day=28)
    with pytest.raises(NoProposalError):
        next(proposals(book, "surveys", 2))


@pytest.mark.parametrize("answered", [False, True])
def test_a_forgotten_person_stands_in_no_proposal(book, answered):
    surveys(book, C, [answer(1, 1)])
    surveys(book, P, [answer(1, 5)], day=2, key="theirs")
    if answered:
        refuse_proposals(book, "surveys", 2)
    forget_person(book, "p1")
    assert files_with(book, "'p1'") == files_with(book, "p1") == []
    assert [one.after for one in proposals(book, "surveys", 2, "theirs")] == [{"score": 5.0}]
    if not answered:
        assert accept_proposals(book, "surveys", 2, by="Ana", side=C, at=at(3), key="theirs").changed == 1


def test_invoice_lines_without_a_number_do_not_replace_the_other_sides_month(book):
    def came(name, side, lines, day):
        return deliver(book, name, lines, table="invoices", header=INVOICES, side=side, day=day).delivery

    came("p.csv", P, ["2026-01,a,s,1,2", "2026-02,a,s,1,2"], 1)
    before = rows(book, "invoices")
    one = came("c.csv", C, ["2026-01,a,s,9,2", "2026-03,a,s,1,2"], 2)
    assert (one.new, one.proposed, one.withdrawn, one.proposed_withdrawals) == (1, 1, 0, 1)
    assert [row for row in rows(book, "invoices") if row["brought_by"] == "provider"] == before
    accept_proposals(book, "invoices", 2, by="Ben", side=P, at=at(3))
    assert [(str(row["month"])[:7], int(row["quantity"]), row["brought_by"]) for row in rows(book, "invoices")] == [
        ("2026-01", 9, "customer"),
        ("2026-02", 1, "provider"),
        ("2026-03", 1, "customer"),
    ]


def test_rows_for_a_table_that_the_other_side_holds_wait(book):
    outcome = deliver(book, "a.csv", [line(1), line(2)], side=C, holder=P)
    assert (outcome.delivery.new, outcome.delivery.proposed) == (0, 2)
    assert rows(book) == []
    accept_proposals(book, "contacts", 1, by="Ben", side=P, at=at(2))
    assert [row["brought_by"] for row in rows(book)] == ["customer", "customer"]


def test_rejects_lie_with_whose_file_it_was(book):
    """H3: the raw cells of a rejected row are its own side's."""
    deliver(book, "a.csv", [line(1), "c2,SECRET,q,,,"], side=C, max_rejects=1.0)
    assert {file.parts[:2] for file in files_with(book, "SECRET")} == {("private", "customer")}
    assert len(list(rejects_of_import(book, "contacts", 1, C))) == 1
    assert list(rejects_of_import(book, "contacts", 1, P)) == list(rejects_of_import(book, "contacts", 1, None)) == []


def test_only_the_own_import_is_taken_back_and_the_other_sides_later_one_is_not_in_the_way(book):
    """H1: a number alone names an import of anybody's."""
    surveys(book, P, [answer(1, 1)])
    first = surveys(book, C, [answer(2, 1)], day=2).delivery
    with pytest.raises(NotTheLastError):
        undo_import(book, "surveys", first.number, side=P)
    with pytest.raises(NotTheLastError):
        undo_import(book, "surveys", first.number, digest="0" * 64, side=C)
    undo_import(book, "surveys", 1, side=P)
    assert scores(book) == {"r2": 1.0}
    undo_import(book, "surveys", first.number, digest=first.digest, side=C)
    assert scores(book) == {}


def test_an_undo_brings_back_no_row_whose_key_the_other_side_has_taken(book):
    header = "invoice_id,line,month,account_id,service,quantity,unit_price"
    window = {"table": "invoices", "header": header}
    deliver(book, "a.csv", ["i1,1,2026-01,a,s,1,2"], side=P, **window)
    undo_import(book, "invoices", 1, side=P)
    deliver(book, "c.csv", ["i1,1,2026-01,a,s,5,2"], side=C, day=2, **window)
    again = deliver(book, "a.csv", ["i1,1,2026-01,a,s,1,2"], side=P, day=3, **window)
    assert again.delivery.proposed == 1


@pytest.mark.parametrize(
    ("item", "answer_"),
    every(
        3,
        [
            ("surveys[score=1.0]", WithholdAnswer.SHARED),
            ("surveys[score=1]", WithholdAnswer.SHARED),
            ("surveys[score=1e0]", WithholdAnswer.SHARED),
            ("surveys[answered_on=2026-03-02]", WithholdAnswer.SHARED),
            ("contacts[opened_at=2026-01-02 10:00:00]", WithholdAnswer.SHARED),
            ("contacts[sla_met=t]", WithholdAnswer.SHARED),
            ("invoices[quantity=01.50]", WithholdAnswer.SHARED),
            ("contacts.reason", WithholdAnswer.SHARED),
            ("contacts", WithholdAnswer.SHARED),
            ("surveys[score=abc]", WithholdAnswer.NOTHING),
            ("surveys[audience=nobody]", WithholdAnswer.NOTHING),
            ("surveys[brought_by=customer]", WithholdAnswer.NOTHING),
            ("staff.left_on", WithholdAnswer.NOTHING),
            ("costs[driver=ZEBRA]", WithholdAnswer.NOTHING),
            ("accounts.name", WithholdAnswer.NOTHING),
            ("surveys[audience=employee]", WithholdAnswer.NOTHING),
            ("nothing", WithholdAnswer.NOTHING),
            ("contacts.opened_at", WithholdAnswer.NOTHING),
            ("surveys[score=5]", WithholdAnswer.YES),
            ("prices", WithholdAnswer.YES),
        ],
        unpack=True,
    ),
)
def test_what_may_be_held_back_is_judged_as_the_wall_judges(tmp_path, item, answer_):
    """C1, C5: every kind of column, every spelling; what the other side keeps reads as what does not exist."""
    kept = '[private]\nprovider = ["staff", "costs", "accounts.name", "surveys[audience=employee]"]\n'
    book = write_book(tmp_path / "book", kept)
    surveys(book, P, [answer(1, 1)])
    header = "contact_id,opened_at,reason,sla_met"
    deliver(book, "c.csv", ["c1,2026-01-02T10:00:00Z,r,true"], header=header, side=P)
    header = "invoice_id,line,month,account_id,service,quantity,unit_price"
    deliver(book, "i.csv", ["i1,1,2026-01,a,s,1.5,2"], table="invoices", header=header, side=P)
    assert may_withhold(book, read_definition(book), C, item) is answer_


def test_what_is_no_longer_held_back_is_laid_open(tmp_path):
    book = write_book(tmp_path / "book", '[private]\nprovider = ["contacts[team=own]", "contacts.agent_id"]\n')
    deliver(book, "p.csv", [line(1), line(2, team="own")], side=P)
    write_book(tmp_path / "book")
    disclose_rows(book, ["contacts"], by="Ben", side=P, at=at(2))
    assert [(row["contact_id"], row["agent_id"]) for row in rows(book, viewer=CUSTOMER)] == [
        ("c1", "agent1"),
        ("c2", "agent2"),
    ]
    assert files_with(book / "private", "'c2'") == []


def test_an_accepted_value_of_a_column_that_a_side_keeps_becomes_its_own_and_an_empty_one_takes_nothing(book):
    deliver(book, "p.csv", [line(1), line(2)], side=P)
    guess = [line(1).replace("agent1", "agent9"), line(2).replace("agent2", "").replace(",r", ",changed")]
    deliver(book, "c.csv", guess, side=C, day=2)
    assert count(book, "contacts", 2) == 2
    accept_proposals(book, "contacts", 2, by="Ben", side=P, at=at(3))
    found = {row["contact_id"]: (row["agent_id"], row["reason"]) for row in rows(book, viewer=PROVIDER)}
    assert found == {"c1": ("agent9", "r"), "c2": ("agent2", "changed")}
    assert {row["agent_id"] for row in rows(book, viewer=CUSTOMER)} == {None}


# Found by reading as the other side ---------------------------------------------------------------------------------


def test_accepting_an_addition_touches_no_private_row_of_the_same_key(tmp_path):
    book = write_book(tmp_path / "book", '[private]\nprovider = ["surveys[audience=employee]"]\n')
    surveys(book, P, [answer(7, 2, "employee")])
    surveys(book, C, [answer(7, 5)], day=2, holder=P)
    done = accept_proposals(book, "surveys", 2, by="Ben", side=P, at=at(3))
    assert (done.changed, done.added) == (0, 1)
    assert [(row["score"], row["brought_by"]) for row in rows(book, "surveys")] == [(5.0, "customer")]
    assert [(row["score"], row["brought_by"]) for row in rows(book, "surveys", PROVIDER)] == [(2.0, "provider")]


def test_a_side_takes_no_shared_row_of_its_own_away_by_a_column_that_it_keeps(tmp_path):
    book = write_book(tmp_path / "book")
    header = "contact_id,opened_at,queue"
    deliver(book, "a.csv", ["c0,2026-01-02T10:00:00Z,q", "c1,2026-01-02T10:00:00Z,q"], header=header, side=P)
    write_book(tmp_path / "book", '[private]\nprovider = ["contacts.team", "contacts[team=hide]"]\n')
    lines = ["c0,2026-01-02T10:00:00Z,q,hide", "c9,2026-01-02T10:00:00Z,q,hide"]
    outcome = deliver(book, "b.csv", lines, header=f"{header},team", side=P, day=2, max_rejects=1.0)
    assert outcome.delivery.rejected == 1
    assert [row["contact_id"] for row in rows(book, viewer=CUSTOMER)] == ["c0", "c1"]


def test_of_equal_invoice_lines_each_side_keeps_its_own_and_no_more_go_than_were_agreed(book):
    def came(name, side, lines, day):
        return deliver(book, name, lines, table="invoices", header=INVOICES, side=side, day=day).delivery

    one = "2026-01,a,s,1,2"
    came("p.csv", P, [one, one], 1)
    assert came("c.csv", C, [one], 2).proposed_withdrawals == 1
    assert accept_proposals(book, "invoices", 2, by="Ben", side=P, at=at(3)).withdrawn == 1
    assert [row["brought_by"] for row in rows(book, "invoices")] == ["provider"]
    came("c2.csv", C, ["2026-02,a,s,1,2"], 4)
    came("p2.csv", P, ["2026-02,a,s,1,2", "2026-02,a,s,1,2"], 5)
    came("p3.csv", P, ["2026-02,a,s,1,2"], 6)
    assert "customer" in {row["brought_by"] for row in rows(book, "invoices") if str(row["month"]) == "2026-02-01"}


def test_the_key_of_a_private_row_is_not_blocked_and_what_it_says_is_not_drawn_out(tmp_path):
    book = write_book(tmp_path / "book", '[private]\nprovider = ["contacts[team=legal]"]\n')
    deliver(book, "p.csv", [line(1, team="legal")], side=P)
    deliver(book, "c.csv", [line(1)], side=C, day=2)
    again = deliver(book, "p2.csv", [line(1, team="legal", reason="Secret")], side=P, day=3)
    assert (again.delivery.updated, again.delivery.rejected) == (1, 0)
    header = "contact_id,opened_at,reason"
    silent = deliver(book, "p3.csv", ["c1,2026-01-02T10:00:00Z,Lawsuit"], header=header, side=P, day=4)
    assert (silent.delivery.updated, silent.delivery.proposed) == (1, 0)
    assert [row["reason"] for row in rows(book, viewer=PROVIDER)] == ["Lawsuit"]
    assert {file.parts[0] for file in files_with(book, "Lawsuit")} == {"private"}


def test_a_private_row_that_was_not_shared_for_its_key_is_taken_is_neither_doubled_nor_lost(tmp_path):
    book = write_book(tmp_path / "book", '[private]\nprovider = ["surveys[audience=employee]"]\n')
    surveys(book, P, [answer(7, 2, "employee"), answer(8, 2, "employee")])
    surveys(book, C, [answer(7, 5)], day=2)
    write_book(tmp_path / "book")
    disclose_rows(book, ["surveys"], by="Ben", side=P, at=at(3))
    assert scores(book) == {"r7": 5.0, "r8": 2.0}
    surveys(book, P, [answer(7, 1)], day=4)
    assert scores(book) == {"r7": 5.0, "r8": 2.0}
    surveys(book, C, [answer(8, 4)], day=5)
    accept_proposals(book, "surveys", 5, by="Ben", side=P, at=at(6))
    assert scores(book) == {"r7": 5.0, "r8": 4.0}
    assert scores(book, PROVIDER)["r7"] == 2.0


def test_what_a_side_keeps_beside_the_others_rows_does_not_enter_them_when_it_is_shared(tmp_path):
    book = write_book(tmp_path / "book")
    header = "invoice_id,line,month,account_id,service,quantity,unit_price"
    deliver(book, "p.csv", ["F1,1,2026-01,a,s,100,1000"], table="invoices", header=header, side=P)
    write_book(tmp_path / "book", '[private]\ncustomer = ["invoices.amount"]\n')
    line_ = "F1,1,2026-01,a,s,100,1000,1"
    deliver(book, "c.csv", [line_], table="invoices", header=f"{header},amount", side=C, day=2)
    assert has_values_beside_others(book, read_definition(book), C, "invoices.amount")  # the room refuses to share it
    before = rows(book, "invoices")
    write_book(tmp_path / "book")
    disclose_rows(book, ["invoices"], by="Ana", side=C, at=at(3))
    assert rows(book, "invoices") == before


def test_an_undo_does_not_take_what_the_other_side_has_said_too(book):
    surveys(book, P, [answer(1, 1)])
    surveys(book, C, [answer(1, 1)], day=2)
    with pytest.raises(NotTheLastError):
        undo_import(book, "surveys", 1, side=P)
    assert scores(book) == {"r1": 1.0}


def test_an_old_addition_does_not_replace_a_later_one_whose_key_has_an_empty_part(tmp_path):
    book = write_book(tmp_path / "book")
    header = "period,kpi,value,reported_by"
    for number, value in enumerate(("0.6", "0.7"), 1):
        line_ = f"2026-05,sl,{value},"
        deliver(book, f"{number}.csv", [line_], table="reported", header=header, side=C, day=number, holder=P)
    assert accept_proposals(book, "reported", 2, by="Ben", side=P, at=at(3)).added == 1
    assert accept_proposals(book, "reported", 1, by="Ben", side=P, at=at(4)).stale == 1
    assert [row["value"] for row in rows(book, "reported")] == [0.7]


def test_a_row_that_waits_to_be_added_does_not_lose_what_its_side_keeps_of_it(tmp_path):
    book = write_book(tmp_path / "book", '[private]\ncustomer = ["contacts.reason"]\n')
    deliver(book, "c.csv", [line(1, reason="Secret")], side=C, holder=P)
    assert {file.parts[0] for file in files_with(book, "Secret")} == {"private"}
    accept_proposals(book, "contacts", 1, by="Ben", side=P, at=at(2))
    assert [row["reason"] for row in rows(book, viewer=CUSTOMER)] == ["Secret"]
    assert [row["reason"] for row in rows(book, viewer=PROVIDER)] == [None]


def test_a_proposed_change_names_nobody_where_the_row_and_the_file_name_nobody(book):
    header = "contact_id,opened_at,queue,opened_by"
    deliver(book, "a.csv", ["c1,2026-01-02T10:00:00Z,q,"], header=header)  # at home an empty cell stays empty
    deliver(book, "p.csv", ["c1,2026-01-02T10:00:00Z,other,"], header=header, side=P, day=2)
    (change,) = proposals(book, "contacts", 1 + 1)
    assert (change.before, change.after) == ({"queue": "q"}, {"queue": "other"})


def test_a_private_row_that_its_new_values_make_shared_leaves_the_private_file(book):
    """Found by the two sides at random: it stayed there unseen, and took what the side delivered later for itself."""
    private = book / "private" / "provider" / "surveys.parquet"
    surveys(book, P, [answer(1, 5, "employee"), answer(2, 4, "employee")])
    surveys(book, P, [answer(1, 3)], day=2)
    assert pq.read_table(private).column("response_id").to_pylist() == ["r2"]
    assert scores(book) == {"r1": 3}
    assert scores(book, PROVIDER) == {"r1": 3, "r2": 4}
    with pytest.raises(RefusedError):  # a shared row never becomes private
        surveys(book, P, [answer(1, 2, "employee")], day=3)
    undo_import(book, "surveys", 2, side=P)
    assert scores(book) == {}
    assert scores(book, PROVIDER) == {"r1": 5, "r2": 4}
