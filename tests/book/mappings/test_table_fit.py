"""What a file is of: a survey that names tickets is a survey, and where two tables fit alike, both are told."""

import itertools

import pytest

from comity.book.mappings.column_samples import ColumnSample
from comity.book.mappings.table_fit import best_table, fitting_tables, match_by_name
from comity.book.tables import TABLES
from tests.builders.examples import examples

pytestmark = pytest.mark.gate

ID, DAY, SCORE = ("A1", "A2"), ("2026-01-13", "2026-01-14"), ("5", "3")


def columns(**cells: tuple[str, ...]) -> list[ColumnSample]:
    return [ColumnSample(header, values, None, len(values)) for header, values in cells.items()]


ANSWERS = {"en": "Response ID", "es": "ID de respuesta", "de": "Antwort-ID", "fr": "ID réponse", "pt": "ID da resposta"}
TICKETS = {"en": "Ticket number", "es": "Nº ticket", "de": "Ticketnummer", "fr": "Numéro de ticket", "pt": "Nº chamado"}
SCORES = {
    "en": "Satisfaction",
    "es": "Satisfacción",
    "de": "Zufriedenheit (1-5)",
    "fr": "Satisfaction",
    "pt": "Satisfação",
}
DAYS = {"en": "Date", "es": "Fecha", "de": "Datum", "fr": "Date", "pt": "Data"}


@pytest.mark.parametrize("language", ANSWERS)
def test_a_survey_that_names_tickets_is_a_survey(language):
    headers = (ANSWERS[language], TICKETS[language], DAYS[language], SCORES[language])
    found = columns(**dict(zip(headers, (ID, ("T1", "T2"), DAY, SCORE), strict=True)), Comment=("well", "not"))
    assert best_table(found).name == "surveys"
    matched = match_by_name(TABLES["surveys"], found)
    assert [matched[name].header for name in ("response_id", "contact_id", "answered_on", "score")] == list(headers)


def test_tickets_that_bear_a_score_are_tickets():
    found = columns(
        **{"Ticket ID": ID, "Created": DAY, "Resolved": DAY, "Status": ("open", "closed"), "Priority": ("1", "2")},
        **{"Assigned group": ("Care", "Sales"), "Satisfaction": SCORE},
    )
    assert best_table(found).name == "contacts"


def test_what_could_be_either_is_told_to_be():
    """A ticket, a day and a score: the answers of a survey by ticket, or tickets that were marked."""
    found = columns(**{"Ticket ID": ID}, Date=DAY, Queue=("Care", "Sales"), Rating=SCORE)
    assert {one.table.name for one in fitting_tables(found)} >= {"contacts", "surveys"}


def test_columns_of_no_table_could_be_of_any():
    assert len(fitting_tables(columns(Foo=("a", "b"), Bar=("c", "d")))) == len(TABLES)


WITHIN = ("Answered < 20 s", "Angenommen in 20 s", "Atendidas en menos de 20 s", "Décrochés en moins de 20 s")


@pytest.mark.parametrize("header", WITHIN)
@pytest.mark.parametrize("share", ["Service level %", "Servicelevel", "Nivel de servicio", "Taux de service"])
def test_what_was_answered_within_a_threshold_is_no_count_of_all_and_a_share_no_threshold(header, share):
    """In whatever order the columns stand: in the gate in every fortieth of the orders."""
    answered = {"Answered": "Answered", "Angenommen": "Angenommen", "Atendidas": "Atendidas", "Décrochés": "Décrochés"}
    cells = {"Queue": ("Care", "Sales"), "Date": DAY, answered[header.split()[0]]: ("9", "8"), header: ("7", "6")}
    cells[share] = ("77.8", "75.0")
    orders = list(itertools.permutations(cells))
    for order in orders[:: 40 // examples(1)]:
        matched = match_by_name(TABLES["intervals"], columns(**{name: cells[name] for name in order}))
        assert matched["answered_within"].header == header
        assert matched["answered"].header == header.split()[0]
        assert "threshold_s" not in matched
