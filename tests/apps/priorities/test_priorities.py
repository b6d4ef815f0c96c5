"""Rounds of priorities: started, written and sealed apart, opened at once, settled; attacked as the other side."""

import json
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, connections, transaction

from comity.apps.agreements import operations as agreements
from comity.apps.agreements import queries as agreement_queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.audit.models import AuditEvent, Event
from comity.apps.i18n import words_for
from comity.apps.priorities import operations, queries, tasks
from comity.apps.priorities.models import Outcome, Ranking, Round
from comity.apps.priorities.refusals import Code
from comity.apps.record import queries as records
from comity.apps.refusal import Refused
from comity.core import chain
from comity.core.agreements import priorities as core
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import Text
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.priorities import (
    BELIEVED,
    KPIS,
    NEEDS,
    entry_of,
    joint,
    opened,
    proposed,
    ranking,
    row,
    saved,
    sealed,
    started,
    with_kpis,
)
from tests.room import forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate
WORDS = words_for("en")


@pytest.fixture
def them():
    return with_kpis()


def refused(code, call, *arguments, **named):
    with pytest.raises(Refused) as error, transaction.atomic():
        call(*arguments, **named)
    assert error.value.code is code, error.value


def seal(them, who, pk, number=1):
    with transaction.atomic():
        return operations.seal(them.at(who), row(pk), number)


def withdraw(them, who, pk):
    with transaction.atomic():
        operations.withdraw(them.at(who), row(pk))


def agree(them, who, pk, digest):
    with transaction.atomic():
        return operations.agree_to_order(them.at(who), row(pk), digest, WORDS)


def outcome(them, pk, who="auditor"):
    with transaction.atomic():
        them.at(who)
        return row(pk).outcome


def events(them, who):
    with transaction.atomic():
        them.at(who)
        return list(AuditEvent.objects.order_by("at").values_list("event", flat=True))


def all_rows(pk):
    """What is written in a round, as nobody in the room sees it: side, and whether it is sealed."""
    with superuser() as everybody:
        found = everybody.execute(
            "SELECT side, sealed_at IS NOT NULL FROM priorities_ranking WHERE round_id = %s ORDER BY side", [pk]
        )
        return found.fetchall()


def backdated(them, pk, days):
    """The round's last day is so many days ago, where the relationship is."""
    with transaction.atomic():
        today = agreement_queries.today(them.at("auditor"))
    with superuser() as everybody:
        everybody.execute(
            "UPDATE priorities_round SET closes_on = %s WHERE id = %s", [today - timedelta(days=days), pk]
        )


def test_from_a_start_to_an_order_in_the_agreement(them):
    forget_mails()
    pk = started(them)
    (told,) = sent_mails()
    assert told.to == [them.people["provider_lead"].email]
    assert sealed(them, "customer_lead", pk) is None
    entry = sealed(them, "provider_lead", pk)
    assert entry is not None
    assert entry.content["kind"] == "priorities"
    assert {word["name"] for word in entry.content["words"]} == {"Ana Customer Lead", "Provider Lead"}
    assert all_rows(pk) == []
    with transaction.atomic():
        both = queries.opened(them.at("auditor"), row(pk))
        assert both.rankings == {side: ranking(side.value) for side in Side}
        document = records.export_entries(records.entries(them.at("auditor")))
    assert chain.verify(chain.parse_record(chain.canonical(document))) == entry.digest
    first = core.gaps(both.rankings)[0]
    assert (first.kpi, dict(first.places)) == ("repeat_contact", {"customer": 1, "provider": 4})

    word = proposed(them, "customer_lead", pk)
    change = agree(them, "provider_lead", pk, word.digest)
    with transaction.atomic():
        member = them.at("customer_lead")
        assert [one.kind for one in records.entries(member)] == ["priorities", "joint_order"]
        assert queries.settled_order(queries.settled(member, row(pk))) == joint()
        draft = agreement_queries.drafts(member, Change.objects.get(pk=change.pk))["shared"]
        edits = agreement_queries.draft_content(draft, agreement_queries.chain(member)).edits
    assert len(edits) == 3 * len(KPIS)
    assert SetField("csat", "priority", 3) in edits
    assert SetField("csat", "provider_owner", "Ben") in edits
    # Both sides see the draft, and it can be proposed once it has a day.
    with transaction.atomic():
        member = them.at("customer_lead")
        mine = Change.objects.get(pk=change.pk)
        content = agreement_queries.draft_content(
            agreement_queries.drafts(member, mine)["shared"], agreement_queries.chain(member)
        )
        day = agreement_queries.today(member) + timedelta(days=40)
        agreements.save_draft(member, mine, DraftContent(day, None, content.edits, (), content.says), draft.number)
        agreements.propose(member, mine, draft.number + 1)
        assert mine.number == 2  # after the KPIs of the file


