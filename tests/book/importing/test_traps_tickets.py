"""The traps of ticket systems' exports, each sprung once; what of it would have been a figure is said where needed.

The files are made by hand after what the vendors document; see docs/sources.md for what stands behind each.
"""

from datetime import datetime
from pathlib import Path

import pytest

from comity.book.formats.sheet import UnusableSourceError
from comity.book.mappings.recognise import matching_mappings
from tests.builders.bringing import assert_known, at, bring, column, csv, faults, rows, workbook
from tests.builders.mappings import drawn
from tests.builders.turns import every
from tests.cast import write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "book")


def promises(book: Path) -> list[tuple]:
    return [
        (row["contact_id"], row["name"], row["kind"], row["state"], row["source_verdict"])
        for row in rows(book, "deadlines")
    ]


# Zammad -------------------------------------------------------------------------------------------------------------

ZAMMAD = [
    "#", "Title", "State", "Priority", "Group", "Owner", "Customer", "Organization", "Create Channel", "Created At",
    "Updated At", "Closed At", "Close Escalation At", "Close In Min", "Close Diff In Min", "First Response At",
    "First Response Escalation At", "First Response In Min", "First Response Diff In Min", "Update Escalation At",
    "Update In Min", "Update Diff In Min", "Article Count", "Escalation At",
]  # fmt: skip


def zammad(tmp_path: Path, *tickets: dict[str, object], zone: str = "Europe/Madrid") -> bytes:
    """As Zammad writes it: the title, an empty row, the header; below the records an empty row and the zone."""
    same = {"Title": "secret", "Priority": "2 normal", "Group": "Care", "Owner": "Ana", "Create Channel": "phone"}
    lines = [[{**same, **ticket}.get(name) for name in ZAMMAD] for ticket in tickets]
    cells = [["2026-1"], [], ZAMMAD, *lines, [], [f"Timezone: {zone}"]]
    return workbook(tmp_path / "made.xlsx", {"Sheet1": cells})


def ticket(number: str, state: str = "open", **more: object) -> dict[str, object]:
    opened = {"Created At": datetime(2026, 1, 5, 9), "Updated At": datetime(2026, 1, 6)}  # noqa: DTZ001 - a cell
    return {"#": number, "State": state, **opened, **{key.replace("_", " "): value for key, value in more.items()}}


def test_zammad_writes_the_zone_of_its_times_below_the_records(tmp_path, book):
    """09:00 in Lima is 14:00 UTC; the zone of the book would have made it 08:00."""
    outcome = bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("20001"), zone="America/Lima"))
    assert column(book, "opened_at") == [at(2026, 1, 5, 14)]
    assert (faults(outcome), column(book, "contact_id")) == ([], ["20001"])
    assert "times were read in America/Lima, as the file says" in outcome.notes


def test_zammad_saved_as_csv_says_its_zone_too(book):
    empty = "," * (len(ZAMMAD) - 1)
    line = dict.fromkeys(ZAMMAD, "") | {"#": "20001", "State": "open", "Created At": "2026-01-05 09:00:00"}
    text = csv(f"2026-1{empty}", empty, ",".join(ZAMMAD), ",".join(line.values()), empty, f"Zeitzone: UTC{empty}")
    outcome = bring(book, "zammad_tickets", "z.csv", text)
    assert (faults(outcome), column(book, "opened_at")) == ([], [at(2026, 1, 5, 9)])


def test_zammad_keeps_the_first_close_of_a_ticket_that_is_open_again(tmp_path, book):
    closed = datetime(2026, 1, 5, 12)  # noqa: DTZ001 - a cell
    content = zammad(tmp_path, ticket("1", "closed", Closed_At=closed), ticket("2", "open", Closed_At=closed))
    bring(book, "zammad_tickets", "z.xlsx", content)
    assert column(book, "resolved_at") == [at(2026, 1, 5, 11), None]


