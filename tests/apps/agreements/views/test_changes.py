"""The pages of the agreement, clicked through by both sides without JavaScript."""

import html
import re
from datetime import date

import pytest
from django.core.cache import cache
from django.db import transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.agreements.wording.values import kind_name
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.book.agreement import agreed_changes
from comity.core.agreements.canonical import counting_digest
from comity.core.agreements.changes import AddClause, SetField
from comity.core.agreements.clauses import complete
from comity.core.agreements.kinds import Kind
from tests.builders import changes
from tests.builders.agreement import add
from tests.builders.changes import content, kpi_of, proposed, row, soon
from tests.builders.levels import KPI, contacts
from tests.room import cast, run_jobs, said_again

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def shown(answer):
    assert answer.status_code == 200, answer.content.decode()[:3000]
    return answer.content.decode()


def latest(them, who):
    with transaction.atomic():
        them.at(who)
        return Change.objects.order_by("begun_at").last().pk


def test_two_sides_go_from_a_draft_to_a_text_that_both_signed(them):
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    page = shown(customer.get(them.url("agreement/")))
    assert "Draft a change" in page
    assert "Nobody answers for it at Northwind Energy and Helpline" in page
    assert "Not written yet: " in page
    assert customer.post(them.url("agreement/changes/begin/")).status_code == 302
    pk = latest(them, "customer_lead")
    address = f"agreement/changes/{pk}/"
    assert provider.get(them.url(address)).status_code == 404
    about = {
        "what": "about", "seen": 1, "title": "Opening hours", "reason": "Callers ask for it.",
        "first_day": "2027-06-01", "carried_out_by": "provider", "expects_nothing": "Nothing is measured yet.",
    }  # fmt: skip
    assert customer.post(them.url(address + "save/"), about).status_code == 302
    page = shown(customer.get(them.url(address) + "?add=calendar"))
    assert 'name="zone"' in page
    hours = {"what": "add", "seen": 2, "kind": "calendar", "zone": "Europe/Madrid", "open_mon__0__opens": "08:00",
             "open_mon__0__closes": "20:00", "open_mon__0__channels": "*", "open_mon__0__queues": "*"}  # fmt: skip
    answer = customer.post(them.url(address + "save/"), hours | {"zone": "Mars"})
    assert answer.status_code == 422
    assert "Europe/Madrid" in answer.content.decode()
    assert customer.post(them.url(address + "save/"), hours).status_code == 302
    page = shown(customer.get(them.url(address)))
    assert "08:00" in page
    assert "The draft can be proposed: Helpline can then read and sign it." in page
    assert customer.post(them.url(address + "propose/"), {"seen": 3}).status_code == 302
    page = shown(provider.get(them.url(address)))
    assert "Opening hours" in page
    assert "Callers ask for it." in page
    assert "Read the text and sign it; it counts once Northwind Energy has signed" in page
    assert "It waits for the signature of Northwind Energy and Helpline." in shown(
        them.client("auditor").get(them.url(address))
    )
    for browser in (customer, provider):
        said_again(browser)
        if browser is provider:
            assert "Your side has signed: it waits for Helpline." in shown(customer.get(them.url(address)))
            assert "with your signature it is agreed" in shown(provider.get(them.url(address)))
        page = shown(browser.get(them.url(address + "sign/")))
        assert "Nothing is measured yet." in page  # all that the change says of itself is signed
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert browser.post(them.url(address + "sign/"), {"digest": digest}).status_code == 302
    run_jobs(operations.WRITE_TASK)
    assert agreed_changes(book_folder(them.relationship))[-1].proposal.says["title"] == "Opening hours"
    page = shown(customer.get(them.url(address)))
    assert "Both sides have signed: it is in force from 1\xa0June\xa02027." in page
    assert page.count('<li class="done">') == 4
    page = shown(them.client("auditor").get(them.url("agreement/") + "?on=2027-06-02"))
    assert "08:00" in page


