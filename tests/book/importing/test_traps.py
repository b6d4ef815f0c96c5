"""The traps that exports lay, each sprung once: a small file as the tool writes it, through the mapping that ships.

What each of them would have made of a figure is said where the test does not show it.
"""

import codecs
import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pytest

from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.deliver import RefusedError
from tests.builders.bringing import assert_known, at, bring, column, csv, faults, rows, workbook
from tests.builders.turns import every
from tests.cast import BOOK, write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "book")


# ServiceNow ---------------------------------------------------------------------------------------------------------

LOG = "number,incident_state,sys_mod_count,made_sla,opened_at,sys_updated_at,resolved_at,closed_at,assignment_group"


def test_servicenow_updates_are_not_incidents(book):
    """Two incidents, one of them met: 50 %. Counting updates would say 3 of 4."""
    outcome = bring(
        book,
        "servicenow_event_log",
        "log.csv",
        csv(
            LOG,
            "INC1,New,0,true,1/3/2016 09:00,1/3/2016 09:00,?,9/3/2016 10:00,Group 1",
            "INC1,Active,1,true,1/3/2016 09:00,1/3/2016 09:30,?,9/3/2016 10:00,Group 2",
            "INC2,New,0,true,2/3/2016 09:00,2/3/2016 09:00,?,9/3/2016 10:00,Group 1",
            "INC1,Closed,2,false,1/3/2016 09:00,9/3/2016 10:00,8/3/2016 10:00,9/3/2016 10:00,Group 2",
        ),
    )
    assert [(r["contact_id"], r["sla_met"], r["queue"]) for r in rows(book)] == [
        ("INC1", False, "Group 2"),
        ("INC2", True, "Group 1"),
    ]
    assert "2 rows are earlier states of another; the last state of each counts" in outcome.notes


def test_servicenow_two_updates_in_one_minute_are_told_apart_by_their_count(book):
    state = "INC1,{},{},true,1/3/2016 09:00,1/3/2016 09:30,?,?,{}"
    later, earlier = state.format("Active", 10, "last"), state.format("New", 9, "first")
    bring(book, "servicenow_event_log", "log.csv", csv(LOG, later, earlier))
    assert column(book, "queue") == ["last"]


