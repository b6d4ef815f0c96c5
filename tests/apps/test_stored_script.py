"""Script in every text that people or records bring in: it is shown as text, runs nowhere, and breaks no policy."""

import html
import re
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client

from comity.apps.books import forms as book_forms
from comity.apps.books import match_form
from comity.apps.books import operations as books
from comity.apps.books.models import Delivery, KeptMapping
from comity.apps.kpis import forms as kpi_forms
from comity.apps.ledger import forms as ledger_forms
from comity.apps.matters import forms as matter_forms
from comity.apps.matters.models import Matter
from comity.apps.parties import forms as party_forms
from comity.apps.parties.models import Membership
from comity.apps.personal import forms as personal_forms
from comity.apps.replies import forms as reply_forms
from comity.core.matters.kinds import Kind
from comity.web.wsgi import application
from tests.builders.levels import contacts
from tests.builders.uploads import brought as brought_in
from tests.room import COMPUTING, cast, forget_mails, run_jobs, said_again, sent_mails

pytestmark = [pytest.mark.browser, pytest.mark.gate]
SCRIPT = "\"'><script>window.ran=1</script><img src=x onerror=window.ran=1><svg onload=window.ran=1>{{ 7*7 }}"
RAW = ("<script>window", "<img src=x", "<svg onload", "onerror=window.ran=1>", "&gt;49")
# Every text that a form takes, and where the test plants it; a new one fails until it is planted.
PLANTED = {
    ("InviteForm", "email"): "is an address, and refused",
    ("JoinForm", "name"): "join", ("JoinForm", "password"): "is not shown",
    ("SetUpForm", "name"): "as of JoinForm", ("SetUpForm", "password"): "is not shown",
    ("SetUpForm", "email"): "is an address",
    ("RelationshipForm", "own"): "begin", ("RelationshipForm", "other"): "begin",
    ("TokenForm", "name"): "token", ("FirmForm", "name"): "firm",
    ("RenameFormatForm", "name"): "rename", ("BeginBookForm", "currency"): "is a code, and refused",
    ("TermsForm", "currency"): "is a code, and refused",
    ("ChooseMappingForm", "text"): "mapping", ("MatchColumnsForm", "name"): "match",
    ("RaiseForm", "title"): "raise", ("RaiseForm", "text"): "raise",
    ("DisputeForm", "title"): "raise", ("DisputeForm", "text"): "raise",
    ("DisputeForm", "kpi"): "is a figure of the book, and refused", ("DisputeForm", "period"): "is one, and refused",
    ("ActionForm", "kpi"): "as of DisputeForm", ("ActionForm", "period"): "as of DisputeForm",
    ("CommentForm", "text"): "reply",
    ("ClaimForm", "title"): "raise", ("ClaimForm", "text"): "raise", ("ClaimForm", "queue"): "raise",
    ("ClaimForm", "kpi"): "raise",
    ("ActionForm", "title"): "raise", ("ActionForm", "text"): "raise",
    ("KindForm", "title"): "raise", ("KindForm", "text"): "raise",
    **{(form, name): "raise" for form in ("RaiseForm", "DisputeForm", "ClaimForm", "ActionForm", "KindForm")
       for name in ("department", "about_name", "external_system", "external_id")},
    **{(form, "external_url"): "is an address, and refused"
       for form in ("RaiseForm", "DisputeForm", "ClaimForm", "ActionForm", "KindForm")},
    ("MoveForm", "wording"): "reply", ("MoveForm", "price"): "reply", ("MoveForm", "cause"): "reply",
    ("MoveForm", "text"): "reply", ("MoveForm", "queue"): "reply",
    ("MarkPrivateForm", "item"): "is a name of the book, and refused",
    ("MarkPrivateForm", "only"): "as its item", ("MarkPrivateForm", "reason"): "mark",
    ("RoutesForm", "text"): "routes", ("DismissForm", "reason"): "dismissed",
    ("CalendarForm", "zone"): "is a zone, and refused", ("CalendarForm", "free_days"): "calendar",
    **{(form, "region"): "is a code, and refused"
       for form in ("FreeDaysForm", "BeginBookForm", "ServiceDaysForm", "TermsForm")},
    ("AnswersForm", "queues"): "answers",
    ("ReversalForm", "reason"): "ledger", ("SettleForm", "key"): "names a promise, and refused",
    ("SaveViewForm", "name"): "view", ("SaveViewForm", "query"): "view",
}  # fmt: skip
WATCH = """
window.broken = [];
document.addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective + ' ' + e.blockedURI));
"""


def test_every_text_field_of_a_form_is_planted():
    found = set()
    for module in (
        party_forms,
        personal_forms,
        book_forms,
        match_form,
        kpi_forms,
        matter_forms,
        reply_forms,
        ledger_forms,
    ):
        for form in vars(module).values():
            if isinstance(form, type) and issubclass(form, forms.Form) and form.__module__ == module.__name__:
                found |= {
                    (form.__name__, name) for name, one in form.base_fields.items() if isinstance(one, forms.CharField)
                }
    assert found == PLANTED.keys()


