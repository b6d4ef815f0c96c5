"""The commands over records: what they say, where they say it, and how they end."""

import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from comity.cli.records import register
from tests.builders import logos
from tests.builders.mappings import written
from tests.builders.turns import one_in
from tests.cast import write_book

app = typer.Typer()
register(app)
HEADER = "contact_id,opened_at,queue"


def comity(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def source(book, *lines, name="a.csv", header=HEADER):
    file = book.parent / name
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


TWO_TABLES = """table = "contacts"
[columns]
contact_id = "Ticket"
opened_at = "Created"
[also.deadlines.columns]
contact_id = "Ticket"
name = { value = "resolution" }
kind = { value = "resolution" }
due_at = { from = "Due", needed = true }
"""
GOOD = "c1,2026-01-02T10:00:00Z,q"
GOODS = [f"c{number},2026-01-02T10:00:00Z,q" for number in range(30)]


def test_a_clean_import_ends_with_0_and_says_what_it_did(book):
    ended = comity("import", source(book, GOOD), "--as", "contacts", "--into", book, "--by", "Ana")
    assert ended.exit_code == 0
    assert ended.stdout == ("a.csv: 1 row for contacts: 1 new, 0 unchanged, 0 updated, 0 withdrawn, 0 rejected\n")
    assert ended.stderr == ""


def test_the_same_file_again_says_that_nothing_was_changed(book):
    file = source(book, GOOD)
    comity("import", file, "--as", "contacts", "--into", book)
    ended = comity("import", file, "--as", "contacts", "--into", book)
    assert ended.exit_code == 0
    assert "nothing changed" in ended.stdout


def test_rejects_end_with_1_and_name_file_line_column_value_and_reason(book):
    ended = comity("import", source(book, *GOODS, "x,\x1b[31mnever,q"), "--as", "contacts", "--into", book)
    assert ended.exit_code == 1
    assert "1  opened_at: not a date and time such as 2026-01-31T09:30:00Z" in ended.stdout
    assert "a.csv line 32: opened_at: not a date and time" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_json_tells_the_same_as_data(book):
    ended = comity("import", source(book, *GOODS, "x,never,q"), "--as", "contacts", "--into", book, "--format", "json")
    told = json.loads(ended.stdout)["imports"][0]
    assert (told["delivery"]["new"], told["delivery"]["rejected"]) == (30, 1)
    assert told["rejects"][0] == {
        "file": "a.csv",
        "line": 32,
        "column": "opened_at",
        "value": "never",
        "reason": "not a date and time such as 2026-01-31T09:30:00Z",
    }


def test_a_dry_run_shows_mapped_rows_and_writes_nothing(book):
    ended = comity("import", source(book, GOOD), "--as", "contacts", "--into", book, "--dry-run")
    assert "contact_id=c1" in ended.stdout
    assert not (book / "contacts.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["import", "absent.csv", "--as", "contacts", "--into", "{book}"], "there is no such file"),
        (["import", "{file}", "--as", "nonsense", "--into", "{book}"], "there is no mapping 'nonsense'"),
        (["import", "{file}", "--into", "{book}"], "give the format"),
        (["import", "--into", "{book}"], "--all"),
        (["import", "--all", "--into", "{book}"], "no [[source]]"),
        (["import", "{file}", "--as", "contacts", "--into", "{book}/nowhere"], "is not a folder"),
        (["import", "{file}", "--as", "surveys", "--into", "{book}"], "has no column response_id"),
        (["check", "{book}/nowhere"], "is not a folder"),
        (["diff", "{book}", "--table", "costs"], "has no table costs"),
        (["undo", "{book}/nowhere", "contacts"], "is not a folder"),
        (["undo", "{book}", "calls"], "there is no table 'calls'"),
        (["undo", "{book}", "contacts"], "no import into contacts can be taken back"),
        (["forget", "somebody", "--from", "{book}/nowhere"], "is not a folder"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_one_line_on_standard_error(book, arguments, told):
    file = source(book, GOOD)
    ended = comity(*[one.format(book=book, file=file) for one in arguments])
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert told in ended.stderr


def test_too_many_rejects_end_with_2_unless_more_are_allowed(book):
    file = source(book, GOOD, "x,never,q")
    assert comity("import", file, "--as", "contacts", "--into", book).exit_code == 2
    assert comity("import", file, "--as", "contacts", "--into", book, "--max-rejects", "0.5").exit_code == 1


def test_all_brings_in_every_source_that_has_a_path(tmp_path):
    toml = '[[source]]\ntable = "contacts"\nby = "provider"\npath = "inbox/*.csv"\n'
    book = write_book(tmp_path / "book", toml)
    (book / "inbox").mkdir()
    for name in ("a", "b"):
        (book / "inbox" / f"{name}.csv").write_text(f"{HEADER}\n{GOOD.replace('c1', name)}\n")
    ended = comity("import", "--all", "--into", book)
    assert ended.exit_code == 0
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == ["a.csv", "b.csv"]


def test_check_tells_what_is_there_and_what_is_set_aside(tmp_path):
    text = "\n".join([HEADER, *GOODS, "x,never,q"])
    book = write_book(tmp_path / "book", contacts=text)
    ended = comity("check", book)
    assert ended.exit_code == 1
    assert "contacts" in ended.stdout
    assert "contacts.csv line 32: opened_at: not a date and time" in ended.stdout
    told = json.loads(comity("check", book, "--format", "json").stdout)
    assert (told["rejected"], told["tables"][0]["rows"]) == (1, 30)


def test_check_ends_with_0_when_all_is_well(tmp_path):
    assert comity("check", write_book(tmp_path / "book", contacts=f"{HEADER}\n{GOOD}")).exit_code == 0


def test_check_names_a_logo_of_no_use_and_still_ends_with_0(tmp_path):
    book = write_book(tmp_path / "book", contacts=f"{HEADER}\n{GOOD}")
    (book / "logos").mkdir()
    (book / "logos" / "provider.png").write_bytes(logos.png())
    (book / "logos" / "customer.png").write_text("Northwind")
    said = "logos/customer.png: is no PNG or JPEG; save the logo as a PNG"
    ended = comity("check", book)
    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[-1] == f"  {said}"
    assert json.loads(comity("check", book, "--format", "json").stdout)["logos"] == [said]


def test_diff_shows_months_and_columns_of_the_last_import(book):
    comity("import", source(book, GOOD), "--as", "contacts", "--into", book)
    changed = source(book, GOOD.replace(",q", ",other"), "c2,2026-02-02T10:00:00Z,q", name="b.csv")
    comity("import", changed, "--as", "contacts", "--into", book)
    ended = comity("diff", book)
    assert ended.exit_code == 0
    assert [line.split() for line in ended.stdout.splitlines()[1:]] == [
        ["2026-01", "0", "new", "1", "updated", "0", "withdrawn"],
        ["2026-02", "1", "new", "0", "updated", "0", "withdrawn"],
        ["queue", "changed", "in", "1", "row"],
    ]


def test_diff_counts_a_row_that_moves_to_another_month_once_and_as_no_new_one(book):
    """c1 moves from January to February: one row changed, none new, and February says whose it is now."""
    comity("import", source(book, GOOD, "c2,2026-02-02T10:00:00Z,q"), "--as", "contacts", "--into", book)
    moved = source(book, GOOD.replace("2026-01", "2026-02"), name="b.csv")
    ended = comity("import", moved, "--as", "contacts", "--into", book)
    assert "0 new, 0 unchanged, 1 updated" in ended.stdout
    assert [" ".join(line.split()) for line in comity("diff", book).stdout.splitlines()[1:3]] == [
        "2026-01 0 new 1 updated 0 withdrawn",
        "2026-02 0 new 0 updated 0 withdrawn (1 moved here from another month)",
    ]


CALLS_AND_TICKETS = """
[[kpi]]
id = "service_level"
[[kpi]]
id = "backlog"
"""


def test_check_says_from_which_records_a_kpi_is_counted(tmp_path):
    report = "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned\n"
    report += "\n".join(f"calls,2026-01-{day:02}T09:00:00Z,30,10,9,8,20,1" for day in range(1, 32))
    contacts = "\n".join([HEADER, *(f"c{day},2026-01-{day:02}T10:00:00Z,desk" for day in range(1, 32))])
    both = write_book(tmp_path / "both", CALLS_AND_TICKETS, contacts=contacts, intervals=report)
    assert comity("check", both).stdout.splitlines()[-1] == (
        "  service_level: counted from intervals: the contacts do not tell what it counts"
    )
    (kpi,) = json.loads(comity("check", both, "--format", "json").stdout)["kpis"]
    assert (kpi["kpi"], kpi["counted_from"], kpi["not_counted"]) == ("service_level", "intervals", "contacts")
    alone = write_book(tmp_path / "alone", CALLS_AND_TICKETS, contacts=contacts)
    assert json.loads(comity("check", alone, "--format", "json").stdout)["kpis"] == []


def test_rejects_that_say_the_same_are_listed_three_times_and_counted(book):
    lines = [f"c{number},never,q" for number in range(9)]
    said = comity("import", source(book, *lines, "x,0001,q"), "--as", "contacts", "--into", book, "--dry-run").stdout
    assert said.count("('never')") == 3
    assert "10  opened_at: not a date and time" in said
    assert "('0001')" in said


def test_a_refused_file_says_what_to_do(book):
    ended = comity("import", source(book, GOOD, "x,never,q"), "--as", "contacts", "--into", book)
    assert ended.exit_code == 2
    assert "leave out what is no record by [[totals]] or [[rows]] of the mapping" in ended.stderr


def test_a_dry_run_of_a_draft_says_what_it_still_asks(book):
    toml = TWO_TABLES.split("[also", maxsplit=1)[0]
    draft = written(
        book.parent,
        "draft.toml",
        toml.replace('"Created"', '{ value = "FILL IN" }'),
    )
    file = source(book, "1,2", header="Ticket,Created")
    said = comity("import", file, "--as", draft, "--into", book, "--dry-run").stdout
    assert "the draft is not sure of opened_at; nothing is imported by it until these are settled" in said


def test_a_header_that_is_nearly_one_of_the_files_is_told(book):
    toml = TWO_TABLES.split("[also", maxsplit=1)[0] + 'queue = "Warteschlage"\n'
    mapping = written(book.parent, "mine.toml", toml)
    file = source(book, "1,2026-01-05T09:00Z,q", header="Ticket,Created,Warteschlange")
    said = comity("import", file, "--as", mapping, "--into", book).stdout
    assert "queue (Warteschlage; did you mean 'Warteschlange'?)" in said


def test_a_line_that_is_no_toml_is_shown_and_explained(book):
    mapping = written(book.parent, "mine.toml", 'table = "contacts"\ntarget = 80 %\n')
    ended = comity("import", source(book, GOOD), "--as", mapping, "--into", book)
    assert "'target = 80 %'; a text stands in quotes" in ended.stderr


def test_a_key_that_is_said_twice_is_called_so(book):
    mapping = written(book.parent, "mine.toml", 'table = "contacts"\ntable = "intervals"\n')
    ended = comity("import", source(book, GOOD), "--as", mapping, "--into", book)
    assert "'table = \"intervals\"' says again what stands in the same section above" in ended.stderr


def test_lines_above_the_header_that_were_counted_wrong_are_told_from_another_file(book):
    toml = TWO_TABLES.split("[also", maxsplit=1)[0].replace("[columns]", "[file]\nskip_rows = 1\n[columns]")
    mapping = written(book.parent, "mine.toml", toml)
    file = source(book, "two,lines", "Ticket,Created", "1,2026-01-05T09:00Z", header="title,")
    ended = comity("import", file, "--as", mapping, "--into", book)
    assert (ended.exit_code, "write header_has = 'Ticket' for skip_rows" in ended.stderr) == (2, True)


def test_a_file_whose_rows_something_else_changed_is_told_and_comes_in_again(book):
    """The same file twice changes nothing; where its rows are others by now, what to do is named."""
    first = source(book, GOOD, "c2,2026-02-02T10:00:00Z,q")
    bring = ("import", first, "--as", "contacts", "--into", book)
    comity(*bring)
    assert comity(*bring).stdout.endswith("; nothing changed\n")
    comity("import", source(book, GOOD.replace(",q", ",other"), name="b.csv"), "--as", "contacts", "--into", book)
    told = comity(*bring).stdout.splitlines()
    assert told[0].endswith("; nothing changed")
    assert told[1].startswith("  1 row of it is no longer in the book as this file says")
    assert f"`comity undo {book} contacts` takes it back; --again imports this file once more" in told[1]
    assert json.loads(comity(*bring, "--format", "json").stdout)["imports"][0]["differing"] == 1
    assert "1 unchanged, 1 updated" in comity(*bring, "--again").stdout
    assert comity(*bring).stdout.endswith("; nothing changed\n")


def test_undo_takes_the_last_import_into_a_table_back(book):
    comity("import", source(book, GOOD), "--as", "contacts", "--into", book)
    changed = source(book, GOOD.replace(",q", ",other"), "c2,2026-02-02T10:00:00Z,q", name="b.csv")
    comity("import", changed, "--as", "contacts", "--into", book, "--by", "Ana")
    ended = comity("undo", book, "contacts")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("contacts: import 2 (b.csv, ")
    assert ended.stdout.endswith("by Ana) taken back: 2 rows of it gone, 1 row put back as before\n")
    told = json.loads(comity("undo", book, "contacts", "--format", "json").stdout)
    assert (told["undone"]["file"], told["gone"], told["back"]) == ("a.csv", 1, 0)
    ended = comity("undo", book, "contacts")
    assert (ended.exit_code, "no import into contacts can be taken back" in ended.stderr) == (2, True)


def test_undo_names_the_other_table_that_the_same_file_went_into(book):
    mapping = written(book.parent, "two.toml", TWO_TABLES)
    file = source(book, "1,2026-01-05T09:00Z,2026-01-05T17:00Z", header="Ticket,Created,Due")
    assert comity("import", file, "--as", mapping, "--into", book).exit_code == 0
    told = comity("undo", book, "contacts").stdout.splitlines()
    assert told[1] == f"  the same file went into deadlines too: comity undo {book} deadlines"


def test_forget_tells_where_the_person_stood(tmp_path):
    book = write_book(tmp_path / "book", accounts="account_id,name\np1,Somebody")
    assert comity("forget", "p1", "--from", book).stdout == "accounts: 1 row\n"
    assert "no rows of this person" in comity("forget", "p1", "--from", book).stdout


# A dry run ---------------------------------------------------------------------------------------------------


def calls(file, count):
    rows = "".join(f"c{number},2026-05-04T09:00:{number % 60:02}\n" for number in range(count - 1))
    file.write_text(f"contact_id,opened_at\n{rows}broken,yesterday\n")
    return file


def test_a_dry_run_looks_at_the_first_rows_and_says_of_about_how_many(tmp_path):
    book = write_book(tmp_path / "book")
    arguments = ["import", str(calls(tmp_path / "calls.csv", 10_500)), "--as", "contacts", "--into", str(book)]
    done = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "the first 10,000 rows of about 10,501 (all with --all-rows) for contacts, 0 would be" in done.stdout
    every = CliRunner().invoke(app, [*arguments, "--dry-run", "--all-rows"])
    assert every.exit_code == 1  # the last row is a reject
    assert "calls.csv: 10,500 rows for contacts, 1 would be rejected" in every.stdout
    assert not list(book.glob("contacts*"))


def test_a_dry_run_of_a_small_file_looks_at_all_of_it(tmp_path):
    book = write_book(tmp_path / "book")
    arguments = ["import", str(calls(tmp_path / "calls.csv", 50)), "--as", "contacts", "--into", str(book)]
    done = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert "calls.csv: 50 rows for contacts, 1 would be rejected" in done.stdout


def test_an_import_takes_every_row_and_all_rows_is_of_dry_runs_only(tmp_path):
    book = write_book(tmp_path / "book")
    arguments = ["import", str(calls(tmp_path / "calls.csv", 10_500)), "--as", "contacts", "--into", str(book)]
    refused = CliRunner().invoke(app, [*arguments, "--all-rows"])
    assert refused.exit_code == 2
    assert "--all-rows goes with --dry-run" in refused.stderr
    assert "10,499 new" in CliRunner().invoke(app, arguments).stdout


def test_the_help_names_the_section_in_its_brackets(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "Import every [[source]] of book.toml" in CliRunner().invoke(app, ["import", "--help"]).stdout


@pytest.mark.parametrize("command", one_in(4, [(name, name) for name in ("check", "diff", "review", "figures")]))
def test_who_reads_along_and_has_seen_enough_is_not_told_of_a_broken_pipe(command, tmp_path):
    """The end that is read is closed before anything is written."""
    book = write_book(tmp_path / "book")
    CliRunner().invoke(app, ["import", str(calls(tmp_path / "calls.csv", 50)), "--as", "contacts", "--into", str(book)])
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-c", "from comity.cli import main; main()", command, str(book)],
        stdout=writes,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writes)
    assert b"roken pipe" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_what_is_in_no_count_and_what_was_taken_for_nothing_is_told(tmp_path):
    book = write_book(tmp_path / "book")
    rows = ["1,13/06/2026 09:00,Care,20,answered,Bill", "2,13/06/2026 09:01,Care,n/a,answered,Bill"]
    rows += ["3,13/06/2026 09:02,Care,9,voicemail,Bill", "4,13/06/2026 09:03,Care,9,abandoned,Bill"]
    source = tmp_path / "calls.csv"
    source.write_text("\n".join(["Call ID,Start,Queue,Wait,Result,Reason", *rows]) + "\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["import", str(source), "--as", "call_log", "--into", str(book), "--dry-run"])
    assert "2 contacts neither answered nor abandoned" in done.output, done.output
    assert "answered 1, voicemail 1" in done.output
    assert "Wait: 'n/a' taken for no value in 1 row" in done.output
