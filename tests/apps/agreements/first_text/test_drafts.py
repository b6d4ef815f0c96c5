"""A first text as a draft: from a template, from a list of KPIs; as each side, as nobody of a side, as a stranger."""

import re
from dataclasses import replace
from datetime import date

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting.edits import drafted_text, with_clause, without_clause
from comity.apps.agreements.first_text import drafts as first_text
from comity.apps.agreements.models import Change, Draft
from comity.apps.agreements.refusals import Code
from comity.apps.books.queries import NoBookError
from comity.apps.refusal import Refused
from comity.apps.replies import operations as replies
from comity.apps.replies.queries import Calendar, proposed_calendars
from comity.core.agreements.changes import SetField
from comity.core.agreements.first_text import FIRST_TEXTS
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi_list import Fault
from comity.core.agreements.text import check_change
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.levels import KPI, contacts
from tests.builders.workbooks import cells, edited, workbook
from tests.room import cast, run_jobs, said_again

pytestmark = pytest.mark.gate
NO_KPI = KPI[: KPI.index("[[kpi]]")]
HEAD = ["Name", "Measure", "Target", "Queue", "Why"]
FORMULA = '=HYPERLINK("https://evil.example/","x")'


def made(toml):
    them = cast()
    them.book(toml, contacts="\n".join(contacts()))
    cache.clear()
    return them


@pytest.fixture
def them():
    """A room whose book holds a service level."""
    return made(KPI)


@pytest.fixture
def empty():
    """A room with nothing agreed."""
    return made(NO_KPI)


def upload(content, name="kpis.xlsx"):
    return SimpleUploadedFile(name, content)


