"""What a mapping may say, and the complaint about what it may not: the file, the key, the value, the next step."""

import re
from pathlib import Path

import pytest

from comity.book.formats.sheet import UnusableSourceError
from comity.book.mappings.apply import MappedFile
from comity.book.mappings.model import UnusableMappingError
from comity.book.mappings.parse import parse_mapping, read_mapping
from tests.builders.mappings import drawn, mapped, written

pytestmark = pytest.mark.gate

CONTACTS = """table = "contacts"
[columns]
contact_id = "Id"
opened_at = "Came"
"""
SURVEYS = """table = "surveys"
[columns]
response_id = "Id"
audience = {{ value = "customer" }}
respondent_id = "Id"
instrument = {{ value = "csat" }}
scale_min = {{ value = 1 }}
scale_max = {{ value = 5 }}
{}
"""


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("", "table is missing; write the table that rows go to, one of contacts, intervals"),
        ("table = 'calls'", "table is 'calls'; it may be contacts, intervals"),
        ("table = 'contacts", "mine.toml: "),
        ("table = 'contacts'", "[columns] is missing; write one line for each column"),
        ("table = 'contacts'\n[columns]\ncontact_id = 'Id'", "[columns] lacks opened_at, without which contacts says"),
        (CONTACTS + "quue = 'Skill'", "columns.quue is not known; did you mean 'queue'?"),
        ("tabel = 'contacts'\n" + CONTACTS, "tabel is not known; did you mean 'table'?"),
        (CONTACTS + "queue = { frm = 'Skill' }", "columns.queue.frm is not known; did you mean 'from'?"),
        (CONTACTS + "queue = 7", "columns.queue must be a column of the file, or a table such as { from = '...' }"),
        (CONTACTS + "queue = { as = 'text' }", "columns.queue must have exactly one of from, value, use"),
        (CONTACTS + "queue = { from = 'A', value = 'B' }", "it has from and value"),
        (
            CONTACTS + "queue = { use = 'skil' }\n[let]\nskill = 'S'",
            "uses 'skil', which is no named value; did you mean 'skill'",
        ),
        (CONTACTS + "queue = { use = 'team' }\nteam = { use = 'queue' }", "uses itself: queue -> team -> queue"),
        (CONTACTS + "queue = 'S'\n[let]\nqueue = 'T'", "let.queue bears the name of a column; give it another"),
        (CONTACTS + "handle_s = { from = 'T', as = 'minutes' }", "is 'minutes'; it may be text, instant"),
        (CONTACTS + "handle_s = { from = 'T', unit = 'hours' }", "is 'hours'; it may be ms, s, min, h"),
        (CONTACTS + "closed_at = { from = 'T', format = 'dd/mm/yyyy' }", "is 'dd/mm/yyyy'; it may be day-first"),
        (CONTACTS + "queue = { from = 'S', part = 'a(b' }", "'a(b' is no pattern"),
        (CONTACTS + "queue = { from = 'S', part = 'ab' }", "'ab' must have one group ( ), which is what is taken"),
        (CONTACTS + "queue = 're:S('", "'S(' is no pattern"),
        (CONTACTS + "queue = { from = 'S', map = 'queues' }", "is 'queues', which is no map; known are none yet"),
        (
            CONTACTS + "queue = { from = 'S', map = 'm' }\n[[maps.m]]\nkey = 'a'\nvalue = 'b'\nto = 2026-01-01",
            "columns.queue.on is missing; 'm' has dates: name the value whose day counts",
        ),
        (
            CONTACTS + "[[maps.m]]\nkey = 'a'\nvalue = 'b'\n[[maps.m]]\nkey = 'a'\nvalue = 'c'\nfrom = 2026-01-01",
            "says twice what 'a' is at one time; give each row its from and to",
        ),
        (CONTACTS + "[[maps.m]]\nkey = 'a'\nvalue = 'b'\nfrom = 'May'", "maps.m.from must be a day such as 2026-01-31"),
        (CONTACTS + "[lookups.l]\nfile = '../x.csv'\nkey = 'a'\nvalue = 'b'", "must lie beside the mapping, or below"),
        (CONTACTS + "[lookups.l]\nfile = 'x.csv'\nkey = 'a'\nvalue = 'b'", "cannot be read as a UTF-8 CSV"),
        (CONTACTS + "[rows]\ncolumn = 'A'\nis = ['x']", "[[rows]] must be written with double brackets, [[rows]]"),
        (CONTACTS + "[[rows]]\ncolumn = 'A'", "rows must have one of is, not, empty, or above and below"),
        (CONTACTS + "[[rows]]\nis = ['x']", "must say which `column` of the file, or which named value to `use`"),
        (CONTACTS + "[[totals]]\ncolumn = 'A'\nabove = 'x'", "totals.above must be a number, but is 'x'"),
        (CONTACTS + "[wide]\nvalue = 'v'", "wide.columns is missing; write a pattern with a named group"),
        (CONTACTS + "[wide]\ncolumns = '\\d+'", "names no group; write one such as"),
        (CONTACTS + "[window]\nfrom = 2026-02-01\nto = 2026-01-01", "window must have from and a later to"),
        (CONTACTS + "[control]\nqueue = 'x'", "control.queue must say from which column and row"),
        (CONTACTS + "[[notes]]\nwhen_rows = 3", "notes.say is missing; write the sentence for the report"),
        (CONTACTS + "[file]\nheader_rows = 0", "must lie between 1 and 20"),
        (CONTACTS + "[file]\ndelimiter = '::'", "file.delimiter must be one plain character, but is '::'"),
        ("zone = 'Madrid'\n" + CONTACTS, "zone 'Madrid' is not a zone; write one such as Europe/Madrid"),
        ("decimal = '.,'\n" + CONTACTS, "decimal is '.,'; it may be ., ,"),
        ("last_wins = 'updated'\n" + CONTACTS, "last_wins uses 'updated', which is no named value"),
        (CONTACTS + "handle_s = { product = ['A'] }", "columns.handle_s.product must be a list of two values"),
        (CONTACTS + "handle_s = { difference = ['A', 'B', 'C'] }", "must be a list of two values"),
        (CONTACTS + "closed_at = { sum = ['Day', 'Time'] }", "must say what 'Day' is, such as { from = 'Day', as = "),
    ],
)
def test_a_complaint_names_the_file_the_key_the_value_and_what_may_stand_there(tmp_path, toml, complaint):
    file = written(tmp_path, "mine.toml", toml)
    with pytest.raises(UnusableMappingError) as refused:
        read_mapping(file)
    assert complaint in str(refused.value)
    assert str(refused.value).startswith(f"{file}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("Customer name", "a name"),
        ("E-Mail", "an e-mail address"),
        ("Caller ID", "a telephone number"),
        ("IPAddress", "an IP address"),
        ("Post code", "a place"),
        ("Comment (2)", "free text"),
        ("Date of birth", "an identity"),
        ("Assignee", "a person"),
        ("Correo electrónico", "an e-mail address"),
    ],
)
def test_a_personal_column_enters_only_on_purpose_and_with_a_reason(tmp_path, header, what):
    def reading(more: str) -> None:
        read_mapping(written(tmp_path, "a.toml", CONTACTS + f'reason = {{ from = "{header}"{more} }}'))

    with pytest.raises(UnusableMappingError, match=re.escape(f"takes '{header}', which looks like {what}")):
        reading("")
    with pytest.raises(UnusableMappingError, match=r"columns.reason.reason is missing; keep = true says in `reason`"):
        reading(", keep = true")
    reading(', keep = true, reason = "agreed on 5 May"')


