"""The statement as both sides read it: page, files and API; nothing on it adds two kinds or two sides."""

import csv
import io
import re
import shutil
import subprocess
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders import ledger
from tests.builders.ledger_journal import balanced, parsed
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.builders.programs import ask
from tests.room import cast

pytestmark = pytest.mark.gate
C, P = Side.CUSTOMER, Side.PROVIDER


@pytest.fixture(scope="module")
def them():
    """The provider owes an answer and an action, the customer three answers and a confirmation."""
    made = cast()
    made.tokens = {}
    made.book(KPI, contacts="\n".join(contacts()))
    raised(made, title="The figure of June")
    for title in ("First", "Second", "Third"):
        raised(made, "provider_lead", title=f"{title} question")
    moved(made, "provider_lead", action(made, "Spread lunch"), Move.AGREE)
    done = moved(made, "provider_lead", action(made, "Later shifts"), Move.AGREE)
    moved(made, "provider_lead", done, Move.DONE)
    return made


def action(them, title):
    with transaction.atomic():
        owner = them.at("provider_lead").membership
    return raised(
        them, "customer_lead", Kind.ACTION, title=title, owner=owner, due_on=timezone.now().date() + timedelta(days=9)
    )


def page(them, who="customer_lead", query="", language="en"):
    browser = them.client(who)
    browser.cookies["django_language"] = language
    answer = browser.get(them.url(f"ledger/{query}"), headers={"accept-language": language})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode().replace("\xa0", " "))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2].partition("</main>")[0]))


@pytest.mark.parametrize("who", ["customer_lead", "provider_member", "auditor"])
def test_everybody_reads_the_same_statement(them, who):
    shown = text_of(page(them, who))
    assert "Northwind Energy owes 4 answers, and Helpline 1 answer and 2 actions." in shown
    assert "Answers: Northwind Energy owes 4 and is owed 1, Helpline owes 1 and is owed 4. Together: 0." in shown
    assert "Actions: Northwind Energy owes 0 and is owed 2, Helpline owes 2 and is owed 0. Together: 0." in shown
    assert "The statement agrees with both accounts of each side." in shown
    assert shown == text_of(page(them, "provider_lead"))


def test_no_number_on_the_page_adds_two_kinds_or_two_sides(them):
    """Of 4 answers, 1 answer and 2 actions: no 3 of the provider's, no 5 of the answers, no 7 of all."""
    whole = page(them)
    for cells in re.findall(r"<tr>(.*?)</tr>", whole):
        numbers = re.findall(r'<td class="number">([^<]*)</td>', cells)
        assert not {"3", "5", "6", "7"} & set(numbers[-3:-2]), cells
    assert not re.search(r"\b(3|5|6|7) (promises|answers|actions)\b", text_of(whole))


def test_in_spanish_it_is_written_natively(them):
    shown = text_of(page(them, language="es"))
    assert "Northwind Energy debe 4 respuestas, y Helpline, 1 respuesta y 2 acciones." in shown
    assert "Helpline debe a Northwind Energy" in shown
    assert "El extracto coincide con las dos cuentas de cada parte." in shown


def test_filters_leave_what_they_ask_for(them):
    answers = page(them, query="?owes=customer&kind=answer")
    assert "Helpline owes Northwind Energy" not in text_of(answers).partition("Entries")[0].partition("Statement")[2]
    shown = text_of(answers).partition("Entries")[2]
    assert "First question" in shown
    assert "promised it" not in shown
    young, old = text_of(page(them, query="?age=0")), text_of(page(them, query="?age=3"))
    assert "What is open" in young
    assert "Spread lunch" in young.partition("What is open")[2].partition("Entries")[0]
    assert "Spread lunch" not in old.partition("What is open")[2].partition("Entries")[0]


@pytest.mark.parametrize(
    "query",
    ["?period=nonsense", "?from=2026-13-01&to=x", "?from=0001-01-01&to=9999-12-31", "?owes=nobody&kind=<b>&age=9",
     "?from=2026-06-30&to=2026-06-01", "?page=0"],
)  # fmt: skip
def test_what_an_address_cannot_mean_is_as_if_it_were_not_there(them, query):
    assert "Northwind Energy owes 4 answers" in text_of(page(them, query=query))


def test_a_month_before_anything_says_that_nothing_is_owed(them):
    shown = text_of(page(them, query="?period=2020-01"))
    assert "Neither side owes the other anything." in shown
    assert "No entries in this period." in shown
    assert "A promise begins when one side agrees" in shown


def test_entries_are_paged_and_cost_as_many_queries_of_one_as_of_three():
    def asked(them):
        browser = them.client("customer_lead")
        browser.get(them.url("ledger/"))  # what is asked once
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(them.url("ledger/")).status_code == 200
        return len(captured)

    one, three = cast(), cast()
    raised(one)
    for _ in range(3):
        raised(three)
    assert asked(one) == asked(three)


