"""What takes long is computed by workers: a request shows what there is, and says since when the rest is computed."""

import re
from datetime import date

import pytest
from django.db import transaction
from django.test import Client

from comity.apps.books import contents, results
from comity.apps.books.queries import book_folder
from comity.apps.books.results import Question
from comity.apps.i18n import words_for
from comity.apps.parties import operations as parties
from comity.apps.reviews import queries
from comity.book.agreement import agreed_changes, chain_of
from comity.book.amend import write_agreed
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.calendars import UnknownPeriodError
from comity.review.attribution import NoAttributionError
from comity.review.build import NoReviewError
from tests.builders.agreed_changes import agreed
from tests.builders.agreement import add, change, settled
from tests.builders.levels import KPI, contacts
from tests.room import BACKEND, cast, run_jobs, superuser, token

pytestmark = pytest.mark.gate

JUNE = "2026-06"
COSTS = "month,driver,quantity,unit_cost\n2026-05-01,agents,10,2500.00"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    with superuser() as everybody:
        everybody.execute("DELETE FROM procrastinate_jobs")  # of other tests
    return made


def plain(them, name):
    """A browser that asks once, whatever the workers do."""
    browser = Client()
    browser.force_login(them.people[name], backend=BACKEND)
    return browser


def waiting(task="reviews.compute"):
    """How many jobs of a task wait."""
    with superuser() as everybody:
        (count,) = everybody.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND task_name = %s", [task]
        ).fetchone()
    return count


def changed(them):
    """The book with one contact fewer."""
    them.book(KPI, contacts="\n".join(list(contacts())[:-1]))


def text(answer):
    return answer.content.decode().replace("\u00a0", " ")


def test_no_request_computes_a_review_or_an_attribution(them, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("computed in a request")

    monkeypatch.setattr(queries, "build_review", fail)
    monkeypatch.setattr(queries, "attribute", fail)
    browser = plain(them, "customer_lead")
    program = {"HTTP_AUTHORIZATION": f"Bearer {token(them, 'customer_lead', writes=True)}"}
    for path in ("review/", "review/?view=joint", f"review/?period={JUNE}", "review/file.pdf", "attribution/",
                 "review/figure/service_level/"):  # fmt: skip
        answer = browser.get(them.url(path), headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["Refresh"]) == (202, "2"), path
        assert "being computed, since" in text(answer)
    api = f"/api/r/{them.relationship}/"
    for path in ("review", f"confirmations?period={JUNE}", "levels.csv", "attribution"):
        answer = Client().get(api + path, **program)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), path
        assert answer.json()["code"] == "being_computed"
    said = {"period": JUNE, "figures": "0" * 64}
    answer = Client().post(f"{api}confirmations", said, content_type="application/json", **program)
    assert answer.status_code == 503


def test_the_page_is_there_once_a_worker_has_computed_it(them):
    browser = plain(them, "customer_lead")
    assert browser.get(them.url("review/?view=joint")).status_code == 202
    assert run_jobs("reviews.compute") == 1
    answer = browser.get(them.url("review/?view=joint"))
    assert answer.status_code == 200
    assert "Refresh" not in answer.headers


def test_however_often_one_asks_it_is_computed_once(them):
    for name in ("customer_lead", "customer_analyst", "customer_lead"):
        assert plain(them, name).get(them.url(f"review/?period={JUNE}")).status_code == 202
    assert waiting() == 1


def test_what_both_sides_share_is_computed_once_for_both(them):
    assert plain(them, "customer_lead").get(them.url("review/?view=joint")).status_code == 202
    assert plain(them, "provider_lead").get(them.url("review/?view=joint")).status_code == 202
    assert plain(them, "auditor").get(them.url("review/")).status_code == 202
    assert waiting() == 1


def test_after_a_change_the_last_figures_stand_with_a_note_and_nothing_is_confirmed(them):
    browser, path = plain(them, "customer_lead"), them.url(f"review/?period={JUNE}&view=joint")
    browser.get(path)
    run_jobs("reviews.compute")
    assert "review/confirm/" in text(browser.get(path))
    changed(them)
    page = browser.get(path)
    assert page.status_code == 200
    assert "Being recomputed since" in text(page)
    assert "review/confirm/" not in text(page)
    run_jobs("reviews.compute")
    page = text(browser.get(path))
    assert "Being recomputed since" not in page
    assert "review/confirm/" in page