def test_a_mapping_that_is_no_text_says_so(tmp_path):
    with pytest.raises(UnusableMappingError, match="not UTF-8"):
        read_mapping(written(tmp_path, "a.toml", b"table = '\xff'"))


def test_a_mapping_that_is_not_there_says_what_is(tmp_path):
    with pytest.raises(UnusableMappingError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "absent.toml")


# What a file lacks --------------------------------------------------------------------------------------------------


def test_a_required_column_that_the_file_lacks_refuses_it_and_guesses_what_was_meant(tmp_path):
    with pytest.raises(
        UnusableSourceError,
        match=r"has no column 'Came', which the mapping takes for opened_at; did you mean 'Came on'",
    ):
        drawn(tmp_path, CONTACTS, "Id,Came on\n1,2026-01-05\n")


def test_another_that_is_marked_as_needed_refuses_it_too(tmp_path):
    with pytest.raises(UnusableSourceError, match="has no column 'Skill', which the mapping takes for queue"):
        drawn(tmp_path, CONTACTS + "queue = { from = 'Skill', needed = true }", "Id,Came\n1,2026-01-05\n")


def test_any_other_is_left_out_and_told(tmp_path):
    applied, rows = drawn(tmp_path, CONTACTS + "queue = 'Skill'", "Id,Came\n1,2026-01-05\n")
    assert "queue" not in rows[0]
    assert "not in the file, and so left empty: queue (Skill)" in applied.notes