def test_servicenow_closed_at_tells_the_future_until_the_incident_is_closed(book):
    line = "INC{},{},0,true,1/3/2016 09:00,1/3/2016 09:00,?,9/3/2016 10:00,g"
    bring(book, "servicenow_event_log", "log.csv", csv(LOG, line.format(1, "Resolved"), line.format(2, "Closed")))
    assert column(book, "closed_at") == [None, at(2016, 3, 9, 10)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("spelt", ["Canceled", "Cancelled", "8"])
def test_servicenow_an_incident_that_is_cancelled_later_is_none(book, spelt, order):
    """Raised twice, or by mistake; it would stay open for ever. Its update says which delivery is the later one."""
    header = "number,opened_at,state,sys_updated_on"
    lines = (
        "INC1,2026-01-05 09:00:00,New,2026-01-05 09:00:00",
        f"INC1,2026-01-05 09:00:00,{spelt},2026-01-12 09:00:00",
    )
    for at_place in order:
        other = f"INC2,2026-01-05 09:00:00,New,2026-01-0{5 + at_place} 09:00:00"
        bring(book, "servicenow_incidents", f"{at_place}.csv", csv(header, lines[at_place], other))
    assert column(book, "contact_id") == ["INC2"]


def test_servicenow_an_incident_whose_last_update_cancels_it_is_none(book):
    state = "INC1,{},{},true,1/3/2016 09:00,1/3/2016 09:3{},?,?,g"
    lines = csv(
        LOG,
        state.format("Canceled", 2, 2),
        state.format("Active", 1, 1),
        "INC2,New,0,true,1/3/2016 09:00,1/3/2016 09:00,?,?,g",
    )
    bring(book, "servicenow_event_log", "log.csv", lines)
    assert column(book, "contact_id") == ["INC2"]


def test_servicenow_days_come_before_months_without_leading_zeros(book):
    bring(book, "servicenow_event_log", "log.csv", csv(LOG, "INC1,New,0,true,2/3/2016 01:16,2/3/2016 01:16,?,?,g"))
    assert column(book, "opened_at") == [at(2016, 3, 2, 1, 16)]


def test_servicenow_times_are_utc_whatever_the_zone_of_the_book(book):
    """Madrid's clocks jumped over 02:30 on that night; UTC did not, and no incident is lost."""
    outcome = bring(book, "servicenow_incidents", "i.csv", csv("number,opened_at", "INC1,27-03-2016 02:30:00"))
    assert (faults(outcome), column(book, "opened_at")) == ([], [at(2016, 3, 27, 2, 30)])


def test_servicenow_made_sla_is_legacy_and_said_to_be(book):
    outcome = bring(
        book, "servicenow_incidents", "i.csv", csv("number,opened_at,made_sla", "INC1,2026-01-05 09:00:00,true")
    )
    assert column(book, "sla_met") == [True]
    assert any("legacy field" in note and "servicenow_task_sla" in note for note in outcome.notes)


SLAS = (
    "inc_number,inc_opened_at,inc_resolved_at,taskslatable_sla,taskslatable_stage,taskslatable_has_breached,"
    "taskslatable_start_time,taskslatable_planned_end_time,taskslatable_original_breach_time"
)


def test_servicenow_task_sla_overrules_made_sla(book):
    """The incident says true, as nearly every new one does; the SLA engine says that it was broken."""
    incidents = csv("number,opened_at,made_sla,assignment_group", "INC1,2026-01-05 09:00:00,true,Network")
    bring(book, "servicenow_incidents", "i.csv", incidents)
    sla = "INC1,{0} 09:00:00,2026-01-06 09:00:00,P1 resolution,Completed,true,{0} 09:00:00,{0} 13:00:00,"
    sla = sla.format("2026-01-05")
    assert bring(book, "servicenow_task_sla", "s.csv", csv(SLAS, sla)).delivery.updated == 1
    assert [(row["sla_met"], row["due_at"], row["queue"]) for row in rows(book)] == [
        (False, at(2026, 1, 5, 13), "Network")
    ]


def test_servicenow_the_first_response_is_another_promise_and_a_cancelled_sla_is_none(book):
    line = "INC1,2026-01-05 09:00:00,,{},{},{},2026-01-05 09:00:00,2026-01-05 {}:00:00,"
    outcome = bring(
        book,
        "servicenow_task_sla",
        "s.csv",
        csv(
            SLAS,
            line.format("P2 response (30 minutes)", "Completed", "true", "10"),
            line.format("P1 resolution (4 hours)", "Cancelled", "true", "13"),
            line.format("P2 resolution (8 hours)", "Completed", "false", "17"),
        ),
    )
    assert [(row["sla_met"], row["due_at"]) for row in rows(book)] == [(True, at(2026, 1, 5, 17))]
    assert outcome.delivery.rejected == 0


def test_servicenow_a_reset_sla_counts_from_its_last_start(book):
    line = "INC1,2026-01-05 09:00:00,,P2 resolution,{},{},2026-01-05 {}:00:00,2026-01-05 {}:00:00,"
    lines = [line.format("In progress", "false", 12, 20), line.format("Completed", "true", 9, 17)]
    bring(book, "servicenow_task_sla", "s.csv", csv(SLAS, *lines))
    assert [(row["opened_at"], row["due_at"]) for row in rows(book)] == [(at(2026, 1, 5, 9), at(2026, 1, 5, 20))]


def test_servicenow_the_planned_end_moves_with_pauses_and_the_original_does_not(book):
    sla = "INC1,{0} 09:00:00,{0} 15:00:00,P2 resolution,Completed,false,{0} 09:00:00,{0} 16:00:00,{0} 13:00:00"
    sla = sla.format("2026-01-05")
    bring(book, "servicenow_task_sla", "s.csv", csv(SLAS, sla))
    assert [row["resolved_at"] <= row["due_at"] for row in rows(book)] == [True]


@pytest.mark.parametrize(("count", "warned"), [(10_000, True), (9_999, False)])
def test_servicenow_exactly_ten_thousand_rows_were_cut_off(book, count, warned):
    lines = [f"INC{number},2026-01-05 09:00:00" for number in range(count)]
    outcome = bring(book, "servicenow_incidents", "i.csv", csv("number,opened_at", *lines))
    assert any("exactly 10,000 rows" in note for note in outcome.notes) is warned


def test_servicenow_csv_is_windows_1252(book):
    source = csv("number,opened_at,assignment_group", "INC1,2026-01-05 09:00:00,Réseau € été").encode("cp1252")
    outcome = bring(book, "servicenow_incidents", "i.csv", source)
    assert column(book, "queue") == ["Réseau € été"]
    assert any("Windows-1252" in note for note in outcome.notes)


def test_servicenow_references_of_the_api_are_links_with_a_value(book):
    record = {
        "number": "INC1",
        "opened_at": "2026-01-05 09:00:00",
        "made_sla": "false",
        "assignment_group": {"link": "https://example.test/api/now/table/sys_user_group/abc", "value": "abc"},
        "company": "",
    }
    plain = {**record, "number": "INC2", "assignment_group": "Network", "made_sla": "true"}
    bring(book, "servicenow_incidents", "i.json", json.dumps({"result": [record, plain]}))
    assert [(row["queue"], row["sla_met"], row["account_id"]) for row in rows(book)] == [
        ("abc", False, None),
        ("Network", True, None),
    ]


def test_servicenow_every_promise_stands_beside_the_others_with_its_kind_state_and_verdict(book):
    """Four SLAs of one incident: one for the response, one paused, one cancelled, and one of another team."""
    line = "INC1,2026-01-05 09:00:00,,{},{},{},2026-01-05 09:00:00,2026-01-05 {}:00:00,"
    bring(
        book,
        "servicenow_task_sla",
        "s.csv",
        csv(
            SLAS,
            line.format("P2 response (30 minutes)", "Completed", "true", "10"),
            line.format("P1 resolution (4 hours)", "Cancelled", "true", "13"),
            line.format("P2 resolution (8 hours)", "Paused", "false", "17"),
            line.format("Network OLA", "In progress", "false", "18"),
        ),
    )
    told = {row["name"]: (row["kind"], row["state"], row["source_verdict"]) for row in rows(book, "deadlines")}
    assert told == {
        "P2 response (30 minutes)": ("response", "missed", "missed"),
        "P1 resolution (4 hours)": ("resolution", "cancelled", "missed"),
        "P2 resolution (8 hours)": ("resolution", "paused", None),
        "Network OLA": ("ola", "running", None),
    }
    assert [(row["contact_id"], row["due_at"], row["sla_met"]) for row in rows(book)] == [("INC1", None, None)]


# Jira, Freshdesk, Zendesk -------------------------------------------------------------------------------------------

JIRA = "Issue key,Issue Type,Priority,Created,Resolved,Custom field (Time to resolution),Comment,Comment"


def test_jira_time_to_resolution_is_what_remains_and_below_zero_is_broken(book):
    """Read as time taken, -2:30 would be nonsense and 3:10 a broken promise."""
    outcome = bring(
        book,
        "jira_sm",
        "j.csv",
        csv(
            JIRA,
            "IT-1,Incident,High,02/Jan/26 9:05 AM,02/Jan/26 3:00 PM,-2:30,a,b",
            "IT-2,Incident,High,02/Jan/26 9:05 AM,02/Jan/26 11:00 AM,3:10,,",
            "IT-3,Incident,High,02/Jan/26 9:05 AM,,1:00,,",
        ),
    )
    assert column(book, "sla_met") == [False, True, None]  # what is still open has kept nothing yet
    assert outcome.delivery.rejected == 0


def test_jira_dates_are_spelt_with_the_month_by_name_and_twelve_hours(book):
    bring(book, "jira_sm", "j.csv", csv(JIRA, "IT-1,Incident,High,03/Feb/26 12:05 AM,03/Feb/26 12:30 PM,1:00,,"))
    madrid = [(row["opened_at"], row["resolved_at"]) for row in rows(book)]
    assert madrid == [(at(2026, 2, 2, 23, 5), at(2026, 2, 3, 11, 30))]


def test_jira_repeated_columns_and_free_text_stay_out(book):
    outcome = bring(book, "jira_sm", "j.csv", csv(JIRA, "IT-1,Incident,High,03/Feb/26 1:05 AM,,1:00,secret,more"))
    assert {"Comment", "Comment (2)"} <= set(outcome.unmapped)
    assert "secret" not in str(rows(book))


def test_jira_due_dates_are_days_though_they_are_written_as_midnight(book):
    """Resolved at three in the afternoon of the day that it was due: in time until 23:00 UTC."""
    header, row = "Issue key,Created,Resolved,Due date", "IT-1,02/Jan/26 9:05 AM,05/Jan/26 3:00 PM,05/Jan/26 12:00 AM"
    bring(book, "jira_sm", "j.csv", csv(header, row))
    assert column(book, "due_at") == [datetime(2026, 1, 5, 22, 59, 59, 999_999)]  # noqa: DTZ001 - kept in UTC


def test_freshdesk_due_times_that_contradict_its_own_verdict_are_counted(book):
    """Two of three were resolved an hour after they were due, and stand as within the SLA."""
    header = "Ticket ID,Status,Created time,Resolved time,Due by Time,Resolution status"
    late = "{},Closed,2026-01-05 09:00:00,2026-01-05 18:00:00,2026-01-05 17:00:00,Within SLA"
    outcome = bring(
        book,
        "freshdesk_tickets",
        "f.csv",
        csv(header, late.format(1), late.format(2), late.format(3).replace("18:", "16:")),
    )
    assert any(note.startswith("2 due times contradict the source's own verdict") for note in outcome.notes)
    assert {(row["name"], row["source_verdict"]) for row in rows(book, "deadlines")} == {("Resolution", "met")}


def test_glpi_a_pending_ticket_waits_and_its_due_time_is_not_final(book):
    header = "ID;Status;Opening date;Resolution date;Time to resolve"
    bring(book, "glpi_tickets", "g.csv", csv(header, "7;Pending;2026-01-05 09:00;;2026-01-05 17:00"))
    assert [(row["name"], row["state"]) for row in rows(book, "deadlines")] == [("Time to resolve", "paused")]
    assert column(book, "due_at") == [None]


@pytest.mark.parametrize(
    ("spelt", "met"), every(2, [("-0:05", False), ("-1h 20m", False), ("26:15:30", True), ("45m", True)], unpack=True)
)
def test_jira_spells_what_remains_in_several_ways(book, spelt, met):
    bring(book, "jira_sm", "j.csv", csv(JIRA, f"IT-1,Incident,High,03/Feb/26 1:05 AM,03/Feb/26 2:05 AM,{spelt},,"))
    assert column(book, "sla_met") == [met]


FRESH = (
    "Ticket ID,Status,Group,Created time,Resolved time,First response time (in hrs),Resolution time (in hrs),"
    "Resolution status,Due by Time"
)


@pytest.mark.parametrize("flag", ["Deleted", "Spam"])
@pytest.mark.parametrize(
    ("mapping", "head"), [("freshdesk_tickets", "Ticket ID"), ("freshservice_tickets", "Ticket ID")]
)
def test_freshdesk_a_ticket_that_is_flagged_later_is_none(book, mapping, head, flag):
    header = f"{head},Status,Created time,Resolved time,Last updated time,{flag}"
    line = "{},Open,2026-01-05 09:00,,2026-01-{} 09:00,{}"
    bring(book, mapping, "one.csv", csv(header, line.format(1, "05", "false"), line.format(2, "05", "false")))
    bring(book, mapping, "two.csv", csv(header, line.format(1, 12, "true"), line.format(2, 12, "false")))
    assert column(book, "contact_id") == ["2"]


def test_freshdesk_business_hours_are_no_distance_on_a_clock(book):
    """Created on Friday at 17:30, resolved on Monday at 9:30: an hour of business. Added up it was Friday at 18:30."""
    line = "7,Closed,Billing,2026-01-09 17:30:00,2026-01-12 09:30:00,00:12:30,01:00:00,SLA Violated,2026-01-09 18:00:00"
    outcome = bring(book, "freshdesk_tickets", "f.csv", csv(FRESH, line))
    assert [(row["answered_at"], row["resolved_at"], row["sla_met"]) for row in rows(book)] == [
        (None, at(2026, 1, 12, 8, 30), False)
    ]
    assert "Resolution time (in hrs)" in outcome.unmapped


def test_freshdesk_says_what_to_export_where_only_hours_stand_there(book):
    header = FRESH.replace("Resolved time,", "")
    outcome = bring(
        book,
        "freshdesk_tickets",
        "f.csv",
        csv(header, "7,Open,Care,2026-01-09 17:30:00,,26:15:30,,2026-01-12 17:00:00"),
    )
    assert column(book, "resolved_at") == [None]
    assert any("add Resolved time to the export" in note for note in outcome.notes)


ZENDESK = (
    "Summation column,Id,Status,Group,Via,Tags,Created at,Solved at,First reply time in minutes,"
    "First reply time in minutes within business hours,Group stations,Reopens"
)


def test_zendesk_an_empty_metric_has_not_happened_and_is_not_zero(book):
    """As zero it would be an answer on the spot."""
    bring(book, "zendesk_tickets", "z.csv", csv(ZENDESK, "1,11,Open,Care,Mail,,2026-01-05 09:00:00,,,,,"))
    assert [(row["answered_at"], row["resolved_at"], row["transfers"]) for row in rows(book)] == [(None, None, None)]


def test_zendesk_calendar_minutes_are_taken_and_business_minutes_are_not(book):
    """Asked on Friday at 17:50, answered on Monday at 9:10: 3,800 minutes of the calendar, 20 of business."""
    line = "1,11,Solved,Care,Mail,,2026-01-09 17:50:00,2026-01-12 10:00:00,3800,20,1,0"
    outcome = bring(book, "zendesk_tickets", "z.csv", csv(ZENDESK, line))
    assert column(book, "answered_at") == [at(2026, 1, 12, 8, 10)]  # 9:10 in Madrid
    assert "First reply time in minutes within business hours" in outcome.unmapped


def test_zendesk_tickets_that_were_deleted_or_merged_are_left_out_and_counted(book):
    line = "1,{},{},Care,Mail,{},2026-01-09 17:50:00,,,,1,0"
    lines = [
        line.format(1, "Open", "vip"),
        line.format(2, "Deleted", ""),
        line.format(3, "Closed", "x closed_by_merge"),
    ]
    outcome = bring(book, "zendesk_tickets", "z.csv", csv(ZENDESK, *lines))
    assert column(book, "contact_id") == ["1"]
    assert sum("1 row was left out" in note for note in outcome.notes) == 2


def test_zendesk_a_ticket_that_never_moved_has_one_station_and_no_transfer(book):
    line = "1,{},Open,Care,Mail,,2026-01-09 17:50:00,,,,{},0"
    bring(book, "zendesk_tickets", "z.csv", csv(ZENDESK, line.format(1, 1), line.format(2, 3)))
    assert column(book, "transfers") == [0, 2]


# Genesys, Amazon, CXone, Five9, Talkdesk ----------------------------------------------------------------------------


def metric(name: str, value: int, when: str) -> dict:
    return {"name": name, "value": value, "emitDate": when}


def genesys(*sessions: dict, **more: object) -> dict:
    queue = {
        "purpose": "acd",
        "sessions": [
            {
                "mediaType": "voice",
                "segments": [{"segmentType": "interact", "queueId": "q1", "segmentStart": "2026-01-05T09:01:00.000Z"}],
                "metrics": more.pop("queue_metrics", []),
            }
        ],
    }
    customer = {"purpose": "customer", "sessions": [{"mediaType": "voice"}]}
    agent = {"purpose": "agent", "userId": "u1", "sessions": list(sessions)}
    return {
        "conversationId": "c1",
        "originatingDirection": "inbound",
        "conversationStart": "2026-01-05T09:00:00.000Z",
        "conversationEnd": "2026-01-05T09:20:00.000Z",
        "participants": [customer, queue, *([agent] if sessions else [])],
        **more,
    }


def session(start: str, handle_ms: int) -> dict:
    return {
        "mediaType": "voice",
        "segments": [{"segmentType": "interact", "segmentStart": start}],
        "metrics": [metric("tHandle", handle_ms, start)],
    }


def test_genesys_a_conversation_of_several_sessions_is_one_contact(book):
    talk = genesys(session("2026-01-05T09:05:00.000Z", 60_000), session("2026-01-05T09:02:30.000Z", 90_000))
    bring(book, "genesys_conversations", "g.json", json.dumps({"conversations": [talk]}))
    (row,) = rows(book)
    assert (row["answered_at"], row["handle_s"]) == (at(2026, 1, 5, 9, 2, 30), 150)  # the first answer; all of the work


def test_genesys_counts_in_milliseconds(book):
    """Read as seconds, a minute would be sixteen hours."""
    talk = genesys(session("2026-01-05T09:02:30.000Z", 61_500))
    bring(book, "genesys_conversations", "g.json", json.dumps({"conversations": [talk]}))
    assert column(book, "handle_s") == [61.5]


def test_genesys_the_clock_starts_in_the_queue_and_not_in_the_menu(book):
    talk = genesys(session("2026-01-05T09:02:30.000Z", 1))
    bring(book, "genesys_conversations", "g.json", json.dumps({"conversations": [talk]}))
    assert column(book, "opened_at") == [at(2026, 1, 5, 9, 1)]


def test_genesys_one_who_gave_up_in_one_queue_and_was_answered_in_another_is_answered(book):
    gone = [metric("tAbandon", 30_000, "2026-01-05T09:01:30.000Z")]
    both = genesys(session("2026-01-05T09:02:30.000Z", 1), queue_metrics=gone)
    lost = genesys(conversationId="c2", queue_metrics=gone)
    bring(book, "genesys_conversations", "g.json", json.dumps({"conversations": [both, lost]}))
    assert [(row["outcome"], row["abandoned_at"]) for row in rows(book)] == [
        ("answered", None),
        ("abandoned", at(2026, 1, 5, 9, 1, 30)),
    ]


def test_genesys_a_conversation_that_met_no_queue_is_the_systems_and_outbound_is_left_out(book):
    alone = {**genesys(), "participants": []}
    out = {**genesys(), "conversationId": "c2", "originatingDirection": "outbound"}
    bring(book, "genesys_conversations", "g.json", json.dumps({"conversations": [alone, out]}))
    assert column(book, "outcome") == ["system"]


def aggregate(interval: str, **counts: int) -> dict:
    metrics = [{"metric": name, "stats": {"count": count}} for name, count in counts.items()]
    metrics.append({"metric": "tHandle", "stats": {"count": 2, "sum": 600_000}})
    metrics.append(
        {"metric": "oServiceLevel", "stats": {"ratio": 0.9, "numerator": 9, "denominator": 10, "target": 0.8}}
    )
    return {"interval": interval, "metrics": metrics}


def test_genesys_aggregates_hold_many_intervals_of_each_queue(book):
    data = [
        aggregate("2026-01-05T09:00:00.000Z/2026-01-05T09:30:00.000Z", nOffered=10, tAnswered=8, tAbandon=2),
        aggregate("2026-01-05T09:30:00.000Z/2026-01-05T10:00:00.000Z", nOffered=3, tAnswered=3),
    ]
    source = {"results": [{"group": {"queueId": "q1", "mediaType": "voice"}, "data": data}]}
    outcome = bring(book, "genesys_aggregates", "a.json", json.dumps(source))
    found = rows(book, "intervals")
    assert [(r["queue"], r["minutes"], r["offered"], r["answered"], r["abandoned"], r["handle_s"]) for r in found] == [
        ("q1", 30, 10, 8, 2, 600),
        ("q1", 30, 3, 3, 0, 600),
    ]
    assert outcome.delivery.rejected == 0


def test_genesys_a_service_level_of_unknown_options_is_not_taken(book):
    """Whether abandons are in its denominator the file does not say; no threshold, no figure."""
    data = [aggregate("2026-01-05T09:00:00.000Z/2026-01-05T09:30:00.000Z", nOffered=12, tAnswered=9, tAbandon=3)]
    bring(book, "genesys_aggregates", "a.json", json.dumps({"results": [{"group": {"queueId": "q"}, "data": data}]}))
    assert column(book, "answered_within", "intervals") == [None]


def amazon(number: str, **more: object) -> dict:
    return {
        "ContactId": number,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-01-05T09:00:00Z",
        "DisconnectTimestamp": "2026-01-05T09:10:00Z",
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": "2026-01-05T09:11:00Z",
        "Queue": {"Name": "Care", "EnqueueTimestamp": "2026-01-05T09:01:04Z", "Duration": 20},
        "Agent": None,
        "NextContactId": None,
        **more,
    }


AGENT = {
    "ConnectedToAgentTimestamp": "2026-01-05T09:01:24Z",
    "AgentInteractionDuration": 200,
    "CustomerHoldDuration": 30,
    "AfterContactWorkDuration": 10,
}


def test_amazon_delivers_at_least_once_and_the_last_record_of_a_contact_counts(book):
    last = amazon("a", Agent=AGENT, LastUpdateTimestamp="2026-01-05T10:00:00Z")
    outcome = bring(book, "amazon_connect", "a.jsonl", [last, amazon("a"), last])
    assert [(row["outcome"], row["handle_s"]) for row in rows(book)] == [("answered", 240)]
    assert outcome.delivery.collapsed == 2


def test_amazon_the_queue_leaves_the_menu_out_and_so_does_the_clock(book):
    """From InitiationTimestamp the wait would be 84 s; in the queue it was 20."""
    bring(book, "amazon_connect", "a.jsonl", [amazon("a", Agent=AGENT)])
    assert [(row["answered_at"] - row["opened_at"]).total_seconds() for row in rows(book)] == [20]


def test_amazon_a_transfer_is_a_contact_of_its_own_and_what_leads_to_it_is_no_abandon(book):
    first = amazon("a", NextContactId="b")
    second = amazon("b", InitiationMethod="TRANSFER", Agent=AGENT, PreviousContactId="a")
    bring(book, "amazon_connect", "a.jsonl", [first, second])
    assert column(book, "outcome") == ["flow_out", "answered"]


def test_amazon_a_callback_is_no_abandon(book):
    bring(book, "amazon_connect", "a.jsonl", [amazon("a", InitiationMethod="CALLBACK"), amazon("b")])
    assert [(row["outcome"], row["abandoned_at"] is None) for row in rows(book)] == [
        ("callback", True),
        ("abandoned", False),
    ]


def test_amazon_one_whom_the_system_cut_off_did_not_give_up(book):
    bring(book, "amazon_connect", "a.jsonl", [amazon("a", DisconnectReason="TELECOM_PROBLEM")])
    assert [(row["outcome"], row["abandoned_at"]) for row in rows(book)] == [(None, None)]


def cxone(number: str, **more: object) -> dict:
    return {
        "contactId": number,
        "contactStart": "2026-01-05T09:00:00Z",
        "isOutbound": "False",
        "skillName": "Care",
        "mediaTypeName": "Call",
        "preQueueSeconds": "13",
        "inQueueSeconds": "7",
        "agentSeconds": "0",
        "abandoned": "True",
        "totalDurationSeconds": "20",
        **more,
    }


def test_cxone_numbers_and_flags_are_text(book):
    bring(book, "cxone_contacts", "c.json", json.dumps({"completedContacts": [cxone("1")]}))
    (row,) = rows(book)
    assert (row["outcome"], row["opened_at"], row["abandoned_at"]) == (
        "abandoned",
        at(2026, 1, 5, 9, 0, 13),
        at(2026, 1, 5, 9, 0, 20),
    )


def test_cxone_spells_after_contact_work_in_two_ways(book):
    one = cxone("1", agentSeconds="100", abandoned="False", ACWSeconds="25")
    other = cxone("2", agentSeconds="100", abandoned="False", acwSeconds="30")
    bring(book, "cxone_contacts", "c.json", json.dumps({"completedContacts": [one, other]}))
    assert column(book, "handle_s") == [125, 130]


FIVE9 = (
    "CALL ID,TIMESTAMP,CAMPAIGN,CALL TYPE,AGENT,ANI,CUSTOMER NAME,IVR TIME,QUEUE WAIT TIME,RING TIME,TALK TIME,"
    "HOLD TIME,AFTER CALL WORK TIME,ABANDONED,DISPOSITION"
)


def test_five9_timestamps_have_no_zone_and_are_read_in_the_books(book):
    line = (
        '1,"Thu, 27 Oct 2016 14:51:34",Care,Inbound,x,x,x,00:00:26,00:00:30,00:00:04,00:02:00,00:00:10,00:00:50,0,Done'
    )
    bring(book, "five9_call_log", "five9.csv", csv(FIVE9, line))
    (row,) = rows(book)
    assert row["opened_at"] == at(2016, 10, 27, 12, 52)  # summer in Madrid, after 26 s of menu
    assert (row["answered_at"] - row["opened_at"]).total_seconds() == 34
    assert row["handle_s"] == 180


def test_five9_times_of_what_was_never_reached_are_empty(book):
    """As zero, an abandoned call would have been handled in no time."""
    line = '1,"Thu, 27 Oct 2016 14:51:34",Care,Inbound,,,,00:00:26,00:01:30,,,,,1,Abandon'
    nothing = '2,"Thu, 27 Oct 2016 14:51:34",Care,Inbound,,,,00:00:26,,,,,,,No Disposition'
    outcome = bring(book, "five9_call_log", "five9.csv", csv(FIVE9, line, nothing))
    first, second = rows(book)
    assert (first["outcome"], first["handle_s"]) == ("abandoned", None)
    assert (first["abandoned_at"] - first["opened_at"]).total_seconds() == 90
    assert (second["outcome"], second["answered_at"], second["abandoned_at"]) == (None, None, None)
    assert {"ANI", "CUSTOMER NAME", "AGENT"} <= set(outcome.unmapped)


TALKDESK = (
    "Interaction ID,Direction,Contact Type,Started At,Answered At,Abandon Time,Talk Time,Hold Time,"
    "After Call Work Time,Finished At,Ring Groups,Inside Service Level (Yes /No),Data Status"
)


def test_talkdesk_times_are_in_the_zone_of_the_account(book):
    """The file bears no offset: the book's zone counts, or the mapping's where somebody writes it."""
    line = "i1,Inbound,voice,2026-07-01 09:00:00,2026-07-01 09:00:20,0,100,5,15,2026-07-01 09:02:20,Care,Yes,Valid"
    bring(book, "talkdesk", "t.csv", csv(TALKDESK, line))
    assert column(book, "opened_at") == [at(2026, 7, 1, 7)]
    folder = write_book(book.parent / "lisbon", BOOK.replace("Europe/Madrid", "Europe/Lisbon"))
    bring(folder, "talkdesk", "t.csv", csv(TALKDESK, line))
    assert column(folder, "opened_at") == [at(2026, 7, 1, 8)]


def test_talkdesk_an_abandon_time_of_zero_is_no_abandon(book):
    line = "i{},Inbound,voice,2026-07-01 09:00:00,{},{},,,,2026-07-01 09:02:20,Care,{},Valid"
    answered = line.format(1, "2026-07-01 09:00:20", "0", "Yes")
    bring(book, "talkdesk", "t.csv", csv(TALKDESK, answered, line.format(2, "", "35", "No")))
    assert [(row["outcome"], row["sla_met"]) for row in rows(book)] == [("answered", True), ("abandoned", False)]


def test_talkdesk_damaged_records_are_left_out_and_counted(book):
    line = "i{},Inbound,voice,2026-07-01 09:00:00,2026-07-01 09:00:20,0,100,,,,Care,Yes,{}"
    outcome = bring(book, "talkdesk", "t.csv", csv(TALKDESK, line.format(1, "Valid"), line.format(2, "Damaged")))
    assert column(book, "contact_id") == ["i1"]
    assert any("1 row was left out" in note and "Damaged" in note for note in outcome.notes)


# Surveys ------------------------------------------------------------------------------------------------------------

QUALTRICS = (
    "StartDate,EndDate,Status,IPAddress,Finished,RecordedDate,ResponseId,RecipientEmail,ExternalReference,"
    "DistributionChannel,Q1"
)
LABELS = (
    "Start Date,End Date,Response Type,IP Address,Finished,Recorded Date,{},Recipient Email,External Data Reference,"
    '"Distribution\nChannel","How satisfied, all in all?"'
)
IMPORT_IDS = ",".join('"{""ImportId"":""%s""}"' % name for name in QUALTRICS.split(","))  # noqa: UP031 - braces
ANSWER = "2026-01-05 09:00:00,2026-01-05 09:05:00,{},10.0.0.1,True,2026-01-05 09:05:01,R_{},ana@example.test,{},{},{}"


@pytest.mark.parametrize("label", ["Response ID", "Antwort-ID", "ID de respuesta"])
def test_qualtrics_has_three_header_rows_in_any_language(book, label):
    answer = ANSWER.format("IP Address", "abc", "cust7", "email", 4)
    outcome = bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format(label), IMPORT_IDS, answer))
    assert [(r["response_id"], r["respondent_id"], r["score"]) for r in rows(book, "surveys")] == [
        ("R_abc", "cust7", 4)
    ]
    assert outcome.delivery.rejected == 0


