"""Prices and a side's own figures, in TOML: what is read, what is refused and in what words, and for whom."""

import pytest

from comity.book.prices import CustomersOwn, ProvidersOwn, UnusablePricesError, read_own, read_prices
from comity.core.economics.prices import Costs, Losses, Price, Unit
from comity.core.values import Side
from tests.cast import CUSTOMER, JOINT, PROVIDER

PRICES = """
[term]
periods = 24
[[price]]
name = "by the contact"
unit = "contact"
amount = 4.20
base = 100
bands = [{ from = 9000, amount = 3.9 }, { from = 12000, amount = 3.5 }]
steps = [{ from = 0, share = -0.05 }, { from = 0.8, share = 0 }]
[[price]]
name = "full time"
unit = "fte_month"
amount = 3000
fte_hours = 152
"""
OURS = """
side = "provider"
per_paid_hour = 19.5
fixed = 3000
margin_needed = 4000
one_off = 40000
ramp = [1.4, 1]
"""
THEIRS = """
side = "customer"
per_abandoned = 6
per_late = 1
least_level = 0.7
"""


def written(folder, text):
    file = folder / "prices.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_prices_are_read_with_their_bands_and_steps(tmp_path):
    found = read_prices(written(tmp_path, PRICES))
    assert found.periods == 24
    assert found.prices == {
        "by the contact": Price(Unit.CONTACT, 4.2, 100.0, ((9000.0, 3.9), (12000.0, 3.5)), ((0.0, -0.05), (0.8, 0.0))),
        "full time": Price(Unit.FTE_MONTH, 3000.0, fte_hours=152.0),
    }


def test_own_figures_open_for_their_side_alone(tmp_path):
    ours, theirs = tmp_path / "ours.toml", tmp_path / "theirs.toml"
    ours.write_text(OURS)
    theirs.write_text(THEIRS)
    assert read_own(ours, PROVIDER) == ProvidersOwn(Costs(19.5, 3000.0, 4000.0), 40000.0, (1.4, 1.0), Side.PROVIDER)
    assert read_own(theirs, CUSTOMER) == CustomersOwn(Losses(6.0, 1.0, 0.7), Side.CUSTOMER)
    for file, viewers in ((ours, (CUSTOMER, JOINT)), (theirs, (PROVIDER, JOINT))):
        for viewer in viewers:
            with pytest.raises(UnusablePricesError, match="open it with --as") as told:
                read_own(file, viewer)
            assert not any(secret in str(told.value) for secret in ("19.5", "3000", "4000", "0.7"))


SPOILED = [
    ("", "[[price]] is missing"),
    ("price = 5", "double brackets"),
    ("[[price]]", "name is missing"),
    ('[[price]]\nname = " "', "name is missing"),
    ('[[price]]\nname = "a"\nunit = "call"\namount = 1', "must be one of contact"),
    ('[[price]]\nname = "a"\nunit = "contact"', "amount is missing"),
    ('[[price]]\nname = "a"\nunit = "contact"\namount = "4,20"', "must be a number, but is '4,20'"),
    ('[[price]]\nname = "a"\nunit = "contact"\namount = -4', "must not be negative"),
    ('[[price]]\nname = "a"\nunit = "contact"\namount = nan', "finite"),
    ('[[price]]\nname = "a"\nunit = "contact"\namount = 1\namout = 2', "did you mean 'amount'?"),
    (PRICES + '[[price]]\nname = "full time"\nunit = "contact"\namount = 1', "a second time"),
    (PRICES.replace("periods = 24", "periods = 0"), "periods from 1"),
    (PRICES.replace("periods = 24", "periods = 1.5"), "whole number"),
    (PRICES.replace("from = 12000", "from = 9000"), "must rise"),
    (PRICES.replace("from = 9000", "from = 0"), "begin above it"),
    (PRICES.replace("from = 9000, ", ""), "without from"),
    (PRICES.replace("share = -0.05", "share = -5"), "0.05 is 5 %"),
    (PRICES.replace("from = 0.8", "from = 80"), "0.05 is 5 %"),
    (PRICES.replace("steps = [", "steps = [1, "), "entries such as"),
    (PRICES.replace('unit = "contact"', 'unit = "fixed"'), "say nothing of a fixed price"),
    ("[[price\n", "line 1"),
]


@pytest.mark.parametrize(("text", "said"), SPOILED)
def test_what_is_wrong_is_named_with_its_file(tmp_path, text, said):
    file = written(tmp_path, text)
    with pytest.raises(UnusablePricesError) as told:
        read_prices(file)
    assert str(told.value).startswith(f"{file}: ")
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "side must be one of customer, provider"),
        ('side = "both"', "side must be one of"),
        ('side = "provider"', "per_paid_hour is missing"),
        (OURS + "per_abandoned = 6", "is the customer's own; a file holds the figures of one side alone"),
        (THEIRS + "per_paid_hour = 6", "is the provider's own"),
        (OURS.replace("[1.4, 1]", "[0]"), "above 0"),
        (OURS.replace("[1.4, 1]", "[true]"), "above 0"),
        (THEIRS.replace("0.7", "70"), "0.8 is 80 %"),
        (OURS + "margin = 3", "did you mean 'margin_needed'?"),
    ],
)
def test_own_figures_are_refused_in_the_same_way(tmp_path, text, said):
    file = written(tmp_path, text)
    with pytest.raises(UnusablePricesError) as told:
        read_own(file, CUSTOMER if "customer" in text else PROVIDER)
    assert str(told.value).startswith(f"{file}: ")
    assert said in str(told.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(UnusablePricesError, match="cannot be read"):
        read_prices(tmp_path / "nothing.toml")
