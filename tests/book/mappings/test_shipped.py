"""The mappings that ship: each reads without complaint, each takes a small export of its tool, each is in the docs."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import UnusableMappingError
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.reading.open import open_book
from comity.book.storage import duckdb
from comity.book.validation.personal_data import personal_data_in
from tests.builders.documented import write_workbook
from tests.builders.mappings import mapped
from tests.builders.turns import every
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate

SOURCES = Path(__file__).resolve().parents[3] / "docs" / "sources.md"
REFERENCE = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\w+)[^|]* \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def lines(*texts: str, end: str = "\n") -> str:
    return end.join(texts) + end


NHS = (
    ["", "", "", "", "", ""],
    ["Month [1]", "GP Practice Code", "Region Name", "Count of Inbound calls", "Answered", "Missed"],
    ["", "", "", "Total", "Total", "Total"],
    ["2025-10-01", "A81001", "NORTH", "100", "80", "20"],
    ["2025-10-01", "A81002", "NORTH", "50", "45", "5"],
    ["Total", "", "", "150", "125", "25"],
)

BANK = (
    "vru+line call_id customer_id priority type date vru_entry vru_exit vru_time q_start q_exit q_time outcome "
    "ser_start ser_exit ser_time server"
)

# name -> (file, its content or its sheets, the rows expected, one row's figures)
SAMPLES: dict[str, tuple[str, str | dict[str, Sequence[Sequence[str]]], int, dict[str, object]]] = {
    "acd_intervals": (
        "acd.csv",
        lines(
            "Skill,Date,Time,Calls Offered,Calls Answered,Abandoned", "Care,05/01/2026,09:00,10,9,1", "Total,,,10,9,1"
        ),
        1,
        {"queue": "Care", "offered": 10, "minutes": 30},
    ),
    "amazon_connect": (
        "a.jsonl",
        lines(
            json.dumps(
                {
                    "ContactId": "a",
                    "Channel": "VOICE",
                    "InitiationMethod": "INBOUND",
                    "InitiationTimestamp": "2026-01-05T09:00:00Z",
                    "Queue": {"Name": "Care", "EnqueueTimestamp": "2026-01-05T09:01:00Z"},
                    "Agent": {"ConnectedToAgentTimestamp": "2026-01-05T09:01:20Z", "AgentInteractionDuration": 60},
                }
            )
        ),
        1,
        {"queue": "Care", "outcome": "answered", "handle_s": 60},
    ),
    "anonymous_bank": (
        "january.txt",
        lines(
            BANK,
            "AA0101 33116 9664491 2 PS 990101 0:00:31 0:00:36 5 0:00:36 0:03:09 153 HANG 0:00:00 0:00:00 0 NO",
            "AA0101 33117 0 0 PS 990101 0:34:12 0:34:23 11 0:00:00 0:00:00 0 AGENT 0:34:22 0:36:21 119 A",
        ).replace(" ", "\t"),
        2,
        {"outcome": "abandoned", "account_id": "9664491", "opened_at": datetime(1998, 12, 31, 22, 0, 36)},  # noqa: DTZ001
    ),
    "avaya_cms": (
        "a.csv",
        lines("row_date,starttime,intrvl,split,acdcalls,abncalls,acdtime", "2026-01-05,900,15,101,9,1,900"),
        1,
        {"queue": "101", "start": datetime(2026, 1, 5, 8), "minutes": 15, "handle_s": 900},  # noqa: DTZ001
    ),
    "boston_311": (
        "boston.csv",
        lines(
            "CASE_ENQUIRY_ID,OPEN_DT,TARGET_DT,CLOSED_DT,OnTime_Status,TYPE,Department,REASON,Source",
            "101,01/13/2015 12:25:23 AM,01/16/2015 08:30:00 AM,01/15/2015 04:17:43 PM,ONTIME,Lights,P,S,App",
        ),
        1,
        {"sla_met": True, "queue": "Lights"},
    ),
    "call_log": (
        "calls.csv",
        lines("Call ID,Date,Time,Queue,Wait,Outcome", "1,05/01/2026,09:00,Care,20,missed"),
        1,
        {"outcome": "abandoned", "abandoned_at": datetime(2026, 1, 5, 8, 0, 20)},  # noqa: DTZ001
    ),
    "calabrio_queue": (
        "q.txt",
        lines("15;20260105;09:00;12;Care;18;2;3;1;16;240;60;3200;480;70;40;9;14;500;2;1"),
        1,
        {"queue": "Care", "offered": 20, "handle_s": 3680},
    ),
    "chatwoot_csat": (
        "csat.csv",
        lines(
            "Agent Name,Rating,Feedback Comment,Link to the conversation,Recorded date",
            "Ana,4,,https://x.example/app/accounts/1/conversations/77,2026-01-05 09:00:00 UTC",
        ),
        1,
        {"score": 4, "contact_id": "77"},
    ),
    "cisco_ucce": (
        "u.csv",
        lines(
            "DateTime,CallTypeID,CallsOffered,CallsAnswered,TotalCallsAband,ShortCalls",
            "2026-01-05 09:00:00.000,5147,20,16,2,2",
        ),
        1,
        {"queue": "5147", "abandoned": 4},
    ),
    "cisco_uccx": (
        "x.csv",
        lines(
            "CSQ Name,Interval Start Time,Interval End Time,Service Level (sec),Calls Presented,Handled,Abandoned",
            "Care,2026-01-13 09:00:00,2026-01-13 09:30:00,20,12,11,1",
        ),
        1,
        {"queue": "Care", "minutes": 30, "threshold_s": 20},
    ),
    "cpi_index": ("cpi.csv", lines("Month,Index", "Sep 2025,324.8", "Nov 2025,324.122"), 2, {"index": 324.8}),
    "cxone_contacts": (
        "c.json",
        json.dumps(
            {
                "completedContacts": [
                    {
                        "contactId": "1",
                        "contactStart": "2026-01-05T09:00:00Z",
                        "skillName": "Care",
                        "inQueueSeconds": "7",
                        "agentSeconds": "60",
                        "abandoned": "False",
                    }
                ]
            }
        ),
        1,
        {"outcome": "answered", "handle_s": 60},
    ),
    "five9_call_log": (
        "five9.csv",
        lines(
            "CALL ID,TIMESTAMP,CAMPAIGN,CALL TYPE,QUEUE WAIT TIME,TALK TIME,ABANDONED",
            '1,"Thu, 27 Oct 2016 14:51:34",Care,Inbound,00:00:30,00:01:00,0',
        ),
        1,
        {"outcome": "answered", "handle_s": 60, "queue": "Care"},
    ),
    "forecast_workbook": (
        "forecast_2026-01-15.xlsx",
        {"Care": [["Interval", "2026-02-01", "2026-02-02"], ["09:00", "10", "20"], ["Total", "10", "20"]]},
        2,
        {"queue": "Care", "offered": 10},
    ),
    "freshdesk_tickets": (
        "f.csv",
        lines(
            "Ticket ID,Status,Group,Created time,Resolved time,Resolution status",
            "7,Closed,Care,2026-01-05 09:00:00,2026-01-05 10:00:00,Within SLA",
        ),
        1,
        {"sla_met": True, "queue": "Care"},
    ),
    "freshservice_tickets": (
        "f.csv",
        lines("Ticket Id,Urgency,Group,Created Time,Resolution Status", "7,Low,Desk,2026-01-05 09:00:00,SLA Violated"),
        1,
        {"sla_met": False, "queue": "Desk"},
    ),
    "genesys_aggregates": (
        "g.json",
        json.dumps(
            {
                "results": [
                    {
                        "group": {"queueId": "q1"},
                        "data": [
                            {
                                "interval": "2026-01-05T09:00:00.000Z/2026-01-05T09:15:00.000Z",
                                "metrics": [{"metric": "nOffered", "stats": {"count": 7}}],
                            }
                        ],
                    }
                ]
            }
        ),
        1,
        {"queue": "q1", "minutes": 15, "offered": 7, "answered": 0},
    ),
    "genesys_conversations": (
        "g.json",
        json.dumps(
            {
                "conversations": [
                    {
                        "conversationId": "c1",
                        "originatingDirection": "inbound",
                        "conversationStart": "2026-01-05T09:00:00.000Z",
                        "participants": [],
                    }
                ]
            }
        ),
        1,
        {"contact_id": "c1", "outcome": "system"},
    ),
    "hubspot_tickets": (
        "h.csv",
        lines("Ticket ID,Pipeline,Create date,Close date", "1,Care,2026-01-05 09:00,2026-01-05 10:00"),
        1,
        {"contact_id": "1", "queue": "Care", "resolved_at": datetime(2026, 1, 5, 9)},  # noqa: DTZ001
    ),
    "invoice_annex": (
        "annex.csv",
        lines(
            "Month,Account,Service,Quantity,Unit price,Amount", "May 2026,nw,Calls,10,2.5,25", "May 2026,nw,Total,,,25"
        ),
        1,
        {"service": "Calls", "unit": None},
    ),
    "glpi_tickets": (
        "glpi.csv",
        lines(
            "ID;Status;Opening date;Resolution date;Time to resolve;Assigned to - Technician group",
            "7;Solved;2026-01-05 09:00;2026-01-05 11:00;2026-01-05 17:00;Desk",
        ),
        1,
        {"queue": "Desk", "resolved_at": datetime(2026, 1, 5, 10)},  # noqa: DTZ001
    ),
    "jira_sm": (
        "j.csv",
        lines(
            "Issue key,Created,Resolved,Custom field (Time to resolution)",
            "IT-1,02/Jan/26 9:05 AM,02/Jan/26 3:00 PM,-0:30",
        ),
        1,
        {"contact_id": "IT-1", "sla_met": False},
    ),
    "limesurvey": ("l.csv", lines("id,submitdate,token,CSAT", "1,2026-01-05 09:05:00,t,4"), 1, {"score": 4}),
    "nice_iex_forecast": (
        "ctActiveForecast_010226_0600.txt",
        lines("#fields:date|period|ctName|fcstContactsReceived|fcstAHT", "01052026|09:00|Care|40.25|310.5"),
        1,
        {"queue": "Care", "offered": 40.25, "aht_s": 310.5},
    ),
    "nice_iex_staffing": (
        "ctActiveForecast_010226_0600.txt",
        lines("#fields:date|period|ctName|fcstReq|schedOpen", "01052026|09:00|Care|12.5|11.75"),
        1,
        {"queue": "Care", "required": 12.5, "scheduled": 11.75},
    ),
    "nhs_cloud_telephony": ("nhs.xlsx", {"Table 3": NHS}, 2, {"queue": "A81001", "offered": 100, "minutes": 44640}),
    "qa_evaluations": (
        "q.csv",
        lines("Evaluation ID,Evaluation Date,Score", "1,13/01/2026,17/20"),
        1,
        {"score": 17, "scale_max": 20},
    ),
    "qualtrics": (
        "q.csv",
        lines(
            "StartDate,RecordedDate,Status,ResponseId,Q1",
            "Start,Recorded,Status,ID,How?",
            "2026-01-05,2026-01-05,0,R_1,4",
        ),
        1,
        {"response_id": "R_1", "score": 4},
    ),
    "salesforce_cases": (
        "s.csv",
        lines("Case Number,Date/Time Opened,Case Origin", "00001026,13/01/2026 09:00,Phone"),
        1,
        {"contact_id": "00001026", "channel": "voice"},
    ),
    "servicenow_event_log": (
        "log.csv",
        lines(
            "number,sys_mod_count,opened_at,sys_updated_at,made_sla",
            "I1,0,1/3/2016 09:00,1/3/2016 09:00,true",
            "I1,1,1/3/2016 09:00,2/3/2016 09:00,false",
        ),
        1,
        {"sla_met": False},
    ),
    "servicenow_incidents": (
        "i.csv",
        lines("number,opened_at,assignment_group,contact_type", "I1,2026-01-05 09:00:00,Desk,Phone"),
        1,
        {"queue": "Desk", "channel": "voice"},
    ),
    "servicenow_task_sla": (
        "s.csv",
        lines(
            "inc_number,taskslatable_sla,taskslatable_start_time,taskslatable_has_breached",
            "I1,P1 resolution,2026-01-05 09:00:00,false",
        ),
        1,
        {"sla_met": True},
    ),
    "survey_export": (
        "s.csv",
        lines("Response ID,Sent,Answered,Score", "1,05/01/2026,06/01/2026,4 - good", "2,05/01/2026,,"),
        2,
        {"score": 4},
    ),
    "surveymonkey": (
        "m.csv",
        lines("Respondent ID,Start Date,End Date,How satisfied are you?", ",,,Response", "118,01/31/2026,01/31/2026,4"),
        1,
        {"score": 4},
    ),
    "talkdesk": (
        "t.csv",
        lines(
            "Interaction ID,Direction,Started At,Answered At,Ring Groups",
            "i1,Inbound,2026-07-01 09:00:00,2026-07-01 09:00:20,Care",
        ),
        1,
        {"outcome": "answered", "queue": "Care"},
    ),
    "threecx_call_log": (
        "c.csv",
        lines(
            "Call Time,Call ID,To,Direction,Status,Ringing,Talking",
            "2026-01-13T09:00:00,c1,Ana (101),Inbound,Answered,00:00:20,00:01:10",
        ),
        1,
        {"outcome": "answered", "handle_s": 70},
    ),
    "usaid_deliveries": (
        "u.csv",
        lines(
            "ID,Vendor,PO Sent to Vendor Date,Scheduled Delivery Date,Delivered to Client Date",
            "1,V,Date Not Captured,2-Jun-06,5-Jun-06",
        ),
        1,
        {"team": "V", "opened_at": datetime(2006, 6, 1, 22)},  # noqa: DTZ001
    ),
    "wfm_schedule": (
        "w.csv",
        lines("Queue,Date,Interval,Required,Scheduled,Actual", "Care,05/01/2026,09:00,4.5,5,4", "Total,,,4.5,5,4"),
        1,
        {"required": 4.5, "staffed": 4},
    ),
    "zammad_tickets": (
        "z.csv",
        lines("#,State,Group,Created At,Closed At", "20001,closed,Care,2026-01-05 09:00:00,2026-01-05 10:00:00"),
        1,
        {"contact_id": "20001", "resolved_at": datetime(2026, 1, 5, 9)},  # noqa: DTZ001
    ),
    "zendesk_tickets": (
        "z.csv",
        lines(
            "Summation column,Id,Status,Group,Created at,Solved at",
            "1,11,Solved,Care,2026-01-05 09:00:00,2026-01-05 10:00:00",
        ),
        1,
        {"contact_id": "11", "queue": "Care"},
    ),
}


@pytest.mark.parametrize("name", shipped_mappings())
def test_every_shipped_mapping_reads_without_complaint(name):
    mapping = read_mapping(name)
    assert (mapping.name, mapping.identity) == (name, False)
    assert mapping.about
    assert not mapping.about.endswith(".")


def test_every_shipped_mapping_has_its_sample_here():
    assert set(SAMPLES) == set(shipped_mappings())


def write_sample(folder, name):
    """The file of a sample."""
    file, content, *_ = SAMPLES[name]
    source = folder / file
    if isinstance(content, str):
        source.write_text(content, encoding="utf-8")
    else:
        write_workbook(source, {sheet: lines(*map(",".join, cells)) for sheet, cells in content.items()})
    return source


@pytest.mark.parametrize("name", every(4, SAMPLES))
def test_each_takes_a_small_export_of_its_tool(name, tmp_path):
    *_, count, figures = SAMPLES[name]
    source = write_sample(tmp_path, name)
    book = write_book(tmp_path / "book")
    before = repr(read_mapping(name))
    outcome = import_source(book, source, read_mapping(name), ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC)))
    assert repr(read_mapping(name)) == before  # it is read once, for all that use it
    assert [str(reject) for reject in outcome.rejects] == []
    with open_book(book, JOINT) as opened:
        rows = opened.table(outcome.table).to_pyarrow().to_pylist()
    assert len(rows) == count
    assert any(all(row[key] == value for key, value in figures.items()) for row in rows), rows


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if number % 12 == 0 else pytest.mark.long) for number, name in enumerate(SAMPLES)],
)
def test_few_rows_become_what_many_become(name, tmp_path, monkeypatch):
    """The statement is run without the engine's optimiser where rows are few."""
    source = write_sample(tmp_path, name)
    few, few_rows = mapped(name, source)
    monkeypatch.setattr(duckdb, "FEW_ROWS", 0)
    many, many_rows = mapped(name, source)
    assert few_rows == many_rows
    assert few_rows
    assert (few.rows_in, few.problems, few.control, few.notes) == (
        *(many.rows_in, many.problems, many.control, many.notes),
    )
    assert few.left_out == many.left_out


@pytest.mark.parametrize("name", shipped_mappings())
def test_none_of_them_takes_what_is_personal(name):
    mapping = read_mapping(name)
    for value in (*mapping.let.values(), *mapping.columns.values()):
        assert not value.keep
        assert [header for header in value.source if personal_data_in(header)] == []


def test_the_page_of_sources_tells_each_with_its_table():
    told = dict(REFERENCE.findall(SOURCES.read_text(encoding="utf-8")))
    assert told == {name: read_mapping(name).table for name in shipped_mappings()}


def test_a_name_that_is_none_says_which_there_are():
    with pytest.raises(
        UnusableMappingError, match=r"there is no mapping 'zendesk'; name a shipped one \(acd_intervals, "
    ):
        read_mapping("zendesk")
