"""A first draft: always a mapping that can be read, never a guess that becomes a figure, nothing personal in it."""

import csv
import io
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.model import SourceMapping, UnusableMappingError
from comity.book.mappings.parse import read_mapping
from comity.book.reading.open import open_book
from comity.book.tables import TABLES
from tests.builders.documented import write_workbook
from tests.builders.examples import examples
from tests.builders.mappings import written
from tests.builders.turns import every
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate

CALLS = """Call ID;Start;Queue;Outcome;Customer name;E-mail
1;31/01/2026 09:00;Care;answered;Ana;ana@example.test
2;31/01/2026 09:01;Care;abandoned;Ben;ben@example.test
"""


def reading(folder: Path, text: str) -> SourceMapping:
    return read_mapping(written(folder, "draft.toml", text))


def drafted(folder: Path, name: str, content: str | bytes, table: str | None = None) -> tuple[str, SourceMapping]:
    text = draft_mapping(written(folder, name, content), table)
    return text, reading(folder, text)


def columns(text: str) -> dict:
    return tomllib.loads(text)["columns"]


def test_headers_that_are_known_elsewhere_are_found(tmp_path):
    text, mapping = drafted(tmp_path, "calls.csv", CALLS)
    assert mapping.table == "contacts"
    assert columns(text) == {
        "contact_id": "Call ID",
        "opened_at": {"from": "Start", "format": "day-first"},
        "queue": "Queue",
        "outcome": "Outcome",
    }


def test_a_draft_of_a_plain_file_imports_it(tmp_path):
    drafted(tmp_path, "calls.csv", CALLS)
    book = write_book(tmp_path / "book")
    mapping = read_mapping(tmp_path / "draft.toml")
    outcome = import_source(
        book, tmp_path / "calls.csv", mapping, ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC))
    )
    assert (outcome.delivery.new, outcome.delivery.rejected) == (2, 0)


def test_nothing_of_a_personal_column_is_shown(tmp_path):
    text, _ = drafted(tmp_path, "calls.csv", CALLS)
    assert "Ana" not in text
    assert "example.test" not in text
    assert "Customer name: looks like a name" in text
    assert "E-mail: looks like an e-mail address" in text


def test_a_column_of_addresses_under_another_name_is_personal(tmp_path):
    text, _ = drafted(tmp_path, "a.csv", "Id,Reached at\n1,ana@example.test\n2,ben@example.test\n")
    assert "Reached at: looks like e-mail addresses" in text
    assert "example.test" not in text


def test_what_a_value_means_is_left_to_a_person_and_nothing_is_imported_until_then(tmp_path):
    content = "Call ID,Start,Result\n" + "".join(f"{n},2026-01-05 09:00,Hung up\n" for n in range(9))
    text, mapping = drafted(tmp_path, "calls.csv", content)
    assert columns(text)["outcome"]["values"] == {"Hung up": "FILL IN"}
    book = write_book(tmp_path / "book")
    with pytest.raises(UnusableMappingError, match="not sure of outcome"):
        import_source(book, tmp_path / "calls.csv", mapping, ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC)))


def test_a_required_column_that_no_header_promises_is_guessed_by_its_values_and_marked(tmp_path):
    text, _ = drafted(tmp_path, "calls.csv", "Foo,Start,Skill\nx1,2026-01-05 09:00,Care\nx2,2026-01-05 09:01,Care\n")
    line = next(line for line in text.splitlines() if line.startswith("contact_id"))
    assert line.startswith('contact_id = "Foo"')
    assert line.endswith("NOT SURE: by its values alone")


def test_what_cannot_be_guessed_is_to_be_filled_in(tmp_path):
    text, _ = drafted(tmp_path, "a.csv", "Foo,Bar\na,b\n", "prices")
    assert columns(text) == {"month": {"value": "FILL IN"}, "index": {"value": "FILL IN"}}


@pytest.mark.parametrize(
    ("cells", "order", "doubt"),
    [
        (("13/01/2026", "02/01/2026"), "day-first", False),
        (("01/13/2026", "01/02/2026"), "month-first", False),
        (("01/02/2026", "03/04/2026"), "day-first", True),
    ],
)
def test_which_comes_first_is_told_by_the_values_and_doubted_where_they_do_not_say(tmp_path, cells, order, doubt):
    content = "Call ID,Start\n" + "".join(f"{n},{cell} 09:00\n" for n, cell in enumerate(cells))
    text, _ = drafted(tmp_path, "a.csv", content)
    assert columns(text)["opened_at"]["format"] == order
    assert ("NOT SURE: no day above 12 was seen" in text) is doubt


