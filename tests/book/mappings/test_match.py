"""A mapping made of answers: suggested by headers and values, asked where those leave something open."""

import pytest

from comity.book.mappings.apply import apply_mapping
from comity.book.mappings.match import (
    KEEP,
    REJECT,
    WAIT,
    Answers,
    look_at_columns,
    matched_mapping,
    open_questions,
    pseudonyms_for,
    suggest_fields,
    suggest_table,
)
from comity.book.mappings.parse import parse_mapping
from comity.book.mappings.rematch import answers_of

FILE = """Call no;Arrived;Skill;Wait (s);Result;Caller phone
1001;05/01/2026 09:00;Care;20;Answered;600 111 222
1002;05/01/2026 09:02;Care;35;Hung up;600 111 333
1003;06/02/2026 23:59;Sales;90;Answered;
"""
FIELDS = {"Call no": "contact_id", "Arrived": "opened_at", "Skill": "queue", "Result": "outcome"}
SAID = {"orders": {"Arrived": "day-first"}, "zone": "Europe/Madrid", "meanings": {"outcome": {"Hung up": "abandoned"}}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weekly.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def rows(file, answers):
    mapping = parse_mapping(matched_mapping(look_at_columns(file), answers, "weekly"), "x", None, "weekly")
    return [row for batch in apply_mapping(mapping, file).batches for row in batch.to_pylist()]


def test_columns_are_suggested_by_their_headers_and_values(file):
    columns = look_at_columns(file)
    assert suggest_table(columns) == "contacts"
    suggested = suggest_fields(columns, "contacts")
    assert suggested["Call no"] == "contact_id"
    assert suggested["Arrived"] == "opened_at"
    assert "Caller phone" not in suggested


def test_what_nobody_can_see_is_a_question(file):
    questions = open_questions(look_at_columns(file), Answers("contacts", FIELDS))
    assert questions.orders == ("Arrived",)
    assert questions.zone
    assert questions.meanings == {"outcome": ("Hung up",)}
    assert open_questions(look_at_columns(file), Answers("contacts", {"Skill": "queue"})).missing == (
        "contact_id",
        "opened_at",
    )
    assert not open_questions(look_at_columns(file), Answers("contacts", FIELDS, **SAID)).any


def test_no_answer_is_given_for_a_person(file):
    """An order that is no order, a meaning that is empty, two columns for one field: still open."""
    columns = look_at_columns(file)
    assert open_questions(columns, Answers("contacts", FIELDS, **{**SAID, "orders": {"Arrived": "either"}})).orders
    assert open_questions(
        columns, Answers("contacts", FIELDS, **{**SAID, "meanings": {"outcome": {"Hung up": ""}}})
    ).any
    twice = {**FIELDS, "Wait (s)": "queue"}
    assert open_questions(columns, Answers("contacts", twice, **SAID)).repeated == ("queue",)


@pytest.mark.parametrize(("order", "month"), [("day-first", "01"), ("month-first", "05")])
def test_the_answers_make_the_rows(file, order, month):
    found = rows(file, Answers("contacts", FIELDS, **{**SAID, "orders": {"Arrived": order}}))
    assert [row["contact_id"] for row in found] == ["1001", "1002", "1003"]
    assert found[0]["opened_at"][5:7] == month
    assert [row["outcome"] for row in found] == ["answered", "abandoned", "answered"]


def test_rows_with_a_value_that_is_to_be_rejected_are_not_converted(file):
    said = {**SAID, "meanings": {"outcome": {"Hung up": REJECT}}}
    assert [row["contact_id"] for row in rows(file, Answers("contacts", FIELDS, **said))] == ["1001", "1003"]


def test_a_required_column_may_have_one_value_for_all_rows(tmp_path):
    path = tmp_path / "nps.csv"
    path.write_text("Id,Person,Score,Answered\nr1,p1,9,2026-06-01\nr2,p2,3,2026-06-02\n", encoding="utf-8")
    fields = {"Id": "response_id", "Person": "respondent_id", "Score": "score", "Answered": "answered_on"}
    constants = {"audience": "customer", "instrument": "nps", "scale_min": "0", "scale_max": "10"}
    answers = Answers("surveys", fields, constants=constants)
    assert not open_questions(look_at_columns(path), answers).any
    assert {(row["instrument"], row["scale_max"]) for row in rows(path, answers)} == {("nps", "10")}


def test_a_day_and_a_time_of_day_make_one_instant(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("Id,Day,Time\na,31/01/2026,09:30\nb,30/01/2026,10:00\n", encoding="utf-8")
    answers = Answers("contacts", {"Id": "contact_id", "Day": "opened_at", "Time": "opened_at"}, zone="UTC")
    assert not open_questions(look_at_columns(path), answers).any
    assert [row["opened_at"] for row in rows(path, answers)] == ["2026-01-31T09:30:00Z", "2026-01-30T10:00:00Z"]


def test_headers_and_names_that_are_toml_stay_what_they_are(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text('"a""]\n[x]",re:.*,Opened\nq,1,2026-01-01T00:00:00Z\n', encoding="utf-8")
    columns = look_at_columns(path)
    odd, pattern, opened = (sample.header for sample in columns.samples)
    answers = Answers("contacts", {odd: "queue", pattern: "contact_id", opened: "opened_at"})
    mapping = parse_mapping(matched_mapping(columns, answers, 'x"\n[columns]'), "x", None, "x")
    assert mapping.about.startswith('x"')
    assert rows(path, answers)[0]["contact_id"] == "1"


WAITED = {**FIELDS, "Wait (s)": WAIT}


def test_a_wait_in_seconds_says_when_a_contact_was_answered_or_gave_up(file):
    assert suggest_fields(look_at_columns(file), "contacts")["Wait (s)"] == WAIT
    first, second, third = rows(file, Answers("contacts", WAITED, **SAID))
    assert (first["opened_at"], first["answered_at"]) == ("2026-01-05T08:00:00Z", "2026-01-05T08:00:20Z")
    assert (second["answered_at"], second["abandoned_at"]) == (None, "2026-01-05T08:02:35Z")
    assert (third["answered_at"], third["abandoned_at"]) == ("2026-02-06T23:00:30Z", None)


def test_without_an_outcome_nobody_knows_what_a_wait_ended_in(file):
    fields = {header: name for header, name in WAITED.items() if name != "outcome"}
    said = {**SAID, "meanings": {}}
    assert open_questions(look_at_columns(file), Answers("contacts", fields, **said)).missing == ("outcome",)
    all_answered = Answers("contacts", fields, constants={"outcome": "answered"}, **said)
    assert not open_questions(look_at_columns(file), all_answered).any
    assert rows(file, all_answered)[1]["answered_at"] == "2026-01-05T08:02:35Z"


def test_a_wait_beside_an_instant_says_the_same_twice(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("Id,Came,Picked up,Wait\na,2026-01-31 09:30,2026-01-31 09:31,60\n", encoding="utf-8")
    fields = {"Id": "contact_id", "Came": "opened_at", "Picked up": "answered_at", "Wait": WAIT}
    answers = Answers("contacts", fields, zone="UTC", constants={"outcome": "answered"})
    assert open_questions(look_at_columns(path), answers).repeated == ("answered_at",)


def test_parts_of_the_handle_time_are_added_up(tmp_path):
    path = tmp_path / "calls.csv"
    parts = ["209,22", ",5", "7,", ","]
    lines = [f"{at},2026-01-31 09:30,{both}" for at, both in enumerate(parts)]
    path.write_text("\n".join(["Id,Came,Talk,After", *lines]) + "\n", encoding="utf-8")
    fields = {"Id": "contact_id", "Came": "opened_at", "Talk": "handle_s", "After": "handle_s"}
    answers = Answers("contacts", fields, zone="UTC")
    assert not open_questions(look_at_columns(path), answers).any
    assert [row["handle_s"] and float(row["handle_s"]) for row in rows(path, answers)] == [231, 5, 7, None]


def test_numbers_are_no_times(file):
    columns = look_at_columns(file)
    for name in ("answered_at", "closed_at"):
        answers = Answers("contacts", {**FIELDS, "Wait (s)": name}, **SAID)
        assert open_questions(columns, answers).numbers == ("Wait (s)",)
    assert "answered_at" not in suggest_fields(columns, "contacts").values()


def test_a_day_above_twelve_far_down_shows_the_order(tmp_path):
    for late, order in (("13.09.2026 08:00", "day-first"), ("09.13.2026 08:00", "month-first")):
        path = tmp_path / f"{order}.csv"
        early = "".join(f"{at};01.09.2026 08:00\n" for at in range(2_000))
        path.write_text(f"Id;Came\n{early}z;{late}\n", encoding="utf-8")
        columns = look_at_columns(path)
        said_wrongly = Answers(
            "contacts",
            {"Id": "contact_id", "Came": "opened_at"},
            {"Came": "month-first" if order == "day-first" else "day-first"},
            "UTC",
        )
        assert not open_questions(columns, said_wrongly).any
        assert f'format = "{order}"' in matched_mapping(columns, said_wrongly, "x")


def test_values_with_capitals_are_the_tables_own(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("Id,Came,End\na,2026-01-31 09:30,Answered\n", encoding="utf-8")
    answers = Answers("contacts", {"Id": "contact_id", "Came": "opened_at", "End": "outcome"}, zone="UTC")
    assert not open_questions(look_at_columns(path), answers).any
    assert rows(path, answers)[0]["outcome"] == "answered"


REPORT = """Anrufbericht;;;;
;;;;
Datum;Hotline;Angeboten;Angenommen;Angenommen < 20 s;AHT
13.07.2026;IT;3;2;2;415,9
14.07.2026;IT;5;4;3;389,3
"""


def test_a_mean_is_multiplied_a_threshold_read_and_the_header_found_by_a_cell(tmp_path):
    """What the page suggests as it stands makes the totals of the day; one more line above changes nothing."""
    path = tmp_path / "report.csv"
    path.write_text(REPORT, encoding="utf-8")
    columns = look_at_columns(path)
    assert suggest_table(columns) == "intervals"
    fields = suggest_fields(columns, "intervals")
    assert fields["Angenommen < 20 s"] == "answered_within"
    answers = Answers("intervals", fields, zone="Europe/Berlin", constants={"minutes": "1440"})
    mapping = parse_mapping(matched_mapping(columns, answers, "daily"), "x", None, "daily")
    assert (mapping.file.header_has, mapping.file.skip_rows) == ("Datum", 0)
    path.write_text(f"Noch eine Zeile;;;;\n{REPORT}", encoding="utf-8")
    rows = [row for batch in apply_mapping(mapping, path).batches for row in batch.to_pylist()]
    told = [(row["answered_within"], row["threshold_s"], float(row["handle_s"])) for row in rows]
    assert told == [("2", "20", 831.8), ("3", "20", 1557.2)]


CHANNELS = """Call no,Arrived,Kanal
1,2026-01-13T09:00:00Z,Telefon
2,2026-01-13T09:01:00Z,E-Mail
3,2026-01-13T09:02:00Z,carrier pigeon
4,2026-01-13T09:03:00Z,voice
"""
OF_CHANNELS = {"Call no": "contact_id", "Arrived": "opened_at", "Kanal": "channel"}
MEANT = {"Telefon": "voice", "E-Mail": "mail", "carrier pigeon": KEEP}


def test_channels_are_asked_about_and_none_passes_in_silence(tmp_path):
    """Ours are known, one of the file's own is kept when somebody says so, and one that comes later is set aside."""
    path = tmp_path / "log.csv"
    path.write_text(CHANNELS, encoding="utf-8")
    columns = look_at_columns(path)
    asked = open_questions(columns, Answers("contacts", OF_CHANNELS)).meanings
    assert asked == {"channel": ("Telefon", "E-Mail", "carrier pigeon")}
    answers = Answers("contacts", OF_CHANNELS, meanings={"channel": MEANT})
    assert not open_questions(columns, answers).any
    assert [row["channel"] for row in rows(path, answers)] == ["voice", "mail", "carrier pigeon", "voice"]
    text = matched_mapping(columns, answers, "log")
    assert answers_of(parse_mapping(text, "x", None, "x"), columns).meanings == {"channel": MEANT | {"voice": "voice"}}
    path.write_text(CHANNELS + "5,2026-01-13T09:04:00Z,WhatsApp\n", encoding="utf-8")
    applied = apply_mapping(parse_mapping(text, "x", None, "x"), path)
    assert sum(batch.num_rows for batch in applied.batches) == len(CHANNELS.splitlines()) - 1


def test_a_file_of_our_own_words_for_channels_lists_them_too(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Call no,Arrived,Kanal\n1,2026-01-13T09:00:00Z,voice\n", encoding="utf-8")
    answers = Answers("contacts", OF_CHANNELS)
    assert not open_questions(look_at_columns(path), answers).any
    assert 'unlisted = "refuse"' in matched_mapping(look_at_columns(path), answers, "log")


PEOPLE = """Call no,Arrived,Agent name,Remarks
1,2026-01-13T09:00:00Z,Ana Ruiz,called twice
"""
OF_PEOPLE = {"Call no": "contact_id", "Arrived": "opened_at"}


def test_a_column_of_people_is_taken_as_pseudonyms_where_somebody_chooses_so(tmp_path):
    """Nothing is proposed, what is no id of ours is never filled by it, and free text never at all."""
    path = tmp_path / "log.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    columns = look_at_columns(path)
    agent, text = columns.samples[2], columns.samples[3]
    assert (agent.personal is not None, "Agent name" in suggest_fields(columns, "contacts")) == (True, False)
    assert "agent_id" in pseudonyms_for("contacts", agent)
    assert pseudonyms_for("contacts", text) == ()
    chosen = Answers("contacts", OF_PEOPLE | {"Agent name": "agent_id", "Remarks": "agent_id"})
    mapping = parse_mapping(matched_mapping(columns, chosen, "log"), "x", None, "log")
    assert mapping.digests == ("agent_id",)
    assert answers_of(mapping, columns).fields == OF_PEOPLE | {"Agent name": "agent_id"}
    for other in ("queue", "reason"):
        assert "Agent name" not in matched_mapping(
            columns, Answers("contacts", OF_PEOPLE | {"Agent name": other}), "log"
        )
