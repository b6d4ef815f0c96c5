"""The other side attacks an agreement: nothing is signed unread, and what is kept from a reader is told nowhere."""

import base64
import re
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting import remarks
from comity.apps.agreements.refusals import Code
from comity.apps.i18n import words_for
from comity.apps.parties.rate_limits import RATE_LIMITS, RateLimit
from comity.apps.parties.refusals import Code as PartiesCode
from comity.book.agreement import UnusableAgreementError
from comity.book.agreement_toml import parse_text_toml
from comity.core.agreements.changes import Proposal, SetField, Word
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import notice_of
from comity.core.agreements.signing import StepKind, revisions
from tests.builders.agreement import add
from tests.builders.changes import (
    agreed,
    content,
    drafted,
    kpi_of,
    proposed,
    refused,
    room,
    row,
    says,
    sign,
    soon,
    target,
)
from tests.builders.programs import ask as ask_api
from tests.room import forget_mails, said_again, sent_mails

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return room()


def page(them, who, path):
    answer = them.client(who).get(them.url(path))
    assert answer.status_code == 200, answer
    return answer.content.decode()


def read_as_signed(them, who, path):
    answer = said_again(them.client(who)).get(them.url(path))
    assert answer.status_code == 200, answer
    return answer.content.decode()


def sign_page(them, who, pk):
    return read_as_signed(them, who, f"agreement/changes/{pk}/sign/")


def kpi(them):
    with transaction.atomic():
        return kpi_of(them.at("customer_lead"))


# Signed without being read --------------------------------------------------------------------------------------------


def test_relief_that_comes_with_a_waiver_is_read_before_it_is_signed(them):
    made = content(add("notice", Kind.NOTICE, kpi=60), first_day=soon(0))
    agreed(them, "customer_lead", made, retroactive=True)
    pk = proposed(them, "customer_lead", target(them))
    day = soon(400)
    with transaction.atomic():
        member = them.at("provider_lead")
        state = queries.change_state(member, row(pk))
        found = notice_of(revisions(state.steps), queries.chain(member), "Europe/Madrid")
        operations.waive(member, row(pk), found.shortfall, kpis=[kpi_of(member)], until=day)
    last = words_for("en").day(day - timedelta(days=1))
    for read in (
        sign_page(them, "customer_lead", pk),
        page(them, "customer_lead", f"agreement/changes/{pk}/"),
        page(them, "customer_lead", f"agreement/changes/{pk}/evidence/"),
        read_as_signed(them, "customer_lead", f"agreement/changes/{pk}/elsewhere/"),
    ):
        assert "do not count from" in read
        assert last in read


def test_a_wording_that_begins_later_is_read_before_it_is_signed(them):
    """Over the first day lies a temporary wording: the page said nothing of what holds once that is over."""
    one = kpi(them)
    agreed(them, "customer_lead", DraftContent(soon(20), soon(60), (SetField(one, "target", "0.95"),), says=says()))
    with transaction.atomic():
        number = queries.chain(them.at("customer_lead"))[-1].change.number
        word = Word(number, one, "target", instead=False)
    low = DraftContent(soon(30), None, (SetField(one, "target", "0.5"),), (word,), says=says(title="Small print"))
    pk = proposed(them, "provider_lead", low)
    read = sign_page(them, "customer_lead", pk)
    assert "50" in re.sub(r"<[^>]+>", " ", read.split("What changes")[1])
    assert f"In force from {words_for('en').day(soon(60))}" in read
    assert "Until then: the other change holds" in read


def test_that_a_change_ends_another_is_read_before_it_is_signed(them):
    one = kpi(them)
    agreed(them, "customer_lead", content(SetField(one, "target", "0.95"), first_day=soon(60)))
    with transaction.atomic():
        number = queries.chain(them.at("customer_lead"))[-1].change.number
    word = Word(number, one, "target", instead=True)
    pk = proposed(
        them, "provider_lead", DraftContent(soon(40), None, (SetField(one, "target", "0.85"),), (word,), says=says())
    )
    assert "Instead: this change ends the other one." in sign_page(them, "customer_lead", pk)