def test_kpis_of_a_proposed_change_are_in_the_round_by_name(them):
    with transaction.atomic():
        member = them.at("provider_lead")
        day = agreement_queries.today(member) + timedelta(days=30)
        says = {"title": "More", "reason": "More.", "carried_out_by": "provider", "expects_nothing": "Nothing."}
        new = add("handle_time", Kind.KPI, "", measure="handle_time", target="300")
        change = agreements.begin_draft(member, DraftContent(day, None, (new,), (), says))
        agreements.propose(member, change, 1)
        # A draft that nobody proposed is nobody's KPI.
        other = add("reopen", Kind.KPI, "", measure="reopen", target="0.1")
        agreements.begin_draft(member, DraftContent(day, None, (other,), (), says))
    pk = started(them, "provider_lead")
    with transaction.atomic():
        member = them.at("customer_lead")
        found = queries.kpis(member, row(pk))
        assert [one.id for one in found] == [*KPIS, "handle_time"]
        assert (found[-1].change, found[-1].clause.fields["measure"]) == (2, "handle_time")
        agreements.end(member, Change.objects.get(pk=change.pk), agreements.StepKind.DECLINE, "Not now.")
    with transaction.atomic():  # it keeps its name, whatever becomes of the change
        assert queries.kpis(them.at("customer_lead"), row(pk))[-1].clause.fields["measure"] == "handle_time"
    numbers = {kpi: place for place, kpi in enumerate([*KPIS, "handle_time"], 1)}
    sealed(them, "customer_lead", pk, core.ranking_of(numbers, []))
    assert sealed(them, "provider_lead", pk, core.ranking_of(numbers, []))
    word = proposed(them, "provider_lead", pk, joint(*numbers))
    change = agree(them, "customer_lead", pk, word.digest)
    with transaction.atomic():  # what is not agreed has no place in the text yet
        member = them.at("customer_lead")
        assert queries.kpis_left(member, queries.settled_order(queries.settled(member, row(pk)))) == ["handle_time"]
        draft = agreement_queries.drafts(member, Change.objects.get(pk=change.pk))["shared"]
        assert {
            edit.clause for edit in agreement_queries.draft_content(draft, agreement_queries.chain(member)).edits
        } == set(KPIS)


def test_who_may_start_save_and_seal(them):
    with transaction.atomic():
        closes = agreement_queries.today(them.at("auditor")) + timedelta(days=9)
    for who in ("customer_analyst", "customer_executive", "mediator", "auditor"):
        refused(Code.NOT_YOURS, lambda who=who: operations.start(them.at(who), closes))
    pk = started(them, "provider_lead")
    for who in ("mediator", "auditor", "customer_member"):
        refused(Code.NOT_YOURS, saved, them, who, pk, ranking("customer"))
    assert saved(them, "customer_analyst", pk) == 1
    for who in ("customer_analyst", "customer_executive", "mediator"):
        refused(Code.NOT_YOURS, seal, them, who, pk)
    assert seal(them, "customer_lead", pk) is None
    for who in ("customer_lead", "mediator"):  # the provider started it
        refused(Code.NOT_YOURS, withdraw, them, who, pk)
    with transaction.atomic():  # who may not read what the side keeps to itself reads no order either
        assert queries.own_ranking(them.at("customer_member"), row(pk)) is None
        assert queries.own_ranking(them.at("customer_analyst"), row(pk)) is not None


