"""The traps of interval reports, staffing and quality forms, each sprung once; made by hand after the documentation."""

from datetime import date
from pathlib import Path

import pytest

from comity.book.errors import UnusableFileError
from tests.builders.bringing import assert_known, at, bring, column, csv, faults, rows, workbook
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


@pytest.mark.long
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


@pytest.mark.long
def test_3cx_is_recognised(tmp_path):
    leg = LEG.format("09:00:00", "c1", "Ana (101)", "Inbound", "Answered", "00:00:20", "00:01:10")
    assert_known(tmp_path, "threecx_call_log", "c.csv", csv(CX, leg))


# Cisco UCCE ---------------------------------------------------------------------------------------------------------

CALL_TYPE = (
    "DateTime,TimeZone,CallTypeID,EnterpriseName,CallsOffered,CallsAnswered,CallsHandled,ServiceLevelCalls,"
    "TotalCallsAband,ShortCalls,OverflowOut,HandleTime,RecoveryKey"
)
ROW = "2026-01-05 {}:00.000,-60,5147,Care,20,14,13,12,3,2,1,2600,7.5E+12"


def test_cisco_ucce_short_calls_are_offered_and_among_those_who_gave_up(book):
    """20 offered: 14 answered, 3 abandoned, 2 of them so soon that UCCE does not call them abandons, 1 flowed out."""
    outcome = bring(book, "cisco_ucce", "u.csv", csv(CALL_TYPE, ROW.format("09:00"), ROW.format("09:30")))
    assert faults(outcome) == []
    assert not any("are not what was offered" in note for note in outcome.notes)
    assert [
        (row["start"], row["abandoned"], row["abandoned_short"], row["minutes"]) for row in rows(book, "intervals")
    ] == [
        (at(2026, 1, 5, 8), 5, 2, 30),
        (at(2026, 1, 5, 8, 30), 5, 2, 30),
    ]


def test_cisco_ucce_counts_a_call_where_it_is_answered_and_not_where_its_work_ends(book):
    bring(book, "cisco_ucce", "u.csv", csv(CALL_TYPE, ROW.format("09:00")))
    assert column(book, "answered", "intervals") == [14]
    handled = CALL_TYPE.replace("CallsAnswered,", "")
    row = ROW.format("09:00").replace("20,14,13", "20,13")
    outcome = bring(write_book(book.parent / "other"), "cisco_ucce", "h.csv", csv(handled, row))
    assert any("counted when work on a call ended" in note for note in outcome.notes)


def test_cisco_ucce_does_not_know_its_own_threshold_and_that_is_said(book):
    outcome = bring(book, "cisco_ucce", "u.csv", csv(CALL_TYPE, ROW.format("09:00")))
    assert column(book, "threshold_s", "intervals") == [None]
    assert any("write threshold_s" in note for note in outcome.notes)


def test_cisco_ucce_quarter_hours_are_told_by_their_starts(book):
    times = [f"{hour:02}:{minute:02}" for hour in (9, 10) for minute in (0, 15, 30, 45)]
    bring(book, "cisco_ucce", "u.csv", csv(CALL_TYPE, *(ROW.format(time) for time in times)))
    assert set(column(book, "minutes", "intervals")) == {15}


@pytest.mark.long
def test_cisco_ucce_is_recognised(tmp_path):
    assert_known(tmp_path, "cisco_ucce", "u.csv", csv(CALL_TYPE, ROW.format("09:00")))


# Cisco UCCX ---------------------------------------------------------------------------------------------------------

CSQ = (
    "CSQ Name,CSQ ID,Call Skills,Interval Start Time,Interval End Time,Service Level (sec),"
    "Calls Handled < Service Level,Calls Abandoned < Service Level,Only Handled,"
    "Calls Presented,Handled,%,Abandoned,%,Dequeued,%"
)
HALF = "{},3,voice,2026-01-13 {}:00,2026-01-13 {}:00,20,8,1,80 %,12,10,83.3 %,1,8.3 %,1,8.3 %"
SUMS = [",,,,,,16,2,80 %,24,20,83.3 %,2,8.3 %,2,8.3 %", "Summary,,,,,,16,2,80 %,24,20,83.3 %,2,8.3 %,2,8.3 %"]