def test_a_decimal_comma_is_seen(tmp_path):
    content = "Service;Month;Account;Quantity;Unit price\nCalls;2026-05;nw;10;2,50\nMails;2026-05;nw;10;1,25\n"
    text, mapping = drafted(tmp_path, "a.csv", content)
    assert mapping.table == "invoices"
    assert columns(text)["unit_price"] == {"from": "Unit price", "decimal": ","}


@pytest.mark.parametrize(("moment", "asked"), [("2026-01-05 09:00", True), ("2026-01-05T09:00:00Z", False)])
def test_the_zone_is_asked_for_where_times_do_not_say_it(tmp_path, moment, asked):
    text, _ = drafted(tmp_path, "a.csv", f"Call ID,Start\n1,{moment}\n")
    assert ("# zone =" in text) is asked


def test_titles_above_the_header_of_a_sheet_are_skipped(tmp_path):
    write_workbook(
        tmp_path / "w.xlsx",
        {"Week 1": "Weekly report,,\n,,\nQueue,Interval Start,Calls Offered\nCare,2026-01-05,10\n"},
    )
    text = draft_mapping(tmp_path / "w.xlsx")
    mapping = reading(tmp_path, text)
    assert (mapping.table, mapping.file.sheet) == ("intervals", "Week 1")
    assert columns(text)["offered"] == "Calls Offered"


@pytest.mark.parametrize(
    ("headers", "spelt"),
    [
        ([f"{day}/02/2026" for day in range(1, 8)], {"from": "day", "as": "day", "format": "day-first"}),
    ],
)
def test_days_across_become_rows(tmp_path, headers, spelt):
    content = f"Skill,Time,{','.join(headers)}\nCare,09:00,1,2,3,4,5,6,7\n"
    text, mapping = drafted(tmp_path, "plan_2026-01-15.csv", content, "forecasts")
    assert mapping.wide is not None
    assert columns(text)["start"] == {"sum": [spelt, {"from": "Time", "as": "clock"}]}
    assert columns(text)["offered"] == "volume"
    book, source = write_book(tmp_path / "book"), tmp_path / "plan_2026-01-15.csv"
    request = ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC))
    with pytest.raises(UnusableMappingError, match="not sure of issued_on"):
        import_source(book, source, mapping, request)
    filled = text.replace('issued_on = { value = "FILL IN" }', 'issued_on = { value = "2026-01-15" }')
    filled = filled.replace('ask = ["issued_on"]', "")
    outcome = import_source(book, source, reading(tmp_path, filled), request)
    assert (outcome.delivery.new, outcome.delivery.rejected) == (7, 0)


def test_days_across_as_a_known_format_writes_them_are_told_to_be_it(tmp_path):
    headers = ",".join(f"2026-02-{day:02}" for day in range(1, 8))
    text, mapping = drafted(tmp_path, "plan_2026-01-15.csv", f"Skill,Time,{headers}\nCare,09:00,1,2,3,4,5,6,7\n")
    assert "this is forecast_workbook" in text
    request = ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC))
    outcome = import_source(write_book(tmp_path / "book"), tmp_path / "plan_2026-01-15.csv", mapping, request)
    assert (outcome.delivery.new, outcome.delivery.rejected) == (7, 0)


def test_json_has_a_draft_as_well(tmp_path):
    _, mapping = drafted(tmp_path, "a.jsonl", '{"contact_id": "1", "opened_at": "2026-01-05T09:00:00Z"}\n' * 2)
    assert (mapping.table, mapping.file.kind) == ("contacts", "json")


@pytest.mark.parametrize("table", every(3, TABLES))
def test_a_file_with_a_tables_own_columns_is_known_to_be_of_that_table(tmp_path, table):
    header = ",".join(column.name for column in TABLES[table].columns)
    _, mapping = drafted(tmp_path, "own.csv", f"{header}\n{',' * header.count(',')}\n")
    assert mapping.table == table


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_has_no_draft(tmp_path, content):
    with pytest.raises(UnusableSourceError):
        draft_mapping(written(tmp_path, "a.csv", content))