def test_a_round_is_refused_for_a_wrong_day_beside_another_and_with_one_kpi(them):
    for days in (0, -1, 61):
        refused(Code.DAY, started, them, "customer_lead", days)
    started(them)
    refused(Code.OPEN_ALREADY, started, them, "provider_lead")
    with_one = with_kpis()
    with_one.book('[review]\nperiod = "month"\n[[kpi]]\nid = "service_level"\ntarget = 0.8\n')
    refused(Code.FEW_KPIS, started, with_one)


def test_a_draft_is_saved_once_and_whole_before_it_is_sealed(them):
    pk = started(them)
    half = core.ranking_of({KPIS[0]: 1}, [])
    assert saved(them, "customer_lead", pk, half) == 1
    refused(Code.SAVED_MEANWHILE, saved, them, "customer_analyst", pk, half)
    refused(Code.NOT_WHOLE, seal, them, "customer_lead", pk)
    assert saved(them, "customer_analyst", pk, seen=1) == 2
    refused(Code.SAVED_MEANWHILE, seal, them, "customer_lead", pk, 1)  # not what the lead was shown
    refused(Code.SAVED_MEANWHILE, seal, them, "provider_lead", pk, 1)  # there is none of theirs
    refused(Code.NOT_ALL, saved, them, "customer_lead", pk, core.ranking_of({"invented": 1}, []), 2)
    assert seal(them, "customer_lead", pk, 2) is None


