"""Every export as a spreadsheet opens it: no text of anybody's is taken for a formula."""

import csv
import io
import re
import zipfile
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import get_resolver

from comity.apps.books import operations as books
from comity.apps.books.models import Delivery, Stage
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from comity.core.matters.kinds import Kind
from comity.web.api import api
from tests.builders.addresses import addresses
from tests.builders.levels import contacts
from tests.builders.uploads import brought, run
from tests.room import cast

pytestmark = pytest.mark.gate
CELLS = ("=", "+", "-", "@")
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
FORMULA = '=HYPERLINK("https://evil.example/","x")'
NAME = "=SUM(1,2)"  # the room refuses names with a link in them


@pytest.fixture(scope="module")
def them():
    made = cast(customer=NAME, provider="+Helpline")
    toml = f"""
[book]
name = '''{FORMULA}'''
[parties.customer]
id = "c"
name = '''{FORMULA}'''
[parties.provider]
id = "p"
name = "@SUM(1)"
[review]
period = "month"
[[kpi]]
id = '''{FORMULA}'''
measure = "service_level"
target = 0.8
[[kpi]]
id = "-1+1"
measure = "handle_time"
queues = ["=queue"]
target = 100
"""
    rows = [row.replace(",help,", ",=queue,") for row in contacts()]
    made.book(toml, contacts="\n".join(rows))
    more = "contact_id,opened_at,queue,channel\n" + "".join(f'x{n},"{s}1+1",q,voice\n' for n, s in enumerate(STARTS))
    more += "\n".join(f"y{n},2026-06-01T10:00:00Z,=q{n},voice" for n in range(200))
    browser = made.client("provider_lead")
    found = browser.post(made.url("records/upload/"), {"file": SimpleUploadedFile("=1+1.csv", more.encode())})
    made.number = found.headers["Location"].rstrip("/").rsplit("/", 1)[-1]
    with transaction.atomic():
        member = made.at("provider_lead")
        one = Delivery.objects.get(pk=made.number)
    run(made, "provider_lead", one, dry_run=True)
    with transaction.atomic():
        books.import_delivery(made.at("provider_lead"), Delivery.objects.get(pk=made.number))
    assert run(made, "provider_lead", one, dry_run=False).stage == Stage.BROUGHT
    assert member
    # What the other side would make of rows: each begins with what a formula begins with, and so does their name.
    kept = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on,queue,team\n"
    changed = '"{0}r{1}",customer,"{2}",csat,1,5,{3},2026-06-01,"{2}","{2}"\n'
    for who, word, score in (("customer_lead", "{}before", 1), ("provider_lead", "{}after", 5)):
        rows = (changed.format(s, n, word.format(s), score) for n, s in enumerate(CELLS))
        assert brought(made, who, f"={who}.csv", kept + "".join(rows)).stage == Stage.BROUGHT
    with transaction.atomic():
        made.at("customer_lead")
        made.correction = Matter.objects.get(kind=Kind.CORRECTION)
        assert made.correction.records["counts"]["change"] == len(CELLS)
    with transaction.atomic():
        set_viewer(made.people["provider_lead"].pk)
        made.word = parties.make_token(made.people["provider_lead"], "x", 9, writes=False)[1]
    return made


def cells(text):
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def test_rejects_hold_no_formula(them):
    told = cells(them.client("provider_lead").get(them.url(f"records/{them.number}/rejects.csv")).content.decode())
    assert "'=1+1.csv" in told
    assert sum("1+1" in cell and cell[:1] == "'" for cell in told) >= len(STARTS) - 3  # blanks are cut off before
    assert not [cell for cell in told if cell.startswith(STARTS)]


def test_rejected_rows_hold_no_formula(them):
    import openpyxl

    browser, address = them.client("provider_lead"), them.url(f"records/{them.number}/rejected-rows.")
    program = f"/api/r/{them.relationship}/records/{them.number}/rejected-rows.csv"
    by_program = them.client(None).get(program, headers={"authorization": f"Bearer {them.word}"})
    for found in (browser.get(f"{address}csv"), by_program):
        told = cells(found.content.decode())
        assert sum(cell[:1] == "'" for cell in told) >= len(CELLS)
        assert not [cell for cell in told if cell.startswith(STARTS)]
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{address}xlsx").content))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in found} == {"s"}
    steering = [cell for cell in found if cell.value.startswith(STARTS)]
    assert steering
    assert all(cell.quotePrefix for cell in steering)


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_corrections_hold_no_formula(them, who):
    found = them.client(who).get(them.url(f"matters/{them.correction.pk}/changes.csv"))
    head, *lines = csv.reader(io.StringIO(found.content.decode(), newline=""))
    assert head == ["change", "kind", "row", "column", "before", "after"]
    for number, sign in enumerate(CELLS):
        told = {line[3]: line for line in lines if line[2] == f"'{sign}r{number}"}
        assert told.keys() == {"respondent_id", "queue", "team", "score"}
        for column in ("respondent_id", "queue", "team"):
            assert told[column][4:] == [f"'{sign}before", f"'{sign}after"]
        assert told["score"][4:] == ["1.0", "5.0"]
    assert not [cell for line in lines for cell in line if cell.startswith(STARTS)]
    assert "attachment" in found.headers["Content-Disposition"]


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_entries_of_the_ledger_hold_no_formula(them, who):
    """Titles of matters are people's own words, and a minus before a number is no formula."""
    import openpyxl

    with transaction.atomic():
        asked = NewMatter(Kind.ACTION, FORMULA, "x", owner=them.at("provider_lead").membership, due_on=date(2099, 1, 1))
        raise_matter(them.at("customer_lead"), asked, "UTC")
    told = cells(them.client(who).get(them.url("ledger/entries.csv")).content.decode())
    assert f"'{FORMULA}" in told
    assert "-1" in told
    assert not [cell for cell in told if cell.startswith(STARTS) and cell != "-1"]
    book = openpyxl.load_workbook(io.BytesIO(them.client(who).get(them.url("ledger/entries.xlsx")).content))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in found} == {"s"}
    assert all(cell.quotePrefix for cell in found if cell.value.startswith(STARTS))
    journal = them.client(who).get(them.url("ledger/entries.journal")).content.decode()
    assert FORMULA not in journal  # of a subject its id alone