def test_cisco_uccx_sums_below_each_queue_are_no_intervals(book):
    lines = [HALF.format("Care", "09:00", "09:30"), HALF.format("Care", "09:30", "10:00"), *SUMS]
    outcome = bring(book, "cisco_uccx", "x.csv", csv(CSQ, *lines))
    assert faults(outcome) == []
    assert column(book, "offered", "intervals") == [12, 12]
    assert any("2 rows of totals were left out" in note for note in outcome.notes)


def test_cisco_uccx_counts_stand_beside_percentages_of_one_name(book):
    bring(book, "cisco_uccx", "x.csv", csv(CSQ, HALF.format("Care", "09:00", "09:30")))
    only = rows(book, "intervals")[0]
    shown = ["answered", "answered_within", "threshold_s", "abandoned", "flowed_out", "minutes"]
    assert [only[name] for name in shown] == [10, 8, 20, 1, 1, 30]


def test_cisco_uccx_a_call_in_two_queues_is_dequeued_from_one_and_that_is_said(book):
    outcome = bring(book, "cisco_uccx", "x.csv", csv(CSQ, HALF.format("Care", "09:00", "09:30")))
    assert any("presented in each of them" in note for note in outcome.notes)


@pytest.mark.long
def test_cisco_uccx_is_recognised(tmp_path):
    assert_known(tmp_path, "cisco_uccx", "x.csv", csv(CSQ, HALF.format("Care", "09:00", "09:30"), *SUMS))


# NICE IEX -----------------------------------------------------------------------------------------------------------

IEX = "#fields:date|period|TZ|ctID|ctName|fcstContactsReceived|fcstContactsHandled|fcstAHT|fcstReq|revPlanReq|schedOpen"


def period(day: str, time: str, required: str = "12.50") -> str:
    return f"{day}|{time}|CET|7|Care|40.25|39.00|310.5|{required}|13.00|11.75"


def test_nice_iex_writes_the_month_first_without_signs(book):
    """01052026 is 5 January, which as a number is 1052026."""
    lines = [period("01052026", "09:00"), period("01052026", "09:15"), period("01062026", "09:00")]
    outcome = bring(book, "nice_iex_staffing", "ctActiveForecast_010526_0600.txt", csv(IEX, *lines))
    assert faults(outcome) == []
    assert [(row["start"], row["required"], row["scheduled"]) for row in rows(book, "schedules")] == [
        (at(2026, 1, 5, 8), 12.5, 11.75),
        (at(2026, 1, 5, 8, 15), 12.5, 11.75),
        (at(2026, 1, 6, 8), 12.5, 11.75),
    ]


def test_nice_iex_a_forecast_is_issued_on_the_day_of_the_export(book):
    bring(book, "nice_iex_forecast", "ctActiveForecast_010226_0600.txt", csv(IEX, period("01052026", "09:00")))
    only = rows(book, "forecasts")[0]
    assert (only["offered"], only["aht_s"], only["issued_on"]) == (40.25, 310.5, date(2026, 1, 2))


def test_nice_iex_without_the_day_in_its_name_a_file_is_no_forecast(book):
    with pytest.raises(UnusableFileError, match="its name does not tell issued_on"):
        bring(book, "nice_iex_forecast", "forecast.txt", csv(IEX, period("01052026", "09:00")))