# Kept from a reader ---------------------------------------------------------------------------------------------------

SECRET = "Bonus of 4000 euros"


def hidden(them, **more):
    """A KPI that only those who read money read, and a clause that names it."""
    fields = {"measure": "abandonment", "target": "0.05", "title": SECRET, "outcome": "Secret outcome", **more}
    made = content(
        add("secret", Kind.KPI, kpi(them), seen_by=["money"], **fields), first_day=soon(0), title="Something"
    )
    agreed(them, "customer_lead", made, retroactive=True)


def test_a_change_that_would_open_a_clause_does_not_show_it_before_it_is_agreed(them):
    hidden(them)
    pk = proposed(them, "provider_lead", content(SetField("secret", "seen_by", ["all"])))
    assert SECRET in page(them, "customer_lead", f"agreement/changes/{pk}/")
    assert SECRET not in page(them, "customer_analyst", f"agreement/changes/{pk}/")


def test_two_texts_of_a_draft_carry_nothing_that_their_reader_does_not_read(them):
    hidden(them)
    pk = proposed(them, "provider_lead", content(SetField("secret", "target", "0.031415")))
    browser = them.client("customer_analyst")
    address = them.url(f"agreement/changes/{pk}/save/")
    about = {"what": "about", "title": "Mine", "reason": "Mine", "carried_out_by": "both", "first_day": soon(50)}
    assert browser.post(address, {"what": "counter", "seen": "0"}).status_code == 302
    assert browser.post(address, {**about, "seen": "1"}).status_code == 302
    answer = browser.post(address, {**about, "title": "Other", "seen": "1"})
    assert answer.status_code == 409, answer
    sealed = re.search(r'name="mine" value="([^"]+)"', answer.content.decode())[1]
    written = sealed.lstrip(".").split(":")[0]
    raw = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
    raw = zlib.decompress(raw) if sealed.startswith(".") else raw
    assert b"Other" in raw
    assert b"0.031415" not in raw
    kept = browser.post(address, {"what": "merge", "mine": sealed, "seen": "2", "base": "1", "choice": "mine"})
    assert kept.status_code == 302
    with transaction.atomic():
        member = them.at("customer_analyst")
        latest = queries.drafts(member, row(pk))["customer"]
        assert SetField("secret", "target", "0.031415") in queries.draft_content(latest, queries.chain(member)).edits
        assert latest.content["says"]["title"] == "Other"


def test_headings_of_what_is_kept_from_a_reader_are_named_nowhere(them):
    hidden(them)
    for path in ("agreement/", "agreement/?q=bonus", f"agreement/?with={soon(-1)}"):
        assert SECRET not in page(them, "customer_analyst", path)
    pk = proposed(them, "provider_lead", content(SetField("secret", "target", "0.04")))
    assert SECRET not in page(them, "customer_analyst", f"agreement/changes/{pk}/")


def test_a_clause_that_begins_later_is_kept_from_those_who_may_not_read_it(them):
    """Nothing of it stands in the text of the first day: whoever may not read it could propose and sign its change."""
    made = content(
        add("secret", Kind.KPI, kpi(them), seen_by=["money"], measure="abandonment", target="0.05", title=SECRET),
        first_day=soon(60),
    )
    agreed(them, "customer_lead", made)
    with transaction.atomic():
        member = them.at("customer_analyst")
        entries = queries.chain(member)
        low = DraftContent(soon(40), soon(100), (SetField("secret", "target", "0.5"),), says=says())
        proposal = Proposal(low.change(99), low.says)
        assert not queries.may_read_change(member, proposal, entries)
        assert queries.may_read_change(them.at("customer_lead"), proposal, entries)
        (told,) = change_page.differences(proposal, entries, them.at("customer_lead"), words_for("en"))
    assert told["day"] == soon(60)


def test_nobody_shares_what_is_kept_from_them_nor_what_they_did_not_see(them):
    price = {"text": "A call costs 4.20.", "language": "en", "seen_by": ["money"]}
    pk = drafted(them, "customer_lead", content(add("rates", Kind.PROSE, kpi(them), **price)))
    refused(Code.NOT_READABLE, lambda: operations.share_draft(them.at("customer_analyst"), row(pk)))
    refused(Code.SAVED_MEANWHILE, lambda: operations.share_draft(them.at("customer_lead"), row(pk), 2))
    with transaction.atomic():
        operations.share_draft(them.at("customer_lead"), row(pk), 1)


