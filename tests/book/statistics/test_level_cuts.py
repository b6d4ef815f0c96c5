"""Where a level comes from: cuts that add up to it, teams of five or more, and contacts without people."""

from datetime import UTC, date, datetime

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics import level_cuts, levels
from comity.core.agreements.kpi import in_force
from comity.core.values import Period
from comity.review.level_detail import build_level_detail
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))
KPIS = "".join(
    f'[[kpi]]\nid = "{measure}"\nmeasure = "{measure}"\ntarget = 0.8\nshort_abandon_s = 5\nabandons = "{abandons}"\n'
    for measure, abandons in (
        ("service_level", "exclude-short"),
        ("abandonment", "exclude-short"),
        ("wait_mean", "count"),
        ("handle_time", "count"),
        ("reopen", "count"),
        ("csat", "count"),
    )
)
HEAD = "contact_id,opened_at,queue,channel,answered_at,abandoned_at,resolved_at,handle_s,agent_id,team,reopens"
# Of each team so many agents; each handles two contacts.
TEAMS = {"north": 6, "south": 5, "tiny": 2, "small": 3}


def contacts(teams=TEAMS):
    rows, number = [HEAD], 0
    for team, agents in teams.items():
        for agent in range(agents):
            for hour in (8, 9):
                number += 1
                day = f"2026-06-{1 + number % 28:02}T{hour:02}"
                wait = 10 if number % 3 else 40
                rows.append(
                    f"c{number},{day}:00:00Z,{'voice' if number % 2 else 'billing'},voice,{day}:00:{wait}Z,,"
                    f"{day}:30:00Z,{60.1 + number},{team}-{agent},{team},{number % 4 == 0:d}"
                )
    rows += [
        f"a{at},2026-06-{at}T10:00:00Z,voice,voice,,2026-06-{at}T10:00:{wait}Z,,,,,"
        for at, wait in (("01", "30"), ("30", "02"))
    ]
    return "\n".join(rows)


@pytest.fixture
def book(tmp_path):
    with open_book(write_book(tmp_path / "book", KPIS, contacts=contacts()), JOINT) as opened:
        yield opened


def cuts_of(book, measure):
    return level_cuts.gather(book, in_force(book.definition.kpis, measure, date(2026, 6, 30)), JUNE)


# Of callers, and of promises: by contact, by `deadlines`, and one that is not judged.
MORE = "".join(
    f'[[kpi]]\nid = "{measure}"\ntarget = 0.8\nwithin_days = 7\n' for measure in ("repeat_contact", "sla_attainment")
)


def called():
    """Callers 0 to 6 twice within 4 days, and once again after 20; every third is resolved after it was due."""
    rows = ["contact_id,opened_at,queue,channel,answered_at,resolved_at,due_at,caller_id,agent_id,team,handle_s"]
    for caller in range(7):
        for number, day in enumerate((1 + caller % 2, 5, 25)):
            at, late = f"2026-06-{day:02}T{8 + caller:02}", caller % 3 == 0
            rows.append(
                f"{caller}-{number},{at}:00:00Z,{'billing' if caller % 2 else 'voice'},voice,{at}:00:10Z,"
                f"{at}:{50 if late else 20}:00Z,{at}:30:00Z,who{caller},{'north' if caller < 5 else 'south'}-{caller},"
                f"{'north' if caller < 5 else 'south'},60"
            )
    return "\n".join([*rows, "late,2026-07-20T10:00:00Z,voice,voice,,,,who9,,,"])


@pytest.mark.parametrize(
    ("measure", "num", "den"),
    # Each of seven callers has two first contacts, of which the earlier is followed; of 21 promises 12 are kept.
    [("repeat_contact", 7, 14), ("sla_attainment", 12, 21)],
)
def test_repeats_and_promises_are_cut_as_their_levels_count_them(tmp_path, measure, num, den):
    with open_book(write_book(tmp_path / "book", MORE, contacts=called()), JOINT) as book:
        [(_, stats)] = levels.gather_one(book, measure, [JUNE], date(2026, 7, 20))
        cuts = cuts_of(book, measure)
    assert (stats.counted.num, stats.counted.den) == (num, den)
    for parts in (cuts.queues, [level_cuts.CutSum("", *sums) for sums in cuts.hours.values()]):
        assert (sum(one.num for one in parts), sum(one.den for one in parts)) == (num, den)
    assert {hour for _, hour in cuts.hours} == set(range(10, 17))  # 8:00 to 14:00 UTC in Madrid
    against = {"repeat_contact": 7, "sla_attainment": 9}[measure]
    assert (cuts.behind, len(cuts.contacts)) == (against, against)
    assert "who" not in str(cuts.contacts)


def test_a_promise_that_falls_due_after_the_records_end_is_in_no_cut(tmp_path):
    with open_book(write_book(tmp_path / "book", MORE, contacts=called()), JOINT) as book:
        kpi = in_force(book.definition.kpis, "sla_attainment", date(2026, 6, 30))
        cuts = level_cuts.gather(book, kpi, JUNE, until=date(2026, 6, 6))
    assert sum(one.den for one in cuts.queues) == 14  # those of the 1st, the 2nd and the 5th


def test_without_callers_there_is_no_cut_of_repeats(tmp_path):
    with open_book(write_book(tmp_path / "book", MORE, contacts=contacts()), JOINT) as book:
        assert cuts_of(book, "repeat_contact") is None


