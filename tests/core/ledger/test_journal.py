"""The journal of hledger: parsed back it is the same ledger, and whatever stands in a text ends no line of it."""

import re
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from comity.core.ledger import postings
from comity.core.ledger.accounts import Account, Amount, Way
from comity.core.ledger.journal import journal, plain
from comity.core.ledger.postings import Obligation
from tests.builders.ledger_journal import balanced, parsed
from tests.builders.ledger_values import C, P, of, transaction

OPENS = date(2026, 6, 1)


def test_a_journal_is_written_as_hledger_reads_it():
    one = transaction(7, *postings.postings((), (of(P, "answer", "m/answer/1"),)), step=3, for_day=date(2026, 8, 31))
    opening = {Account(P, Way.DUE, "EUR"): Amount("EUR", Decimal("12.50"))}
    assert journal([one], "Both", opening, opens_on=OPENS).splitlines() == [
        "; Both",
        "",
        "2026-06-01 opening",
        '    provider:due:EUR  12.5 "EUR"',
        "",
        "2026-09-01 (7) raise  ; step:3, subject:matter:m, for:2026-08-31",
        '    customer:due:answer  1 "answer"  ; promise:m/answer/1',
        '    provider:owes:answer  -1 "answer"  ; promise:m/answer/1',
    ]


@given(st.lists(st.tuples(st.sampled_from(["answer", "EUR"]), st.decimals(0, 10**6, places=2)), min_size=1, max_size=5))
def test_a_journal_parsed_back_is_the_same_and_balances(amounts):
    position = tuple(Obligation(P, kind, f"{place}", number + 1) for place, (kind, number) in enumerate(amounts))
    one = transaction(1, *postings.postings((), position))
    (entry,) = parsed(journal([one], "t", {}, opens_on=OPENS))
    assert balanced(entry)
    assert [(account, number, kind) for account, number, kind in entry.postings] == [
        (f"{line.account.side}:{line.account.way}:{line.account.kind}", line.number, line.account.kind)
        for line in one.lines
    ]


@given(st.text(max_size=40))
def test_no_text_ends_a_line_or_begins_a_comment(text):
    one = transaction(
        1, *postings.postings((), (of(C, "action", text or "k"),)), cause=text[:20], subject=("matter", text)
    )
    written = journal([one], text, {}, opens_on=OPENS)
    assert len(written.split("\n")) == 6
    assert not re.search(r"[;|\r\x85\u2028\u2029]", plain(text))
    (entry,) = parsed(written)
    assert balanced(entry)
