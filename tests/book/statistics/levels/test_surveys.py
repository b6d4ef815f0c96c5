"""Survey levels on written books, against the reference vectors."""

from datetime import date

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels import NoLevel, gather
from comity.core.levels import measure
from comity.core.values import Period
from tests.cast import JOINT, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
HEADER = "response_id,audience,respondent_id,account_id,asked_on,answered_on,instrument,scale_min,scale_max,score,queue"


def rows(scores, scale=("1", "5"), instrument="csat", *, of="r", audience="customer", queue="help", accounts=None):
    """Answers given in May, one a person; accounts: whose each is (none: the person's own)."""
    return [
        f"{of}{n},{audience},{of}{n},{'' if accounts is None else accounts[n]},2026-05-02,2026-05-03,{instrument},"
        f"{scale[0]},{scale[1]},{score},{queue}"
        for n, score in enumerate(scores)
    ]


def surveys(*args, **kwargs):
    return "\n".join([HEADER, *rows(*args, **kwargs)])


def level(folder, toml, text):
    with open_book(write_book(folder / "book", toml, surveys=text), JOINT) as book:
        (found,) = gather(book, (MAY,), date(2026, 7, 1))[MAY]
    return found if isinstance(found, NoLevel) else measure(found)


HUNDRED = [5] * 40 + [4] * 30 + [3] * 15 + [2] * 10 + [1] * 5  # kpi_reference.json, csat_variants_1to5
TOP2 = '[[kpi]]\nid = "csat"\ntarget = 0.7\n'
MEAN = '[[kpi]]\nid = "csat"\nformula = "mean"\n'


def test_the_same_hundred_answers_give_each_variant_its_figure(tmp_path):
    """Top two boxes 70, top box 40, mean 3.9 of 100 answers."""
    found = level(tmp_path, TOP2, surveys(HUNDRED))
    assert (found.value, found.unit, found.met) == (0.7, "share", True)
    assert found.also == {"answers": 100, "response_rate": 1.0, "mean": 3.9, "top_box": 0.4}
    mean = level(tmp_path / "mean", MEAN, surveys(HUNDRED))
    assert (mean.value, mean.unit, mean.also["top_box"]) == (3.9, "points", 0.4)


def test_a_reversed_scale_is_mirrored(tmp_path):
    """1 is the best answer here: the same hundred people, the same figures."""
    reversed_scores = [6 - score for score in HUNDRED]
    assert level(tmp_path, TOP2, surveys(reversed_scores, ("5", "1"))).value == 0.7
    assert level(tmp_path / "mean", MEAN, surveys(reversed_scores, ("5", "1"))).value == pytest.approx(3.9)


def test_error_of_one_answer_an_account_is_the_textbooks(tmp_path):
    """sqrt(p(1 - p)/(n - 1)); statsmodels' Wilson interval of that size, at Student's t for the normal."""

    from scipy import stats
    from statsmodels.stats.proportion import proportion_confint

    found = level(tmp_path, TOP2, surveys(HUNDRED))
    assert found.se == pytest.approx((0.7 * 0.3 / 99) ** 0.5)
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, 99))
    assert (found.low, found.high) == pytest.approx(proportion_confint(0.7 * 99, 99, alpha, method="wilson"))
    assert found.beyond_chance is False


def test_answers_of_one_account_are_one_unit(tmp_path):
    """Ten accounts of ten people who agree: an error as of ten answers."""
    scores = [5] * 70 + [1] * 30
    found = level(tmp_path, TOP2, surveys(scores, accounts=[f"A{n // 10}" for n in range(100)]))
    assert found.se == pytest.approx((0.7 * 0.3 / 9) ** 0.5)


def test_nps_is_promoters_less_detractors(tmp_path):
    """kpi_reference.json: 100 promoters and 40 detractors of 200 give 30.0 +- 10.82 (with n; ours with n - 1)."""
    scores = [10] * 60 + [9] * 40 + [8] * 30 + [7] * 30 + [6] * 25 + [0] * 15
    found = level(tmp_path, '[[kpi]]\nid = "nps"\ntarget = 25\n', surveys(scores, ("0", "10"), "nps"))
    assert (found.value, found.unit) == (30.0, "points")
    assert 1.959964 * found.se * (199 / 200) ** 0.5 == pytest.approx(10.8243, abs=5e-4)
    assert found.beyond_chance is False


def test_one_to_four_people_are_never_shown(tmp_path):
    found = level(tmp_path, TOP2, surveys([5, 4, 3, 2]))
    assert (found.why, found.held_by) == ("too_small", "customer")


def test_a_mean_over_two_scales_is_not_formed(tmp_path):
    both = "\n".join([surveys([5, 4, 5, 4, 5]), *rows([9, 8], ("0", "10"), of="s")])
    found = level(tmp_path, MEAN, both)
    assert (found.why, found.needs) == ("mixed_scales", ("surveys",))
    assert level(tmp_path / "top2", TOP2, both).den == 7


def test_the_response_rate_is_of_those_asked_within_thirty_days(tmp_path):
    """Five answered at once, one on the thirty-first day, two never."""
    late = "\nx,customer,x,,2026-05-01,2026-06-01,csat,1,5,5,help"
    silent = "".join(f"\ny{n},customer,y{n},,2026-05-01,,csat,1,5,,help" for n in range(2))
    found = level(tmp_path, TOP2, surveys([5, 4, 5, 4, 5]) + late + silent)
    assert found.also["response_rate"] == 5 / 8
    assert found.den == 5


def test_other_instruments_audiences_and_queues_do_not_count(tmp_path):
    others = [
        *rows([1] * 9, instrument="ces", of="o"),
        *rows([1] * 9, audience="employee", of="e"),
        *rows([1] * 9, queue="sales", of="s"),
    ]
    found = level(tmp_path, '[[kpi]]\nid = "csat"\nqueues = ["help"]\n', "\n".join([surveys([5] * 6), *others]))
    assert (found.value, found.den) == (1.0, 6)