def test_the_first_name_that_the_file_has_is_taken(tmp_path):
    toml = CONTACTS + "queue = { from = ['Skill', 'Queue', 'Split'] }"
    _, rows = drawn(tmp_path, toml, "Id,Came,Split,QUEUE\n1,2026-01-05,a,b\n")
    assert rows[0]["queue"] == "b"


def test_headers_are_found_without_regard_to_capitals_and_spaces(tmp_path):
    _, rows = drawn(tmp_path, CONTACTS + "queue = 'agent  Skill'", '" ID ",came,"Agent\nskill"\n1,2026-01-05,a\n')
    assert rows[0]["queue"] == "a"


# Values, in the order in which things are done to them --------------------------------------------------------------


def one(folder: Path, spec: str, cell: str, *, top: str = "", column: str = "reason", zone: str = "UTC") -> str | None:
    """What a column that is specified so makes of a cell; a row that is set aside raises its reason."""
    quoted = '"' + cell.replace('"', '""') + '"'
    source = f"Id,Came,Cell,Other\n1,2026-01-05 09:00,{quoted},other\n"
    applied, rows = drawn(folder, top + CONTACTS + f"{column} = {spec}", source, zone)
    if applied.problems:
        raise ValueError(applied.problems[0].reason)
    return rows[0][column]


@pytest.mark.parametrize(
    ("spec", "cell", "value"),
    [
        ("'Cell'", "  text  ", "text"),
        ("'Cell'", "N/A", None),
        ("{ from = 'Cell', null = ['none'] }", "None", None),
        ("{ from = 'Cell', default = 'd' }", "", "d"),
        ("{ from = 'Cell', part = '^(\\d+)' }", "12 apples", "12"),
        ("{ from = 'Cell', part = '^(\\d+)', unlisted = 'empty' }", "apples", None),
        ("{ from = 'Cell', part = '^(\\d+)', unlisted = 'empty', default = '0' }", "apples", "0"),
        ("{ from = 'Cell', values = { A = 'b' } }", "a", "b"),
        ("{ from = 'Cell', values = { A = 'b' } }", "c", "c"),
        ("{ from = 'Cell', values = { A = 'b' }, unlisted = 'empty' }", "c", None),
        ("{ from = 'Cell', part = '(.)$', values = { 7 = 'seven' } }", "a7", "seven"),
        ("{ value = 'v', when = { column = 'Cell', is = ['x', 'y'] } }", "Y", "v"),
        ("{ value = 'v', when = { column = 'Cell', is = ['re:x+'] } }", "xx", "v"),
        ("{ value = 'v', when = { column = 'Cell', is = ['re:x+'] } }", "xxy", None),
        ("{ value = 'v', when = { column = 'Cell', not = ['x'] } }", "", "v"),
        ("{ value = 'v', when = { column = 'Cell', empty = true } }", "-", "v"),
        ("{ value = 'v', when = { column = 'Cell', above = 1, below = 3 } }", "2", "v"),
        ("{ value = 'v', when = { column = 'Cell', above = 1, below = 3 } }", "3", None),
        ("{ value = 'v', when = { column = 'Cell', above = 1 } }", "many", None),
        ("{ value = 'v', when = { column = 'Absent', empty = true } }", "x", "v"),
        ("{ from = 'Cell', when = { column = 'Other', is = ['x'] }, default = 'd' }", "a", None),
        ("{ first = [{ from = 'Cell' }, { from = 'Other' }] }", "", "other"),
        ("{ join = [{ from = 'Cell' }, { from = 'Other' }], with = '-' }", "a", "a-other"),
        ("{ join = [{ from = 'Cell' }, { from = 'Other' }], with = '-' }", "", "other"),
        ("{ file = true }", "", "source.csv"),
        ("{ file = '(sou)' }", "", "sou"),
    ],
)
def test_a_text_is_made_of_a_cell(tmp_path, spec, cell, value):
    assert one(tmp_path, spec, cell) == value