def test_zammad_tells_what_became_of_a_promise_by_its_minutes_and_empties_its_due_time(tmp_path, book):
    """Below zero it was late; none left is in time. A due time is there only while the clock runs."""
    later = datetime(2026, 1, 7, 9)  # noqa: DTZ001 - a cell
    content = zammad(
        tmp_path,
        ticket("1", "closed", Close_Diff_In_Min=-1, First_Response_Diff_In_Min=0, Closed_At=later),
        ticket("2", Close_Escalation_At=later, Update_Escalation_At=later),
        ticket("3", "pending reminder"),
    )
    bring(book, "zammad_tickets", "z.xlsx", content)
    assert promises(book) == [
        ("1", "Close", "resolution", "missed", "missed"),
        ("1", "First Response", "response", "met", "met"),
        ("2", "Close", "resolution", "running", None),
        ("2", "Update", "other", "running", None),
    ]
    assert column(book, "due_at") == [None, at(2026, 1, 7, 8), None]
    assert column(book, "sla_met") == [False, None, None]


def test_zammad_tickets_that_were_merged_are_another_ticket(tmp_path, book):
    bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("1", "merged", Close_Diff_In_Min=-9), ticket("2")))
    assert (column(book, "contact_id"), promises(book)) == (["2"], [])


def test_zammad_of_months_pasted_together_the_ticket_updated_last_counts(tmp_path, book):
    newer = ticket("1", Group="Night", Updated_At=datetime(2026, 2, 9))  # noqa: DTZ001 - a cell
    outcome = bring(book, "zammad_tickets", "z.xlsx", zammad(tmp_path, newer, ticket("1", Group="Day")))
    assert (column(book, "queue"), outcome.delivery.rejected) == (["Night"], 0)


@pytest.mark.long
def test_zammad_is_recognised(tmp_path):
    assert_known(tmp_path, "zammad_tickets", "z.xlsx", zammad(tmp_path, ticket("1", "closed", Close_Diff_In_Min=-1)))


# Salesforce ---------------------------------------------------------------------------------------------------------

CASES = "Case Number,Account Name,Case Owner,Date/Time Opened,Date/Time Closed,Age (Hours),Status,Case Origin,Type"
FOOT = (
    "",
    "Cases of January",
    '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."',
    "Confidential Information - Do Not Distribute",
    "Generated By: Ana 31/1/2026 9:00",
)


def test_salesforce_prints_a_foot_below_the_records(book):
    line = '"00001026","Nw","Ana","13/1/2026 9:00","13/1/2026 11:00","2.00","Closed","Phone","Problem"'
    outcome = bring(book, "salesforce_cases", "s.csv", csv(CASES, line, *FOOT))
    assert (faults(outcome), column(book, "contact_id")) == ([], ["00001026"])
    assert "Case Owner" in outcome.unmapped


def test_salesforce_case_numbers_keep_their_leading_zeros(book):
    """As numbers 00001026 and 1026 would be two cases in two deliveries."""
    line = "00001026,Nw,Ana,2026-01-13 09:00,,2,New,Email,Problem"
    bring(book, "salesforce_cases", "s.csv", csv(CASES, line))
    assert [(row["contact_id"], row["channel"]) for row in rows(book)] == [("00001026", "mail")]


def test_salesforce_dates_follow_whoever_exports_and_are_not_guessed(book):
    """The fifth of January or the first of May: refused. A day above 12 shows the order of the whole column."""
    line = "1,Nw,Ana,{},,2,New,Email,Problem"
    with pytest.raises(UnusableSourceError, match='begins with the day or the month; write format = "day-first"'):
        bring(book, "salesforce_cases", "s.csv", csv(CASES, line.format("1/5/2026 9:00 AM")))
    bring(book, "salesforce_cases", "s.csv", csv(CASES, line.format("1/25/2026 9:00 AM")))
    assert column(book, "opened_at") == [at(2026, 1, 25, 8)]


def test_salesforce_a_closed_date_is_a_day_and_closes_nothing(book):
    """Its midnight lies before the case was opened."""
    header = CASES.replace("Date/Time Closed", "Closed Date")
    line = "1,Nw,Ana,2026-01-13 09:00,2026-01-13,2,Closed,Email,Problem"
    outcome = bring(book, "salesforce_cases", "s.csv", csv(header, line))
    assert (faults(outcome), column(book, "resolved_at")) == ([], [None])
    assert any("add Date/Time Closed" in note for note in outcome.notes)


