"""A list of KPIs as somebody keeps it: each cell as it would be typed, and what is told of one that cannot be read."""

from datetime import date

import pytest

from comity.core.agreements.clauses import check_fields
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi_list import HEADERS, IN_FILE, MOST_KPIS, Column, Fault, SheetRows, identity, read_kpis
from comity.core.values import Side

NAMES = {"Service level": "service_level", "Nivel de servicio": "service_level", "Abandono": "abandonment"}
HEAD = ("Name", "Measure", "Target")


def sheet(*rows, name="KPIs", first=1):
    return SheetRows(name, [(number, row) for number, row in enumerate(rows, first)])


def read(*rows, **more):
    return read_kpis([sheet(*rows, **more)], Side.CUSTOMER, NAMES)


def one(head, *cells):
    """The fields of a row with a measure, and the cells of further columns."""
    listed = read(("Measure", *head), cells)
    assert listed.problems == ()
    (kpi,) = listed.kpis
    assert check_fields("x", Kind.KPI, kpi.fields) == (kpi.fields, [])
    return kpi.fields


def fault(head, *cells):
    listed = read(("Measure", *head), cells)
    assert listed.kpis == ()
    (problem,) = listed.problems
    assert (problem.sheet, problem.row) == ("KPIs", 2)
    return problem.fault, problem.column, problem.value


def test_a_list_with_all_columns():
    """The header has a title above it; columns stand in any order, and one is nobody's."""
    listed = read(
        ("Our KPIs 2026", "", "", "", "", "", "", "", "", "", ""),
        ("", "", "", "", "", "", "", "", "", "", ""),
        ("Target", "Name", "Measure", "Direction", "Queue", "Channel", "Threshold (s)", "Owner at the provider", "Why",
         "Valid from", "Weight"),
        ("80 %", "Fast answers", "Service level", "at least", "sales; care", "phone", "20", "Jan Novak",
         "Nobody waits.", "2026-09-01", "30"),
    )  # fmt: skip
    assert listed.problems == ()
    assert listed.unread_columns == (("KPIs", "Weight"),)
    (kpi,) = listed.kpis
    assert (kpi.sheet, kpi.row, kpi.first_day) == ("KPIs", 4, date(2026, 9, 1))
    assert kpi.fields == {
        "measure": "service_level", "target": "0.8", "better": "higher", "answer_within_s": "20",
        "queues": ["care", "sales"], "channels": ["voice"], "title": "Fast answers", "outcome": "Nobody waits.",
        "provider_owner": "Jan Novak",
    }  # fmt: skip


