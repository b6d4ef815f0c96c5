"""Which format a file is in: told by its beginning, and never by reading text as what it is not."""

import json

import pytest

from comity.book.formats.json import JsonSheet
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.recognise import matching_mappings

INCIDENT = {
    "sys_id": "x",
    "number": "INC1",
    "opened_at": "2026-01-01 10:00:00",
    "assignment_group": {"display_value": "Desk"},
    "contact_type": "Phone",
    "company": "Northwind",
    "resolved_at": "2026-01-02 10:00:00",
    "closed_at": "2026-01-03 10:00:00",
    "priority": "3",
    "category": "network",
}


def best(path):
    return [fit.mapping for fit in matching_mappings(path)][:1]


def test_records_are_recognised_by_what_they_hold_and_not_by_what_they_might(tmp_path):
    """Any name may lead into a record: that makes it neither contacts nor surveys."""
    lines = tmp_path / "incidents.jsonl"
    lines.write_text("\n".join(json.dumps(INCIDENT) for _ in range(3)), encoding="utf-8")
    whole = tmp_path / "incidents.json"
    whole.write_text(json.dumps({"result": [INCIDENT] * 3}), encoding="utf-8")
    assert best(lines) == best(whole) == ["servicenow_incidents"]
    own = tmp_path / "contacts.jsonl"
    own.write_text(json.dumps({"contact_id": "a", "opened_at": "2026-01-01T10:00:00Z"}), encoding="utf-8")
    assert best(own) == ["contacts"]


def test_text_is_not_read_as_json(tmp_path, monkeypatch):
    file = tmp_path / "contacts.csv"
    file.write_text("contact_id,opened_at\na,2026-01-01T10:00:00Z\n", encoding="utf-8")

    def read(*_):
        raise AssertionError("read as JSON")

    monkeypatch.setattr(JsonSheet, "records", read)
    assert best(file) == ["contacts"]


def test_of_many_records_only_the_first_are_read(tmp_path, monkeypatch):
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(json.dumps(INCIDENT) for _ in range(10_000)), encoding="utf-8")
    read, records = [], JsonSheet.records

    def counted(sheet):
        for one in records(sheet):
            read.append(1)
            yield one

    monkeypatch.setattr(JsonSheet, "records", counted)
    assert best(file) == ["servicenow_incidents"]
    assert len(read) < 3000


def test_a_day_and_a_time_of_day_do_not_make_a_file_the_log_of_calls_whose_wait_it_lacks(tmp_path):
    """Recognised by them, a file with `Speed of answer` gave levels without a wait."""
    file = tmp_path / "calls.csv"
    file.write_text("Call Id,Date,Time,Topic,Answered (Y/N),AvgTalkDuration\n1,13/01/2026,09:00,Care,Y,120\n")
    assert [one.mapping for one in matching_mappings(file)] == []


@pytest.mark.parametrize("name", ["forecast_2026-08.csv", "Prognose August.csv", "previsión.csv", "FCST week 3.csv"])
def test_a_file_called_a_forecast_is_recognised_as_no_volumes_that_came(tmp_path, name):
    """It has the very columns of a report of intervals: what they mean, its name says."""
    text = "queue,start,minutes,offered,handle_s\nCare,2026-08-01T09:00:00Z,30,12,300\n"
    for called, tables in (("august.csv", True), (name, False)):
        path = tmp_path / called
        path.write_text(text, encoding="utf-8")
        assert ("intervals" in {fit.table for fit in matching_mappings(path)}) is tables
        assert draft_mapping(path).partition('table = "')[2].startswith("intervals" if tables else "forecasts")