@pytest.mark.parametrize("path", ["log.csv", "people/access.csv"])
def test_access_file_and_log_hold_no_formula(them, path):
    told = cells(them.client("provider_lead").get(them.url(path)).content.decode())
    assert len(told) > 50
    assert not [cell for cell in told if cell.startswith(STARTS)]


@pytest.mark.parametrize("path", ["levels.csv?period=2026-06", "figures.csv"])
def test_levels_hold_no_formula(them, path):
    found = them.client(None).get(
        f"/api/r/{them.relationship}/{path}", headers={"authorization": f"Bearer {them.word}"}
    )
    told = cells(found.getvalue().decode())
    assert f"'{FORMULA}" in told
    assert not [cell for cell in told if cell.startswith(STARTS) and not re.fullmatch(r"-?[\d.e-]+", cell)]


@pytest.mark.parametrize(
    "path",
    ["review/compare/file.csv?period=2026-06&against=2026-05", "review/figure/{kpi}/contacts.csv?period=2026-06"],
)
def test_compared_periods_and_contacts_behind_a_level_hold_no_formula(them, path):
    browser = them.client("provider_lead")
    levels = browser.get(them.url("review/file.json?period=2026-06")).json()["levels"]
    kpi = next(one["kpi"] for one in levels if one["measure"] in {"service_level", "abandonment", "handle_time"})
    told = cells(browser.get(them.url(path.format(kpi=kpi))).content.decode())
    assert len(told) > 8
    assert not [cell for cell in told if cell.startswith(STARTS)]


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_a_list_of_kpis_holds_no_formula(them, who):
    import openpyxl

    answer = them.client(who).get(them.url("agreement/first/list.xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in found} == {"s"}
    steering = [cell for cell in found if cell.value.startswith(STARTS)]
    assert [cell.value for cell in steering] == ["=queue"]
    assert all(cell.quotePrefix for cell in steering)


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_a_workbook_holds_no_formula_link_or_macro(them, who):
    import openpyxl

    packed = them.client(who).get(them.url("review/file.xlsx?period=2026-06")).content
    book = openpyxl.load_workbook(io.BytesIO(packed))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    texts = [cell for cell in found if cell.data_type == "s"]
    assert any("HYPERLINK" in cell.value for cell in texts)  # the names are there, as texts
    # A program that reads cells anew is told by their style that these are texts.
    assert not [cell.value for cell in texts if cell.value.startswith(STARTS) and not cell.quotePrefix]
    ours = {cell.value for cell in found if cell.data_type == "f"}
    assert not [one for one in ours if not re.fullmatch(r"=[A-Za-z$0-9/*+() :,.<>='!-]+", one) or "queue" in one]
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        parts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    for name, text in parts.items():
        assert "evil.example" not in text or name in {"xl/sharedStrings.xml", "docProps/core.xml", "docProps/app.xml"}
        assert 'Target="http' not in text
        assert "vba" not in name.lower()


def test_every_csv_export_is_tested():
    """Another address or operation that gives out rows for a spreadsheet fails until it is tried above."""
    names = {name or "" for name, _ in addresses(get_resolver().url_patterns)}
    files = {name for name in names if re.search("csv|reject|file|access|changes|entries", name)} - {
        "review_access",
        "agreement_file",
        "signed_file",
    }  # PDF files
    assert files == {"compare_file", "rejects", "rejected_rows", "review_file", "figures_file", "log_file", "access",
                     "changes", "kpi_list_file", "ledger_entries"}  # fmt: skip
    assert {path.rsplit("/", 1)[-1] for path in api.get_openapi_schema()["paths"] if "." in path} == {
        "levels.csv",
        "rejects.csv",
        "rejected-rows.csv",
        "access.csv",  # the rows of the page's file
        "file.{form}",  # the page's file
        "levels.parquet",  # whose cells are typed
        "figures.{form}",
    }
