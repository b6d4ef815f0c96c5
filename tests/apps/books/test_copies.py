"""Take my copy: what a side takes out of the room, which any machine reads, and in which the other side's is not."""

import io
import json
import re
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from typer.testing import CliRunner

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import copies
from comity.apps.books.queries import book_folder, open_member_book
from comity.apps.parties.models import Membership
from comity.apps.refusal import Refused
from comity.book.reading.open import home_viewer, open_book
from comity.cli import app
from comity.core.values import Side
from tests.builders.confirmations import confirm
from tests.builders.kept_apart import KPI, OURS, unpacked
from tests.builders.levels import contacts
from tests.builders.turns import every
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate
EVENTS = """event_id,kind,from,to,declared_by,declared_at,note
provider-storm,storm,2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,Zebulon
holiday,price_letter,2026-06-12T00:00:00Z,2026-06-13T00:00:00Z,customer,2026-06-03T00:00:00Z,
"""


@pytest.fixture
def them():
    """Private tables, columns and rows of both sides, those of a row among the shared ones too."""
    made = cast()
    made.book(
        KPI,
        contacts="\n".join(
            f"{row},{'reason' if not number else 'Quixote-reason'}" for number, row in enumerate(contacts())
        ),
        events=EVENTS,
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
    )
    return made


def made(them, who):
    """The archive that somebody has made, and fetches."""
    browser = them.client(who)
    assert browser.post(them.url("records/copy/")).status_code == 302
    run_jobs("books.copy")
    with transaction.atomic():
        (one,) = copies.copies(them.at(who))
    answer = browser.get(them.url(f"records/copy/{one.key}.zip"))
    assert answer.status_code == 200
    return answer.getvalue()


@pytest.mark.parametrize("side", Side)
def test_it_holds_the_own_side_and_nothing_of_the_other(them, side):
    text = unpacked(made(them, f"{side}_lead"))
    assert [secret for secret in OURS[side.other] if secret.encode() in text] == []
    assert [secret for secret in OURS[side] if secret.encode() not in text] == []


def test_unpacked_it_is_verified_and_reviewed_without_the_room(them, tmp_path):
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who)
    packed = tmp_path / "comity-copy.zip"
    packed.write_bytes(made(them, "customer_executive"))
    straight = CliRunner().invoke(app, ["verify", str(packed)])
    assert straight.exit_code == 0, straight.output
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    for named in ("record.json", "", "book"):  # the file, the folder that it lies in, and the book beside it
        verified = CliRunner().invoke(app, ["verify", str(tmp_path / named)])
        assert verified.exit_code == 0, verified.output
        assert "No entry was changed" in verified.output
    refused = CliRunner().invoke(app, ["verify", str(tmp_path / "book" / "private")])
    assert (refused.exit_code, "cannot be read" in refused.output) == (2, True)
    reviewed = CliRunner().invoke(
        app, ["review", str(tmp_path / "book"), "--as", "customer", "--period", "2026-06", "--format", "json"]
    )
    assert reviewed.exit_code == 0, reviewed.output
    (level,) = json.loads(reviewed.stdout)["levels"]
    assert (level["of"]["num"], level["of"]["den"]) == (28, 60)
    with open_book(tmp_path / "book", home_viewer(tmp_path / "book", Side.CUSTOMER)) as book:
        assert book.table("events").count().to_pyarrow().as_py() == 1
        assert book.has("prices")


def test_the_page_asks_for_itself_until_the_copy_is_there_and_says_how_small_it_is(them):
    browser = them.client("customer_lead")
    waiting = browser.post(them.url("records/copy/")).headers["Location"].partition("#")[0]
    assert waiting.endswith("?waiting=copy")
    assert browser.get(waiting).headers["Refresh"] == "3"
    assert "Refresh" not in browser.get(them.url("records/")).headers  # where somebody may be typing
    run_jobs("books.copy")
    page = browser.get(waiting)
    assert "Refresh" not in page.headers
    assert re.search(r">[1-9]\d{0,2}.KB, until ", page.content.decode())