def shown(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def said(answer):
    """What the next page says; it may be asked for twice, and says it once."""
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def content_of(them, who, change):
    """What a draft holds, and the text that it makes, as somebody reads it."""
    member = them.at(who)
    row = Change.objects.get(pk=change)
    content = queries.draft_content(
        queries.drafts(member, row)[queries.own_track(member, row).value], queries.chain(member)
    )
    return content, drafted_text(content, queries.situation(member)), queries.chain(member)


@pytest.mark.parametrize("template", FIRST_TEXTS)
def test_a_template_becomes_a_draft_that_can_be_proposed_as_it_is(empty, template):
    with transaction.atomic():
        row = first_text.begin_from_template(
            empty.at("customer_lead"), template, "es", date(2099, 1, 1), date(2100, 1, 1)
        )
        content, read, chain = content_of(empty, "customer_lead", row.pk)
    assert check_change(content.change(1), chain) == []
    assert [one.fields["measure"] for one in read.of(Kind.KPI)] == [kpi.measure for kpi in TEMPLATES[template]]
    assert read.of(Kind.TERM)[0].fields["ends"] == "2100-01-01"
    assert read.of(Kind.CALENDAR)[0].fields["zone"] == "Europe/Madrid"
    assert content.says["title"] == "Primer texto del acuerdo"
    with transaction.atomic():
        operations.propose(empty.at("customer_lead"), row, 1)
    with transaction.atomic():
        assert queries.change_state(empty.at("provider_lead"), Change.objects.get(pk=row.pk)).last is not None


def test_a_template_adds_no_second_kpi_to_those_of_the_book(them):
    with transaction.atomic():
        row = first_text.begin_from_template(them.at("provider_lead"), "contact_centre", "en")
        content, read, _ = content_of(them, "provider_lead", row.pk)
    measures = [one.fields["measure"] for one in read.of(Kind.KPI)]
    assert sorted(measures) == sorted({kpi.measure for kpi in TEMPLATES["contact_centre"]})
    assert not any(isinstance(edit, SetField) for edit in content.edits)
    assert content.first_day is None


def test_two_drafts_from_one_template_share_no_id(empty):
    """Each side begins at the same time, and knows nothing of the other's draft."""
    found = []
    for who in ("customer_lead", "provider_lead"):
        with transaction.atomic():
            row = first_text.begin_from_template(empty.at(who), "service_desk", "en")
            content, _, _ = content_of(empty, who, row.pk)
        found.append({edit.clause for edit in content.edits})
    assert found[0]
    assert found[0].isdisjoint(found[1])


def test_days_off_that_both_agreed_on_are_in_the_calendar(empty):
    free = Calendar("Europe/Madrid", {0: Calendar.weekdays("UTC").week[0]}, {date(2026, 12, 8): "Immaculate"})
    with transaction.atomic():
        replies.propose_calendar(empty.at("provider_lead"), free)
    with transaction.atomic():  # proposed by one side alone, it is nobody's yet
        row = first_text.begin_from_template(empty.at("customer_lead"), "contact_centre", "en")
        _, read, _ = content_of(empty, "customer_lead", row.pk)
    assert "provider_free_days" not in read.of(Kind.CALENDAR)[0].fields
    with transaction.atomic():
        member = empty.at("customer_lead")
        replies.agree_to_calendar(member, proposed_calendars(member)[Side.PROVIDER].digest)
    with transaction.atomic():
        row = first_text.begin_from_template(empty.at("customer_lead"), "contact_centre", "en")
        _, read, _ = content_of(empty, "customer_lead", row.pk)
    fields = read.of(Kind.CALENDAR)[0].fields
    assert fields["provider_free_days"] == [{"day": "2026-12-08", "name": "Immaculate"}]
    assert [one["weekday"] for one in fields["provider_working_hours"]] == ["mon"]


def test_both_sides_go_from_a_template_to_a_text_in_force_on_the_pages(empty):
    customer, provider = (empty.client(f"{side}_lead") for side in ("customer", "provider"))
    page = shown(customer.get(empty.url("agreement/")))
    assert page.count('name="template"') == len(FIRST_TEXTS)
    assert "Service level, Abandonment, Repeat contacts, CSAT, Forecast error and Forecast bias" in page
    answer = customer.post(empty.url("agreement/first/template/"), {"template": "contact_centre", "ends": "2027-01-01"})
    assert "Choose a first day" in shown(answer, 422)
    asked = {"template": "contact_centre", "first_day": "2099-01-01", "ends": "2099-12-31"}
    answer = customer.post(empty.url("agreement/first/template/"), asked)
    assert "Not written yet: Signing authority and Shared reasons." in said(answer)
    page = shown(customer.get(answer.headers["Location"]))
    assert "First text of the agreement" in page
    assert "from 1\xa0January\xa02099 to 31\xa0December\xa02099, both days included" in page
    assert "It does without these clauses, which can follow later: Signing authority and Shared reasons." in page
    assert "complete" not in page
    (pk,) = re.findall(r"/changes/([0-9a-f-]{36})/propose/", page)
    listed = shown(customer.get(empty.url("agreement/"), headers={"accept-language": "es"}))
    assert "Primer texto del acuerdo" in listed  # whichever language it was begun in
    assert provider.get(empty.url(f"agreement/changes/{pk}/")).status_code == 404
    assert "First text of the agreement" not in shown(provider.get(empty.url("agreement/")))
    assert 'name="template"' in shown(provider.get(empty.url("agreement/")))  # it may begin one of its own
    assert customer.post(empty.url(f"agreement/changes/{pk}/propose/"), {"seen": 1}).status_code == 302
    assert 'name="template"' not in shown(provider.get(empty.url("agreement/")))  # there is one to read
    for browser in (provider, customer):
        said_again(browser)
        page = shown(browser.get(empty.url(f"agreement/changes/{pk}/sign/")))
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert browser.post(empty.url(f"agreement/changes/{pk}/sign/"), {"digest": digest}).status_code == 302
    run_jobs(operations.WRITE_TASK)
    page = shown(provider.get(empty.url("agreement/") + "?on=2099-01-02"))
    assert "At least 80 % of contacts are answered within 20 seconds" in page.replace("\u00a0", " ")
    answer = provider.post(empty.url("agreement/first/template/"), {"template": "contact_centre"})
    assert "The agreement has all clauses of this template." in said(answer)
    page = shown(provider.get(empty.url("agreement/first/")))
    assert page.count('name="template"') == len(FIRST_TEXTS) - 1


def test_a_list_becomes_a_draft_of_new_kpis_and_of_what_is_otherwise(them):
    rows = [HEAD, ["Fast", "Service level", "85 %", "", "Nobody waits."], [None, "csat", 0.7, "sales", None]]
    with transaction.atomic():
        begun = first_text.begin_from_list(them.at("customer_lead"), upload(workbook(rows)), "en")
        (row,) = begun.changes
        content, read, chain = content_of(them, "customer_lead", row.pk)
        (known,) = queries.text_of(them.at("customer_lead")).of(Kind.KPI)
    assert begun.listed.problems == ()
    edits = {edit.field: edit.value for edit in content.edits if isinstance(edit, SetField)}
    assert edits == {"title": "Fast", "target": "0.85", "outcome": "Nobody waits."}
    assert {edit.clause for edit in content.edits if isinstance(edit, SetField)} == {known.id}
    added = [one for one in read.of(Kind.KPI) if one.id != known.id]
    assert [(one.fields["measure"], one.fields["target"], one.fields["queues"]) for one in added] == [
        ("csat", "0.7", ["sales"])
    ]
    assert check_change(content.change(9), chain) == [] or content.first_day is None


def test_a_list_of_several_first_days_becomes_a_draft_for_each(empty):
    head = ["Measure", "Target", "Valid from"]
    rows = [head, ["csat", "80 %", date(2099, 1, 1)], ["nps", 20, "2099-07-01"], ["ces", "60 %", "2099-01-01"]]
    with transaction.atomic():
        begun = first_text.begin_from_list(empty.at("customer_lead"), upload(workbook(rows)), "en")
        found = [content_of(empty, "customer_lead", one.pk)[0] for one in begun.changes]
    assert [(one.first_day, len(one.edits)) for one in found] == [(date(2099, 1, 1), 2), (date(2099, 7, 1), 1)]


def test_nothing_is_begun_where_one_cell_cannot_be_read(them):
    browser = them.client("customer_lead")
    rows = [HEAD, ["A", "csat", "80", "", ""], ["B", "Courtesy", "<script>", "", ""], ["C", "backlog", "many", "", ""]]
    page = shown(browser.post(them.url("agreement/first/list/"), {"file": upload(workbook(rows))}), 422)
    for told in ("Sheet1", "Courtesy", "Write a measure that is known", "many", "such as 200", "Nothing was changed"):
        assert told in page, told
    assert "<script>" not in page
    with transaction.atomic():
        them.at("customer_lead")
        assert not Change.objects.exists()
        assert not Draft.objects.exists()
    page = shown(
        browser.post(them.url("agreement/first/list/"), {"file": upload(workbook(rows))},
                     headers={"accept-language": "es"}), 422,
    )  # fmt: skip
    assert "Escriba una medida conocida" in page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 no more", "damaged"),
        (b"x" * 600_000, "512 KB"),
        (b"Colour,Shape\nred,round\n", "header row"),
        (b"\x1f\x8b\x08" + bytes(50), "neither XLSX nor CSV"),
    ],
)
def test_a_file_that_is_no_list_is_told_with_the_next_step(them, content, told):
    answer = them.client("customer_lead").post(them.url("agreement/first/list/"), {"file": upload(content, "a.csv")})
    assert told in shown(answer, 422)


