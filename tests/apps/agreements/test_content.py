"""JSON of drafts and revisions that somebody saved past the room: no page of the other side breaks, nothing stalls."""

import json
from copy import deepcopy

import pytest
from django.db import transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent, is_sound, sound_draft
from comity.apps.agreements.first_text.drafts import begin_from_template
from comity.core.agreements.changes import AddClause, SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import State
from comity.core.kpi_templates import TEMPLATES
from tests.builders.changes import attempt, content, drafted, kpi_of, proposed, room, row, sign, soon, target
from tests.room import superuser

pytestmark = pytest.mark.gate

SAVE = (
    "INSERT INTO agreements_draft (id, change_id, relationship_id, track, number, side, person_id, at, content) "
    "VALUES (gen_random_uuid(), %s, comity_relationship(), 'shared', %s, comity_side(), comity_person(), now(), "
    "%s::jsonb)"
)


@pytest.fixture
def them():
    return room()


def altered(held, **change):
    return {**held, "change": {**held["change"], **change}}


def broken(held, kpi):
    """Contents that the room never saves."""
    yield from ([], "x", 1, {}, {"change": {}}, {"says": {}}, {**held, "says": []}, {**held, "change": None})
    yield {**held, "says": {"title": 1}}
    yield {**held, "says": {"expects": "more"}}
    yield {**held, "says": {"unheard": "of"}}
    yield altered(held, schema="other/1")
    yield altered(held, span={"first_day": "soon"})
    yield altered(held, span=None)
    for edits in ("x", [1], [{}], [{"set": kpi}], [{"set": kpi, "field": "unheard", "value": "1"}],
                  [{"set": kpi, "field": "target", "value": "a lot"}], [{"set": kpi, "field": "target", "value": {}}],
                  [{"set": kpi, "field": "measure"}], [{"set": kpi, "field": "queues", "value": "sales"}],
                  [{"add": "new", "kind": "kpi", "fields": {}, "after": ""}],
                  [{"add": "new", "kind": "unheard", "fields": {}, "after": ""}],
                  [{"add": 1, "kind": "prose", "fields": {}, "after": ""}],
                  [{"add": "new", "kind": "kpi", "fields": {"measure": "luck"}, "after": ""}],
                  [{"add": "new", "kind": "kpi", "fields": [], "after": ""}],
                  [{"remove": 3}], [{"remove": ""}]):  # fmt: skip
        yield altered(held, edits=edits)
    for words in ([1], [{"other": "x"}], [{"other": 1, "clause": 1, "field": "target", "word": "instead"}],
                  [{"other": 1, "clause": kpi, "field": "target", "word": "perhaps"}]):  # fmt: skip
        yield altered(held, words=words)


def pages(them, who, pk):
    browser = them.client(who)
    for path in ("", "agreement/", f"agreement/changes/{pk}/", f"agreement/changes/{pk}/?edit={them.kpi}"):
        answer = browser.get(them.url(path))
        assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.mark.long
def test_what_the_other_side_saves_past_the_room_breaks_no_page_and_stalls_no_draft(them):
    pk = drafted(them, "provider_lead", target(them, "0.91"))
    with transaction.atomic():
        member = them.at("provider_lead")
        operations.share_draft(member, row(pk))
        them.kpi = kpi_of(member)
        held = queries.latest_draft(member, row(pk)).content
    number = 1
    for wrong in broken(held, them.kpi):
        number += 1
        assert attempt(them, "provider_lead", SAVE, pk, number, json.dumps(wrong)) == 1
        with transaction.atomic():
            member = them.at("customer_lead")
            saved = queries.latest_draft(member, row(pk))
            shown = queries.draft_content(saved, queries.chain(member))
        assert (saved.number, shown) == (number, DraftContent.from_json(held)), wrong
    assert "91" in pages(them, "customer_lead", pk)
    with transaction.atomic():
        operations.save_draft(them.at("customer_lead"), row(pk), target(them, "0.93"), number)
    assert "93" in pages(them, "provider_lead", pk)


def test_a_draft_of_which_no_save_can_be_read_is_an_empty_one(them):
    pk = drafted(them, "provider_lead", target(them))
    with superuser() as everybody:
        everybody.execute("UPDATE agreements_draft SET content = '[]' WHERE change_id = %s", [pk])
    them.kpi = ""
    pages(them, "provider_lead", pk)


@pytest.mark.long
def test_a_revision_that_no_page_could_show_counts_as_none(them):
    pk = proposed(them, "customer_lead", target(them, "0.91"))
    with superuser() as everybody:
        (held,) = everybody.execute("SELECT content FROM agreements_step WHERE change_id = %s", [pk]).fetchone()
    with transaction.atomic():
        member = them.at("customer_lead")
        them.kpi = kpi_of(member)
    new = deepcopy(held["new"])
    new |= {"number": 2, "readable_at": "2099-01-01T00:00:00+00:00"}
    new["change"]["edits"] = [{"set": them.kpi, "field": "target", "value": "a lot"}]
    step = {**held, "name": them.people["provider_lead"].name, "new": new, "revision": 1}
    counter = (
        "INSERT INTO agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content) "
        "VALUES (gen_random_uuid(), %s, comity_relationship(), 2, 'counter', comity_side(), comity_person(), now(), "
        "%s::jsonb)"
    )
    assert attempt(them, "provider_lead", counter, pk, json.dumps(step)) == 1
    for who in ("customer_lead", "provider_lead"):
        assert "91" in pages(them, who, pk)
    with transaction.atomic():
        state = queries.change_state(them.at("customer_lead"), row(pk))
    assert (state.state, state.last.number) == (State.PROPOSED, 1)
    assert not sign(them, "customer_lead", pk)


def test_what_the_room_saves_can_be_read(them):
    for template in TEMPLATES:
        for language in ("en", "es"):
            with transaction.atomic():
                member = them.at("provider_lead")
                saved = queries.latest_draft(member, begin_from_template(member, template, language, soon(), None))
                assert sound_draft(saved.content, queries.chain(member)) is not None, template
    assert sound_draft(content().as_json(), []) == content()
    of_nowhere = SetField("nowhere", "target", {"any": "thing"})  # does nothing, and is shown by no page
    assert is_sound([of_nowhere], [], {}, [])
    assert not is_sound([AddClause("nowhere", Kind.PROSE, {}), of_nowhere], [], {}, [])
