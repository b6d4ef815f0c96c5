"""Every address of the room as everybody: who gets in, and that nothing of what a side keeps comes out on the other.

An address that is added fails the test until it is placed here. What a role may at all: `parties.test_rights`; here
each address is tried as one who may, one who may not and one outsider, who take turns, and in the long tests as all.
"""

import csv
import hashlib
import io
import re
import uuid
from contextlib import suppress
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from comity.apps.agreements import operations as agreements
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change, SignedFile, TakenOut
from comity.apps.agreements.signing.signed_pdf import FoundSignature
from comity.apps.books import copies
from comity.apps.books.models import Delivery, MarkStep, Stage
from comity.apps.books.queries import book_folder
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Evidence, Matter
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Invitation, Membership, Role
from comity.apps.parties.rights import Action, role_may
from comity.apps.priorities import operations as priorities
from comity.apps.priorities.models import Round
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.agreements.priorities import ranking_of
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.kept_apart import KPI, OURS, unpacked
from tests.builders.matters import FIGURE
from tests.builders.programs import ask
from tests.builders.turns import by_turns
from tests.builders.uploads import brought
from tests.room import BACKEND, EVERYBODY, OUTSIDE, cast, run_jobs

pytestmark = pytest.mark.gate


# Address -> the right that it takes; those that change something are asked with POST and an empty form.
WITHIN = {
    "today": Action.READ, "matters": Action.READ, "matter": Action.READ, "evidence": Action.READ, "pack": Action.READ,
    "told": Action.READ,
    "raise": Action.DISPUTE, "raise_what": Action.ACT,
    "changes": Action.READ, "move": Action.ANSWER, "confirm": Action.CONFIRM,
    "review": Action.READ, "figure": Action.READ, "reading": Action.READ, "by_mail": Action.READ,
    "review_file": Action.READ, "figures_file": Action.READ, "copy_archive": Action.CONFIRM,
    "attribution": Action.READ, "record": Action.READ,
    "records": Action.READ, "delivery": Action.READ, "rejects": Action.BRING,
    "rejected_rows": Action.BRING, "match_columns": Action.BRING,
    "people": Action.READ, "their_place": Action.INVITE, "log": Action.AUDIT, "log_file": Action.AUDIT,
    "access": Action.AUDIT, "replies": Action.READ, "kpis": Action.READ, "compare": Action.READ,
    "compare_file": Action.READ, "figure_contacts": Action.READ,
    "search": Action.READ, "ledger": Action.READ, "ledger_entries": Action.READ, "ledger_statement": Action.READ,
    "ledger_agreed": Action.READ, "moves": Action.READ,
    "agreement": Action.READ, "agreement_change": Action.READ, "agreement_limits": Action.READ_MONEY,
    "agreement_measures": Action.READ,
    "first_text": Action.ACT, "kpi_list_file": Action.ACT, "own_template": Action.ACT,
    "sign_change": Action.ACT, "sign_elsewhere": Action.ACT, "priorities": Action.READ, "priority_round": Action.READ,
    "seal_priorities": Action.AGREE,
    "agreement_file": Action.READ, "change_evidence": Action.READ, "signed_file": Action.READ,
}  # fmt: skip
CHANGING = {
    "invite": Action.INVITE, "withdraw_invitation": Action.INVITE, "agree_invitation": Action.INVITE,
    "renew_invitation": Action.INVITE,
    "let_go": Action.INVITE, "try_again": Action.ACT,
    "change_role": Action.INVITE, "set_firm": Action.INVITE, "stand_in": Action.INVITE, "review_access": Action.AUDIT,
    "restate": Action.CONFIRM, "comment_period": Action.CONFIRM, "make_copy": Action.CONFIRM,
    "upload": Action.BRING, "begin_book": Action.BRING,
    "mark": Action.BRING, "disclose": Action.BRING, "say_complete": Action.BRING,
    "answer_terms": Action.AGREE, "change_terms": Action.AGREE, "change_format": Action.BRING,
    "move_delivery": Action.BRING,
    "use_organisation": Action.INVITE, "save_view": Action.READ, "delete_view": Action.READ,
    "propose_calendar": Action.AGREE, "agree_calendar": Action.AGREE, "silence": Action.AGREE,
    "end_relationship": Action.INVITE, "end_sample": Action.INVITE, "switch_sample": Action.INVITE,
    "propose_days_off": Action.AGREE,
    "propose_kpis": Action.AGREE, "agree_kpis": Action.AGREE, "withdraw_kpis": Action.AGREE, "logo": Action.AGREE,
    "propose_opening": Action.AGREE, "propose_reversal": Action.AGREE, "propose_ledger_calendar": Action.AGREE,
    "agree_ledger": Action.AGREE, "drop_ledger": Action.AGREE, "settle_opened": Action.ANSWER,
    "answer_told": Action.ANSWER,
    "begin_change": Action.ACT, "save_change": Action.ACT, "share_change": Action.ACT, "drop_change": Action.ACT,
    "propose_change": Action.DISPUTE, "waive_change": Action.AGREE, "end_change": Action.AGREE,
    "mark_reason": Action.ACT,
    "begin_from_template": Action.ACT, "begin_from_list": Action.ACT, "begin_from_own": Action.ACT,
    "start_priorities": Action.AGREE, "save_priorities": Action.ACT, "withdraw_priorities": Action.AGREE,
    "propose_order": Action.AGREE, "agree_order": Action.AGREE, "draft_order": Action.ACT,
    "say_benefit": Action.AGREE, "say_decided": Action.ACT,
    "note_amounts": Action.READ_MONEY, "ask_first": Action.DISPUTE, "answer_first": Action.AGREE,
    "remark_change": Action.ACT, "take_remark": Action.ACT, "withdraw_remark": Action.ACT,
    "take_out_change": Action.ACT,
}  # fmt: skip
ANYBODYS = {"style", "join", "set_up", "account_login", "account_logout", "account_signup", "account_reset_password",
            "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
            "account_inactive", "account_email", "set_language", "mfa_authenticate", "mfa_login_webauthn",
            "openid_connect_login", "openid_connect_callback", "socialaccount_login_cancelled",
            "socialaccount_login_error", "socialaccount_signup"}  # fmt: skip
