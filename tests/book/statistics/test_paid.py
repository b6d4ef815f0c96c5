"""Paid against received on written books, by hand."""

import math
from datetime import date

import pytest

from comity.book.reading.open import NotInRelationshipError, open_book
from comity.book.statistics import paid
from comity.core.paid import split_paid
from comity.core.values import Period
from tests.cast import JOINT, STRANGER, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
JUNE_FIRST = date(2026, 6, 1)
KPI = """
[[kpi]]
id = "service_level"
channels = ["voice"]
answer_within_s = 20
[paid]
answers_for = {late = "provider", idle = "both"}
"""
# Contacts of May: a1 in target (the one of April lies 8 days back); a2 late; a3 in target and then repeated two days
# later, in time but for the same need; a4 on the other queue; a5 by mail, which no KPI judges; a6 gave up.
CONTACTS = """
contact_id,opened_at,account_id,queue,channel,answered_at,abandoned_at,handle_s
c0,2026-04-25T10:00:00+02:00,A,help,voice,2026-04-25T10:00:05+02:00,,100
c1,2026-05-03T10:00:01+02:00,A,help,voice,2026-05-03T10:00:05+02:00,,600
c2,2026-05-04T10:00:00+02:00,B,help,voice,2026-05-04T10:00:21+02:00,,300
c3,2026-05-05T10:00:00+02:00,C,help,voice,2026-05-05T10:00:20+02:00,,300
c4,2026-05-07T10:00:00+02:00,C,help,voice,2026-05-07T10:00:01+02:00,,900
c5,2026-05-08T10:00:00+02:00,C,sales,voice,2026-05-08T10:00:01+02:00,,300
c6,2026-05-09T10:00:00+02:00,D,help,mail,2026-05-09T10:00:01+02:00,,600
c7,2026-05-09T10:00:00+02:00,E,help,voice,,2026-05-09T10:00:50+02:00,
"""
INVOICES = """
month,account_id,service,quantity,unit_price,amount,unit,kind
2026-05,N,calls,6,10,,contact,service
2026-05,N,hours,1.5,40,60,hour,service
2026-05,N,minutes,10,1,,minute,service
2026-05,N,platform,1,70,,fixed,service
2026-05,N,bonus,1,500,,fixed,bonus
2026-04,N,calls,99,10,,contact,service
"""


def test_paid_is_split_by_what_became_of_each_contact(tmp_path):
    """200 invoiced as service: 60 by contact, 70 for 100 minutes, 70 fixed; the bonus is none of it.

    Six contacts handled: c1, c3, c5 in target, c2 late, c4 repeated, c6 not judged: 30, 10, 10 and 10 not split.
    Handled 50 of 100 minutes: 20 in target, 5 late, 15 repeated, 10 not judged: 14, 3.50, 10.50, 7; 35 idle.
    """
    with open_book(write_book(tmp_path / "book", KPI, contacts=CONTACTS, invoices=INVOICES), JOINT) as book:
        found = split_paid(paid.gather(book, MAY, JUNE_FIRST), book.definition.answers_for)
    assert found.amount == 200
    assert found.amounts == pytest.approx(
        {"in_target": 44, "late": 13.5, "repeated": 20.5, "idle": 35, "not_split": 87},
    )
    assert found.answers_for["late"] == "provider"
    assert found.answers_for["in_target"] is None
    assert found.contacts_in_target == 3
    assert found.cost_per_contact_in_target == pytest.approx(200 / 3)


def test_tickets_are_in_target_when_they_were_resolved_by_their_due_time(tmp_path):
    """t1 kept, t2 missed, t3 without a due time by the source's own word; t4 is open: not handled."""
    toml = '[[kpi]]\nid = "sla_attainment"\n'
    contacts = """
    contact_id,opened_at,due_at,resolved_at,sla_met
    t1,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,2026-05-04T10:00:00Z,
    t2,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,2026-05-04T10:00:01Z,true
    t3,2026-05-03T10:00:00Z,,2026-05-04T10:00:00Z,true
    t4,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,,
    """
    with open_book(write_book(tmp_path / "book", toml, contacts=contacts, invoices=INVOICES), JOINT) as book:
        stats = paid.gather(book, MAY, JUNE_FIRST)
    assert stats.contacts == {"in_target": 2, "late": 1}


