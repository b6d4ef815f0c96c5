"""A format that one side shares, so that a file of the other means the same; what is the other's stays its own."""

import pytest
from django.db import ProgrammingError, connection, transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import operations
from comity.apps.books.models import KeptMapping, SharedFormat, Stage
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from tests.builders.uploads import imported, looked, now, run, shown
from tests.room import cast

pytestmark = pytest.mark.gate

TEXT = """table = "contacts"
[columns]
contact_id = "No"
opened_at = { from = "Came", format = "day-first" }
outcome = { from = "End", values = { solved = "answered", gone = "abandoned", passed = "flow_out" } }
handle_s = { sum = [{ from = "Talk", as = "seconds" }, { from = "After", as = "seconds" }] }
"""
FILE = "No;Came;End;Talk;After\n{0}1;13/06/2026 09:00;solved;100;20\n{0}2;14/06/2026 09:10;passed;90;15\n"


@pytest.fixture
def them():
    made = cast()
    made.book('[private]\ncustomer = ["contacts.reason"]\n')
    return made


def saved(them, who="customer_lead", name="our calls", text=TEXT):
    with transaction.atomic():
        member = them.at(who)
        return KeptMapping.objects.create(
            relationship=member.relationship, side=member.side.value, name=name, text=text
        )


def shared(them, kept, who="customer_lead"):
    with transaction.atomic():
        operations.share_format(them.at(who), kept)


def names(them, who):
    with transaction.atomic():
        them.at(who)
        return list(SharedFormat.objects.values_list("name", flat=True))


def test_its_maker_shares_it_and_the_other_sides_file_is_recognised_by_it(them):
    kept, browser, words = saved(them), them.client("customer_lead"), words_for("en")
    assert looked(them, "nov.csv", FILE.format(1)).outcome.get("format") is None
    assert names(them, "provider_lead") == []
    answer = browser.post(them.url("records/formats/"), {"format": str(kept.pk), "do": "share"})
    assert answer.status_code == 302
    page = browser.get(them.url("records/")).content.decode()
    assert words("formats.unshare") in page
    page = them.client("provider_lead").get(them.url("records/")).content.decode()
    assert words("formats.others") in page
    assert "our calls" in page
    made = looked(them, "nov.csv", FILE.format(1))
    assert (made.outcome["format"], made.outcome["format_of"]) == ("our calls", "customer")
    assert made.outcome["counts"]["rejected"] == 0
    page = shown(them, made)
    assert words("check.shared_format", name="our calls") in page
    assert words("other_meaning.title") not in page
    assert imported(them, made).stage == Stage.BROUGHT
    with transaction.atomic():
        them.at("provider_lead")
        assert not KeptMapping.objects.exists()  # it stays the customer's, and changes with nobody else's import
    with transaction.atomic():
        them.at("provider_lead")
        assert AuditEvent.objects.filter(event=Event.FORMAT_SHARED, shared=True).count() == 1
    browser.post(them.url("records/formats/"), {"format": str(kept.pk), "do": "unshare"})
    assert looked(them, "dec.csv", FILE.format(2)).outcome.get("format") is None


def test_another_meaning_is_told_before_the_import_with_the_way_to_the_same(them):
    shared(them, saved(them))
    own = TEXT.replace('passed = "flow_out"', 'passed = "answered"')
    own = own.replace('{ sum = [{ from = "Talk", as = "seconds" }, { from = "After", as = "seconds" }] }', '"Talk"')
    saved(them, "provider_lead", "mine", own)
    made, words = looked(them, "nov.csv", FILE.format(1)), words_for("en")
    assert made.outcome["format"] == "mine"
    page = shown(them, made)
    outcome = {"field": words("field.outcome"), "value": "passed", "mine": "answered", "theirs": "flow out"}
    assert words("check.differs_value", **outcome) in page
    handled = {"field": words("field.handle_s"), "mine": "Talk", "theirs": "After, Talk"}
    assert words("check.differs_columns", **handled) in page
    move = {"do": "look", "mapping": "shared:our calls", "text": ""}
    assert them.client("provider_lead").post(them.url(f"records/{made.pk}/move/"), move).status_code == 302
    made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert (made.outcome["format"], made.outcome["format_of"]) == ("our calls", "customer")
    first, second = (
        dict(zip(made.outcome["first_rows"][0], row, strict=True)) for row in made.outcome["first_rows"][1:]
    )
    assert (second["outcome"], float(first["handle_s"])) == ("flow_out", 120)


def test_without_a_shared_format_the_page_says_that_the_meaning_is_not_known(them):
    saved(them)
    imported(them, looked(them, "oct.csv", FILE.format(1), "customer_lead"), "customer_lead")
    page = shown(them, looked(them, "oct.csv", FILE.format(3), "customer_lead"), "customer_lead")
    words = words_for("en")
    assert words("other_meaning.title") not in page
    saved(them, "provider_lead", "mine", TEXT.replace("solved", "done"))
    made = looked(them, "nov.csv", FILE.format(2))
    page = shown(them, made)
    assert words("other_meaning.title") in page
    assert "our calls" not in page  # whose name nobody shared
    assert "solved" not in page.partition("h-meaning")[2].partition("</section>")[0]