def test_what_is_sealed_changes_no_more(them):
    pk = started(them)
    sealed(them, "customer_lead", pk)
    refused(Code.SEALED, saved, them, "customer_lead", pk, seen=1)
    refused(Code.SEALED, seal, them, "customer_lead", pk)
    for change in (
        "UPDATE priorities_ranking SET content = '{}', number = 9",
        "DELETE FROM priorities_ranking",
        "UPDATE priorities_ranking SET digest = ''",
        "UPDATE priorities_ranking SET sealed_at = NULL",
    ):
        with transaction.atomic():
            them.at("customer_lead")
            before = Ranking.objects.values().get()
        with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            them.at("customer_lead")
            cursor.execute(change)
            assert cursor.rowcount == 0, change
        with transaction.atomic():
            them.at("customer_lead")
            assert Ranking.objects.values().get() == before, change
    # After seeing the other's order nothing can be sealed either, nor anything in the record altered.
    sealed(them, "provider_lead", pk)
    for who in ("customer_lead", "provider_lead"):
        refused(Code.ENDED, saved, them, who, pk)
        refused(Code.ENDED, seal, them, who, pk)
        refused(Code.ENDED, withdraw, them, "customer_lead", pk)


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT comity_seal_priorities('{round}', repeat('0', 64), repeat('0', 32))",  # another content than was shown
        "SELECT comity_seal_priorities('{round}', repeat('0', 64), '')",
        "SELECT comity_end_priorities('{round}', 'withdrawn')",  # the other side started it
        "SELECT comity_end_priorities('{round}', 'expired')",  # its day is not over
        "SELECT comity_end_priorities('{round}', 'revealed')",
        "SELECT comity_append('priorities', 'priorities', '{round}', '{{}}')",
        "SELECT comity_settle('priorities', 'priorities', '{round}', '{{}}')",
        "SELECT comity_consent('priorities', '{round}', repeat('0', 64), '{{}}')",
        "UPDATE priorities_round SET closes_on = current_date",
        "UPDATE priorities_round SET outcome = 'revealed', ended_at = now()",
        "DELETE FROM priorities_round",
        (
            "INSERT INTO audit_event (id, relationship_id, at, event, data, shared) VALUES (gen_random_uuid(), "
            "comity_relationship(), now(), 'priorities_expired', '{{}}', true)"
        ),
    ],
)
def test_the_database_refuses_the_other_side(attack):
    them = with_kpis()
    pk = started(them, "provider_lead")
    saved(them, "customer_lead", pk)
    sealed(them, "provider_lead", pk)
    with pytest.raises(DatabaseError, match=r"comity: |permission denied|row-level security"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(attack.format(round=pk))
    assert outcome(them, pk) == ""
    assert all_rows(pk) == [("customer", False), ("provider", True)]


def test_row_level_security_hides_the_other_sides_row(them):
    pk = started(them)
    sealed(them, "customer_lead", pk)
    with transaction.atomic():
        for who in ("provider_lead", "provider_member", "auditor", "mediator"):
            them.at(who)
            assert not Ranking.objects.exists(), who
            assert Ranking.objects.update(number=9) == 0
        for side in Side:
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                member = them.at("provider_lead" if side is Side.CUSTOMER else "mediator")
                Ranking.objects.create(
                    round=row(pk), relationship=member.relationship, side=side, person=member.membership.person,
                    content={},
                )  # fmt: skip
    with transaction.atomic():  # neither in a round of another relationship, nor in one that has ended
        other = with_kpis()
        foreign = started(other)
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        member = them.at("provider_lead")
        Ranking.objects.create(
            round_id=foreign, relationship=member.relationship, side=Side.PROVIDER, person=member.membership.person,
            content={},
        )  # fmt: skip
    for who in ("stranger", "former"):
        assert other.client(who).get(them.url(f"agreement/priorities/{pk}/")).status_code == 404


def test_a_withdrawn_round_is_erased_and_tells_not_who_had_sealed(them):
    told = {}
    for sealer in (None, "customer_lead", "provider_lead"):
        pk = started(them)
        saved(them, "provider_analyst", pk)
        if sealer is not None:
            sealed(them, sealer, pk, seen=1 if sealer == "provider_lead" else 0)
        forget_mails()
        withdraw(them, "customer_lead", pk)
        assert all_rows(pk) == []
        assert outcome(them, pk) == Outcome.WITHDRAWN
        told[sealer] = sorted((one.to, one.subject, one.body.replace(str(pk), "")) for one in sent_mails())
        with superuser() as everybody:  # nothing of it is anywhere
            tables = everybody.execute(
                "SELECT table_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND column_name = 'relationship_id'"
            ).fetchall()
            kept = [
                everybody.execute(f"SELECT t::text FROM {name} t WHERE relationship_id = %s", [them.relationship])
                for (name,) in tables
            ]
            text = str([one.fetchall() for one in kept])
        assert str(pk) in text
        assert not any(secret in text for secret in (*NEEDS["provider"], *NEEDS["customer"]))
        assert entry_of(them, pk) is None
    assert told[None] == told["customer_lead"] == told["provider_lead"]
    assert {address for to, *_ in told[None] for address in to} == {them.people[f"{side}_lead"].email for side in Side}


def test_a_round_ends_by_itself_when_its_last_day_is_over(them):
    told = {}
    for sealer in ("customer_lead", "provider_lead", None):
        pk = started(them)
        if sealer is not None:
            sealed(them, sealer, pk)
        backdated(them, pk, 0)
        tasks.tick(0)
        assert outcome(them, pk) == ""  # its last day still runs
        backdated(them, pk, 3)
        refused(Code.ENDED, saved, them, "provider_lead", pk, seen=1 if sealer == "provider_lead" else 0)
        refused(Code.ENDED, seal, them, "provider_lead", pk)
        forget_mails()
        tasks.tick(0)
        tasks.tick(0)
        assert outcome(them, pk) == Outcome.EXPIRED
        assert all_rows(pk) == []
        told[sealer] = sorted((one.to, one.subject, one.body.replace(str(pk), "")) for one in sent_mails())
    assert told[None] == told["customer_lead"] == told["provider_lead"]
    assert len(told[None]) == 2
    with transaction.atomic():
        them.at("auditor")
        logged = AuditEvent.objects.filter(event=Event.PRIORITIES_EXPIRED)
        assert [(one.person, one.side, one.data) for one in logged] == [(None, None, {})] * 3


def test_only_a_side_that_has_not_sealed_is_reminded_once(them):
    pk = started(them)
    sealed(them, "customer_lead", pk)
    forget_mails()
    tasks.tick(0)
    assert sent_mails() == []
    backdated(them, pk, -1)
    tasks.tick(0)
    tasks.tick(0)
    assert [one.to for one in sent_mails()] == [[them.people["provider_lead"].email]]


def test_the_seal_is_mailed_to_the_sealer_alone_and_proves_what_was_sealed(them):
    pk = started(them)
    forget_mails()
    sealed(them, "customer_lead", pk)
    (mail,) = sent_mails()
    assert mail.to == [them.people["customer_lead"].email]
    ((name, content, kind),) = mail.attachments
    document = json.loads(content)
    assert (name.endswith(".json"), kind) == (True, "application/json")
    assert chain.is_sealed(document)
    assert len(bytes.fromhex(document["random"])) * 8 == 128
    assert core.parse_ranking(document["content"]) == ranking("customer")
    assert document["digest"] in mail.body
    assert document["random"] in mail.body
    with superuser() as everybody:  # a failure of that mail is its side's to know
        asked = everybody.execute("SELECT args->'sides' FROM procrastinate_jobs WHERE task_name = 'outbox.mail'")
        assert all(sides == ["customer"] for (sides,) in asked.fetchall())
    sealed(them, "provider_lead", pk)
    held = entry_of(them, pk).content["content"]["seals"]["customer"]
    assert {name: document[name] for name in held} == held


def test_random_bits_differ_from_seal_to_seal(them):
    seals = []
    for _ in range(2):
        pk = started(them)
        sealed(them, "customer_lead", pk)
        with transaction.atomic():
            them.at("customer_lead")
            seals.append((Ranking.objects.get().random, Ranking.objects.get().digest))
        withdraw(them, "customer_lead", pk)
    assert len({random for random, _ in seals}) == len({digest for _, digest in seals}) == 2


def test_both_seal_at_the_same_moment_and_both_open_exactly_once(them):
    for _ in range(3):
        pk = started(them)
        for who in ("customer_lead", "provider_lead"):
            saved(them, who, pk)
        ready, found = threading.Barrier(2), {}

        def work(who, pk=pk, ready=ready, found=found):
            ready.wait(10)
            try:
                found[who] = seal(them, who, pk)
            finally:
                connections.close_all()

        both = [threading.Thread(target=work, args=(who,)) for who in ("customer_lead", "provider_lead")]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert sorted(entry is not None for entry in found.values()) == [False, True]
        assert outcome(them, pk) == Outcome.REVEALED
        with transaction.atomic():
            member = them.at("auditor")
            assert records.entries(member, queries.ConsentSubject.PRIORITIES, str(pk)).count() == 1
            assert AuditEvent.objects.filter(event=Event.PRIORITIES_REVEALED).count() >= 1
        assert all_rows(pk) == []
    assert events(them, "auditor").count(Event.PRIORITIES_REVEALED) == 3


def test_a_withdrawal_against_a_seal_at_the_same_moment_is_one_or_the_other(them):
    """The starter hears of the other's seal by nothing, and withdraws nothing that has been opened."""
    for _ in range(3):
        pk = started(them)
        sealed(them, "customer_lead", pk)
        saved(them, "provider_lead", pk)
        ready, found = threading.Barrier(2), {}

        def work(name, call, pk=pk, ready=ready, found=found):
            ready.wait(10)
            try:
                found[name] = call(pk)
            except Refused as refusal:
                found[name] = refusal.code
            finally:
                connections.close_all()

        calls = {
            "seal": lambda pk: seal(them, "provider_lead", pk),
            "end": lambda pk: withdraw(them, "customer_lead", pk),
        }
        both = [threading.Thread(target=work, args=one) for one in calls.items()]
        for one in both:
            one.start()
        for one in both:
            one.join()
        if outcome(them, pk) == Outcome.REVEALED:
            assert found["end"] is Code.ENDED
            assert entry_of(them, pk) is not None
        else:
            assert (outcome(them, pk), found["seal"]) == (Outcome.WITHDRAWN, Code.ENDED)
            assert entry_of(them, pk) is None
        assert all_rows(pk) == []


def test_an_order_is_agreed_to_by_exactly_its_digest_and_by_the_other_side(them):
    pk = started(them)
    refused(Code.NOT_REVEALED, proposed, them, "customer_lead", pk)
    sealed(them, "customer_lead", pk)
    refused(Code.NOT_REVEALED, proposed, them, "customer_lead", pk)
    sealed(them, "provider_lead", pk)
    refused(Code.NO_PROPOSAL, agree, them, "provider_lead", pk, "")
    for who in ("customer_analyst", "customer_executive", "mediator", "auditor"):
        refused(Code.NOT_YOURS, proposed, them, who, pk)
    first = proposed(them, "customer_lead", pk)
    refused(Code.SAME, proposed, them, "customer_lead", pk)
    refused(Code.NO_PROPOSAL, agree, them, "customer_lead", pk, first.digest)  # not to one's own
    for who in ("provider_analyst", "mediator"):
        refused(Code.NOT_YOURS, agree, them, who, pk, first.digest)
    second = proposed(them, "customer_lead", pk, joint(*reversed(KPIS)))
    refused(Code.CHANGED, agree, them, "provider_lead", pk, first.digest)
    refused(Code.CHANGED, proposed, them, "provider_lead", pk, joint(), first.digest)  # it answers what is gone
    third = proposed(them, "provider_lead", pk, joint(), second.digest)
    refused(Code.NO_PROPOSAL, agree, them, "provider_lead", pk, third.digest)
    agree(them, "customer_lead", pk, third.digest)
    refused(Code.SETTLED, proposed, them, "customer_lead", pk, joint(*reversed(KPIS)))
    refused(Code.SETTLED, agree, them, "customer_lead", pk, third.digest)


@pytest.mark.parametrize(
    ("order", "code"),
    [(joint(*KPIS[:2]), Code.NOT_ALL), (joint(*KPIS, "x"), Code.NOT_ALL), (joint(provider=" "), Code.OWNERS)],
)
def test_an_order_that_cannot_stand_is_refused(them, order, code):
    pk = opened(them)
    refused(code, proposed, them, "customer_lead", pk, order)


def test_only_the_latest_round_with_a_result_settles_an_order(them):
    first = opened(them)
    opened(them)
    refused(Code.LATER, proposed, them, "customer_lead", first)


def test_what_is_settled_is_drafted_again_only_while_the_agreement_lacks_it(them):
    pk = opened(them)
    with transaction.atomic():
        member = them.at("customer_lead")
        with pytest.raises(Refused) as error:
            operations.draft_order(member, row(pk), WORDS)
        assert error.value.code is Code.NOT_SETTLED
    change = agree(them, "provider_lead", pk, proposed(them, "customer_lead", pk).digest)
    with transaction.atomic():  # there is one already
        assert operations.draft_order(them.at("customer_lead"), row(pk), WORDS).pk == change.pk
        assert Change.objects.count() == 1


def test_a_paid_kpi_that_both_rank_last_is_pointed_out(them, monkeypatch):
    with transaction.atomic():
        read = agreement_queries.text_of(them.at("auditor"))
    paid = [
        one if one.id != "csat" else replace(one, fields={**one.fields, "credit_allocation": [{"price": "voice"}]})
        for one in read.clauses
    ]
    monkeypatch.setattr(queries, "text_of_round", lambda *_: Text(tuple(paid)))
    sentence = "Money hangs on it, and both sides rank it last: CSAT."
    pk = opened(them)  # the customer ranks it last, the provider third
    assert sentence not in them.client("auditor").get(them.url(f"agreement/priorities/{pk}/")).content.decode()
    pk = started(them)
    last = dict.fromkeys(KPIS, 1) | {"csat": 2}
    sealed(them, "customer_lead", pk, core.ranking_of(last, []))
    sealed(them, "provider_lead", pk, core.ranking_of(last, ["csat"]))
    assert sentence in them.client("auditor").get(them.url(f"agreement/priorities/{pk}/")).content.decode()


def test_needs_of_both_stand_beside_what_the_other_believed(them):
    pk = opened(them)
    for who in ("customer_lead", "provider_member", "auditor"):
        page = them.client(who).get(them.url(f"agreement/priorities/{pk}/")).content.decode()
        for side in Side:
            needs = page.index(NEEDS[side][0])
            believed = page.index(BELIEVED[side.other][0])
            assert needs < believed, who
            assert page.count(NEEDS[side][0]) == page.count(BELIEVED[side][0]) == 1


def test_removing_a_person_leaves_what_was_sealed(them):
    """Their place ends, and with it their rights; the record keeps the name of then."""
    pk = started(them)
    saved(them, "provider_analyst", pk)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET left_at = now() WHERE person_id = %s", [them.people["provider_analyst"].pk]
        )
    assert sealed(them, "customer_lead", pk) is None
    assert seal(them, "provider_lead", pk) is not None


