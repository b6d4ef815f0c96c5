"""Lines of the log, told: nothing of how they are kept shows through."""

import pytest

from comity.apps.parties.models import Access
from comity.apps.parties.telling import told
from comity.apps.wording import words_for

NAMES = {"customer": "Northwind", "provider": "Helpline"}


def said(action, about="", language="en"):
    line = told(Access(action=action, about=about), words_for(language), lambda side: NAMES[str(side)])
    return line.does, line.title, line.about.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("action", "about", "english", "spanish"),
    [
        ("joined", "roster", ("joined as", "", "rostering"), ("entró como", "", "turnos")),
        (
            "invited",
            "lead provider",
            ("invited somebody as", "", "lead, Helpline"),
            ("invitó a alguien como", "", "responsable, por Helpline"),
        ),
        (
            "changed role",
            "Nora: Gil: member > analyst",
            ("changed the role of", "", "Nora: Gil: member → analyst"),
            ("cambió el papel de", "", "Nora: Gil: miembro → analista"),
        ),
        (
            "named deputy",
            "Ana > Bo, 2026-08-01",
            ("named a deputy:", "", "Ana for Bo, until 1 August 2026"),
            ("nombró un suplente:", "", "Ana por Bo, hasta el 1 de agosto de 2026"),
        ),
        (
            "handed over",
            "Letters > 20,000 > Bo",
            ("handed over", "Letters > 20,000", "to Bo"),
            ("traspasó", "Letters > 20,000", "a Bo"),
        ),
        ("raised claim", "An outage", ("claimed", "An outage", ""), ("reclamó", "An outage", "")),
        ("read matter", "An outage", ("read", "An outage", ""), ("leyó", "An outage", "")),
        (
            "read figure",
            "service_level 2026-06",
            ("read the figure", "", "Service level, June 2026"),
            ("leyó la cifra", "", "Nivel de servicio, junio de 2026"),
        ),
        (
            "held back",
            "costs, 2026-08-01",
            ("holds back", "", "costs, until 1 August 2026"),
            ("reserva", "", "costes, hasta el 1 de agosto de 2026"),
        ),
        (
            "held back",
            "contacts.agent_id, 2026-08-01",
            ("holds back", "", "contacts.agent_id, until 1 August 2026"),
            ("reserva", "", "contacts.agent_id, hasta el 1 de agosto de 2026"),
        ),
        ("confirmed", "2026-Q2", ("confirmed", "", "Q2 2026"), ("confirmó", "", "T2 2026")),
    ],
)
def test_a_line_is_told_in_the_readers_language(action, about, english, spanish):
    assert said(action, about) == english
    assert said(action, about, "es") == spanish


@pytest.mark.parametrize(
    ("action", "about"),
    [("joined", "chief"), ("changed role", "?"), ("named deputy", "A > B"), ("thought", "of a price")],
)
def test_what_is_not_understood_stands_as_it_was_written(action, about):
    assert said(action, about)[2] == about
