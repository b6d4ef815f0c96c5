"""KPIs: one side proposes, the other agrees to exactly that; attacked as each side, by roles without the right."""

from dataclasses import replace
from datetime import date, datetime
from html import unescape
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from procrastinate.contrib.django import app

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books.queries import book_folder, definition
from comity.apps.i18n import words_for
from comity.apps.kpis import operations, queries
from comity.apps.kpis.refusals import Code
from comity.apps.kpis.sentences import kpi_sentence, pins_text
from comity.apps.kpis.terms import Terms, bare, fold, wordings
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Role
from comity.apps.record import operations as record
from comity.apps.record import queries as records
from comity.apps.record.models import Consent, ConsentSubject, EntryKind
from comity.apps.refusal import Refused
from comity.apps.reviews import queries as reviews
from comity.book.definition import AgreedDelivery, kpi_keys, parse_kpis
from comity.core import chain
from comity.core.agreements.kpi import LOWER, Abandons, Kpi, in_force
from comity.core.calendars import Cut
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.turns import every
from tests.room import EVERYBODY, OUTSIDE, Cast, cast, forget_mails, person, run_jobs, sent_mails, started, superuser

pytestmark = pytest.mark.gate
CENTRE = TEMPLATES["contact_centre"]
MAY = date(2026, 5, 1)
SET = Terms(CENTRE, Cut.MONTH, MAY)
STRICT = replace(SET, kpis=(replace(CENTRE[0], target=0.9), *CENTRE[1:]))


@pytest.fixture
def them():
    made = cast()
    made.book(contacts="\n".join(contacts()))
    cache.clear()
    return made


@pytest.fixture
def alone():
    """A customer's lead whose provider nobody has joined yet."""
    started()
    lead = person("Ana")
    with transaction.atomic():
        member = parties.create_relationship(lead, Side.CUSTOMER, "Northwind", "Helpline")
    made = Cast(member.relationship.pk, {"customer_lead": lead})
    made.book(contacts="\n".join(contacts()))
    return made


def propose(them, who="customer_lead", terms=SET, seen=""):
    with transaction.atomic():
        return operations.propose(them.at(who), terms, seen)


def agree(them, digest, who="provider_lead"):
    with transaction.atomic():
        return operations.agree(them.at(who), digest)


def written():
    return run_jobs(operations.WRITE_TASK)


def kpis_of(them, who="auditor"):
    with transaction.atomic():
        return definition(them.at(who)).kpis


def events(them, who="auditor"):
    with transaction.atomic():
        them.at(who)
        logged = AuditEvent.objects.filter(event__startswith="kpis").order_by("at")
        return list(logged.values_list("event", "side"))


def refused(code, call, *arguments, **named):
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    assert caught.value.code == code


# Terms ---------------------------------------------------------------------------------------------------------------

KPIS = st.builds(
    Kpi,
    id=st.sampled_from("abc"),
    measure=st.sampled_from(["service_level", "abandonment", "backlog", "csat"]),
    channels=st.lists(st.sampled_from(["voice", "chat"]), min_size=1, max_size=2).map(tuple),
    answer_within_s=st.integers(0, 900).map(float),
    target=st.none() | st.integers(0, 10_000).map(lambda one: one / 10_000),
    within_days=st.integers(1, 60),
)
SETS = st.lists(KPIS, min_size=1, max_size=3, unique_by=lambda one: one.id).map(tuple)
DAYS = st.integers(1, 12).map(lambda month: date(2026, month, 1))


@given(SETS, DAYS)
def test_terms_read_back_as_they_were_written(kpis, day):
    terms = Terms(kpis, Cut.MONTH, day, (AgreedDelivery("contacts", Side.PROVIDER, "monday 09:00"),))
    assert Terms.from_content(terms.content()) == terms
    assert parse_kpis([kpi_keys(kpi) for kpi in kpis]) == kpis


@given(st.lists(st.tuples(SETS, DAYS), min_size=1, max_size=4), DAYS)
def test_on_each_day_the_set_agreed_last_of_those_begun_holds_whole(agreed, day):
    """A second hand: of the sets that have begun, the last in the record; nothing of an earlier one is left."""
    sets = [(number, MAY, Terms(kpis, Cut.MONTH, start)) for number, (kpis, start) in enumerate(agreed, 1)]
    begun = [terms for _, _, terms in sets if terms.valid_from <= day]
    worded = tuple(wordings(fold(sets)))
    held = [in_force(worded, name, day) for name in "abc"]
    expected = sorted(begun[-1].kpis, key=lambda one: one.id) if begun else []
    assert [bare(one) for one in held if one is not None] == [bare(one) for one in expected]


