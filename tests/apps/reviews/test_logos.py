"""A side's logo: its leads set and remove it, a job writes it into the book, and the other side cannot touch it."""

import html
import io
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from PIL import Image

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import results
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from comity.apps.reviews import logos as operations
from comity.apps.reviews import tasks
from comity.apps.reviews.models import ByMail
from comity.apps.reviews.operations import subscribe_to_mail
from comity.apps.reviews.refusals import Code
from comity.book.logos import FITTED_PX, decode_logo, read_logos, write_logo
from comity.book.storage.commit import BusyBookError, book_lock
from comity.core.values import Side
from tests.builders import logos
from tests.builders.levels import KPI, contacts
from tests.room import COMPUTING, EVERYBODY, cast, forget_mails, run_jobs, sent_mails, token

pytestmark = pytest.mark.gate
LEADS = {"customer_lead", "provider_lead"}


@pytest.fixture(scope="module")
def shared():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


@pytest.fixture
def them(shared):
    yield shared
    for side in Side:
        write_logo(book_folder(shared.relationship), side, None)


def send(them, who, content=None, name="logo.png", **said):
    """Post the form: a file, or whatever else is said."""
    if content is not None:
        said["file"] = SimpleUploadedFile(name, content)
    return them.client(who).post(them.url("review/logo/"), said)


def shown(them):
    """The first pixel of each side's logo in the book."""
    made = read_logos(book_folder(them.relationship))
    return {side: Image.open(io.BytesIO(logo.png)).convert("RGB").getpixel((0, 0)) for side, logo in made.items()}


def events(them, who="customer_lead"):
    with transaction.atomic():
        them.at(who)
        chosen = AuditEvent.objects.filter(event__in=(Event.LOGO_SET, Event.LOGO_REMOVED)).order_by("at")
        return [(one.event, one.person.name, one.data) for one in chosen]


def pictures(them, who="customer_lead", query="?period=2026-06"):
    """The pictures in the slides that somebody downloads, by their first pixel."""
    answer = them.client(who).get(them.url(f"review/file.pptx{query}"))
    if answer.status_code == 503:
        run_jobs(*COMPUTING)
        answer = them.client(who).get(them.url(f"review/file.pptx{query}"))
    assert answer.status_code == 200
    return in_slides(answer.content)


def in_slides(content):
    """The pictures in slides, by their first pixel."""
    packed = zipfile.ZipFile(io.BytesIO(content))
    names = sorted(name for name in packed.namelist() if name.startswith("ppt/media/"))
    return {Image.open(io.BytesIO(packed.read(name))).convert("RGB").getpixel((0, 0)) for name in names}


def test_a_logo_is_written_by_a_job_and_shown_in_the_slides_of_both_sides(them):
    before = len(events(them))
    assert pictures(them) == set()
    assert send(them, "customer_lead", logos.png(size=(1600, 400))).status_code == 302
    assert shown(them) == {}  # no request writes into a book
    assert words_for("en")("logo.waits") in them.client("customer_lead").get(them.url("review/mail/")).content.decode()
    run_jobs(operations.WRITE_TASK)
    assert shown(them) == {Side.CUSTOMER: logos.BLUE}
    logo = read_logos(book_folder(them.relationship))[Side.CUSTOMER]
    assert (logo.width, logo.height) <= FITTED_PX
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert pictures(them, who) == {logos.BLUE}
    for who in ("customer_lead", "provider_lead"):
        assert events(them, who)[before:] == [("logo_set", them.people["customer_lead"].name, {"side": "customer"})]


def test_slides_never_have_an_older_logo_and_no_review_is_computed_anew_for_one(them):
    """The records are the same, so that the review stands: the logo is read when slides are made."""
    pictures(them)
    with transaction.atomic():
        state = results.records_state(them.at("provider_lead"))
    for color in (logos.BROWN, logos.BLUE):
        send(them, "provider_lead", logos.png(color))
        run_jobs(operations.WRITE_TASK)
        assert pictures(them, "customer_lead") == {color}
    send(them, "provider_lead", do="remove")
    run_jobs(operations.WRITE_TASK)
    assert pictures(them) == set()
    with transaction.atomic():
        assert results.records_state(them.at("provider_lead")) == state


def test_the_slides_of_a_mail_and_of_the_api_have_the_logos(them):
    send(them, "provider_lead", logos.png(logos.BROWN))
    run_jobs(operations.WRITE_TASK)
    pictures(them)  # the review is computed
    headers = {"authorization": f"Bearer {token(them, 'customer_member')}"}
    path = f"/api/r/{them.relationship}/review/file.pptx?period=2026-06&view=joint"
    assert in_slides(them.client(None).get(path, headers=headers).content) == {logos.BROWN}
    with transaction.atomic():
        member = them.at("customer_member")
        wish = subscribe_to_mail(member, "day 5 07:00", "pptx", joint=True)
        ByMail.objects.filter(pk=wish.pk).update(since=datetime(2026, 7, 1, tzinfo=UTC))
    forget_mails()
    tasks.mail(int(datetime(2026, 7, 5, 12, tzinfo=UTC).timestamp()))
    (told,) = sent_mails()
    ((_, content, _),) = told.attachments
    assert in_slides(content) == {logos.BROWN}


