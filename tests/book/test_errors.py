"""An error about a file holds file, line, place and message apart, and joins them to one sentence."""

from pathlib import Path

import pytest

from comity.book.errors import UnusableFileError


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({}, "is empty"),
        ({"file": Path("/x/a.csv")}, "/x/a.csv: is empty"),
        ({"file": "a.csv", "line": 1200}, "a.csv line 1,200: is empty"),
        ({"line": 3}, "line 3: is empty"),
        ({"file": "a.toml", "place": "book.name"}, "a.toml: book.name is empty"),
        ({"place": "book.name"}, "book.name is empty"),
    ],
)
def test_the_sentence_says_where_and_what(where, sentence):
    assert str(UnusableFileError("is empty", **where)) == sentence


def test_the_file_can_be_called_otherwise():
    error = UnusableFileError("is empty", file="/srv/a.csv", line=3, place="column x")
    assert error.called("june.csv") == "june.csv line 3: column x is empty"
    assert error.called("") == "line 3: column x is empty"