def test_an_import_has_what_was_asked_for_computed_again_and_the_latest_for_each_side(them):
    auditor = plain(them, "auditor")
    auditor.get(them.url(f"review/?period={JUNE}"))
    run_jobs("reviews.compute")
    changed(them)
    with transaction.atomic():
        results.records_changed(them.relationship)
        results.records_changed(them.relationship)  # two changes soon after one another
    assert run_jobs("reviews.recompute") == 1
    assert run_jobs("reviews.compute") == 4  # June, and the latest: of both, of each side
    for name, path in (
        ("auditor", f"review/?period={JUNE}"),
        ("provider_member", "review/"),
        ("provider_lead", "review/"),
    ):
        answer = plain(them, name).get(them.url(path))
        assert answer.status_code == 200
        assert "Being recomputed" not in text(answer)
    assert run_jobs("reviews.compute") == 0


def test_what_somebody_waits_for_is_computed_before_what_a_change_recomputes(them):
    for name in ("customer_lead", "provider_lead"):
        plain(them, name).get(them.url("review/?view=joint"))
    run_jobs("reviews.compute")
    changed(them)
    with transaction.atomic():
        results.records_changed(them.relationship)
    run_jobs("reviews.recompute")
    plain(them, "auditor").get(them.url("review/?period=2026-05"))
    plain(them, "provider_lead").get(them.url("review/"))  # it waits already
    with superuser() as everybody:
        rows = everybody.execute(
            "SELECT args -> 'terms' ->> 'period', args ->> 'key' LIKE 'provider/%' FROM procrastinate_jobs "
            "WHERE status = 'todo' AND task_name = 'reviews.compute' AND priority > 0 ORDER BY id"
        ).fetchall()
    assert rows == [(None, True), ("2026-05", False)]


def test_a_review_that_cannot_be_computed_is_told_on_its_page_and_on_today(them):
    browser, path = plain(them, "customer_lead"), them.url("review/")
    browser.get(path)
    with superuser() as everybody:
        everybody.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = 'reviews.compute'")
    answer = browser.get(path)
    assert answer.status_code == 503
    assert "Refresh" not in answer.headers
    assert "could not be computed" in text(answer)
    sentence = words_for("en")("outbox.reviews_compute")
    assert sentence in text(browser.get(them.url()))
    assert sentence not in text(plain(them, "provider_lead").get(them.url()))
    changed(them)  # other records: it is tried anew
    assert browser.get(path).status_code == 202


def test_what_is_told_once_is_told_on_the_page_that_follows_the_wait(them):
    browser = plain(them, "customer_lead")
    said = {"period": JUNE, "figures": "0" * 64, "shown": "{}"}
    assert browser.post(them.url("review/confirm/"), said).status_code == 302
    assert 'class="told"' not in text(browser.get(them.url(f"review/?period={JUNE}")))
    while run_jobs("reviews.compute"):
        page = text(browser.get(them.url(f"review/?period={JUNE}")))
        if "being computed, since" in page and 'class="told"' in page:
            return
    pytest.fail("the message was lost")


def test_nothing_is_computed_for_somebody_who_has_left(them):
    plain(them, "customer_lead").get(them.url("review/"))  # as a colleague of hers
    browser = plain(them, "provider_member")
    assert browser.get(them.url("review/?view=joint")).status_code == 202
    with transaction.atomic():
        lead = them.at("provider_lead")
        parties.end_membership(
            lead, lead.relationship.memberships.get(person=them.people["provider_member"], left_at=None)
        )
    run_jobs("reviews.compute")
    assert plain(them, "provider_lead").get(them.url("review/?view=joint")).status_code == 202  # asked for anew