@pytest.mark.parametrize(
    ("effect", "said"), [(None, "sign"), ("how_we_count", "sign"), ("amendment", "sign_amendment")]
)
def test_the_button_says_what_one_signs(them, effect, said):
    """How both count, where the contract stays and prevails; or a text that changes it."""
    edits = () if effect is None else (add("effect", Kind.EFFECT, counts_as=effect),)
    pk = proposed(them, "customer_lead", content(*edits, add("hours", Kind.CALENDAR, zone="Europe/Madrid")))
    for language in ("en", "es"):
        browser = said_again(them.client("customer_lead"))
        page = shown(browser.get(them.url(f"agreement/changes/{pk}/sign/"), headers={"accept-language": language}))
        assert [key for key in ("sign", "sign_amendment") if words_for(language)(f"agreement.{key}") in page] == [said]


def test_who_may_not_draft_reads_the_text_and_no_more(them):
    browser = them.client("auditor")
    assert "Draft a change" not in shown(browser.get(them.url("agreement/")))
    assert browser.post(them.url("agreement/changes/begin/")).status_code == 404
    assert them.client("customer_member").get(them.url("agreement/limits/")).status_code == 404


def test_a_limit_is_noted_and_told_before_signing_to_its_own_side_alone(them):
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    page = shown(provider.get(them.url("agreement/limits/")))
    (kpi,) = set(re.findall(r'value="(kpi:[^"]+)"', page)) or {""}
    assert (
        provider.post(them.url("agreement/limits/"), {"what": kpi, "most": "0.85", "note": "Our floor"}).status_code
        == 302
    )
    assert "Our floor" in shown(provider.get(them.url("agreement/limits/")))
    assert "Our floor" not in shown(customer.get(them.url("agreement/limits/")))
    customer.post(them.url("agreement/changes/begin/"))
    pk = latest(them, "customer_lead")
    address = f"agreement/changes/{pk}/"
    about = {"what": "about", "seen": 1, "title": "Higher", "reason": "Because.", "first_day": "2027-06-01",
             "carried_out_by": "provider", "expects_nothing": "Nothing."}  # fmt: skip
    customer.post(them.url(address + "save/"), about)
    page = shown(customer.get(them.url(address) + f"?edit={kpi.partition(':')[2]}"))
    fields = dict(re.findall(r'<input type="text" name="([a-z_0-9]+)"(?: value="([^"]*)")?', page))
    data = fields | {
        "what": "clause",
        "seen": 2,
        "clause": kpi.partition(":")[2],
    }
    data |= {"target": "95", "measure": "service_level", "queues": "*", "channels": "*", "kind": "kpi"}
    answer = customer.post(them.url(address + "save/"), data)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    page = shown(customer.get(them.url(address)))
    assert "What it would have meant" in page
    assert "By the text now" in page
    assert "Reads higher when callers give up" not in page.partition("As in the text in force")[0]
    assert customer.post(them.url(address + "propose/"), {"seen": 3}).status_code == 302
    for browser, told in ((customer, False), (provider, True)):
        said_again(browser)
        assert ("is beyond a limit" in shown(browser.get(them.url(address + "sign/")))) is told


def test_a_form_shows_no_clause_that_its_reader_may_not_read(them):
    """The lead adds what only those who see money read; an analyst of the same side asks for its form."""
    kept = add("rates", Kind.PROSE, text="A call costs 4.20.", language="en", seen_by=["money"])
    made = DraftContent(date(2027, 6, 1), None, (kept,), says={"title": "Rates", "reason": "Asked.",
                        "carried_out_by": "both", "expects_nothing": "As before."})  # fmt: skip
    with transaction.atomic():
        pk = operations.begin_draft(them.at("customer_lead"), made).pk
    address = them.url(f"agreement/changes/{pk}/")
    assert "4.20" in shown(them.client("customer_lead").get(address + "?edit=rates"))
    analyst = them.client("customer_analyst")
    assert "4.20" not in shown(analyst.get(address + "?edit=rates"))
    asked = {"what": "clause", "seen": 1, "clause": "rates", "text": ""}
    answer = analyst.post(address + "save/", asked)
    assert answer.status_code == 404
    assert analyst.post(address + "save/", {"what": "counter", "seen": "many"}).status_code == 409


