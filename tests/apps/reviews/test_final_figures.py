"""A final month stays as both sides confirmed it, on every page and in every file, whatever the records come to say."""

import io
from dataclasses import replace

import pytest
from django.db import transaction

from comity.apps.i18n import words_for
from comity.apps.parties.member_context import set_viewer
from comity.apps.reviews import operations, queries
from comity.apps.reviews.figures import DisputeNote, period_figures
from comity.apps.reviews.final_figures import with_final_figures
from comity.apps.today.portfolio import portfolio_rows
from comity.apps.today.queries import inboxes
from comity.core.values import Side
from comity.review.proceedings import AskedMatter, Proceedings
from comity.review.render import html as page
from comity.review.views.board import board
from comity.review.views.reading import find_reading
from tests.builders import review as sample
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.turns import every
from tests.room import cast

pytestmark = pytest.mark.gate
JUNE = "2026-06"
WORDS = words_for("en")
BOTH_VIEWS = [(who, view) for who in ("customer_lead", "provider_lead", "auditor") for view in ("own", "joint")]


def without_the_15th():
    return "\n".join(row for row in contacts() if not row.startswith("6-15"))


@pytest.fixture(scope="module")
def final():
    """June, final with 48 of 60 in time; then a day's contacts are withdrawn."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    with transaction.atomic():
        before = queries.shown_review(them.at("customer_lead").joint(), JUNE).levels[0]
    them.book(KPI, contacts=without_the_15th())
    them.client("customer_lead").get(them.url(f"review/?period={JUNE}&view=joint"))  # a worker makes it first
    return them, before


@pytest.mark.parametrize(("who", "view"), every(3, BOTH_VIEWS, unpack=True))
def test_pages_and_programs_show_the_final_figure_with_what_the_records_give_now_beside_it(final, who, view):
    them, before = final
    client = them.client(who)
    level = client.get(them.url(f"review/file.json?period={JUNE}&view={view}")).json()["levels"][0]
    assert level["value"] == pytest.approx(before.value)
    assert level["met"] is before.met
    now = level["final"]["recomputed"]
    assert now != pytest.approx(before.value)
    value, other = (WORDS.figure(one, "share", "EUR") for one in (before.value, now))
    for path in (f"review/?period={JUNE}&view={view}", f"review/figure/service_level/?period={JUNE}&view={view}"):
        page = client.get(them.url(path)).content.decode()
        assert value in page
        assert WORDS("levels.final_beside", value=other) in page
    review = client.get(them.url(f"review/?period={JUNE}&view={view}")).content.decode()
    assert WORDS("closing.no_longer_final") in review


@pytest.mark.parametrize("form", ["pdf", "board"])
def test_the_paper_of_a_final_month_holds_its_final_figure(final, form):
    import pypdf

    them, before = final
    written = them.client("customer_lead").get(them.url(f"review/file.{form}?period={JUNE}"))
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(written.content)).pages)
    assert WORDS.figure(before.value, "share", "EUR").replace("\u00a0", " ") in text.replace("\u00a0", " ")


def test_both_sides_are_told_that_the_records_of_a_final_month_have_changed(final):
    them, _ = final
    for who in ("customer_lead", "provider_lead"):
        them.client(who).get(them.url(f"review/?period={JUNE}&view=joint"))
        with transaction.atomic():
            found = inboxes(them.at(who), WORDS)
        assert {one.side for one in found for group in one.groups for row in group.rows if row.item.detail ==
                WORDS("inbox.changed_since_final")} == set(Side)  # fmt: skip


def test_a_final_figure_that_the_records_no_longer_give_stays_and_is_not_said_to_be_missing():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who)
    them.book(KPI, contacts="\n".join(row for row in contacts() if not row.startswith("6-")))
    with transaction.atomic():
        member = them.at("provider_lead")
        computed = queries.review(member.joint(), JUNE)
        review = queries.with_final_levels(member.joint(), computed)
    assert computed.levels == ()
    (level,) = review.levels
    assert (level.kpi, level.final.recomputed) == ("service_level", None)
    assert "service_level" not in {one.reading for one in review.missing}
    page = them.client("provider_lead").get(them.url(f"review/?period={JUNE}&view=joint")).content.decode()
    assert WORDS("levels.final_alone") in page


def test_no_side_reports_another_figure_of_its_own_into_a_final_month():
    """The computed figure stays the same: what a side says it reported then would else be what it says now."""
    them = cast()
    reported = "period,kpi,value,reported_by\n2026-06,service_level,{},provider"
    them.book(KPI, contacts="\n".join(contacts()), reported=reported.format(0.5))
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who)
    them.book(KPI, contacts="\n".join(contacts()), reported=reported.format(0.9))
    with transaction.atomic():
        for who in ("customer_lead", "provider_lead"):
            (level,) = queries.shown_review(them.at(who), JUNE).levels
            assert (level.reported[Side.PROVIDER], level.final) == (0.5, None)
        assert queries.review(them.at("customer_lead").joint(), JUNE).levels[0].reported[Side.PROVIDER] == 0.9


def test_an_open_month_and_an_unchanged_final_one_are_as_the_records_give_them(final):
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    with transaction.atomic():
        member = them.at("provider_lead").joint()
        computed = queries.review(member, JUNE)
        assert queries.with_final_levels(member, computed) is computed
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who)
    with transaction.atomic():
        member = them.at("provider_lead").joint()
        assert queries.shown_review(member, JUNE) == queries.review(member, JUNE)
    assert final[0].relationship != them.relationship


def test_what_one_side_restates_is_final_on_no_page():
    """The provider restates June with a day less: the portfolio of the customer showed that as final."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who)
    with transaction.atomic():
        (before,) = queries.shown_review(them.at("customer_lead").joint(), JUNE).levels
    them.book(KPI, contacts=without_the_15th())
    with transaction.atomic():
        member = them.at("provider_lead")
        operations.restate(member, queries.review(member.joint(), JUNE), JUNE, "a day was counted twice")
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        (row,) = portfolio_rows(them.people["customer_lead"], WORDS)
    (shown,) = row.figures
    assert row.is_final
    assert shown.value == WORDS.figure(before.value, "share", "EUR")
    with transaction.atomic():
        (after,) = queries.shown_review(them.at("customer_lead").joint(), JUNE).levels
    assert after.value == pytest.approx(before.value)


