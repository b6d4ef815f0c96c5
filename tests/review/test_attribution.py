"""Whose doing a service level was, from a book to a page of text and to JSON, as each of the cast."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from comity.book.definition import UnusableBookError
from comity.book.definition_keys import ATTRIBUTED_PARTS
from comity.book.reading.open import NotInRelationshipError
from comity.core.agreements.kpi import Abandons
from comity.core.economics.attribution import PARTS
from comity.core.values import Side
from comity.review.attribution import NoAttributionError
from comity.review.i18n.words import words_of
from comity.review.render.attribution import render
from comity.review.views import attribution as attribution_view
from tests.builders.attribution import KPI, build_attribution, fortnight
from tests.cast import CUSTOMER, JOINT, PROVIDER, STRANGER

pytestmark = pytest.mark.gate


def told(one):
    return json.loads(render(one, "json", words_of("en")))


def shown(one, language="en", width=80):
    return render(one, "terminal", words_of(language), width=width).decode().replace("\u00a0", " ")


def test_the_contract_says_who_answers_for_what(tmp_path):
    """Volume -.2758, handle time -.1233, staffing -.0578 (reference); the band splits the volume."""
    found = told(build_attribution(tmp_path))
    assert found["schema"] == "comity.attribution/1"
    parts = {part["id"]: part for part in found["parts"]}
    assert list(parts) == ["plan", "volume_inside", "volume_outside", "handling", "planning", "presence"]
    assert parts["volume_inside"]["value"] + parts["volume_outside"]["value"] == pytest.approx(-0.27577861, abs=1e-7)
    assert parts["handling"]["value"] == pytest.approx(-0.12329122, abs=1e-7)
    assert parts["presence"]["value"] == pytest.approx(-0.05776435, abs=1e-7)
    assert {name: part["answers"] for name, part in parts.items()} == {
        "plan": None,  # it promised more than the target
        "volume_inside": "provider",
        "volume_outside": "customer",
        "handling": "both",
        "planning": "provider",
        "presence": "provider",
    }
    assert found["observed"] == pytest.approx(111 / 290)
    whole = sum(part["value"] for part in found["parts"]) + found["unexplained"]
    assert found["observed"] - found["target"] == pytest.approx(whole, abs=1e-12)
    assert (found["fit"], found["unfit"], found["used_share"]) == (True, [], 1.0)
    assert found["patience"] == {"from": "agreed", "seconds": {"help": 180}}
    for part in found["parts"]:  # each day is like the others
        assert (part["low"], part["high"]) == pytest.approx((part["value"], part["value"]))


def short_plan(required_by="provider"):
    """The fortnight of the worked example, with 28 positions required and the sides that delivered each file."""
    tables = {name: text.replace(",32,32,", ",28,28,").replace(",31,0", ",28,0") for name, text in fortnight().items()}
    by = {"forecasts": "customer", "schedules": required_by, "intervals": "provider"}
    return {
        name: "\n".join(f"{line},{'brought_by' if not at else by[name]}" for at, line in enumerate(text.splitlines()))
        for name, text in tables.items()
    }


@pytest.mark.parametrize("by", ["customer", "provider"])
def test_a_plan_that_promised_too_little_is_answered_for_by_who_set_the_required_positions(tmp_path, by):
    one = build_attribution(tmp_path, **short_plan(by))
    plan = told(one)["parts"][0]
    assert plan["value"] < 0
    assert plan["answers"] == by
    assert "the plan cost" in attribution_view.lead_sentence(one, words_of("en"))  # after the volume, which cost more


def test_without_a_word_of_who_set_them_it_is_who_locked_the_forecast(tmp_path):
    tables = {
        name: "\n".join(line.rpartition(",")[0] for line in text.splitlines()) for name, text in short_plan().items()
    }
    assert told(build_attribution(tmp_path, **tables))["parts"][0]["answers"] == "customer"


def test_the_book_says_who_answers_for_what_and_the_page_says_that_it_was_agreed(tmp_path):
    agreed = KPI + '[attribution]\nanswers_for = {handling = "provider", plan = "provider"}\n'
    one = build_attribution(tmp_path, toml=agreed)
    found = told(one)
    answers = {part["id"]: part["answers"] for part in found["parts"]}
    assert (answers["handling"], answers["volume_outside"]) == ("provider", "customer")
    assert answers["plan"] is None  # spare capacity is nobody's, whatever was agreed
    assert found["agreed_answers"] == ["handling", "plan"]
    assert "Who answers was agreed for handle time and the plan itself" in " ".join(shown(one).split())
    assert "the usual rule" in shown(build_attribution(tmp_path / "usual"))


def test_what_nobody_can_answer_for_is_refused_in_the_book(tmp_path):
    with pytest.raises(UnusableBookError, match=r"attribution\.answers_for"):
        build_attribution(tmp_path, toml=KPI + '[attribution]\nanswers_for = {weather = "both"}\n')


def test_the_parts_of_the_book_are_those_of_the_model():
    assert ATTRIBUTED_PARTS == PARTS


def test_the_largest_cause_is_said_first_and_the_plans_spare_capacity_beside_it(tmp_path):
    """Of the worked example: 290 of 250 contacts are 16 % more and cost 27.6 points; 27 of 32 positions were there."""
    words = words_of("en")
    plain = lambda text: text.replace("\u00a0", " ").replace("\u2212", "-")  # noqa: E731 - twice below
    one = build_attribution(tmp_path)
    assert plain(attribution_view.lead_sentence(one, words)).startswith("16 % more contacts came than forecast (-27")
    assert plain(attribution_view.spare_sentence(one, words)).startswith("The plan itself would have reached 83.8 %")
    absent = build_attribution(tmp_path / "absent", **fortnight(offered=250, staffed=27))
    text = plain(attribution_view.lead_sentence(absent, words))
    assert text.startswith("16 % of the hours that Helpline rostered were not worked (-")
    assert "Helpline" not in attribution_view.lead_cause(absent, words)


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_shown_adds_up_in_eighty_columns(tmp_path, language):
    text = shown(build_attribution(tmp_path), language)
    assert max(map(len, text.splitlines())) <= 80
    figures = []
    for line in text.split("\n\n")[1].splitlines()[1:]:
        figure = next(
            word for word in line.split() if word.strip("+\u2212").replace(",", ".").replace(".", "").isdigit()
        )
        figures.append(float(figure.replace("\u2212", "-").replace(",", ".")))
    *terms, observed = figures
    assert observed == pytest.approx(38.28)  # 111 of 290
    assert sum(terms) == pytest.approx(observed)
    assert "{" not in text


def test_each_question_is_answered_by_the_model(tmp_path):
    """The corners of the worked example: with volume as forecast .67565225, with handle time as forecast .51896904."""
    found = told(build_attribution(tmp_path, what_if=("forecast=right", "handling=planned", "presence=full")))[
        "what_if"
    ]
    assert found["forecast=right"] == pytest.approx(0.67565225, abs=1e-7)
    assert found["handling=planned"] == pytest.approx(0.51896904, abs=1e-7)
    assert found["presence=full"] == pytest.approx(0.44470871, abs=1e-7)
    both = told(build_attribution(tmp_path / "both", what_if=("forecast=right,handling=planned",)))["what_if"]
    assert both == {"forecast=right,handling=planned": pytest.approx(0.79115931, abs=1e-7)}
    with pytest.raises(NoAttributionError, match="forecast=right, handling=planned"):
        build_attribution(tmp_path / "other", what_if=("weather=fine",))


def test_where_more_came_than_the_band_allows_the_reliefs_are_told_beside_each_other(tmp_path):
    """290 came where 250 were locked with a band of 8 %: +16 %; 111 of 270 at the edge; 270 / 290 of a credit."""
    one = build_attribution(tmp_path)
    found = told(one)["relief"]
    assert found == {
        "deviation": pytest.approx(0.16),
        "days_in_band": None,
        "capped": pytest.approx(111 / 270),
        "credit_times": pytest.approx(270 / 290),
        "volume_as_forecast": pytest.approx(0.67565225, abs=1e-7),
    }
    text = " ".join(shown(one).split())
    assert "More contacts came than the band allows (+16.0 %)" in text
    assert "count only days inside the band, not known, as every day was outside it;" in text
    assert "41.1 %, which overstates" in text
    assert "the level at forecast volume, 67.6 % by the model" in text


def test_at_the_edge_of_the_band_nothing_is_relieved(tmp_path):
    """270 of 250 is 8 %, which binary floats put above .08."""
    assert 270 / 250 - 1 > 0.08
    assert told(build_attribution(tmp_path, **fortnight(offered=270)))["relief"] is None
    assert told(build_attribution(tmp_path / "above", **fortnight(offered=271)))["relief"] is not None


def test_the_contract_tells_the_amounts_behind_the_parts(tmp_path):
    """Fourteen half hours: 290 of 250 contacts, 225 of 210 s, 31 of 32 positions; 7 hours a position."""
    found = told(build_attribution(tmp_path))
    assert found["amounts"] == pytest.approx(
        {
            "forecast": 14 * 250,
            "came": 14 * 290,
            "forecast_aht": 210,
            "aht": 225,
            "required": 32 * 7,
            "scheduled": 32 * 7,
            "staffed": 31 * 7,
        }
    )
    assert found["to_keep"]["hours"] == pytest.approx(found["to_keep"]["share"] * 31 * 7)


def test_absence_that_the_customer_ordered_is_told(tmp_path):
    one = build_attribution(tmp_path, **fortnight(staffed=28, ordered_off=2))
    presence = next(part for part in told(one)["parts"] if part["id"] == "presence")
    assert presence["value"] < presence["ordered_off"] < -0.05
    assert "absence that the customer ordered" in shown(one)


@pytest.mark.parametrize(
    ("gone", "party", "needs"),
    [
        ("forecasts", "customer", ["forecasts"]),
        ("schedules", "provider", ["schedules"]),
        ("intervals", "provider", ["intervals"]),
    ],
)
def test_what_lacks_is_asked_of_the_side_that_holds_it(tmp_path, gone, party, needs):
    tables = fortnight()
    del tables[gone]
    one = build_attribution(tmp_path, **tables)
    found = told(one)
    assert [(each["needs"], each["held_by"]) for each in found["missing"]] == [(needs, party)]
    assert "parts" not in found
    assert "holds the missing" in shown(one)


def test_a_table_that_a_side_keeps_to_itself_is_asked_for_and_opens_to_that_side_alone(tmp_path):
    tables = fortnight()
    tables["private__provider__schedules"] = tables.pop("schedules")
    private = KPI + '[private]\nprovider = ["schedules"]\n'
    for number, (viewer, opens) in enumerate(((CUSTOMER, False), (JOINT, False), (PROVIDER, True))):
        found = told(build_attribution(tmp_path / str(number), private, viewer, **tables))
        assert ("parts" in found) is opens
        assert [one["why"] for one in found["missing"]] == ([] if opens else ["private"])
    with pytest.raises(NotInRelationshipError):
        build_attribution(tmp_path / "stranger", private, STRANGER, **tables)


def test_claimed_exclusions_are_shown_beside(tmp_path):
    claimed = """event_id,kind,from,to,declared_by,declared_at,claim,kpi,state
    e1,outage,2026-06-04T09:00:00Z,2026-06-04T12:00:00Z,provider,2026-06-05T00:00:00Z,exclude,,claimed
    """
    tables = fortnight() | {"events": claimed}
    tables["intervals"] = tables["intervals"].replace(
        "2026-06-04T10:00:00Z,30,290,290,111", "2026-06-04T10:00:00Z,30,290,290,0"
    )
    one = build_attribution(tmp_path, **tables)
    found = told(one)
    assert found["claimed"]["observed"] == pytest.approx(111 / 290)
    assert found["observed"] < found["claimed"]["observed"]
    assert "claimed exclusions" in shown(one)


def test_what_the_model_does_not_explain_is_said_and_not_blamed(tmp_path):
    one = build_attribution(tmp_path, **fortnight(good=290))
    assert told(one)["unfit"] == ["unexplained", "days"]
    assert "Not usable" in shown(one)
    assert "No utilizable" in shown(one, "es")


def test_short_abandons_that_are_not_told_are_counted_and_said(tmp_path):
    tables = fortnight()
    tables["intervals"] = tables["intervals"].replace(",20,0,0,", ",20,5,,").replace(",290,290,", ",290,285,")
    one = build_attribution(
        tmp_path, KPI.replace('"count"', '"exclude-short"').replace("target", "short_abandon_s = 5\ntarget"), **tables
    )
    assert one.counted_as is Abandons.COUNT
    assert told(one)["counted_as"] == "count"
    assert "The records do not show short abandons" in shown(one)


def test_without_an_agreed_patience_it_is_calibrated(tmp_path):
    tables = fortnight()
    answered = f",290,230,60,20,60,0,{230 * 225}"
    tables["intervals"] = tables["intervals"].replace(f",290,290,111,20,0,0,{290 * 225}", answered)
    found = told(build_attribution(tmp_path, KPI.replace("patience_s = 180\n", ""), **tables))
    assert found["patience"]["from"] == "calibrated"
    assert 1 < found["patience"]["seconds"]["help"] < 1e5


def test_contacts_do_where_there_are_no_intervals(tmp_path):
    tables = fortnight()
    del tables["intervals"]
    calls = ["contact_id,account_id,queue,channel,opened_at,answered_at,abandoned_at,handle_s"]
    for day in range(14):
        for number in range(290):
            at = datetime(2026, 6, 1 + day, 10, tzinfo=UTC) + timedelta(seconds=6 * number)
            answered = at + timedelta(seconds=10 if number < 111 else 60)
            calls.append(f"{day}-{number},a{day}-{number},help,voice,{at.isoformat()},{answered.isoformat()},,225")
    tables["contacts"] = "\n".join(calls)
    one = build_attribution(tmp_path, **tables)
    found, of_intervals = told(one), told(build_attribution(tmp_path / "intervals"))
    assert found["source"] == "contacts"
    assert found["redials"] == 0
    for mine, theirs in zip(found["parts"], of_intervals["parts"], strict=True):
        assert mine["value"] == pytest.approx(theirs["value"], abs=1e-9)


def test_a_period_that_the_records_do_not_reach_the_end_of_is_told_as_such(tmp_path):
    one = build_attribution(tmp_path)
    assert told(one)["until"] == "2026-06-15"
    assert "only up to 14 June 2026" in shown(one)
    whole = build_attribution(tmp_path / "whole", period="2026-W24")
    assert told(whole)["until"] is None


def test_the_last_whole_period_is_taken_where_none_is_named(tmp_path):
    one = build_attribution(tmp_path, '[review]\nperiod = "week"\n' + KPI, period=None)
    assert (one.name, one.viewer_side) == ("2026-W24", None)
    assert one.parties[Side.CUSTOMER]


@pytest.mark.parametrize(
    ("toml", "kpi", "said"),
    [
        (KPI, "nothing", "not in force"),
        (KPI.replace("target = 0.8", ""), "service_level", "no target"),
        (KPI + '[[kpi]]\nid = "abandonment"\n', "abandonment", "no service level"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path, toml, kpi, said):
    with pytest.raises(NoAttributionError, match=said):
        build_attribution(tmp_path, toml, kpi=kpi)


def test_a_schedule_that_is_there_is_not_called_missing_where_its_rows_last_otherwise(tmp_path):
    """A forecast and a report by day, a schedule by the half hour: all are there, and their lengths do not fit."""
    tables = fortnight()
    for name in ("intervals", "forecasts"):
        tables[name] = tables[name].replace("T10:00:00Z,30", "T00:00:00Z,1440")
    one = build_attribution(tmp_path, **tables)
    (missing,) = told(one)["missing"]
    assert (missing["needs"], missing["held_by"], missing["why"]) == (
        ["forecasts", "schedules"],
        "both",
        "other_length",
    )
    assert "differ in length" in " ".join(shown(one).split())