@pytest.fixture(scope="module")
def them():  # noqa: PLR0915 - everything that can be typed
    made = cast(customer=f"Northwind {SCRIPT}"[:120], provider=f"Helpline {SCRIPT}"[:120])
    toml = f"""
[book]
name = '''{SCRIPT}'''
[parties.customer]
id = "c"
name = '''C {SCRIPT}'''
[parties.provider]
id = "p"
name = '''P {SCRIPT}'''
[review]
period = "month"
[[kpi]]
id = '''{SCRIPT}'''
measure = "service_level"
target = 0.8
[[kpi]]
id = "handle_time"
queues = ['''{SCRIPT[:80]}''']
target = 100
"""
    quoted = '"' + SCRIPT.replace('"', '""') + '"'
    made.book(toml, contacts="\n".join(row.replace(",help,", f",{quoted},") for row in contacts()))
    forget_mails()
    lead, other = made.client("customer_lead"), made.client("provider_lead")
    # Somebody joins under such a name, leads, and is let go by the log's words.
    lead.post(made.url("people/invite/"), {"email": "odd@example.org", "role": "lead"})
    address = re.findall(r"http://[^/]+(/join/\S+)", sent_mails()[-1].body)[0]
    odd = Client()
    assert odd.post(address, {"name": SCRIPT, "password": "correct horse battery staple"}).status_code == 302
    said_again(odd)
    assert odd.post("/account/tokens/", {"name": SCRIPT[:80], "days": 9}).status_code == 200
    assert lead.post("/begin/", {"own": SCRIPT, "other": SCRIPT, "side": "customer"}).status_code == 302
    with transaction.atomic():
        made.at("customer_lead")
        advises = Membership.objects.get(relationship=made.relationship, person=made.people["customer_lead"]).pk
    assert lead.post(made.url(f"people/{advises}/firm/"), {"name": SCRIPT[:120]}).status_code == 302
    listed = {"as_of": "2026-06-10", "debtor_0": "provider", "kind_0": "action", "what_0": SCRIPT}
    assert odd.post(made.url("ledger/agreed/opening/"), listed).status_code == 302
    days = {"from_day": "2026-06-10", "to_day": "2026-06-11"}
    plain = {"title": SCRIPT, "text": SCRIPT, "department": SCRIPT[:80], "about_name": SCRIPT[:120],
             "external_system": SCRIPT[:40], "external_id": SCRIPT[:80]}  # fmt: skip
    claim = plain | days | {"event": "outage", "asked_for": "exclude", "queue": SCRIPT[:80], "kpi": "handle_time"}
    with transaction.atomic():
        owner = str(made.at("customer_lead").relationship.memberships.get(person__name=SCRIPT).pk)
    dispute = plain | {"kpi": "handle_time", "period": "2026-06", "wrong": "other"}
    for kind, said in (("dispute", dispute), ("claim", claim),
                       ("offer", plain | {"wording": SCRIPT, "price": SCRIPT[:120], "queue": SCRIPT[:80]}),
                       ("failure", plain | {"failed": "customer", "cause": SCRIPT, "wording": SCRIPT}),
                       ("proposal", plain | {"proposes": "process", "becomes": "promise", "before": SCRIPT,
                                             "wording": SCRIPT, "kpi": "handle_time"}),
                       ("action", plain | {"owner": owner, "due_on": "2027-01-01"})):  # fmt: skip
        assert odd.post(made.url(f"matters/raise/{kind}/"), said).status_code == 302
    with transaction.atomic():
        made.at("customer_lead")
        made.matters = [one.pk for one in Matter.objects.all()]
    for number in made.matters:
        assert other.post(made.url(f"matters/{number}/"), {"text": SCRIPT}).status_code == 302
        evidence = SimpleUploadedFile(f"{SCRIPT}.csv".replace("/", "|"), b"x")
        said = {"seen": 2, "text": SCRIPT, "queue": SCRIPT[:80], "evidence": evidence, "wording": SCRIPT}
        said |= {"price": SCRIPT[:120], "cause": SCRIPT, "becomes": "promise"}
        assert other.post(made.url(f"matters/{number}/move/counter/"), said).status_code in {302, 422}
    view = {"name": SCRIPT[:60], "query": f"kind={SCRIPT}"}
    assert lead.post(made.url("views/matters/"), view).status_code == 302
    held = {"item": "contacts.reason", "reason": SCRIPT, "review_on": "2090-01-01"}
    assert lead.post(made.url("records/private/"), held).status_code == 302
    route = f"[[route]]\ncolumn = '''{SCRIPT}'''\nis = '''{SCRIPT}'''\nbook = '''{SCRIPT}'''\n"
    assert lead.post("/routes/", {"text": route}).status_code == 422  # none of theirs, and shown again with why
    answers = lead.post(made.url("records/terms/"), {"queues": f"{SCRIPT}: {SCRIPT}"})
    assert answers.status_code == 302, answers.content.decode()
    for browser in (lead, other):
        page = browser.get(made.url("review/confirm/?period=2026-05")).content.decode()
        (digest,) = re.findall(r'name="figures" value="([0-9a-f]{64})"', page)
        assert browser.post(made.url("review/confirm/"), {"period": "2026-05", "figures": digest}).status_code == 302
    days = {"zone": "Europe/Madrid", "days": ["0"], "opens": "09:00", "closes": "17:00"}
    free = days | {"free_days": f"2027-01-01 {SCRIPT}"}
    assert lead.post(made.url("replies/calendar/"), free).status_code == 302
    assert lead.post(made.url("replies/calendar/"), days | {"zone": SCRIPT[:60]}).status_code == 422
    made.files = [brought(made, odd, text, name) for name, text in FILES]
    with transaction.atomic():
        made.at("customer_lead")
        saved = {"relationship_id": made.relationship, "side": "customer", "name": "x", "text": 'table = "contacts"'}
        kept = KeptMapping.objects.create(**saved)
    renamed = {"format": str(kept.pk), "do": "rename", "name": SCRIPT[:60]}
    assert lead.post(made.url("records/formats/"), renamed).status_code == 302
    match = {"table": "contacts", "field_0": "contact_id", "field_1": "opened_at", "zone": "UTC", "do": "check"}
    matched = odd.post(made.url(f"records/{made.files[1]}/columns/"), {**match, "name": SCRIPT[:60]})
    assert matched.status_code == 302
    with transaction.atomic():
        made.at("customer_lead")
        person = Delivery.objects.get(pk=made.files[1]).person_id
    books.run_delivery(person, made.relationship, made.files[1], dry_run=True)
    # A row that the other side brought, named by such a text, into which an import would write such texts.
    for who, word in (("provider_lead", "q"), ("customer_lead", quoted)):
        text = f"contact_id,opened_at,queue,channel,team\n{quoted},2026-06-02T10:00:00Z,{word},voice,{word}\n"
        assert brought_in(made, who, f"{SCRIPT}.csv".replace("/", "|"), text).stage == "brought"
    with transaction.atomic():
        made.at("customer_lead")
        made.correction = Matter.objects.get(kind=Kind.CORRECTION).pk
    made.matters.append(made.correction)
    rows = [f"d{number},2026-06-03T10:00:00Z,help,voice,90" for number in range(60)]
    text = "\n".join(["contact_id,opened_at,queue,channel,handle_s", *rows, "d60,2026-06-03T10:00:00Z,help,voice,-1"])
    rejected = brought_in(made, "customer_lead", "rejected.csv", text)
    said = {"do": "dismiss", "reason": SCRIPT}
    assert lead.post(made.url(f"records/{rejected.pk}/move/"), said).status_code == 302
    made.files.append(str(rejected.pk))
    made.odd = odd
    return made


