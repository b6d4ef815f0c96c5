"""A person's headline is kept in the book, whole or not at all, with the draft beside it."""

from datetime import date

import pytest

from comity.book.definition import UnusableBookError
from comity.core.calendars import Against
from comity.review.headline_override import (
    UnusableHeadlineError,
    clear_override,
    override_file,
    read_override,
    write_override,
)
from comity.review.model import HeadlineOverride
from tests.builders import review as sample


def kept(folder, text="Calls were answered later.", by="Marta Ruiz"):
    return write_override(folder, sample.review(), text, by, "The service level fell, and that is real.")


def test_words_are_read_back_as_they_were_written(tmp_path):
    kept(tmp_path, 'Later, "and" that\\is real: añil', "Núria")
    assert read_override(tmp_path, "2026-Q2", Against.PREVIOUS) == HeadlineOverride(
        'Later, "and" that\\is real: añil',
        "Núria",
        date(2026, 7, 10),
        "The service level fell, and that is real.",
    )


def test_the_file_reads_as_a_person_would_write_it(tmp_path):
    kept(tmp_path)
    assert override_file(tmp_path, "2026-Q2").read_text(encoding="utf-8").splitlines()[1:] == [
        'text = "Calls were answered later."',
        'by = "Marta Ruiz"',
        "on = 2026-07-10",
        'draft = "The service level fell, and that is real."',
        'against = "previous"',
    ]


def test_without_a_file_the_draft_stands(tmp_path):
    assert read_override(tmp_path, "2026-Q2", Against.PREVIOUS) is None


def test_words_about_one_reference_do_not_stand_over_another(tmp_path):
    kept(tmp_path)
    assert read_override(tmp_path, "2026-Q2", Against.YEAR_BEFORE) is None
    assert read_override(tmp_path, "2026-Q1", Against.PREVIOUS) is None


def test_clearing_returns_to_the_draft(tmp_path):
    kept(tmp_path)
    assert clear_override(tmp_path, "2026-Q2")
    assert read_override(tmp_path, "2026-Q2", Against.PREVIOUS) is None
    assert not clear_override(tmp_path, "2026-Q2")


def test_line_ends_and_hidden_characters_do_not_get_in(tmp_path):
    worded = kept(tmp_path, f"One\nline {sample.BACKWARDS}\x7f {sample.ESCAPE}")
    assert worded.text == "One line calls gnp.exe queue [31mred"
    assert read_override(tmp_path, "2026-Q2", Against.PREVIOUS) == worded


@pytest.mark.parametrize(
    ("text", "by", "why"),
    [("  \n", "Marta", "text is empty"), ("Good.", "", "name is empty"), ("x" * 601, "Marta", "601 characters")],
)
def test_words_that_cannot_stand_are_refused_and_nothing_is_written(tmp_path, text, by, why):
    with pytest.raises(UnusableHeadlineError, match=why):
        kept(tmp_path, text, by)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"text = ", "Invalid value.*return to the draft"),
        (b"\xff\xfe", "not UTF-8.*return to the draft"),
        (b'text = "a"\nby = "b"\ndraft = "c"', "lacks on"),
        (b'text = 3\nby = "b"\ndraft = "c"\non = 2026-07-10', "lacks text"),
    ],
)
def test_a_spoiled_file_is_named_with_the_next_step(tmp_path, content, why):
    file = override_file(tmp_path, "2026-Q2")
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(UnusableBookError, match=f"2026-Q2.toml: {why}"):
        read_override(tmp_path, "2026-Q2", Against.PREVIOUS)


def test_nothing_is_left_aside(tmp_path):
    kept(tmp_path)
    kept(tmp_path, "Other words.")
    assert [file.name for file in (tmp_path / "wording").iterdir()] == ["2026-Q2.toml"]