CALLS_DE = """Datum;Intervall;Hotline;Angeboten;Angenommen;Angenommen < 20 s;Ø Bearbeitungszeit (s);Servicelevel %
13.07.2026;07:00-07:30;Hotline IT;3;2;2;415,9;66,7
13.07.2026;07:30-08:00;Hotline IT;5;4;3;389,3;60,0
"""


def test_what_a_header_says_beside_its_name_is_proposed_and_asked(tmp_path):
    """A threshold and a mean: read from the header, and nothing is imported until somebody has looked."""
    text, mapping = drafted(tmp_path, "calls.csv", CALLS_DE)
    assert mapping.table == "intervals"
    found = columns(text)
    assert (found["answered_within"], found["threshold_s"]) == ("Angenommen < 20 s", {"value": "20"})
    assert found["handle_s"]["product"][0] == "Angenommen"
    assert set(mapping.ask) == {"threshold_s", "handle_s"}
    book = write_book(tmp_path / "book")
    request = ImportRequest("Ana", datetime(2026, 8, 1, tzinfo=UTC))
    with pytest.raises(UnusableMappingError, match="not sure of threshold_s, handle_s"):
        import_source(book, tmp_path / "calls.csv", mapping, request)
    sure = reading(tmp_path, text.replace("ask = [", "# ask = ["))
    assert import_source(book, tmp_path / "calls.csv", sure, request).delivery.new == 2
    with open_book(book, JOINT) as opened:
        rows = opened.table("intervals").to_pyarrow().to_pylist()
    assert sorted((row["answered_within"], row["threshold_s"], row["handle_s"]) for row in rows) == [
        (2, 20.0, 831.8),
        (3, 20.0, 1557.2),
    ]


SURVEY_DE = """Antwort-ID;Datum;Ticketnummer;Zufriedenheit (1-5);Kommentar
U1;13.07.2026 06:12;INC1;5;
U2;14.07.2026 19:15;INC2;3;Problem
"""


def test_a_survey_is_drafted_as_one_with_its_scale_and_its_day(tmp_path):
    text, mapping = drafted(tmp_path, "survey.csv", SURVEY_DE)
    found = columns(text)
    assert (mapping.table, found["response_id"], found["respondent_id"]) == ("surveys", "Antwort-ID", "Antwort-ID")
    assert (found["scale_min"], found["scale_max"], found["instrument"]) == (
        {"value": "1"},
        {"value": "5"},
        {"value": "csat"},
    )
    assert found["answered_on"] == {"from": "Datum", "format": "day-first"}
    assert {"audience", "respondent_id", "instrument", "scale_min", "scale_max"} <= set(mapping.ask)


def test_a_column_without_which_no_figure_is_made_is_asked_for(tmp_path):
    text, mapping = drafted(tmp_path, "survey.csv", "Response ID,Score\nU1,5\nU2,3\n", "surveys")
    assert "answered_on" not in columns(text)
    assert "answered_on" in mapping.ask


TICKETS_DE = """Ticketexport,,,,
,,,,
Ticketnummer,Erstellt am,Status,Wartezeit (mm:ss),Gelöst am
INC1,13.07.2026 06:00,Geschlossen,3:10,13.07.2026 09:00
INC2,13.07.2026 06:31,Gelöscht,,
INC3,13.07.2026 06:35,In Bearbeitung,2:05,
Summe,,,,
"""


def test_a_ticket_has_a_state_and_no_outcome_and_its_draft_can_be_read(tmp_path):
    """What was deleted is left out, the row of the sum too; the header is found however many lines stand above it."""
    write_workbook(tmp_path / "w.xlsx", {"Tickets": TICKETS_DE})
    text = draft_mapping(tmp_path / "w.xlsx")
    mapping = reading(tmp_path, text)
    found = tomllib.loads(text)
    assert "outcome" not in found["columns"]
    assert found["columns"]["answered_at"] == {"sum": [{"use": "opened_at"}, {"use": "wait_s"}]}
    assert found["rows"] == [{"column": "Status", "not": ["Gelöscht"]}]
    assert found["totals"] == [{"column": "Ticketnummer", "is": ["Summe"]}]
    assert found["file"] == {"sheet": "Tickets", "header_has": "Ticketnummer"}
    assert set(mapping.ask) == {"totals", "rows", "answered_at"}
    write_workbook(tmp_path / "w.xlsx", {"Tickets": f"One more line,,,,\n{TICKETS_DE}"})
    request = ImportRequest("Ana", datetime(2026, 8, 1, tzinfo=UTC))
    sure = reading(tmp_path, text.replace("ask = [", "# ask = ["))
    outcome = import_source(write_book(tmp_path / "book"), tmp_path / "w.xlsx", sure, request)
    assert (outcome.delivery.new, outcome.delivery.rejected) == (2, 0)


