"""A file that no format fits: its columns are matched in a page, kept for the side, and recognised next time."""

import re

import pytest
from django.db import transaction

from comity.apps.books import operations
from comity.apps.books.models import KeptMapping, Stage
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from tests.builders.deliveries import files_with
from tests.builders.uploads import fields, imported, now, received, run
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate
FILE = """Call no;Arrived;Skill;Result;Caller phone
{0}1;05/01/2026 09:00;Care;Answered;600 111 222
{0}2;06/01/2026 09:02;Care;Hung up;600 111 333
"""


@pytest.fixture
def them():
    made = cast()
    made.book()
    return made


@pytest.fixture
def made(them):
    return run(them, "provider_lead", received(them, "provider_lead", "calls.csv", FILE.format(1)), dry_run=True)


def test_the_page_asks_what_it_cannot_see_and_the_format_is_kept(them, made):
    browser, words = them.client("provider_lead"), words_for("en")
    address = them.url(f"records/{made.pk}/")
    shown = browser.get(address).content.decode()
    assert words("match.unknown", file="calls.csv") in shown
    assert f"{address}columns/" in shown
    page = browser.get(f"{address}columns/").content.decode()
    assert "600 111 222" not in page  # nor is it in what the room keeps of the file
    assert "600 111 222" not in str(made.outcome)
    asked = {**fields(page), "do": "check"}
    assert (asked["table"], asked["field_0"], asked["field_1"]) == ("contacts", "contact_id", "opened_at")
    asked |= {"field_2": "queue", "field_3": "outcome", "name": "our calls"}
    answer = browser.post(f"{address}columns/", asked)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words("match.open_orders", columns="Arrived") in page
    assert words("match.open_zone") not in page  # the book's zone is filled in
    assert fields(page)["zone"] == "Europe/Madrid"
    assert "Hung up" in page
    asked = {**fields(page), "do": "check", "zone": "Europe/Madrid", "order_1": "day-first"}
    asked["meaning_outcome_0"] = "answered"
    asked["meaning_outcome_1"] = "abandoned"
    assert browser.post(f"{address}columns/", asked).status_code in {302, 422}
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert checked.outcome["counts"]["new"] == 2, (checked.why, fields(page))
    shown = browser.get(address).content.decode()
    assert words("check.own_format", name="our calls") in shown
    before = received(them, "provider_analyst", "more.csv", FILE.format(3))
    before = run(them, "provider_analyst", before, dry_run=True)
    assert "format" not in before.outcome  # a try that was not imported recognises nothing
    browser.post(f"{address}move/", {"do": "bring"})
    assert run(them, "provider_lead", checked, dry_run=False).stage == Stage.BROUGHT
    later = run(them, "provider_analyst", received(them, "provider_analyst", "more.csv", FILE.format(2)), dry_run=True)
    assert (later.stage, later.outcome["format"], later.outcome["counts"]["new"]) == (Stage.LOOKED, "our calls", 2)
    with transaction.atomic():
        them.at("customer_lead")
        assert not KeptMapping.objects.exists()


def test_another_table_is_offered_its_own_columns(them, made):
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/columns/")
    page = browser.post(address, {"do": "table", "table": "surveys", "name": "x"}).content.decode()
    assert words_for("en")("field.respondent_id") in page
    assert words_for("en")("field.opened_at") not in page


def test_a_name_of_a_known_format_is_refused(them, made):
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/columns/")
    asked = {**fields(browser.get(address).content.decode()), "zone": "UTC", "order_1": "day-first", "do": "check"}
    asked = {
        name: value for name, value in asked.items() if name in {"field_0", "field_1", "order_1", "table", "zone", "do"}
    }
    answer = browser.post(address, {**asked, "name": "contacts"})
    assert words_for("en")("refused.books.name_taken") in answer.content.decode()
    assert now(them, "provider_lead", made).stage == Stage.LOOKED


@pytest.mark.parametrize("who", ["customer_lead", "provider_member", "auditor"])
def test_nobody_else_sees_the_columns(them, made, who):
    assert them.client(who).get(them.url(f"records/{made.pk}/columns/")).status_code == 404


def test_what_was_in_other_columns_is_forgotten_with_the_file(them, made):
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/")
    asked = {"table": "contacts", "field_0": "contact_id", "field_1": "opened_at", "order_1": "day-first"}
    browser.post(f"{address}columns/", {**asked, "zone": "UTC", "name": "ours", "do": "check"})
    assert run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True).outcome["columns"]
    browser.post(f"{address}move/", {"do": "bring"})
    done = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=False)
    assert done.stage == Stage.BROUGHT
    assert "Hung up" not in str(done.outcome)
    assert browser.get(f"{address}columns/").status_code == 404


