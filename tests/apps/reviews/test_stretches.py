"""Figures by the text in force, in a room: what is confirmed of a month of two wordings, and where its text is read."""

from datetime import date

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connections, transaction

from comity.apps.agreements import operations as agreements
from comity.apps.record import queries as records
from comity.apps.record.models import ConsentSubject, EntryKind
from comity.apps.reviews import queries
from comity.core import chain
from comity.core.agreements.changes import SetField
from comity.core.values import Period
from tests.builders.changes import content, kpi_of, proposed, sign
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
NAME = "2026-05"
FROM = date(2026, 5, 15)
LATE_MAY, EARLY_MAY = Period(FROM, date(2026, 6, 1)), Period(date(2026, 5, 1), FROM)
CONSENT = "SELECT comity_consent('period', '2026-05', %s, %s)"
FREEZE = "SELECT comity_freeze('2026-05', %s, %s)"


def agree(them, value, first_day=FROM):
    """Both sign another target of the book's KPI, for a day that is past, and the book has it."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    pk = proposed(them, "customer_lead", content(SetField(kpi, "target", value), first_day=first_day))
    assert not sign(them, "customer_lead", pk, retroactive=True)
    assert sign(them, "provider_lead", pk, retroactive=True)
    run_jobs(agreements.WRITE_TASK)
    return kpi


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def figures_of(them):
    with transaction.atomic():
        member = them.at("customer_lead")
        return queries.figures(member, queries.review(member.joint(), NAME), NAME)


def test_both_confirm_a_month_with_the_figure_and_the_wording_of_each_stretch(them):
    kpi = agree(them, "0.9")
    with transaction.atomic():
        member = them.at("customer_lead")
        review = queries.review(member.joint(), NAME)
        assert queries.is_agreed(member, review)
        (entry,) = records.entries(member, ConsentSubject.AGREEMENT)
    level = next(one for one in review.levels if one.kpi == kpi)
    assert (level.days, level.definition.entry, [one.days for one in level.earlier]) == (
        LATE_MAY,
        entry.number,
        [EARLY_MAY],
    )
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who, NAME)
    with transaction.atomic():
        (frozen,) = records.entries(them.at("auditor"), ConsentSubject.PERIOD, NAME).filter(kind=EntryKind.FROZEN)
    figure = frozen.content["figures"][kpi]
    assert figure["days"] == {"start": "2026-05-15", "end": "2026-06-01"}
    assert figure["definition"]["target"] == "0.9"
    (before,) = figure["earlier"]
    assert (before["days"]["end"], before["definition"]["target"], before["num"]) == (
        "2026-05-15",
        f"{level.earlier[0].target:g}",
        f"{level.earlier[0].num:g}",
    )


def attack(them, who, sql, figures):
    """Run it over the app's own connection, with nothing in Python before it."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        them.at(who)
        cursor.execute(sql, [chain.digest_of(figures), chain.canonical(figures)])


def forged(figures, kpi, what):
    """The figures with something in the stretch before, or in its relief, that both sides did not agree to."""
    figure = figures[kpi]
    (before,) = figure["earlier"]
    definition = before["definition"]
    changed = {
        "not agreed": {"earlier": [before | {"definition": definition | {"agreed": False}}]},
        "an entry that is not there": {"earlier": [before | {"definition": definition | {"entry": 99}}]},
        "an entry about another": {"earlier": [before | {"definition": figure["definition"] | {"id": "another"}}]},
        "stretches in a stretch": {"earlier": [before | {"earlier": [before]}]},
        "no list": {"earlier": before},
        "relief that nobody signed": {"relieved": {"days": [], "changes": [2], "value": None, "held": True}},
        "relief of a change that is not there": {
            "earlier": [before | {"relieved": {"days": [], "changes": [9], "value": None, "held": True}}]
        },
    }
    return figures | {kpi: figure | changed[what]}


FORGED = [
    "not agreed", "an entry that is not there", "an entry about another", "stretches in a stretch", "no list",
    "relief that nobody signed", "relief of a change that is not there",
]  # fmt: skip


def test_neither_side_confirms_a_stretch_that_both_did_not_agree_to(them):
    kpi = agree(them, "0.9")
    figures = figures_of(them)
    for who in ("customer_lead", "provider_lead"):
        for what in FORGED:
            with pytest.raises(DatabaseError, match="not agreed by both"):
                attack(them, who, CONSENT, forged(figures, kpi, what))
    attack(them, "provider_lead", CONSENT, figures)  # what is agreed is taken


def test_the_database_freezes_no_stretch_that_both_did_not_agree_to(them):
    kpi = agree(them, "0.9")
    figures = forged(figures_of(them), kpi, "an entry that is not there")
    with superuser() as everybody:
        everybody.execute("ALTER TABLE record_consent DISABLE TRIGGER comity_guard_agreed_figures")
    try:
        for who in ("customer_lead", "provider_lead"):
            attack(them, who, CONSENT, figures)
    finally:
        with superuser() as everybody:
            everybody.execute("ALTER TABLE record_consent ENABLE TRIGGER comity_guard_agreed_figures")
    with pytest.raises(DatabaseError, match="not agreed by both"):
        attack(them, "provider_lead", FREEZE, figures)


def test_the_clause_of_a_figure_is_one_click_away_for_everybody_who_reads_it(them):
    kpi = agree(them, "0.9")
    for who in ("customer_lead", "provider_lead", "auditor"):
        page = them.client(who).get(them.url(f"review/?period={NAME}&view=joint")).content.decode()
        for day in ("2026-05-31", "2026-05-14"):
            assert f'href="{them.url("agreement/")}?on={day}#clause-{kpi}"' in page
        text = them.client(who).get(them.url("agreement/?on=2026-05-31")).content.decode()
        assert f'id="clause-{kpi}"' in text


def test_a_final_figure_is_read_with_the_text_that_was_known_then(them):
    """May is final with a target of 0.90; another target, agreed later for June on, was not known then."""
    kpi = agree(them, "0.9")
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who, NAME)
    with transaction.atomic():
        (frozen,) = records.entries(them.at("auditor"), ConsentSubject.PERIOD, NAME).filter(kind=EntryKind.FROZEN)
    agree(them, "0.95", first_day=date(2026, 6, 1))
    client = them.client("customer_lead")
    page = client.get(them.url(f"review/?period={NAME}&view=joint")).content.decode()
    known = f"known={frozen.number}"
    assert f'href="{them.url("agreement/")}?on=2026-05-31&amp;{known}#clause-{kpi}"' in page
    later = client.get(them.url("agreement/?on=2026-06-30")).content.decode()
    then = client.get(them.url(f"agreement/?on=2026-06-30&{known}")).content.decode()
    assert ("95" in later, "95" in then.split("h-text")[1].split("</section>")[0]) == (True, False)
    assert f"entry {frozen.number} of the record" in then


def test_a_stranger_reads_no_text_as_it_was_known(them):
    assert them.client("stranger").get(them.url("agreement/?known=1")).status_code == 404