def test_a_ticket_that_says_only_when_it_was_closed_asks_whether_it_was_resolved_then(tmp_path):
    """Without it no deadline can be judged, and nothing would say so."""
    lines = "Ticket Id,Created Time,Due Date,Closed Time", "1,2026-01-05 09:00,2026-01-05 17:00,2026-01-05 16:00"
    draft = draft_mapping(written(tmp_path, "t.csv", "\n".join(lines)))
    assert 'resolved_at = "Closed Time"  # NOT SURE' in draft
    assert "resolved_at" in tomllib.loads(draft)["ask"]


def test_a_state_that_only_a_late_row_has_is_among_the_values(tmp_path):
    lines = [f"{n},2026-01-13 09:00,answered" for n in range(700)]
    content = "\n".join(["Call ID,Start,Result", *lines, "700,2026-01-13 09:00,Hung up"])
    text, _ = drafted(tmp_path, "calls.csv", content)
    assert columns(text)["outcome"]["values"] == {"answered": "answered", "Hung up": "FILL IN"}


@pytest.mark.parametrize(
    ("service", "tax", "gross"),
    every(
        2,
        [
            ("Service", "VAT 20 %", "Invoice total"),
            ("Concepto", "IVA 21 %", "Importe total"),
            ("Position", "USt. 19 %", "Rechnungsbetrag brutto"),
            ("Prestation", "TVA 20 %", "Total TTC"),
            ("Serviço", "IVA 23 %", "Total a pagar"),
            ("Servizio", "IVA 22 %", "Importo totale"),
        ],
        unpack=True,
    ),
)
def test_taxes_and_sums_of_an_invoice_are_no_services(tmp_path, service, tax, gross):
    content = (
        f"Month;Invoice;{service};Quantity;Unit price;Amount\n2026-05;A;Calls;10;2.50;25.00\n"
        f"2026-05;A;{tax};;;5.00\n2026-05;A;{gross};;;30.00\n"
    )
    text, mapping = drafted(tmp_path, "a.csv", content)
    assert mapping.table == "invoices"
    assert "totals" in mapping.ask
    kept = reading(tmp_path, text.replace("ask = [", "# ask = [").replace('value = "FILL IN"', 'value = "nw"'))
    request = ImportRequest("Ana", datetime(2026, 8, 1, tzinfo=UTC))
    outcome = import_source(write_book(tmp_path / "book"), tmp_path / "a.csv", kept, request)
    assert (outcome.delivery.rows_in, outcome.delivery.new) == (1, 1)


NASTY = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=0, max_size=12
) | st.sampled_from(
    ['"', "\\", "'''", '"""', "#", "]", "[columns]", "\n[file]", "=", "re:(", "re:x ?", "01/02/2026", "%d", "é\u2028"]
)


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.lists(NASTY, min_size=1, max_size=6),
    cells=st.lists(st.lists(NASTY, min_size=6, max_size=6), max_size=4),
)
def test_a_draft_can_always_be_read_whatever_stands_in_the_file(tmp_path, headers, cells):
    """Nothing that a file says leaves its comment or its text."""
    out = io.StringIO()
    csv.writer(out).writerows([headers, *(line[: len(headers)] for line in cells)])
    source = written(tmp_path, "nasty.csv", out.getvalue())
    try:
        text = draft_mapping(source)
    except UnusableSourceError:
        return
    found = tomllib.loads(text)
    assert set(found) <= {"table", "about", "ask", "zone", "file", "let", "rows", "totals", "columns", "wide"}
    reading(tmp_path, text)


@pytest.mark.shared
@pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.long)])
def test_every_real_file_gets_a_draft_that_can_be_read(shared, tmp_path, every):
    """In the gate every fourth file, by size: files beside each other in a folder are alike."""
    files = [file for file in (shared / "data").rglob("*") if file.suffix in {".gz", ".csv", ".xlsx"}]
    assert len(files) > 10
    for file in sorted(files, key=lambda file: file.stat().st_size)[::every]:
        reading(tmp_path, draft_mapping(file))


