"""The traps of interval reports, staffing and quality forms, each sprung once; made by hand after the documentation."""

from datetime import date
from pathlib import Path

import pytest

from tests.builders.bringing import assert_known, at, bring, column, csv, faults, rows
from tests.cast import write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "book")


# Avaya CMS ----------------------------------------------------------------------------------------------------------

HSPLIT = (
    "row_date,starttime,intrvl,split,callsoffered,acdcalls,abncalls,acceptable,servicelevel,outflowcalls,dequecalls,"
    "acdtime,holdtime,acwtime"
)


def test_avaya_writes_nine_o_clock_as_900_and_midnight_as_0(book):
    line = "2026-01-05,{},30,101,10,9,1,8,20,0,0,900,90,270"
    outcome = bring(book, "avaya_cms", "a.csv", csv(HSPLIT, *(line.format(time) for time in (0, 30, 900, 930, 1430))))
    assert faults(outcome) == []
    assert sorted(column(book, "start", "intervals")) == [
        at(2026, 1, 4, 23),
        at(2026, 1, 4, 23, 30),
        at(2026, 1, 5, 8),
        at(2026, 1, 5, 8, 30),
        at(2026, 1, 5, 13, 30),
    ]


def test_avaya_leaves_hold_out_of_the_talk(book):
    """900 of talk, 90 of hold, 270 after the calls: 1,260 seconds of handling. Without hold they were 1,170."""
    bring(book, "avaya_cms", "a.csv", csv(HSPLIT, "2026-01-05,900,30,101,10,9,1,8,20,0,0,900,90,270"))
    assert column(book, "handle_s", "intervals") == [1260]


def test_avaya_a_call_that_waits_in_two_skills_flows_out_of_one_and_that_is_said(book):
    """Offered to 101 and 102, answered by 102: two offered in sum, one call."""
    lines = ["2026-01-05,900,30,101,1,0,0,0,20,1,0,0,0,0", "2026-01-05,900,30,102,1,1,0,1,20,0,0,60,0,0"]
    outcome = bring(book, "avaya_cms", "a.csv", csv(HSPLIT, *lines))
    assert column(book, "flowed_out", "intervals") == [1, 0]
    assert any("sums over skills count it more than once" in note for note in outcome.notes)


CMS = "Date,Time,Split/Skill,Avg Speed Ans,ACD Calls,Avg ACD Time,Avg ACW Time,Aban Calls,Flow Out,Calls Offered"


def test_avaya_writes_less_than_a_minute_as_a_colon_and_seconds(book):
    """10 calls of 3:20 and :45 after them: 10 times 245 seconds. A mean is a mean: no sum of means."""
    lines = ["13/01/2026,9:00 AM,Care,:16,10,3:20,:45,1,0,11", "13/01/2026,9:30 AM,Care,:05,2,:50,1:00,0,0,2"]
    outcome = bring(book, "avaya_cms", "a.csv", csv(CMS, *lines, ",Totals,,:14,12,2:55,:47,1,0,13"))
    assert faults(outcome) == []
    assert [(row["start"], row["handle_s"], row["minutes"]) for row in rows(book, "intervals")] == [
        (at(2026, 1, 13, 8), 2450, 30),
        (at(2026, 1, 13, 8, 30), 220, 30),
    ]


def test_avaya_is_recognised_by_the_items_of_its_database_and_by_its_report(tmp_path):
    line = "2026-01-05,900,30,101,10,9,1,8,20,0,0,900,90,270"
    assert_known(tmp_path / "items", "avaya_cms", "a.csv", csv(HSPLIT, line))
    assert_known(tmp_path / "report", "avaya_cms", "a.csv", csv(CMS, "13/01/2026,9:00 AM,Care,:16,10,3:20,:45,1,0,11"))


# Quality forms ------------------------------------------------------------------------------------------------------

QA = "Evaluation ID,Evaluation Date,Agent,Evaluator,Interaction ID,Queue,Team,Form Name,Status,Score,Auto Fail,Comments"


def marked(number: int, score: str, status: str = "Completed", fail: str = "No") -> str:
    return f"{number},13/01/2026,Ana,Luis,c{number},Care,North,Voice 2026,{status},{score},{fail},secret"