MILESTONES = (
    "Case Number,Date/Time Opened,Date/Time Closed,Stopped,Milestone,Start Date,Target Date,Completion Date,"
    "Completed,Violation"
)


def test_salesforce_every_milestone_is_a_promise_of_its_case(book):
    """One case of three milestones is one contact; a milestone that is open and not broken has kept nothing."""
    case = "00001026,2026-01-05 09:00,,{stopped},{name},2026-01-05 09:00,2026-01-05 {due},,{completed},{violation}"
    lines = [
        case.format(stopped=0, name="First Response", due="09:30", completed=1, violation=0),
        case.format(stopped=0, name="Resolution Time", due="17:00", completed=0, violation=1),
        case.format(stopped=1, name="Call back", due="12:00", completed=0, violation=0),
    ]
    outcome = bring(book, "salesforce_cases", "m.csv", csv(MILESTONES, *lines))
    assert (faults(outcome), column(book, "contact_id")) == ([], ["00001026"])
    assert promises(book) == [
        ("00001026", "Call back", "other", "paused", None),
        ("00001026", "First Response", "response", "met", "met"),
        ("00001026", "Resolution Time", "resolution", "missed", "missed"),
    ]


def test_salesforce_a_milestone_that_comes_again_counts_from_its_last_start(book):
    line = "1,2026-01-05 09:00,,0,Next response,2026-01-{0} 09:00,2026-01-{0} 12:00,,{1},0"
    bring(book, "salesforce_cases", "m.csv", csv(MILESTONES, line.format("08", 0), line.format("06", 1)))
    assert [(row["due_at"], row["state"]) for row in rows(book, "deadlines")] == [(at(2026, 1, 8, 11), "running")]


@pytest.mark.long
def test_salesforce_is_recognised(tmp_path):
    line = "00001026,Nw,Ana,2026-01-13 09:00,2026-01-13 11:00,2,Closed,Phone,Problem"
    assert_known(tmp_path, "salesforce_cases", "s.csv", csv(CASES, line))


# HubSpot ------------------------------------------------------------------------------------------------------------

HUBSPOT = (
    "Ticket ID,Ticket name,Pipeline,Ticket status,Create date,Close date,Priority,Source,Ticket owner,"
    "Last modified date,Time to First Response SLA Due Date,Time to First Response SLA Status,"
    "Time to Close SLA Due Date,Time to Close SLA Ticket Status"
)


def hubspot(number: int, closed: str, first: str, close: str) -> str:
    return (
        f"{number},secret,Support,Open,2026-01-05 09:00,{closed},High,Phone,Ana,2026-01-06 09:00,"
        f"2026-01-05 10:00,{first},2026-01-05 17:00,{close}"
    )


def test_hubspot_has_a_promise_of_the_first_response_and_one_of_the_close(book):
    bring(
        book,
        "hubspot_tickets",
        "h.csv",
        csv(
            HUBSPOT,
            hubspot(1, "2026-01-05 12:00", "Completed late", "Completed on time"),
            hubspot(2, "", "Active SLA", "Due Soon"),
            hubspot(3, "", "Completed on time", "Paused"),
        ),
    )
    assert promises(book) == [
        ("1", "Time to close", "resolution", "met", "met"),
        ("1", "Time to first response", "response", "missed", "missed"),
        ("2", "Time to close", "resolution", "running", None),
        ("2", "Time to first response", "response", "running", None),
        ("3", "Time to close", "resolution", "paused", None),
        ("3", "Time to first response", "response", "met", "met"),
    ]
    assert column(book, "sla_met") == [True, None, None]


def test_hubspot_a_ticket_that_is_overdue_and_open_has_missed_already(book):
    """Counted when it closes, it would flatter every month with a backlog."""
    bring(book, "hubspot_tickets", "h.csv", csv(HUBSPOT, hubspot(1, "", "Overdue", "Overdue")))
    assert column(book, "sla_met") == [False]
    assert {row["state"] for row in rows(book, "deadlines")} == {"missed"}