# Both sides ----------------------------------------------------------------------------------------------------------


def test_a_set_is_in_force_once_the_other_side_has_agreed_to_exactly_that(them):
    forget_mails()
    proposal = propose(them)
    assert kpis_of(them) == ()
    assert {to for mail in sent_mails() for to in mail.to} == {them.people["provider_lead"].email}
    entry = agree(them, proposal.digest)
    assert (entry.kind, entry.subject, entry.content["content"]) == (EntryKind.KPIS, "1", SET.content())
    assert [word["name"] for word in entry.content["words"]] == ["Ana Customer Lead", "Provider Lead"]
    assert written() == 1
    held = kpis_of(them)
    assert tuple(bare(kpi) for kpi in held) == CENTRE
    assert {(kpi.valid_from, kpi.entry, kpi.agreed) for kpi in held} == {(MAY, entry.number, True)}
    assert events(them) == [
        (Event.KPIS_PROPOSED, "customer"), (Event.KPIS_AGREED, "provider"), (Event.KPIS_WRITTEN, "provider"),
    ]  # fmt: skip
    with transaction.atomic():
        exported = records.export_entries(records.entries(them.at("auditor")))
    assert chain.verify([chain.Entry(**one) for one in exported["entries"]]) == entry.digest


def test_nobody_agrees_to_their_own_set_or_to_another_than_the_one_proposed(them):
    proposal = propose(them)
    refused(Code.NO_PROPOSAL, agree, them, proposal.digest, "customer_lead")
    refused(Code.CHANGED, agree, them, chain.digest_of(STRICT.content()))
    later = propose(them, terms=STRICT)
    refused(Code.CHANGED, agree, them, proposal.digest)
    agree(them, later.digest)
    refused(Code.NO_PROPOSAL, agree, them, later.digest)
    assert written() == 1
    assert kpis_of(them)[0].target == 0.9


def test_who_answers_with_another_set_takes_the_proposers_agreement_with_them_and_keeps_it_on_record(them):
    first = propose(them)
    refused(Code.CHANGED, propose, them, "provider_lead", STRICT)  # without having seen it
    refused(Code.SAME, propose, them, "provider_lead", SET, first.digest)
    counter = propose(them, "provider_lead", STRICT, first.digest)
    refused(Code.NO_PROPOSAL, agree, them, first.digest)
    with transaction.atomic():
        (kept,) = queries.replaced_proposals(them.at("auditor"))
    assert (kept.side, kept.digest, kept.content) == ("customer", first.digest, SET.content())
    assert agree(them, counter.digest, "customer_lead").content["content"] == STRICT.content()


def test_of_two_who_propose_at_once_the_second_is_shown_the_first(them):
    outcomes = []

    def press(who, terms):
        try:
            outcomes.append(propose(them, who, terms).side)
        except Refused as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    people = [Thread(target=press, args=one) for one in (("customer_lead", SET), ("provider_lead", STRICT))]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert Code.CHANGED in outcomes
    with transaction.atomic():
        assert queries.proposal(them.at("auditor")).side in outcomes


def test_only_leads_of_a_side_propose_and_agree(them):
    proposal = propose(them)
    for who in EVERYBODY:
        if not who.endswith("_lead"):
            refused(Code.NOT_YOURS, propose, them, who, STRICT, proposal.digest)
            refused(Code.NOT_YOURS, agree, them, proposal.digest, who)


def test_strangers_reach_nothing(them):
    digest = propose(them).digest
    for who in OUTSIDE:
        browser = them.client(who)
        for path, said in (("kpis/", None), ("kpis/agree/", {"digest": digest}), ("kpis/propose/", {"cut": "month"})):
            answer = browser.get(them.url(path)) if said is None else browser.post(them.url(path), said)
            assert answer.status_code == (302 if who is None else 404)
    with transaction.atomic():
        assert queries.agreed_terms(them.at("auditor")) == []


