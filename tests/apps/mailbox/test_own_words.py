"""What somebody wrote in a reply, as each mail program quotes what it answers. All texts are made for these tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.apps.mailbox.own_words import own_words
from tests.builders.mails import QUOTING

QUOTED = "A question waits for your answer.\n\nPlease answer by Friday.\n\nhttp://room.example/r/1/matters/2/"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("program", QUOTING)
def test_only_what_was_written_is_left_in_each_program_and_language(program, language):
    own = {"en": "Yes, from Monday on.\n\nWe need:\n- two people\n- a room", "es": "Sí, desde el lunes.\n\n- dos"}
    assert own_words(QUOTING[program](own[language], QUOTED, language)) == own[language]


_LINE = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=40)
_TEXT = st.lists(st.lists(_LINE, min_size=1, max_size=4).map("\n".join), min_size=1, max_size=4).map("\n\n".join)


@given(_TEXT, _TEXT, st.sampled_from(sorted(QUOTING)), st.sampled_from(["en", "es"]))
def test_nothing_that_was_written_is_lost_and_nothing_quoted_is_left(own, quoted, program, language):
    """Words that introduce no quote and end no letter: whatever else is written is kept, line by line."""
    text = own_words(QUOTING[program](f"own {own}", f"quoted {quoted}", language))
    assert text == f"own {own}"


def test_answers_between_the_lines_are_kept_without_the_questions():
    text = "On 01/12/2026 10:02, Comity wrote:\n> first?\nYes.\n> second?\nNo.\n"
    assert own_words(text) == "Yes.\nNo."


@pytest.mark.parametrize(
    "text",
    ["On Monday we start.\nFrom now on we do.", "From: the first week on\nwe begin.", "He wrote: nothing.", "a > b"],
)
def test_what_only_looks_like_a_quote_is_kept(text):
    assert own_words(text) == text


@pytest.mark.parametrize(
    "text", ["On " * 13_000, "> " * 20_000, "El " + "a" * 39_000, ("On " * 160 + "\n") * 20, "\n" * 40_000]
)
def test_text_made_to_keep_the_parser_busy_is_read(text):
    assert own_words(text) == own_words(text + " ") or len(own_words(text)) <= len(text)


def test_marks_of_our_own_in_a_text_stand_for_nothing():
    assert own_words("\ue0000\ue001 and " + "x" * 600) == "0 and " + "x" * 600