@pytest.mark.parametrize("view", ["own", "joint"])
def test_the_history_of_a_final_month_ends_with_its_final_figure(final, view):
    them, before = final
    path = them.url(f"review/file.json?period={JUNE}&view={view}")
    level = them.client("customer_lead").get(path).json()["levels"][0]
    shown = [one["value"] for one in level["history"] if one["period"]["start"] == "2026-06-01"]
    assert shown == [pytest.approx(before.value)]


# Readings that were disputed ----------------------------------------------------------------------------------


def disputed_then(key, moved):
    """The sample as it was confirmed with one disputed reading, whose value the records have moved since."""
    then = sample.review()
    note = DisputeNote("1", "provider", "open", "records", "", 4.2)
    figures = {key: period_figures(then, {key: [note]})[key]}
    changed = tuple(
        replace(one, before=one.before + moved, after=one.after + moved) if one is find_reading(then, key) else one
        for one in then.readings
    )
    return then, with_final_figures(replace(then, readings=changed), figures, [])


ASKED = AskedMatter("dispute", "Not so", Side.PROVIDER, "asked", kpi="", disputes=True, value=4.2)


@pytest.mark.parametrize("key", ["satisfaction:csat 1-5 third_party", "revenue"])
@pytest.mark.parametrize("moved", [0.0, 0.37])
def test_a_final_page_shows_the_disputed_reading_that_was_confirmed(key, moved):
    then, final = disputed_then(key, moved)
    before = find_reading(then, key)
    asked = replace(ASKED, kpi=key, mark="Helpline disputes it")
    done = Proceedings(final_on=sample.Q2.end, matters=(asked,))
    value = WORDS.figure(before.after, before.unit, then.currency)
    (row,) = [one for one in board(final, done, WORDS).disputed if one.claimed]
    assert (row.name, row.value) == (WORDS.named("reading", before.id), value)
    assert row.claimed == ((Side.PROVIDER, WORDS.figure(4.2, before.unit, then.currency)),)
    written = page.render_board(final, WORDS, done)
    said = "readings.confirmed" if moved == 0 else "readings.confirmed_then"
    assert WORDS(said, value=value) in written
    assert "Helpline disputes it" in written


def test_of_people_what_the_records_give_now_stands_nowhere_beside_what_was_confirmed():
    key = "satisfaction:csat 1-5 third_party"
    then, final = disputed_then(key, 0.37)
    assert find_reading(final, key) is None
    assert find_reading(then, key) is not None
    now = WORDS.level(find_reading(then, key).after + 0.37, "points", then.currency, 2)
    done = Proceedings(final_on=sample.Q2.end, matters=(replace(ASKED, kpi=key),))
    assert now not in page.render_board(final, WORDS, done)


def test_a_dispute_of_a_level_marks_no_reading_of_the_same_name():
    review = sample.review()
    kpi = review.levels[0].kpi
    done = Proceedings(matters=(replace(ASKED, kpi=kpi, mark="Helpline disputes it"),))
    rows = page.template_context(review, WORDS, paper=True, proceedings=done)["rows"]
    assert not any(row["marks"] for row in rows)
