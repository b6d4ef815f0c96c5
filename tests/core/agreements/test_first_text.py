"""Templates of a first text: whole, valid, in both languages, and never a second of what is there."""

from datetime import date

import pytest

from comity.core.agreements.changes import Change, Span
from comity.core.agreements.clauses import check_fields
from comity.core.agreements.first_text import (
    FIRST_TEXTS,
    LANGUAGES,
    WHY,
    Known,
    Office,
    first_edits,
    first_says,
    for_reader,
    own_edits,
)
from comity.core.agreements.kinds import Kind
from comity.core.agreements.pointed_out import PointKind, missing_clauses, points
from comity.core.agreements.text import Text, check_change, check_text, text
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side
from tests.builders.agreement import FIRST, add, chain, change

EMPTY = Text(())
WHOLE = Known(
    "Europe/Madrid",
    {
        Side.CUSTOMER: Office({0: ("08:00", "16:00")}, {date(2026, 12, 25): "Christmas"}),
        Side.PROVIDER: Office(free_days={date(2026, 1, 6): "Epiphany"}),
    },
    date(2026, 1, 1),
    date(2027, 1, 1),
)
EVERY = pytest.mark.parametrize("template", FIRST_TEXTS)


class Mint:
    """Ids by counting, none of them twice."""

    def __init__(self):
        self.count = 0

    def __call__(self, name):
        self.count += 1
        return f"{name}_{self.count}"


def edits(template, language="en", there=EMPTY, known=WHOLE):
    return first_edits(template, language, there, known, Mint())


def read(*changes):
    return text(chain(*changes), FIRST)


@EVERY
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_template_is_a_change_that_can_be_signed_as_it_is(template, language):
    made = edits(template, language)
    for edit in made:
        assert check_fields(edit.clause, edit.kind, edit.fields) == (edit.fields, [])
    one = Change(1, Span(FIRST), made)
    assert check_change(one, ()) == []
    whole = read(one)
    assert check_text(whole) == []
    assert [clause.id for clause in whole.clauses] == [edit.clause for edit in made]  # in the order of the template
    kinds = {clause.kind for clause in whole.clauses}
    assert {Kind.EFFECT, Kind.PURPOSE, Kind.TERM, Kind.CALENDAR, Kind.VOLUME, Kind.NOTICE, Kind.CLOCK} <= kinds
    assert [clause.fields["measure"] for clause in whole.of(Kind.KPI)] == [kpi.measure for kpi in TEMPLATES[template]]
    assert missing_clauses(whole) == [Kind.AUTHORITY, Kind.REASONS]  # which only the sides can say
    assert {point.kind for point in points(whole)} == {PointKind.NO_OWNER}


@EVERY
def test_each_kpi_counts_as_by_the_page_of_kpis(template):
    from comity.core.agreements.wordings import kpi_fields, kpi_of

    for edit, kpi in zip((one for one in edits(template) if one.kind is Kind.KPI), TEMPLATES[template], strict=True):
        whole = read(Change(1, Span(FIRST), (edit,))).clauses[0]
        assert kpi_of(kpi.id, whole.fields, valid_from=kpi.valid_from) == kpi
        assert kpi_fields(kpi_of(kpi.id, whole.fields)) == kpi_fields(kpi)


@EVERY
def test_the_customer_has_the_duties_of_a_client(template):
    owed = {edit.fields["measure"] for edit in edits(template) if edit.fields.get("side") == "customer"}
    assert owed == {"forecast_locked_in_time", "records_in_time", "decision_in_time", "reply_in_time"}


@EVERY
def test_prose_is_in_the_language_of_whoever_drafts_and_fields_are_the_same(template):
    english, spanish, other = (edits(template, language) for language in ("en", "es", "fr"))
    texts = ("outcome", "feeling", "series", "text", "language")
    for one, two in zip(english, spanish, strict=True):
        assert (one.clause, one.kind, one.after) == (two.clause, two.kind, two.after)
        assert {name: value for name, value in one.fields.items() if name not in texts} == {
            name: value for name, value in two.fields.items() if name not in texts
        }
        assert [name for name in texts if name in one.fields and one.fields[name] == two.fields[name]] == []
    assert other == english


def test_every_text_is_there_in_each_language():
    written = [*WHY.values(), *(one.outcome for one in FIRST_TEXTS.values())]
    written += [one.feeling for one in FIRST_TEXTS.values()]
    written += [prose for one in FIRST_TEXTS.values() for _, prose in one.prose]
    assert all(tuple(texts) == LANGUAGES and len(set(texts.values())) == len(LANGUAGES) for texts in written)
    assert {kpi.measure for kpis in TEMPLATES.values() for kpi in kpis} <= WHY.keys()
    for kind in ("title", "title_more", "title_list"):
        assert first_says(kind, "en").keys() == {"title", "reason", "expects_nothing"}
        assert first_says(kind, "es")["title"] != first_says(kind, "en")["title"]


def test_there_is_no_term_without_its_days():
    for known in (Known("Europe/Madrid"), Known("Europe/Madrid", first_day=FIRST)):
        assert Kind.TERM not in {edit.kind for edit in edits("contact_centre", known=known)}


def test_the_calendar_takes_hours_and_days_off_that_the_room_knows():
    (made,) = [edit for edit in edits("service_desk") if edit.kind is Kind.CALENDAR]
    assert made.fields["customer_working_hours"] == [{"weekday": "mon", "opens": "08:00", "closes": "16:00"}]
    assert made.fields["customer_free_days"] == [{"day": "2026-12-25", "name": "Christmas"}]
    assert "provider_working_hours" not in made.fields  # the usual ones
    assert made.fields["provider_free_days"] == [{"day": "2026-01-06", "name": "Epiphany"}]
    night = Known("Europe/Madrid", {Side.PROVIDER: Office({0: ("22:00", "06:00")})})
    (made,) = [edit for edit in edits("service_desk", known=night) if edit.kind is Kind.CALENDAR]
    assert "provider_working_hours" not in made.fields  # which a calendar cannot say