def test_csv_and_xlsx_have_every_entry_with_its_counter_entry(them):
    import openpyxl

    browser = them.client("auditor")
    rows = list(csv.DictReader(io.StringIO(browser.get(them.url("ledger/entries.csv")).content.decode())))
    assert len(rows) * 2 == len(ledger.lines(them))
    assert all(int(row["Northwind Energy"]) == -int(row["Helpline"]) for row in rows)
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get(them.url("ledger/entries.xlsx")).content)).active
    cells = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert cells[0] == list(rows[0])
    assert [row[0] for row in cells[1:]] == [row["Entry"] for row in rows]
    assert browser.get(them.url("ledger/entries.exe")).status_code == 404


def journal(them, query=""):
    answer = them.client("provider_lead").get(them.url(f"ledger/entries.journal{query}"))
    assert answer["content-disposition"].startswith("attachment")
    return answer.content.decode()


def balances(entries):
    sums = {}
    for entry in entries:
        for account, number, _ in entry.postings:
            sums[account] = sums.get(account, Decimal(0)) + number
    return {account: number for account, number in sums.items() if number}


def test_the_journal_parsed_back_is_the_ledger_and_balances(them):
    entries = parsed(journal(them))
    assert all(balanced(entry) for entry in entries)
    assert [int(entry.code) for entry in entries] == [one.number for one in ledger.transactions(them)]
    assert balances(entries) == {
        "customer:owes:answer": -4, "provider:due:answer": 4, "provider:owes:answer": -1, "customer:due:answer": 1,
        "provider:owes:action": -2, "customer:due:action": 2,
    }  # fmt: skip


def test_a_later_months_journal_opens_with_what_was_open(them):
    next_month = (timezone.now().date().replace(day=1) + timedelta(days=32)).strftime("%Y-%m")
    (opening,) = parsed(journal(them, f"?period={next_month}"))
    assert opening.code is None
    assert balanced(opening)
    assert balances([opening]) == balances(parsed(journal(them)))


@pytest.mark.long
def test_hledger_itself_finds_the_same_balances(them, tmp_path):
    """Fails where hledger is missing: its word is the reason for the file."""
    program = shutil.which("hledger")
    assert program, "hledger is not here; it is a package of that name on Debian, Homebrew and others"
    file = tmp_path / "ledger.journal"
    file.write_text(journal(them), encoding="utf-8")
    subprocess.run([program, "-f", file, "check"], check=True)
    told = subprocess.run(
        [program, "-f", file, "balance", "--flat", "--no-total", "-O", "csv"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {row["account"]: row["balance"] for row in csv.DictReader(io.StringIO(told))}
    assert {account: Decimal(text.split()[0]) for account, text in found.items()} == balances(parsed(journal(them)))


@pytest.mark.parametrize(("language", "said"), [("en", "Statement"), ("es", "Extracto")])
def test_the_statement_on_paper_says_what_the_page_says(them, language, said):
    import pypdf

    browser = them.client("customer_lead")
    browser.cookies["django_language"] = language
    answer = browser.get(them.url("ledger/statement.pdf"), headers={"accept-language": language})
    assert answer.status_code == 200
    paper = pypdf.PdfReader(io.BytesIO(answer.content))
    words = re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in paper.pages))
    assert said in words
    assert "Spread lunch" in words
    assert "Helpline" in words


def test_the_api_gives_rows_and_both_legs(them):
    told = ask(them, "customer_lead", "ledger").json()
    rows = {(row["debtor"], row["kind"]): row for row in told["rows"]}
    assert {key: Decimal(row["closing"]) for key, row in rows.items()} == {
        ("customer", "answer"): 4, ("provider", "answer"): 1, ("provider", "action"): 2,
    }  # fmt: skip
    assert told["holds"] is True
    legs = [line for one in told["transactions"] for line in one["lines"]]
    assert len(legs) == len(ledger.lines(them))
    assert not sum(Decimal(leg["amount"]) for leg in legs if leg["kind"] == "answer")
    only = ask(them, "customer_lead", "ledger?owes=provider&kind=action").json()
    assert {(row["debtor"], row["kind"]) for row in only["rows"]} == {("provider", "action")}
    assert {line["promise"].split("/")[1] for one in only["transactions"] for line in one["lines"]} == {"action"}
    assert ask(them, "customer_lead", "ledger?period=2020-01").json()["transactions"] == []


def test_a_file_of_the_ledger_is_in_the_log(them):
    journal(them)
    log = them.client("auditor").get(them.url("log/?what=reads")).content.decode()
    assert "downloaded the ledger ledger-" in log


def test_after_the_night_the_page_says_that_it_was_counted_again():
    them = cast()
    raised(them)
    assert "Not recounted from the steps yet" in text_of(page(them))
    ledger.recounted(them)
    assert "apart from the ledger: 1 matter, no difference." in text_of(page(them))