@pytest.mark.parametrize(
    ("spec", "cell", "reason"),
    [
        ("{ from = 'Cell', part = '^(\\d+)' }", "apples", "does not look like ^(\\d+)"),
        ("{ from = 'Cell', values = { A = 'b' }, unlisted = 'refuse' }", "c", "not among the values of the mapping"),
    ],
)
def test_a_text_that_is_not_known_is_refused_where_that_is_asked(tmp_path, spec, cell, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        one(tmp_path, spec, cell)


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1234", ".", "1234"),
        ("1,234", ".", "1234"),
        ("1.234", ",", "1234"),
        ("1.234", "", "1.234"),
        ("1,5", "", "1.5"),
        ("1.234,5", "", "1234.5"),
        ("1,234.5", "", "1234.5"),
        ("1.234,5", ",", "1234.5"),
        ("1 234.5", ".", "1234.5"),
        ("1'234.5", ".", "1234.5"),
        ("1\u202f234,5", ",", "1234.5"),
        ("12,345,678", ".", "12345678"),
        ("(12.50)", ".", "-12.50"),
        ("-12.50", ".", "-12.50"),
        ("−3", ".", "-3"),  # noqa: RUF001 - a minus that is no hyphen
        ("12.50-", ".", "-12.50"),
        ("1.234,50 −", ",", "-1234.50"),  # noqa: RUF001 - as above
        ("12,50- €", ",", "-12.50"),
        ("€ 12.50", ".", "12.50"),
        ("12,50 €", ",", "12.50"),
        ("76%", ".", "0.76"),
        ("76,5 %", ",", "0.765"),
        ("1e3", ".", "1e3"),
        ("+7", ".", "7"),
    ],
)
def test_numbers_as_people_write_them(tmp_path, cell, decimal, value):
    said = f", decimal = '{decimal}'" if decimal else ""
    assert one(tmp_path, f"{{ from = 'Cell', as = 'number'{said} }}", cell) == value


@pytest.mark.parametrize(
    "cell", ["12,34,567", "1.2.3", "12 apples", "-12-", "(12-)", "5-7", "NaN1", "0x10", "1_000", "١٢"]
)
def test_a_number_that_is_none_is_refused_and_not_repaired(tmp_path, cell):
    with pytest.raises(ValueError, match="not a number"):
        one(tmp_path, "{ from = 'Cell', as = 'number' }", cell)


@pytest.mark.parametrize(
    ("cell", "more", "seconds"),
    [
        ("90", "", "90"),
        ("1.5", "", "1.5"),
        ("1500", ", unit = 'ms'", "1.5"),
        ("2", ", unit = 'min'", "120"),
        ("1,5", ", unit = 'h', decimal = ','", "5400"),
        ("0:01:30", "", "90"),
        ("100:00:00", "", "360000"),
        ("1:30", ", clock = 'm:ss'", "90"),
        ("1:30", ", clock = 'h:mm'", "5400"),
        ("-0:01:30", "", "-90"),
        ("2 days 01:00:00", "", "176400"),
        ("2d 01:00:00", "", "176400"),
        ("2.01:00:00", "", "176400"),
        ("2 days, 1:00:00", "", "176400"),
        ("1 day 1:00:00", "", "90000"),
        ("PT1H30M", "", "5400"),
        ("P1DT1S", "", "86401"),
        ("1h 20m", "", "4800"),
        ("3m, 5s", "", "185"),
        ("1d", "", "86400"),
        ("00:00:01.5", "", "1.5"),
    ],
)
def test_durations_as_people_write_them(tmp_path, cell, more, seconds):
    spec = f"{{ from = 'Cell', as = 'seconds'{more} }}"
    assert one(tmp_path, spec, cell, column="handle_s") == seconds


@pytest.mark.parametrize("cell", ["1:30", "soon", "1:60:00", "PT", "1h 20", "5 apples", "::", "1:2:3:4"])
def test_a_duration_that_could_be_two_things_is_refused(tmp_path, cell):
    with pytest.raises(ValueError, match="no duration such as 90, 0:01:30 or PT1M30S"):
        one(tmp_path, "'Cell'", cell, column="handle_s")