def test_the_same_list_in_spanish():
    listed = read(
        ("Nombre", "Medida", "Objetivo", "Sentido", "Cola", "Canal", "Umbral en segundos", "Responsable", "Por qué",
         "Válido desde"),
        ("Atención", "nivel de SERVICIO", "80,5 %", "Como mínimo", "ventas", "teléfono", "20", "Ana Ruiz",
         "Nadie espera.", "2026-09-01"),
    )  # fmt: skip
    assert listed.problems == ()
    assert listed.kpis[0].fields == {
        "measure": "service_level", "target": "0.805", "better": "higher", "answer_within_s": "20",
        "queues": ["ventas"], "channels": ["voice"], "title": "Atención", "outcome": "Nadie espera.",
        "customer_owner": "Ana Ruiz",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_headers_of_the_file_to_fill_in_are_known_each_to_its_column(language):
    head = [HEADERS[column][language][0] for column in IN_FILE]
    cells = {
        Column.NAME: "Waiting", Column.MEASURE: "wait_mean", Column.TARGET: "30 s", Column.DIRECTION: "≤",
        Column.QUEUE: "sales", Column.CHANNEL: "voice", Column.THRESHOLD: "", Column.CUSTOMER_OWNER: "Ana Ruiz",
        Column.PROVIDER_OWNER: "Jan Novak", Column.WHY: "Soon.", Column.VALID_FROM: "2026-09-01",
    }  # fmt: skip
    listed = read(head, [cells[column] for column in IN_FILE])
    assert (listed.problems, listed.unread_columns) == ((), ())
    assert listed.kpis[0].fields == {
        "title": "Waiting", "measure": "wait_mean", "target": "30", "better": "lower", "queues": ["sales"],
        "channels": ["voice"], "customer_owner": "Ana Ruiz", "provider_owner": "Jan Novak", "outcome": "Soon.",
    }  # fmt: skip


def test_no_header_means_two_columns():
    names = [name for column in Column for language in ("en", "es") for name in HEADERS[column][language]]
    assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize(
    ("measure", "target", "kept"),
    [
        ("service_level", "80 %", "0.8"),
        ("service_level", "80%", "0.8"),
        ("service_level", "80", "0.8"),
        ("service_level", "0.8", "0.8"),
        ("service_level", "0,8", "0.8"),
        ("service_level", "0.8500000000000001", "0.85"),
        ("service_level", "100", "1"),
        ("service_level", "1 %", "0.01"),
        ("service_level", "at least", None),
        ("csat", "80", "0.8"),
        ("csat", "mean 4.2", "4.2"),
        ("csat", "4,2 media", "4.2"),
        ("wait_mean", "30", "30"),
        ("wait_mean", "1.5 min", "90"),
        ("wait_mean", "00:00:45", "45"),
        ("time_to_resolve", "8 h", "28800"),
        ("time_to_resolve", "2 días", "172800"),
        ("backlog", "200", "200"),
        ("backlog", "1,000", None),
        ("nps", "-5", "-5"),
        ("wait_mean", "soon", None),
        ("service_level", "1", None),
        ("service_level", "180", None),
        ("csat", "4.2", None),
    ],
)
def test_a_target_has_the_unit_of_its_measure_or_is_asked_about(measure, target, kept):
    if kept is None:
        assert fault(("Target",), measure, target)[1:] == ("Target", target)
    else:
        assert one(("Target",), measure, target)["target"] == kept


def test_under_a_header_of_per_cent_a_half_is_asked_about():
    assert one(("Target (%)",), "abandonment", "5")["target"] == "0.05"
    assert fault(("Target (%)",), "abandonment", "0.5") == (Fault.SHARE_OR_PER_CENT, "Target (%)", "0.5")


def test_eighty_in_twenty():
    fields = one(("Target",), "service_level", "80/20")
    assert (fields["target"], fields["answer_within_s"]) == ("0.8", "20")
    assert fault(("Target", "Threshold"), "service_level", "80/20", "30")[0] is Fault.TWO_THRESHOLDS
    assert fault(("Target",), "abandonment", "80/20")[0] is Fault.SHARE


def test_a_sign_before_the_target_is_a_direction_that_the_column_must_not_deny():
    assert one(("Target",), "handle_time", "≥ 200 s")["better"] == "higher"
    assert one(("Target",), "abandonment", "<5%")["better"] == "lower"
    assert fault(("Target", "Direction"), "abandonment", "<5%", "at least")[:2] == (Fault.AGAINST, "Direction")
    assert fault(("Target", "Direction"), "abandonment", "5%", "sideways")[2] == "sideways"


def test_a_threshold_is_in_seconds_or_in_days():
    assert one(("Threshold",), "service_level", "1 min")["answer_within_s"] == "60"
    assert one(("Threshold",), "repeat_contact", "7")["within_days"] == 7
    assert one(("Threshold",), "reopen", "14 days")["within_days"] == 14
    assert fault(("Threshold",), "reopen", "20 s")[0] is Fault.THRESHOLD
    assert fault(("Threshold",), "backlog", "20")[0] is Fault.NO_THRESHOLD


def test_a_column_of_queues_or_channels_is_parted():
    fields = one(("Queue / channel",), "abandonment", "phone; Sales, north")
    assert (fields["channels"], fields["queues"]) == (["voice"], ["Sales, north"])
    assert one(("Queue",), "abandonment", "all")["queues"] == ["*"]
    assert one(("Channel",), "abandonment", "fax")["channels"] == ["fax"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-09-01", date(2026, 9, 1)),
        ("2026-09-01 00:00:00", date(2026, 9, 1)),
        ("31/12/2026", date(2026, 12, 31)),
        ("1.1.2026", date(2026, 1, 1)),
        ("01/02/2026", None),
        ("2026-02-30", None),
        ("soon", None),
    ],
)
def test_a_day_that_could_be_two_is_asked_about(written, day):
    if day is None:
        assert fault(("Valid from",), "csat", written) == (Fault.DAY, "Valid from", written)
    else:
        assert read(("Measure", "Valid from"), ("csat", written)).kpis[0].first_day == day