def test_without_contacts_nothing_is_split(tmp_path):
    with open_book(write_book(tmp_path / "book", KPI, invoices=INVOICES), JOINT) as book:
        assert split_paid(paid.gather(book, MAY, JUNE_FIRST)).shares["not_split"] == 1.0


def test_a_week_is_not_invoiced(tmp_path):
    week = Period(date(2026, 5, 4), date(2026, 5, 11))
    with open_book(write_book(tmp_path / "book", KPI, contacts=CONTACTS, invoices=INVOICES), JOINT) as book:
        assert paid.gather(book, week, JUNE_FIRST) is None


def test_without_invoices_there_is_nothing_to_split(tmp_path):
    with open_book(write_book(tmp_path / "book", KPI, contacts=CONTACTS), JOINT) as book:
        assert paid.gather(book, MAY, JUNE_FIRST) is None


def test_a_contract_month_bears_the_name_of_the_month_in_which_it_starts(tmp_path):
    """With months from the 22nd, the lines of 2026-05 are for 22 May up to 22 June."""
    toml = (
        '[book]\nname = "N"\ntimezone = "Europe/Madrid"\nmonth_starts_on = 22\n[parties.customer]\nid = "northwind"\n'
    )
    folder = write_book(tmp_path / "book", toml + '[parties.provider]\nid = "helpline"\n' + KPI, invoices=INVOICES)
    with open_book(folder, JOINT) as book:
        assert paid.gather(book, Period(date(2026, 5, 22), date(2026, 6, 22)), JUNE_FIRST).amount == 200
        assert paid.gather(book, MAY, JUNE_FIRST) is None


def test_a_stranger_does_not_get_in(tmp_path):
    folder = write_book(tmp_path / "book", KPI, contacts=CONTACTS, invoices=INVOICES)
    with pytest.raises(NotInRelationshipError):
        open_book(folder, STRANGER)


def test_an_account_with_many_callers_is_no_caller_and_repeats_are_not_known(tmp_path):
    """One account made eight contacts in a fortnight: who repeats cannot be told, and nothing is said of it."""
    for column, repeats in (("account_id", None), ("caller_id", 1)):
        contacts = CONTACTS.replace("account_id", column)
        if column == "account_id":
            contacts = contacts.replace(",B,", ",A,").replace(",C,", ",A,").replace(",D,", ",A,").replace(",E,", ",A,")
        with open_book(write_book(tmp_path / column, KPI, contacts=contacts, invoices=INVOICES), JOINT) as book:
            found = split_paid(paid.gather(book, MAY, JUNE_FIRST), book.definition.answers_for)
        assert (found.repeats, found.callers_by) == (repeats, column if repeats else None)
        assert (found.shares["repeated"] is None) == (repeats is None)
        assert math.fsum(share for share in found.shares.values() if share is not None) == pytest.approx(1)


def test_beside_repeats_stands_what_chance_alone_would_give(tmp_path):
    """Of 39 days, 31 of May and 8 before it: with 2 contacts the other lies in the 7 days before with 7/39.

    C came twice on the queue help, A once in April and once in May: (2 + 1) * 7/39; all others once.
    """
    with open_book(write_book(tmp_path / "book", KPI, contacts=CONTACTS, invoices=INVOICES), JOINT) as book:
        found = split_paid(paid.gather(book, MAY, JUNE_FIRST))
    assert (found.repeats, found.callers_by) == (1, "account_id")
    assert found.repeats_by_chance == pytest.approx(3 * 7 / 39)