# Told twice, or too often ---------------------------------------------------------------------------------------------


def test_what_is_sent_twice_counts_once(them):
    made = content(add("notice", Kind.NOTICE, kpi=60), first_day=soon(0))
    agreed(them, "customer_lead", made, retroactive=True)
    pk = proposed(them, "customer_lead", target(them))
    with transaction.atomic():
        member = them.at("provider_lead")
        steps = queries.change_state(member, row(pk)).steps
        short = notice_of(revisions(steps), queries.chain(member), "Europe/Madrid").shortfall
    once = [
        (Code.SAME, lambda: operations.waive(them.at("provider_lead"), row(pk), short)),
        (Code.ALREADY_SAID, lambda: operations.mark_reason(them.at("provider_lead"), row(pk), sufficient=True)),
        (Code.ALREADY_SAID, lambda: remarks.remark(them.at("provider_lead"), row(pk), "", "Why?")),
    ]
    for code, sent in once:
        with transaction.atomic():
            sent()
        forget_mails()
        refused(code, sent)
        assert sent_mails() == []


def test_a_suggestion_that_was_withdrawn_is_not_taken(them):
    pk = proposed(them, "customer_lead", target(them))
    with transaction.atomic():
        member = them.at("provider_lead")
        one = kpi_of(member)
        clause = queries.text_of(member).get(one)
        made = remarks.remark(member, row(pk), one, "", {**clause.fields, "target": "0.7"})
    with transaction.atomic():
        remarks.withdraw_remark(them.at("provider_lead"), row(pk), made)
    refused(Code.NOT_THERE, lambda: remarks.take_suggestion(them.at("customer_lead"), row(pk), made, 0))


def test_the_title_of_a_colleagues_save_is_for_those_who_read_what_their_side_keeps(them):
    """A member begins a draft; the lead saves it with another title, which the member reads nowhere."""
    pk = drafted(them, "customer_member", target(them, title="Begun by a member"))
    with transaction.atomic():
        operations.save_draft(them.at("customer_lead"), row(pk), target(them, title="Known to leads"), 1)
    for who, shown, other in (
        ("customer_member", "Begun by a member", "Known to leads"),
        ("customer_lead", "Known to leads", "Begun by a member"),
    ):
        listed = page(them, who, "agreement/")
        api = ask_api(them, who, "agreement/changes").content.decode()
        for text in (listed, api):
            assert shown in text
            assert other not in text


def test_nobody_signs_and_ends_without_limit(them, monkeypatch):
    pk = proposed(them, "customer_lead", target(them))
    monkeypatch.setitem(RATE_LIMITS, "steps", RateLimit(0, 3600))
    refused(PartiesCode.TOO_OFTEN, sign, them, "provider_lead", pk)
    with transaction.atomic():
        member, change = them.at("customer_lead"), row(pk)
        refused(PartiesCode.TOO_OFTEN, operations.end, member, change, StepKind.WITHDRAW, "No.")


def test_figures_that_were_asked_for_too_often_keep_nobody_from_signing(them, monkeypatch):
    pk = proposed(them, "customer_lead", target(them))
    monkeypatch.setitem(RATE_LIMITS, "first looks", RateLimit(0, 3600))
    assert "Sign" in sign_page(them, "provider_lead", pk)
    assert "Higher target" in page(them, "provider_lead", f"agreement/changes/{pk}/")


@pytest.mark.parametrize(
    "written", ["a" + ".a" * 100_000 + " = 1", "a" + ' . "b"' * 40 + " = 1", "a = " + "1" * 10_000]
)
def test_no_template_holds_the_server(written):
    """A dotted key of many parts takes time by the square of them; a number of many digits was an error of ours."""
    with pytest.raises(UnusableAgreementError, match=r"many parts|is not TOML"):
        parse_text_toml(f'schema = "comity.agreement/1"\n{written}\n', Path())
