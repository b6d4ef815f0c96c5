"""A header is known by its words: in six languages, with what stands beside them, and not by a likeness of letters."""

import pytest

from comity.book.mappings.synonyms import NEAR, known_names, names_beside, similarity, words_of

pytestmark = pytest.mark.gate


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Fecha de creación", "fecha de creacion"),
        ("handleTime", "handle time"),
        ("Wait Time (sec)", "wait time"),
        ("N° ticket", "no ticket"),
        ("(all)", "all"),
        ("  Call\n Date ", "call date"),
    ],
)
def test_a_header_is_its_words(header, words):
    assert words_of(header) == words


@pytest.mark.parametrize(
    ("table", "column", "header"),
    [
        ("contacts", "contact_id", "Número de ticket"),
        ("contacts", "contact_id", "Vorgangsnummer"),
        ("contacts", "opened_at", "Date d'ouverture"),
        ("contacts", "opened_at", "Data de abertura"),
        ("contacts", "queue", "Warteschlange"),
        ("contacts", "due_at", "Fecha límite"),
        ("intervals", "offered", "Angebotene Anrufe"),
        ("intervals", "answered", "Chiamate risposte"),
        ("intervals", "abandoned", "Llamadas abandonadas"),
        ("intervals", "handle_s", "Talk duration"),
        ("intervals", "handle_s", "Duración de conversación"),
        ("intervals", "handle_s", "Gesprächsdauer"),
        ("intervals", "handle_s", "Durée de conversation"),
        ("intervals", "handle_s", "Tempo de conversação"),
        ("intervals", "handle_s", "Tempo medio di conversazione"),
    ],
)
def test_the_names_of_a_column_are_known_in_the_languages_of_the_trade(table, column, header):
    known = known_names()[table]
    assert similarity(header, known[column]) == 1.0
    assert max(known, key=lambda one: similarity(header, known[one])) == column


def test_a_word_more_fits_less_and_a_slip_still_fits():
    offered = known_names()["intervals"]["offered"]
    exact, longer = similarity("Calls offered", offered), similarity("Calls offered today", offered)
    assert exact == 1.0
    assert NEAR <= longer < exact
    assert similarity("Calls ofered", offered) >= NEAR
    assert similarity("Weather", offered) < NEAR


def test_what_is_waited_has_names_of_its_own():
    assert similarity("Tiempo de espera", names_beside("wait")) >= NEAR
    assert similarity("Hora", names_beside("clock")) >= NEAR
