"""Mails that come in: what each may do, and what each refusal tells to whom. All mails are made for these tests."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.mailbox import receiving
from comity.apps.mailbox.addresses import codes_in, reply_address
from comity.apps.mailbox.imap import Mailbox
from comity.apps.mailbox.models import Outcome
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from tests.builders.mails import HTML, QUOTING, ROOM, lookup, signed, written
from tests.builders.matters import moved, raised, running, steps
from tests.room import cast, forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate
WHO = "provider_lead"  # answers what the customer asks


@pytest.fixture(autouse=True)
def _mailbox(monkeypatch):
    mailbox = Mailbox("127.0.0.1", 143, "comity", "secret", "INBOX", "none")
    for name, value in (("", mailbox), ("_ADDRESS", ROOM), ("_CHECKED_BY", "mx.room.example")):
        monkeypatch.setattr(settings, f"MAILBOX{name}", value)


@pytest.fixture(scope="module")
def them():
    return cast()


@pytest.fixture
def question(them):
    matter = raised(them, kind=Kind.QUESTION, title=f"A question {uuid4().hex[:8]}")
    forget_mails()
    return matter


def address(them, matter, move=Move.COMMENT, who=WHO, seen=None, now=None):
    seen = len(steps(them, matter)) if seen is None else seen
    return reply_address(them.people[who].pk, matter.pk, move, seen, now or timezone.now())


def mailed(them, to, text="Yes, from Monday.", who=WHO, *, sign=True, at=None, **more):
    """Have a mail of one of the cast taken."""
    raw = written(them.people[who].email, to, text, **more)
    return taken(signed(raw) if sign else raw, at)


def taken(raw, at=None):
    return receiving.receive(raw, at or timezone.now(), lookup=lookup)


def state(them, matter):
    with transaction.atomic():
        them.at("auditor")
        matter.refresh_from_db()
    return matter.state


def told():
    """To whom mails went since, with the whole text."""
    mails = [(one.to[0], f"{one.subject}\n{one.body}") for one in sent_mails()]
    forget_mails()
    return mails


def reason(outcome, language="en"):
    return words_for(language)(f"by_mail.not_{outcome}")


def test_a_reply_to_the_mail_about_a_question_is_its_answer_and_is_confirmed(them):
    """The whole way: the question is mailed, its reply address answered as Gmail does, the answer confirmed by mail."""
    forget_mails()
    matter = raised(them, kind=Kind.QUESTION, title="When do you begin?")
    [asked] = [one for one in sent_mails() if one.to == [them.people[WHO].email]]
    forget_mails()
    [to] = asked.reply_to
    assert to in asked.extra_headers.get("Reply-To", to)
    assert words_for("en")("by_mail.plain_agree") in asked.body
    outcome = mailed(them, to, QUOTING["gmail"]("Yes, from Monday.", asked.body))
    assert (outcome, state(them, matter)) == (Outcome.COUNTED, State.ANSWERED)
    last = steps(them, matter)[-1]
    assert (last.move, last.text, last.side) == (Move.AGREE, "Yes, from Monday.", "provider")
    [confirmation] = [text for to, text in told() if to == them.people[WHO].email]
    assert "> Yes, from Monday." in confirmation
    assert matter.title in confirmation


@pytest.mark.parametrize("program", HTML)
def test_mails_of_html_alone_are_read_without_what_they_quote(them, question, program):
    html = HTML[program]("Yes, from Monday.", "quoted secret")
    assert mailed(them, address(them, question), " ", html=html) is Outcome.COUNTED
    assert steps(them, question)[-1].text == "Yes, from Monday."


def test_a_refusal_a_comment_and_a_reply_to_what_was_asked_back_are_made_by_mail(them):
    need = raised(them, kind=Kind.NEED, title="Two agents", wording="Two")
    assert mailed(them, address(them, need), "We look at it.") is Outcome.COUNTED
    assert steps(them, need)[-1].move == Move.COMMENT
    moved(them, WHO, need, Move.ASK_BACK, "Which days?")
    assert mailed(them, address(them, need, Move.REPLY, "customer_lead"), "Mondays.", "customer_lead") == "counted"
    assert state(them, need) == State.ASKED
    assert mailed(them, address(them, need, Move.DECLINE), "Too many.") is Outcome.COUNTED
    assert state(them, need) == State.DECLINED


def test_files_are_kept_as_evidence_of_the_step_and_pictures_of_a_signature_are_not(them, question):
    outcome = mailed(them, address(them, question), "See the file.", files=[("plan.csv", b"a,b\n1,2\n")])
    assert outcome is Outcome.COUNTED
    with transaction.atomic():
        them.at("auditor")
        from comity.apps.matters.models import Evidence

        assert [(one.name, bytes(one.content)) for one in Evidence.objects.filter(matter=question)] == [
            ("plan.csv", b"a,b\n1,2\n")
        ]


def test_other_recipients_of_a_mail_change_nothing(them, question):
    to = f"Comity <{address(them, question)}>, Bob <bob@example.org>"
    assert mailed(them, to, cc="carol@example.org") is Outcome.COUNTED


# Each refusal ---------------------------------------------------------------------------------------------------


def refused(them, matter, outcome, expected, who=WHO):
    """Nothing moved, and exactly this person was told exactly this reason."""
    assert outcome is expected
    assert state(them, matter) == State.ASKED
    assert len(steps(them, matter)) == 1
    mails = told()
    assert [to for to, _ in mails] == [them.people[who].email]
    assert reason(expected) in mails[0][1]
    return mails[0][1]


def test_a_mail_that_the_senders_domain_does_not_answer_for_is_refused_and_told(them, question):
    outcome = mailed(them, address(them, question, Move.AGREE), sign=False)
    assert f"/matters/{question.pk}/" in refused(them, question, outcome, Outcome.NOT_PROVEN)


def test_a_signature_of_another_domain_proves_nothing(them, question):
    raw = written(them.people[WHO].email, address(them, question, Move.AGREE), "Yes.")
    refused(them, question, taken(signed(raw, "evil.example")), Outcome.NOT_PROVEN)


def test_a_signature_of_a_host_of_the_same_organisation_proves_the_sender(them, question):
    raw = written(them.people[WHO].email, address(them, question), "Yes.")
    assert taken(signed(raw, "mail.example.org")) is Outcome.COUNTED


def test_a_text_that_was_changed_after_it_was_signed_is_refused(them, question):
    raw = signed(written(them.people[WHO].email, address(them, question, Move.AGREE), "No, never."))
    refused(them, question, taken(raw.replace(b"No, never.", b"Yes, ever.")), Outcome.NOT_PROVEN)


def test_a_signature_over_the_beginning_of_the_text_alone_is_refused_and_told(them, question):
    """With l= anybody adds words below, and the signature still holds (RFC 6376, 8.2)."""
    raw = signed(written(them.people[WHO].email, address(them, question, Move.AGREE), "Yes"), length=True)
    refused(them, question, taken(raw + b"\r\nand we pay 5,000 a month\r\n"), Outcome.PART_SIGNED)


def test_a_signature_that_leaves_the_recipient_out_is_refused_and_told(them, question):
    """Else an answer to one matter could be sent again to the reply address of another."""
    raw = written(them.people[WHO].email, address(them, question, Move.AGREE), "Yes")
    refused(them, question, taken(signed(raw, headers=(b"from", b"date", b"message-id"))), Outcome.PART_SIGNED)


SPF = "mx.room.example; spf=pass smtp.mailfrom=somebody@example.org"


def test_spf_counts_as_our_own_mail_server_states_it(them, question):
    more = {"Authentication_Results": SPF}
    assert mailed(them, address(them, question), sign=False, **more) is Outcome.COUNTED


@pytest.mark.parametrize(
    "says",
    [
        "mx.evil.example; spf=pass smtp.mailfrom=somebody@example.org",  # another server
        "mx.room.example; spf=pass smtp.mailfrom=somebody@evil.example",  # another domain
        "mx.room.example; spf=pass smtp.helo=example.org",  # who greeted, not who sent
        "mx.room.example; spf=fail smtp.mailfrom=somebody@example.org",
        "mx.room.example; dkim=pass header.d=example.org",  # we look at signatures ourselves
        "nonsense \x7f;;",
    ],
)
def test_other_results_of_spf_prove_nothing(them, question, says):
    outcome = mailed(them, address(them, question, Move.AGREE), sign=False, Authentication_Results=says)
    refused(them, question, outcome, Outcome.NOT_PROVEN)


def test_results_that_the_sender_wrote_below_those_of_our_server_prove_nothing(them, question):
    raw = written(them.people[WHO].email, address(them, question, Move.AGREE), "Yes.", Authentication_Results=SPF)
    ours = b"Authentication-Results: mx.room.example; spf=fail smtp.mailfrom=evil.example\r\n"
    refused(them, question, taken(ours + raw), Outcome.NOT_PROVEN)


def test_without_the_name_of_our_mail_server_spf_never_counts(them, question, monkeypatch):
    monkeypatch.setattr(settings, "MAILBOX_CHECKED_BY", "")
    outcome = mailed(them, address(them, question, Move.AGREE), sign=False, Authentication_Results=SPF)
    refused(them, question, outcome, Outcome.NOT_PROVEN)


def test_a_forwarded_mail_answered_by_a_colleague_moves_nothing_and_both_are_told(them, question):
    """Vector 7: nothing, and a sentence back; the person whose address it was hears of it, and no content is told."""
    outcome = mailed(them, address(them, question, Move.AGREE), who="provider_analyst")
    assert (outcome, state(them, question)) == (Outcome.OTHER_SENDER, State.ASKED)
    mails = dict(told())
    assert mails.keys() == {them.people["provider_analyst"].email, them.people[WHO].email}
    back = mails[them.people["provider_analyst"].email]
    assert reason(Outcome.OTHER_SENDER) in back
    assert reason(Outcome.OTHER_SENDER, "es") in back
    assert not any(question.title in text for text in mails.values())


def test_one_side_cannot_answer_by_the_address_of_the_other(them, question):
    outcome = mailed(them, address(them, question, Move.AGREE), who="customer_lead")
    assert (outcome, state(them, question)) == (Outcome.OTHER_SENDER, State.ASKED)


def test_a_forged_mail_of_a_colleague_is_not_answered_to_whom_it_names(them, question):
    """Whoever forges a sender cannot have this room write to somebody who wrote nothing."""
    outcome = mailed(them, address(them, question), who="provider_analyst", sign=False)
    assert outcome is Outcome.OTHER_SENDER
    assert told() == []


def test_an_address_that_nobody_signed_is_refused_and_told(them, question):
    name, _, domain = address(them, question).partition("@")
    changed = name[:-3] + ("abc" if not name.endswith("abc") else "xyz")
    assert mailed(them, f"{changed}@{domain}") is Outcome.NOT_OURS
    [(to, text)] = told()
    assert to == them.people[WHO].email
    assert reason(Outcome.NOT_OURS) in text


def test_an_address_for_another_move_is_none(them, question):
    """What was signed for a comment cannot be made into an answer: every bit of the code is signed."""
    comment, agree = (codes_in([address(them, question, move)])[0] for move in (Move.COMMENT, Move.AGREE))
    assert comment.mac != agree.mac


def test_upper_case_addresses_work(them, question):
    name, _, domain = address(them, question).partition("@")
    assert mailed(them, f"{name.upper()}@{domain.upper()}") is Outcome.COUNTED


def test_a_mail_to_no_reply_address_and_one_to_two_are_refused_and_told(them, question):
    for to, outcome in ((ROOM, Outcome.NO_ADDRESS), (
        f"{address(them, question, Move.AGREE)}, {address(them, question, Move.DECLINE)}", Outcome.SEVERAL,
    )):  # fmt: skip
        refused(them, question, mailed(them, to), outcome)


def test_a_reply_address_in_cc_alone_counts_for_nothing(them, question):
    """A signature over To says nothing about Cc: it could be added to any mail of the person."""
    raw = signed(written(them.people[WHO].email, "bob@example.org", "Agreed, Bob."))
    added = b"Cc: " + address(them, question, Move.DECLINE).encode() + b"\r\n" + raw
    refused(them, question, taken(added), Outcome.NO_ADDRESS)


def test_an_address_ends_after_sixty_days(them, question):
    old = address(them, question, Move.AGREE, now=timezone.now() - timedelta(days=61))
    refused(them, question, mailed(them, old), Outcome.OVER)


def test_whoever_has_left_answers_nothing(them):
    matter = raised(them, kind=Kind.QUESTION, title="For those who are here")
    forget_mails()
    to = reply_address(them.people["former"].pk, matter.pk, Move.AGREE, 1, timezone.now())
    refused(them, matter, mailed(them, to, who="former"), Outcome.NOT_OURS, "former")


def test_a_mail_without_own_words_is_refused_and_told(them, question):
    outcome = mailed(them, address(them, question, Move.AGREE), QUOTING["thunderbird"]("", "quoted"))
    refused(them, question, outcome, Outcome.EMPTY)


def test_a_text_that_is_too_long_and_a_mail_that_is_too_large_are_refused_and_told(them, question):
    long = "word \n" * 801
    refused(them, question, mailed(them, address(them, question, Move.AGREE), long), Outcome.TOO_LARGE)
    headers = written(them.people[WHO].email, address(them, question), "x").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    outcome = receiving.receive(headers, timezone.now(), whole=False, lookup=lookup)
    refused(them, question, outcome, Outcome.TOO_LARGE)


@pytest.mark.parametrize("text", ["Accept", "I agree.", "OK!", "De acuerdo.", "Sí", "Approved"])
def test_accepting_a_price_by_mail_is_refused_with_the_address_of_the_page(them, text):
    """Vector 7: "Accept" of a price change by mail: refused with the page's address."""
    matter = raised(them, kind=Kind.PROPOSAL, title="New price", wording="2.10", kpi="x", before="2.00", price="2.10",
                    proposes="contract", becomes="change")  # fmt: skip
    forget_mails()
    body = refused(them, matter, mailed(them, address(them, matter), text), Outcome.ON_PAGE)
    assert f"/matters/{matter.pk}/" in body