def test_hours_of_staff_are_asked_about_as_they_are_no_people(tmp_path):
    """2.5 hours in a quarter of an hour are ten people; taken as they stand, the plan was short by three quarters."""
    rows = [f"Care;13/01/2026;09:{minute:02};2,5;2,25" for minute in (0, 15, 30, 45)]
    text, _ = drafted(tmp_path, "s.csv", "\n".join(["Team;Date;Interval;Required hours;Committed hours", *rows]) + "\n")
    assert tomllib.loads(text)["ask"] == ["required", "scheduled"]
    assert "hours are not people: of intervals of 15 minutes write times = 4" in text


@pytest.mark.parametrize(
    ("months", "form"),
    [(("2026-01", "2026-02"), "%Y-%m"), (("01/2026", "02/2026"), "%m/%Y"), (("Jan 2026", "Feb 2026"), "%b %Y")],
)
def test_a_monthly_report_is_drafted_with_rows_that_last_their_month(tmp_path, months, form):
    """January has 44,640 minutes and February 2026 has 40,320; the file alone would have shown days at best."""
    content = "\n".join(["Queue,Month,Received,Answered,Missed", *(f"North,{one},1100,950,150" for one in months)])
    text, mapping = drafted(tmp_path, "m.csv", content + "\n")
    assert columns(text)["start"] == {"from": "Month", "format": form}
    book = write_book(tmp_path / "book")
    import_source(book, tmp_path / "m.csv", mapping, ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC)))
    with open_book(book, JOINT) as opened:
        held = opened.table("intervals").to_pyarrow().to_pylist()
    assert sorted(row["minutes"] for row in held) == [40320, 44640]


def test_a_log_is_drafted_so_that_each_contact_opens_with_its_first_row(tmp_path):
    """Three updates each of two requests: taken by rows they were six contacts, or the last update opened them."""
    states = list(enumerate(("New", "Open", "Closed")))
    rows = [f"SR{n};2026-01-0{n + k} 09:00:00;{state};Desk" for n in (1, 2) for k, state in states]
    text, _ = drafted(tmp_path, "log.csv", "\n".join(["SR Number;Update time;Status;Group", *rows]) + "\n")
    assert columns(text)["opened_at"] == {"from": "Update time", "over": "min"}
    assert tomllib.loads(text)["ask"] == ["opened_at"]
    looked = reading(tmp_path, text.replace('ask = ["opened_at"]', ""))
    book = write_book(tmp_path / "book")
    import_source(book, tmp_path / "log.csv", looked, ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC)))
    with open_book(book, JOINT) as opened:
        held = {row["contact_id"]: row["opened_at"].day for row in opened.table("contacts").to_pyarrow().to_pylist()}
    assert held == {"SR1": 1, "SR2": 2}


def test_a_value_beside_a_month_is_no_price_index_and_purchases_are_no_list_of_customers(tmp_path):
    """Of the public set of purchases the draft said `prices`, and then that each purchase is a customer."""
    rows = [f"{n % 5},1997-0{1 + n % 6}-1{n % 9},{1 + n % 3},{12.5 * (1 + n % 3)}" for n in range(60)]
    text, _ = drafted(tmp_path, "p.csv", "\n".join(["customer_id,date,quantity,dollar_value", *rows]) + "\n")
    said = tomllib.loads(text)
    assert (said["table"], said["columns"]["amount"]) == ("invoices", "dollar_value")
    assert "service" in said["ask"]


def asked(text: str) -> list[str]:
    return tomllib.loads(text).get("ask", [])


@pytest.mark.parametrize(
    ("headers", "spelt"),
    [
        ("Tag;Hotline;Erwartete Anrufe", "day-first"),
        ("Día;Cola;Llamadas esperadas", "day-first"),
        ("Jour;File d'attente;Appels attendus", "day-first"),
        ("Giorno;Coda;Chiamate attese", "day-first"),
    ],
)
def test_what_is_expected_by_day_is_a_forecast_with_its_queue_and_its_start(tmp_path, headers, spelt):
    """A forecast by day in the planners' own words; when it was made nobody can read from it."""
    rows = "".join(f"{day:02}.01.2026;Billing;{day + 0.5}\n".replace(".5", ",5") for day in range(1, 21))
    text, _ = drafted(tmp_path, "export.csv", f"{headers}\n{rows}")
    day, queue, expected = headers.split(";")
    assert tomllib.loads(text)["table"] == "forecasts"
    assert asked(text) == ["issued_on"]
    found = columns(text)
    assert found["queue"] == queue
    assert found["start"] == {"from": day, "format": spelt}
    assert found["offered"] == {"from": expected, "decimal": ","}


