"""Service level, abandonment and deadlines kept as levels, on written books."""

from datetime import date

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels import NoLevel, gather
from comity.core.levels import measure
from comity.core.values import Period, Side
from tests.cast import JOINT, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
HORIZON = date(2026, 6, 20)
PINS = "answer_within_s = 20\nshort_abandon_s = 5\ntarget = 0.8\n"


def level(folder, toml, horizon=HORIZON, **tables):
    with open_book(write_book(folder / "book", toml, **tables), JOINT) as book:
        (found,) = gather(book, (MAY,), horizon)[MAY]
    return found if isinstance(found, NoLevel) else measure(found)


def icmi():
    """ICMI's example hour (kpi_reference.json, service_level_icmi): of 1000 answered 860 in time, of 60 lost 20, 10."""
    waits = [(20, "answered")] * 860 + [(21, "answered")] * 140
    waits += [(5, "abandoned")] * 10 + [(20, "abandoned")] * 10 + [(60, "abandoned")] * 40
    rows = []
    for number, (wait, how) in enumerate(waits):
        at = f"2026-05-04T10:{wait // 60:02}:{wait % 60:02}Z"
        answered, abandoned = (at, "") if how == "answered" else ("", at)
        rows.append(f"c{number},2026-05-04T10:00:00Z,help,voice,{answered},{abandoned}")
    return "contact_id,opened_at,queue,channel,answered_at,abandoned_at\n" + "\n".join(rows)


@pytest.mark.parametrize(
    ("abandons", "percent"),
    [("count", 81.1321), ("exclude-short", 81.9048), ("exclude-all", 86.0)],
)
def test_one_hour_has_the_level_that_was_signed_and_all_six_beside_it(tmp_path, abandons, percent):
    toml = f'[[kpi]]\nid = "service_level"\nabandons = "{abandons}"\n{PINS}'
    reported = "period,kpi,value,reported_by\n2026-05,service_level,0.86,provider\n2026-05,service_level,0.811,customer"
    found = level(tmp_path, toml, contacts=icmi(), reported=reported)
    assert 100 * found.value == pytest.approx(percent, abs=5e-5)
    assert {name: 100 * value for name, value in found.variants.items()} == pytest.approx(
        {"V1": 81.1321, "V2": 83.0189, "V3": 86.0, "V4": 82.6923, "V5": 82.0755, "V6": 81.9048},
        abs=5e-5,
    )
    assert found.explains == {Side.PROVIDER: "V3", Side.CUSTOMER: "V1"}
    assert found.met is True
    assert found.se is None


@pytest.mark.parametrize("kpi", ["abandonment", "service_level"])
def test_who_was_neither_answered_nor_gave_up_is_told_and_in_no_count(tmp_path, kpi):
    neither = "".join(f"\nn{number},2026-05-04T10:00:00Z,help,voice,," for number in range(7))
    found = level(tmp_path / "with", f'[[kpi]]\nid = "{kpi}"\n{PINS}', contacts=icmi() + neither)
    without = level(tmp_path / "without", f'[[kpi]]\nid = "{kpi}"\n{PINS}', contacts=icmi())
    assert (found.value, found.den) == (without.value, without.den)
    assert found.also["unresolved"] == 7


def test_abandonment_leaves_short_abandons_out_of_both(tmp_path):
    """(60 - 10)/(1060 - 10), and 60/1060 beside it."""
    found = level(tmp_path, f'[[kpi]]\nid = "abandonment"\n{PINS}', contacts=icmi())
    assert found.value == pytest.approx(50 / 1050)
    assert found.also == {"with_short_abandons": pytest.approx(60 / 1060), "left_out": 10}


SHORTLY = "contact_id,opened_at,queue,answered_at,abandoned_at\n" + "".join(
    f"c{number},2026-05-04T10:00:00Z,help,{answered},{abandoned}\n"
    for number, (answered, abandoned) in enumerate(
        [("2026-05-04T10:00:05Z", "")] * 6 + [("", "2026-05-04T10:00:00Z")] * 3 + [("", "2026-05-04T10:00:05Z")]
    )
)
SAME_INTERVAL = "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short\n"