@pytest.mark.parametrize("kind", [Kind.NEED, Kind.ACTION, Kind.DISPUTE, Kind.CLAIM])
@pytest.mark.parametrize("move", [Move.AGREE, Move.DONE])
def test_even_a_signed_address_agrees_to_nothing_from_which_something_follows(them, kind, move):
    """Such an address is never written; were one made, its mail would be refused."""
    more = {"wording": "Two"} if kind is Kind.NEED else {}
    matter = raised(them, kind=kind, title="Follows", **more)
    forget_mails()
    refused(them, matter, mailed(them, address(them, matter, move), "We do that from Monday."), Outcome.ON_PAGE)


def test_what_the_matter_refuses_is_told_with_its_reason(them, question):
    """The customer's own question is not the customer's to answer."""
    to = address(them, question, Move.AGREE, "customer_lead")
    assert mailed(them, to, "So it is.", "customer_lead") is Outcome.REFUSED
    [(to, text)] = told()
    assert to == them.people["customer_lead"].email
    assert words_for("en")("refused.matters.their_turn") in text


def test_two_who_answer_at_once_lose_nothing(them, question):
    """The mail showed one step; another was made meanwhile: the second is refused with that, and told."""
    to = address(them, question, Move.AGREE)
    moved(them, WHO, question, Move.COMMENT, "Wait.")
    forget_mails()
    assert mailed(them, to) is Outcome.REFUSED
    assert words_for("en")("refused.matters.moved_on") in told()[0][1]
    assert state(them, question) == State.ASKED


