"""Search finds changes, clauses and remarks that one may read; never a draft or a remark of the other side."""

import pytest
from django.db import transaction

from comity.apps.agreements.drafting import remarks
from comity.apps.i18n import words_for
from comity.apps.today.search import find
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from tests.builders.agreement import add
from tests.builders.changes import content, drafted, kpi_of, proposed, room, row, target
from tests.room import EVERYBODY

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    """A proposed change, a private draft of each side, and remarks on all three; one clause is for money alone."""
    made = room()
    made.proposed = proposed(made, "customer_lead", target(made, title="Winter rule", reason="Storms cut the lines."))
    made.drafts = {
        side: drafted(made, f"{side}_lead", target(made, "0.8", title=f"Zebulon {side}", reason="Quietly."))
        for side in ("customer", "provider")
    }
    with transaction.atomic():
        remarks.remark(made.at("provider_analyst"), row(made.proposed), "", "The obelisk stands for both.", None)
    for side, pk in made.drafts.items():
        with transaction.atomic():
            remarks.remark(made.at(f"{side}_lead"), row(pk), "", f"Gryphon of the {side}.", None)
    return made


def found(them, who, text, language="en"):
    with transaction.atomic():
        hits = find(them.at(who), words_for(language), text)
    return {one.kind: [hit.title for hit in one.hits] for one in hits if one.kind in {"changes", "clauses", "remarks"}}


def test_a_proposed_change_is_found_by_its_title_its_reason_and_its_clauses(them):
    for who in EVERYBODY:
        for text in ("winter", "storms lines"):
            assert found(them, who, text)["changes"] == ["Winter rule"], (who, text)
    with transaction.atomic():
        hits = next(one for one in find(them.at("auditor"), words_for("en"), "winter") if one.kind == "changes").hits
    assert hits[0].url == them.url(f"agreement/changes/{them.proposed}/")


@pytest.mark.parametrize(("language", "text"), [("en", "service level"), ("es", "nivel de servicio")])
def test_clauses_in_force_are_found_by_what_they_say_in_the_readers_language(them, language, text):
    for who in ("customer_member", "provider_lead", "auditor"):
        assert found(them, who, text, language)["clauses"], who


def test_no_draft_and_no_remark_of_the_other_side_is_found(them):
    """Each side's own, by those of it who read what it keeps to itself; the mediator and the auditor find neither."""
    for who in EVERYBODY:
        side = who.split("_")[0] if "_" in who else ""
        for other in {"customer", "provider"} - {side}:
            assert found(them, who, f"zebulon {other}") == {}, who
            assert found(them, who, f"gryphon {other}") == {}, who
            assert found(them, who, "quietly").get("changes", []) in ([], [f"Zebulon {side}"]), who
        assert found(them, who, "obelisk")["remarks"] == ["Winter rule"], who
    for side in ("customer", "provider"):
        assert found(them, f"{side}_lead", "zebulon") == {"changes": [f"Zebulon {side}"]}
        assert found(them, f"{side}_lead", "gryphon") == {"remarks": [f"Zebulon {side}"]}
        assert found(them, f"{side}_member", "zebulon") == {}  # whose role reads nothing of what the side keeps


def test_a_stranger_and_another_relationship_find_nothing(them):
    assert them.client("stranger").get(them.url("search/"), {"q": "winter"}).status_code == 404
    assert "changes" not in found(room(), "customer_lead", "winter")


def test_a_clause_that_names_its_readers_is_found_by_them_alone():
    them = room()
    secret = add("rates", Kind.PROSE, text="The ocelot rebate.", language="en", seen_by=["money"])
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    proposed(them, "customer_lead", content(secret, SetField(kpi, "target", "0.9"), title="Mixed"))
    assert found(them, "customer_lead", "ocelot") == {"changes": ["Mixed"]}
    assert found(them, "customer_member", "ocelot") == {}
    assert found(them, "customer_member", "mixed") == {"changes": ["Mixed"]}  # its title stands in the list for all