@pytest.mark.parametrize(
    ("cell", "spelt", "instant"),
    [
        ("2026-01-31", "", "2026-01-31T00:00:00Z"),
        ("2026-01-31 09:30", "", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:15.250Z", "", "2026-01-31T09:30:15.25Z"),
        ("2026-01-31T09:30+05:30", "", "2026-01-31T04:00:00Z"),
        ("2026-01-31 09:30 UTC", "", "2026-01-31T09:30:00Z"),
        ("31/1/2026", "day-first", "2026-01-31T00:00:00Z"),
        ("31.01.26 9:30", "day-first", "2026-01-31T09:30:00Z"),
        ("31-01-2026 09:30:15", "day-first", "2026-01-31T09:30:15Z"),
        ("1/2/2026 12:05 AM", "day-first", "2026-02-01T00:05:00Z"),
        ("1/2/2026 12:05 PM", "month-first", "2026-01-02T12:05:00Z"),
        ("46053.5", "excel", "2026-01-31T12:00:00Z"),
        ("1769851800", "unix", "2026-01-31T09:30:00Z"),
        ("1769851800250", "unix-ms", "2026-01-31T09:30:00.25Z"),
        ("31-Jan-26", "%d-%b-%y", "2026-01-31T00:00:00Z"),
        ("Sat, 31 Jan 2026 09:30:00 +0100", "%a, %d %b %Y %H:%M:%S %z", "2026-01-31T08:30:00Z"),
    ],
)
def test_instants_as_people_write_them(tmp_path, cell, spelt, instant):
    form = f", format = '{spelt}'" if spelt else ""
    assert one(tmp_path, f"{{ from = 'Cell'{form} }}", cell, column="closed_at") == instant


@pytest.mark.parametrize(
    ("cell", "more", "due"),
    [
        ("2026-01-05", "", "2026-01-05T22:59:59.999999Z"),
        ("05/01/2026", ", format = 'day-first'", "2026-01-05T22:59:59.999999Z"),
        ("05/01/2026 17:00", ", format = 'day-first'", "2026-01-05T16:00:00Z"),
        ("05/Jan/26", ", format = ['%d/%b/%y %I:%M %p', '%d/%b/%y']", "2026-01-05T22:59:59.999999Z"),
        ("05/Jan/26 5:00 PM", ", format = ['%d/%b/%y %I:%M %p', '%d/%b/%y']", "2026-01-05T16:00:00Z"),
        ("46027", ", format = 'excel'", "2026-01-05T22:59:59.999999Z"),
        ("46027.5", ", format = 'excel'", "2026-01-05T11:00:00Z"),
        ("05/Jan/26 12:00 AM", ", as = 'day', format = '%d/%b/%y %I:%M %p'", "2026-01-05"),  # ends when it is checked
    ],
)
def test_a_due_day_lasts_until_its_local_end_however_it_is_written(tmp_path, cell, more, due):
    """In Madrid the fifth of January 2026, day 46027 of a spreadsheet, ends at 23:00 UTC."""
    assert one(tmp_path, f"{{ from = 'Cell'{more} }}", cell, column="due_at", zone="Europe/Madrid") == due


def test_a_due_day_ends_where_the_book_is_and_not_where_the_source_runs(tmp_path):
    top = "zone = 'UTC'\n"
    assert one(tmp_path, "'Cell'", "2026-01-05", top=top, column="due_at", zone="Europe/Madrid") == (
        "2026-01-05T22:59:59.999999Z"
    )


@pytest.mark.parametrize(
    ("cell", "spelt"),
    [
        ("2026-02-30", ""),
        ("2026-01-31 25:00", ""),
        ("31/01/2026 99:99", "day-first"),
        ("yesterday", ""),
        ("2026-01-31T09:30+99:00", ""),
    ],
)
def test_an_instant_that_is_none_is_refused(tmp_path, cell, spelt):
    form = f", format = '{spelt}'" if spelt else ""
    with pytest.raises(ValueError, match="no date and time such as 2026-01-31 09:30"):
        one(tmp_path, f"{{ from = 'Cell'{form} }}", cell, column="closed_at")


@pytest.mark.parametrize("cell", ["1970-01-01", "1970-01-01T00:00:00Z"])
def test_the_first_day_of_1970_is_no_date(tmp_path, cell):
    assert one(tmp_path, "'Cell'", cell, column="closed_at") is None


@pytest.mark.parametrize("spelt", ["unix", "unix-ms"])
def test_nor_is_zero_where_seconds_are_counted_from_then(tmp_path, spelt):
    assert one(tmp_path, f"{{ from = 'Cell', format = '{spelt}' }}", "0", column="closed_at") is None


def test_a_day_is_that_of_the_book(tmp_path):
    rows = drawn(
        tmp_path,
        'zone = "Asia/Tokyo"\n' + SURVEYS.format('answered_on = { from = "At", as = "day" }'),
        "Id,At\n1,2026-01-31T20:00:00Z\n2,2026-01-31T08:00:00\n",
        "Asia/Tokyo",
    )[1]
    # 20:00 in London is 5:00 of the next day in Tokyo, where the book is.
    assert [row["answered_on"] for row in rows] == ["2026-02-01", "2026-01-31"]


def test_a_sum_of_what_is_nothing_is_nothing_unless_a_part_has_a_default(tmp_path):
    spec = "{{ sum = [{{ from = 'Cell', as = 'seconds'{} }}, {{ from = 'Other', as = 'seconds', default = '5' }}] }}"
    source = "Id,Came,Cell,Other\n1,2026-01-05,,\n2,2026-01-05,7,\n"
    without = drawn(tmp_path, CONTACTS + "handle_s = " + spec.format(""), source)[1]
    assert [row["handle_s"] for row in without] == [None, "12"]
    with_it = drawn(tmp_path, CONTACTS + "handle_s = " + spec.format(", default = '0'"), source)[1]
    assert [row["handle_s"] for row in with_it] == ["5", "12"]


def test_a_factor_comes_before_a_default(tmp_path):
    source = "Id,Came,Cell\n1,2026-01-05,2\n2,2026-01-05,\n"
    toml = (
        CONTACTS + "handle_s = { use = 'm', times = 60, default = '1' }\n[let]\nm = { from = 'Cell', as = 'seconds' }"
    )
    assert [row["handle_s"] for row in drawn(tmp_path, toml, source)[1]] == ["120", "1"]


# Rows ---------------------------------------------------------------------------------------------------------------


def ids(answer: tuple[MappedFile, list[dict]]) -> list[str]:
    return [row["contact_id"] for row in answer[1]]


ROWS = "Id,Came,Kind,N\n1,2026-01-05,a,1\n2,2026-01-05,b,2\n3,2026-01-05,,3\nTotal,,a,6\n"


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("[[rows]]\ncolumn = 'Kind'\nis = ['a']", ["1"]),
        ("[[rows]]\ncolumn = 'Kind'\nnot = ['a']", ["2", "3"]),
        ("[[rows]]\ncolumn = 'Kind'\nempty = true", ["3"]),
        ("[[rows]]\ncolumn = 'N'\nabove = 1\nbelow = 3", ["2"]),
        ("[[rows]]\nany = [{ column = 'Kind', is = ['a'] }, { column = 'N', above = 2 }]", ["1", "3"]),
        ("[[rows]]\ncolumn = 'Kind'\nnot = ['b']\n[[rows]]\ncolumn = 'N'\nbelow = 3", ["1"]),
        ("[[rows]]\ncolumn = 'Absent'\nnot = ['x']", ["1", "2", "3"]),
    ],
)
def test_rows_are_taken_by_conditions_and_the_others_counted(tmp_path, rules, left):
    totals = "\n[[totals]]\ncolumn = 'Id'\nis = ['Total']"
    applied, rows = drawn(tmp_path, CONTACTS + rules + totals, ROWS)
    assert ids((applied, rows)) == left
    counted = [int(note.split()[0]) for note in applied.notes if "left out by the mapping" in note]
    assert sum(counted) == 3 - len(left)
    assert "1 row of totals was left out" in applied.notes


