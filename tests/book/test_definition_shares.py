"""A share is written from 0 to 1; who writes 80 for 80 % is told so, and not shown 8,000 %."""

import pytest

from comity.book.definition import UnusableBookError, parse_kpis

SHARES = ("service_level", "sla_attainment", "abandonment", "repeat_contact", "reopen", "csat", "quality", "occupancy")


@pytest.mark.parametrize("measure", SHARES)
@pytest.mark.parametrize("key", ["target", "material"])
def test_per_cent_are_refused_with_the_share_that_was_meant(measure, key):
    with pytest.raises(UnusableBookError, match=r"is a share, 1 at most, but is 80; did you mean 0\.80, which is 80 %"):
        parse_kpis([{"id": measure, key: 80}])


@pytest.mark.parametrize(("value", "meant"), [(1.5, "0.015"), (95.5, "0.955"), (100, "1.00")])
def test_the_share_that_was_meant_is_written_as_a_person_would(value, meant):
    with pytest.raises(UnusableBookError, match=f"did you mean {meant}, which is {value:g} %"):
        parse_kpis([{"id": "service_level", "target": value}])


@pytest.mark.parametrize(
    "kpi",
    [
        {"id": "service_level", "target": 1},
        {"id": "backlog", "target": 80, "material": 10},
        {"id": "handle_time", "target": 300},
        {"id": "nps", "target": 40},
        {"id": "csat", "formula": "mean", "target": 4.2},
        {"id": "attrition", "target": 1.2},
        {"id": "forecast_wape", "target": 1.1},
    ],
)
def test_what_is_no_share_or_may_be_above_one_is_taken(kpi):
    (read,) = parse_kpis([kpi])
    assert read.target == kpi["target"]


def test_records_are_named_only_where_two_tables_could_be_counted():
    (read,) = parse_kpis([{"id": "abandonment", "records": "intervals"}])
    assert read.records == "intervals"
    with pytest.raises(UnusableBookError, match="is for service_level, abandonment, handle_time only"):
        parse_kpis([{"id": "backlog", "records": "contacts"}])
    with pytest.raises(UnusableBookError, match="records"):
        parse_kpis([{"id": "service_level", "records": "surveys"}])
