"""A simulated book: it opens as any other, what is private stays so, and its figures are those of the story."""

import hashlib
import json
from datetime import date

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from comity.book.reading.open import NotInRelationshipError, open_book
from comity.book.storage.parquet import arrow_schema
from comity.book.tables import TABLES
from comity.cli import app
from comity.simulate.book import NotEmptyError, write_book
from comity.simulate.conditions import SHORT_S, VOICE
from comity.simulate.partnership import ZONE, make_partnership
from comity.simulate.stories import STORIES, UnknownStoryError, story
from comity.simulate.truth import truths
from tests.cast import CUSTOMER, JOINT, PROVIDER, STRANGER

pytestmark = pytest.mark.gate


def _partnership(name="demo", *, seed=1, per_day=300, months=6):
    return make_partnership(STORIES[name], seed, months, per_day, STORIES[name].ends, panel=40, people=6)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write_book(_partnership(), tmp_path_factory.mktemp("simulated") / "book")


@pytest.fixture(scope="module")
def contacts(book):
    return pq.read_table(book / "contacts.parquet").to_pandas()


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file() and ".comity" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes(book, tmp_path):
    again = write_book(_partnership(), tmp_path / "again")
    assert _digests(again) == _digests(book)


def test_another_seed_gives_another_book_of_the_same_truth(book, tmp_path):
    other = write_book(_partnership(seed=2), tmp_path / "other")
    assert _digests(other)["contacts.parquet"] != _digests(book)["contacts.parquet"]
    mine, theirs = (json.loads((folder / "truth.json").read_text())["readings"] for folder in (book, other))
    assert mine == theirs


def test_every_table_has_the_form_that_an_import_leaves(book):
    for file in [*book.glob("*.parquet"), *(book / "private" / "provider").glob("*.parquet")]:
        name = file.name.split(".")[0]
        declared = arrow_schema(TABLES[name], ZONE)
        schema = pq.read_schema(file)
        if file.name == "contacts.columns.parquet":
            assert schema.names == ["contact_id", "agent_id", "_import"]
        else:
            assert schema.equals(declared, check_metadata=True), file


def test_required_values_and_rules_hold_in_every_table(book):
    with open_book(book, PROVIDER) as opened:
        for holding in opened:
            table = holding.table
            for column in table.required:
                nulls = opened.engine.con.execute(f'SELECT count(*) FROM "{table.name}" WHERE "{column.name}" IS NULL')
                assert nulls.fetchone()[0] == 0, (table.name, column.name)
            for rule in table.rules:
                broken = opened.engine.con.execute(f'SELECT count(*) FROM "{table.name}" WHERE {rule.broken}')
                assert broken.fetchone()[0] == 0, (table.name, rule.reason)
            key = ", ".join(f'"{name}"' for name in table.key)
            sql = f'SELECT count(*) FROM (SELECT {key} FROM "{table.name}" GROUP BY ALL HAVING count(*) > 1)'
            assert opened.engine.con.execute(sql).fetchone()[0] == 0, (table.name, "key")


def test_what_is_private_is_seen_by_its_own_side_only(book):
    with open_book(book, PROVIDER) as mine:
        assert mine.has("costs", "staff")
        assert mine.table("contacts").agent_id.count().to_pyarrow().as_py() > 0
        assert (mine.table("surveys").audience == "employee").sum().to_pyarrow().as_py() > 0
    for viewer in (CUSTOMER, JOINT):
        with open_book(book, viewer) as theirs:
            assert not theirs.has("costs")
            assert not theirs.has("staff")
            assert theirs.table("contacts").agent_id.count().to_pyarrow().as_py() == 0
            assert (theirs.table("surveys").audience == "employee").sum().to_pyarrow().as_py() == 0
    with pytest.raises(NotInRelationshipError):
        open_book(book, STRANGER)


def test_every_queued_contact_is_answered_or_gave_up_or_was_sent_away(contacts):
    queued = contacts[contacts.channel != "ticket"]
    answered, abandoned = queued.answered_at.notna(), queued.abandoned_at.notna()
    assert not (answered & abandoned).any()
    assert ((queued.outcome == "answered") == answered).mean() > 0.9999  # a last call may be answered after the end
    assert ((queued.outcome == "abandoned") == abandoned).all()


def test_intervals_are_the_contacts_counted(book, contacts):
    intervals = pq.read_table(book / "intervals.parquet").to_pandas()
    assert (intervals.offered == intervals.answered + intervals.abandoned + intervals.flowed_out).all()
    assert intervals.offered.sum() == (contacts.channel != "ticket").sum()
    by_start = intervals.groupby(["queue", "start_on", "start_slot"]).offered.sum()
    queued = contacts[contacts.channel != "ticket"]
    by_contact = queued.groupby(["queue", "opened_on", "opened_slot"]).size()
    assert (by_start[by_start > 0] == by_contact.reindex(by_start[by_start > 0].index)).all()