def test_a_side_neither_sets_nor_removes_the_logo_of_the_other(them):
    """Whatever it sends beside its file: the address knows the own side alone."""
    send(them, "customer_lead", logos.png(logos.BLUE))
    run_jobs(operations.WRITE_TASK)
    told = {"side": "customer", "for": "customer", "file_name": "customer"}
    send(them, "provider_lead", logos.png(logos.BROWN), name="../customer.png", **told)
    run_jobs(operations.WRITE_TASK)
    assert shown(them) == {Side.CUSTOMER: logos.BLUE, Side.PROVIDER: logos.BROWN}
    send(them, "provider_lead", do="remove", **told)
    run_jobs(operations.WRITE_TASK)
    assert shown(them) == {Side.CUSTOMER: logos.BLUE}


@pytest.mark.parametrize("who", sorted(set(EVERYBODY) - LEADS))
def test_only_who_leads_a_side_sets_its_logo(them, who):
    for said in ({"content": logos.png()}, {"do": "remove"}):
        assert send(them, who, **said).status_code == 404
    with transaction.atomic(), pytest.raises(Refused, match=Code.NOT_YOURS):
        operations.remove_logo(them.at(who))
    assert "review/logo/" not in them.client(who).get(them.url("review/mail/")).content.decode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (logos.SVG, Code.LOGO_NO_IMAGE),
        (b"<script>window.ran=1</script>", Code.LOGO_NO_IMAGE),
        (logos.bomb_png(60_000, 60_000), Code.LOGO_DIMENSIONS),
        (logos.bomb_png(9_000, 9_000, rows=9_000), Code.LOGO_DIMENSIONS),
        (logos.scan_bomb_jpeg(200), Code.LOGO_NO_IMAGE),
        (logos.png().ljust(3_000_000, b"\0"), Code.LOGO_TOO_LARGE),
        (logos.png(size=(700, 100)), Code.LOGO_SHAPE),
    ],
    ids=["svg", "script", "claimed bomb", "bomb", "scans", "too large", "too wide"],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_of_no_use_is_refused_in_the_request_with_a_sentence(them, content, code, language):
    before = len(events(them))
    file = SimpleUploadedFile("logo.png", content, content_type="image/png")
    browser = them.client("customer_lead")
    browser.cookies["django_language"] = language
    answer = browser.post(them.url("review/logo/"), {"file": file}, headers={"accept-language": language})
    assert answer.status_code == 422
    sentences = {words_for(one)(code.message) for one in ("en", "es")}
    assert any(one in html.unescape(answer.content.decode()) for one in sentences)
    run_jobs(operations.WRITE_TASK)
    assert shown(them) == {}
    assert len(events(them)) == before


def test_an_empty_form_is_refused(them):
    assert send(them, "customer_lead").status_code == 422


def test_what_stands_beside_the_pixels_reaches_nobody(them):
    """A script behind the image, a comment, where the photograph was taken."""
    secret = "<script>Zebulon</script>"
    send(them, "provider_lead", logos.telling_png(secret))
    run_jobs(operations.WRITE_TASK)
    (file,) = (book_folder(them.relationship) / "logos").iterdir()
    assert b"Zebulon" not in file.read_bytes()
    assert decode_logo(file.read_bytes()).width == 300


def test_jobs_of_a_side_run_in_its_order_and_may_run_twice(them):
    send(them, "customer_lead", logos.png(logos.BROWN))
    send(them, "customer_lead", do="remove")
    send(them, "customer_lead", logos.png(logos.BLUE))
    run_jobs(operations.WRITE_TASK)
    assert shown(them) == {Side.CUSTOMER: logos.BLUE}


def test_a_logo_waits_for_an_import(them):
    with book_lock(book_folder(them.relationship)), pytest.raises(BusyBookError):
        operations.write_now(them.relationship, Side.CUSTOMER, "")


def test_the_page_shows_both_sides_what_there_is(them):
    send(them, "provider_lead", logos.png(logos.BROWN))
    run_jobs(operations.WRITE_TASK)
    for who in ("customer_member", "provider_lead", "auditor"):
        page = them.client(who).get(them.url("review/mail/")).content.decode()
        assert page.count('class="logo-shown" src="data:image/png;base64,') == 1
        assert (words_for("en")("logo.remove") in page) == (who == "provider_lead")