@pytest.mark.parametrize(
    ("pin", "abandonment", "service_level"),
    [
        ("", (4, 10), (6, 10)),  # no abandon is short, and nothing is left out
        ("short_abandon_s = 0", (1, 7), (6, 7)),  # three gave up at once; a threshold as any other
        ("short_abandon_s = 5", (0, 6), (6, 6)),
    ],
)
def test_without_a_time_no_abandon_is_short_and_nothing_is_left_out(tmp_path, pin, abandonment, service_level):
    """Of ten six were answered in time, three hung up at once and one after five seconds."""
    for name, counted in (("abandonment", abandonment), ("service_level", service_level)):
        found = level(tmp_path / name, f'[[kpi]]\nid = "{name}"\n{pin}\n', contacts=SHORTLY)
        assert (found.num, found.den) == counted
        assert found.also.get("left_out") == (10 - counted[1] if pin else None)


def test_intervals_and_contacts_leave_out_alike(tmp_path):
    row = "help,2026-05-04T10:00:00Z,30,10,6,6,20,4,4\n"
    for pin, counted in (("", (6, 10)), ("short_abandon_s = 5", (6, 6))):
        found = level(tmp_path / pin[-1:], f'[[kpi]]\nid = "service_level"\n{pin}\n', intervals=SAME_INTERVAL + row)
        assert (found.num, found.den) == counted


@pytest.mark.parametrize("abandons", ["exclude-short", "count", "exclude-all"])
def test_short_abandons_that_are_not_told_are_not_none(tmp_path, abandons):
    """6 of 10 in one half hour, 4 gave up, and the source does not tell how soon: neither V5 nor V6 can be formed.

    The other half hour has nobody who gave up, so that nothing lacks there.
    """
    rows = "help,2026-05-04T10:00:00Z,30,10,6,6,20,4,\nhelp,2026-05-04T10:30:00Z,30,5,5,5,20,0,\n"
    toml = f'[[kpi]]\nid = "service_level"\nabandons = "{abandons}"\n{PINS}'
    found = level(tmp_path, toml, intervals=SAME_INTERVAL + rows)
    assert (found.num, found.den) == {"exclude-all": (11, 11)}.get(abandons, (11, 15))
    assert found.variants == {"V1": 11 / 15, "V2": None, "V3": 1, "V4": None, "V5": None, "V6": None}
    assert ("short_abandons_not_known" in found.also) == (abandons == "exclude-short")
    if abandons == "exclude-short":
        assert (found.also["counted_as"], found.also["short_abandons_not_known"]) == ("V1", 4)


def test_abandonment_counts_all_where_short_abandons_are_not_told(tmp_path):
    rows = "help,2026-05-04T10:00:00Z,30,10,6,6,20,4,\n"
    found = level(tmp_path, f'[[kpi]]\nid = "abandonment"\n{PINS}', intervals=SAME_INTERVAL + rows)
    assert (found.num, found.den, found.also["short_abandons_not_known"]) == (4, 10, 4)


@pytest.mark.parametrize("kpi", ["abandonment", "service_level"])
def test_who_gave_up_by_no_column_is_told_and_not_taken_for_counted(tmp_path, kpi):
    """10 offered and 6 answered, 4 counted as given up; 10 and 7, and no column counts the other 3."""
    rows = "help,2026-05-04T10:00:00Z,30,10,6,6,20,4,0\nhelp,2026-05-04T10:30:00Z,30,10,7,7,20,,\n"
    toml = f'[[kpi]]\nid = "{kpi}"\nabandons = "count"\nanswer_within_s = 20\n'
    found = level(tmp_path / "with", toml, intervals=SAME_INTERVAL + rows)
    assert (found.den, found.also["abandons_not_counted"]) == (20, 3)
    whole = level(tmp_path / "whole", toml, intervals=SAME_INTERVAL + rows.replace("20,,", "20,3,0"))
    assert (whole.den, "abandons_not_counted" in whole.also) == (20, False)