def test_what_a_list_has_and_no_kpi_holds_is_named(empty):
    rows = [[*HEAD, "Weight"], ["A", "csat", "80", "", "", "30"]]
    answer = empty.client("customer_lead").post(
        empty.url("agreement/first/list/"), {"file": upload(workbook(rows, Notes=[["We meet."]]))}
    )
    assert "These columns were not read: Weight." in said(answer)
    assert "These sheets were not read: Notes." in said(answer)
    assert "1 KPI is in 1 draft." in said(answer)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_file_to_fill_in_reads_back_to_what_is_agreed(them, language):
    """Every measure, with formulas for names: downloaded, changed in one cell, and uploaded again."""
    browser, spoken = them.client("customer_lead"), {"accept-language": language}
    rows = [["Name", "Measure", "Target", "Direction", "Queue", "Channel", "Threshold", "Owner", "Why", "Valid from"]]
    rows += [
        [FORMULA, "abandonment", "5.1250 %", "at most", "sales; care", "voice; fax", "", "@Ana", "+1", "2020-01-01"],
        ["B", "wait_mean", "30 s", "", "", "", "", "", "", "2020-01-01"],
        ["C", "backlog", "1200", "", "", "ticket", "", "", "", "2020-01-01"],
        ["D", "csat", "mean 4.2", "", "", "", "", "", "", "2020-01-01"],
        ["E", "reopen", "5", "", "", "", "14", "", "", "2020-01-01"],
        ["F", "service_level", "70/60", "", "vip", "", "", "", "", "2020-01-01"],
        ["G", "nps", "-12.5", "", "", "", "", "", "", "2020-01-01"],
    ]
    csv = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    with transaction.atomic():
        (row,) = first_text.begin_from_list(them.at("customer_lead"), upload(csv.encode(), "a.csv"), "en").changes
        operations.propose(them.at("customer_lead"), row, 1)
    for who in ("customer_lead", "provider_lead"):
        with transaction.atomic():
            member, change = them.at(who), Change.objects.get(pk=row.pk)
            sentences = {"en": "0" * 64, "es": "1" * 64}
            digest = operations.show_for_signature(member, change, sentences)
            operations.sign(member, change, digest, sentences, retroactive=True)
    run_jobs(operations.WRITE_TASK)
    packed = browser.get(them.url("agreement/first/list.xlsx"), headers=spoken).content
    table = cells(packed)
    assert len(table) == len(rows) + 1
    assert table[2][0] == FORMULA
    answer = browser.post(them.url("agreement/first/list/"), {"file": upload(packed)})
    assert "as they are agreed already" in shown(answer, 422)
    with transaction.atomic():
        with pytest.raises(Refused) as refused:
            first_text.begin_from_list(them.at("customer_lead"), upload(packed), "en")
        assert refused.value.code is Code.LISTED_ALREADY
    assert table[3][2] == "30 s"
    with transaction.atomic():
        (row,) = first_text.begin_from_list(them.at("provider_lead"), upload(edited(packed, C4="45 s")), "en").changes
        content, _, _ = content_of(them, "provider_lead", row.pk)
    assert [(edit.field, edit.value) for edit in content.edits] == [("target", "45")]


