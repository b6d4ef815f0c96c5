"""Clauses read as sentences: whatever is signed can be read, in each language, and nothing reads as something else."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.apps.agreements.sentences import clause_heading, clause_sentences, clause_titles, differences_text
from comity.apps.agreements.wording.values import (
    Figure,
    change_label,
    change_value_text,
    choice_text,
    field_label,
    kind_name,
    name_text,
    value_text,
)
from comity.apps.i18n import words_for
from comity.core.agreements.changes import CHANGE_FIELDS, AddClause, Change, Entry, SetField, Span
from comity.core.agreements.clauses import Clause, check_clause, check_fields, complete
from comity.core.agreements.fields import normalise
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.text import Text, text
from comity.review.i18n.words import DASH, LOCALES
from tests.builders.clauses import clauses, written_fields
from tests.builders.examples import examples as number_of_examples

LANGUAGES = sorted(LOCALES)
# What is the same word in both languages.
ALIKE = {
    "clause_kind.kpi", "notice_item.kpi", "clause_field.price_uplifts_factor",
    "clause_field.authority_customer_roles", "clause_field.authority_provider_roles",
    "clause_choice.rate_class_normal",
}  # fmt: skip
PATTERN_ONLY = re.compile(r"[^\w]*(\{[^}]*\}[^\w]*)*")


def clause(kind, **written):
    """A clause as people wrote it, which has to be right."""
    values, problems = check_fields("c", kind, written)
    assert problems == []
    return Clause("c", kind, complete(kind, values))


def read(of, language, titles=None):
    words = words_for(language)
    return [clause_heading(of, words), *clause_sentences(of, words, titles or {})]


def sentences(of, language="en", **titles):
    return clause_sentences(of, words_for(language), titles)


def parts_of(fields, path=""):
    """Each field and each part of a record, with its place."""
    for item in fields:
        place = f"{path}_{item.name}" if path else item.name
        yield place, item
        yield from parts_of(item.fields, place)


@settings(max_examples=number_of_examples(80), deadline=None)
@given(st.data())
def test_clauses_that_differ_in_a_field_read_otherwise(data):
    one = data.draw(clauses())
    other = data.draw(written_fields(one.kind))
    for name, item in KINDS[one.kind].by_name.items():
        value, _ = normalise(item, other.get(name))
        wanted = {key: kept for key, kept in one.fields.items() if key != name} | ({name: value} if value else {})
        changed = Clause("c", one.kind, complete(one.kind, wanted))
        if changed.fields == one.fields or check_clause(changed):
            continue
        for language in LANGUAGES:
            assert read(one, language) != read(changed, language), name


@settings(max_examples=number_of_examples(80), deadline=None)
@given(st.data())
def test_two_clauses_of_a_kind_read_otherwise_unless_they_are_the_same(data):
    one = data.draw(clauses())
    other = data.draw(clauses((one.kind,)))
    for language in LANGUAGES:
        assert (read(one, language) == read(other, language)) == (one.fields == other.fields)


@settings(max_examples=number_of_examples(50), deadline=None)
@given(st.data())
def test_a_draft_that_is_not_whole_can_be_read(data):
    one = data.draw(clauses())
    required = [item.name for item in KINDS[one.kind].fields if item.required]
    for name in required:
        left = Clause("c", one.kind, {key: value for key, value in one.fields.items() if key != name})
        for language in LANGUAGES:
            assert all(read(left, language))


def examples(kind):
    """A clause with the example of every field that can stand beside the others."""
    written = {item.name: item.example for item in KINDS[kind].fields if item.name not in {"seen_by", "bands"}}
    if kind is Kind.KPI:
        written["formula"] = None
    if kind is Kind.PRICE:
        written |= {"baseline": None, "deadband": None, "arc": None, "rrc": None}
        written["bands"] = [{"above": "9000", "price": "3.9"}]
    if kind is Kind.CLOCK:
        written["silence"] = [{"matter": "claim", "days": 10}]
        written["replies"] = [{"matter": "claim", "days": 5}]
    if kind is Kind.TERM:
        written["renewal"] = "by_itself"
        written["renews_months"] = 12
    return clause(kind, **written)


def whole_examples(kind):
    """The same, and the other forms of a clause whose fields exclude one another."""
    yield examples(kind)
    if kind is Kind.KPI:
        for measure in ("abandonment", "csat", "time_to_resolve", "backlog", "reopen"):
            yield Clause("c", kind, complete(kind, {**_own(examples(kind)), "measure": measure}))
        on_scale = {**_own(examples(kind)), "measure": "csat", "formula": "mean"}
        yield Clause("c", kind, complete(kind, on_scale))
    if kind is Kind.PRICE:
        around = {"baseline": "10000", "deadband": "0.05", "arc": "4", "rrc": "2.5"}
        fields = {name: value for name, value in examples(kind).fields.items() if name != "bands"}
        yield Clause("c", kind, {**fields, **around})


def _own(of):
    return {name: value for name, value in of.fields.items() if name not in {"better", "formula"}}


@settings(max_examples=2, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", Kind)
def test_a_full_clause_reads_otherwise_with_any_field_changed_or_left_out(kind, data):
    other = data.draw(written_fields(kind))
    for one in whole_examples(kind):
        as_it_is = {language: read(one, language) for language in LANGUAGES}
        for name, item in KINDS[kind].by_name.items():
            for value in (None, normalise(item, other.get(name))[0], *item.choices):
                kept = [value] if item.choices and item.many.value != "one" and isinstance(value, str) else value
                rest = {key: held for key, held in one.fields.items() if key != name}
                changed = Clause("c", kind, complete(kind, rest if kept is None else {**rest, name: kept}))
                if changed.fields == one.fields or check_clause(changed):
                    continue
                for language in LANGUAGES:
                    assert as_it_is[language] != read(changed, language), name


MACHINE_TEXT = re.compile(r"[{}]|\bNone\b|\bTrue\b|\bFalse\b|[a-z]_[a-z]|\x00|[\[\]]|\d{4}-\d\d")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_a_clause_is_read_without_what_only_a_machine_reads(kind, language):
    shown = [line for line in read(examples(kind), language) if line]
    assert len(shown) > 1
    assert [line for line in shown if MACHINE_TEXT.search(line)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_every_choice_is_read_in_words(kind, language):
    words = words_for(language)
    for name, item in KINDS[kind].by_name.items():
        for choice in item.choices:
            shown = value_text(kind, name, choice, words)
            assert shown
            assert not MACHINE_TEXT.search(shown), (name, choice)
            if item.many.value == "one" and item.name != "measure":
                of = examples(kind)
                held = Clause("c", kind, {**of.fields, name: choice})
                if not check_clause(held):
                    assert [line for line in read(held, language) if MACHINE_TEXT.search(line)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_and_part_has_a_label_and_every_choice_a_word(language):
    words = words_for(language)
    for kind, spec in KINDS.items():
        assert kind_name(kind, words)
        assert words(f"clause_about.{kind}")
        for place, item in parts_of(spec.fields):
            assert field_label(kind, place, words)
            assert all(choice_text(item.name, choice, words) for choice in item.choices)
    for place, item in parts_of(CHANGE_FIELDS):
        assert change_label(place, words)
        assert all(choice_text(item.name, choice, words) for choice in item.choices)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_labels_of_one_kind_differ(kind, language):
    labels = [field_label(kind, item.name, words_for(language)) for item in KINDS[kind].fields]
    assert sorted(labels) == sorted(set(labels))


@pytest.mark.parametrize("language", LANGUAGES)
def test_choices_of_one_field_differ(language):
    words = words_for(language)
    for spec in KINDS.values():
        for _, item in parts_of(spec.fields):
            texts = [choice_text(item.name, choice, words) for choice in item.choices]
            assert sorted(texts) == sorted(set(texts)), item.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kind_is_named_in_three_words_and_explained_in_one_sentence(language):
    words = words_for(language)
    small = {"a", "de", "la", "el", "y"} if language == "es" else set()
    for kind in Kind:
        assert len([word for word in kind_name(kind, words).split() if word not in small]) <= 3
        about = words(f"clause_about.{kind}")
        assert about.endswith(".")
        assert about.count(".") == 1
        assert len(about.split()) <= 15


def test_every_word_of_a_clause_is_written_in_spanish():
    english, spanish = words_for("en")._sentences, words_for("es")._sentences
    own = {
        key
        for key in english
        if key.split(".")[0].startswith(("clause_", "change_field", "change_choice", "notice_item"))
    }
    assert len(own) > 400
    alike = {key for key in own if english[key] == spanish[key] and not PATTERN_ONLY.fullmatch(english[key])}
    assert alike <= ALIKE


HOURS = {
    "zone": "Europe/Madrid",
    **{f"open_{day}": [{"opens": "08:00", "closes": "20:00"}] for day in ("mon", "tue", "wed", "thu", "fri")},
    "open_sat": [{"opens": "09:00", "closes": "14:00"}],
}


def test_opening_hours_are_told_by_days_of_equal_hours():
    of = clause(Kind.CALENDAR, **HOURS)
    assert sentences(of)[:2] == [
        "The service is open Monday to Friday from 08:00 to 20:00 and on Saturdays from 09:00 to 14:00, Madrid time.",
        "It is closed on Sundays.",
    ]
    assert sentences(of, "es")[:2] == [
        "El servicio está abierto de lunes a viernes de 08:00 a 20:00 y los sábados de 09:00 a 14:00, hora de Madrid.",
        "Está cerrado los domingos.",
    ]


def test_hours_over_midnight_of_some_channels_are_told():
    of = clause(Kind.CALENDAR, zone="UTC", open_sun=[{"opens": "22:00", "closes": "06:00", "channels": ["voice"]}])
    assert sentences(of)[0] == "The service is open on Sundays from 22:00 to 06:00 the next day for calls, UTC."


def test_working_hours_that_are_the_same_are_told_once():
    assert "Both sides work Monday to Friday from 09:00 to 17:00." in sentences(clause(Kind.CALENDAR, zone="UTC"))


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                "At least 80 % of calls are answered within 20 seconds.",
                "Abandons of up to 5 seconds are left out.",
                "A change of less than 1\u00a0pts is too small to act on.",
                "If it is missed in 2 of 3 periods, a corrective plan follows.",
                "Owner at the customer: Ana Ruiz",
            ],
        ),
        (
            "es",
            [
                "Al menos el 80 % de las llamadas se atiende en 20 segundos.",
                "No cuentan los abandonos de hasta 5 segundos.",
                "Una variación de menos de 1\u00a0p.\u00a0p. no justifica actuar.",
                "Si se incumple en 2 de 3 periodos, se abre un plan correctivo.",
                "Persona encargada en el cliente: Ana Ruiz",
            ],
        ),
    ],
)
def test_a_service_level_is_told_with_what_it_counts_by(language, told):
    of = clause(
        Kind.KPI, measure="service_level", target="0.8", channels=["voice"], short_abandon_s="5",
        when_missed={"misses": 2, "of_periods": 3, "opens": "corrective_plan"}, customer_owner="Ana Ruiz",
    )  # fmt: skip
    assert sentences(of, language) == told


def test_a_term_names_its_last_day_and_how_it_goes_on():
    of = clause(
        Kind.TERM, begins="2024-07-01", ends="2027-07-01", renewal="by_itself", renews_months=12, notice_months=6
    )
    assert sentences(of) == [
        "The agreement is in force from 1\u00a0July\u00a02024 to 30\u00a0June\u00a02027, both days included.",
        "It then renews automatically for 12 months, unless a side gives 6 months of notice to end.",
    ]


def test_one_and_several_take_their_own_form():
    def lock(days):
        return sentences(clause(Kind.VOLUME, locked_days=days), "es")[0]

    assert lock(1).endswith("la cierra 1 día laborable antes de que empiece el mes.")
    assert lock(20).endswith("la cierra 20 días laborables antes de que empiece el mes.")


def test_a_price_is_told_in_its_currency_with_every_decimal():
    of = clause(Kind.PRICE, service="Voice", unit="contact", currency="EUR", price="4.2", minimum="30000.125")
    assert sentences(of)[:2] == [
        "Voice: €4.20 a contact answered.",
        "At least €30,000.125 a month is paid, compared after indexation.",
    ]
    assert sentences(of, "es")[0] == "Voice: 4,20\u00a0€ por contacto atendido."


def test_a_target_that_differs_in_its_last_digit_reads_otherwise():
    close = ("0.8", "0.8000000000000000000000001")
    one, other = (sentences(clause(Kind.KPI, measure="service_level", target=target)) for target in close)
    assert one != other


def test_a_mean_mark_that_is_better_lower_is_told_as_at_most():
    of = clause(Kind.KPI, measure="ces", formula="mean", better="lower", target="2.5", channels=["voice"])
    assert sentences(of)[0] == "Customer effort of calls: at most 2.5."


def test_who_may_sign_is_told_with_how_many_together_and_how():
    of = clause(
        Kind.AUTHORITY,
        customer=[{"roles": ["lead", "finance"], "people": ["Ana Ruiz"], "kinds": ["price"], "together": 2}],
    )
    assert sentences(of) == [
        (
            "For the customer, 2 people together sign clauses of kind “Price”, in Comity after a fresh sign-in: "
            "somebody with the role Finance or Lead or Ana Ruiz."
        )
    ]
    assert sentences(of, "es") == [
        (
            "Por el cliente, 2 personas juntas firman cláusulas de tipo «Precio», en Comity tras volver a iniciar "
            "sesión: alguien con el rol Finanzas o Responsable o Ana Ruiz."
        )
    ]


def test_hours_are_values_that_can_be_compared():
    shown = value_text(Kind.CALENDAR, "open_mon", clause(Kind.CALENDAR, **HOURS).fields["open_mon"], words_for("en"))
    assert shown == "from 08:00 to 20:00"


def test_a_name_cannot_be_read_as_two():
    two = clause(Kind.VOLUME, queues=["sales", "support"])
    quoted = clause(Kind.VOLUME, queues=["a” and “b", "c"])
    for language in LANGUAGES:
        for name in ("sales and support", "sales y support", "sales, support", "sales”, “support"):
            assert sentences(clause(Kind.VOLUME, queues=[name]), language) != sentences(two, language)
        assert sentences(quoted, language) != sentences(clause(Kind.VOLUME, queues=["a", "b", "c"]), language)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Kind.POST, {"side": "customer", "position": "{}"}),
        (Kind.MEETING, {"series": "{}", "cadence": "daily"}),
        (Kind.DATA, {"purpose": "Service.", "controller": "each", "retention": [{"data": "{}", "days": 9}]}),
        (Kind.DATA, {"purpose": "Service.", "controller": "each", "subprocessors": [{"name": "{}"}]}),
        (Kind.PRICE, {"service": "{}", "unit": "contact", "currency": "EUR", "price": "4.2"}),
    ],
)
def test_a_name_at_the_beginning_of_a_sentence_keeps_its_letters(kind, written):
    def of(name):
        return sentences(clause(kind, **_filled(written, name)))

    assert of("voice") != of("Voice")


def _filled(written, name):
    if isinstance(written, dict):
        return {key: _filled(value, name) for key, value in written.items()}
    if isinstance(written, list):
        return [_filled(value, name) for value in written]
    return name if written == "{}" else written


def test_somebody_who_is_called_as_a_role_is_no_role():
    words = words_for("en")
    assert name_text("the role Lead", words) == "“the role Lead”"
    assert name_text("Ana Ruiz", words) == "Ana Ruiz"
    by_role = clause(Kind.AUTHORITY, customer=[{"roles": ["lead"]}])
    by_name = clause(Kind.AUTHORITY, customer=[{"people": ["the role Lead"]}])
    assert sentences(by_role) != sentences(by_name)


def test_a_clause_that_is_named_is_told_by_its_heading():
    of = clause(Kind.EXIT, lives_on=["data"])
    assert "These clauses survive: Personal data" in sentences(of, data="Personal data")
    assert "These clauses survive: “data”" in sentences(of)


def test_clauses_of_the_same_heading_are_told_apart():
    named = {"a": "Voice", "b": "Voice"}
    one, other = (sentences(clause(Kind.EXIT, lives_on=[name]), **named) for name in named)
    assert one != other


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_read_a_clause_is_told_where_it_is_not_usual(language):
    usual = clause(Kind.PROSE, text="Hello.", language="en")
    apart = clause(Kind.PROSE, text="Hello.", language="en", seen_by=["money"])
    assert len(read(apart, language)) == len(read(usual, language)) + 1


def test_what_a_change_alters_is_told_clause_by_clause():
    added = AddClause("sl", Kind.KPI, {"measure": "service_level", "target": "0.8", "title": "Answered in time"})
    chain = [
        Entry(1, Change(1, Span(date(2026, 1, 1)), (added,))),
        Entry(2, Change(2, Span(date(2026, 8, 1)), (SetField("sl", "target", "0.82"),))),
    ]
    before, after = text(chain, date(2026, 7, 1)), text(chain, date(2026, 8, 1))
    assert differences_text(before, after, words_for("en")) == [
        ("Answered in time", "Target", "80\u00a0%", "82\u00a0%")
    ]
    assert differences_text(before, after, words_for("es")) == [
        ("Answered in time", "Objetivo", "80\u00a0%", "82\u00a0%")
    ]
    assert differences_text(before, before, words_for("en")) == []


def test_a_clause_that_is_new_or_removed_is_told_with_its_values():
    of = Text((clause(Kind.DUTY, side="provider", measure="records_in_time", target="0.95"),))
    new, gone = (differences_text(*texts, words_for("en")) for texts in ((Text(()), of), (of, Text(()))))
    duty = "Records delivered in time, the provider"
    assert (duty, "Clause", DASH, "new") in new
    assert (duty, "Target", DASH, "95\u00a0%") in new
    assert (duty, "Target", "95\u00a0%", DASH) in gone
    assert clause_titles(of, words_for("en")) == {"c": duty}


def test_clauses_of_a_kind_are_headed_by_what_tells_them_apart():
    """Six duties and two meetings of a template, a price, and two paragraphs about nothing in particular."""
    made = (
        Clause("a", Kind.DUTY, {"side": "customer", "measure": "reply_in_time"}),
        Clause("b", Kind.DUTY, {"side": "provider", "measure": "reply_in_time"}),
        Clause("c", Kind.MEETING, {"series": "Monthly service review", "cadence": "monthly"}),
        Clause("d", Kind.PRICE, {"service": "Voice", "unit": "contact", "currency": "EUR"}),
        Clause("e", Kind.PROSE, {"text": "A.", "language": "en"}),
        Clause("f", Kind.PROSE, {"text": "B.", "language": "en"}),
        Clause("g", Kind.KPI, {"measure": "service_level", "channels": ["voice"], "queues": ["sales"]}),
    )
    assert list(clause_titles(Text(made), words_for("en")).values()) == [
        "Answers in time, the customer", "Answers in time, the provider", "Monthly service review", "Voice",
        "Paragraphs (1)", "Paragraphs (2)", "Service level, calls, in the queue sales",
    ]  # fmt: skip


def test_the_end_of_a_term_is_told_as_its_last_day_wherever_it_is_told():
    term = clause(Kind.TERM, begins="2027-01-01", ends="2029-01-01")
    (first, *_), told = (
        clause_sentences(term, words_for("en")),
        value_text(Kind.TERM, "ends", "2029-01-01", words_for("en")),
    )
    assert (
        first
        == "The agreement is in force from 1\u00a0January\u00a02027 to 31\u00a0December\u00a02028, both days included."
    )
    assert told == "31\u00a0December\u00a02028"


def test_what_is_expected_is_a_sentence_with_the_name_of_its_kpi_and_points():
    figures = {"sl_1c93": Figure("Service level, calls", "share")}
    expected = [{"figure": "sl_1c93", "direction": "up", "size": "0.05", "by": "2027-06-30"}]
    told = {name: change_value_text("expects", expected, words_for(name), figures) for name in ("en", "es")}
    assert told["en"] == "“Service level, calls”: up by at least 5\u00a0pts, by 30\u00a0June\u00a02027."
    assert "sl_1c93" not in told["es"]


@settings(max_examples=number_of_examples(50), deadline=None)
@given(st.data())
def test_a_difference_is_never_told_as_the_same_value_twice(data):
    one = data.draw(clauses())
    other = data.draw(clauses((one.kind,)))
    for language in LANGUAGES:
        rows = differences_text(Text((one,)), Text((other,)), words_for(language))
        assert len(rows) == sum(one.fields.get(name) != other.fields.get(name) for name in KINDS[one.kind].by_name)
        assert [row for row in rows if row[2] == row[3]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_change_says_of_itself_is_read_in_words(language):
    words = words_for(language)
    for item in CHANGE_FIELDS:
        value, problems = normalise(item, item.example)
        assert problems == []
        shown = change_value_text(item.name, value, words).replace("service_level", "")
        assert shown
        assert not MACHINE_TEXT.search(shown), item.name