@pytest.mark.parametrize(
    "error",
    [NoReviewError("no whole period"), UnknownPeriodError("13"), NoAttributionError("no target")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_the_records_give_is_kept_as_a_result(them, error):
    question = Question("reviews.compute", (("period", error.args[0]), ("against", None)))

    def compute():
        raise error

    with transaction.atomic():
        at = them.at("customer_lead")
        with pytest.raises(type(error)):
            results.computed(at, question, compute)
        with pytest.raises(type(error), match=re.escape(str(error))):
            results.computed(at, question, lambda: pytest.fail("computed twice"))
        assert results.earlier_result(at, question) is None


def test_what_a_private_table_gives_is_nobody_elses(them):
    with transaction.atomic():
        classes = {name: results.viewer_class(them.at(name)) for name in ("customer_lead", "provider_lead", "auditor")}
    assert classes == {"customer_lead": "customer", "provider_lead": "provider", "auditor": "joint"}


# What pages say of the records ----------------------------------------------------------------------------------------


TOLD_OUTDATED = words_for("en")("records.outdated")


def known_to_workers(them, *who):
    """The records' page of each, once a worker has read the tables for it."""
    for name in who:
        plain(them, name).get(them.url())  # Today asks for them
        plain(them, name).get(them.url("records/"))
    run_jobs("books.overview")


def rows_shown(them, who):
    page = text(plain(them, who).get(them.url("records/")))
    return int(re.search(r"([\d,]+) rows?,", page)[1].replace(",", "")), TOLD_OUTDATED in page


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_after_a_change_the_last_tables_stand_with_a_note_until_a_worker_has_read_them(them, who, monkeypatch):
    known_to_workers(them, who)
    before, outdated = rows_shown(them, who)
    assert not outdated
    changed(them)
    with monkeypatch.context() as patch:
        patch.setattr(contents, "open_member_book", None)  # the request reads no book
        assert rows_shown(them, who) == (before, True)
    found = Client().get(
        f"/api/r/{them.relationship}/records", HTTP_AUTHORIZATION=f"Bearer {token(them, who)}"
    ).json()  # fmt: skip
    assert sum(one["rows"] for one in found["tables"]) == before - 1, "a program is told no note, and so what is"
    run_jobs("books.overview")
    assert rows_shown(them, who) == (before - 1, False)


def test_what_a_side_keeps_to_itself_from_now_on_stands_on_no_page_of_the_other(them):
    them.book(KPI, contacts="\n".join(contacts()), costs=COSTS)
    known_to_workers(them, "customer_lead", "provider_lead")
    costs = f'scope="row">{words_for("en").named("table", "costs")}<'
    assert costs in text(plain(them, "customer_lead").get(them.url("records/")))
    them.book(f'{KPI}\n[private]\nprovider = ["costs"]\n', contacts="\n".join(contacts()))
    (book_folder(them.relationship) / "costs.csv").unlink()
    assert costs not in text(plain(them, "customer_lead").get(them.url("records/")))


def test_the_first_file_of_an_empty_book_is_seen_at_once(them):
    (book_folder(them.relationship) / "contacts.csv").unlink()
    known_to_workers(them, "customer_lead")
    changed(them)
    assert rows_shown(them, "customer_lead")[0] > 0


def kept(them, period=JUNE):
    """Whether the review of a period is there for what the book says now."""
    with transaction.atomic():
        return results.current_result(them.at("customer_lead"), queries.review_question(period)) is not None


def sign(them, number, first_day, *, end=None):
    """A change that both signed, written into the book."""
    folder = book_folder(them.relationship)
    one = change(number, first_day, SetField("sl", "target", f"0.7{number}"), end=end)
    write_agreed(folder, agreed(settled(one, chain_of(agreed_changes(folder)), instead=False), number))


def test_a_text_of_later_days_leaves_a_review_and_one_that_reaches_its_period_does_not(them):
    """June 2026: a text from July on leaves its review, one from 15 June and one from May, signed later, do not."""
    them.book(contacts="\n".join(contacts()))
    first = change(1, date(2026, 1, 1), add("sl", Kind.KPI, measure="service_level", target="0.8"))
    write_agreed(book_folder(them.relationship), agreed(first, 1))
    for number, first_day, end, stays in (
        (2, date(2026, 7, 1), None, True),
        (3, date(2026, 6, 15), date(2026, 6, 20), False),
        (4, date(2026, 5, 1), date(2026, 5, 10), False),
        (5, date(2027, 1, 1), date(2027, 2, 1), True),
    ):
        with transaction.atomic():
            results.computed(them.at("customer_lead"), queries.review_question(JUNE), lambda: "a review")
        assert kept(them)
        sign(them, number, first_day, end=end)
        assert kept(them) is stays, number


def test_a_text_of_later_days_is_seen_by_what_reads_all_that_was_agreed(them):
    """Figures about people are withheld by all periods together: a later wording of theirs reaches every review."""
    them.book(contacts="\n".join(contacts()))
    first = change(1, date(2026, 1, 1), add("sl", Kind.KPI, measure="service_level", target="0.8"))
    write_agreed(book_folder(them.relationship), agreed(first, 1))
    with transaction.atomic():
        results.computed(them.at("customer_lead"), queries.review_question(JUNE), lambda: "a review")
        results.computed(them.at("customer_lead"), contents.OVERVIEW, lambda: "an overview")
    survey = change(2, date(2027, 1, 1), add("csat", Kind.KPI, measure="csat", target="0.7"))
    write_agreed(book_folder(them.relationship), agreed(survey, 2))
    assert not kept(them)
    with transaction.atomic():
        assert results.current_result(them.at("customer_lead"), contents.OVERVIEW) is None
