"""Records that are there and count for nothing say what they name in place of what is counted."""

from datetime import date

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.uncounted import Lacks, Uncounted, same_respondent, uncounted
from comity.core.agreements.kpi import Kpi
from comity.core.values import Period
from tests.cast import JOINT, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
COLUMNS = "response_id,audience,respondent_id,queue,channel,answered_on,instrument,scale_min,scale_max,score"
CSAT = Kpi("csat", "csat")


def answers(*, instrument="csat", respondent="", queue="care", channel="voice", scale=(1, 5), many=20, of="customer"):
    rows = [
        f"{number},{of},{respondent or number},{queue},{channel},2026-05-{number % 28 + 1:02},{instrument},{scale[0]},"
        f"{scale[1]},4"
        for number in range(many)
    ]
    return "\n".join([COLUMNS, *rows])


def found(tmp_path, kpi, **tables):
    with open_book(write_book(tmp_path, **tables), JOINT) as book:
        return uncounted(book, kpi, MAY)


@pytest.mark.parametrize(
    ("kpi", "rows", "wanted"),
    [
        (CSAT, {"instrument": "caller"}, Uncounted(Lacks.INSTRUMENT, 20, ("csat",), ("caller",))),
        (Kpi("csat", "csat", queues=("sales",)), {}, Uncounted(Lacks.QUEUE, 20, ("sales",), ("care",))),
        (Kpi("csat", "csat", channels=("mail",)), {"channel": ""}, Uncounted(Lacks.CHANNEL, 20, ("mail",), ())),
        (Kpi("nps", "nps"), {"instrument": "nps"}, Uncounted(Lacks.SCALE, 20, ("0–10",), ("1–5",))),  # noqa: RUF001
        (CSAT, {"respondent": "caller"}, Uncounted(Lacks.RESPONDENT, 20)),
        (CSAT, {}, None),  # they count
        (CSAT, {"instrument": "caller", "many": 4}, None),  # of 1 to 4 nothing is told
        (CSAT, {"respondent": "caller", "many": 19}, None),  # somebody may answer often
        (CSAT, {"instrument": "esat", "of": "employee"}, None),
    ],
)
def test_answers_that_count_for_nothing_say_the_first_thing_that_none_has(tmp_path, kpi, rows, wanted):
    assert found(tmp_path, kpi, surveys=answers(**rows)) == wanted


def test_contacts_by_another_name_of_the_channel_are_named(tmp_path):
    rows = [f"{number},2026-05-02T09:00:00Z,{'Phone' if number else 'E-Mail'}" for number in range(6)]
    contacts = "\n".join(["contact_id,opened_at,channel", *rows])
    kpi = Kpi("sl", "service_level", channels=("voice",))
    assert found(tmp_path, kpi, contacts=contacts) == Uncounted(Lacks.CHANNEL, 6, ("voice",), ("Phone", "E-Mail"))


def test_one_respondent_is_told_of_a_reading_too(tmp_path):
    with open_book(write_book(tmp_path, surveys=answers(respondent="caller")), JOINT) as book:
        assert same_respondent(book, MAY) == Uncounted(Lacks.RESPONDENT, 20)
        assert same_respondent(book, Period(date(2026, 6, 1), date(2026, 7, 1))) is None