def test_the_log_tells_what_happened_and_nothing_before_both_have_sealed(them):
    before = {who: events(them, who) for who in ("customer_lead", "provider_lead", "auditor")}
    pk = started(them)
    saved(them, "customer_analyst", pk)
    assert seal(them, "customer_lead", pk) is None
    for who, known in before.items():
        assert events(them, who)[len(known) :] == [Event.PRIORITIES_STARTED], who
    sealed(them, "provider_lead", pk)
    agree(them, "provider_lead", pk, proposed(them, "customer_lead", pk).digest)
    for who, known in before.items():
        assert events(them, who)[len(known) :] == [
            Event.PRIORITIES_STARTED, Event.PRIORITIES_REVEALED, Event.JOINT_ORDER_PROPOSED, Event.JOINT_ORDER_AGREED,
            Event.CHANGE_SHARED,
        ], who  # fmt: skip
    page = them.client("auditor").get(them.url("log/")).content.decode()
    assert "started a round of priorities" in page
    assert "agreed to the joint order of the KPIs: entry 2" in page


def test_mails_go_to_those_who_can_act(them):
    leads = {side: them.people[f"{side}_lead"].email for side in Side}
    confirm = {them.people[f"{side}_{role}"].email for side in Side for role in ("lead", "executive")}
    pk = started(them)
    sealed(them, "customer_lead", pk)
    forget_mails()
    sealed(them, "provider_lead", pk)
    heads = [one for one in sent_mails() if not one.attachments]
    assert {address for one in heads for address in one.to} == confirm
    assert all(entry_of(them, pk).digest in one.body for one in heads)
    forget_mails()
    word = proposed(them, "customer_lead", pk)
    assert [one.to for one in sent_mails()] == [[leads[Side.PROVIDER]]]
    forget_mails()
    agree(them, "provider_lead", pk, word.digest)
    assert {address for one in sent_mails() for address in one.to} == confirm