def test_the_database_takes_no_set_that_one_side_alone_gave_its_word_for(them):
    proposal = propose(them)
    for who in ("customer_lead", "provider_lead", "provider_analyst"):
        with pytest.raises(DatabaseError), transaction.atomic():
            record.add_agreed_entry(
                them.at(who), EntryKind.KPIS, ConsentSubject.KPIS, proposal.subject, proposal.content
            )
    with pytest.raises(DatabaseError), transaction.atomic():
        record.give_consent(them.at("provider_analyst"), ConsentSubject.KPIS, proposal.subject, proposal.content)


def test_an_agreed_set_is_changed_only_by_another_that_both_agree_to(them):
    agree(them, propose(them).digest)
    written()
    before = kpis_of(them)
    propose(them, terms=STRICT)
    written()
    assert kpis_of(them) == before
    with pytest.raises(DatabaseError), transaction.atomic():  # the subject is closed
        record.give_consent(them.at("customer_lead"), ConsentSubject.KPIS, "1", STRICT.content())
    with pytest.raises(DatabaseError), transaction.atomic():
        record.void_other_consents(ConsentSubject.KPIS, "1", STRICT.content())


# From when -----------------------------------------------------------------------------------------------------------


def test_a_set_agreed_later_ends_the_one_before_on_its_first_day(them):
    agree(them, propose(them).digest)
    fewer = replace(STRICT, kpis=STRICT.kpis[:2], valid_from=date(2026, 6, 1))
    entry = agree(them, propose(them, terms=fewer).digest)
    written()
    kpis = kpis_of(them)
    assert [in_force(kpis, "service_level", day).target for day in (date(2026, 5, 31), date(2026, 6, 1))] == [0.8, 0.9]
    assert in_force(kpis, "csat", date(2026, 6, 1)) is None
    assert in_force(kpis, "abandonment", date(2026, 7, 1)).valid_from == MAY  # it is the same in both
    assert in_force(kpis, "service_level", date(2026, 6, 1)).entry == entry.number


def test_nobody_makes_a_period_final_by_the_set_before_while_the_agreed_one_is_being_applied(them):
    """One side confirmed and proposed a stricter set; the other agrees, and is quicker than the job."""
    agree(them, propose(them).digest)
    written()
    confirm(them, "customer_lead")
    agree(them, propose(them, terms=STRICT).digest)
    with pytest.raises(Refused, match="being_applied"):
        confirm(them, "provider_lead")
    with superuser() as everybody:  # as after its last attempt
        changed = everybody.execute(
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = %s AND status = 'todo' RETURNING id",
            [operations.WRITE_TASK],
        ).fetchall()
    assert changed
    with pytest.raises(Refused, match="being_applied"):
        confirm(them, "provider_lead")
    with superuser() as everybody:
        everybody.execute(
            "UPDATE procrastinate_jobs SET status = 'todo' WHERE id = ANY(%s)", [[one[0] for one in changed]]
        )
    written()
    assert confirm(them, "provider_lead") is None  # the customer's word was for other figures
    entry = confirm(them, "customer_lead")
    assert entry.content["figures"]["service_level"]["target"] == "0.9"


def test_no_set_holds_from_a_day_that_a_frozen_period_covers(them):
    agree(them, propose(them).digest)
    written()
    waiting = propose(them, terms=STRICT)  # from May, while nothing is frozen
    confirm(them, "customer_lead")
    assert confirm(them, "provider_lead").kind == EntryKind.FROZEN
    refused(Code.CLOSED, agree, them, waiting.digest)
    refused(Code.CLOSED, propose, them, "customer_lead", replace(SET, valid_from=date(2026, 6, 1)))
    with transaction.atomic():
        assert queries.starts(them.at("customer_lead"))[0] == date(2026, 7, 1)
        frozen = records.entries(them.at("auditor")).get(kind=EntryKind.FROZEN).content
    agree(them, propose(them, terms=replace(STRICT, valid_from=date(2026, 7, 1))).digest)
    written()
    with transaction.atomic():
        assert records.entries(them.at("auditor")).get(kind=EntryKind.FROZEN).content == frozen
    assert in_force(kpis_of(them), "service_level", date(2026, 6, 30)).target == 0.8
    page = them.client("customer_lead").get(them.url("review/?period=2026-06&view=joint")).content.decode()
    assert words_for("en")("closing.moved") not in page  # what follows later moves no frozen figure