def test_local_days_follow_the_zone(contacts):
    local = contacts.opened_at.dt.tz_localize("UTC").dt.tz_convert(ZONE)
    assert (local.dt.date == contacts.opened_on).all()
    assert (local.dt.hour * 2 + local.dt.minute // 30 == contacts.opened_slot).all()
    assert contacts.opened_at.is_monotonic_increasing


def test_number_of_contacts_is_as_requested_where_nothing_unforeseen_comes(contacts):
    """In the demo's last quarter more calls come than anybody forecast; January to March have 90 days."""
    before = contacts[contacts.opened_on < date(2026, 4, 1)]
    assert len(before) / 90 == pytest.approx(300, rel=0.03)
    assert len(contacts) / 181 > 315


@pytest.mark.long
def test_service_levels_are_those_of_the_truth(tmp_path):
    partnership = _partnership("healthy", per_day=2000)
    folder = write_book(partnership, tmp_path / "book", {"contacts"})
    contacts = pq.read_table(folder / "contacts.parquet").to_pandas()
    wait = (contacts.answered_at - contacts.opened_at).dt.total_seconds()
    short = (contacts.abandoned_at - contacts.opened_at).dt.total_seconds() <= SHORT_S
    voice = contacts.queue.isin(VOICE) & (contacts.opened_on >= partnership.whole_quarters[1].start)
    share = (wait[voice] <= 20).sum() / (voice.sum() - short[voice].sum())
    truth = next(one for one in truths(partnership) if one.reading == "service_level")
    # Three standard errors of a quarter's busier and quieter days, and what an excluded outage still costs here.
    assert share == pytest.approx(truth.after, abs=0.02)


@pytest.mark.parametrize("name", ["demo", "exclusions", "exclusions_diverted"])
def test_reported_figures_follow_the_formula_of_each_side(name, tmp_path):
    """By month: V1 of the customer, V3 of the provider, from the contacts as they stand, to four places."""
    partnership = _partnership(name)
    folder = write_book(partnership, tmp_path / "book", {"contacts", "reported"})
    found = pq.read_table(folder / "contacts.parquet").to_pandas()
    voice = found[found.queue.isin(VOICE) & (found.answered_at.notna() | found.abandoned_at.notna())]
    good = (voice.answered_at - voice.opened_at).dt.total_seconds() <= 20
    by_month = good.groupby(voice.opened_on.map(lambda day: f"{day:%Y-%m}"))
    answered = voice.answered_at.notna().groupby(voice.opened_on.map(lambda day: f"{day:%Y-%m}"))
    expected = {"customer": by_month.mean(), "provider": by_month.sum() / answered.sum()}
    reported = pq.read_table(folder / "reported.parquet").to_pandas()
    assert len(reported) == 2 * len(partnership.months)
    for side, rows in reported.groupby("reported_by"):
        assert rows.set_index("period").value.to_dict() == pytest.approx(expected[side].to_dict(), abs=0.5001e-4)


@pytest.mark.long
def test_a_review_names_the_formula_behind_each_side_s_figure(book):
    """May holds an accepted exclusion, June none: the same formulas, with it counted and as they stand."""
    for period in ("2026-05", "2026-06", "2026-Q2"):
        done = CliRunner().invoke(app, ["review", str(book), "--period", period, "--format", "json"])
        level = next(one for one in json.loads(done.stdout)["levels"] if one["kpi"] == "service_level")
        named = level["explains_in_full"] | level["explains"]
        assert named == {"customer": "V1", "provider": "V3"}, period


def test_unhappy_accounts_leave_first_where_the_story_has_it(tmp_path):
    folder = write_book(_partnership("satisfaction_survivorship"), tmp_path / "book", {"accounts", "surveys"})
    accounts = pq.read_table(folder / "accounts.parquet").to_pandas().set_index("account_id")
    answers = pq.read_table(folder / "surveys.parquet").to_pandas()
    left = accounts.left_on.reindex(answers.account_id).notna().to_numpy()
    before = (answers.answered_on < date(2026, 4, 1)).to_numpy()
    assert answers.score[before & left].mean() < answers.score[before & ~left].mean() - 0.5
    assert not (left & ~before & answers.score.notna()).any()


def test_tickets_are_in_time_as_often_as_the_story_has_it(contacts):
    tickets = contacts[(contacts.channel == "ticket")]
    last = (tickets.due_on >= date(2026, 4, 1)) & (tickets.due_on < date(2026, 6, 28))
    in_time = (tickets.resolved_at <= tickets.due_at)[last].mean()
    assert in_time == pytest.approx(0.90, abs=4 * (0.9 * 0.1 / last.sum()) ** 0.5)


def test_write_book_refuses_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(NotEmptyError, match="not an empty folder"):
        write_book(_partnership(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_unknown_story_error_lists_the_stories():
    with pytest.raises(UnknownStoryError, match="healthy, satisfaction_survivorship"):
        story("fairy tale")


def test_a_table_does_not_depend_on_which_others_are_written(book, tmp_path):
    alone = write_book(_partnership(), tmp_path / "alone", {"contacts"})
    assert _digests(alone)["contacts.parquet"] == _digests(book)["contacts.parquet"]