def test_evaluations_score_in_percent_in_points_and_out_of_so_many(book):
    """As a share 85 % was 0.85 on a scale of 100."""
    outcome = bring(book, "qa_evaluations", "q.csv", csv(QA, marked(1, "85%"), marked(2, "17/20"), marked(3, "92.5")))
    assert faults(outcome) == []
    assert [(row["score"], row["scale_min"], row["scale_max"]) for row in rows(book, "evaluations")] == [
        (85, 0, 100),
        (17, 0, 20),
        (92.5, 0, 100),
    ]


def test_evaluations_that_are_not_handed_in_say_nothing(book):
    bring(book, "qa_evaluations", "q.csv", csv(QA, marked(1, "85%"), marked(2, "0%", status="Draft")))
    assert column(book, "evaluation_id", "evaluations") == ["1"]


def test_evaluations_a_failure_of_the_whole_form_is_a_critical_error(book):
    bring(book, "qa_evaluations", "q.csv", csv(QA, marked(1, "0%", fail="Yes"), marked(2, "85%")))
    assert column(book, "critical_errors", "evaluations") == [1, 0]


def test_evaluations_know_neither_who_was_marked_nor_what_was_written(book):
    outcome = bring(book, "qa_evaluations", "q.csv", csv(QA, marked(1, "85%")))
    assert {"Agent", "Evaluator", "Comments"} <= set(outcome.unmapped)
    assert column(book, "evaluated_on", "evaluations") == [date(2026, 1, 13)]


def test_evaluations_above_their_scale_are_rejects(book):
    lines = [marked(number, "85%") for number in range(30)]
    outcome = bring(book, "qa_evaluations", "q.csv", csv(QA, *lines, marked(99, "21/20")))
    assert outcome.delivery.rejected == 1


def test_evaluations_are_recognised(tmp_path):
    assert_known(tmp_path, "qa_evaluations", "q.csv", csv(QA, marked(1, "85%"), marked(2, "17/20")))


# 3CX ----------------------------------------------------------------------------------------------------------------

CX = "Call Time,Call ID,From,To,Direction,Status,Ringing,Talking,Cost,Call Activity Details"
LEG = "2026-01-13T{},{},600111222,{},{},{},{},{},0.00,secret"


def test_3cx_legs_are_not_calls_and_a_queue_that_picks_up_is_no_answer(book):
    """Two callers in four legs: one answered by the second agent after 50 seconds, one who gave up in the queue."""
    legs = [
        LEG.format("09:00:00", "c1", "Support (801)", "Inbound Queue", "Answered", "00:00:40", "00:02:00"),
        LEG.format("09:00:10", "c1", "Ana (101)", "Inbound", "Unanswered", "00:00:20", "00:00:00"),
        LEG.format("09:00:30", "c1", "Luis (102)", "Inbound", "Answered", "00:00:20", "00:01:10"),
        LEG.format("09:05:00", "c2", "Support (801)", "Inbound Queue", "Answered", "00:00:00", "00:00:35"),
        LEG.format("09:06:00", "c3", "Ana (101)", "Outbound", "Answered", "00:00:05", "00:01:00"),
    ]
    outcome = bring(book, "threecx_call_log", "c.csv", csv(CX, *legs, "Totals,,,,,,00:01:25,00:04:45,0.00,"))
    assert faults(outcome) == []
    assert [
        (row["contact_id"], row["outcome"], row["opened_at"], row["answered_at"], row["handle_s"], row["queue"])
        for row in rows(book)
    ] == [
        ("c1", "answered", at(2026, 1, 13, 8), at(2026, 1, 13, 8, 0, 50), 70, "Support (801)"),
        ("c2", "abandoned", at(2026, 1, 13, 8, 5), None, None, "Support (801)"),
    ]
    assert "Luis" not in str(rows(book))


def test_3cx_is_recognised(tmp_path):
    leg = LEG.format("09:00:00", "c1", "Ana (101)", "Inbound", "Answered", "00:00:20", "00:01:10")
    assert_known(tmp_path, "threecx_call_log", "c.csv", csv(CX, leg))