def test_a_side_is_limited_in_how_often_it_mails_the_other(them):
    cache.clear()
    for _ in range(20):
        withdraw(them, "customer_lead", started(them))
    with pytest.raises(Refused) as error:
        started(them)
    assert error.value.code.value == "too_often"


def test_a_round_of_a_stranger_is_none(them):
    pk = started(them)
    with transaction.atomic():
        other = with_kpis()
    for what in ("save", "seal", "withdraw", "order", "agree", "draft"):
        answer = other.client("customer_lead").post(other.url(f"agreement/priorities/{pk}/{what}/"))
        assert answer.status_code == 404, what
    with transaction.atomic():
        other.at("customer_lead")
        assert not Round.objects.exists()
    assert outcome(them, pk) == ""


def test_no_side_ends_a_round_before_its_day_is_over_everywhere():
    """The day is over where days begin, and not where they end: the other side could still seal."""
    them = with_kpis()
    pk = started(them)
    saved(them, "provider_lead", pk)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE priorities_round SET closes_on = (now() AT TIME ZONE 'Etc/GMT+12')::date WHERE id = %s", [pk]
        )
    ended = "SELECT comity_end_priorities(%s, 'expired')"
    with pytest.raises(DatabaseError, match="no round that can be ended so"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(ended, [pk])
    with transaction.atomic():
        assert not operations.end_expired(them.at("customer_lead"))
    assert all_rows(pk) == [("provider", False)]


@pytest.mark.parametrize(("closes", "started_at"), [("61 days", "0"), ("100 years", "0"), ("1 day", "-1 year")])
def test_no_round_keeps_the_other_side_from_starting_one(closes, started_at):
    them = with_kpis()
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        them.at("provider_lead")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO priorities_round (id, relationship_id, side, person_id, started_at, closes_on, kpis, "
                "known, outcome) VALUES (gen_random_uuid(), comity_relationship(), comity_side(), comity_person(), "
                "now() + %s::interval, ((now() AT TIME ZONE 'Etc/GMT-14')::date + %s::interval)::date, '[]', 1, '')",
                [started_at, closes],
            )
