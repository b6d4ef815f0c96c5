"""The last quarter by both wordings of a KPI, counted by hand, and what the page says of it."""

from dataclasses import replace
from datetime import date

import pytest
from django.core.cache import cache
from django.db import transaction

from comity.apps.agreements import queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.preview.figures import previews, touched_kpis
from comity.apps.agreements.preview.page import preview
from comity.apps.i18n import words_for
from comity.core.agreements.changes import Proposal, SetField
from comity.core.agreements.kinds import Kind
from comity.core.values import Period
from comity.review.i18n.words import DASH
from tests.builders.agreement import add
from tests.builders.changes import content, proposed, row, sign
from tests.room import cast

pytestmark = pytest.mark.gate
KPI = (
    '[review]\nperiod = "month"\n[[kpi]]\nid = "sl"\nmeasure = "service_level"\nabandons = "exclude-short"\n'
    "short_abandon_s = 5\ntarget = 0.45\n"
)
DAY = date(2027, 6, 1)


def contacts():
    """Three a day from April to June: answered after 5 seconds, after 50, given up after 12."""
    yield "contact_id,opened_at,queue,channel,answered_at,abandoned_at,resolved_at"
    for month, days in ((4, 30), (5, 31), (6, 30)):
        for day in range(1, days + 1):
            at = f"2026-{month:02}-{day:02}T10:00"
            yield f"{month}-{day}-0,{at}:00Z,help,voice,{at}:05Z,,"
            yield f"{month}-{day}-1,{at}:00Z,help,voice,{at}:50Z,,"
            yield f"{month}-{day}-2,{at}:00Z,help,voice,,{at}:12Z,"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def shown(them, *edits, who="customer_lead", language="en"):
    with transaction.atomic():
        member = them.at(who)
        now = queries.situation(member)
        content = DraftContent(DAY, None, edits)
        return preview(member, Proposal(content.change(0), {}), now, words_for(language))


def test_the_quarter_is_the_sum_of_its_months_by_both_wordings(them):
    """By the text in force 1 of 3 is in time; with those who gave up within 20 seconds left out, 1 of 2."""
    with transaction.atomic():
        member = them.at("customer_lead")
        now = queries.situation(member)
        change = DraftContent(DAY, None, (SetField("sl", "short_abandon_s", "20"),)).change(0)
        (one,) = previews(member, touched_kpis(change, now.chain))
    assert [(row.before.num, row.before.den, row.after.num, row.after.den) for row in one.rows] == [
        (30, 90, 30, 60), (31, 93, 31, 62), (30, 90, 30, 60),
    ]  # fmt: skip
    assert (one.quarter.before.num, one.quarter.before.den) == (91, 273)
    assert (one.quarter.after.num, one.quarter.after.den, one.quarter.after.met) == (91, 182, True)
    assert one.quarter.period == Period(date(2026, 4, 1), date(2026, 7, 1))


def test_the_page_says_that_nothing_was_answered_sooner_and_what_the_wording_pulls_towards(them):
    (one,) = shown(them, SetField("sl", "short_abandon_s", "20")).rows
    assert [(row.before, row.after, row.differs) for row in one.rows] == [
        ("33.3\xa0%", "50.0\xa0%", "+16.7\xa0pts")
    ] * 4  # fmt: skip
    assert [row.period for row in one.rows] == ["April 2026", "May 2026", "June 2026", "Three months"]
    assert one.said == (
        "This wording counts 182 contacts and not 273.",
        "These are the same records under another wording: nothing was answered sooner.",
        "91 contacts were in time under both.",
        "Met by this wording only: April\xa02026, May\xa02026 and June\xa02026.",
    )
    assert one.pulls == (
        (
            "Reads higher when callers give up sooner: whoever does within 20 seconds is not counted."
            " By the text in force: 5 seconds."
        ),
    )
    assert len(one.other_pulls) == 1
    assert (
        'aria-label="April 2026: 33.3\xa0% by the text in force, 50.0\xa0% by this one"' in one.rows[0].chart.screen()
    )


def test_it_is_said_in_spanish_too(them):
    (one,) = shown(them, SetField("sl", "short_abandon_s", "20"), language="es").rows
    assert one.rows[0].after == "50,0\xa0%"
    assert one.said[1] == "Son los mismos datos con otro texto: nada se atendió antes."


def test_a_longer_threshold_says_how_many_are_in_time_by_each(them):
    (one,) = shown(them, SetField("sl", "answer_within_s", "60")).rows
    assert one.said[1] == "By the text in force 91 contacts were in time, by this one 182."


def test_what_is_no_ratio_of_sums_has_no_quarter(them):
    (one,) = shown(them, add("p90", Kind.KPI, measure="wait_p90", target="60")).rows
    assert [row.is_sum for row in one.rows] == [False, False, False]
    assert one.is_new
    assert one.said == ()
    assert one.rows[0].before == DASH


def test_a_kpi_that_its_reader_may_not_read_is_not_shown(them):
    kept = add("calls", Kind.KPI, measure="service_level", target="0.5", seen_by=["money"])
    assert [one.kpi for one in shown(them, kept).rows] == ["calls"]
    assert shown(them, kept, who="customer_member").rows == ()


def test_a_draft_without_a_first_day_has_none(them):
    with transaction.atomic():
        member = them.at("customer_lead")
        content = DraftContent(None, None, (SetField("sl", "target", "0.5"),))
        found = preview(member, Proposal(content.change(0), {}), queries.situation(member), words_for("en"))
    assert found == replace(found, rows=(), pending=None)
    assert found.needs_day  # and the page says so


def test_once_agreed_a_change_shows_what_it_altered_and_not_itself_on_both_sides(them):
    made = content(SetField("sl", "answer_within_s", "60"), first_day=DAY)
    proposal = proposed(them, "customer_lead", made)

    def views():
        with transaction.atomic():
            member = them.at("provider_lead")
            now = queries.situation(member)
            return preview(member, queries.change_state(member, row(proposal), now).last.proposal, now, words_for("en"))

    (as_proposed,) = views().rows
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, proposal)
    with transaction.atomic():
        them.at("provider_lead")
        assert row(proposal).place is not None
    assert views().rows == (as_proposed,)


def test_another_target_alone_is_told_and_drawn_with_the_one_before(them):
    (one,) = shown(them, SetField("sl", "target", "0.3")).rows
    assert "The target is 30\xa0% in place of 45\xa0%." in one.said
    assert "Met by this wording only: April\xa02026, May\xa02026 and June\xa02026." in one.said
    assert one.rows[0].chart.screen().count('class="target') == 2
    (one,) = shown(them, SetField("sl", "target", "0.5")).rows
    assert "Missed by both wordings: April\xa02026, May\xa02026 and June\xa02026." in one.said
