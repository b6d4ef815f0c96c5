"""A known format as answers, and changed where it does not fit: what it says beside that stays."""

from dataclasses import replace

import pytest

from comity.book.mappings.apply import apply_mapping
from comity.book.mappings.match import (
    EMPTY,
    KEEP,
    REJECT,
    WAIT,
    Answers,
    look_at_columns,
    matched_mapping,
    suggest_fields,
)
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from comity.book.mappings.rematch import answers_of, changed_mapping
from tests.builders.turns import every

# As a telephone system writes it: the outcomes are its own words, one of them a word of ours by chance.
LOG = """Call ID,Start,Queue,Wait,Result,Talk Time,ACW
1,13/11/2026 09:00,Care,20,solved,100,30
2,13/11/2026 09:02,Care,35,lost,0,0
3,13/11/2026 09:03,Care,9,callback,50,5
4,13/11/2026 09:04,Care,7,transferred,20,10
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG, encoding="utf-8")
    return path


def rows(file, text):
    mapping = parse_mapping(text, "x", None, "x")
    return [row for batch in apply_mapping(mapping, file).batches for row in batch.to_pylist()]


def test_a_known_format_is_the_answers_that_would_make_it(file):
    answers = answers_of(read_mapping("call_log"), look_at_columns(file))
    assert answers.fields == {
        "Call ID": "contact_id",
        "Start": "opened_at",
        "Queue": "queue",
        "Wait": WAIT,
        "Result": "outcome",
        "Talk Time": "handle_s",
        "ACW": "handle_s",
    }
    # What it knows of these values; of "solved" it knows nothing.
    assert answers.meanings["outcome"] == {"lost": "abandoned", "callback": "callback", "transferred": "flow_out"}


def test_only_what_was_said_anew_changes(file):
    columns, base = look_at_columns(file), read_mapping("call_log")
    answers = answers_of(base, columns)
    said = dict(answers.meanings["outcome"]) | {"solved": "answered", "callback": "answered", "transferred": EMPTY}
    answers = Answers("contacts", answers.fields, {}, "", {}, {"outcome": said}, answers.also)
    made = rows(file, changed_mapping(base, columns, answers, "ours"))
    assert [row["outcome"] for row in made] == ["answered", "abandoned", "answered", None]
    # The wait ends in what the outcome now is, which the format alone knows how to say.
    assert [row["answered_at"] is not None for row in made] == [True, False, True, False]
    assert [row["abandoned_at"] is not None for row in made] == [False, True, False, False]
    assert [float(row["handle_s"]) for row in made] == [130, 0, 55, 30]  # talk and after-call work
    assert {row["channel"] for row in made} == {"voice"}  # which no column of the file says


def test_values_that_are_to_be_rejected_are(file):
    columns, base = look_at_columns(file), read_mapping("call_log")
    before = answers_of(base, columns)
    answers = Answers("contacts", before.fields, {}, "", {}, {"outcome": {"solved": REJECT}}, before.also)
    mapping = parse_mapping(changed_mapping(base, columns, answers, "ours"), "x", None, "x")
    applied = apply_mapping(mapping, file)
    assert [row["contact_id"] for batch in applied.batches for row in batch.to_pylist()] == ["2", "3", "4"]


def test_the_order_that_a_column_shows_takes_the_place_of_the_formats_own(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG.replace("13/11/2026", "11/13/2026"), encoding="utf-8")
    columns, text = look_at_columns(path), 'table = "contacts"\n[columns]\ncontact_id = "Call ID"\n'
    base = parse_mapping(text + 'opened_at = { from = "Start", format = "day-first" }\n', "x", None, "x")
    made = rows(path, changed_mapping(base, columns, answers_of(base, columns), "ours"))
    assert made[0]["opened_at"].startswith("2026-11-13")


def test_what_a_page_made_is_read_back_as_it_was_answered(file):
    columns = look_at_columns(file)
    said = Answers(
        "contacts",
        suggest_fields(columns, "contacts") | {"Result": "outcome", "Wait": WAIT},
        {"Start": "day-first"},
        "Europe/Madrid",
        {},
        {"outcome": {"solved": "answered", "lost": "abandoned", "callback": "callback", "transferred": "flow_out"}},
    )
    mapping = parse_mapping(matched_mapping(columns, said, "ours"), "x", None, "x")
    again = answers_of(mapping, columns)
    assert (again.table, again.fields, again.zone) == (said.table, said.fields, said.zone)
    assert again.meanings == said.meanings


def test_constants_are_read_back(tmp_path):
    path = tmp_path / "forecast.csv"
    path.write_text("Skill,Slot,Calls\nCare,2026-11-01T09:00,12\n", encoding="utf-8")
    columns = look_at_columns(path)
    fields = {"Skill": "queue", "Slot": "start", "Calls": "offered"}
    said = Answers("forecasts", fields, {}, "UTC", {"minutes": "30", "issued_on": "2026-10-15"})
    mapping = parse_mapping(matched_mapping(columns, said, "ours"), "x", None, "x")
    assert answers_of(mapping, columns).constants == {"minutes": "30", "issued_on": "2026-10-15"}


@pytest.mark.parametrize("name", every(4, shipped_mappings()))
def test_every_shipped_format_can_be_changed(file, name):
    """Written out with a change it is still a mapping, and reads the same tables."""
    base, columns = read_mapping(name), look_at_columns(file)
    text = changed_mapping(base, columns, answers_of(base, columns), "ours")
    again = parse_mapping(text, "x", None, "x")
    assert [one.table for one in again.all_tables] == [one.table for one in base.all_tables]


def test_a_value_of_theirs_that_is_a_word_of_ours_can_mean_something_else(file):
    columns = look_at_columns(file)
    fields = {"Call ID": "contact_id", "Start": "opened_at", "Result": "outcome"}
    meanings = {"solved": "answered", "lost": "abandoned", "callback": "answered", "transferred": "flow_out"}
    said = Answers("contacts", fields, {"Start": "day-first"}, "UTC", {}, {"outcome": meanings})
    made = rows(file, matched_mapping(columns, said, "ours"))
    assert [row["outcome"] for row in made] == ["answered", "abandoned", "answered", "flow_out"]


def test_one_column_fills_two(tmp_path):
    path = tmp_path / "survey.csv"
    path.write_text("Ticket,Score\nA1,4\nA2,5\n", encoding="utf-8")
    constants = {"audience": "customer", "instrument": "csat", "scale_min": "1", "scale_max": "5"}
    fields, also = {"Ticket": "response_id", "Score": "score"}, {"Ticket": "contact_id"}
    said = Answers("surveys", fields, constants={**constants, "respondent_id": "x"}, also=also)
    made = rows(path, matched_mapping(look_at_columns(path), said, "ours"))
    assert [(row["response_id"], row["contact_id"]) for row in made] == [("A1", "A1"), ("A2", "A2")]


def test_a_format_that_passes_channels_as_they_are_keeps_them_until_somebody_says_what_they_mean(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("no,at,by\n1,2026-01-13T09:00:00Z,Phone\n2,2026-01-13T09:01:00Z,Fax\n", encoding="utf-8")
    columns = look_at_columns(path)
    base = parse_mapping(
        'table = "contacts"\n[columns]\ncontact_id = "no"\nopened_at = "at"\nchannel = "by"\n', "x", None, "x"
    )
    answers = answers_of(base, columns)
    assert answers.meanings["channel"] == {"Phone": KEEP, "Fax": KEEP}
    said = replace(answers, meanings={"channel": {"Phone": "voice", "Fax": "paper"}})
    text = changed_mapping(base, columns, said, "log")
    assert [row["channel"] for row in rows(path, text)] == ["voice", "paper"]
    assert answers_of(parse_mapping(text, "x", None, "x"), columns).meanings["channel"] == {
        "Phone": "voice",
        "Fax": "paper",
    }