def test_what_a_role_may_not_read_of_its_own_side_is_not_in_it(them):
    assert b"Zebulon" in unpacked(made(them, "provider_lead"))  # the costs, which finance reads too
    held = zipfile.ZipFile(io.BytesIO(made(them, "provider_executive"))).namelist()
    assert "book/private/provider/costs.csv" in held  # money is an executive's, people are not
    assert not [name for name in held if "staff" in name or ".comity" in name]


def test_a_table_that_is_closed_to_a_role_is_not_in_it_wherever_its_rows_lie(them):
    """People wrote this book by hand: rows of the provider's own table lie among the shared ones."""
    staff = "employee_id,team,hired_on\nx1,Zebulon-team,2026-05-01\n"
    (book_folder(them.relationship) / "staff.csv").write_text(staff, encoding="utf-8")
    with transaction.atomic(), open_member_book(them.at("provider_executive")) as book:
        assert not book.has("staff")
    assert b"Zebulon-team" not in unpacked(made(them, "provider_executive"))


def test_it_does_not_say_what_the_other_side_holds_back(them):
    """A rule for rows names what is in them."""
    text = unpacked(made(them, "customer_lead"))
    assert b"kind=storm" not in text
    assert b"contacts.reason" in text
    assert b"kind=storm" in unpacked(made(them, "provider_lead"))


@pytest.mark.parametrize(
    "who", every(2, ["customer_analyst", "customer_member", "provider_finance", "mediator", "auditor"])
)
def test_only_those_who_speak_for_a_side_take_one(them, who):
    with pytest.raises(Refused, match="not_yours"), transaction.atomic():
        copies.request_copy(them.at(who))
    assert them.client(who).post(them.url("records/copy/")).status_code == 404
    assert "h-copy" not in them.client(who).get(them.url("records/")).content.decode()


def test_it_is_its_persons_alone_and_the_other_side_learns_of_it(them):
    made(them, "provider_lead")
    with transaction.atomic():
        (one,) = copies.copies(them.at("provider_lead"))
    path = them.url(f"records/copy/{one.key}.zip")
    for who in ("provider_executive", "customer_lead", "customer_executive", "auditor", "stranger", "former"):
        assert them.client(who).get(path).status_code == 404, who
    with transaction.atomic():
        them.at("customer_lead")
        assert AuditEvent.objects.filter(event=Event.COPY_REQUESTED, side=Side.PROVIDER, shared=True).count() == 1


def test_with_lesser_rights_an_archive_made_before_is_not_given_out(them, monkeypatch):
    made(them, "provider_lead")
    with transaction.atomic():
        member = them.at("provider_lead")
        (one,) = copies.copies(member)
        assert copies.archive_of(member, one.key)
        monkeypatch.setattr(copies, "viewer_class", lambda _: "provider-costs")
        assert copies.archive_of(member, one.key) is None
        monkeypatch.undo()
        member.membership.role = "finance"
        assert copies.copies(member) == []
        assert isinstance(member.membership, Membership)


def test_it_expires(them):
    made(them, "customer_lead")
    with transaction.atomic():
        member = them.at("customer_lead")
        (one,) = copies.copies(member)
        later = timezone.now() + copies.KEPT + timedelta(minutes=1)
        assert copies.remove_expired() == 0
        copies.remove_expired(later.timestamp())
        assert copies.archive_of(member, one.key) is None
    assert not list((settings.DATA / "copies").glob("*/*/*"))


def test_the_page_says_how_far_it_is(them):
    folder = settings.DATA / "copies" / str(them.relationship) / str(them.people["customer_lead"].pk)
    folder.mkdir(parents=True)
    told = {"class": "customer", "at": timezone.now().isoformat(), "done": 3, "tables": 17}
    (folder / f"{uuid4()}.json").write_text(json.dumps(told))
    assert "3 of 17 tables" in them.client("customer_lead").get(them.url("records/")).content.decode()