def test_qualtrics_two_header_rows_are_as_good_as_three(book):
    answer = ANSWER.format("0", "abc", "", "anonymous", 4)
    bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format("Response ID"), answer))
    assert column(book, "respondent_id", "surveys") == ["R_abc"]


@pytest.mark.parametrize("status", ["Survey Preview", "1", "Survey Test", "2", "Spam", "8"])
def test_qualtrics_previews_tests_and_spam_are_nobodys_answers(book, status):
    """The team's own clicks before the start, nearly always fives."""
    answers = [ANSWER.format("IP Address", "real", "", "email", 2), ANSWER.format(status, "test", "", "preview", 5)]
    bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format("Response ID"), IMPORT_IDS, *answers))
    assert column(book, "response_id", "surveys") == ["R_real"]


def test_qualtrics_a_response_without_a_score_is_no_answer(book):
    answer = ANSWER.format("IP Address", "abc", "", "email", "")
    bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format("Response ID"), IMPORT_IDS, answer))
    assert [(row["score"], row["answered_on"]) for row in rows(book, "surveys")] == [(None, None)]


def test_qualtrics_addresses_stay_out(book):
    answer = ANSWER.format("IP Address", "abc", "", "email", 4)
    outcome = bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format("Response ID"), IMPORT_IDS, answer))
    assert {"IPAddress", "RecipientEmail"} <= set(outcome.unmapped)
    assert "ana@example.test" not in str(rows(book, "surveys"))


