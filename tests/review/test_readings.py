"""A reading is what its registry entry says: added there alone, it is built, rendered and withheld like others."""

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.book.reading.open import home_viewer, open_book
from comity.core.agreements.kpi import MEASURES
from comity.core.calendars import Calendar, Cut
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict
from comity.review import build, readings
from comity.review.disclosure.redact import redact_other_cuts, redact_small_groups
from comity.review.disclosure.select import Disclosure
from comity.review.readings import ReadingSpec
from comity.review.render import render
from comity.review.render.errors import FORMATS
from tests.builders.review_books import two_months

SOURCE = Path(readings.__file__).parents[1]
NOW = datetime(2026, 7, 10, tzinfo=UTC)
NOTHING_ALLOWED = Disclosure(frozenset(), frozenset(), frozenset(), frozenset())


@pytest.fixture
def punctuality(monkeypatch):
    """A reading that is added to the registry and nowhere else; of 40 people in each period."""

    def read(stats, _alpha=0.05):
        change, part = Change(0.03, 0.01), Part("within", 0.03, like_for_like=True)
        return Reading(
            "punctuality", stats, "share", 0.01, 0.80, 0.83, change, change, Change(0.0, 0.0), (part,),
            Verdict.GENUINE, None, "punctuality", z=1.96, counts={"stayed": 40},
        )  # fmt: skip

    def gather(_book, comparisons):
        return dict.fromkeys(comparisons, ("arrivals",))

    specs = (
        *readings.reading_specs(),
        ReadingSpec("punctuality", ("contacts",), gather, read, "share", people_of="accounts"),
    )
    for module in (readings, build):
        monkeypatch.setattr(module, "reading_specs", lambda: specs)


def built(folder):
    book = two_months(folder)
    with open_book(book, home_viewer(book, None)) as opened:
        return build.build_review(opened, period="2026-06", now=NOW)


def ids(review):
    return [reading.id for reading in review.readings]


@pytest.mark.usefixtures("punctuality")
def test_a_reading_is_added_in_one_place(tmp_path):
    review = built(tmp_path / "book")
    assert ids(review)[-1] == "punctuality"
    assert ("punctuality", "arrivals") in review.histories
    for format_name in sorted({*FORMATS} - {"pdf", "board"}):
        assert render(review, format_name)
    told = json.loads(render(review, "json"))["readings"][-1]
    assert (told["id"], told["verdict"]) == ("punctuality", "genuine")
    for format_name in ("terminal", "html"):
        assert "punctuality" in render(review, format_name).decode()
    assert "40" in render(review, "html").decode()


@pytest.mark.usefixtures("punctuality")
def test_a_reading_of_people_is_withheld_by_its_registry_entry_alone(tmp_path):
    review = built(tmp_path / "book")
    assert "punctuality" in ids(redact_other_cuts(review, Cut.MONTH))
    for redacted, why in (
        (redact_other_cuts(review, Cut.QUARTER), "other_cut"),
        (redact_small_groups(review, Calendar(Cut.MONTH), NOTHING_ALLOWED), "few_apart"),
    ):
        assert "punctuality" not in ids(redacted)
        assert "service_level" in ids(redacted)
        assert "punctuality" not in json.dumps(json.loads(render(redacted, "json"))["readings"])
        assert ("punctuality", why) in [(missing.reading, missing.why) for missing in redacted.missing]


def test_what_nobody_registered_is_taken_for_a_figure_about_people():
    assert readings.reading_compares_people("unheard_of")
    assert readings.measure_counts_people("unheard_of")
    assert not readings.reading_compares_people("revenue")
    assert not readings.measure_counts_people("service_level")


def test_every_reading_and_measure_says_whose_people_it_is_about():
    people = {spec.id for spec in (*readings.reading_specs(), *readings.PLANNED) if spec.people_of is not None}
    assert people == {"satisfaction", "employee_satisfaction", "cooperation"}
    of_people = {name for name, measure in MEASURES.items() if measure.people_of is not None}
    assert of_people == {"csat", "nps", "ces", "attrition"}
    assert readings.people_tables() == {"surveys", "staff", "accounts", "invoices"}


def names_in(node):
    """The texts of a list, tuple, set or frozenset that is written out."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return {item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return set()


def test_no_other_list_says_what_is_about_people():
    """The attribute is asked; a list of its own would be forgotten when a measure or a reading is added."""
    people = {spec.id for spec in (*readings.reading_specs(), *readings.PLANNED) if spec.people_of is not None}
    people |= {name for name, measure in MEASURES.items() if measure.people_of is not None}
    lists = {
        f"{file.relative_to(SOURCE).as_posix()}:{node.lineno}"
        for folder in ("book", "review", "apps", "web", "cli", "core")
        for file in (SOURCE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if names_in(node) & people
    }
    assert lists == set()
