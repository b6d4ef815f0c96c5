"""The level of `tests.builders.levels` as the room reports it."""

from tests.room import run_jobs


def level(them, who="auditor"):
    run_jobs()
    told = them.client(who).get(them.url("review/file.json?period=2026-06&view=joint")).json()
    (one,) = (one for one in told["levels"] if one["kpi"] == "service_level")
    return one["of"]["num"], one["of"]["den"]