def test_qualtrics_labels_with_answers_instead_of_numbers_are_read_by_their_number(book):
    answers = [ANSWER.format("IP Address", "a", "", "email", '"5 - very satisfied"')]
    bring(book, "qualtrics", "q.csv", csv(QUALTRICS, LABELS.format("Response ID"), IMPORT_IDS, *answers))
    assert column(book, "score", "surveys") == [5]


MONKEY = (
    "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,First Name,Custom Data 1,"
    "How satisfied are you?,What else?"
)


def test_surveymonkey_has_two_header_rows(book):
    options = ",,,,,,,,Response,Open-Ended Response"
    answer = "118,99,01/31/2026 09:00:00 AM,01/31/2026 09:02:00 AM,10.0.0.1,a@example.test,Ana,cust7,4 - good,secret"
    outcome = bring(book, "surveymonkey", "m.csv", csv(MONKEY, options, answer))
    (row,) = rows(book, "surveys")
    assert (row["response_id"], row["respondent_id"], row["score"]) == ("118", "cust7", 4)
    assert row["answered_on"] == date(2026, 1, 31)
    assert outcome.delivery.rejected == 0
    assert "secret" not in str(row)


def test_limesurvey_without_a_day_of_sending_is_incomplete(book):
    header = "id,submitdate,lastpage,startlanguage,seed,token,startdate,datestamp,ipaddr,refurl,CSAT"
    sent = "1,2026-01-05 09:05:00,3,en,77,tok1,2026-01-05 09:00:00,2026-01-05 09:05:00,10.0.0.1,,A4"
    begun = "2,,1,en,78,tok2,2026-01-05 09:00:00,2026-01-05 09:01:00,10.0.0.2,,A5"
    outcome = bring(book, "limesurvey", "l.csv", csv(header, sent, begun))
    assert [(row["score"], row["answered_on"]) for row in rows(book, "surveys")] == [
        (4, date(2026, 1, 5)),
        (None, None),
    ]
    assert {"token", "ipaddr", "seed"} <= set(outcome.unmapped)