def begun(them, who="customer_lead", **content):
    """A draft of somebody, with what a change has to say. Returns its address."""
    says = {"title": "Higher", "reason": "Asked.", "carried_out_by": "both", "expects_nothing": "As before."}
    made = DraftContent(**{"first_day": date(2027, 6, 1), "says": says} | content)
    with transaction.atomic():
        pk = operations.begin_draft(them.at(who), made).pk
    return f"agreement/changes/{pk}/"


def sent(page, section="h-clause"):
    """What a browser sends of the form of a section, without JavaScript."""
    form = page[page.index(f'aria-labelledby="{section}"') :]
    form = form[: form.index("</form>")]
    data = {}
    for control in re.findall(r"<input[^>]*>", form):
        known = dict(re.findall(r'(\w+)="([^"]*)"', control))
        if known.get("type") not in {"checkbox", "radio"} or " checked" in control:
            data[known["name"]] = html.unescape(known.get("value", ""))
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        data[name] = next(iter(re.findall(r'value="([^"]*)" selected', inside)), "")
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        data[name] = html.unescape(inside.strip())
    return {name: value for name, value in data.items() if name != "csrfmiddlewaretoken"}


def read_draft(them, address, who="customer_lead"):
    """The latest save of somebody's draft, and its number."""
    with transaction.atomic():
        member = them.at(who)
        row = Change.objects.get(pk=address.split("/")[2])
        draft = queries.drafts(member, row)[queries.own_track(member, row).value]
        return queries.draft_content(draft, queries.chain(member)), draft.number


@pytest.fixture
def kpi(them):
    with transaction.atomic():
        return queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id


def test_a_kpi_is_edited_in_a_sentence_and_only_what_was_altered_is_an_edit(them, kpi):
    browser, address = them.client("customer_lead"), begun(them)
    page = shown(browser.get(them.url(address) + f"?edit={kpi}"))
    assert "At least " in page
    assert '% of <span class="slot">' in page
    data = sent(page)
    assert data["target"] == "80"
    answer = browser.post(them.url(address + "save/"), data | {"target": "82.5"})
    assert answer.status_code == 302
    assert "#" not in answer["Location"]  # the page may have to ask for itself again, which a browser skips with one
    content, _ = read_draft(them, address)
    assert content.edits == (SetField(kpi, "target", "0.825"),)
    page = shown(browser.get(them.url(address) + f"?edit={kpi}"))
    assert 'class="changed"' in page
    assert "in force: 80\xa0%" in page