def test_half_hours_stand_beside_the_pooled_level(tmp_path):
    """kpi_reference.json, interval_averaging: pooled 72.1277, mean of intervals 88.0556, at 80 % 66.6667."""
    rows = []
    for slot, (offered, within) in enumerate([(20, 20), (30, 29), (200, 130), (180, 120), (25, 25), (15, 15)]):
        minute = f"2026-05-04T{10 + slot // 2}:{30 * (slot % 2):02}"
        waits = [10] * within + [30] * (offered - within)
        rows += [f"s{slot}c{n},{minute}:00Z,help,{minute}:{wait}Z" for n, wait in enumerate(waits)]
    contacts = "contact_id,opened_at,queue,answered_at\n" + "\n".join(rows)
    found = level(tmp_path, f'[[kpi]]\nid = "service_level"\n{PINS}', contacts=contacts)
    assert 100 * found.value == pytest.approx(72.1277, abs=5e-5)
    assert 100 * found.mean_of_intervals == pytest.approx(88.0556, abs=5e-5)
    assert 100 * found.intervals_in_target == pytest.approx(66.6667, abs=5e-5)


def test_a_book_of_intervals_has_a_level_but_not_every_variant(tmp_path):
    """Intervals do not say who gave up within the time of an answer: V2 and V4 are not known."""
    intervals = """
    queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short
    help,2026-05-04T10:00:00,30,1060,1000,860,20,60,10
    """
    found = level(tmp_path, f'[[kpi]]\nid = "service_level"\n{PINS}', intervals=intervals)
    assert found.value == pytest.approx(860 / 1050)
    assert (found.variants["V2"], found.variants["V4"]) == (None, None)
    assert found.variants["V1"] == pytest.approx(860 / 1060)


def test_accepted_exclusions_are_out_and_what_they_change_is_told(tmp_path):
    """Four contacts, two of them late: one in an accepted outage, one in a claimed one."""
    contacts = """
    contact_id,opened_at,queue,answered_at
    c1,2026-05-04T10:00:00Z,help,2026-05-04T10:00:05Z
    c2,2026-05-05T10:00:00Z,help,2026-05-05T10:00:05Z
    c3,2026-05-06T10:00:00Z,help,2026-05-06T10:05:00Z
    c4,2026-05-07T10:00:00Z,help,2026-05-07T10:05:00Z
    """
    events = """
    event_id,kind,from,to,declared_by,declared_at,claim,state
    e1,outage,2026-05-06T09:00:00Z,2026-05-06T11:00:00Z,provider,2026-05-06T09:00:00Z,exclude,accepted
    e2,outage,2026-05-07T09:00:00Z,2026-05-07T11:00:00Z,provider,2026-05-07T09:00:00Z,exclude,claimed
    """
    found = level(tmp_path, f'[[kpi]]\nid = "service_level"\n{PINS}', contacts=contacts, events=events)
    assert (found.num, found.den) == (2, 3)
    assert found.also["exclusions"] == {"nothing": 0.5, "accepted": pytest.approx(2 / 3), "claimed": 1.0}
    wait = level(tmp_path / "wait", '[[kpi]]\nid = "wait_mean"\n', contacts=contacts, events=events)
    assert (wait.num, wait.den) == (310, 3)