# Interval reports ---------------------------------------------------------------------------------------------------

ACD = "Queue,Date,Interval,Offered,Answered,Abandoned,Talk Time"


def test_interval_totals_are_no_intervals(book):
    outcome = bring(
        book,
        "acd_intervals",
        "acd.csv",
        csv(
            ACD,
            "Care,05/01/2026,09:00 - 09:30,10,9,1,0:30:00",
            "Care,05/01/2026,09:30 - 10:00,20,18,2,1:00:00",
            "Total Care,,,30,27,3,1:30:00",
            "Grand Total,,,30,27,3,1:30:00",
        ),
    )
    assert (sum(column(book, "offered", "intervals")), outcome.delivery.rejected) == (30, 0)
    assert "1 row of totals was left out" in outcome.notes  # by its name alone
    assert any("1 row that sums up others was left out ('Total Care')" in note for note in outcome.notes)


def test_interval_days_come_before_months_where_both_could_be(book):
    bring(book, "acd_intervals", "acd.csv", csv(ACD, "Care,05/01/2026,09:00,10,9,1,0:30:00"))
    assert column(book, "start", "intervals") == [at(2026, 1, 5, 8)]


def test_interval_decimals_and_thousands_as_written_where_a_comma_is_the_point(tmp_path, book):
    mine = tmp_path / "komma.toml"
    mine.write_text('decimal = ","\n' + read_text("acd_intervals"), encoding="utf-8")
    source = csv(ACD.replace(",", ";"), "Care;05.01.2026;09:00;1.234;1.200;34;1800,5")
    bring(book, mine, "acd.csv", source)
    assert [(row["offered"], row["handle_s"]) for row in rows(book, "intervals")] == [(1234, 1800.5)]