def test_nice_iex_writes_the_repeated_hour_twice_and_the_order_tells_which_is_which(book):
    """On 25 October 2026 Madrid has 2:00 to 3:00 twice: 0:00 and 1:00 UTC."""
    lines = [period("10252026", time) for time in ("01:30", "02:00", "02:30")]
    lines += [period("10252026", time, "9.00") for time in ("02:00", "02:30", "03:00")]
    outcome = bring(book, "nice_iex_staffing", "ctActiveForecast_102526_0600.txt", csv(IEX, *lines))
    assert faults(outcome) == []
    held = {row["start"]: row["required"] for row in rows(book, "schedules")}
    assert (held[at(2026, 10, 25, 0)], held[at(2026, 10, 25, 1)]) == (12.5, 9)


@pytest.mark.long
def test_nice_iex_is_recognised(tmp_path):
    lines = [period("01132026", "09:00"), period("01132026", "09:30")]
    assert_known(tmp_path, "nice_iex_forecast", "ctActiveForecast_011326_0600.txt", csv(IEX, *lines))
    assert "# `--as nice_iex_staffing` reads the same file for schedules" in (tmp_path / "drafted.toml").read_text()


# Calabrio -----------------------------------------------------------------------------------------------------------

QUEUE_DATA = (
    "interval;date_from;time;queue;queue_name;offd_direct_call_cnt;overflow_in_call_cnt;aband_call_cnt;"
    "overflow_out_call_cnt;answ_call_cnt;queued_and_answ_call_dur;queued_and_aband_call_dur;talking_call_dur;wrap_up_dur;"
    "queued_answ_longest_que_dur;queued_aband_longest_que_dur;avg_avail_member_cnt;ans_servicelevel_cnt;wait_dur;"
    "aband_short_call_cnt;aband_within_sl_cnt"
)
QUARTER = "15;20260105;{};12;Care;18;2;3;1;16;240;60;3200;480;70;40;9;14;500;2;1"


def test_calabrio_has_no_header_and_is_read_by_the_order_of_its_columns(book):
    """18 that came, 2 passed on by another queue: 20 offered. 3,200 of talk and 480 after it."""
    outcome = bring(book, "calabrio_queue", "q.txt", csv(QUARTER.format("09:00"), QUARTER.format("09:15")))
    assert (faults(outcome), outcome.delivery.rows_in) == ([], 2)
    first = rows(book, "intervals")[0]
    shown = ["queue", "start", "minutes", "offered", "answered", "abandoned", "flowed_out", "handle_s"]
    assert [first[name] for name in shown] == ["Care", at(2026, 1, 5, 8), 15, 20, 16, 3, 1, 3680]


def test_calabrio_with_a_header_it_is_the_same(book):
    bring(book, "calabrio_queue", "bare.txt", csv(QUARTER.format("09:00")))
    outcome = bring(book, "calabrio_queue", "headed.txt", csv(QUEUE_DATA, QUARTER.format("09:00")))
    assert (outcome.delivery.rows_in, outcome.delivery.unchanged, outcome.delivery.rejected) == (1, 1, 0)


def test_calabrio_short_abandons_are_among_the_abandons(book):
    bring(book, "calabrio_queue", "q.txt", csv(QUARTER.format("09:00")))
    assert (column(book, "abandoned", "intervals"), column(book, "abandoned_short", "intervals")) == ([3], [2])


def test_calabrio_a_row_of_another_width_is_set_aside(book):
    short = QUARTER.format("09:15").rpartition(";")[0]
    outcome = bring(
        book,
        "calabrio_queue",
        "q.txt",
        csv(
            *[QUARTER.format(f"{h:02}:00") for h in range(9)],
            short,
            *[QUARTER.format(f"{h:02}:00") for h in range(9, 24)],
        ),
    )
    assert (outcome.delivery.new, outcome.delivery.rejected) == (24, 1)
    assert "20 cells where the header has 21" in faults(outcome)[0]


