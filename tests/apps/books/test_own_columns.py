"""What the page of a file says of it in the file's own words: its columns, its cells, what is in no count."""

import csv
import io

import pytest

from comity.apps.books.sentences import value_name
from comity.apps.i18n import words_for
from comity.book.tables import TABLES
from tests.builders.uploads import fields, imported, looked, shown
from tests.room import cast

pytestmark = pytest.mark.gate
OUTCOME = TABLES["contacts"].by_name["outcome"]

# One wait below zero, one that nobody knows; two of five calls ended neither way.
LOG = """Call ID,Start,Queue,Wait,Result,Talk Time,Reason
1,13/11/2026 09:00,Care,20,answered,100,Bill
2,13/11/2026 09:01,Care,-12,answered,90,Bill
3,13/11/2026 09:02,Care,n/a,answered,80,Bill
4,13/11/2026 09:03,Care,30,callback,0,Bill
5,13/11/2026 09:04,Care,31,voicemail,0,Bill
6,13/11/2026 09:05,Care,32,abandoned,0,Bill
""" + "".join(f"{at},14/11/2026 09:05,Care,9,answered,60,Bill\n" for at in range(7, 90))


@pytest.fixture
def them():
    made = cast()
    made.book()
    return made


@pytest.fixture
def made(them):
    return looked(them, "calls.csv", LOG)


def test_a_reject_names_the_columns_and_cells_of_the_file(them, made):
    assert made.mapping == "call_log"
    page = shown(them, made)
    assert "Start = 13/11/2026 09:01; Wait = -12" in page
    assert '<th scope="row" class="any">Start, Wait' in page
    done = imported(them, made)
    assert "Wait = -12" in shown(them, done)
    url = them.url(f"records/{made.pk}/rejected-rows.csv")
    download = them.client("provider_lead").get(url)
    assert download.status_code == 200, url
    rows = list(csv.reader(io.StringIO(download.content.decode("utf-8-sig"))))
    words = words_for("en")
    named = words("check.theirs_and_ours", theirs="Start, Wait", ours=words("field.answered_at"))
    assert rows[1][-1].startswith(f"{named}: ")


def test_a_word_for_nothing_among_numbers_is_told(them, made):
    words = words_for("en")
    assert words("check.read_as_empty", column="Wait", text="n/a", rows=words.number(1)) in shown(them, made)


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_in_neither_count_is_told_at_the_import(them, made, language):
    words = words_for(language)
    browser = them.client("provider_lead")
    browser.post("/language/setlang/", {"language": language})
    page = browser.get(them.url(f"records/{made.pk}/")).content.decode()
    # The third has an outcome and no wait, and so no moment at which it was answered.
    names = [f"{value_name(OUTCOME, name, words)} 1" for name in ("answered", "callback", "voicemail")]
    assert words("check.in_neither", rows=words.number(3), named=", ".join(names)) in page


def test_a_part_of_the_handle_time_that_is_left_out_is_told(them):
    head, *rows = LOG.splitlines()
    text = "\n".join([f"{head},After-call (s)", *(f"{row},30" for row in rows)]) + "\n"
    made, words = looked(them, "calls.csv", text), words_for("en")
    assert words("check.handling_not_kept", columns="After-call (s)") in shown(them, made)
    asked = fields(shown(them, made, page="columns/"))
    assert "handle_s" in {asked[f"field_{at}"] for at in range(7)}
    assert words("match.added_up", columns="Talk Time, After-call (s)") in shown(them, made, page="columns/")


def test_the_other_side_reads_no_column_and_no_cell(them, made):
    imported(them, made)
    page = shown(them, made, "customer_lead")
    assert "Wait" not in page
    assert "n/a" not in page