def test_a_day_that_begins_no_month_and_a_set_that_is_no_set_are_refused(them):
    refused(Code.START, propose, them, terms=replace(SET, valid_from=date(2026, 6, 2)))
    refused(Code.NONE_CHOSEN, propose, them, terms=replace(SET, kpis=()))
    refused(Code.NONE_CHOSEN, propose, them, terms=replace(SET, kpis=CENTRE + CENTRE[:1]))
    refused(Code.UNUSABLE, propose, them, terms=replace(SET, kpis=(replace(CENTRE[0], material=-1.0),)))


# The book ------------------------------------------------------------------------------------------------------------


def test_the_job_writes_once_and_never_back_to_an_earlier_set(them):
    agree(them, propose(them).digest)
    with superuser() as everybody:
        (early,) = everybody.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = %s", [operations.WRITE_TASK]
        ).fetchone()
    agree(them, propose(them, terms=STRICT).digest)
    written()
    file = book_folder(them.relationship) / "book.toml"
    text = file.read_text()
    for _ in range(2):  # a worker that died after its work does it again
        app.tasks[operations.WRITE_TASK].func(**early)
    assert file.read_text() == text
    assert [event for event, _ in events(them)].count(Event.KPIS_WRITTEN) == 1


def test_what_people_wrote_into_the_book_stays(them):
    own = '# ours\n[[kpi]]\nid = "handle_time"\ntarget = 300\n'
    own += '[[source]]\ntable = "contacts"\nby = "provider"\npath = "x.csv"\n'
    them.book(own, contacts="\n".join(contacts()))
    delivery = AgreedDelivery("contacts", Side.PROVIDER, "day 3 09:00")
    agree(them, propose(them, terms=replace(SET, deliveries=(delivery,))).digest)
    written()
    with transaction.atomic():
        known = definition(them.at("auditor"))
    old = in_force(known.kpis, "handle_time", date(2026, 4, 30))
    assert (old.target, old.valid_to) == (300, MAY)
    assert in_force(known.kpis, "handle_time", MAY) is None
    assert known.sources == (AgreedDelivery("contacts", Side.PROVIDER, "day 3 09:00", "x.csv"),)
    assert known.cut is Cut.MONTH
    assert known.private  # of the cast's book


def withdraw(them, digest, who="customer_lead"):
    with transaction.atomic():
        return operations.withdraw(them.at(who), digest)


def test_who_proposed_withdraws_until_the_other_side_agrees_and_what_was_proposed_stays_readable(them):
    first = propose(them)
    page = them.client("customer_lead").get(them.url("kpis/")).content.decode()
    assert "Withdraw proposal" in page
    assert "Withdraw proposal" not in them.client("provider_lead").get(them.url("kpis/")).content.decode()
    refused(Code.NOTHING_TO_WITHDRAW, withdraw, them, first.digest, "provider_lead")
    refused(Code.NOT_YOURS, withdraw, them, first.digest, "auditor")
    refused(Code.CHANGED, withdraw, them, chain.digest_of(STRICT.content()))
    forget_mails()
    answer = them.client("customer_lead").post(them.url("kpis/withdraw/"), {"digest": first.digest})
    assert answer.status_code == 302
    run_jobs()
    assert [mail.subject.partition("] ")[2] for mail in sent_mails()] == ["Northwind Energy withdraws its KPIs"]
    refused(Code.NO_PROPOSAL, agree, them, first.digest)
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert "Withdrawn proposal of Northwind Energy" in them.client(who).get(them.url("kpis/")).content.decode()
    assert events(them) == [(Event.KPIS_PROPOSED, "customer"), (Event.KPIS_WITHDRAWN, "customer")]
    again = propose(them)  # exactly the same set may be proposed again
    agree(them, again.digest)
    written()
    refused(Code.NOTHING_TO_WITHDRAW, withdraw, them, again.digest)  # agreed to: the record holds it


# While the other side has nobody -------------------------------------------------------------------------------------


def test_while_one_is_alone_figures_use_the_proposal_marked_and_nobody_confirms_by_it(alone):
    delivery = AgreedDelivery("contacts", Side.CUSTOMER, "monday 09:00")
    propose(alone, terms=replace(SET, deliveries=(delivery,)))
    assert written() == 1
    held = kpis_of(alone, "customer_lead")
    assert tuple(bare(kpi) for kpi in held) == CENTRE
    assert not any(kpi.agreed for kpi in held)
    with transaction.atomic():
        assert definition(alone.at("customer_lead")).sources == ()  # who delivers is not decided alone
    browser = alone.client("customer_lead")
    for path in ("kpis/", "review/?period=2026-06&view=joint"):
        page = browser.get(alone.url(path)).content.decode()
        assert words_for("en")("levels.not_agreed") in page
    assert words_for("en")("closing.look") not in page
    assert words_for("en")("closing.look") not in browser.get(alone.url("review/?period=2026-06")).content.decode()
    with pytest.raises(Refused) as caught:
        confirm(alone, "customer_lead")
    assert caught.value.code == "not_agreed"