def test_interval_half_a_call_is_refused_however_it_is_written(book):
    outcome = bring(
        book,
        "acd_intervals",
        "acd.csv",
        csv(ACD, *(f"Q{n},05/01/2026,09:00,10,9,1,60" for n in range(40)), 'Care,05/01/2026,09:00,"1,5",1,0,60'),
    )
    assert faults(outcome) == ["acd.csv line 42: offered: not a whole number ('1.5')"]


def read_text(name: str) -> str:
    from comity.book.mappings.parse import shipped_mappings

    return shipped_mappings()[name]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Cola,Fecha,Hora,Ofrecidas,Atendidas,Abandonadas", "Atención,05/01/2026,09:00,10,9,1"),
        ("Split,Datum,Zeit,Offered,Answered,Abandoned", "Atención,05.01.2026,09:00,10,9,1"),
    ],
)
def test_interval_headers_may_be_in_another_language(book, header, line):
    bring(book, "acd_intervals", "acd.csv", csv(header, line))
    assert [(row["queue"], row["offered"]) for row in rows(book, "intervals")] == [("Atención", 10)]


@pytest.mark.parametrize(
    ("spelt", "seconds"),
    every(2, [("90", 90), ("0:01:30", 90), ("26:00:00", 93_600), ("PT1M30S", 90), ("1m 30s", 90)], unpack=True),
)
def test_interval_durations_are_spelt_in_many_ways(book, spelt, seconds):
    bring(book, "acd_intervals", "acd.csv", csv(ACD, f"Care,05/01/2026,09:00,10,9,1,{spelt}"))
    assert column(book, "handle_s", "intervals") == [seconds]