def test_clauses_of_a_template_are_edited_and_taken_out_one_by_one(empty):
    """Others stand behind them: the draft can still be proposed, and reads in the same order."""
    with transaction.atomic():
        row = first_text.begin_from_template(empty.at("customer_lead"), "contact_centre", "en", date(2099, 1, 1))
        content, read, chain = content_of(empty, "customer_lead", row.pk)
        now = queries.situation(empty.at("customer_lead"))
    ids = [one.id for one in read.clauses]
    kpis = [one.id for one in read.of(Kind.KPI)]
    fields = dict(read.get(kpis[0]).fields)
    edited = with_clause(content, now, kpis[0], Kind.KPI, fields | {"target": "0.75"})
    assert check_change(edited.change(1), chain) == []
    assert [one.id for one in drafted_text(edited, now).clauses] == ids
    assert drafted_text(edited, now).get(kpis[0]).fields["target"] == "0.75"
    for remove in (True, False):
        less = edited
        for clause in (ids[0], kpis[1], kpis[2]):
            less = without_clause(less, clause, remove=remove)
        assert check_change(less.change(1), chain) == []
        gone = {ids[0], kpis[1], kpis[2]}
        assert [one.id for one in drafted_text(less, now).clauses] == [one for one in ids if one not in gone]


def test_only_those_who_draft_for_a_side_begin(them):
    for who in ("auditor", "mediator"):
        browser = them.client(who)
        assert browser.get(them.url("agreement/first/")).status_code == 404
        assert browser.post(them.url("agreement/first/template/"), {"template": "contact_centre"}).status_code == 404
        asked = {"file": upload(workbook([HEAD, ["", "csat", "80", "", ""]]))}
        assert browser.post(them.url("agreement/first/list/"), asked).status_code == 404
        assert "agreement/first/" not in shown(browser.get(them.url("agreement/")))
        with pytest.raises(Refused), transaction.atomic():
            first_text.begin_from_template(them.at(who), "contact_centre", "en")
        with pytest.raises(Refused), transaction.atomic():
            first_text.begin_from_list(them.at(who), upload(b""), "en")


def test_without_a_book_there_is_nothing_to_begin():
    made_without = cast()
    with pytest.raises(NoBookError), transaction.atomic():
        first_text.begin_from_template(made_without.at("customer_lead"), "contact_centre", "en")
    browser = made_without.client("customer_lead")
    assert 'name="template"' not in shown(browser.get(made_without.url("agreement/first/")))
    for path in ("agreement/first/template/", "agreement/first/list/"):
        asked = {"template": "contact_centre", "file": upload(b"Name,Measure\nA,csat\n", "a.csv")}
        assert browser.post(made_without.url(path), asked).headers["Location"].endswith("/agreement/first/")
    with transaction.atomic():
        made_without.at("customer_lead")
        assert not Change.objects.exists()