def test_calabrio_writes_0_for_what_an_acd_does_not_count_and_that_is_told(book):
    """40 half hours of 16 answered, none within the service level: 0 % would be a figure of nothing."""
    lines = [QUARTER.replace(";14;500;2;", ";0;500;0;").format(f"{n // 4:02}:{n % 4 * 15:02}") for n in range(40)]
    outcome = bring(book, "calabrio_queue", "q.txt", csv(*lines))
    assert any(
        "answered_within: 40 rows of 0 and no other, beside 640 answered in queue Care" in n for n in outcome.notes
    )
    assert any("abandoned_short: 40 rows of 0 and no other, beside 120 abandoned" in note for note in outcome.notes)


@pytest.mark.long
def test_calabrio_is_recognised_by_its_header(tmp_path):
    assert_known(tmp_path, "calabrio_queue", "q.csv", csv(QUEUE_DATA, QUARTER.format("09:00")))


# ACD reports in Spanish and German ----------------------------------------------------------------------------------

SPANISH = (
    "Cola;Fecha;Franja horaria;Llamadas recibidas;Llamadas atendidas;Atendidas en NS;Llamadas abandonadas;"
    "Tiempo de conversación;Tiempo administrativo"
)
GERMAN = (
    "Warteschlange;Datum;Intervall;Angebotene Anrufe;Angenommene Anrufe;Im Servicelevel;Aufgelegt;Kurzaufleger;"
    "Gesprächszeit;Nachbearbeitungszeit"
)


def test_acd_in_spanish_thousands_are_points_and_totals_are_in_spanish(book):
    lines = [
        "Atención;13/01/2026;09:00 - 09:30;1.200;1.150;1.000;50;57:30:00;05:00:00",
        "Atención;13/01/2026;09:30 - 10:00;10;9;8;1;0:27:00;0:03:00",
        "Total general;;;1.210;1.159;1.008;51;57:57:00;05:03:00",
    ]
    outcome = bring(book, "acd_intervals", "a.csv", csv(SPANISH, *lines))
    assert faults(outcome) == []
    held = [(row["start"], row["offered"], row["answered_within"], row["handle_s"]) for row in rows(book, "intervals")]
    assert held == [(at(2026, 1, 13, 8), 1200, 1000, 225000), (at(2026, 1, 13, 8, 30), 10, 8, 1800)]


def test_acd_in_german_days_bear_points_and_totals_are_in_german(book):
    lines = [
        "Störung;13.01.2026;09:00-09:15;12;10;9;2;1;3000;600",
        "Störung;13.01.2026;09:15-09:30;8;8;8;0;0;2400;480",
        "Gesamtsumme;;;20;18;17;2;1;5400;1080",
    ]
    outcome = bring(book, "acd_intervals", "a.csv", csv(GERMAN, *lines).encode("cp1252"))
    assert faults(outcome) == []
    held = [
        (row["queue"], row["start"], row["minutes"], row["abandoned_short"], row["handle_s"])
        for row in rows(book, "intervals")
    ]
    assert held == [("Störung", at(2026, 1, 13, 8), 15, 1, 3600), ("Störung", at(2026, 1, 13, 8, 15), 15, 0, 2880)]


@pytest.mark.long
def test_acd_in_spanish_and_german_is_recognised(tmp_path):
    spanish = "Luz;13/01/2026;09:00 - 09:30;12;10;9;2;0:50:00;0:10:00;20;1;0"
    more = ";Umbral;Abandonos cortos;Desbordadas"
    assert_known(tmp_path / "es", "acd_intervals", "a.csv", csv(SPANISH + more, spanish))
    german = "Hilfe;13.01.2026;09:00-09:15;12;10;9;2;1;3000;600;20;0"
    assert_known(tmp_path / "de", "acd_intervals", "a.csv", csv(GERMAN + ";Schwelle;Überlauf", german))


def test_calabrio_as_a_workbook_without_a_header_is_refused(book, tmp_path):
    cells = QUARTER.format("09:00").split(";")
    with pytest.raises(UnusableFileError, match="no row bears the names of the columns; write interval, date_from"):
        bring(book, "calabrio_queue", "q.xlsx", workbook(tmp_path / "made.xlsx", {"Data": [cells]}))