INTERVALS = """queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s
voice,2026-06-01T08:00:00Z,30,10,8,6,20,2,1,900
voice,2026-06-01T08:30:00Z,30,10,9,9,20,1,0,1000
billing,2026-06-02T09:00:00Z,30,20,15,10,20,5,2,2000
billing,2026-06-03T00:00:00Z,1440,40,38,30,20,2,0,4000"""


@pytest.mark.parametrize(
    ("measure", "num", "den"),
    # In time 6+9+10+30 of 70 answered and 10 who gave up, less 3 at once; those 7; and 7900 s over 70.
    [("service_level", 55, 77), ("abandonment", 7, 77), ("handle_time", 7900, 70)],
)
def test_a_book_of_intervals_is_cut_by_queue_weekday_and_hour(tmp_path, measure, num, den):
    with open_book(write_book(tmp_path / "book", KPIS, intervals=INTERVALS), JOINT) as book:
        [(_, stats)] = levels.gather_one(book, measure, [JUNE], JUNE.end)
        cuts = cuts_of(book, measure)
    assert (stats.counted.num, stats.counted.den) == (num, den)
    assert (sum(one.num for one in cuts.queues), sum(one.den for one in cuts.queues)) == (num, den)
    assert {one.name for one in cuts.queues} == {"voice", "billing"}
    assert set(cuts.hours) == {(0, 10), (1, 11)}  # in Madrid; a row of a whole day tells of no hour
    assert (cuts.teams, cuts.contacts, cuts.behind) == ((), (), 0)


@pytest.mark.parametrize("measure", sorted(level_cuts.MEASURES - {"repeat_contact", "sla_attainment"}))
def test_every_cut_adds_up_to_the_level_itself(book, measure):
    [(_, stats)] = levels.gather_one(book, measure, [JUNE], JUNE.end)
    cuts = cuts_of(book, measure)
    sides = (cuts.queues, cuts.teams, [level_cuts.CutSum("", num, den) for num, den in cuts.hours.values()])
    for parts in sides:
        assert sum(part.num for part in parts) == pytest.approx(stats.counted.num)
        assert sum(part.den for part in parts) == stats.counted.den


def test_no_team_of_fewer_than_five_people_is_shown_alone(book):
    """Two and three people are five together; the other teams have five or more."""
    cuts = cuts_of(book, "service_level")
    assert {one.name for one in cuts.teams} == {"north", "south", "", None}
    assert cuts.pooled == ("small", "tiny")


def test_a_pool_that_is_too_small_takes_the_smallest_other_team_with_it(tmp_path):
    """Were two people left over, the whole less the teams shown would tell of them."""
    teams = {"north": 6, "south": 5, "tiny": 2, "east": 7}
    with open_book(write_book(tmp_path / "book", KPIS, contacts=contacts(teams)), JOINT) as book:
        cuts = cuts_of(book, "service_level")
    assert {one.name for one in cuts.teams} == {"north", "east", "", None}
    assert cuts.pooled == ("south", "tiny")


@pytest.mark.parametrize("teams", [{"tiny": 2, "north": 6}, {"tiny": 2, "small": 1}, {"north": 9}])
def test_where_one_group_would_be_left_there_is_no_cut_by_team(tmp_path, teams):
    with open_book(write_book(tmp_path / "book", KPIS, contacts=contacts(teams)), JOINT) as book:
        assert cuts_of(book, "service_level").teams == ()


def test_agents_that_one_side_keeps_to_itself_give_the_other_no_teams(tmp_path):
    toml = KPIS + '[private]\nprovider = ["contacts.agent_id"]\n'
    folder = write_book(tmp_path / "book", toml, contacts=contacts())
    for viewer, has_teams in ((PROVIDER, True), (CUSTOMER, False), (JOINT, False)):
        with open_book(folder, viewer) as book:
            assert bool(cuts_of(book, "service_level").teams) is has_teams


def test_the_contacts_behind_it_are_those_that_count_against_it_and_name_nobody(book):
    cuts = cuts_of(book, "service_level")
    late = sum(one.den - one.num for one in cuts.queues)
    assert cuts.behind == len(cuts.contacts) == late
    assert cuts_of(book, "handle_time").behind == sum(one.den for one in cuts_of(book, "handle_time").queues)
    assert not any("north" in str(one) or "agent" in str(one) for one in cuts.contacts)


def test_figures_about_people_and_what_is_not_made_of_contacts_are_not_cut(book):
    assert cuts_of(book, "csat") is None
    detail = build_level_detail(book, "csat", JUNE, datetime(2026, 7, 10, tzinfo=UTC))
    assert (detail.months, detail.cuts) == ((), None)


def test_a_contacts_table_that_the_viewer_may_not_read_gives_neither_cuts_nor_contacts(tmp_path):
    toml = KPIS + '[private]\nprovider = ["contacts"]\n'
    folder = write_book(tmp_path / "book", toml, private__provider__contacts=contacts())
    with open_book(folder, CUSTOMER) as book:
        assert cuts_of(book, "service_level") is None
    with open_book(folder, PROVIDER) as book:
        assert cuts_of(book, "service_level") is not None


def test_the_months_are_the_levels_of_the_months(book):
    detail = build_level_detail(book, "service_level", JUNE, datetime(2026, 7, 10, tzinfo=UTC))
    [(_, stats)] = levels.gather_one(book, "service_level", [JUNE], JUNE.end)
    assert [(one.period, one.num, one.den) for one in detail.months] == [(JUNE, stats.counted.num, stats.counted.den)]