def test_interval_a_duration_of_two_parts_is_not_guessed(book):
    """1:30 is a minute and a half, or an hour and a half."""
    with pytest.raises(RefusedError, match=r"Talk Time: no duration such as 90, 0:01:30 or PT1M30S \('1:30'\)"):
        bring(book, "acd_intervals", "acd.csv", csv(ACD, "Care,05/01/2026,09:00,10,9,1,1:30"))


def test_interval_parts_that_are_not_what_was_offered_are_told(book):
    lines = ["Care,05/01/2026,09:00,10,9,1,60", "Care,05/01/2026,09:30,10,6,1,60"]
    outcome = bring(book, "acd_intervals", "acd.csv", csv(ACD, *lines))
    told = "in 1 of 2 intervals answered, abandoned and flowed out are not what was offered (+3 in sum)"
    assert told in outcome.notes


def test_interval_abandons_that_no_column_counts_are_told(book):
    header = "Queue,Date,Interval,Offered,Answered"
    outcome = bring(
        book, "acd_intervals", "acd.csv", csv(header, "Care,05/01/2026,09:00,10,8", "Care,06/01/2026,09:00,9,9")
    )
    (told,) = (note for note in outcome.notes if "who gave up" in note)
    assert "in 1 interval nothing counts who gave up: offered less answered is taken for it (2 in sum)" in told


def test_interval_more_answered_in_time_than_answered_is_a_reject(book):
    header = "Queue,Interval Start,Offered,Answered,Answered in SL,SL Threshold"
    good = [f"Q{number},2026-01-05 09:00,10,9,8,20" for number in range(30)]
    outcome = bring(book, "acd_intervals", "acd.csv", csv(header, *good, "Care,2026-01-05 09:00,10,9,10,20"))
    assert [reject.reason for reject in outcome.rejects] == ["answered_within above answered"]


def test_interval_twice_with_other_figures_is_a_reject(book):
    good = [f"Q{number},05/01/2026,09:00,10,9,1,60" for number in range(30)]
    outcome = bring(book, "acd_intervals", "acd.csv", csv(ACD, *good, "Q1,05/01/2026,09:00,99,98,1,60"))
    assert outcome.delivery.rejected == 1
    assert "line 32" in faults(outcome)[0]


def test_interval_a_day_of_25_hours_has_the_hour_twice_and_a_day_of_23_lacks_it(book):
    """A start that comes again for a queue is the second of the two hours. A time that never was is a reject."""
    day = [f"Care,25/10/2026,{hour:02}:00,{hour + 1},{hour + 1},0,60" for hour in range(24)]
    outcome = bring(book, "acd_intervals", "acd.csv", csv(ACD, *day, "Care,25/10/2026,02:00,50,50,0,60"))
    found = {row["start"]: row["offered"] for row in rows(book, "intervals")}
    # 02:00 in summer time is midnight in UTC, 02:00 in winter time an hour later (Madrid, 25 October 2026).
    assert (found[at(2026, 10, 25, 0)], found[at(2026, 10, 25, 1)], len(found)) == (3, 50, 25)
    assert outcome.delivery.rejected == 0
    good = [f"Q{number},29/03/2026,09:00,1,1,0,60" for number in range(30)]
    outcome = bring(book, "acd_intervals", "spring.csv", csv(ACD, *good, "Care,29/03/2026,02:00,1,1,0,60"))
    assert [reject.reason for reject in outcome.rejects] == ["a time that does not exist in Europe/Madrid"]


def test_interval_a_row_twice_in_a_file_of_instants_is_no_second_hour(book):
    """Times with their offset tell the two hours apart; a row that comes again contradicts the first (Madrid)."""
    header = "queue,start,minutes,offered"
    lines = [f"Care,2026-10-{25 - (hour > 21)}T{hour % 24:02}:00:00Z,60,{hour}" for hour in (22, 23, 0, 1, 2)]
    good = [f"Q{number},2026-10-20T09:00:00Z,60,1" for number in range(40)]
    outcome = bring(book, "intervals", "utc.csv", csv(header, *good, *lines, "Care,2026-10-25T00:00:00Z,60,50"))
    assert (outcome.delivery.rejected, outcome.delivery.new) == (1, 45)


# Any file -----------------------------------------------------------------------------------------------------------

CALLS = ("Call ID,Start,Wait,Outcome", "1,2026-01-05 09:00:00,20,answered", "2,2026-01-05 09:01:00,30,abandoned")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(csv(*CALLS).encode("utf-8-sig"), id="byte-order mark"),
        pytest.param(
            csv(*CALLS).replace("Outcome", "Outcome,Übergang").replace("ed\n", "ed,é\n").encode("cp1252"),
            id="Windows-1252",
        ),
        pytest.param(codecs.BOM_UTF16_LE + csv(*CALLS).encode("utf-16-le"), id="UTF-16"),
        pytest.param(csv(*CALLS, end="\r\n").encode(), id="Windows line ends"),
        pytest.param(csv(*CALLS, end="\r").encode(), id="old Macintosh line ends"),
        pytest.param(csv(*CALLS).replace(",", ";").encode(), id="semicolons"),
        pytest.param(csv(*CALLS).replace(",", "\t").encode(), id="tabs"),
        pytest.param(csv(*CALLS).replace(",", "|").encode(), id="bars"),
        pytest.param(gzip.compress(csv(*CALLS).encode()), id="packed"),
        pytest.param(("\n".join(CALLS)).encode(), id="no last line end"),
    ],
)
def test_a_file_may_be_written_in_any_of_these_ways(book, content):
    bring(book, "call_log", "calls.csv", content)
    found = [(row["contact_id"], row["outcome"], row["opened_at"]) for row in rows(book)]
    assert found == [("1", "answered", at(2026, 1, 5, 8)), ("2", "abandoned", at(2026, 1, 5, 8, 1))]


@pytest.mark.parametrize("nothing", every(2, ["", "null", "-", "N/A", "1970-01-01", "1970-01-01 00:00:00"]))
def test_nothing_is_spelt_in_many_ways(book, nothing):
    line = f"1,11,Open,Care,Mail,,2026-01-05 09:00:00,{nothing},,,,"
    outcome = bring(book, "zendesk_tickets", "z.csv", csv(ZENDESK, line))
    assert (column(book, "resolved_at"), outcome.delivery.rejected) == ([None], 0)


