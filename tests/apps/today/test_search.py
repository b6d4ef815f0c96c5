"""Search finds what its reader may read, by words of their language, and nothing of the other side's own."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from comity.apps.books.models import Delivery, Stage
from comity.apps.i18n import words_for
from comity.apps.parties.rights import Action, role_may
from comity.apps.parties.searching import MAX_HITS, Excerpt, excerpts
from comity.apps.today.search import find
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.builders.programs import ask
from tests.room import EVERYBODY, cast

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.tokens = {}
    made.book(KPI, contacts="\n".join(contacts()))
    matter = raised(made, "customer_lead", title="Callers waited in the evenings")
    moved(made, "provider_lead", matter, Move.COMMENT, "The telephone exchange in Valencia was replaced.")
    made.matter = matter.pk
    with transaction.atomic():
        member = made.at("provider_lead")
        for name, stage, private in (
            ("zebulon-draft.csv", Stage.LOOKED, False),
            ("zebulon-costs.csv", Stage.BROUGHT, True),
            ("zebulon-shared.csv", Stage.BROUGHT, False),
        ):
            Delivery.objects.create(
                relationship=member.relationship, side=Side.PROVIDER, person=member.membership.person, name=name,
                size=1, stage=stage, private=private,
            )  # fmt: skip
    return made


def found(them, who, text, language="en"):
    """Titles of what somebody finds, by kind."""
    with transaction.atomic():
        hits = find(them.at(who), words_for(language), text)
    return {one.kind: [hit.title for hit in one.hits] for one in hits}


@pytest.mark.parametrize("text", ["waiting evening", "waited", "callers in the evening"])
def test_matters_are_found_by_words_in_any_form(them, text):
    assert found(them, "provider_lead", text)["matters"] == ["Callers waited in the evenings"]


def test_words_are_those_of_the_readers_language(them):
    assert "matters" not in found(them, "provider_lead", "waiting evening", "es")
    assert found(them, "provider_lead", "waited", "es")["matters"] == ["Callers waited in the evenings"]


def test_comments_are_found_with_an_excerpt_that_marks_the_match(them):
    with transaction.atomic():
        (comments,) = [
            one for one in find(them.at("customer_lead"), words_for("en"), "exchanges") if one.kind == "comments"
        ]
    (hit,) = comments.hits
    assert Excerpt("exchange", matches=True) in hit.about
    assert hit.url == them.url(f"matters/{them.matter}/#step-2")


def test_people_figures_and_the_glossary_are_found(them):
    assert found(them, "auditor", "provider analyst")["people"] == ["Provider Analyst"]
    assert found(them, "auditor", "service level")["figures"]
    assert found(them, "auditor", "counts once")["help"]
    assert found(them, "auditor", "overstated")["help"][0] == "overstated"


def test_the_log_is_found_by_those_who_may_read_it(them):
    finders = {who for who in EVERYBODY if "log" in found(them, who, "evenings")}
    assert finders == {who for who in EVERYBODY if role_may(who.split("_")[-1], Action.AUDIT)}


def test_nothing_that_the_other_side_keeps_is_found(them):
    own = {"zebulon-draft.csv", "zebulon-costs.csv", "zebulon-shared.csv"}
    for who in EVERYBODY:
        files = set(found(them, who, "zebulon").get("files", []))
        sees_own = who.startswith("provider") and role_may(who.split("_")[-1], Action.READ_OWN)
        assert files <= (own if sees_own else {"zebulon-shared.csv"}), who
        assert "zebulon-shared.csv" in files, who
    assert set(found(them, "provider_lead", "zebulon")["files"]) == own
    for text in ("zebulon-draft", "zebulon-costs"):  # nor in the log, whatever is written there
        assert not {"files", "log"} & set(found(them, "customer_lead", text))


@pytest.mark.usefixtures("them")
def test_another_relationship_is_not_found():
    other = cast()
    assert "matters" not in found(other, "provider_lead", "waited")
    assert "comments" not in found(other, "provider_lead", "Valencia")


@pytest.mark.parametrize(
    "text", ["", " ", "x", "\x00", "\x02\x03", "' OR 1=1 --", "a & | !", '"', "%", "<b>", "(" * 300]
)
def test_odd_texts_find_nothing_and_break_nothing(them, text):
    assert found(them, "provider_lead", text).get("matters", []) == []
    assert them.client("provider_lead").get(them.url("search/"), {"q": text}).status_code == 200


def test_a_page_shows_the_kinds_with_counts_and_one_kind_alone(them):
    browser = them.client("customer_lead")
    page = browser.get(them.url("search/"), {"q": "evening"}).content.decode()
    assert 'id="h-matters"' in page
    assert 'id="h-log"' in page
    assert "<mark>" in browser.get(them.url("search/"), {"q": "exchange"}).content.decode()
    only = browser.get(them.url("search/"), {"q": "evening", "kind": "log"}).content.decode()
    assert 'id="h-matters"' not in only
    assert 'id="h-log"' in only
    assert words_for("en")("search.none") in browser.get(them.url("search/"), {"q": "xylophone"}).content.decode()


def test_programs_search_too(them):
    (hit, *_) = ask(them, "customer_lead", "search?q=waited&kind=matters").json()
    assert (hit["kind"], hit["title"]) == ("matters", "Callers waited in the evenings")
    assert ask(them, "customer_lead", "search?q=zebulon-draft").json() == []
    assert ask(them, "customer_lead", "search?q=x").status_code == 422


def test_the_number_of_queries_does_not_grow_with_what_is_found():
    them = cast()
    counts = []
    for _ in range(2):
        for _ in range(3):
            raised(them, "customer_lead", title="Callers waited")
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            find(them.at("provider_lead"), words_for("en"), "waited")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_of_many_the_first_are_found():
    them = cast()
    for _ in range(MAX_HITS + 2):
        raised(them, "customer_lead", title="Callers waited")
    assert len(found(them, "provider_lead", "waited")["matters"]) == MAX_HITS


@pytest.mark.parametrize(
    ("headline", "parts"),
    [
        ("no match", [Excerpt("no match")]),
        ("\x02a\x03 b", [Excerpt(""), Excerpt("a", matches=True), Excerpt(" b")]),
        ("x \x02a\x03", [Excerpt("x "), Excerpt("a", matches=True)]),
    ],
)
def test_a_headline_is_split_at_its_matches(headline, parts):
    assert excerpts(headline) == parts
