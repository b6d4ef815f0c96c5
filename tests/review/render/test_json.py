"""The review as JSON keeps to its schema, and the schema fails on mistakes."""

import copy
import json
import math
from dataclasses import replace
from datetime import date

import pytest

from comity.core.values import Side
from comity.review.model import ConfirmedReading
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings
from comity.review.render import render
from comity.review.render.json import schema
from tests.builders import review as sample
from tests.builders.turns import every

REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}


def made(make=sample.review, language="en"):
    return json.loads(render(make(), "json", language))


@pytest.fixture(scope="module")
def validator():
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", every(3, sorted(REVIEWS)))
def test_every_review_keeps_to_the_schema(name, language, validator):
    assert [error.message for error in validator.iter_errors(made(REVIEWS[name], language))] == []


def test_figures_are_at_full_precision():
    found = made()
    assert found["levels"][0]["value"] == 41230 / 54312
    assert found["readings"][4]["headline"]["change"] == sample.readings()[4].headline.change


def test_parts_add_up_to_the_change_as_reported():
    for reading in made()["readings"]:
        total = sum(part["value"] for part in reading["parts"])
        scale = sum(abs(part["value"]) for part in reading["parts"])
        assert total == pytest.approx(reading["headline"]["change"], abs=1e-9 * max(scale, 1))


def test_what_is_not_a_number_is_null():
    review = sample.review(paid=None, levels=(replace(sample.levels()[3], den=math.nan),))
    assert made(lambda: review)["levels"][0]["of"]["den"] is None


def test_only_what_a_reading_cannot_see_is_in_the_readers_language():
    english, spanish = made(), made(language="es")
    for one in (english, spanish):
        for reading in one["readings"]:
            assert reading.pop("blind")
    assert english == spanish


SPOILED = {
    "another schema": lambda r: r.update(schema="comity.review/2"),
    "a field too many": lambda r: r.update(score=100),
    "no currency": lambda r: r["book"].pop("currency"),
    "a currency in words": lambda r: r["book"].update(currency="euro"),
    "a day that is none": lambda r: r["period"].update(start="2026-13-01"),
    "a verdict that is none": lambda r: r["readings"][0].update(verdict="good"),
    "a count of three people": lambda r: r["readings"][0]["counts"].update(left=3),
    "half a person": lambda r: r["readings"][0]["counts"].update(left=7.5),
    "a negative error": lambda r: r["readings"][0]["headline"].update(se=-0.1),
    "a text for a number": lambda r: r["levels"][0].update(value="75.9 %"),
    "a seventh formula": lambda r: r["levels"][0]["variants"].update(V7=0.5),
    "a share over one": lambda r: r["levels"][0]["variants"].update(V1=75.9),
    "met without a target": lambda r: r["levels"][2].update(met=True),
    "a measure that is none": lambda r: r["levels"][0].update(measure="happiness"),
    "a third side": lambda r: r["missing"][0].update(held_by="auditor"),
    "a cause of what is genuine": lambda r: r["readings"][2].update(cause="mix"),
    "a doubt about what is clear": lambda r: r["readings"][0].update(would_be="genuine"),
    "a verdict without its change": lambda r: r["readings"][0]["like_for_like"].update(change=None, se=None),
    "an error without its change": lambda r: r["readings"][8]["like_for_like"].update(se=0.1),
    "money that became something else": lambda r: r["paid"]["shares"].update(lost=0.1),
    "no digest": lambda r: r.pop("digest"),
    "a digest in words": lambda r: r.update(digest="none"),
}


@pytest.mark.parametrize("mistake", sorted(SPOILED))
def test_the_schema_fails_on(mistake, validator):
    spoiled = copy.deepcopy(made())
    SPOILED[mistake](spoiled)
    assert not validator.is_valid(spoiled)


def test_a_room_says_whether_it_is_final_by_whom_and_what_is_disputed(validator):
    done = Proceedings(
        (
            Confirmation(Side.CUSTOMER, "Marta Ruiz", date(2026, 7, 10)),
            Confirmation(Side.PROVIDER, "", date(2026, 7, 14)),
        ),
        final_on=date(2026, 7, 14),
        entry=(2, "ab" * 32),
        matters=(
            AskedMatter("dispute", "Not so", Side.PROVIDER, "asked", kpi="wait", disputes=True, value=20.5),
            AskedMatter("dispute", "Refused", Side.PROVIDER, "refused", kpi="wait", value=1.0),
        ),
    )
    confirmed = ConfirmedReading("revenue", "revenue", "money", 100.5, same=False)
    found = json.loads(render(sample.review(confirmed_readings=(confirmed,)), "json", proceedings=done))
    assert [error.message for error in validator.iter_errors(found)] == []
    assert found["closing"] == {
        "final_on": "2026-07-14",
        "restated": False,
        "entry": {"number": 2, "digest": "ab" * 32},
        "confirmed": [
            {"side": "customer", "person": "Marta Ruiz", "on": "2026-07-10"},
            {"side": "provider", "person": None, "on": "2026-07-14"},
        ],
        "to_confirm": [],
        "disputed": [{"figure": "wait", "by": "provider", "open": True, "value": 20.5}],
        "readings": [{"figure": "revenue", "reading": "revenue", "unit": "money", "value": 100.5}],
    }
    assert "closing" not in made()