def test_an_own_format_that_changed_its_meaning_is_told(them):
    saved(them)
    imported(them, looked(them, "oct.csv", FILE.format(1), "customer_lead"), "customer_lead")
    made = looked(them, "nov.csv", FILE.format(2), "customer_lead")
    with transaction.atomic():
        text = TEXT.replace('passed = "flow_out"', 'passed = "abandoned"')
        operations.choose_mapping(them.at("customer_lead"), made, "", text, "new calls")
    made = run(them, "customer_lead", now(them, "customer_lead", made), dry_run=True)
    words = words_for("en")
    outcome = {"field": words("field.outcome"), "value": "passed", "mine": "abandoned", "theirs": "flow out"}
    assert words("check.differs_value", **outcome) in shown(them, made, "customer_lead")


def test_what_was_shared_does_not_change_with_the_own_format(them):
    kept = saved(them)
    shared(them, kept)
    with transaction.atomic():
        them.at("customer_lead")
        kept.text = TEXT.replace("flow_out", "abandoned")
        kept.save()
    page = them.client("customer_lead").get(them.url("records/")).content.decode()
    assert words_for("en")("formats.changed") in page
    made = looked(them, "nov.csv", FILE.format(1))
    assert made.text == TEXT
    with transaction.atomic():
        operations.rename_format(them.at("customer_lead"), kept, "calls of 2026")
    assert names(them, "provider_lead") == ["calls of 2026"]
    with transaction.atomic():
        operations.delete_format(them.at("customer_lead"), kept)
    assert names(them, "provider_lead") == []


def test_a_format_of_private_data_is_not_shared(them):
    with_reason = saved(them, name="reasons", text=TEXT + 'reason = "Why"\n')
    with transaction.atomic(), pytest.raises(Refused):
        operations.share_format(them.at("customer_lead"), with_reason)
    assert names(them, "customer_lead") == []


def test_only_its_own_side_shares_and_stops_sharing(them):
    kept = saved(them)
    for who in ("provider_lead", "auditor"):
        browser = them.client(who)
        for do in ("share", "unshare", "delete"):
            answer = browser.post(them.url("records/formats/"), {"format": str(kept.pk), "do": do})
            assert answer.status_code in {403, 404}
    shared(them, kept)
    assert names(them, "provider_lead") == names(them, "auditor") == ["our calls"]
    with transaction.atomic():
        operations.unshare_format(them.at("provider_lead"), "our calls")
    assert names(them, "customer_lead") == ["our calls"]


COPY = """INSERT INTO books_sharedformat SELECT gen_random_uuid(), side, 'other', "table", text, at, person_id,
    relationship_id FROM books_sharedformat"""


@pytest.mark.parametrize("who", ["provider_lead", "auditor", "customer_finance"])
@pytest.mark.parametrize("sql", ["UPDATE books_sharedformat SET text = ''", COPY])
def test_the_database_refuses_to_change_it_or_to_share_in_anothers_name(them, sql, who):
    shared(them, saved(them))
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute(sql)
    assert names(them, "customer_lead") == ["our calls"]


@pytest.mark.parametrize("who", ["provider_lead", "auditor"])
def test_the_database_lets_nobody_else_remove_it(them, who):
    shared(them, saved(them))
    with transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute("DELETE FROM books_sharedformat")
        assert cursor.rowcount == 0
    assert names(them, "customer_lead") == ["our calls"]


def test_another_relationship_sees_nothing_of_it(them):
    shared(them, saved(them))
    other = cast()
    for who in ("customer_lead", "provider_lead"):
        assert names(other, who) == []


def test_what_the_other_side_shares_is_not_taken_in_place_of_ones_own_format(them):
    """The customer shares one that asks for a column more than the provider's own, and turns "solved"."""
    turned = TEXT.replace('"answered"', '"abandoned"') + 'queue = "Team"\n'
    file = (
        FILE.format(1).replace("After\n", "After;Team\n").replace(";20\n", ";20;Care\n").replace(";15\n", ";15;Care\n")
    )
    saved(them, "provider_lead", "own calls", TEXT)
    shared(them, saved(them, text=turned))
    made = looked(them, "nov.csv", file)
    assert made.outcome["format"] == "own calls"
    assert "format_of" not in made.outcome
    assert made.text == TEXT


def test_what_the_other_side_shares_under_the_name_of_a_shipped_format_is_not_taken_for_it(them):
    """Past the room, for which such a name is taken."""
    turned = CALL_LOG.replace('"answered"', '"abandoned"')
    with transaction.atomic():
        member = them.at("customer_lead")
        SharedFormat.objects.create(
            relationship=member.relationship, side="customer", name="call_log", table="contacts", text=turned,
            person=member.membership.person,
        )  # fmt: skip
    made = looked(them, "calls.csv", LOG)
    assert (made.mapping, made.text) == ("call_log", "")
    assert "format_of" not in made.outcome


CALL_LOG = """table = "contacts"
[columns]
contact_id = "Call ID"
opened_at = { from = "Start", format = "day-first" }
outcome = { from = "Result", values = { answered = "answered", lost = "abandoned" } }
"""
LOG = "Call ID,Start,Queue,Wait,Result,Talk Time,ACW,Reason\n" + "".join(
    f"{at},{13 + at % 9}/11/2026 09:{at:02},Care,{20 + at},answered,100,30,Bill\n" for at in range(30)
)