def test_a_condition_may_speak_of_a_named_value(tmp_path):
    toml = CONTACTS + "[let]\nlate = { from = 'N', as = 'number', times = 10 }\n[[rows]]\nuse = 'late'\nabove = 15"
    assert ids(drawn(tmp_path, toml, ROWS.replace("Total,,a,6\n", ""))) == ["2", "3"]


def test_a_row_that_cannot_be_read_is_named_by_line_column_and_value(tmp_path):
    applied, rows = drawn(tmp_path, CONTACTS, 'Id,Came\n1,"2026-01-05"\n"2\n",never\n\n3,2026-01-05\n')
    assert ids((applied, rows)) == ["1", "3"]
    (problem,) = applied.problems
    assert (problem.column, problem.value) == ("Came", "never")
    assert applied.lines([problem.row]) == {problem.row: 3}


def test_a_row_of_another_width_is_set_aside_with_its_line(tmp_path):
    applied, rows = drawn(tmp_path, CONTACTS, "Id,Came\n1,2026-01-05\n2,2026-01-05,x\n3\n4,2026-01-05\n")
    assert ids((applied, rows)) == ["1", "4"]
    assert [(one.line, one.reason) for one in applied.problems] == [
        (3, "3 cells where the header has 2"),
        (4, "1 cell where the header has 2"),
    ]


