"""What a side says of a period: a draft of its own, then versions that both read and nobody changes."""

import io

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from comity.apps.reviews import comments
from comity.apps.reviews.models import CommentDraft, PeriodComment
from comity.apps.reviews.refusals import Code
from comity.core import chain
from comity.core.values import Side
from tests.builders.confirmations import JUNE, confirm, entries
from tests.builders.levels import KPI, contacts
from tests.room import cast

pytestmark = pytest.mark.gate

SAID = "The storm of the 12th explains half of the miss."
DRAFT = "Unready thoughts"
REFUSED = "comity:|permission denied|row-level security"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def shared(them, who="customer_lead", text=SAID, seen=0, period=JUNE):
    with transaction.atomic():
        return comments.put_down(them.at(who), period, text, seen)


def refused(them, *arguments, **options):
    with pytest.raises(Refused) as caught:
        shared(them, *arguments, **options)
    return caught.value.code


def said(them, who="auditor"):
    with transaction.atomic():
        found = comments.versions(them.at(who), JUNE)
        return {side: [one.text for one in those] for side, those in found.items()}


def attack(them, who, sql, *values):
    with transaction.atomic():
        them.at(who)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount


def test_a_draft_is_written_and_shared_on_the_page_and_both_sides_read_every_version(them):
    words, own, other = words_for("en"), them.client("customer_lead"), them.client("provider_lead")
    page, form = them.url(f"review/?period={JUNE}"), {"period": JUNE, "seen": 0}
    assert own.post(them.url("review/comment/"), form | {"text": DRAFT, "do": "draft"}).status_code == 302
    shown = own.get(page).content.decode()
    assert DRAFT in shown
    assert "visible to" in shown
    for who in ("provider_lead", "provider_executive", "auditor", "customer_analyst"):
        assert DRAFT not in them.client(who).get(page).content.decode(), who
    assert own.post(them.url("review/comment/"), form | {"text": SAID, "do": "share"}).status_code == 302
    again = form | {"text": f"{SAID} And more.", "seen": 1, "do": "share"}
    assert own.post(them.url("review/comment/"), again).status_code == 302
    shown = other.get(page).content.decode()
    assert f"{SAID} And more." in shown
    assert words("comments.version", number=2) in shown
    assert words("comments.earlier") in shown
    assert DRAFT not in shown
    stale = own.post(them.url("review/comment/"), form | {"text": "From an old page", "do": "share"})
    assert stale.status_code == 422
    assert "From an old page" in stale.content.decode()  # what was typed is not lost
    assert said(them) == {Side.CUSTOMER: [SAID, f"{SAID} And more."], Side.PROVIDER: []}
    with transaction.atomic():
        them.at("provider_lead")
        events = AuditEvent.objects.filter(event=Event.PERIOD_COMMENTED, shared=True, side="customer")
        assert sorted(one.data["number"] for one in events) == [1, 2]