@pytest.mark.parametrize(
    ("spelt", "flag"),
    every(
        2,
        [("1", True), ("Y", True), ("True", True), ("yes", True), ("0", False), ("N", False), ("false", False)],
        unpack=True,
    ),
)
def test_yes_and_no_are_spelt_in_many_ways(book, spelt, flag):
    bring(book, "servicenow_incidents", "i.csv", csv("number,opened_at,made_sla", f"INC1,2026-01-05 09:00:00,{spelt}"))
    assert column(book, "sla_met") == [flag]


def test_a_flag_that_is_neither_is_a_reject_and_no_guess(book):
    lines = [f"INC{number},2026-01-05 09:00:00,true" for number in range(30)]
    source = csv("number,opened_at,made_sla", *lines, "INC99,2026-01-05 09:00:00,perhaps")
    assert faults(bring(book, "servicenow_incidents", "i.csv", source)) == [
        "i.csv line 32: made_sla: neither yes nor no ('perhaps')"
    ]


def test_an_hour_that_the_clocks_give_twice_is_the_first_of_the_two(book):
    bring(book, "call_log", "c.csv", csv(CALLS[0], "1,2026-10-25 02:30:00,20,answered"))
    assert column(book, "opened_at") == [at(2026, 10, 25, 0, 30)]


def test_a_time_with_an_offset_needs_no_zone(book):
    bring(book, "call_log", "c.csv", csv(CALLS[0], "1,2026-01-05T09:00:00-05:00,20,answered"))
    assert column(book, "opened_at") == [at(2026, 1, 5, 14)]


def test_a_file_of_another_kind_says_what_it_has(book):
    with pytest.raises(UnusableSourceError, match=r"z.csv: has no column 'number or Number'.*it has Summation column"):
        bring(book, "servicenow_incidents", "z.csv", csv(ZENDESK, "1,11,Open,Care,Mail,,2026-01-05 09:00:00,,,,,"))


# Workbooks ----------------------------------------------------------------------------------------------------------


def test_a_forecast_with_its_days_across_is_one_row_an_interval(tmp_path, book):
    days = [datetime(2026, 2, day) for day in (1, 2)]  # noqa: DTZ001 - a cell has no zone
    lines = [
        ["Queue", "Interval", *days],
        ["Care", "09:00", 10, 20],
        ["Care", "09:30", 11, None],
        ["Total", "", 21, 20],
    ]
    content = workbook(tmp_path / "x.xlsx", {"February": lines, "Notes": [["issued by planning"]]})
    outcome = bring(book, "forecast_workbook", "forecast_2026-01-15.xlsx", content)
    assert [(row["start"], row["offered"], row["issued_on"]) for row in rows(book, "forecasts")] == [
        (at(2026, 2, 1, 8), 10, date(2026, 1, 15)),
        (at(2026, 2, 1, 8, 30), 11, date(2026, 1, 15)),
        (at(2026, 2, 2, 8), 20, date(2026, 1, 15)),
    ]
    assert outcome.delivery.rejected == 0


def test_an_invoice_annex_ends_in_totals_that_nobody_is_to_pay_twice(tmp_path, book):
    lines = [
        ["Invoice", "Line", "Account", "Service", "Quantity", "Unit price", "Amount", "Unit"],
        ["R1", 1, "northwind", "Calls", 1000, 2.5, 2500, "calls"],
        ["R1", 2, "northwind", "Late answers", 1, -100, -100, "flat fee"],
        [None, None, None, "Net total", None, None, 2400, None],
        [None, None, None, "VAT 21 %", None, None, 504, None],
        [None, None, None, "Total", None, None, 2904, None],
    ]
    outcome = bring(book, "invoice_annex", "i.xlsx", workbook(tmp_path / "x.xlsx", {"2026-05": lines}))
    found = rows(book, "invoices")
    assert [(row["month"], float(row["amount"]), row["unit"]) for row in found] == [
        (date(2026, 5, 1), 2500, "contact"),
        (date(2026, 5, 1), -100, "fixed"),
    ]
    assert "3 rows of totals were left out" in outcome.notes


# Chatwoot -----------------------------------------------------------------------------------------------------------

CHATWOOT = (
    "Agent Name,Rating,Feedback Comment,Contact Name,Contact Email Address,Contact Phone Number,"
    "Link to the conversation,Recorded date"
)
CHATWOOT_ANSWER = (
    'Ana (ana@x.example),{},"Fine,\nthanks",Luis,luis@x.example,600111222,'
    "https://x.example/app/accounts/1/conversations/{},{} UTC"
)


def test_chatwoot_answers_have_no_number_and_a_conversation_may_be_asked_about_twice(book):
    lines = [CHATWOOT_ANSWER.format(4, 77, "2026-01-05 09:00:00"), CHATWOOT_ANSWER.format(2, 77, "2026-01-06 09:00:00")]
    content = csv(CHATWOOT, *lines, "Reporting period 2026-01-01 to 2026-01-31")
    assert faults(bring(book, "chatwoot_csat", "c.csv", content)) == []
    assert [(row["contact_id"], row["respondent_id"], row["score"]) for row in rows(book, "surveys")] == [
        ("77", "77", 4),
        ("77", "77", 2),
    ]
    assert bring(book, "chatwoot_csat", "again.csv", content + "\n").delivery.unchanged == 2


def test_chatwoot_writes_times_in_utc_and_the_day_is_the_book_s(book):
    """23:30 UTC on 5 January is 6 January in Madrid."""
    bring(book, "chatwoot_csat", "c.csv", csv(CHATWOOT, CHATWOOT_ANSWER.format(4, 77, "2026-01-05 23:30:00")))
    assert column(book, "answered_on", "surveys") == [date(2026, 1, 6)]


def test_chatwoot_knows_neither_who_asked_nor_who_answered(book):
    outcome = bring(book, "chatwoot_csat", "c.csv", csv(CHATWOOT, CHATWOOT_ANSWER.format(4, 77, "2026-01-05 09:00:00")))
    assert {"Feedback Comment", "Contact Name", "Contact Email Address"} <= set(outcome.unmapped)
    held = str(rows(book, "surveys")).casefold()
    assert [said for said in ("ana", "luis", "600111222", "fine") if said in held] == []


@pytest.mark.long
def test_chatwoot_is_recognised(tmp_path):
    assert_known(
        tmp_path, "chatwoot_csat", "c.csv", csv(CHATWOOT, CHATWOOT_ANSWER.format(4, 77, "2026-01-05 09:00:00"))
    )
