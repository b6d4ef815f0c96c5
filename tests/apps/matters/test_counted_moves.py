"""The page of moves: what is recorded with its numbers, and what nobody records yet without any."""

from html import unescape

import pytest

from comity.apps.i18n import words_for
from comity.apps.matters import book_rows
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.spiral.moves import NOT_RECORDED, RECORDED
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.builders.programs import ask
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    """The customer has disputed a figure, and the provider has declined what it needed."""
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    made.tokens = {}
    raised(made, "customer_lead")
    moved(made, "provider_lead", raised(made, "customer_lead", Kind.NEED), Move.DECLINE)
    run_jobs(book_rows.TASK)
    return made


def shown(them, who, language="en"):
    browser = them.client(who)
    browser.cookies["django_language"] = language
    return unescape(browser.get(them.url("matters/moves/"), headers={"accept-language": language}).content.decode())


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_kind_that_nobody_records_is_named_without_a_number(them, language):
    words = words_for(language)
    page = shown(them, "auditor", language)
    recorded, missing = page.split('id="h-missing"')
    for kind in NOT_RECORDED:
        assert words(f"moves.kind_{kind}") in missing
        assert words(f"moves.strained_{kind}") not in recorded
    for kind in RECORDED:
        assert words(f"moves.strained_{kind}") in recorded
    zero = words("moves.counts", strained=0, ordinary=0)
    assert zero in recorded
    assert zero not in missing


def test_both_sides_read_the_same_numbers_on_the_page_and_by_program(them):
    def main(who):
        return shown(them, who).split("<main")[1].split("h-missing")[0]

    assert main("customer_lead") == main("provider_lead")
    told = [ask(them, who, "moves").json() for who in ("customer_lead", "provider_lead", "auditor")]
    assert told[0] == told[1] == told[2]
    by = {one["kind"]: one for one in told[0]["kinds"]}
    assert by["dispute"]["customer"] == {"strained": 1, "ordinary": 0}
    assert by["declined"]["provider"] == {"strained": 1, "ordinary": 0}
    assert by["declined"]["customer"] == {"strained": 0, "ordinary": 0}
    assert [one["recorded"] for one in told[0]["kinds"]].count(True) == len(RECORDED)
    for kind in NOT_RECORDED:
        assert (by[kind]["recorded"], by[kind]["customer"], by[kind]["provider"]) == (False, None, None)


def test_before_anything_is_in_the_book_nothing_is_counted():
    them = cast()
    them.tokens = {}
    assert words_for("en")("moves.not_written") in shown(them, "customer_lead")
    told = ask(them, "customer_lead", "moves").json()
    assert told["since"] is None
    assert {one["customer"] for one in told["kinds"]} == {None}