def test_the_board_pdf_and_the_slides_have_the_comments(them):
    pypdf, pptx = pytest.importorskip("pypdf"), pytest.importorskip("pptx")
    browser = them.client("provider_lead")

    def slides():
        made = pptx.Presentation(io.BytesIO(browser.get(them.url(f"review/file.pptx?period={JUNE}")).content))
        return [[shape.text_frame.text for shape in one.shapes if shape.has_text_frame] for one in made.slides]

    assert not any("Comments" in texts for texts in slides())
    shared(them)
    (texts,) = [texts for texts in slides() if "Comments" in texts]
    assert SAID in texts
    assert "No comment." in texts
    board = browser.get(them.url(f"review/file.board?period={JUNE}")).content
    reader = pypdf.PdfReader(io.BytesIO(board))
    assert len(reader.pages) <= 3
    assert SAID in " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_entry_of_a_final_period_holds_every_version_and_nobody_adds_one_after_it(them):
    shared(them)
    shared(them, text="Half of the miss.", seen=1)
    shared(them, "provider_executive", "We add people in July.")
    confirm(them, "customer_lead")
    shared(them, "provider_lead", "We add six people in July.", 1)  # not final before both have confirmed
    entry = confirm(them, "provider_lead")
    kept = [(one["side"], one["number"], one["text"]) for one in entry.content["comments"]]
    assert kept == [
        ("customer", 1, SAID), ("customer", 2, "Half of the miss."), ("provider", 1, "We add people in July."),
        ("provider", 2, "We add six people in July."),
    ]  # fmt: skip
    assert {one["role"] for one in entry.content["comments"]} == {"lead", "executive"}
    found = entries(them)
    assert chain.verify([chain.Entry(one.number, one.content, one.previous, one.digest) for one in found])
    assert refused(them, seen=2, text="Too late") is Code.COMMENT_FINAL
    with pytest.raises(ProgrammingError, match=REFUSED):
        attack(them, "customer_lead", "SELECT comity_comment_period(%s, 'Too late', 2)", JUNE)
    page = them.client("customer_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert words_for("en")("comments.write") not in page
    assert "Half of the miss." in page


def test_an_entry_without_comments_reads_as_before(them):
    confirm(them, "customer_lead")
    assert "comments" not in confirm(them, "provider_lead").content


def test_an_empty_text_takes_a_comment_back_and_the_version_stays(them):
    assert refused(them, text="  ") is Code.COMMENT_EMPTY
    shared(them)
    assert shared(them, text=SAID, seen=1) == 1  # the same again is no version
    shared(them, text="", seen=1)
    assert said(them)[Side.CUSTOMER] == [SAID, ""]
    with transaction.atomic():
        assert comments.current(comments.versions(them.at("auditor"), JUNE)) == ()
    shown = them.client("provider_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert words_for("en")("comments.withdrawn") in shown


def test_who_may_not_confirm_or_names_no_period_of_now_says_nothing(them):
    for who in ("customer_analyst", "customer_member", "auditor", "mediator"):
        assert refused(them, who) is Code.NOT_YOURS, who
    for period in ("2999-01", "nonsense", ""):
        assert refused(them, period=period) is Code.NOTHING_YET, period
    shared(them, period="2026q2")
    with transaction.atomic():
        them.at("auditor")
        assert PeriodComment.objects.get().period == "2026-Q2"


COPY = """INSERT INTO reviews_periodcomment (id, relationship_id, period, side, number, text, person_id, name, role,
    stood_in_for, at) SELECT gen_random_uuid(), relationship_id, period, side, number + 1, 'Not theirs', person_id,
    name, role, '', now() FROM reviews_periodcomment"""


def test_the_database_lets_nobody_change_remove_or_copy_a_version(them):
    shared(them)
    for who in ("provider_lead", "customer_lead", "auditor"):
        for sql in ("UPDATE reviews_periodcomment SET text = 'Other'", "DELETE FROM reviews_periodcomment", COPY):
            with pytest.raises(ProgrammingError, match=REFUSED):
                attack(them, who, sql)
    assert said(them)[Side.CUSTOMER] == [SAID]


def test_the_other_side_neither_reads_writes_nor_removes_a_draft_in_the_database(them):
    with transaction.atomic():
        member = them.at("customer_lead")
        comments.save_draft(member, JUNE, DRAFT)
    for who in ("provider_lead", "auditor", "mediator"):
        assert attack(them, who, "SELECT text FROM reviews_commentdraft") == []
        assert attack(them, who, "UPDATE reviews_commentdraft SET text = 'x'") == 0
        assert attack(them, who, "DELETE FROM reviews_commentdraft") == 0
    forged = """INSERT INTO reviews_commentdraft (id, relationship_id, period, side, text, person_id, at)
        VALUES (gen_random_uuid(), %s, '2026-05', 'customer', 'In their name', %s, now())"""
    for person in ("provider_lead", "customer_lead"):
        with pytest.raises(ProgrammingError, match=REFUSED):
            attack(them, "provider_lead", forged, them.relationship, them.people[person].pk)
    with transaction.atomic():
        them.at("customer_lead")
        assert CommentDraft.objects.get().text == DRAFT


def test_a_version_is_of_the_side_that_speaks_whatever_is_asked_of_the_database(them):
    """The function takes no side and no name; those without the right, and neutral people, are refused."""
    assert attack(them, "provider_lead", "SELECT comity_comment_period(%s, 'Ours', 0)", JUNE) == [(1,)]
    assert said(them) == {Side.CUSTOMER: [], Side.PROVIDER: ["Ours"]}
    for who in ("customer_analyst", "auditor", "mediator"):
        with pytest.raises(ProgrammingError, match=REFUSED):
            attack(them, who, "SELECT comity_comment_period(%s, 'Theirs', 0)", JUNE)
    unseen, long = (JUNE, "Over an unseen version", 0), (JUNE, "x" * 801, 1)
    for period, text, seen in (unseen, long, ("nonsense", "x", 0), (JUNE, " x", 1), (None, "x", 0)):
        with pytest.raises(ProgrammingError, match=REFUSED):
            attack(them, "provider_lead", "SELECT comity_comment_period(%s, %s, %s)", period, text, seen)
    line = """INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, data, shared) VALUES
        (gen_random_uuid(), %s, now(), %s, 'customer', 'period_commented', '{"period": "2026-06", "number": 9}',
        true)"""
    with pytest.raises(ProgrammingError, match=REFUSED):  # not even in the log
        attack(them, "customer_lead", line, them.relationship, them.people["customer_lead"].pk)