# Sheets, lookups, JSON ----------------------------------------------------------------------------------------------


def test_a_lookup_may_not_reach_out_of_its_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    written(tmp_path, "secret.csv", "a,b\n1,2\n")
    toml = CONTACTS + f"[lookups.l]\nfile = '{tmp_path / 'secret.csv'}'\nkey = 'a'\nvalue = 'b'"
    with pytest.raises(UnusableMappingError, match="must lie beside the mapping, or below"):
        read_mapping(written(inner, "mine.toml", toml))


def test_a_shipped_mapping_looks_nothing_up():
    toml = CONTACTS + "[lookups.l]\nfile = 'x.csv'\nkey = 'a'\nvalue = 'b'"
    with pytest.raises(UnusableMappingError, match="must lie beside the mapping"):
        parse_mapping(toml, "shipped", None, "shipped")


RECORD = """{"id": "1", "at": "2026-01-05T09:00:00Z", "parts": [
  {"kind": "a", "n": 3, "when": "2026-01-05T09:05:00Z"}, {"kind": "b", "n": 10, "when": "2026-01-05T09:01:00Z"},
  {"kind": "a", "n": 4}],
  "deep": {"er": {"value": true}}, "name.with.dots": 1}"""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("deep.er.value", "true"),
        ("deep.er", '{"value": true}'),
        ("parts[].n", "3"),
        ("parts[].n | last", "4"),
        ("parts[].n | sum", "17"),
        ("parts[].n | max", "10"),
        ("parts[].n | min", "3"),
        ("parts[].n | count", "3"),
        ("parts[].n | join", "3;10;4"),
        ("parts[kind=a].n | sum", "7"),
        ("parts[kind=c].n", None),
        ("parts[kind=c].n | count", "0"),
        ("parts[1].n", "10"),
        ("parts[-1].n", "4"),
        ("parts[9].n", None),
        ("parts[].when | min", "2026-01-05T09:01:00Z"),
        ("absent.altogether", None),
    ],
)
def test_paths_into_json(tmp_path, path, value):
    toml = f'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = "at"\nreason = "{path}"'
    source = written(tmp_path, "r.json", f"[{RECORD}]")
    assert mapped(written(tmp_path, "m.toml", toml), source)[1][0]["reason"] == value


@pytest.mark.parametrize("path", ["parts[", "parts[] | mean", "..", "a[b]c]"])
def test_a_path_that_is_none_says_so(tmp_path, path):
    toml = f'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = "at"\nreason = "{path}"'
    with pytest.raises(UnusableSourceError, match=r"r\.json: '"):
        mapped(written(tmp_path, "m.toml", toml), written(tmp_path, "r.json", f"[{RECORD}]"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "[%s, %s]"),
        ("a.json", '{"page": 1, "items": [%s, %s]}'),
        ("a.json", '{"outer": {"items": [%s, %s]}}'),
        ("a.jsonl", "%s\n%s\n"),
        ("a.jsonl", "%s\n\n%s"),
    ],
)
def test_records_are_found_where_they_stand(tmp_path, name, content):
    records = tuple(f'{{"id": "{n}", "at": "2026-01-05T09:00:00Z"}}' for n in (1, 2))
    toml = 'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = "at"'
    source = written(tmp_path, name, content % records)
    assert ids(mapped(written(tmp_path, "m.toml", toml), source)) == ["1", "2"]