WAITS = """Ref;Rang at;Secs in line;How it ended;Secs spoken;Secs after
a;01.09.2026 08:00:43;4;Answered;209;22
b;13.09.2026 08:07:01;41;Abandoned;;
"""


def test_a_wait_in_seconds_is_imported_and_numbers_are_not_taken_for_times(them):
    made = received(them, "provider_lead", "waits.csv", WAITS)
    made = run(them, "provider_lead", made, dry_run=True)
    browser, address, words = them.client("provider_lead"), them.url(f"records/{made.pk}/"), words_for("en")
    asked = fields(browser.get(f"{address}columns/").content.decode())
    assert "order_1" not in asked  # the second row shows it
    names = ["contact_id", "opened_at", "answered_at", "outcome", "handle_s", "handle_s"]
    asked |= {f"field_{at}": name for at, name in enumerate(names)} | {"do": "check", "table": "contacts"}
    refused = browser.post(f"{address}columns/", asked)
    assert refused.status_code == 422
    assert words("match.open_numbers_wait", columns="Secs in line") in refused.content.decode()
    asked |= {"field_2": "wait_s", "order_1": "month-first"}  # what the values show cannot be said wrongly
    assert browser.post(f"{address}columns/", asked).status_code == 302
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    counts = checked.outcome["counts"]
    assert (counts["new"], counts["rejected"]) == (2, 0), checked.outcome["by_reason"]
    head, first, second = checked.outcome["first_rows"]
    first, second = dict(zip(head, first, strict=True)), dict(zip(head, second, strict=True))
    assert (first["answered_at"], float(first["handle_s"])) == ("2026-09-01T06:00:47Z", 231)
    assert (second["answered_at"], second["abandoned_at"]) == ("", "2026-09-13T06:07:42Z")


def test_a_failed_check_leads_back_to_what_was_chosen(them, made):
    browser, address, words = them.client("provider_lead"), them.url(f"records/{made.pk}/"), words_for("en")
    asked = {"table": "contacts", "field_0": "contact_id", "field_1": "opened_at", "order_1": "month-first"}
    asked |= {"field_3": "outcome", "meaning_outcome_0": "-", "zone": "Asia/Tokyo"}
    browser.post(f"{address}columns/", {**asked, "name": "wrong", "do": "check"})
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert checked.outcome["counts"]["rejected"] == 1, checked.why
    shown = browser.get(address).content.decode()
    assert f'<a class="button main" href="{address}columns/">{words("match.change")}</a>' in shown
    again = fields(browser.get(f"{address}columns/").content.decode())
    assert {name: again[name] for name in asked} == asked
    assert again["name"] == "wrong"


def kept(them, who, name, text='table = "contacts"\n'):
    with transaction.atomic():
        member = them.at(who)
        return KeptMapping.objects.create(
            relationship=member.relationship, side=member.side.value, name=name, text=text
        )


def names(them, who):
    with transaction.atomic():
        them.at(who)
        return sorted(KeptMapping.objects.values_list("name", flat=True))


def test_own_formats_are_renamed_and_deleted_and_the_other_sides_are_not_there(them):
    one, other = kept(them, "provider_lead", "ours"), kept(them, "provider_lead", "second")
    browser, address = them.client("provider_lead"), them.url("records/formats/")
    assert "ours" in browser.get(them.url("records/")).content.decode()
    stranger = them.client("customer_lead")
    assert words_for("en")("formats.title") not in stranger.get(them.url("records/")).content.decode()
    for do in ("rename", "delete"):
        assert stranger.post(address, {"format": one.pk, "do": do, "name": "taken over"}).status_code == 404
    assert browser.post(address, {"format": one.pk, "do": "rename", "name": "phone log"}).status_code == 302
    for taken in ("second", "contacts"):
        browser.post(address, {"format": one.pk, "do": "rename", "name": taken})
    assert names(them, "provider_lead") == ["phone log", "second"]
    browser.post(address, {"format": other.pk, "do": "delete"})
    assert names(them, "provider_lead") == ["phone log"]


def test_an_own_format_is_offered_first_and_outdoes_the_draft_on_the_page(them, made):
    text = 'table = "contacts"\n[columns]\ncontact_id = "Call no"\n'
    text += 'opened_at = { from = "Arrived", format = "day-first" }\n'
    kept(them, "provider_lead", "phone log", text)
    kept(them, "customer_lead", "theirs", text)
    browser, address = them.client("provider_lead"), them.url(f"records/{made.pk}/")
    page = browser.get(address).content.decode()
    options = re.findall(r'<option value="([^"]*)"', page)
    assert options[1] == "own:phone log"
    assert "own:theirs" not in options
    draft = now(them, "provider_lead", made).text
    assert draft
    answer = browser.post(f"{address}move/", {"do": "look", "mapping": "own:theirs", "text": draft})
    assert answer.status_code == 422
    browser.post(f"{address}move/", {"do": "look", "mapping": "own:phone log", "text": draft})
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert (checked.outcome["format"], checked.outcome["counts"]["new"]) == ("phone log", 2)