def test_several_senders_or_a_header_twice_are_read_by_nobody(them, question):
    to = address(them, question, Move.AGREE)
    raw = written(them.people[WHO].email, to, "Yes.")
    assert taken(b"From: Other <other@example.org>\r\n" + signed(raw)) is Outcome.UNREADABLE
    both = raw.replace(b"From: Somebody <", b"From: Other <other@example.org>, Somebody <")
    assert taken(signed(both)) is Outcome.UNREADABLE
    assert state(them, question) == State.ASKED
    assert taken(signed(raw)) is Outcome.COUNTED


AUTOMATIC = {
    "out of office": {"Auto_Submitted": "auto-replied"},
    "generated": {"Auto_Submitted": "auto-generated (vacation)"},
    "Exchange": {"X_Auto_Response_Suppress": "All"},
    "bulk": {"Precedence": "bulk"},
    "list": {"List_Id": "<all.example.org>"},
    "empty return path": {"Return_Path": "<>"},
}


@pytest.mark.parametrize("case", AUTOMATIC)
def test_what_a_program_sends_moves_nothing_and_is_not_answered(them, question, case):
    """Vector 7: an auto-reply: nothing. No answer either, so that no two programs write to each other for ever."""
    outcome = mailed(them, address(them, question, Move.AGREE), "I am away until Monday.", **AUTOMATIC[case])
    assert (outcome, state(them, question), told()) == (Outcome.AUTOMATIC, State.ASKED, [])