def test_a_record_without_the_list_whose_entries_are_rows_is_set_aside(tmp_path):
    toml = 'table = "contacts"\n[file]\neach = "c"\n[columns]\ncontact_id = "c.id"\nopened_at = "c.at"'
    content = '[{"c": [{"id": "1", "at": "2026-01-05T09:00:00Z"}]}, {"d": 1}]'
    applied, rows = mapped(written(tmp_path, "m.toml", toml), written(tmp_path, "a.json", content))
    assert ids((applied, rows)) == ["1"]
    assert [(one.line, one.reason) for one in applied.problems] == [(2, "no list 'c' in the record")]


def test_a_record_of_which_nothing_is_known_is_not_passed_over(tmp_path):
    toml = 'table = "contacts"\n[columns]\ncontact_id = "id"\nopened_at = "at"'
    content = '[{"id": "1", "at": "2026-01-05T09:00:00Z"}, {"other": 1}]'
    assert len(mapped(written(tmp_path, "m.toml", toml), written(tmp_path, "a.json", content))[1]) == 2


# Days across --------------------------------------------------------------------------------------------------------

WIDE = """table = "forecasts"
[wide]
columns = "(?P<day>[0-9-]+)"
{}
[columns]
queue = "Queue"
start = {{ from = "day", as = "instant" }}
minutes = {{ value = 1440 }}
issued_on = {{ value = "2026-01-01" }}
offered = "value"
"""


def test_an_empty_cell_across_makes_no_row_unless_that_is_asked(tmp_path):
    source = "Queue,2026-01-05,2026-01-06\nCare,1,\n"
    assert [row["offered"] for row in drawn(tmp_path, WIDE.format(""), source)[1]] == ["1"]
    assert [row["offered"] for row in drawn(tmp_path, WIDE.format("skip_empty = false"), source)[1]] == ["1", None]


def test_a_cell_across_that_is_no_number_is_named_by_its_line_and_column(tmp_path):
    applied, _ = drawn(tmp_path, WIDE.format(""), "Queue,2026-01-05,2026-01-06\nCare,1,2\nSales,3,many\n")
    (problem,) = applied.problems
    assert (problem.value, applied.lines([problem.row])) == ("many", {problem.row: 3})


def test_a_sheet_without_days_across_is_refused(tmp_path):
    with pytest.raises(UnusableSourceError, match="has no column"):
        drawn(tmp_path, WIDE.format(""), "Queue,January\nCare,1\n")


def test_rows_of_a_log_without_their_key_stay_apart(tmp_path):
    toml = 'table = "contacts"\n[columns]\ncontact_id = "Id"\nopened_at = { from = "Came", over = "first" }\n'
    source = "Id,Came\n1,2026-01-05 09:00\n,2026-01-05 09:01\n1,2026-01-05 10:00\n,2026-01-05 09:02\n"
    _, rows = drawn(tmp_path, toml, source, "UTC")
    assert sorted(str(row["contact_id"]) for row in rows) == ["1", "None", "None"]


# Rows by their place ------------------------------------------------------------------------------------------------

LINES = """table = "invoices"
[columns]
month = "Month"
account_id = { value = "nw" }
service = "Service"
quantity = { value = 1 }
amount = "Amount"
invoice_id = "Invoice"
line = { row = true }
"""


def test_lines_are_numbered_within_their_invoice_in_whatever_file_it_stands(tmp_path):
    """A quarter's file, then one of September alone: the same lines. A row without an invoice has no number."""
    june, july = ("2026-06,Calls,5,A", "2026-06,Mails,6,A"), ("2026-07,Calls,5,B", "2026-07,Mails,6,B", "2026-07,X,1,")
    head = "Month,Service,Amount,Invoice"
    _, quarter = drawn(tmp_path, LINES, "\n".join([head, *june, *july]) + "\n")
    _, month = drawn(tmp_path, LINES, "\n".join([head, *july]) + "\n")
    assert [row["line"] for row in quarter] == ["1", "2", "1", "2", None]
    assert [row["line"] for row in month] == ["1", "2", None]


@pytest.mark.parametrize("value", ["{ row = true }", '{ first = ["Id", { row = true }] }', '{ use = "place" }'])
def test_the_place_of_a_row_is_no_key_of_its_own(tmp_path, value):
    toml = f'table = "contacts"\n[let]\nplace = {{ row = true }}\n[columns]\ncontact_id = {value}\nopened_at = "Came"\n'
    with pytest.raises(UnusableMappingError, match="another file has rows in the same places"):
        drawn(tmp_path, toml, "Id,Came\n1,2026-01-05 09:00\n")