def test_hubspot_a_status_that_is_not_known_is_a_reject_and_no_guess(book):
    lines = [hubspot(number, "", "Active SLA", "Active SLA") for number in range(30)]
    outcome = bring(book, "hubspot_tickets", "h.csv", csv(HUBSPOT, *lines, hubspot(99, "", "Active SLA", "Snoozed")))
    assert len(column(book, "contact_id")) == 31
    assert (outcome.delivery.rejected, len(rows(book, "deadlines"))) == (0, 61)


def test_hubspot_without_slas_feeds_the_tickets_alone(book):
    outcome = bring(book, "hubspot_tickets", "h.csv", csv("Ticket ID,Pipeline,Create date", "1,Care,2026-01-05 09:00"))
    assert (column(book, "queue"), rows(book, "deadlines")) == (["Care"], [])
    assert any(note.startswith("nothing for deadlines") for note in outcome.notes)


@pytest.mark.long
def test_hubspot_is_recognised(tmp_path):
    line = hubspot(1, "2026-01-05 12:00", "Completed late", "Completed on time")
    assert_known(tmp_path, "hubspot_tickets", "h.csv", csv(HUBSPOT, line))


# Freshservice -------------------------------------------------------------------------------------------------------

SERVICE = (
    "Subject,Type,Status,Urgency,Impact,Priority,Group,Agent,Department,Category,Source,Ticket Id,Created Time,"
    "Due by Time,Resolved Time,Closed Time,Last Updated Time,Initial Response Time,First Response Time (in Hrs),"
    "Resolution Time (in Hrs),Resolution Status,First Response Status"
)
SERVED = (
    "secret,Incident,{status},Low,Low,High,Desk,Ana,Claims,Network,Phone,7,2026-01-09 17:30:00,2026-01-12 17:00:00,"
    "{resolved},,2026-01-12 10:00:00,2026-01-12 09:10:00,00:40:00,01:00:00,{verdict},SLA Violated"
)


def test_freshservice_business_hours_are_no_distance_on_a_clock(book):
    """Opened on Friday at 17:30, resolved on Monday at 9:30: an hour of business."""
    line = SERVED.format(status="Resolved", resolved="2026-01-12 09:30:00", verdict="Within SLA")
    bring(book, "freshservice_tickets", "s.csv", csv(SERVICE, line))
    assert column(book, "answered_at") == [at(2026, 1, 12, 8, 10)]
    assert column(book, "resolved_at") == [at(2026, 1, 12, 8, 30)]


def test_freshservice_the_first_response_is_another_promise_than_the_resolution(book):
    line = SERVED.format(status="Resolved", resolved="2026-01-12 09:30:00", verdict="Within SLA")
    bring(book, "freshservice_tickets", "s.csv", csv(SERVICE, line))
    assert promises(book) == [
        ("7", "First Response", "response", None, "missed"),
        ("7", "Resolution", "resolution", None, "met"),
    ]
    assert column(book, "due_at", "deadlines") == [None, at(2026, 1, 12, 16)]


def test_freshservice_a_pending_ticket_waits_for_somebody_else(book):
    bring(
        book,
        "freshservice_tickets",
        "s.csv",
        csv(SERVICE, SERVED.format(status="Pending", resolved="", verdict="")),
    )
    assert column(book, "state", "deadlines") == [None, "paused"]


def test_freshservice_and_freshdesk_call_nearly_all_alike_and_are_told_apart(tmp_path):
    line = SERVED.format(status="Resolved", resolved="2026-01-12 09:30:00", verdict="Within SLA")
    assert_known(tmp_path, "freshservice_tickets", "s.csv", csv(SERVICE, line))
    desk = tmp_path / "desk.csv"
    desk.write_text(csv(SERVICE.replace("Urgency,Impact,", "Product,Survey results,"), line), encoding="utf-8")
    assert [fit.mapping for fit in matching_mappings(desk)][:1] == ["freshdesk_tickets"]


# Jira in Spanish and German -----------------------------------------------------------------------------------------