def test_the_format_that_was_imported_with_last_recognises_the_next_file(them):
    text = 'table = "contacts"\n[columns]\ncontact_id = "Call no"\nopened_at = {{ from = "Arrived", format = "{}" }}\n'
    for at, (name, order) in enumerate(
        [("z first", "month-first"), ("a second", "day-first"), ("z first", "day-first")]
    ):
        made = received(them, "provider_lead", f"{at}.csv", FILE.format(at))
        made = run(them, "provider_lead", made, dry_run=True)
        with transaction.atomic():
            operations.choose_mapping(them.at("provider_lead"), made, "", text.format(order), name)
        made = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
        with transaction.atomic():
            operations.import_delivery(them.at("provider_lead"), made)
        done = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=False)
        assert done.stage == Stage.BROUGHT
        page = them.client("provider_lead").get(them.url(f"records/{done.pk}/")).content.decode()
        assert f'href="{them.url("review/")}">{words_for("en")("delivery.review")}<' in page
    later = run(them, "provider_lead", received(them, "provider_lead", "next.csv", FILE.format(8)), dry_run=True)
    assert later.outcome["format"] == "z first"


BY_CHANNEL = "Call no;Arrived;Kanal\n1;2026-05-13T09:00:00Z;Telefon\n2;2026-05-13T09:01:00Z;WhatsApp\n"


def test_channels_are_asked_with_what_they_seem_to_be_and_the_kpi_form_offers_what_records_hold(them):
    made = run(them, "provider_lead", received(them, "provider_lead", "calls.csv", BY_CHANNEL), dry_run=True)
    browser, words = them.client("provider_lead"), words_for("en")
    address = them.url(f"records/{made.pk}/columns/")
    page = browser.get(address).content.decode()
    asked = {**fields(page), "field_0": "contact_id", "field_1": "opened_at", "field_2": "channel", "name": "ours"}
    refused = browser.post(address, {**asked, "do": "check"})
    page = refused.content.decode()
    assert refused.status_code == 422  # nobody has said what WhatsApp is
    assert (fields(page)["meaning_channel_0"], fields(page)["meaning_channel_1"]) == ("voice", "")
    assert words("match.keep_own") in page
    asked = {**fields(page), "do": "check", "meaning_channel_1": "="}
    assert browser.post(address, asked).status_code == 302
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert checked.stage == Stage.LOOKED, (checked.why, checked.outcome)
    assert imported(them, made).outcome["counts"]["new"] == 2
    run_jobs()
    page = browser.get(f"{them.url('kpis/')}?template=contact_centre").content.decode()
    assert words("kpi_channel.of_some", names="WhatsApp") in page
    assert words("kpis.channel_absent", channel=words("kpi_channel.of_chat")) in page
    assert words("kpis.channel_absent", channel=words("kpi_channel.of_voice")) not in page


BY_AGENT = "Call no;Arrived;Agent name;Remarks\n1;2026-05-13T09:00:00Z;Ana Ruiz;rang twice\n"


def test_a_column_of_people_is_offered_as_pseudonyms_and_no_name_is_kept(them):
    made = run(them, "provider_lead", received(them, "provider_lead", "calls.csv", BY_AGENT), dry_run=True)
    browser, words = them.client("provider_lead"), words_for("en")
    address = them.url(f"records/{made.pk}/columns/")
    page = browser.get(address).content.decode()
    assert words("match.pseudonym_why") in page
    asked = fields(page)
    assert asked["field_2"] == ""  # nothing is chosen for anybody
    assert "field_3" not in asked  # free text stays out
    asked |= {"field_0": "contact_id", "field_1": "opened_at", "field_2": "agent_id", "name": "ours", "do": "check"}
    assert browser.post(address, asked | {"field_2": "queue"}).status_code == 422
    assert browser.post(address, asked).status_code == 302
    checked = run(them, "provider_lead", now(them, "provider_lead", made), dry_run=True)
    assert (checked.stage, "Ana Ruiz" in str(checked.outcome)) == (Stage.LOOKED, False)
    assert imported(them, made).outcome["counts"]["new"] == 1
    assert files_with(book_folder(them.relationship), "Ana Ruiz") == []
