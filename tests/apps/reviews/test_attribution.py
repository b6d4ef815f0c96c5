"""Whose doing it was, in a room: its periods and levels, one's own supposition, and what follows from it."""

import re
from datetime import date
from itertools import pairwise

import pytest
from django.db import transaction

from comity.apps.i18n import words_for
from comity.apps.matters import operations
from comity.core.matters.kinds import Kind
from tests.builders.attribution import KPI, fortnight
from tests.room import cast

pytestmark = pytest.mark.gate
MORE = """
[[kpi]]
id = "billing_level"
measure = "service_level"
queues = ["billing"]
target = 0.9
"""
ASKED = {"kpi": "service_level", "period": "2026-06"}


@pytest.fixture(scope="module")
def room():
    made = cast()
    made.book('[review]\nperiod = "month"\n' + KPI + MORE, **fortnight(staffed=31))
    return made


def page(room, who="provider_lead", **asked):
    found = room.client(who).get(room.url("attribution/"), ASKED | asked)
    assert found.status_code == 200
    return found.content.decode()


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def test_periods_and_levels_are_chosen_by_links_in_words(room):
    text = page(room)
    bar = re.search(r'<nav class="bar".*?</nav>', text, re.DOTALL)[0]
    assert text_of(bar).startswith("Period ‹ May 2026 June 2026 July 2026 › Level Service level Billing level: billing")  # noqa: RUF001 - as they stand on the page
    assert 'href="?kpi=service_level&amp;period=2026-05"' in bar
    assert 'href="?kpi=service_level&amp;period=2026-07"' in bar
    assert 'href="?kpi=billing_level&amp;period=2026-06"' in bar
    assert "In June 2026, 38.28 % of contacts" in text_of(text)
    assert not re.search(r"\sstyle=", text)
    assert "<script" not in text.split("<main")[1].split("</main>")[0]
    heads = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert heads.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(heads))


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        ({"volume": "-13.793 %"}, "67.6 %"),  # 250 / 290: .67565225
        ({"volume": "\u221213,793"}, "67.6 %"),
        ({"handled": "3:30"}, "51.9 %"),  # 210 of 225 s: .51896904
        ({"handled": "210"}, "51.9 %"),
        ({"people": "+1"}, "44.5 %"),  # 32 there: .44470871
        ({"people": "1", "since": "24"}, "44.5 %"),  # the one half hour begins at noon in Madrid
        ({"people": "1", "since": "25"}, "38.1 %"),  # .38143766, as it was
    ],
)
def test_ones_own_supposition_is_answered_by_the_model(room, asked, level):
    """The corners of the worked example of the standards, 3.2, as kpi_reference has them."""
    text = text_of(page(room, **asked))
    assert f"{level} answered in 20 s, by the model." in text


@pytest.mark.parametrize("asked", [{"volume": "much"}, {"volume": "-100"}, {"handled": "0"}, {"people": "1e9"}])
def test_what_cannot_be_read_is_said_beside_its_field(room, asked):
    text = page(room, **asked)
    (name,) = asked
    assert re.search(rf'<input id="{name}"[^>]* aria-invalid="true" aria-describedby="wrong"', text)
    assert 'id="wrong" role="alert"' in text
    assert "by the model. <" not in text
    assert f'value="{asked[name]}"' in text


def test_nothing_written_runs(room):
    assert "<script>alert" not in page(room, volume="<script>alert(1)</script>", since="9999999999")


def test_a_claim_begins_with_the_day_and_the_queue(room):
    text = page(room)
    form = re.search(r'<form [^>]*aria-labelledby="h-claim".*?</form>', text, re.DOTALL)[0]
    action = re.search(r'action="([^"]+)"', form)[1]
    given = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert given == ASKED
    assert "<option>help</option>" in form
    found = room.client("provider_lead").get(
        action, given | {"from_day": "2026-06-03", "to_day": "2026-06-04", "queue": "help"}
    )
    assert found.status_code == 200
    raised = found.content.decode()
    assert 'value="2026-06-03"' in raised
    assert 'value="2026-06-04"' in raised
    assert 'value="help"' in raised
    dispute = re.search(r'href="([^"]+raise/dispute/[^"]+)"', text)[1].replace("&amp;", "&")
    assert dispute.endswith("?kpi=service_level&period=2026-06")


def test_who_only_reads_is_offered_no_claim(room):
    text = page(room, "auditor")
    assert 'aria-labelledby="h-claim"' not in text
    assert words_for("en")("shared_out.try") in text


def test_what_touches_the_period_is_listed_and_nothing_else(room):
    with transaction.atomic():
        for title, kind, days in (
            ("Storm in June", Kind.CLAIM, (date(2026, 6, 3), date(2026, 6, 4))),
            ("Storm in July", Kind.CLAIM, (date(2026, 7, 3), date(2026, 7, 4))),
        ):
            operations.raise_matter(
                room.at("provider_lead"),
                operations.NewMatter(
                    kind=kind,
                    title=title,
                    text="x",
                    from_day=days[0],
                    to_day=days[1],
                    asked_for="exclude",
                    event="storm",
                ),
                "Europe/Madrid",
            )
    text = page(room)
    assert "Storm in June" in text
    assert "Storm in July" not in text