def test_deadlines_kept_are_of_what_fell_due_before_the_horizon(tmp_path):
    """Due in May before the 20th: t1 kept, t2 late, t3 open and so a miss; t4 is due after the horizon."""
    contacts = """
    contact_id,opened_at,due_at,resolved_at
    t1,2026-04-29T10:00:00Z,2026-05-04T10:00:00Z,2026-05-04T10:00:00Z
    t2,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,2026-05-04T10:00:01Z
    t3,2026-05-03T10:00:00Z,2026-05-05T10:00:00Z,
    t4,2026-05-03T10:00:00Z,2026-05-25T10:00:00Z,2026-05-03T11:00:00Z
    """
    toml = '[[kpi]]\nid = "sla_attainment"\ntarget = 0.5\n'
    found = level(tmp_path, toml, date(2026, 5, 20), contacts=contacts)
    assert (found.num, found.den, found.met) == (1, 3, False)
    assert level(tmp_path / "whole", toml, contacts=contacts).den == 4


def test_the_sources_own_judgement_stands_in_where_no_due_time_is_known(tmp_path):
    contacts = """
    contact_id,opened_at,resolved_at,sla_met
    t1,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,true
    t2,2026-05-03T10:00:00Z,2026-05-04T10:00:00Z,false
    t3,2026-05-03T10:00:00Z,,
    """
    found = level(tmp_path, '[[kpi]]\nid = "sla_attainment"\n', contacts=contacts)
    assert (found.num, found.den) == (1, 2)
    assert found.also == {"unjudged": pytest.approx(1 / 3)}


def test_without_contacts_and_intervals_the_level_lacks_them(tmp_path):
    found = level(tmp_path, f'[[kpi]]\nid = "service_level"\n{PINS}', prices="month,index\n2026-05,100")
    assert (found.needs, found.why, found.held_by) == (("contacts",), "no_table", "provider")


def outage():
    """April: 8 of 10 answered in time. May: the same, and 5 that gave up and 5 answered late in an outage at noon."""
    rows = []
    for month in (4, 5, 6):
        for number in range(10):
            at = f"2026-0{month}-0{number % 9 + 1}T10:00"
            rows.append(f"m{month}c{number},{at}:00Z,help,voice,{at}:{10 if number < 8 else 50}Z,")
    for number in range(10):
        at = "2026-05-06T12:00"
        rows.append(f"o{number},{at}:00Z,help,voice," + (f"{at}:50Z," if number < 5 else f",{at}:50Z"))
    return "contact_id,opened_at,queue,channel,answered_at,abandoned_at\n" + "\n".join(rows)


@pytest.mark.parametrize(
    ("may", "agreed", "in_full"),
    [
        ((0.8, 0.8), {Side.CUSTOMER: "V6", Side.PROVIDER: "V6"}, {}),
        ((0.4, 0.5333), {}, {Side.CUSTOMER: "V6", Side.PROVIDER: "V3"}),  # 8 of 20; 8 of 15 answered
        ((0.45, 0.55), {}, {}),
    ],
)
def test_whose_formula_and_whether_anything_was_taken_out_is_told_by_the_months(tmp_path, may, agreed, in_full):
    """Nothing but May differs: April and June fit every formula, so May tells."""
    reported = "period,kpi,value,reported_by\n"
    for side, value in zip(("customer", "provider"), may, strict=True):
        reported += "".join(
            f"2026-0{month},service_level,{value if month == 5 else 0.8},{side}\n" for month in (4, 5, 6)
        )
    events = (
        "event_id,kind,from,to,declared_by,declared_at,claim,state\n"
        "e1,outage,2026-05-06T11:00:00Z,2026-05-06T13:00:00Z,provider,2026-05-06T14:00:00Z,exclude,accepted"
    )
    quarter = Period(date(2026, 4, 1), date(2026, 7, 1))
    folder = write_book(
        tmp_path / "book",
        f'[[kpi]]\nid = "service_level"\n{PINS}',
        contacts=outage(),
        reported=reported,
        events=events,
    )
    with open_book(folder, JOINT) as book:
        found = measure(gather(book, (quarter,), date(2026, 7, 1))[quarter][0])
    assert (found.explains, found.explains_in_full) == (agreed, in_full)
    assert (found.value, found.variants_in_full["V6"], found.variants_in_full["V3"]) == (0.8, 24 / 40, 24 / 35)