@pytest.mark.parametrize("places", ["Plätze", "Agents", "Puestos", "Effectif", "Postazioni"])
def test_people_by_half_hour_are_a_schedule_whose_day_and_clock_are_joined(tmp_path, places):
    rows = "".join(f"{day:02}.01.2026;{hour:02}:30;Billing;{hour % 4}\n" for day in (12, 13, 14) for hour in (8, 9, 10))
    text, _ = drafted(tmp_path, "roster.csv", f"Datum;Beginn;Team;{places}\n{rows}")
    assert tomllib.loads(text)["table"] == "schedules"
    assert asked(text) == []
    start = {"sum": [{"from": "Datum", "as": "day", "format": "day-first"}, {"from": "Beginn", "as": "clock"}]}
    found = columns(text)
    assert (found["queue"], found["start"], found["scheduled"]) == ("Team", start, places)


QUESTIONS = (
    "Wie zufrieden waren Sie mit dem Gespräch? (1-5)",
    "How satisfied were you with the call? (1-5)",
    "¿Qué tan satisfecho quedó? Satisfacción con la llamada (1-5)",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_without_a_name_are_a_survey_and_no_list_of_customers(tmp_path, question):
    """A form's export: when, who, one question. As a list of accounts it would have been imported without a word."""
    rows = "".join(f"{day:02}.01.2026 10:00,K{day:03},{day % 5 + 1},\n" for day in range(1, 25))
    text, mapping = drafted(tmp_path, "form.csv", f'Zeitstempel,Kundennummer,"{question}",Kommentar\n{rows}')
    assert mapping.table == "surveys"
    assert {"response_id", "audience", "respondent_id", "instrument"} <= set(asked(text))
    found = columns(text)
    assert found["score"] == question
    assert found["response_id"] == {"join": [{"file": True}, {"row": True}], "with": "-"}
    assert (found["scale_min"], found["scale_max"]) == ({"value": "1"}, {"value": "5"})


def test_of_several_questions_the_score_is_asked_for_and_dissatisfaction_is_none(tmp_path):
    questions = ("How dissatisfied were you?", "How satisfied with the call?", "How satisfied with the wait?")
    head = ",".join(["Timestamp", *(f"{question} (1-5)" for question in questions)])
    rows = "".join(f"2026-01-{day:02},1,{day % 5 + 1},3\n" for day in range(1, 25))
    text, mapping = drafted(tmp_path, "form.csv", f"{head}\n{rows}")
    assert mapping.table == "surveys"
    assert "score" in asked(text)
    assert columns(text)["score"] == "How satisfied with the call? (1-5)"


def test_a_list_of_which_only_the_id_is_known_asks_what_it_is(tmp_path):
    rows = "".join(f"K{number:03},{number},x{number},y{number}\n" for number in range(30))
    text, _ = drafted(tmp_path, "list.csv", f"Kundennummer,Punkte,Etwas,Anderes\n{rows}")
    assert "table" in asked(text)


def test_an_invoice_without_quantities_counts_each_line_as_one_once_somebody_says_so(tmp_path):
    rows = 'R-1;01.2026;Nord;Calls;"12.600,00"\nR-2;02.2026;Nord;Calls;"12.700,00"\n'
    text, _ = drafted(tmp_path, "invoices.csv", f"Rechnungsnr;Monat;Kunde;Leistung;Betrag netto\n{rows}")
    assert asked(text) == ["quantity"]
    assert columns(text)["quantity"] == {"value": 1}


@pytest.mark.parametrize("word", ["Mailbox", "Anrufbeantworter", "Buzón", "Messagerie"])
def test_a_machine_that_took_the_call_is_voicemail(tmp_path, word):
    rows = f"1;31.01.2026 09:00;Angenommen\n2;31.01.2026 09:01;{word}\n"
    text, _ = drafted(tmp_path, "calls.csv", f"Anruf-ID;Beginn;Ergebnis\n{rows}")
    assert columns(text)["outcome"]["values"] == {"Angenommen": "answered", word: "voicemail"}
