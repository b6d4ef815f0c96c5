"""Every export as a spreadsheet opens it: no text of anybody's is taken for a formula."""

import csv
import io
import re
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import get_resolver

from comity.apps.books import operations as books
from comity.apps.books.models import Delivery, Stage
from comity.apps.parties import operations as parties
from comity.apps.parties.viewing import look
from comity.web.api import api
from tests.apps.test_doors import addresses
from tests.apps.test_matters import contacts
from tests.apps.test_records import run
from tests.room import cast

pytestmark = pytest.mark.gate
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
FORMULA = '=HYPERLINK("https://evil.example/","x")'


@pytest.fixture(scope="module")
def them():
    made = cast(customer=f"{FORMULA}"[:120], provider="+Helpline")
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
        standing = made.at("provider_lead")
        one = Delivery.objects.get(pk=made.number)
    run(made, "provider_lead", one, dry_run=True)
    with transaction.atomic():
        books.bring(made.at("provider_lead"), Delivery.objects.get(pk=made.number))
    assert run(made, "provider_lead", one, dry_run=False).stage == Stage.BROUGHT
    assert standing
    with transaction.atomic():
        look(made.people["provider_lead"].pk)
        made.word = parties.make_token(made.people["provider_lead"], "x", 9, writes=False)[1]
    return made


def cells(text):
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def test_rejects_hold_no_formula(them):
    told = cells(them.client("provider_lead").get(them.url(f"records/{them.number}/rejects.csv")).content.decode())
    assert "'=1+1.csv" in told
    assert sum("1+1" in cell and cell[:1] == "'" for cell in told) >= len(STARTS) - 3  # blanks are cut off before
    assert not [cell for cell in told if cell.startswith(STARTS)]


@pytest.mark.parametrize("path", ["log.csv", "people/access.csv"])
def test_lists_of_people_and_of_what_was_done_hold_no_formula(them, path):
    told = cells(them.client("provider_lead").get(them.url(path)).content.decode())
    assert len(told) > 50
    assert not [cell for cell in told if cell.startswith(STARTS)]


def test_levels_hold_no_formula(them):
    found = them.client(None).get(
        f"/api/r/{them.relationship}/levels.csv?period=2026-06", headers={"authorization": f"Bearer {them.word}"}
    )
    told = cells(found.content.decode())
    assert f"'{FORMULA}" in told
    assert not [cell for cell in told if cell.startswith(STARTS) and not re.fullmatch(r"-?[\d.e-]+", cell)]


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_a_workbook_holds_texts_and_no_formula_link_or_macro(them, who):
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


def test_every_export_of_a_table_is_tried_here():
    """Another address or operation that gives out rows for a spreadsheet fails until it is tried above."""
    names = {name or "" for name, _ in addresses(get_resolver().url_patterns)}
    files = {name for name in names if re.search("csv|reject|file|access", name)} - {"review_access"}
    assert files == {"rejects", "review_file", "log_file", "access"}
    assert {path.rsplit("/", 1)[-1] for path in api.get_openapi_schema()["paths"] if "." in path} == {
        "levels.csv",
        "rejects.csv",
        "access.csv",  # the rows of the page's file
        "file.{form}",  # the page's file
        "levels.parquet",  # whose cells are typed
    }