def test_a_proposal_that_is_withdrawn_while_one_is_alone_leaves_the_book_as_it_was(alone):
    own = '[[kpi]]\nid = "handle_time"\ntarget = 300\n'
    alone.book(own, contacts="\n".join(contacts()))
    before = kpis_of(alone, "customer_lead")
    proposal = propose(alone)
    written()
    assert len(kpis_of(alone, "customer_lead")) > len(before)
    withdraw(alone, proposal.digest)
    written()
    assert kpis_of(alone, "customer_lead") == before
    written()  # and once more, as after a lost worker
    assert kpis_of(alone, "customer_lead") == before


CONSENT = "SELECT comity_consent('period', '2026-05', %s, %s)"
FREEZE = "SELECT comity_freeze('2026-05', %s, %s)"


def figures_of(them, change):
    """The figures of May as the room has them, with a change of each wording."""
    with transaction.atomic():
        member = them.at("customer_lead")
        found = reviews.figures(member, reviews.review(member.joint(), "2026-05"), "2026-05")
    return {name: one | {"definition": one["definition"] | change} for name, one in found.items()}


def attack(them, who, sql, figures):
    """Run it over the app's own connection, with nothing in Python before it."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        them.at(who)
        cursor.execute(sql, [chain.digest_of(figures), chain.canonical(figures)])


NOT_AGREED = [{"agreed": False}, {"agreed": None}, {"agreed": "true"}, {"entry": 7}, {"entry": 0}, {"entry": "1"}]


@pytest.mark.parametrize("change", NOT_AGREED, ids=repr)
@pytest.mark.parametrize("who", every(3, ["customer_lead", "provider_lead"]))
def test_the_database_takes_no_confirmation_of_figures_by_kpis_that_are_not_agreed(them, who, change):
    agree(them, propose(them).digest)
    written()
    figures = figures_of(them, change)
    with pytest.raises(DatabaseError, match="not agreed by both"):
        attack(them, who, CONSENT, figures)
    assert list(period_words(them)) == []


def test_the_database_takes_no_entry_that_is_about_another_kpi(them):
    agree(them, propose(them).digest)
    written()
    figures = figures_of(them, {})
    attack(them, "customer_lead", CONSENT, figures)  # entry 1 is about these
    for name, one in figures.items():
        figures[name] = one | {"definition": one["definition"] | {"id": "another"}}
    with pytest.raises(DatabaseError, match="not agreed by both"):
        attack(them, "provider_lead", CONSENT, figures)


def test_the_database_freezes_no_figures_by_kpis_that_are_not_agreed(them):
    """Not even where both gave their word, as in a room whose confirmations are older than this guard."""
    agree(them, propose(them).digest)
    written()
    figures = figures_of(them, {"agreed": False})
    with superuser() as everybody:
        everybody.execute("ALTER TABLE record_consent DISABLE TRIGGER comity_guard_agreed_figures")
    try:
        for who in ("customer_lead", "provider_lead"):
            attack(them, who, CONSENT, figures)
    finally:
        with superuser() as everybody:
            everybody.execute("ALTER TABLE record_consent ENABLE TRIGGER comity_guard_agreed_figures")
    for who in ("customer_lead", "provider_lead"):
        with pytest.raises(DatabaseError, match="not agreed by both"):
            attack(them, who, FREEZE, figures)


def test_an_entry_that_the_record_does_not_have_is_no_agreement(them):
    """As in a book that was copied from another room, or that somebody wrote it into."""
    own = '[[kpi]]\nid = "service_level"\ntarget = 0.8\nentry = 3\n'
    them.book(own, contacts="\n".join(contacts()))
    for who in ("customer_lead", "provider_lead"):
        refused("not_agreed", confirm, them, who)


def period_words(them):
    with transaction.atomic():
        them.at("auditor")
        return list(Consent.objects.filter(subject_type=ConsentSubject.PERIOD))


def test_who_joins_is_asked_and_until_they_agree_their_absence_decides_nothing(alone):
    first = propose(alone)
    written()
    alone.people["provider_lead"] = person("Ben")
    with transaction.atomic():
        _, token = parties.invite(
            alone.at("customer_lead"), alone.people["provider_lead"].email, Role.LEAD, Side.PROVIDER
        )
        parties.accept_invitation(alone.people["provider_lead"], token)
    today = alone.client("provider_lead").get(alone.url()).content.decode()
    assert words_for("en")("kpis.proposed_by", party="Northwind") in today
    propose(alone, terms=STRICT)  # no more at once
    assert written() == 0
    assert kpis_of(alone, "provider_lead")[0].target == 0.8
    refused(Code.CHANGED, agree, alone, first.digest)
    agree(alone, chain.digest_of(STRICT.content()))
    written()
    held = kpis_of(alone, "provider_lead")
    assert {kpi.agreed for kpi in held} == {True}
    assert held[0].target == 0.9
    confirm(alone, "customer_lead")
    assert confirm(alone, "provider_lead").kind == EntryKind.FROZEN


# The page ------------------------------------------------------------------------------------------------------------


def test_a_template_is_proposed_as_sentences_and_agreed_to_on_the_page(them):
    customer, provider = them.client("customer_lead"), them.client("provider_lead")
    page = customer.get(them.url("kpis/?template=contact_centre"))
    assert page.status_code == 200
    run_jobs("kpis.values")
    page = customer.get(them.url("kpis/?template=contact_centre")).content.decode()
    assert "46.7" in page  # 28 of 60 within 20 s; see `contacts`
    said = {"template": "contact_centre", "seen": "", "cut": "month", "valid_from": "2026-05-01"}
    for number in range(len(CENTRE)):
        said |= {f"use_{number}": "on", f"target_{number}": 80, f"pin_{number}": 30, f"channel_{number}": "voice"}
    for number in (0, 1):
        said |= {
            f"table_{number}": "",
            f"by_{number}": "provider",
            f"day_{number}": "monday",
            f"time_{number}": "09:00",
        }
    assert customer.post(them.url("kpis/propose/"), said).status_code == 302
    page = provider.get(them.url("kpis/")).content.decode()
    assert "At least 80 % of calls are answered within 30 seconds, by month." in page
    with transaction.atomic():
        digest = queries.proposal(them.at("auditor")).digest
    assert digest in page
    assert words_for("en")("kpis.agree") not in customer.get(them.url("kpis/")).content.decode()
    assert provider.post(them.url("kpis/agree/"), {"digest": digest}).status_code == 302
    written()
    page = them.client("auditor").get(them.url("kpis/")).content.decode()
    assert "At least 80 % of calls are answered within 30 seconds, by month." in page
    assert words_for("en")("kpis.by_entry", number=1) in page


def test_a_kpi_that_the_records_cannot_answer_is_marked_where_it_is_ticked(them):
    """The contacts name no caller: repeated contacts are known of no month."""
    browser = them.client("customer_lead")
    page = browser.get(them.url("kpis/?template=contact_centre")).content.decode()
    (row,) = (one for one in page.split('<li class="sentence">')[1:] if "are followed by another within" in one)
    assert "Cannot be counted from the records so far" in row
    (row,) = (one for one in page.split('<li class="sentence">')[1:] if "are answered within" in one)
    assert "Cannot be counted" not in row
    assert "A change smaller than this is called steady" in page  # what “Too small to act on below” says


def test_the_form_says_from_which_records_a_kpi_is_counted(them):
    """Where contacts and intervals could both answer; a KPI of tickets alone has no such choice."""
    customer = them.client("customer_lead")
    page = customer.get(them.url("kpis/?template=service_desk")).content.decode()
    measures = [kpi.measure for kpi in TEMPLATES["service_desk"]]
    either = measures.index("service_level")
    assert [number for number in range(len(measures)) if f'name="records_{number}"' in page] == [either]
    said = {"template": "service_desk", "seen": "", "cut": "month", "valid_from": "2026-05-01"}
    for number in range(len(measures)):
        said |= {f"use_{number}": "on", f"target_{number}": 80, f"pin_{number}": 30, f"channel_{number}": "*"}
    for number in (0, 1):
        said |= {
            f"table_{number}": "",
            f"by_{number}": "provider",
            f"day_{number}": "monday",
            f"time_{number}": "09:00",
        }
    assert customer.post(them.url("kpis/propose/"), said | {f"records_{either}": "surveys"}).status_code == 422
    assert customer.post(them.url("kpis/propose/"), said | {f"records_{either}": "intervals"}).status_code == 302
    page = them.client("provider_lead").get(them.url("kpis/")).content.decode()
    assert "Counted from: intervals" in page
    with transaction.atomic():
        terms = Terms.from_content(queries.proposal(them.at("auditor")).content)
    assert [kpi.records for kpi in terms.kpis] == ["intervals" if at == either else None for at in range(len(measures))]
    page = customer.get(them.url("kpis/")).content.decode()  # the form goes on from what was proposed
    assert '<option value="intervals" selected>' in page


def test_a_template_cannot_change_unread_how_a_kpi_counts(them):
    """Its sentence is the same: what differs is how abandons and queues count, and by how much a figure must move."""
    them.book("""[review]
