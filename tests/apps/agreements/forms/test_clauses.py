"""The forms of clauses: each field has a control, sentences name only what is there, numbers are as the reader's."""

import re
import tomllib
from datetime import date
from importlib import resources

import pytest
from django.utils import translation

from comity.apps.agreements.forms import layouts
from comity.apps.agreements.forms.clauses import ChangeForm, ClauseForm, expected_text
from comity.apps.agreements.wording.used_fields import hidden_fields
from comity.apps.agreements.wording.values import Figure
from comity.apps.i18n import words_for
from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.expected import EXPECTED, Expected
from comity.core.agreements.kinds import KINDS, WEEKDAYS, Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.text import Text
from tests.builders.agreement import add


def words_of_app(language):
    file = resources.files("comity.apps.agreements").joinpath("words", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


EMPTY = Text(())
PRICED = Text((Clause("voice", Kind.PRICE, {"service": "Voice", "unit": "contact", "currency": "EUR"}),))
SL = add(
    "sl", Kind.KPI, measure="service_level", target="0.8", short_abandon_s="5", cites=[{"document": "A", "place": "1"}]
)


def sent(form):
    """What a browser sends of a form as it is shown."""
    data = {}
    for bound in form:
        value = bound.value()
        if value not in (None, "", []):
            data[bound.html_name] = value
    return data


def each_form():
    for kind in Kind:
        if kind is not Kind.KPI:
            yield kind, {}
    for measure in MEASURES:
        yield Kind.KPI, {"measure": measure}
        if MEASURES[measure].on_scale:
            yield Kind.KPI, {"measure": measure, "formula": "mean"}
        yield Kind.KPI, {"measure": measure, "better": "higher"}
        yield Kind.KPI, {"measure": measure, "better": "lower"}


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_field_has_one_control_in_one_section(language):
    with translation.override(language):
        for kind, values in each_form():
            form = ClauseForm(kind, values, PRICED)  # without a price no share of what is at risk can be named
            shown = [piece.control.field.name for section in form.sections for one in section.sentences for piece in one
                     if piece.control and "_".join(p for p in piece.control.name.split("__") if not p.isdigit())
                     == piece.control.field.name]  # fmt: skip
            shown += [one.field.name for section in form.sections for one in section.controls]
            parts = {piece.control.name.partition("__")[0] for section in form.sections for one in section.sentences
                     for piece in one if piece.control and "__" in piece.control.name}  # fmt: skip
            expected = set(KINDS[kind].by_name) - hidden_fields(kind, complete(kind, values))
            assert sorted([*shown, *parts]) == sorted(expected), (kind, values)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_sentence_has_a_control_at_each_of_its_places(language):
    words = words_for(language)
    with translation.override(language):
        for kind, values in each_form():
            form = ClauseForm(kind, values, EMPTY)
            for section in layouts.sections(kind, form.values_shown):
                for key in section.sentences:
                    named = re.findall(r"\{(\w+)\}", layouts.template(key, form.values_shown, words))
                    assert named, key
                    assert set(named) <= set(form.by_path), (key, values)


# Beside their labels nothing is left to say of these.
SPEAK_FOR_THEMSELVES = {
    *(f"calendar.open_{day}" for day in WEEKDAYS),
    *(f"kpi.{name}" for name in ("measure", "answer_within_s", "customer_owner", "provider_owner", "within_days")),
    *("post.side", "meeting.cadence"),
}


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_setting_that_stands_in_no_sentence_says_what_it_is_for(language):
    silent = set()
    with translation.override(language):
        for kind, values in each_form():
            form = ClauseForm(kind, values, PRICED)
            beside = {one.name for section in form.sections for one in section.controls}
            silent |= {f"{kind}.{name}" for name in beside if not form.by_path[name.partition("__")[0]].help}
    assert silent == SPEAK_FOR_THEMSELVES
    fields = {f"{kind}_{name}" for kind in Kind for name in KINDS[kind].by_name}
    fields |= {"any_seen_by", "any_title", "any_cites"}
    helps = set(words_of_app(language)["clause_help"])
    assert helps <= fields


@pytest.mark.parametrize(
    ("language", "shown", "written", "kept"),
    [
        ("en", "80", "82.5", "0.825"),
        ("en", "80", "82.5 %", "0.825"),
        ("es", "80", "82,5", "0.825"),
        ("es", "80", "82,5\xa0%", "0.825"),
    ],
)
def test_a_share_is_written_in_per_cent_as_the_readers_language_writes_it(language, shown, written, kept):
    with translation.override(language):
        form = ClauseForm(Kind.KPI, SL.fields, EMPTY)
        assert form["target"].value() == shown
        form = ClauseForm(Kind.KPI, SL.fields, EMPTY, sent(form) | {"target": written})
        assert form.values("sl")["target"] == kept


@pytest.mark.parametrize(
    ("field", "written", "said"),
    [("target", "eighty", "Write a number"), ("target", "1,000.5", "Write a number"), ("material", "-1", "0 or more")],
)
def test_what_is_no_number_is_refused_beside_its_control_which_gets_the_focus(field, written, said):
    data = sent(ClauseForm(Kind.KPI, SL.fields, EMPTY)) | {field: written}
    form = ClauseForm(Kind.KPI, SL.fields, EMPTY, data)
    assert form.values("sl") is None
    assert said in form.errors[field][0]
    assert form.fields[field].widget.attrs["autofocus"]
    assert form[field].value() == written  # what was typed is there again


def test_a_share_has_its_range_in_per_cent():
    data = {"band": "120", "forecast_by": "customer"}
    form = ClauseForm(Kind.VOLUME, {}, EMPTY, data)
    assert form.values("volume") is None
    assert form.errors["band"] == ["Write a per cent from 0 to 100."]


def test_seconds_are_no_per_cent():
    wait = add("wait", Kind.KPI, measure="wait_mean", target="30.5")
    form = ClauseForm(Kind.KPI, wait.fields, EMPTY)
    assert form["target"].value() == "30.5"
    assert form["material"].value() == "0.01"


def test_what_a_form_does_not_ask_for_stays():
    """A KPI with the place in the contract that it is from; somebody raises its target."""
    form = ClauseForm(Kind.KPI, SL.fields, EMPTY)
    assert "cites" not in {one.field.name for one in form.controls}
    form = ClauseForm(Kind.KPI, SL.fields, EMPTY, sent(form) | {"target": "85"})
    values = form.values("sl")
    assert complete(Kind.KPI, values) == {**complete(Kind.KPI, SL.fields), "target": "0.85"}


def test_a_form_that_is_sent_as_it_is_shown_alters_nothing():
    clauses = [
        SL,
        add("hours", Kind.CALENDAR, zone="Europe/Madrid", open_mon=[{"opens": "08:00", "closes": "20:00"}],
            customer_free_days=[{"day": "2026-12-25", "name": "Christmas"}]),
        add("notice", Kind.NOTICE, hours=15, kpi=5),
        add("volume", Kind.VOLUME, band="0.125", queues=["a", "b"]),
        add("duty", Kind.DUTY, side="customer", measure="notice", target="0.955"),
        add("term", Kind.TERM, begins="2024-07-01", ends="2027-07-01", renewal="by_itself", renews_months=12,
            notice_months=6),
        add("voice", Kind.PRICE, service="Voice", unit="contact", currency="EUR", price="4.2", at_risk="0.1",
            bands=[{"above": "9000", "price": "3.9"}], credit_steps=[{"from": "0.7", "share": "-0.05"}]),
        add("chat", Kind.KPI, measure="csat", formula="mean", channels=["chat", "mail"], target="4.2",
            when_missed={"misses": 2, "of_periods": 3, "opens": "talk"}),
    ]  # fmt: skip
    for language in ("en", "es"):
        with translation.override(language):
            for one in clauses:
                shown = sent(ClauseForm(one.kind, one.fields, EMPTY))
                form = ClauseForm(one.kind, one.fields, EMPTY, shown)
                values = form.values(one.clause)
                assert values is not None, (one.clause, form.errors)
                assert complete(one.kind, values) == complete(one.kind, one.fields)


def test_another_measure_shows_the_form_again_since_its_units_are_others():
    shown = sent(ClauseForm(Kind.KPI, SL.fields, EMPTY))
    data = shown | {"measure": "wait_mean", "shown_measure": "service_level"}
    form = ClauseForm(Kind.KPI, SL.fields, EMPTY, data)
    other = form.of_other_measure(EMPTY)
    assert other.measure_shown == "wait_mean"
    assert other["target"].value() is None
    assert other["measure"].value() == "wait_mean"
    assert (
        ClauseForm(Kind.KPI, SL.fields, EMPTY, shown | {"shown_measure": "service_level"}).of_other_measure(EMPTY)
        is None
    )


def test_what_differs_from_the_text_in_force_is_marked_in_the_control():
    form = ClauseForm(Kind.KPI, {**SL.fields, "target": "0.9"}, EMPTY, before=SL.fields)
    assert form.fields["target"].widget.attrs["class"] == "changed"
    assert form.by_path["target"].was == "80\xa0%"
    assert "class" not in form.fields["short_abandon_s"].widget.attrs


def test_rows_that_were_sent_beyond_those_kept_are_kept():
    data = {"zone": "Europe/Madrid", "open_mon__0__opens": "08:00", "open_mon__0__closes": "12:00",
            "open_mon__4__opens": "14:00", "open_mon__4__closes": "20:00"}  # fmt: skip
    values = ClauseForm(Kind.CALENDAR, {}, EMPTY, data).values("calendar")
    assert [(one["opens"], one["closes"]) for one in values["open_mon"]] == [("08:00", "12:00"), ("14:00", "20:00")]


def test_a_change_keeps_what_its_form_does_not_ask_for():
    says = {"title": "A", "told": ["I-14"], "origin": "N-114", "reason": "B", "carried_out_by": "both"}
    form = ChangeForm(says, None, None, {"title": "C", "reason": "B", "carried_out_by": "both"})
    kept = form.says()
    assert (kept["title"], kept["told"], kept["origin"]) == ("C", ["I-14"], "N-114")


def test_what_is_wrong_is_said_in_the_readers_language():
    with translation.override("es"):
        form = ClauseForm(Kind.TERM, {}, EMPTY, {"begins": "2026-02-01", "ends": "2026-01-01"})
        assert form.values("term") is None
        assert form.errors["ends"] == ["Elija un último día que no sea anterior al primero."]


def test_each_sentence_of_what_is_expected_has_its_words():
    english, spanish = words_for("en"), words_for("es")
    for key, sentence in EXPECTED.items():
        names = dict.fromkeys(re.findall(r"{(\w+)}", sentence), "7")
        texts = [expected_text(Expected(key, **names), words) for words in (english, spanish)]
        assert all(text.endswith(".") and "{" not in text for text in texts), key
        assert texts[0] != texts[1], key


def test_a_term_is_written_by_its_last_day_and_kept_by_the_first_without():
    form = ClauseForm(Kind.TERM, {"begins": "2027-01-01", "ends": "2029-01-01"}, EMPTY)
    assert form["ends"].value() == "2028-12-31"
    form = ClauseForm(Kind.TERM, {}, EMPTY, {"begins": "2027-01-01", "ends": "2028-12-31"})
    assert form.values("term")["ends"] == "2029-01-01"
    one_day = ClauseForm(Kind.TERM, {}, EMPTY, {"begins": "2027-01-01", "ends": "2027-01-01"})
    assert one_day.values("term")["ends"] == "2027-01-02"


def test_a_change_is_written_by_its_last_day_and_kept_by_the_first_without():
    form = ChangeForm({}, None, date(2027, 3, 1), {"first_day": "2027-01-01", "end": "2027-02-28"})
    assert form.fields["end"].initial == date(2027, 2, 28)
    assert form.is_valid()
    assert form.cleaned_data["end"] == date(2027, 3, 1)


def test_a_share_of_what_is_at_risk_names_prices_only_by_their_headings():
    kpi = Clause("sl_1c93", Kind.KPI, complete(Kind.KPI, {"measure": "service_level"}))
    price = Clause("voice_55aa", Kind.PRICE, {"service": "Voice", "unit": "contact", "currency": "EUR", "price": "4"})
    form = ClauseForm(Kind.KPI, kpi.fields, Text((kpi, price)))
    assert form.fields["credit_allocation__0__price"].choices == [("", "not chosen"), ("voice_55aa", "Voice")]
    assert not any("price" in name for name in ClauseForm(Kind.KPI, kpi.fields, Text((kpi,))).fields)


def test_what_is_expected_names_a_kpi_and_a_size_in_its_unit():
    """Five points of a share are 0.05; five seconds are five."""
    figures = {"sl": Figure("Service level", "share"), "wait": Figure("Mean wait", "seconds")}
    sent = {f"expects__0__{name}": one for name, one in
            {"figure": "sl", "direction": "up", "size": "5", "by": "2027-06-30"}.items()}  # fmt: skip
    form = ChangeForm({}, None, None, sent, figures=figures)
    assert form.says()["expects"][0]["size"] == "0.05"
    assert (
        ChangeForm({}, None, None, sent | {"expects__0__figure": "wait"}, figures=figures).says()["expects"][0]["size"]
        == "5"
    )
    assert ChangeForm({}, None, None, sent | {"expects__0__figure": "Service level"}, figures=figures).says() is None
    shown = ChangeForm(form.says(), None, None, figures=figures)
    assert shown["expects__0__size"].value() == "5"
    kept = ChangeForm({"expects": [{"figure": "Old words", "direction": "up", "by": "2027-06-30"}]}, None, None)
    assert kept["expects__0__figure"].value() == "Old words"
    assert shown.fields["expects__0__by"].widget.input_type == "date"