JIRA_ES = (
    "Tipo de Incidencia,Clave de incidencia,Resumen,Responsable,Informador,Prioridad,Estado,Creada,Actualizada,"
    "Fecha de vencimiento,Resuelta,Campo personalizado (Time to first response),"
    "Campo personalizado (Time to resolution),Campo personalizado (Organizations)"
)
JIRA_DE = (
    "Zusammenfassung,Vorgangsschlüssel,Vorgangs-ID,Vorgangstyp,Status,Projektschlüssel,Priorität,Autor,Erstellt,"
    "Aktualisiert,Erledigt,Fälligkeitsdatum,Benutzerdefinierte Felder (Time to resolution)"
)


def test_jira_in_spanish_spells_months_in_spanish(book):
    line = "Incidente,IT-1,secreto,Ana,Luis,Alta,Cerrada,19/ene/26 12:47 PM,20/ene/26 9:00 AM,,{},-0:10,4:00,Nw"
    bring(book, "jira_sm", "j.csv", csv(JIRA_ES, line.format("20/ene/26 9:00 AM")))
    assert [(row["opened_at"], row["resolved_at"], row["account_id"], row["reason"]) for row in rows(book)] == [
        (at(2026, 1, 19, 11, 47), at(2026, 1, 20, 8), "Nw", "Incidente")
    ]
    assert promises(book) == [
        ("IT-1", "Time to first response", "response", "missed", "missed"),
        ("IT-1", "Time to resolution", "other", "met", "met"),
    ]


def test_jira_in_german_spells_months_in_german(book):
    line = "geheim,IT-1,10001,Störung,Erledigt,IT,Hoch,Ana,02/Mär/26 9:05 AM,02/Mär/26 3:00 PM,02/Mai/26 3:00 PM,,-0:30"
    bring(book, "jira_sm", "j.csv", csv(JIRA_DE, line))
    assert [(row["opened_at"], row["resolved_at"], row["queue"], row["sla_met"]) for row in rows(book)] == [
        (at(2026, 3, 2, 8, 5), at(2026, 5, 2, 13), "IT", False)
    ]


MONTHS = (
    "ene feb mar abr may jun jul ago sep oct nov dic",
    "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
)


@pytest.mark.parametrize(
    ("spelt", "month"),
    every(5, [(spelt, number) for months in MONTHS for number, spelt in enumerate(months.split(), 1)], unpack=True),
)
def test_months_are_spelt_as_the_calendars_of_these_languages_abbreviate_them(tmp_path, spelt, month):
    """As CLDR and the older Java spell them, with and without a point."""
    _, made = drawn(
        tmp_path,
        'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = { from = "on", format = "%d/%b/%y %H:%M" }\n',
        csv("id,on", f"1,15/{spelt}/26 09:00"),
    )
    assert [row["opened_at"] for row in made] == [f"2026-{month:02}-15T09:00:00Z"]


@pytest.mark.parametrize("half", ["PM", "pm", "p. m.", "p.\u00a0m.", "\u202fPM"])
def test_the_second_half_of_the_day_is_spelt_in_several_ways(tmp_path, half):
    """Newer Java puts a narrow space, Spanish points between the letters."""
    _, made = drawn(
        tmp_path,
        'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = { from = "on", format = "%d/%b/%y %I:%M %p" }\n',
        csv("id,on", f"1,15/ene/26 3:30 {half}"),
    )
    assert [row["opened_at"] for row in made] == ["2026-01-15T15:30:00Z"]


@pytest.mark.long
def test_jira_in_spanish_is_recognised(tmp_path):
    line = "Incidente,IT-1,secreto,Ana,Luis,Alta,Cerrada,19/ene/26 12:47 PM,20/ene/26 9:00 AM,,,-0:10,4:00,Nw"
    assert_known(tmp_path, "jira_sm", "j.csv", csv(JIRA_ES, line))


@pytest.mark.long
def test_jira_in_german_is_recognised(tmp_path):
    line = "geheim,IT-1,10001,Störung,Erledigt,IT,Hoch,Ana,02/Mär/26 9:05 AM,02/Mär/26 3:00 PM,,,-0:30"
    assert_known(tmp_path, "jira_sm", "j.csv", csv(JIRA_DE, line))
