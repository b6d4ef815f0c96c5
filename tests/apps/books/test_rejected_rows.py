"""Rejected rows as a person takes them: before the import and after it, until a file brings them again."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from comity.apps.books import contents, operations
from comity.apps.books.models import Delivery, Stage
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.book.storage.commit import book_lock
from tests.builders.turns import every
from tests.builders.uploads import brought, now, received, run
from tests.room import cast, run_jobs, superuser, token

pytestmark = pytest.mark.gate
HEAD = "contact_id;Name;opened_at;queue;handle_s"
GOOD = [f"c{n};Joan;2026-06-01T10:{n:02d}:00Z;help;90" for n in range(60)]
BAD = ["c90;Eva;2026-06-01T10:00:00Z;help;-5", "c91;Max;soon;=help;70"]
FILE = "\n".join([HEAD, *GOOD, *BAD]) + "\n"


@pytest.fixture
def them():
    made = cast()
    made.book()
    return made


def table(answer):
    return list(csv.reader(io.StringIO(answer.content.decode(), newline=""), delimiter=";"))


def table_of(answer):
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def page(them, who, made):
    return them.client(who).get(them.url(f"records/{made.pk}/")).content.decode()


def test_rows_are_taken_before_the_import_with_their_own_columns_and_delimiter(them):
    made = run(them, "provider_lead", received(them, "provider_lead", "june.csv", FILE), dry_run=True)
    address = them.url(f"records/{made.pk}/rejected-rows.")
    import openpyxl

    browser, words = them.client("provider_analyst"), words_for("en")
    head, *rows = table(browser.get(f"{address}csv"))
    assert head == [*HEAD.split(";"), "Comity row", "Comity reason"]
    assert [row[:5] for row in rows] == [[*BAD[0].split(";")[:4], "'-5"], ["c91", "Max", "soon", "'=help", "70"]]
    assert [row[-1] for row in rows] == [
        f"{column} ({words(f'field.{column}')}): {words(f'reject.{reason}')}"
        for column, reason in (("handle_s", "negative"), ("opened_at", "instant"))
    ]
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{address}xlsx").content))
    assert [[cell.value for cell in row][:5] for row in book.active.iter_rows(min_row=3)] == [BAD[1].split(";")]
    assert browser.get(f"{address}pdf").status_code == 404
    assert f"{address}xlsx" in page(them, "provider_lead", made)


@pytest.mark.parametrize("who", every(2, ["customer_lead", "auditor", "provider_member"]))
def test_nobody_else_gets_the_rows(them, who):
    made = brought(them, "provider_lead", "june.csv", FILE)
    assert made.stage == Stage.BROUGHT
    for form in ("csv", "xlsx"):
        address = them.url(f"records/{made.pk}/rejected-rows.{form}")
        assert them.client(who).get(address).status_code == 404
    assert "Comity row" not in page(them, "customer_lead", made)


def test_a_corrected_download_closes_its_rows_and_says_which_file_did(them):
    made = brought(them, "provider_lead", "june.csv", FILE)
    address = them.url(f"records/{made.pk}/rejected-rows.csv")
    head, *rows = table(them.client("provider_lead").get(address))
    assert head == ["contact_id", "opened_at", "queue", "handle_s", "Comity row", "Comity reason"]
    (negative,) = [row for row in rows if row[0] == "c90"]
    out = io.StringIO()
    csv.writer(out).writerows([head, [*negative[:3], "5", *negative[4:]]])
    again = brought(them, "provider_analyst", "fixed.csv", out.getvalue())
    assert (again.stage, again.outcome["counts"]["corrected"], again.outcome["not_kept"]) == (Stage.BROUGHT, 1, [])
    words, shown = words_for("en"), page(them, "provider_lead", made)
    assert words("check.rows_open", open=words.number(1), all=words.number(2)) in shown
    assert words("check.closed_by", file="fixed.csv", rows=words.number(1)) in shown
    assert [row[0] for row in table(them.client("provider_lead").get(address))[1:]] == ["c91"]
    for who in ("provider_lead", "customer_lead"):  # both count what is still open
        run_jobs()
        with transaction.atomic():
            assert [one["rejected"] for one in contents.tables(them.at(who))] == [1]


def test_a_file_with_too_many_rejected_rows_says_so_before_it_is_imported(them):
    made = run(
        them,
        "provider_lead",
        received(them, "provider_lead", "few.csv", "\n".join([HEAD, *GOOD[:9], *BAD])),
        dry_run=True,
    )
    shown = page(them, "provider_lead", made)
    words = words_for("en")
    assert words("check.too_many") in shown
    assert 'value="bring"' not in shown
    with transaction.atomic():
        operations.import_delivery(them.at("provider_lead"), now(them, "provider_lead", made))
    made = run(them, "provider_lead", made, dry_run=False)
    assert made.stage == Stage.REFUSED
    rows = table(them.client("provider_lead").get(them.url(f"records/{made.pk}/rejected-rows.csv")))
    assert len(rows) == 3


def test_the_page_names_the_format_the_days_and_the_columns_in_words(them):
    browser = them.client("provider_lead")
    sent = browser.post(them.url("records/upload/"), {"file": SimpleUploadedFile("june.csv", FILE.encode())})
    made = run(them, "provider_lead", now_by_address(them, sent), dry_run=True)
    shown, words = page(them, "provider_lead", made), words_for("en")
    assert words("check.recognised", file="june.csv", format=words("check.table_format", table="contacts")) in shown
    assert words("field.contact_id") in shown
    assert words("reject.negative") in shown
    assert words("check.not_kept", columns="Name") in shown
    for machine in (">contact_id<", "handle_s:", "not an instant"):
        assert machine not in shown.replace('<th scope="row" class="any">contact_id<', "")


def now_by_address(them, sent):
    with transaction.atomic():
        them.at("provider_lead")
        return Delivery.objects.get(pk=sent.headers["Location"].rstrip("/").rsplit("/", 1)[-1])


def test_rows_that_nobody_corrects_are_dismissed_by_their_own_side_and_both_read_why(them):
    made = brought(them, "provider_lead", "june.csv", FILE)
    move, said = them.url(f"records/{made.pk}/move/"), {"do": "dismiss", "reason": "Test calls of the switch."}
    assert them.client("customer_lead").post(move, said).status_code == 404  # each side answers for its own files
    assert them.client("provider_lead").post(move, {"do": "dismiss", "reason": " "}).status_code == 422
    records = them.client("customer_lead").get(them.url("records/")).content.decode()
    assert "2 rejected rows open" in records
    assert them.client("provider_lead").post(move, said).status_code == 302
    for who in ("provider_lead", "customer_lead", "auditor"):
        shown = page(them, who, made)
        assert "Provider Lead dismissed 2 rejected rows on" in shown
        assert "Test calls of the switch." in shown
        assert "0 rejected rows open" in them.client(who).get(them.url("records/")).content.decode()
    log = them.client("customer_lead").get(them.url("log/")).content.decode()
    assert "dismissed 2 rejected rows of" in log
    assert them.client("provider_lead").post(move, said).status_code == 302  # once: the second finds none open
    assert now(them, "provider_lead", made).outcome["counts"]["rejected"] == 2  # the record counts them as before
    assert len(table(them.client("provider_lead").get(them.url(f"records/{made.pk}/rejected-rows.csv")))) == 3


def test_a_program_takes_the_rejected_rows_as_rows_and_dismisses_them(them):
    made = brought(them, "provider_lead", "june.csv", FILE)
    at = f"/api/r/{them.relationship}/records/{made.pk}"
    own = {"authorization": f"Bearer {token(them, 'provider_lead', writes=True)}"}
    other = {"authorization": f"Bearer {token(them, 'customer_lead', writes=True)}"}
    head, *rows = table_of(Client().get(f"{at}/rejected-rows.csv", headers=own))
    assert head == ["contact_id", "opened_at", "queue", "handle_s", "Comity row", "Comity reason"]
    assert [(row[0], row[-1]) for row in rows] == [
        ("c90", "handle_s: negative"), ("c91", "opened_at: not a date and time such as 2026-01-31T09:30:00Z"),
    ]  # fmt: skip
    assert Client().get(f"{at}/rejected-rows.csv", headers=other).status_code == 404
    said = {"do": "dismiss", "reason": "Tests."}
    for headers, status in ((other, 404), (own, 200), (own, 409)):
        answer = Client().post(f"{at}/moves", said, content_type="application/json", headers=headers)
        assert answer.status_code == status
    told = Client().get(at, headers=own).json()["outcome"]["dismissed"]
    assert (told["rows"], told["reason"], told["by"]) == (2, "Tests.", "Provider Lead")


def test_a_file_is_recognised_without_the_book_while_another_is_imported(them):
    """The lock of the book is held, as by a long import; the file is named all the same, and checked afterwards."""
    with superuser() as everybody:
        everybody.execute("DELETE FROM procrastinate_jobs")  # of other tests
    made = received(them, "provider_lead", "june.csv", FILE.replace(";", ","))
    with book_lock(book_folder(them.relationship)):
        assert run_jobs("books.recognise") == 1
    assert now(them, "provider_lead", made).mapping == "contacts"
    shown = page(them, "provider_lead", made)
    assert "matches this format" in shown
    assert run_jobs("books.look") == 1
    assert now(them, "provider_lead", made).stage == Stage.LOOKED


def test_a_column_that_is_a_sum_names_each_header_that_it_is_made_of(them):
    text = 'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = "start"\nqueue = "queue"\n'
    text += 'handle_s = { sum = ["talk", "wrap"] }\n'
    file = "id,start,queue,talk,wrap\n" + "".join(f"c{n},2026-06-01T10:{n:02d}:00Z,help,60,30\n" for n in range(20))
    made = run(them, "provider_lead", received(them, "provider_lead", "calls.csv", file), dry_run=True)
    with transaction.atomic():
        operations.choose_mapping(them.at("provider_lead"), now(them, "provider_lead", made), "", text)
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.stage == Stage.LOOKED, made.why
    assert {one["column"]: one["headers"] for one in made.outcome["read_as"]}["handle_s"] == ["talk", "wrap"]
    assert "talk, wrap" in page(them, "provider_lead", made)