FILES = (
    (f"{SCRIPT}.csv".replace("/", "|"), f"{SCRIPT.replace(',', '')},x\n{SCRIPT},{SCRIPT}\n"),  # nothing known
    ("contacts.csv", 'contact_id,opened_at,queue,channel\na,2026-06-01T10:00:00Z,"{0}",voice\nb,"{0}",q,"{0}"\n'.format(
        SCRIPT.replace('"', '""'))),
)  # fmt: skip


def brought(made, browser, text, name):
    found = browser.post(made.url("records/upload/"), {"file": SimpleUploadedFile(name, text.encode())})
    number = found.headers["Location"].rstrip("/").rsplit("/", 1)[-1]
    with transaction.atomic():
        made.at("customer_lead")
        one = Delivery.objects.select_related("person").get(pk=number)
    if one.stage == "looking":
        books.run_delivery(one.person.pk, made.relationship, one.pk, dry_run=True)
    else:
        browser.post(
            made.url(f"records/{number}/move/"), {"do": "look", "text": f"table = '''{SCRIPT}'''", "mapping": ""}
        )
    return number


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def home(them):  # noqa: ARG001 - the database has to be there
    """The address of the room, served to the browser by this process."""
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)

    def serve():
        server.serve_forever(0.05)
        connections.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pages(them):
    within = ["review/mail/", "log/?what=reads", "",
              "matters/", "review/", "review/?period=2026-05", "review/?view=joint", "attribution/", "records/",
              "people/", "log/", "ledger/", "ledger/?age=0", "ledger/agreed/", "replies/", "kpis/", "search/?q=script",
              "search/?q=" + SCRIPT.replace("#", ""),
              "replies/?country=ES&region=" + SCRIPT.replace("#", ""),
              "matters/raise/dispute/?kpi=" + SCRIPT.replace("#", ""), "matters/raise/claim/",
              "matters/raise/action/", "review/?period=<script>window.ran=1</script>"]  # fmt: skip
    within += [f"matters/{one}/" for one in them.matters] + [f"records/{one}/" for one in them.files]
    within += [f"records/{one}/columns/" for one in them.files]
    outside = ["/?all=1", "/begin/", "/routes/",
               "/account/", "/sign-in/codes/", "/sign-in/sessions/", "/nowhere/<script>window.ran=1</script>",
               "/sign-in/again/?next=javascript:window.ran=1", "/sign-in/?next=" + SCRIPT]  # fmt: skip
    return [*(them.url(one) for one in within), *outside]