def test_an_answer_to_an_invitation_moves_nothing(them, question):
    raw = written(them.people[WHO].email, address(them, question), "BEGIN:VCALENDAR").replace(
        b"text/plain", b"text/calendar; method=REPLY"
    )
    assert taken(signed(raw)) is Outcome.AUTOMATIC


def test_our_own_mails_say_that_a_program_sent_them(them, question):
    """So a confirmation that comes back to us, or goes to another room, starts no loop."""
    assert mailed(them, address(them, question)) is Outcome.COUNTED
    [confirmation] = [one for one in sent_mails() if "Auto-Submitted" in one.extra_headers]
    assert confirmation.extra_headers["X-Auto-Response-Suppress"] == "All"
    raw = confirmation.message().as_bytes().replace(confirmation.from_email.encode(), them.people[WHO].email.encode())
    assert taken(raw) is Outcome.AUTOMATIC


# Again, and as somebody else -------------------------------------------------------------------------------------


def test_a_mail_counts_once_however_often_it_is_handed_over(them, question):
    raw = signed(written(them.people[WHO].email, address(them, question), "Once."))
    assert [taken(raw), taken(raw)] == [Outcome.COUNTED, Outcome.DUPLICATE]
    # By another way, with other lines above: the same Message-ID.
    assert taken(b"Received: by another.example\r\n" + raw) is Outcome.DUPLICATE
    assert len(steps(them, question)) == 2