def test_a_measure_may_stand_in_the_name():
    assert one(("Name",), "", "Abandono") == {"measure": "abandonment", "queues": ["*"], "channels": ["*"]}
    assert fault(("Name",), "Courtesy", "Politeness")[:2] == (Fault.MEASURE, "Measure")
    assert fault(("Name", "Why"), "", "", "Because")[0] is Fault.NO_MEASURE


def test_one_bad_row_keeps_all_others_out_and_each_is_told():
    listed = read(HEAD, ("", "csat", "80"), ("", "Courtesy", "80"), ("", "nps", "#REF!"), ("", "backlog", "many"))
    assert listed.kpis == ()
    assert [(one.fault, one.row, one.column, one.value) for one in listed.problems] == [
        (Fault.MEASURE, 3, "Measure", "Courtesy"),
        (Fault.FORMULA_ERROR, 4, "Target", "#REF!"),
        (Fault.NUMBER, 5, "Target", "many"),
    ]


def test_the_same_kpi_twice_is_told_with_the_first():
    listed = read_kpis(
        [sheet(HEAD, ("", "csat", "80")), sheet(HEAD, ("Happy", "csat", "70"), name="More")], Side.PROVIDER, {}
    )
    assert [(one.fault, one.sheet, one.row, one.names) for one in listed.problems] == [
        (Fault.TWICE, "More", 2, ("KPIs", "2"))
    ]


def test_of_several_days_no_row_may_name_none():
    head = ("Measure", "Valid from")
    assert read(head, ("csat", "2026-09-01"), ("nps", "")).problems == ()
    listed = read(head, ("csat", "2026-09-01"), ("nps", ""), ("ces", "2026-10-01"))
    assert [(one.fault, one.row) for one in listed.problems] == [(Fault.WHICH_DAY, 3)]


def test_all_sheets_are_read_and_the_others_named():
    other = SheetRows("Notes", [(1, ("We meet on Mondays",))])
    listed = read_kpis([sheet(HEAD, ("", "csat", "80")), other, SheetRows("Empty", [])], Side.CUSTOMER, {})
    assert (len(listed.kpis), listed.unread_sheets) == (1, ("Notes",))
    assert [one.fault for one in read_kpis([other], Side.CUSTOMER, {}).problems] == [Fault.NO_HEADER]


def test_what_a_file_as_a_whole_cannot_be():
    assert [one.fault for one in read(HEAD).problems] == [Fault.NO_ROWS]
    twice = read(("Measure", "Target", "Goal"), ("csat", "80", "70"))
    assert [(one.fault, one.names) for one in twice.problems] == [(Fault.TWO_COLUMNS, ("Target", "Goal"))]
    wide = read(("Measure", "Target"), ("csat", "80", "not seen"))
    assert [(one.fault, one.value) for one in wide.problems] == [(Fault.NO_HEADING, "not seen")]
    rows = [("", "csat", "80", f"q{number}") for number in range(MOST_KPIS + 1)]
    assert [one.fault for one in read((*HEAD, "Queue"), *rows).problems] == [Fault.TOO_MANY]


def test_a_formula_as_text_stays_a_text():
    assert one(("Name",), "csat", '=HYPERLINK("https://evil.example","x")')["title"].startswith("=HYPERLINK")


def test_what_no_field_takes_is_told():
    assert fault(("Name",), "csat", "x" * 401)[:2] == (Fault.FIELD, "Name")
    assert fault(("Queue",), "csat", "a\u202eb")[:2] == (Fault.FIELD, "Queue")


def test_identity_is_measure_and_whose_contacts():
    assert identity({"measure": "csat"}) == identity({"measure": "csat", "queues": ["*"], "channels": ["*"]})
    assert identity({"measure": "csat", "queues": ["a"]}) != identity({"measure": "csat"})