period = "month"
[[kpi]]
id = "service_level"
measure = "service_level"
abandons = "count"
queues = ["help"]
target = 0.8
""", contacts="\n".join(contacts()))  # fmt: skip
    agreed = replace(SET, kpis=(replace(CENTRE[0], material=0.2),))
    propose(them, "provider_lead", agreed)
    page = unescape(them.client("customer_lead").get(them.url("kpis/")).content.decode())
    words = words_for("en")
    (shown,) = {one for one in page.split("<li>") if words("kpis.is_changed") in one}
    for text in ("Abandons was all abandons count", "Abandons: short abandons excluded", "Queues was help",
                 "Short abandon was none", "Short abandon: 5 s"):  # fmt: skip
        assert text in shown.replace("\u00a0", " "), shown
    assert words("kpis.material") + ": 20" in shown


@pytest.mark.parametrize(
    "change",
    [
        {"queues": ("help",)}, {"channels": ("voice",)}, {"answer_within_s": 30.0}, {"short_abandon_s": 6.0},
        {"abandons": Abandons.EXCLUDE_ALL}, {"target": 0.7}, {"target": None}, {"material": 0.2}, {"better": LOWER},
        {"volume_band": 0.1}, {"patience_s": 60.0}, {"queue_map": {"a": "b"}}, {"measure": "occupancy"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "es"])
def test_sets_that_count_otherwise_read_otherwise(language, change):
    kpi, words = CENTRE[0], words_for(language)
    shown = {
        (kpi_sentence(one, Cut.MONTH, words), pins_text(one, words)) for one in (kpi, replace(kpi, **change))
    }  # the identifier alone is in neither
    assert len(shown) == 2


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_kpi_of_every_template_is_a_sentence(language):
    for kpis in TEMPLATES.values():
        for kpi in kpis:
            for target in (kpi.target, None):
                sentence = kpi_sentence(replace(kpi, target=target), Cut.MONTH, words_for(language))
                assert sentence.endswith(".")
                assert "\x00" not in sentence
                assert "{" not in sentence


def test_a_figure_of_a_past_month_is_said_to_be_by_the_wording_in_force_which_says_when_it_ends(them):
    toml = KPI.replace("target = 0.8", 'target = 0.8\nvalid_from = "2026-06-01"\nvalid_to = "2090-03-01"')
    assert "valid_to" in toml
    them.book(toml, contacts="\n".join(contacts()))
    page = them.client("provider_lead").get(them.url("kpis/")).content.decode()
    assert words_for("en")("kpis.by_this_wording", month="June\u00a02026") in page
    assert words_for("en")("kpis.ends", day=words_for("en").day(date(2090, 2, 28))) in page


def test_when_both_sides_agreed_is_shown_on_the_readers_own_clock(them):
    """As every other time on the page is, and not in UTC."""
    entry = agree(them, propose(them).digest)
    client = them.client("provider_lead")
    client.post("/account/display/", {"time_zone": "Asia/Kolkata", "appearance": "system"})
    page = " ".join(client.get(them.url("kpis/")).content.decode().split())
    for word in entry.content["words"]:
        local = datetime.fromisoformat(word["at"]).astimezone(ZoneInfo("Asia/Kolkata"))
        assert f"{local:%Y}, {local:%H:%M}</span>" in page
        assert f"{word['at'][11:16]} UTC" not in page
