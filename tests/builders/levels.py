"""Contacts whose service level is known."""

KPI = '[review]\nperiod = "month"\n[[kpi]]\nid = "service_level"\nabandons = "count"\ntarget = 0.8\n'


def contacts():
    """Two a day in June: one in time, one not; on the 10th and 11th none in time."""
    yield "contact_id,opened_at,queue,channel,answered_at,resolved_at"
    for month in (5, 6):
        for day in range(1, 31):
            for number in (0, 1):
                wait = 50 if number or day in {10, 11} else 5
                at = f"2026-{month:02}-{day:02}T10:00"
                yield f"{month}-{day}-{number},{at}:00Z,help,voice,{at}:{wait:02}Z,"
