"""What one side's import does to figures that both count by: told before it, to both afterwards, and never to a third.

Every day of May 2026 ten calls were answered in time, as the provider's contacts say: a service level of 100 %. The
customer's own report by the half hour says of each day: 10 offered, 8 answered in time, 2 gave up, that is 80 %.
Contacts of answered calls tell nobody who gave up, so that the report is counted where nothing else was agreed.
"""

from datetime import date, timedelta

import pytest
from django.db import transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.sentences import event_sentence
from comity.apps.books import effects, operations, tasks
from comity.apps.books.models import Stage
from comity.apps.i18n import words_for
from tests.builders.uploads import looked, now, shown
from tests.room import cast

pytestmark = pytest.mark.gate

KPI = '[[kpi]]\nid = "service_level"\nabandons = "count"\ntarget = 0.9\n'
SOURCE = '[[source]]\ntable = "contacts"\nby = "provider"\n'
DAYS = [date(2026, 5, 1) + timedelta(number) for number in range(31)]
CONTACTS = "contact_id,queue,channel,opened_at,answered_at\n" + "".join(
    f"{day}-{number},help,voice,{day}T10:00:00Z,{day}T10:00:10Z\n" for day in DAYS for number in range(10)
)
REPORT = "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned\n" + "".join(
    f"help,{day}T10:00:00Z,30,10,8,8,20,2\n" for day in DAYS
)


def room(toml=KPI):
    them = cast()
    them.book(toml, contacts=CONTACTS)
    return them


def bring(them, delivery, who="customer_lead"):
    with transaction.atomic():
        operations.import_delivery(them.at(who), now(them, who, delivery))
    tasks.import_delivery(str(them.people[who].pk), str(them.relationship), str(delivery.pk))
    return now(them, who, delivery)


def told(them, who):
    """How the log says to somebody that figures moved."""
    with transaction.atomic():
        them.at(who)
        events = list(AuditEvent.objects.filter(event=Event.FIGURES_MOVED).order_by("at"))
    sentences = [event_sentence(one, words_for("en"), str) for one in events]
    return [f"{one.before}{one.title}{one.after}".replace("\xa0", " ") for one in sentences]


def test_the_page_of_a_file_says_what_moves_before_it_is_imported():
    them, words = room(), words_for("en")
    file = looked(them, "own.csv", REPORT, "customer_lead")
    page = shown(them, file, "customer_lead").replace("\xa0", " ")
    for text in ("100.0 %, met", "80.0 %, missed", "intervals in place of contacts", "May 2026"):
        assert text in page
    assert words("check.import_do") in page
    assert told(them, "customer_lead") == []


def test_both_sides_are_told_of_what_moved_and_see_it_on_the_page_of_the_file():
    them = room()
    file = bring(them, looked(them, "own.csv", REPORT, "customer_lead"))
    assert file.stage == Stage.BROUGHT
    ((before, after),) = ((one.before, one.after) for one in effects.told_effects(file))
    assert (before.value, after.value, before.tables, after.tables) == (1.0, 0.8, ("contacts",), ("intervals",))
    for who in ("customer_lead", "provider_lead"):
        assert told(them, who) == ["moved figures of open months with “own.csv” (1)"]
        assert "intervals in place of contacts" in shown(them, file, who)


def on_today(them, who):
    """Whether Today asks somebody to look at figures that moved."""
    return words_for("en")("inbox.moved_do") in them.client(who).get(them.url()).content.decode()


def test_today_asks_the_other_side_to_look_until_somebody_of_it_has_and_again_after_an_undoing():
    them, words = room(), words_for("en")
    file = looked(them, "own.csv", REPORT, "customer_lead")
    assert words("import_effect.undecided") in shown(them, file, "customer_lead")
    assert not on_today(them, "provider_lead")
    file = bring(them, file)
    assert (on_today(them, "provider_lead"), on_today(them, "customer_lead")) == (True, False)
    # Who imported reads on Today that the other side is asked.
    assert words("inbox.moved", name="own.csv") in them.client("customer_lead").get(them.url()).content.decode()
    shown(them, file, "customer_lead")
    assert on_today(them, "provider_lead")  # looking at one's own import is not the other side's look
    shown(them, file, "provider_analyst")
    assert not on_today(them, "provider_lead")
    with transaction.atomic():
        operations.undo_delivery(them.at("customer_lead"), file)
    tasks.undo_delivery(str(them.people["customer_lead"].pk), str(them.relationship), str(file.pk))
    assert on_today(them, "provider_lead")


def test_what_moves_back_when_an_import_is_undone_is_told_as_well():
    them = room()
    file = bring(them, looked(them, "own.csv", REPORT, "customer_lead"))
    with transaction.atomic():
        operations.undo_delivery(them.at("customer_lead"), file)
    tasks.undo_delivery(str(them.people["customer_lead"].pk), str(them.relationship), str(file.pk))
    file = now(them, "customer_lead", file)
    assert file.stage == Stage.UNDONE
    ((before, after),) = ((one.before, one.after) for one in effects.told_effects(file))
    assert (before.value, after.value) == (0.8, 1.0)
    assert len(told(them, "provider_lead")) == 2


def test_a_job_that_broke_off_before_it_had_told_tells_when_it_is_tried_again(monkeypatch):
    them = room()
    file = looked(them, "own.csv", REPORT, "customer_lead")
    real = effects.effects_of

    def dies(*_):
        raise OSError

    monkeypatch.setattr(effects, "effects_of", dies)
    with pytest.raises(OSError):  # noqa: PT011 - it says nothing
        bring(them, file)
    monkeypatch.setattr(effects, "effects_of", real)
    tasks.import_delivery(str(them.people["customer_lead"].pk), str(them.relationship), str(file.pk))
    assert len(told(them, "provider_lead")) == 1


@pytest.mark.parametrize("case", ["agreed", "final", "private"])
def test_nothing_moves_where_the_delivery_is_agreed_the_month_final_or_the_table_private(case):
    private = '[private]\ncustomer = ["intervals"]\n' if case == "private" else ""
    them = room(private + KPI + (SOURCE if case == "agreed" else ""))
    if case == "final":
        with transaction.atomic():
            operations.prevent_undo(them.at("customer_lead"), "2026-05")
    file = looked(them, "own.csv", REPORT, "customer_lead")
    page, words = shown(them, file, "customer_lead"), words_for("en")
    assert words("import_effect.none") in page
    assert (words("import_effect.final") in page) == (case == "final")
    file = bring(them, file)
    assert (file.stage, effects.told_effects(file), told(them, "customer_lead")) == (Stage.BROUGHT, (), [])