@EVERY
def test_nothing_is_added_to_a_text_that_has_it(template):
    assert edits(template, there=read(Change(1, Span(FIRST), edits(template)))) == ()


def test_no_second_kpi_measures_the_same_over_the_same_queues():
    """A book had two KPIs: a service level of one queue, by another table, and satisfaction."""
    there = read(
        change(
            1,
            FIRST,
            add("sl", Kind.KPI, measure="service_level", queues=["sales"], records="intervals", target="0.9"),
            add("happy", Kind.KPI, "sl", measure="csat", instrument="after the call"),
        )
    )
    made = edits("contact_centre", there=there)
    measures = [edit.fields["measure"] for edit in made if edit.kind is Kind.KPI]
    assert measures == ["abandonment", "repeat_contact", "forecast_wape", "forecast_bias"]
    whole = text(
        chain(change(1, FIRST, add("sl", Kind.KPI, measure="service_level")), Change(2, Span(FIRST), made)), FIRST
    )
    ids = [clause.id for clause in whole.clauses if clause.kind is Kind.KPI]
    assert ids[0] == "sl"


def test_clauses_stand_behind_those_of_their_kind():
    note = add("note", Kind.PROSE, "sl", text="Hm.", language="en")
    there = read(change(1, FIRST, add("sl", Kind.KPI, measure="service_level"), note))
    made = edits("contact_centre", there=there)
    first_kpi = next(edit for edit in made if edit.kind is Kind.KPI)
    assert first_kpi.after == "sl"
    assert made[0].after == ""


def test_what_is_there_is_left_as_it_is():
    notice, talk = add("when", Kind.NOTICE, hours=3), add("talk", Kind.MEETING, series="Daily", cadence="daily")
    there = read(change(1, FIRST, notice, talk, add("owes", Kind.DUTY, side="customer", measure="reply_in_time")))
    made = edits("field_service", there=there)
    assert Kind.NOTICE not in {edit.kind for edit in made}
    assert [edit.fields["level"] for edit in made if edit.kind is Kind.MEETING] == ["strategic"]
    duties = {(edit.fields["side"], edit.fields["measure"]) for edit in made if edit.kind is Kind.DUTY}
    assert ("customer", "reply_in_time") not in duties
    assert ("provider", "reply_in_time") in duties


def test_clauses_of_an_own_template_get_ids_of_their_own_and_go_on_naming_each_other():
    """A price that a KPI names, and what lives on; the relationship has the notice already."""
    template = read(
        change(
            1,
            FIRST,
            add("b", Kind.PRICE, service="Voice", unit="contact", currency="EUR", price="4"),
            add("a", Kind.PRICE, "b", service="Chat", unit="contact", currency="EUR", price="3"),
            add(
                "sl", Kind.KPI, "a", measure="service_level",
                credit_allocation=[{"price": "a", "share": "0.5"}, {"price": "b", "share": "0.5"}],
            ),
            add("n", Kind.NOTICE, "sl", hours=9),
            add("end", Kind.EXIT, "n", lives_on=["n", "a"]),
        )
    )  # fmt: skip
    there = read(change(1, FIRST, add("when", Kind.NOTICE, hours=3)))
    made = own_edits(template, there, Mint())
    assert [(edit.clause, edit.kind) for edit in made] == [
        ("b_1", Kind.PRICE), ("a_2", Kind.PRICE), ("sl_3", Kind.KPI), ("end_4", Kind.EXIT),
    ]  # fmt: skip
    allocation = [{"price": "a_2", "share": "0.5"}, {"price": "b_1", "share": "0.5"}]
    assert made[2].fields["credit_allocation"] == allocation
    assert made[3].fields["lives_on"] == ["a_2", "when"]
    one = Change(2, Span(FIRST), made)
    entries = chain(change(1, FIRST, add("when", Kind.NOTICE, hours=3)))
    assert check_change(one, entries) == []
    assert PointKind.NAMES_MISSING not in {point.kind for point in points(text([*entries, *chain(one)], FIRST))}


def test_an_own_template_brings_nothing_that_a_side_kept_of_another_relationship():
    template = read(change(1, FIRST, add("t", Kind.TERM, begins="2026-01-01", ends="2027-01-01",
                           provider_change_over="0" * 64)))  # fmt: skip
    (made,) = own_edits(template, EMPTY, Mint())
    assert made.fields == {"begins": "2026-01-01", "ends": "2027-01-01"}


def test_an_own_template_has_a_kpi_for_each_channel():
    voice, chat = (add(name, Kind.KPI, measure="service_level", channels=[name]) for name in ("voice", "chat"))
    template, there = read(change(1, FIRST, voice, chat)), read(change(1, FIRST, voice))
    assert [edit.fields["channels"] for edit in own_edits(template, there, Mint())] == [["chat"]]


@pytest.mark.parametrize("kind", ["title", "title_more", "title_list"])
def test_what_the_product_says_of_a_draft_is_read_in_the_readers_language_and_what_people_wrote_stays(kind):
    english, spanish = first_says(kind, "en"), first_says(kind, "es")
    for name, said in english.items():
        assert for_reader(said, "es") == spanish[name] != said
        assert for_reader(spanish[name], "en") == said
        assert for_reader(said, "en") == for_reader(said, "de") == said
        assert for_reader(f"{said} And more.", "es") == f"{said} And more."
    assert for_reader("", "es") == ""