def test_a_template_that_is_none_is_not_found(them):
    answer = them.client("customer_lead").post(them.url("agreement/first/template/"), {"template": "../kpis"})
    assert answer.status_code == 404


def test_every_fault_has_its_next_step():
    from comity.apps.agreements.first_text.page import problem_rows
    from comity.apps.i18n import words_for
    from comity.core.agreements.kpi_list import KpiList, RowProblem

    names = {
        Fault.TWO_COLUMNS: ("Target", "Goal"), Fault.TOO_MANY: ("200",), Fault.AGAINST: ("5 %",), Fault.MARK: ("4.2",),
        Fault.SHARE_OR_PER_CENT: ("0.5",), Fault.TWO_THRESHOLDS: ("80/20",), Fault.TWICE: ("A", "2"),
        Fault.FIELD: ("write one line",),
    }  # fmt: skip
    listed = KpiList(problems=tuple(RowProblem(fault, names=names.get(fault, ())) for fault in Fault))
    for language in ("en", "es"):
        rows = problem_rows(listed, words_for(language))["rows"]
        assert all(row["do"].endswith((".", "write one line.")) and "{" not in row["do"] for row in rows)
        assert len({row["do"] for row in rows}) == len(Fault)


def test_a_draft_of_ones_own_side_is_kept_as_a_template_and_begins_another(empty):
    """From one relationship to the next, as a file; its clauses get ids of their own."""
    lead = empty.client("provider_lead")
    with transaction.atomic():
        row = first_text.begin_from_template(empty.at("provider_lead"), "service_desk", "en", date(2099, 1, 1))
    path = f"agreement/changes/{row.pk}/template.toml"
    kept = lead.get(empty.url(path))
    assert path in shown(lead.get(empty.url("agreement/first/")))
    assert "attachment" in kept.headers["Content-Disposition"]
    for who in ("customer_lead", "auditor", "stranger"):
        assert empty.client(who).get(empty.url(path)).status_code == 404
    with transaction.atomic():
        operations.propose(empty.at("provider_lead"), row, 1)
    assert lead.get(empty.url(path)).status_code == 404  # now it is a text of both
    answer = lead.post(empty.url("agreement/first/own/"), {"file": upload(kept.content, "own.toml")})
    assert answer.status_code == 302
    with transaction.atomic():
        pk = re.findall(r"/changes/([0-9a-f-]{36})/", answer.headers["Location"])[0]
        content, read, chain = content_of(empty, "provider_lead", pk)
        first = queries.draft_content(row.drafts.last(), chain)
    assert {edit.clause for edit in content.edits}.isdisjoint(edit.clause for edit in first.edits)
    assert check_change(replace(content, first_day=date(2099, 1, 1)).change(9), chain) == []
    assert [one.fields["measure"] for one in read.of(Kind.KPI)] == [kpi.measure for kpi in TEMPLATES["service_desk"]]


def test_a_template_from_a_draft_holds_nothing_that_its_reader_may_not_read(empty):
    """A price is for those who see money, though nothing in it says so."""
    price = add("rate", Kind.PRICE, service="Zebulon", unit="contact", currency="EUR", price="4711.13")
    with transaction.atomic():
        made_with = DraftContent(edits=(price, add("note", Kind.PROSE, "rate", text="For all.", language="en")))
        row = operations.begin_draft(empty.at("customer_lead"), made_with)
    path = empty.url(f"agreement/changes/{row.pk}/template.toml")
    assert "4711.13" in shown(empty.client("customer_lead").get(path))
    analysts = shown(empty.client("customer_analyst").get(path))
    assert "For all." in analysts
    assert "4711" not in analysts
    assert "Zebulon" not in analysts


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"x" * 600_000, "512 KB"),
        (b"\xff\xfe", "UTF-8"),
        (b"[[clause]]\nid = 1", "schema"),
        (
            b'schema = "comity.agreement/1"\n[[clause]]\nid = "a"\nkind = "kpi"\nmeasure = "courtesy"',
            "clause a, measure",
        ),
        (b'schema = "comity.agreement/1"\n', "has all clauses"),
    ],
)
def test_a_template_that_is_no_text_is_told_with_the_next_step(them, content, told):
    answer = them.client("customer_lead").post(them.url("agreement/first/own/"), {"file": upload(content, "a.toml")})
    assert told in shown(answer, 422)
    with transaction.atomic():
        them.at("customer_lead")
        assert not Change.objects.exists()
