"""What a target costs, from a book to text and JSON, as each of the cast; own figures in its own answer alone."""

import json
from datetime import UTC, datetime

import pytest

from comity.book.prices import CustomersOwn, PriceList, ProvidersOwn
from comity.book.reading.open import NotInRelationshipError, open_book
from comity.core.economics.prices import Costs, Losses, Price, Unit
from comity.review.i18n.words import DASH, LOCALES, words_of
from comity.review.render.target_cost import json as cost_json
from comity.review.render.target_cost import terminal
from comity.review.target_cost import Assumptions, Policy, build_target_cost
from tests.builders.attribution import KPI, fortnight
from tests.cast import CUSTOMER, JOINT, PROVIDER, STRANGER, write_book

NOW = datetime(2026, 7, 10, tzinfo=UTC)
PRICES = PriceList(
    {
        "by the contact": Price(Unit.CONTACT, 4.2, steps=((0.0, -0.05), (0.8, 0.0))),
        "a base, and a band": Price(Unit.CONTACT, 0.0, base=500.0, bands=((1000.0, 5.0),)),
        "by the hour": Price(Unit.STAFFED_HOUR, 40.0),
    },
    periods=24,
)
OURS = ProvidersOwn(Costs(per_paid_hour=21.37, fixed=311.0, margin_needed=977.0), one_off=5003.0, ramp=(1.31,))
THEIRS = CustomersOwn(Losses(per_abandoned=6.71, per_late=1.93, least_level=0.713))
SECRETS = ("21.37", "311", "977", "5003", "5,003", "6.71", "1.93", "0.713", "71.3")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write_book(tmp_path_factory.mktemp("costing") / "book", KPI, **fortnight())


def made(book, viewer=JOINT, own=None, prices=PRICES, targets=(0.5, 0.8, 0.95)):
    with open_book(book, viewer) as opened:
        return build_target_cost(
            opened,
            "service_level",
            period="2026-06",
            now=NOW,
            targets=targets,
            assumed=Assumptions(shrinkage=0.3),
            price_list=prices,
            own=own,
        )


def shown(one, language="en"):
    return terminal.render(one, words_of(language), color=False, width=80).decode().replace("\u00a0", " ")


def test_the_provider_sees_what_each_price_leaves(book):
    """By hand: 14 half hours of 32 agents are 224 h, 320 paid, at 21.37 and 311: 7,149.40 (standards, 3.2)."""
    one = made(book, PROVIDER, OURS)
    told = json.loads(cost_json.render(one))
    assert told["own"]["side"] == told["whose"] == "provider"
    row = told["own"]["prices"][2]["policies"]["every_interval"][1]
    assert row["cost"] == pytest.approx(320 * 21.37 + 311)
    assert row["margin"] == pytest.approx(224 * 40 - 7149.4)
    assert row["threshold"] == pytest.approx((7149.4 + 977) / 224)
    assert row["threshold_multiple"] == pytest.approx((7149.4 + 977) / 224 / 40)
    assert row["over_term"] == pytest.approx(24 * row["margin"] - 5003 - 0.31 * 320 * 21.37)
    assert row["within_limit"]
    text = shown(one)
    assert "earns you most" in text
    assert "Price needed" in text
    assert "24 periods" in text


def test_the_customer_sees_what_it_pays_and_loses(book):
    one = made(book, CUSTOMER, THEIRS)
    told = json.loads(cost_json.render(one))
    plans, rows = one.policies[Policy.PERIOD], told["own"]["prices"][2]["policies"]["period"]
    for at, row in enumerate(rows):
        late = plans.answered[at] - plans.good[at]
        assert row["loses"] == pytest.approx(plans.abandoned[at] * 6.71 + late * 1.93)
        assert row["total"] == pytest.approx(row["pays"] + row["loses"])
        assert row["pays"] == pytest.approx(plans.hours[at] * 40)
    assert [row["within_limit"] for row in rows] == [False, True, True]
    text = shown(one)
    assert "costs you least in total" in text
    assert "! Below the lowest level that you accept." in text


@pytest.mark.parametrize("viewer", [JOINT, CUSTOMER, PROVIDER])
def test_without_figures_of_ones_own_only_what_is_shared_is_told(book, viewer):
    one = made(book, viewer)
    told = json.loads(cost_json.render(one))
    assert "own" not in told
    assert [price["name"] for price in told["prices"]] == list(PRICES.prices)
    assert all(price["pull"] is not None for price in told["prices"])
    for word in ("Margin", "Cost", "Lost", "Price needed", "earns you"):
        assert word not in shown(one)


@pytest.mark.parametrize(("viewer", "own"), [(CUSTOMER, OURS), (JOINT, OURS), (PROVIDER, THEIRS), (JOINT, THEIRS)])
def test_nobody_opens_the_figures_of_another_side(book, viewer, own):
    with pytest.raises(ValueError, match="own") as told:
        made(book, viewer, own)
    assert not any(secret in str(told.value) for secret in SECRETS)


def test_a_stranger_opens_nothing(book):
    with pytest.raises(NotInRelationshipError):
        made(book, STRANGER)


def test_what_is_shared_is_the_same_for_everybody(book):
    """The pull is told without costs: it does not change with the figures of whoever looks, and gives none away."""
    answers = [
        json.loads(cost_json.render(made(book, *who))) for who in ((JOINT,), (PROVIDER, OURS), (CUSTOMER, THEIRS))
    ]
    shared = [{key: value for key, value in one.items() if key not in {"own", "whose"}} for one in answers]
    assert shared[0] == shared[1] == shared[2]
    assert not any(secret in json.dumps(shared[0]) for secret in ("21.37", "6.71", "0.713"))
    assert not any(secret in shown(made(book)) for secret in ("21.37", "6.71", "71.3"))


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(("viewer", "own"), [(JOINT, None), (PROVIDER, OURS), (CUSTOMER, THEIRS)])
def test_the_terminal_holds_eighty_columns(book, language, viewer, own):
    text = shown(made(book, viewer, own), language)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for name in PRICES.prices:
        assert name in text


def test_a_target_that_cannot_be_had_is_a_dash(book):
    """Not one may give up, ever: no staffing reaches that."""
    with open_book(book, PROVIDER) as opened:
        one = build_target_cost(
            opened,
            "service_level",
            period="2026-06",
            now=NOW,
            targets=[0.8],
            assumed=Assumptions(most_abandon=0.0),
            price_list=PRICES,
            own=OURS,
        )
    told = json.loads(cost_json.render(one))
    assert told["policies"]["period"][0]["hours"] is None
    assert told["prices"][0]["pull"] is None
    assert DASH in shown(one)
    assert "What each price rewards" not in shown(one)