def test_a_replay_under_another_message_id_breaks_the_signature_and_an_spf_pass_does_not_help(them, question):
    raw = written(them.people[WHO].email, address(them, question), "Once.", Message_ID="<first@example.org>")
    assert taken(signed(raw)) is Outcome.COUNTED
    forget_mails()
    again = signed(raw).replace(b"<first@example.org>", b"<other@example.org>")
    assert taken(again) is Outcome.NOT_PROVEN
    # Even where our server vouches for the envelope: what it says, and when, was counted before.
    passed = b"Authentication-Results: " + SPF.encode() + b"\r\n"
    assert taken(passed + raw.replace(b"<first@example.org>", b"<third@example.org>")) is Outcome.DUPLICATE
    assert len(steps(them, question)) == 2


def test_a_forged_mail_with_the_message_id_of_another_does_not_hide_it(them, question):
    to, message_id = address(them, question), "<known@example.org>"
    forged = written(them.people["customer_lead"].email, to, "Not me.", Message_ID=message_id)
    assert taken(forged) is Outcome.OTHER_SENDER
    unsigned = written(them.people[WHO].email, to, "Not mine.", Message_ID=message_id)
    assert taken(unsigned) is Outcome.NOT_PROVEN
    # Nor does a counted mail of somebody else with that id.
    own = address(them, question, who="customer_lead")
    assert mailed(them, own, "Mine.", "customer_lead", Message_ID=message_id) is Outcome.COUNTED
    assert mailed(them, to, "Here I am.", Message_ID=message_id) is Outcome.COUNTED