SIGNED_IN = {"first_run", "begin_sample", "routes", "sort", "move_export", "display", "help", "glossary",
             "concept",
             "portfolio", "waiting", "begin", "account", "set_notifications", "make_token", "revoke_token",
             "account_reauthenticate",
             "account_change_password", "usersessions_list",
             "account_set_password", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
             "mfa_generate_recovery_codes", "mfa_view_recovery_codes", "mfa_download_recovery_codes",
             "mfa_reauthenticate", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn",
             "mfa_remove_webauthn", "mfa_edit_webauthn"}  # fmt: skip


def names(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        elif str(pattern.pattern) != "api/":  # whose operations are placed in test_api
            yield from names(pattern.url_patterns)


CONTACT = "contact_id,opened_at,queue,channel,handle_s,reason\nc6-1-0,2026-06-01T10:00:00Z,help,voice,300,a guess\n"
INTERVAL = (
    "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s\n"
    "help,2026-06-01T10:00:00Z,30,999,240,180,20,10,2,1\n"
)


def a_change(title):
    """A draft of opening hours."""
    hours = add("calendar", ClauseKind.CALENDAR, zone="Europe/Madrid")
    says = {"title": title, "reason": title, "carried_out_by": "both", "expects_nothing": "Nothing."}
    return DraftContent(date(2099, 1, 1), None, (hours,), (), says)


@pytest.fixture(scope="module")
def them():
    return populated()


def populated():
    """A relationship in which there is something at every address."""
    made = cast()
    contacts = ["contact_id,opened_at,queue,channel,answered_at,resolved_at,handle_s,opened_by,reason"]
    intervals = ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s"]
    forecasts = ["queue,start,minutes,issued_on,offered,aht_s,locked,issued_by"]
    schedules = ["queue,start,minutes,required,scheduled,staffed,ordered_off"]
    for month in (5, 6):
        for day in range(1, 32 if month == 5 else 31):  # whole months, or there is no level
            at = f"2026-{month:02}-{day:02}T10:00:"
            for number in range(4):
                answered = f"2026-{month:02}-{day:02}T10:00:{5 + number * 8:02}Z"
                row = f"c{month}-{day}-{number},{at}00Z,help,voice,{answered},{answered},200,customer,Quixote-reason"
                contacts.append(row)
            intervals.append(f"help,{at}00Z,30,250,240,180,20,10,2,471113")
            forecasts.append(f"help,{at}00Z,30,2026-04-15,250,210,true,customer")
            schedules.append(f"help,{at}00Z,30,32,32,31,0")
    made.book(
        KPI,
        contacts="\n".join(contacts),
        intervals="\n".join(intervals),
        forecasts="\n".join(forecasts),
        schedules="\n".join(schedules),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__provider__staff="employee_id,team,role,hired_on\nZebulon,a,agent,2020-01-01",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
        events="event_id,kind,from,to,declared_by,declared_at,evidence\n"
        "provider-storm,storm,2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,Zebulon",
    )
    with transaction.atomic():
        asked = matters.NewMatter(Kind.DISPUTE, "Service level", "Why?", **FIGURE)
        shown = [matters.EvidenceFile("shown.csv", b"a,b")]
        made.matter = matters.raise_matter(made.at("customer_lead"), asked, "UTC", shown).pk
        made.evidence = Evidence.objects.get(matter=made.matter).pk
        made.place = Membership.objects.filter(role=Role.MEMBER, side=Side.CUSTOMER).first().pk
        member = made.at("provider_lead")
        made.delivery = Delivery.objects.create(
            relationship=member.relationship, side=Side.PROVIDER, person=made.people["provider_lead"], name="all.csv",
            size=1, mapping="contacts", stage=Stage.BROUGHT,
            outcome={"table": "contacts", "counts": {"rows_in": 1}, "first_rows": [["agent_id"], ["Zebulon"]]},
        ).pk  # fmt: skip
        sample = {"header": "Agent", "values": ["Zebulon"], "personal": None, "filled": 1, "order": None}
        made.waiting = Delivery.objects.create(
            relationship=member.relationship, side=Side.PROVIDER, person=made.people["provider_lead"], name="odd.csv",
            size=1, stage=Stage.LOOKED, outcome={
                "table": "contacts",
                "columns": {"samples": [sample], "kind": "delimited", "sheet": None, "skip_rows": 0},
            },
        ).pk  # fmt: skip
        made.own_file = Delivery.objects.create(
            relationship=member.relationship, side=Side.PROVIDER, person=made.people["provider_lead"],
            name="Zebulon.csv", size=1, mapping="costs", stage=Stage.BROUGHT, private=True,
        ).pk  # fmt: skip
    # Each side would change rows that the other may have brought, of which the other keeps a column to itself.
    made.corrections = {}
    for who, name, text in (("provider_lead", "contacts.csv", CONTACT), ("customer_lead", "intervals.csv", INTERVAL)):
        assert brought(made, who, name, text).outcome["counts"]["proposed"] == 1
        with transaction.atomic():
            made.at(who)
            found = Matter.objects.get(kind=Kind.CORRECTION, asks=who.split("_")[0])
        made.corrections[found.asks] = found.pk
    with transaction.atomic():  # a draft of the provider's, a change that it proposed, and a limit of its own
        member = made.at("provider_lead")
        made.draft = agreements.begin_draft(member, a_change("Zebulon")).pk
        made.change = agreements.begin_draft(member, a_change("Opening hours")).pk
        agreements.propose(member, Change.objects.get(pk=made.change), 1)
        made.signed_file = a_signed_file(member, made.change)
        agreements.set_limit(member, "margin", "", Decimal("4711.13"), None, "Zebulon")
    with transaction.atomic():  # a round: what the provider wrote in it is its own, and the customer has begun
        member = made.at("provider_lead")
        kpis = [{"id": "service_level", "change": None, "revision": None}]
        known = {"relationship": member.relationship, "person": member.membership.person, "side": Side.PROVIDER}
        closes = timezone.now().date() + timedelta(days=30)
        row = Round.objects.create(**known, closes_on=closes, kpis=kpis, known=1)
        made.round, wanted = row.pk, {"service_level": 1}
        priorities.save(member, row, ranking_of(wanted, [], ["Zebulon"], ["4711.13"]), 0)
        priorities.save(made.at("customer_lead"), row, ranking_of(wanted, [], ["Quixote-reason"], ["8128.77"]), 0)
    made.invitation, made.copy = uuid.uuid4(), uuid.uuid4()
    for who in EVERYBODY:  # each has one of their own
        with transaction.atomic():
            copies.make_copy(made.at(who), made.copy)
    return made


def address(them, name):
    more = {
        "matter": f"matters/{them.matter}/",
        "evidence": f"matters/{them.matter}/evidence/{them.evidence}/",
        "pack": f"matters/{them.matter}/pack.zip",
        "told": "matters/told/",
        "answer_told": f"matters/told/{them.matter}/",
        "changes": f"matters/{them.corrections[Side.PROVIDER]}/changes.csv",
        "raise": "matters/raise/dispute/",
        "raise_what": "matters/raise/",
        "review_file": "review/file.json",
        "figures_file": "review/figures.csv",
        "make_copy": "records/copy/",
        "copy_archive": f"records/copy/{them.copy}.zip",
        "figure": "review/figure/service_level/?period=2026-05",
        "figure_contacts": "review/figure/service_level/contacts.csv?period=2026-05",
        "reading": "review/reading/service_level/",
        "by_mail": "review/mail/",
        "logo": "review/logo/",
        "record": "record/",
        "moves": "matters/moves/",
        "ledger": "ledger/",
        "ledger_entries": "ledger/entries.csv",
        "ledger_statement": "ledger/statement.pdf",
        "ledger_agreed": "ledger/agreed/",
        "propose_opening": "ledger/agreed/opening/",
        "propose_reversal": "ledger/agreed/reversal/",
        "propose_ledger_calendar": "ledger/agreed/calendar/",
        "agree_ledger": "ledger/agreed/agree/",
        "drop_ledger": "ledger/agreed/drop/",
        "settle_opened": "ledger/agreed/settle/",
        "today": "",
        "withdraw_invitation": f"people/invitations/{them.invitation}/withdraw/",
        "renew_invitation": f"people/invitations/{them.invitation}/renew/",
        "agree_invitation": f"people/invitations/{them.invitation}/agree/",
        "let_go": f"people/{them.place}/let-go/",
        "try_again": "jobs/1/again/",
        "invite": "people/invite/",
        "their_place": f"people/{them.place}/",
        "change_role": f"people/{them.place}/role/",
        "set_firm": f"people/{them.place}/firm/",
        "stand_in": f"people/{them.place}/stand-in/",
        "review_access": "people/reviewed/",
        "access": "people/access.csv",
        "log_file": "log.csv",
        "confirm": "review/confirm/?period=2026-05",
        "move": f"matters/{them.matter}/move/agree/",
        "restate": "review/restate/",
        "comment_period": "review/comment/",
        "delivery": f"records/{them.delivery}/",
        "rejects": f"records/{them.delivery}/rejects.csv",
        "match_columns": f"records/{them.waiting}/columns/",
        "rejected_rows": f"records/{them.delivery}/rejected-rows.csv",
        "move_delivery": f"records/{them.delivery}/move/",
        "upload": "records/upload/",
        "mark": "records/private/",
        "disclose": "records/private/disclose/",
        "say_complete": "records/complete/",
        "change_terms": "records/terms/",
        "answer_terms": "records/terms/answer/",
        "begin_book": "records/begin/",
        "change_format": "records/formats/",
        "use_organisation": "people/organisation/",
        "propose_calendar": "replies/calendar/",
        "agree_calendar": "replies/calendar/agree/",
        "silence": "replies/silence/",
        "end_sample": "sample/delete/",
        "end_relationship": "people/end/",
        "switch_sample": "sample/side/",
        "propose_days_off": "first/days-off/",
        "compare": "review/compare/",
        "compare_file": "review/compare/file.csv",
        "propose_kpis": "kpis/propose/",
        "withdraw_kpis": "kpis/withdraw/",
        "agree_kpis": "kpis/agree/",
        "agreement_limits": "agreement/limits/",
        "agreement_measures": "agreement/measures/",
        "begin_change": "agreement/changes/begin/",
        "first_text": "agreement/first/",
        "kpi_list_file": "agreement/first/list.xlsx",
        "begin_from_template": "agreement/first/template/",
        "begin_from_list": "agreement/first/list/",
        "begin_from_own": "agreement/first/own/",
        "own_template": f"agreement/changes/{them.draft}/template.toml",
        "agreement_change": f"agreement/changes/{them.change}/",
        **{
            f"{step}_change": f"agreement/changes/{them.change}/{step}/"
            for step in ("save", "share", "drop", "propose", "sign", "waive", "end")
        },
        "mark_reason": f"agreement/changes/{them.change}/reason/",
        "priorities": "agreement/priorities/",
        "start_priorities": "agreement/priorities/start/",
        "priority_round": f"agreement/priorities/{them.round}/",
        "seal_priorities": f"agreement/priorities/{them.round}/seal/",
        "save_priorities": f"agreement/priorities/{them.round}/save/",
        "withdraw_priorities": f"agreement/priorities/{them.invitation}/withdraw/",  # else it would be erased
        "propose_order": f"agreement/priorities/{them.round}/order/",
        "agree_order": f"agreement/priorities/{them.round}/agree/",
        "draft_order": f"agreement/priorities/{them.round}/draft/",
        "ask_first": f"agreement/changes/{them.change}/first/",
        "remark_change": f"agreement/changes/{them.change}/remarks/",
        "take_remark": f"agreement/changes/{them.change}/remarks/{them.invitation}/take/",
        "withdraw_remark": f"agreement/changes/{them.change}/remarks/{them.invitation}/withdraw/",
        "note_amounts": f"agreement/changes/{them.change}/amounts/",
        "say_decided": f"agreement/changes/{them.change}/decided/",
        "say_benefit": f"agreement/changes/{them.change}/benefit/",
        "answer_first": f"agreement/changes/{them.change}/first/answer/",
        "sign_elsewhere": f"agreement/changes/{them.change}/elsewhere/",
        "take_out_change": f"agreement/changes/{them.change}/elsewhere/file/",
        "change_evidence": f"agreement/changes/{them.change}/evidence/",
        "signed_file": f"agreement/changes/{them.change}/files/{them.signed_file}/",
        "agreement_file": "agreement/file/",
        "save_view": "views/matters/",
        "delete_view": f"views/matters/{them.invitation}/delete/",
    }
    return them.url(more.get(name, f"{name}/"))


def a_signed_file(member, change):
    """A file that came back for a change, as the database takes it."""
    common = {
        "change_id": change,
        "relationship": member.relationship,
        "side": member.side,
        "person": member.membership.person,
    }
    out = TakenOut.objects.create(
        **common, revision=1, digest="0" * 64, sentences={}, retroactive=False, size=4,
        sha256=hashlib.sha256(b"file").hexdigest(),
    )  # fmt: skip
    signed = b"file, signed elsewhere"
    made = SignedFile.objects.create(
        **common,
        taken_out=out,
        size=len(signed),
        sha256=hashlib.sha256(signed).hexdigest(),
        content=signed,
        found=[asdict(FoundSignature("Olga", "", "Authority", False, "", "", "2030-01-01T00:00:00+00:00"))],
    )
    return made.pk


def test_every_url_is_placed():
    assert set(names(get_resolver().url_patterns)) == WITHIN.keys() | CHANGING.keys() | ANYBODYS | SIGNED_IN


def reads(who, name):
    """Whether somebody gets to see a page."""
    if name == "their_place":  # a customer's: seen by who leads there, and by themselves
        return who in {"customer_lead", "customer_member"}
    if name in {"rejects", "rejected_rows", "match_columns"} and not who.startswith(
        "provider"
    ):  # what stands in its cells the other side does not read
        return False
    if name == "move" and not who.startswith("provider"):  # whose answer is not awaited
        return False
    if name == "own_template" and not (who.startswith("provider") and role_may(who.split("_")[-1], Action.READ_OWN)):
        return False  # a draft of the provider's, for those who read what it keeps
    # The neutral draft and sign nothing, and ask for nothing.
    if (
        name
        in {"first_text", "kpi_list_file", "agreement_limits", "sign_change", "sign_elsewhere", "raise", "raise_what"}
        and "_" not in who
    ):
        return False
    return role_may(who.split("_")[-1], WITHIN[name])


def changes(who, name):
    return role_may(who.split("_")[-1], CHANGING[name])


# With the people's pages these are tried: here a customer's lead would let one go.
OF_CUSTOMERS = {"let_go", "change_role", "set_firm", "stand_in"}
READERS = by_turns(WITHIN, EVERYBODY, reads)
CHANGERS = by_turns(sorted(CHANGING.keys() - OF_CUSTOMERS), EVERYBODY, changes) + by_turns(
    sorted(OF_CUSTOMERS), [who for who in EVERYBODY if not who.startswith("customer")], changes
)
OUTSIDERS = [(OUTSIDE[number % len(OUTSIDE)], name) for number, name in enumerate([*WITHIN, *CHANGING])]


def test_each_of_the_cast_has_a_turn():
    assert {who for who, _ in READERS} == {who for who, _ in CHANGERS} == {*EVERYBODY}
    assert {name for _, name in READERS} == {*WITHIN}
    assert {name for _, name in CHANGERS} == {*CHANGING}
    assert {who for who, _ in OUTSIDERS} == {*OUTSIDE}


def try_to_read(them, who, name):
    answer = them.client(who).get(address(them, name))
    answer.getvalue()  # a file is closed at its end
    # Who reads a matter and may not answer it is sent back to it, or told.
    refused = {302, 403} if name == "move" else {404}
    if name == "agreement_file" and reads(who, name):  # made by a worker, and kept for who reads the same
        assert answer.status_code in {200, 202}, who
        return
    if name in {"sign_change", "sign_elsewhere"} and reads(
        who, name
    ):  # who has not signed in within the last minutes does so first
        assert answer.status_code == 302
        return
    assert answer.status_code in ({200} if reads(who, name) else refused), (who, name)


def try_to_change(them, who, name):
    browser = them.client(who)
    assert browser.get(address(them, name)).status_code == 405, (who, name)
    answer = browser.post(address(them, name))
    # Of those who may: no such period, no such invitation; an empty form.
    assert answer.status_code in ({302, 404, 422} if changes(who, name) else {404}), (who, name)


def try_from_outside(them, who, name):
    """Whether nobody learns that it is there."""
    browser = them.client(who)
    answer = browser.get(address(them, name))
    if who is None:
        assert answer.status_code == 302, name
        assert answer.headers["Location"].startswith("/sign-in/"), name
        return
    nowhere = browser.get(address(them, name).replace(str(them.relationship), str(uuid.uuid4())))
    assert answer.status_code == nowhere.status_code == 404, (who, name)
    assert _bare(answer) == _bare(nowhere), (who, name)


@pytest.mark.parametrize(("who", "name"), READERS)
def test_members_read_the_pages_that_their_role_may(them, who, name):
    try_to_read(them, who, name)


@pytest.mark.parametrize(("who", "name"), CHANGERS)
def test_changing_urls_need_the_right(them, who, name):
    try_to_change(them, who, name)


@pytest.mark.parametrize(("who", "name"), OUTSIDERS)
def test_outsiders_get_not_found(them, who, name):
    try_from_outside(them, who, name)


@pytest.mark.long
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_member_reads_and_changes_what_their_role_may_at_every_url(them, who):
    for name in WITHIN:
        try_to_read(them, who, name)
    for name in CHANGING:
        if not (name in OF_CUSTOMERS and who.startswith("customer")):
            try_to_change(them, who, name)


@pytest.mark.long
@pytest.mark.parametrize("who", OUTSIDE)
def test_every_outsider_gets_not_found_for_every_url(them, who):
    for name in (*WITHIN, *CHANGING):
        try_from_outside(them, who, name)


def _bare(answer):
    return re.sub(r"/r/[0-9a-f-]{36}/|value=\"[^\"]{64}\"", "", answer.content.decode())


def everything(them, who, languages):
    """All that somebody can read: pages and files, bodies and headers; the languages by turns, or each in all."""
    browser = them.client(who)
    files = (them.url(f"review/file.{form}?period=2026-06") for form in ("html", "xlsx", "pptx", "pdf", "board"))
    pages = [*(address(them, name) for name in WITHIN), *files]
    pages += [
        them.url(f"records/{them.own_file}/"),
        *(them.url(f"matters/{one}/{file}") for one in them.corrections.values() for file in ("", "changes.csv")),
        them.url("review/?view=joint"),
        them.url("review/?period=2026-05"),
        them.url("search/?q=help"),
        "/?all=1",
        "/account/",
    ]
    for number, path in enumerate(pages):
        for language in languages(number):
            answer = browser.get(path, headers={"accept-language": language})
            yield path, unpacked(answer.getvalue()) + str(answer.headers).encode()


LANGUAGES = ("en", "es")


def by_language(number):
    return [LANGUAGES[number % 2]]


def in_both(_):
    return LANGUAGES


def nothing_comes_out(who, read):
    """Whether nothing that the other side keeps, or a side from this role, is in what somebody reads."""
    own = next((side for side in Side if who.startswith(side.value)), None)
    hidden = [
        secret.encode(coding)
        for side, secrets in OURS.items()
        if not (own is side and role_may(who.split("_")[-1], Action.READ_OWN))
        for secret in secrets
        for coding in ("utf-8", "utf-16-le")
    ]
    assert hidden
    for path, text in read:
        assert [secret for secret in hidden if secret in text] == [], (who, path)


@pytest.mark.parametrize("who", ["customer_lead", pytest.param("auditor", marks=pytest.mark.long)])
def test_private_values_are_not_in_responses_to_the_other_side(them, who):
    nothing_comes_out(who, everything(them, who, by_language))


def test_members_with_the_right_see_private_values_of_their_own_side_alone(them):
    """Else the test above could not fail."""
    read = list(everything(them, "provider_lead", by_language))
    nothing_comes_out("provider_lead", read)
    seen = b"".join(text for _, text in read)
    assert b"costs" in seen.lower()
    # 180 of 250 in time, as the intervals have it: these are reviews and not empty pages.
    assert sum(seen.count(level.encode()) for level in ("72.0\u00a0%", "72,0\u00a0%")) > 10
    tables = them.client("provider_lead").get(them.url("records/")).content.decode()
    assert ">costs</th>" in tables
    assert ">costs</th>" not in them.client("customer_lead").get(them.url("records/")).content.decode()


@pytest.mark.long
@pytest.mark.parametrize("who", [*EVERYBODY, "stranger", "former"])
def test_private_values_are_in_no_response_to_others_in_any_language(them, who):
    nothing_comes_out(who, everything(them, who, in_both))


def test_corrections_are_read_by_all_members_without_private_values(them):
    """Neither the other side's value of a column that it keeps nor the own side's comes out with the rest of a row."""
    told = {}
    for who in (*EVERYBODY, "stranger"):
        for asks, number in them.corrections.items():
            found = them.client(who).get(them.url(f"matters/{number}/changes.csv"))
            assert found.status_code == (404 if who == "stranger" else 200)
            if who != "stranger":
                told.setdefault(asks, set()).add(found.content.decode())
    (text,) = told[Side.PROVIDER]
    assert text.splitlines() == [
        "change,kind,row,column,before,after",
        "1,change,c6-1-0,handle_s,200.0,300.0",
        "1,change,c6-1-0,reason,,a guess",  # and not what the customer keeps in it
    ]
    (text,) = told[Side.CUSTOMER]
    found = {tuple(line[3:]) for line in list(csv.reader(io.StringIO(text)))[1:]}
    assert found == {("offered", "250", "999"), ("handle_s", "", "1.0")}  # nor what the provider keeps
    assert them.client("customer_lead").get(them.url(f"matters/{them.matter}/changes.csv")).status_code == 404


def every_page(them, who, _):
    """As `everything`, without the formats of a review that take long to make."""
    browser = them.client(who)
    for number, name in enumerate(WITHIN):
        answer = browser.get(address(them, name), headers={"accept-language": LANGUAGES[number % 2]})
        yield name, unpacked(answer.getvalue()) + str(answer.headers).encode()


def snapshot(them, who, languages, read):
    """All that somebody can read, what the API gives them, and what the database shows them of each table."""
    found = {}
    for path, text in read(them, who, languages):
        if re.search(
            r"file\.(pptx|pdf|board)|kpi_list_file|list\.xlsx", path
        ):  # which bear the moment at which they are made
            continue
        found[path, len(found)] = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"|csrftoken=[^ ;]+', b"", text)
    for path in (*API_PATHS, "search?q=Zebulon"):
        answer = ask(them, who, path)
        found["api", path] = answer.content + str(answer.headers).encode()
    with transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'relationship_id'")
        tables = {table for (table,) in cursor.fetchall()} - {"personal_visit"}  # when the reader was last here
        for table in sorted(tables):
            with suppress(DatabaseError), transaction.atomic():
                cursor.execute(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
                found["table", table] = cursor.fetchall()
    return found


API_PATHS = ("agreement", "agreement/changes", "agreement/priorities", "matters", "records", "replies", "kpis",
             "people", "log", "record", "ledger", "figures.csv", "review", "access.csv")  # fmt: skip


def nobody_can_tell(readers, languages, read):
    """Whether what each of the readers sees is the same, byte by byte, before and after the provider seals."""
    made = populated()
    made.tokens = {}
    for who in readers:  # what is read is in the log, once a day
        snapshot(made, who, languages, read)
    before = {who: snapshot(made, who, languages, read) for who in readers}
    with transaction.atomic():
        member = made.at("provider_lead")
        row = Round.objects.get(pk=made.round)
        assert priorities.save(member, row, ranking_of({"service_level": 1}, [], ["Zebulon", "x"]), 1) == 2
        assert priorities.seal(member, row, 2) is None
    run_jobs()
    for who in readers:
        after = snapshot(made, who, languages, read)
        assert after.keys() == before[who].keys()
        assert [key for key, text in after.items() if text != before[who][key]] == [], who
    # Else the test could not fail: the sealer's own side sees it.
    page = made.client("provider_lead").get(address(made, "priority_round")).content.decode()
    assert "Sealed by Provider Lead" in page


@pytest.mark.long
@pytest.mark.parametrize("who", ["customer_lead", "auditor"])
def test_whether_a_side_has_sealed_its_priorities_is_nowhere_to_be_seen(who):
    """At every address, for programs, in files, and in the rows that the database shows."""
    nobody_can_tell([who], by_language, every_page)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_whether_a_side_has_sealed_is_hidden_from_everybody_else_in_any_language():
    nobody_can_tell([who for who in EVERYBODY if not who.startswith("provider")], in_both, everything)


@pytest.mark.parametrize("who", ["provider_roster", "provider_analyst", "provider_finance", "customer_lead", "auditor"])
def test_a_role_cannot_disclose_what_it_does_not_read(them, who):
    told = book_folder(them.relationship) / "book.toml"
    before = told.read_bytes()
    for item in ("costs", "intervals.handle_s", "events[kind=storm]"):
        if who in {"provider_roster", "provider_analyst"} and item != "costs":
            continue  # these are theirs to share
        found = them.client(who).post(them.url("records/private/disclose/"), {"item": item})
        assert found.status_code in {302, 404}
    assert told.read_bytes() == before
    with transaction.atomic():
        them.at("auditor")
        assert not MarkStep.objects.exists()
    assert ">costs</th>" not in them.client("customer_lead").get(them.url("records/")).content.decode()


@pytest.mark.parametrize(
    ("who", "tables"),
    [
        ("provider_lead", {"costs", "staff"}),
        ("provider_executive", {"costs"}),
        ("provider_finance", {"costs"}),
        ("provider_roster", {"staff"}),
        ("provider_analyst", {"staff"}),
        ("provider_member", set()),
        ("customer_lead", set()),
        ("auditor", set()),
    ],
)
def test_private_costs_and_staff_need_rights_of_their_own(them, who, tables):
    shown = them.client(who).get(them.url("records/")).content.decode()
    assert {name for name in ("costs", "staff") if f">{name}</th>" in shown} == tables


def test_an_error_page_reveals_nothing(them, monkeypatch):
    def broken(*_):
        raise RuntimeError("Zebulon 4711.13")

    monkeypatch.setattr("comity.apps.today.queries.inboxes", broken)
    browser = them.client("customer_lead")
    browser.raise_request_exception = False
    found = browser.get(them.url())
    assert found.status_code == 500
    assert b"Zebulon" not in found.content
    assert b"Nothing was changed" in found.content


def test_a_cross_site_form_is_refused(them):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(them.people["customer_lead"], backend=BACKEND)
    for name in CHANGING:
        assert browser.post(address(them, name)).status_code == 403


@pytest.mark.usefixtures("them")
def test_redirects_stay_within_the_room_and_unknown_hosts_are_refused():
    for path in ("/sign-in/?next=https://evil.example/", "/language/setlang/"):
        found = Client().post(path, {"next": "https://evil.example/", "language": "es"})
        assert "evil.example" not in found.headers.get("Location", "")
    assert Client().get("/sign-in/", headers={"host": "evil.example"}).status_code == 400


def test_security_headers_are_set(them):
    found = them.client("customer_lead").get(them.url())
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.headers["X-Frame-Options"] == "DENY"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    body = found.content.decode()
    (script,) = re.findall(r"<script[^>]*>", body)
    assert re.fullmatch(r"<script src=\"/static/comity/keys.js\" defer data-shown='[^']*'>", script)
    assert "<script src" not in body.replace(script, "")
    assert not re.search(r"\sstyle=", body)


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_user_texts_are_escaped(them):
    with transaction.atomic():
        asked = matters.NewMatter(Kind.ACTION, SCRIPT, SCRIPT, owner=None)
        made = matters.raise_matter(them.at("provider_lead"), asked, "UTC")
    for path in ("", "matters/", f"matters/{made.pk}/", "log/"):
        found = them.client("customer_lead").get(them.url(path)).content.decode()
        assert "<script>" not in found
        assert "<img" not in found


def test_an_invitation_is_stored_as_a_digest_alone(them):
    with transaction.atomic():
        made, word = parties.invite(them.at("customer_lead"), "new@example.org", Role.MEMBER, Side.CUSTOMER)
        assert made.digest != word
        assert not Invitation.objects.filter(digest=word).exists()


def try_a_door(them, who, name, language):
    """What is for those who are signed in sends others to sign in; nothing breaks."""
    more = {
        "join": ["nothing"], "set_up": ["nothing"],
        "account_reset_password_from_key": ["0", "nothing"], "revoke_token": [uuid.uuid4()],
        "move_export": [uuid.uuid4()],
        "openid_connect_login": ["nobody"], "openid_connect_callback": ["nobody"], "mfa_remove_webauthn": [1],
        "mfa_edit_webauthn": [1], "concept": ["concepts"], "style": ["dark", "room.css"],
    }  # fmt: skip
    answer = them.client(who).get(reverse(name, args=more.get(name)), headers={"accept-language": language})
    assert answer.status_code in {200, 302, 401, 404, 405, 410}, (who, name, language)
    if who is None and name in SIGNED_IN and answer.status_code == 302:
        assert "/sign-in/" in answer.headers["Location"], name
    if answer.status_code == 200:
        no_page = name in {"mfa_download_recovery_codes", "style"}
        assert no_page or "room.css" in answer.content.decode(), (who, name, language)
        assert who is not None or name in ANYBODYS, name


DOORS = sorted(ANYBODYS | SIGNED_IN)


@pytest.mark.parametrize("cast", [[None], ["customer_lead", "provider_member", "auditor"]], ids=["outside", "inside"])
def test_account_pages_answer_without_server_error(them, cast):
    """Each as somebody outside, and as one of a side or a neutral in turn; the languages by turns."""
    for number, name in enumerate(DOORS):
        try_a_door(them, cast[number % len(cast)], name, LANGUAGES[number % 2])


@pytest.mark.long
@pytest.mark.parametrize("who", [None, *EVERYBODY])
def test_account_pages_answer_everybody_in_any_language(them, who):
    for name in DOORS:
        for language in LANGUAGES:
            try_a_door(them, who, name, language)


def test_a_password_is_changed_and_codes_are_asked_for(them):
    browser = them.client("provider_member")
    assert 'name="oldpassword"' in browser.get(reverse("account_change_password")).content.decode()
    shown = browser.get(reverse("mfa_activate_totp"))
    page = (
        shown.content.decode() if shown.status_code == 200 else browser.get(shown.headers["Location"]).content.decode()
    )
    assert 'name="code"' in page or 'name="password"' in page
