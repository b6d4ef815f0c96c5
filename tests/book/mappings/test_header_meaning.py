"""Headers say more than a name: thresholds, scales, means and shares, in the six languages of the trade."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.book.mappings.header_meaning import counts_hours, instrument_in, is_mean, is_share, scale_in, threshold_in

pytestmark = pytest.mark.gate


@pytest.mark.parametrize(
    ("header", "counted", "seconds"),
    [
        ("Answered within 20 seconds", "Answered", 20),
        ("Answered <20", "Answered", 20),
        ("Calls answered 60s", "Calls answered", 60),
        ("Answered 0-20 sec", "Answered", 20),
        ("Within 20 s", "", 20),
        ("Answered in 2 min", "Answered", 120),
        ("Angenommen < 20 s", "Angenommen", 20),
        ("Angenommen in 20 s", "Angenommen", 20),
        ("Angenommen innerhalb von 30 Sekunden", "Angenommen", 30),
        ("Atendidas en menos de 20 seg", "Atendidas", 20),
        ("Décrochés en moins de 20 s", "Décrochés", 20),
        ("Atendidas em até 20 s", "Atendidas", 20),
        ("Risposte entro 20 secondi", "Risposte", 20),
        ("Abandoned (5 s)", "Abandoned", 5),
    ],
)
def test_a_threshold_is_read_from_the_header(header, counted, seconds):
    found = threshold_in(header)
    assert found is not None
    assert (found.counted, found.seconds) == (counted, seconds)


@pytest.mark.parametrize(
    "header", ["Wait (s)", "Queue 2", "Answered", "Line 1", "Care 24h", "Q3 2026", "Answered in SL"]
)
def test_a_number_alone_is_no_threshold(header):
    assert threshold_in(header) is None


@given(
    counted=st.sampled_from(["Answered", "Angenommen", "Atendidas", "Décrochés", "Risposte"]),
    sign=st.sampled_from(["<", "<=", "≤", "within", "innerhalb", "en menos de", "en moins de", "em até", "entro"]),
    seconds=st.integers(1, 600),
    unit=st.sampled_from(["s", "sec", "seg", "Sekunden", "secondes", "segundos", "secondi"]),
)
def test_whatever_the_threshold_it_is_told_from_what_is_counted(counted, sign, seconds, unit):
    found = threshold_in(f"{counted} {sign} {seconds} {unit}")
    assert found is not None
    assert (found.counted, found.seconds) == (counted, seconds)


@pytest.mark.parametrize(
    "header",
    [
        "Ø Bearbeitungszeit (s)",
        "AHT",
        "Avg. talk",
        "Tiempo medio de espera",
        "Durée moyenne",
        "Tempo médio",
        "mittlere Dauer",
    ],
)
def test_a_mean_is_known_by_its_word_or_its_sign(header):
    assert is_mean(header)


@pytest.mark.parametrize("header", ["Bearbeitungszeit", "Tømt", "Total handle time", "Wartezeit (s)"])
def test_what_does_not_say_so_is_no_mean(header):
    assert not is_mean(header)


@pytest.mark.parametrize(
    "header", ["Servicelevel %", "Abbruchquote", "Nivel de servicio", "Taux d'abandon", "SL", "% answered"]
)
def test_a_share_is_known_by_its_word_or_its_sign(header):
    assert is_share(header)


def test_a_scale_and_what_it_measures_are_read_from_the_header():
    assert scale_in("Zufriedenheit (1-5)") == (1, 5)
    assert scale_in("Recomendaría (0 a 10)") == (0, 10)
    assert scale_in("Satisfaction") is None
    assert scale_in("Period 2025-2026") is None
    assert instrument_in("Zufriedenheit (1-5)") == "csat"
    assert instrument_in("Probabilidad de recomendación") == "nps"
    assert instrument_in("Punkte") is None


def test_staff_in_hours_is_known_by_the_word():
    assert all(
        map(counts_hours, ["Required hours", "Committed Hrs", "Horas requeridas", "Bedarf (h)", "Stunden geplant"])
    )
    assert not any(map(counts_hours, ["Required", "Scheduled FTE", "Bedarf", "Whole agents"]))