def test_a_value_that_cannot_be_taken_comes_back_as_it_was_typed_with_the_focus_on_it(them, kpi):
    browser, address = them.client("customer_lead"), begun(them)
    data = sent(shown(browser.get(them.url(address) + f"?edit={kpi}"))) | {
        "target": "eighty",
        "outcome": "Nobody waits.",
    }
    answer = browser.post(them.url(address + "save/"), data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Write a number" in page
    assert re.search(r'name="target" value="eighty"[^>]* autofocus', page)
    assert "Nobody waits." in page


def test_another_measure_is_shown_before_it_is_saved(them, kpi):
    browser, address = them.client("customer_lead"), begun(them)
    data = sent(shown(browser.get(them.url(address) + f"?edit={kpi}"))) | {"measure": "wait_mean"}
    page = shown(browser.post(them.url(address + "save/"), data))
    assert "The mean wait of" in page
    assert "Another measure has other units. Enter its target." in page
    assert read_draft(them, address)[0].edits == ()
    data = sent(page)
    assert (data["measure"], data["shown_measure"], data["target"]) == ("wait_mean", "wait_mean", "")
    assert browser.post(them.url(address + "save/"), data | {"target": "30"}).status_code == 302
    assert {(one.field, one.value) for one in read_draft(them, address)[0].edits} >= {
        ("measure", "wait_mean"), ("target", "30"),
    }  # fmt: skip


def test_where_somebody_saved_meanwhile_both_texts_are_shown_and_none_is_lost(them, kpi):
    """Two windows of one side begin from one save: one sets the target, the other target and reason."""
    browser, other = them.client("customer_lead"), them.client("customer_analyst")
    address = begun(them)
    first, second = (sent(shown(one.get(them.url(address) + f"?edit={kpi}"))) for one in (browser, other))
    assert other.post(them.url(address + "save/"), second | {"target": "85", "outcome": "Theirs."}).status_code == 302
    answer = browser.post(them.url(address + "save/"), first | {"target": "90", "material": "3"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "90\xa0%" in page
    assert "85\xa0%" in page
    assert "Theirs." in page
    assert page.count("both changed it") == 1
    merge = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    chosen = dict(re.findall(r'name="(keep__[^"]+)" value="(\w+)" checked', page))
    assert chosen == {f"keep__field__{kpi}__target": "mine", f"keep__field__{kpi}__material": "mine",
                      f"keep__field__{kpi}__outcome": "theirs"}  # fmt: skip
    assert other.post(them.url(address + "save/"), merge | chosen | {"choice": "each"}).status_code == 404  # not theirs
    assert browser.post(them.url(address + "save/"), merge | chosen | {"choice": "each"}).status_code == 302
    content, number = read_draft(them, address)
    assert {(one.field, one.value) for one in content.edits} == {
        ("target", "0.9"), ("material", "0.03"), ("outcome", "Theirs."),
    }  # fmt: skip
    assert number == 3
    # The merged page was sent twice, from a window that was open still: both texts are shown again.
    assert browser.post(them.url(address + "save/"), merge | chosen | {"choice": "each"}).status_code in {302, 409}


@pytest.mark.parametrize(("choice", "target"), [("mine", "0.9"), ("theirs", "0.85")])
def test_one_click_keeps_ones_own_text_or_the_other(them, kpi, choice, target):
    browser, address = them.client("customer_lead"), begun(them)
    data = sent(shown(browser.get(them.url(address) + f"?edit={kpi}")))
    browser.post(them.url(address + "save/"), data | {"target": "85"})
    page = browser.post(them.url(address + "save/"), data | {"target": "90"}).content.decode()
    merge = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert browser.post(them.url(address + "save/"), merge | {"choice": choice}).status_code == 302
    assert read_draft(them, address)[0].edits == (SetField(kpi, "target", target),)


def test_a_conflict_shows_nothing_that_its_reader_may_not_read(them, kpi):
    """Both sides draft together; one saves a clause that only those who see money read."""
    address = begun(them)
    pk = address.split("/")[2]
    with transaction.atomic():
        operations.share_draft(them.at("customer_lead"), Change.objects.get(pk=pk))
    member = them.client("provider_analyst")
    data = sent(shown(member.get(them.url(address) + f"?edit={kpi}")))
    content, number = read_draft(them, address, "provider_lead")
    kept = add("rates", Kind.PROSE, text="A call costs 4.20.", language="en", seen_by=["money"])
    with transaction.atomic():
        operations.save_draft(them.at("provider_lead"), Change.objects.get(pk=pk), DraftContent(
            content.first_day, None, (kept,), says=content.says), number)  # fmt: skip
    answer = member.post(them.url(address + "save/"), data | {"target": "90"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "4.20" not in page
    merge = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert member.post(them.url(address + "save/"), merge | {"choice": "each"}).status_code == 302
    content, _ = read_draft(them, address, "provider_lead")
    assert {one.clause for one in content.edits} == {"rates", kpi}


def test_a_window_from_before_the_draft_was_shared_loses_nothing(them, kpi):
    """Three saves of one's own, of which the last is open in a window; then a colleague shares the draft."""
    browser, address = them.client("customer_lead"), begun(them)
    data = sent(shown(browser.get(them.url(address) + f"?edit={kpi}")))
    for number, target in ((1, "81"), (2, "82")):
        browser.post(them.url(address + "save/"), data | {"seen": number, "target": target})
    with transaction.atomic():
        operations.share_draft(them.at("customer_analyst"), Change.objects.get(pk=address.split("/")[2]))
    answer = browser.post(them.url(address + "save/"), data | {"seen": 3, "target": "82", "material": "3"})
    assert answer.status_code == 409
    assert "3\xa0%" in answer.content.decode()
    merge = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))
    assert browser.post(them.url(address + "save/"), merge | {"choice": "each"}).status_code == 302
    assert {(one.field, one.value) for one in read_draft(them, address)[0].edits} == {
        ("target", "0.82"), ("material", "0.03"),
    }  # fmt: skip


def test_nobody_takes_out_what_they_may_not_read(them):
    kept = add("rates", Kind.PROSE, text="A call costs 4.20.", language="en", seen_by=["money"])
    address = begun(them, edits=(kept,))
    for what in ("remove", "revert"):
        asked = {"what": what, "seen": 1, "clause": "rates"}
        assert them.client("customer_analyst").post(them.url(address + "save/"), asked).status_code == 404
    assert them.client("customer_lead").post(them.url(address + "save/"), asked).status_code == 302
    assert read_draft(them, address)[0].edits == ()


def agreed(them, **content):
    """A change that both sides have signed and that the book has."""
    address = begun(them, **content)
    pk = address.split("/")[2]
    with transaction.atomic():
        member = them.at("customer_lead")
        operations.propose(member, Change.objects.get(pk=pk), read_draft_number(member, pk))
    for who in ("customer_lead", "provider_lead"):
        browser = them.client(who)
        said_again(browser)
        page = shown(browser.get(them.url(address + "sign/")))
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert browser.post(them.url(address + "sign/"), {"digest": digest}).status_code == 302
    run_jobs(operations.WRITE_TASK)
    return address


def read_draft_number(member, pk):
    row = Change.objects.get(pk=pk)
    return queries.drafts(member, row)[queries.own_track(member, row).value].number


def test_a_wording_for_a_time_is_not_copied_into_an_edit(them, kpi):
    """70 per cent in July and August; in July somebody drafts other seconds, for good."""
    agreed(them, first_day=date(2027, 7, 1), end=date(2027, 9, 1), edits=(SetField(kpi, "target", "0.7"),))
    browser, address = them.client("customer_lead"), begun(them, first_day=date(2027, 7, 15))
    page = shown(browser.get(them.url(address) + f"?edit={kpi}"))
    data = sent(page)
    assert data["target"] == "80"
    assert "For a time something else holds" in page
    assert "70\xa0%" in page
    assert browser.post(them.url(address + "save/"), data | {"answer_within_s": "30"}).status_code == 302
    assert read_draft(them, address)[0].edits == (SetField(kpi, "answer_within_s", "30"),)


def test_the_text_has_contents_history_search_what_was_known_and_another_day(them, kpi):
    agreed(them, first_day=date(2027, 7, 1), end=date(2027, 9, 1), edits=(SetField(kpi, "target", "0.7"),))
    browser = them.client("auditor")
    page = shown(browser.get(them.url("agreement/") + "?on=2027-08-01&with=2027-10-01"))
    assert f'href="#clause-{kpi}"' in page
    assert "At least 70 %" in page.replace("\xa0", " ")
    history = page[page.index("<details><summary>By change") :]
    assert "Higher" in history[: history.index("</details>")]
    assert "1 July 2027" in history[: history.index("</details>")].replace("\xa0", " ")
    with transaction.atomic():
        counting = counting_digest(queries.text_of(them.at("auditor")).get(kpi))
    assert f"A KPI that counts by {counting[:16]} counts alike" in history[: history.index("</details>")]
    table = page[page.index("h-otherwise") :]
    assert re.search(r"80\s%.*70\s%", table[: table.index("</table>")], re.DOTALL)
    first = re.findall(r'<option value="(\d+)"', page)[-1]
    page = shown(browser.get(them.url("agreement/") + f"?on=2027-08-01&known={first}"))
    assert "At least 80 %" in page.replace("\xa0", " ")
    assert "clause-" in shown(browser.get(them.url("agreement/") + "?q=ANSWERED+Seconds"))
    assert "No clause has all of these words" in shown(browser.get(them.url("agreement/") + "?q=answered+nowhere"))


def test_neither_search_nor_differences_tell_what_is_not_shown(them):
    kept = add("rates", Kind.PROSE, title="Secret rates", text="A call costs 4.20.", language="en", seen_by=["money"])
    agreed(them, edits=(kept,))
    lead, member = them.client("customer_lead"), them.client("customer_member")
    asked = them.url("agreement/") + "?on=2027-06-02&with=2027-01-01"
    assert "4.20" in shown(lead.get(asked))
    for page in (shown(member.get(asked)), shown(member.get(asked + "&q=4.20"))):
        assert "A call costs" not in page
        assert "Secret rates" not in page
    assert "Not shown to you." in shown(member.get(asked))
    assert "No clause has all" in shown(member.get(asked + "&q=4.20"))
    assert "No clause has all" in shown(member.get(asked + "&q=secret"))


def test_who_proposed_withdraws_and_who_has_the_others_text_declines(them, kpi):
    pk = proposed(them, "customer_lead", content(SetField(kpi, "target", "0.9")))

    def offered(who):
        page = shown(them.client(who).get(them.url(f"agreement/changes/{pk}/")))
        return set(re.findall(r'name="what" value="(withdraw|decline)"', page))

    assert offered("customer_lead") == {"withdraw"}
    assert offered("provider_lead") == {"decline"}
    with transaction.atomic():
        member = them.at("provider_lead")
        operations.save_draft(member, row(pk), content(SetField(kpi, "target", "0.85")), 0)
        operations.propose(member, row(pk), 1)
    assert offered("customer_lead") == {"withdraw"}
    assert offered("provider_lead") == set()  # its own text waits for the other side
    assert offered("auditor") == set()


def test_a_text_that_is_agreed_and_holds_later_is_said_to_be_so_and_misses_nothing_that_it_brings(them):
    day = soon(60)
    purpose = complete(Kind.PURPOSE, {"outcome": "Callers are helped."})
    with transaction.atomic():
        last = kpi_of(them.at("customer_lead"))
    pk = changes.agreed(them, "customer_lead", content(AddClause("why", Kind.PURPOSE, purpose, last), first_day=day))
    words = words_for("en")
    page = them.client("provider_lead").get(them.url("agreement/")).content.decode()
    with transaction.atomic():
        them.at("provider_lead")
        number = row(pk).number
    assert words("agreement.coming", number=number, title="Higher target", day=words.day(day)) in page
    lacking = next(
        line for line in page.splitlines() if words("agreement.lacking") in line or "Not written yet" in line
    )
    assert kind_name(Kind.PURPOSE, words) not in lacking
    assert kind_name(Kind.TERM, words) in lacking
    assert (
        words("agreement.coming_do")
        not in them.client("provider_lead").get(them.url(f"agreement/?on={day.isoformat()}")).content.decode()
    )


def test_a_missing_tick_for_days_that_have_come_is_asked_for_where_it_is(them):
    """The tick is on the page on which one signs: it comes back with the tick marked, and nothing is signed."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    pk = proposed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=soon(0)))
    browser = said_again(them.client("provider_lead"))
    address = them.url(f"agreement/changes/{pk}/sign/")
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', shown(browser.get(address)))
    answer = browser.post(address, {"digest": digest})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="retroactive_error"' in page
    assert re.findall(r'name="digest" value="([0-9a-f]{64})"', page) == [digest]
    assert browser.post(address, {"digest": digest, "retroactive": "on"}).status_code == 302


def test_what_is_agreed_for_later_is_no_past_change(them):
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    changes.agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=soon(40)))
    page = shown(them.client("customer_lead").get(them.url("agreement/")))
    assert "Agreed, in force later" in page
    assert "Past changes" not in page


def test_who_drafts_another_text_is_not_told_to_sign(them):
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    pk = proposed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=soon(40)))
    browser, address = them.client("provider_lead"), them.url(f"agreement/changes/{pk}/")
    assert "Read the text and sign it" in shown(browser.get(address))
    assert browser.post(f"{address}save/", {"what": "counter", "seen": 0}).status_code == 302
    page = shown(browser.get(f"{address}?counter"))
    assert "You are drafting another text." in page
    assert "Read the text and sign it" not in page


def test_a_draft_that_edits_a_kpi_says_that_its_preview_needs_a_day(them):
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
        made = DraftContent(None, None, (SetField(kpi, "target", "0.9"),), says={"title": "Higher"})
        pk = operations.begin_draft(them.at("customer_lead"), made).pk
    page = shown(them.client("customer_lead").get(them.url(f"agreement/changes/{pk}/")))
    assert "Choose the first day of the change" in page
