"""Where figures came from, as a review tells it: earlier states of a record are not rows that say the same."""

import io
import json
from datetime import UTC, datetime

import pytest
from python_calamine import CalamineWorkbook

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.parse import read_mapping
from comity.book.reading.open import open_book
from comity.review.build import build_review
from comity.review.render import render
from tests.cast import JOINT, write_book

LOG = """number,incident_state,sys_mod_count,made_sla,opened_at,sys_updated_at,resolved_at,closed_at,assignment_group
INC1,New,0,true,1/3/2016 09:00,1/3/2016 09:00,?,9/3/2016 10:00,Group 1
INC1,Active,1,true,1/3/2016 09:00,1/3/2016 09:30,?,9/3/2016 10:00,Group 2
INC1,Active,1,true,1/3/2016 09:00,1/3/2016 09:30,?,9/3/2016 10:00,Group 2
INC1,Closed,2,false,1/3/2016 09:00,9/3/2016 10:00,8/3/2016 10:00,9/3/2016 10:00,Group 2
INC2,New,0,true,2/3/2016 09:00,2/3/2016 09:00,?,9/3/2016 10:00,Group 1
INC2,New,0,true,2/3/2016 09:00,2/3/2016 09:00,?,9/3/2016 10:00,Group 1
"""
SAID = {
    "en": "log.csv: 2 earlier states of the same contact or incident; the last one counts; "
    "2 duplicate rows, counted once.",
    "es": "log.csv: 2 estados anteriores del mismo contacto o incidente; cuenta el último; "
    "2 filas duplicadas, contadas una vez.",
}


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """Six rows of two incidents: New and Active are earlier states of the first, and two lines stand there twice."""
    folder = tmp_path_factory.mktemp("log")
    book, log = write_book(folder / "book"), folder / "log.csv"
    log.write_text(LOG)
    at = datetime(2016, 4, 1, tzinfo=UTC)
    import_source(book, log, read_mapping("servicenow_event_log"), ImportRequest("Ana", at))
    with open_book(book, JOINT) as opened:
        return build_review(opened, period="2016-03", now=at)


@pytest.mark.parametrize("language", ["en", "es"])
def test_earlier_states_and_rows_that_say_the_same_are_told_apart(review, language):
    for form in ("terminal", "html"):
        assert SAID[language] in " ".join(render(review, form, language).decode().split())


def test_so_they_are_for_machines(review):
    (delivery,) = json.loads(render(review, "json"))["origins"][0]["deliveries"]
    assert (delivery["new"], delivery["collapsed"], delivery["superseded"]) == (2, 4, 2)
    head, row, *_ = (
        CalamineWorkbook.from_filelike(io.BytesIO(render(review, "xlsx"))).get_sheet_by_name("Sources").to_python()
    )
    told = dict(zip(head, row, strict=True))
    assert (told["Duplicates, counted once"], told["Of these, earlier states"]) == (4, 2)