def no_script_runs(them, browser, home, who, part=slice(None)):
    """On the pages, or a part of them, that somebody opens; how many of these showed what was planted."""
    client = them.odd if who == "odd" else them.client(who)
    context = browser.new_context(base_url=home)
    if "sessionid" in client.cookies:
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": home}])
    context.add_init_script(WATCH)
    page, told = context.new_page(), []
    page.on("dialog", lambda one: (told.append(one.message), one.dismiss()))
    page.on("pageerror", lambda one: told.append(str(one)))
    seen = 0
    for path in pages(them)[part]:
        client.get(path)
        while run_jobs(*COMPUTING):  # else the browser sees the page that waits for the review
            client.get(path)
        answer = page.goto(path)
        body = answer.text()
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert page.evaluate("window.ran") is None, path
        assert page.evaluate("window.broken") == [], path
        assert [raw for raw in RAW if raw in body] == [], path
        seen += "&lt;script&gt;" in body
    assert told == []
    context.close()
    return seen


def test_no_stored_script_runs_on_any_page(them, browser, home):
    """Each page once, all taking turns."""
    everybody = ["odd", "provider_lead", "auditor", None]
    assert sum(no_script_runs(them, browser, home, who, slice(at, None, 4)) for at, who in enumerate(everybody)) > 5


@pytest.mark.long
@pytest.mark.parametrize(("who", "least"), [("odd", 16), ("provider_lead", 16), ("auditor", 2), (None, 0)])
def test_no_stored_script_runs_on_any_page_for_others(them, browser, home, who, least):
    assert no_script_runs(them, browser, home, who) >= least


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_corrections_and_reasons_are_escaped(them, who):
    """Else the browser's test of these two pages could pass without anything planted in them."""
    shown = html.escape(SCRIPT, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    page = them.client(who).get(them.url(f"matters/{them.correction}/")).content.decode()
    cells = re.findall(r'<t[dh][^>]*class="any"[^>]*>(.*?)</t[dh]>', page, re.DOTALL)
    assert [cell.split("<br>") for cell in cells] == [[shown], ["q", "q"], [shown, shown]]
    if who == "provider_lead":  # whose rows they are, and who answers
        answer = them.client(who).get(them.url(f"matters/{them.correction}/move/agree/?write=1")).content.decode()
        assert f'aria-label="Accept the change of {shown}"' in answer
        assert not [raw for raw in RAW if raw in answer]
    page = them.client(who).get(them.url("records/")).content.decode()
    (steps,) = re.findall(r"<summary>History</summary><ul>(.*?)</ul>", page, re.DOTALL)
    assert shown in steps
    assert shown in page.replace(steps, "")  # as the reason that stands, beside that of the change
    assert "<section" not in re.findall(r"<title>(.*?)</title>", page, re.DOTALL)[0]
    assert not [raw for raw in RAW if raw in page]


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_no_stored_script_runs_in_the_downloaded_page(them, browser, who):
    text = them.client(who).get(them.url("review/file.html?period=2026-06")).content.decode()
    assert "&lt;script&gt;" in text
    page = browser.new_page()
    page.add_init_script(WATCH)
    page.goto("about:blank")
    page.set_content(text)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("window.broken || []") == []
    page.close()


def test_every_response_has_the_content_security_policy(them):
    """Pages of errors, of signing in and of the API among them."""
    browser = them.client("provider_lead")
    browser.raise_request_exception = False
    for found in (
        browser.get("/nowhere/"), browser.post(them.url("people/")), browser.get("/api/nowhere"),
        Client(enforce_csrf_checks=True).post("/sign-in/"), Client().get("/sign-in/"), browser.get("/sign-in/codes/"),
        Client().get("/join/nothing/"), browser.get(them.url("review/file.html")), Client().get(them.url()),
    ):  # fmt: skip
        assert "default-src 'none'" in found.headers["Content-Security-Policy"]
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert found.headers["X-Frame-Options"] == "DENY"
