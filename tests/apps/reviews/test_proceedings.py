"""What the room tells the review's files of a period: who confirmed it, what was asked, what waits for whom."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.reviews import proceedings as told
from comity.apps.reviews import queries
from comity.apps.reviews.proceedings import printed
from comity.core.calendars import Calendar, Cut
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from comity.review.views.board import board
from comity.review.views.summary import boxes
from tests.builders import review as sample
from tests.builders.attribution import build_attribution
from tests.builders.changes import agreed, room, target
from tests.builders.confirmations import JUNE, confirm, entries
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.room import cast

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def done_about(them, who, *, joint=True):
    with transaction.atomic():
        member = them.at(who)
        member = member.joint() if joint else member
        return printed(member, queries.review(member, JUNE), "en")


def test_both_sides_have_to_confirm_and_the_one_that_has_is_named_with_the_person(them):
    assert done_about(them, "auditor").to_confirm == (Side.CUSTOMER, Side.PROVIDER)
    confirm(them, "customer_lead")
    done = done_about(them, "provider_lead")
    assert [(one.side, bool(one.person)) for one in done.confirmations] == [(Side.CUSTOMER, True)]
    assert done.to_confirm == (Side.PROVIDER,)
    assert done.final_on is None


def test_once_final_the_record_says_who_confirmed_and_nothing_waits(them):
    confirm(them, "customer_lead")
    entry = confirm(them, "provider_lead")
    done = done_about(them, "customer_lead")
    assert done.final_on == entry.at.date()
    assert done.entry == (entry.number, entries(them)[-1].digest)
    assert [one.side for one in done.confirmations] == [Side.CUSTOMER, Side.PROVIDER]
    assert done.to_confirm == ()


def test_the_file_for_the_board_says_that_it_is_final(them):
    pypdf = pytest.importorskip("pypdf")
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    answer = them.client("customer_lead").get(them.url(f"review/file.board?period={JUNE}"))
    assert 'filename="review-2026-06-board.pdf"' in answer.headers["Content-Disposition"]
    reader = pypdf.PdfReader(io.BytesIO(answer.content))
    assert len(reader.pages) == 2  # nothing was decided or asked
    assert "Final since" in reader.pages[0].extract_text()


def test_a_matter_waits_for_the_side_that_has_to_answer_in_each_view(them):
    raised(them, "customer_lead", kpi="service_level", period=JUNE)
    for who in ("customer_lead", "provider_lead", "auditor"):
        matter = next(one for one in done_about(them, who).matters if one.kind == "dispute")
        assert (matter.asks, matter.to_move) == (Side.CUSTOMER, Side.PROVIDER)
        assert matter.is_open


def test_no_cause_of_another_level_than_the_final_one_is_told(them, tmp_path, monkeypatch):
    """The level of June is 28 of 60, that of the worked example 111 of 290; an open month shows both."""
    made = build_attribution(tmp_path)
    monkeypatch.setattr(told, "known_causes", lambda *_: {"service_level": made})
    assert set(done_about(them, "auditor").causes) == {"service_level"}
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    done = done_about(them, "auditor")
    assert (done.causes, done.other_causes) == ({}, ("service_level",))
    with transaction.atomic():
        review = queries.review(them.at("auditor"), JUNE)
    lines = [line.text for box in boxes(review, done, words_for("en")) for line in box.lines]
    assert any(words_for("en")("summary.other_causes") in line for line in lines)
    same = replace(made, shared=replace(made.shared, observed=28 / 60, target=review.levels[0].target))
    monkeypatch.setattr(told, "known_causes", lambda *_: {"service_level": same})
    assert done_about(them, "auditor").causes == {"service_level": same}


def test_the_board_paper_has_decisions_agreed_proposals_corrections_and_signed_changes():
    """It had actions alone."""
    them = room()
    today = timezone.now().date()
    month = f"{today:%Y-%m}"
    decision = raised(them, "customer_lead", Kind.DECISION, title="Which hours", due_on=today + timedelta(days=20))
    agreed_to = raised(them, "customer_lead", Kind.OFFER, title="A second queue", wording="A second queue.")
    moved(them, "provider_lead", agreed_to, Move.AGREE)
    raised(them, "customer_lead", Kind.OFFER, title="Not agreed", wording="Not agreed.")
    change = agreed(them, "customer_lead", target(them))
    with transaction.atomic():
        member = them.at("auditor")
        review = replace(sample.review(), period=Calendar(Cut.MONTH, 1).containing(today), name=month, cut=Cut.MONTH)
        done = told.proceedings(
            member, review, month, "en", confirmations={}, entries=[], is_open=False,
            matters=told._of_period(member, review, month),
            changes=told._signed_changes(member, review.period, words_for("en")),
        )  # fmt: skip
    rows = board(review, done, words_for("en"), most=None).decisions
    titles = [row.title for row in rows]
    assert titles[0].startswith("Change ")
    assert {decision.title, agreed_to.title} <= set(titles)
    assert "Not agreed" not in titles
    assert change is not None
    assert {row.kind for row in rows} >= {"change", "decision", "offer"}
