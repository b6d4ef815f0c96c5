"""Whole numbers in addresses and forms."""

import pytest

from comity.apps.numbers import whole_number


@pytest.mark.parametrize(("written", "number"), [("0", 0), ("7", 7), ("-3", -3), ("999999999", 999999999)])
def test_a_whole_number_is_read(written, number):
    assert whole_number(written) == number


@pytest.mark.parametrize("written", ["", "-", "--5", "5-", "1.0", " 1", "²", "٣", "one", "1" * 10, "-" + "1" * 10])
def test_anything_else_is_none(written):
    assert whole_number(written) is None