def test_a_mail_that_breaks_whoever_reads_it_keeps_no_other_from_being_read_and_is_told(them, question, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret words of the mail")

    monkeypatch.setattr(receiving, "_count_or_refuse", broken)
    outcome = mailed(them, address(them, question, Move.AGREE))
    refused(them, question, outcome, Outcome.FAILED)
    monkeypatch.undo()


@pytest.mark.parametrize("raw", [b"", b"\x00\xff" * 100, b"From: a@b\r\n\r\n", b"From: =?x?q?=\r\nTo: " + b"<" * 5000])
def test_bytes_that_are_hardly_a_mail_are_kept_and_move_nothing(raw):
    raw += uuid4().hex.encode()
    assert taken(raw) in {Outcome.UNREADABLE, Outcome.NO_ADDRESS, Outcome.FAILED}
    forget_mails()


def test_where_dns_does_not_answer_a_mail_waits_a_day_and_is_then_refused_and_told(them, question):
    def silent(*_, **__):
        raise TimeoutError

    raw = signed(written(them.people[WHO].email, address(them, question, Move.AGREE), "Yes."))
    assert receiving.receive(raw, timezone.now(), lookup=silent) is None
    outcome = receiving.receive(raw, timezone.now() - timedelta(hours=25), lookup=silent)
    refused(them, question, outcome, Outcome.NOT_PROVEN)


def test_nobody_fills_the_other_sides_mailboxes(them, question, monkeypatch):
    monkeypatch.setattr(receiving, "exceeds_rate_limit", lambda *_: True)
    refused(them, question, mailed(them, address(them, question, Move.AGREE)), Outcome.TOO_OFTEN)


# Time --------------------------------------------------------------------------------------------------------------


@contextmanager
def last_read(at):
    """As if the mailbox had been read last at a time."""
    with superuser() as everybody:
        everybody.execute("DELETE FROM mailbox_span")
        everybody.execute("INSERT INTO mailbox_span VALUES (%s, %s)", [at, at])
        yield
        everybody.execute("DELETE FROM mailbox_span")


def test_an_answer_is_in_time_when_our_mail_server_had_it_in_time(them, question):
    """Due a minute ago, sent two minutes ago, read now: in time, where the mailbox was not read between."""
    running(question, them, -timedelta(minutes=1))
    at = timezone.now() - timedelta(minutes=2)
    with last_read(timezone.now() - timedelta(minutes=5)):
        assert mailed(them, address(them, question, Move.AGREE), at=at) is Outcome.COUNTED
    last = steps(them, question)[-1]
    assert (last.ran_out, last.received_at) == (False, at)


def test_an_answer_that_came_before_the_last_reading_is_dated_by_its_reading(them, question):
    """What came earlier had been read then: nobody dates an answer back, not even in the database."""
    running(question, them, -timedelta(minutes=1))
    with last_read(timezone.now() - timedelta(seconds=30)):
        assert mailed(them, address(them, question, Move.AGREE), at=timezone.now() - timedelta(days=3)) == "counted"
    assert steps(them, question)[-1].ran_out


# What is kept -------------------------------------------------------------------------------------------------------


def test_a_mail_is_kept_encrypted_for_ninety_days_and_read_by_its_own_side_alone(them, question):
    assert mailed(them, address(them, question), "Kept words.") is Outcome.COUNTED
    with superuser() as everybody:
        number, payload = everybody.execute(
            "SELECT m.id, r.payload FROM mailbox_receivedmail m JOIN mailbox_rawmail r ON r.mail_id = m.id "
            "WHERE m.matter = %s", [question.pk],
        ).fetchone()  # fmt: skip
    assert b"Kept words" not in payload
    from comity.apps.outbox.mail import decrypt

    for who, reads in ((WHO, True), ("customer_lead", False), ("auditor", False), ("stranger", False)):
        with transaction.atomic():
            if who == "stranger":
                from comity.apps.parties.member_context import set_viewer

                set_viewer(them.people[who].pk)
            else:
                them.at(who)
            with connection.cursor() as cursor:
                cursor.execute("SELECT comity_raw_mail(%s)", [number])
                found = cursor.fetchone()[0]
        assert (found is not None) is reads
        assert not reads or b"Kept words" in decrypt(bytes(found))
    with superuser() as everybody:
        everybody.execute(
            "UPDATE mailbox_rawmail SET kept_at = now() - interval '91 days' WHERE mail_id = %s", [number]
        )
    from comity.apps.mailbox.tasks import forget

    forget(0)
    with superuser() as everybody:
        assert everybody.execute("SELECT 1 FROM mailbox_rawmail WHERE mail_id = %s", [number]).fetchone() is None


def test_without_a_mailbox_mails_say_that_replies_are_not_read(them, monkeypatch):
    monkeypatch.setattr(settings, "MAILBOX", None)
    forget_mails()
    raised(them, kind=Kind.QUESTION, title="Unheard")
    [asked] = [one for one in sent_mails() if one.to == [them.people[WHO].email]]
    assert words_for("en")("by_mail.not_read") in asked.body
    assert asked.reply_to == []
    assert settings.MAILBOX_ADDRESS not in asked.body
