"""The `book.toml` of a simulated partnership: what both sides agreed to measure."""

from comity.simulate.conditions import SHORT_S, VOICE, Story
from comity.simulate.demand import holidays
from comity.simulate.partnership import ZONE, Partnership

MATERIAL = 0.02  # of the service levels; what a quarter's busier and quieter days do by themselves is nearly as much
SLA_MATERIAL = 0.01
_PRIVATE = '["costs", "staff", "contacts.agent_id", "surveys[audience=employee]"]'


def book_toml(partnership: Partnership) -> str:
    """Return the text of `book.toml`."""
    return "\n".join([_head(partnership), *_kpis(partnership.story), _sources()])


def service_level(story: Story) -> dict[str, str | float]:
    """Return the keys of the service level that the story agrees on."""
    return {"answer_within_s": 20, "short_abandon_s": SHORT_S, "abandons": "exclude-short", **story.kpi}


def _head(partnership: Partnership) -> str:
    story = partnership.story
    return f"""# Simulated by `comity simulate --story {story.name} --seed {partnership.seed}`: {story.meaning}.
# What was really so stands in truth.json.
[book]
name = "Northwind with Helpline"
currency = "EUR"
timezone = "{ZONE}"
complete_to = "{partnership.records_end}"
[parties.customer]
id = "northwind"
name = "Northwind Energy"
[parties.provider]
id = "helpline"
name = "Helpline"
[opening]
holidays = [{", ".join(f'"{day}"' for day in holidays(partnership.days))}]
[review]
period = "quarter"
against = "previous"
[private]
provider = {_PRIVATE}
customer = []
[paid]
answers_for = {{ late = "provider", repeated = "both", idle = "customer" }}
"""


def _kpis(story: Story) -> list[str]:
    level = service_level(story)
    queues = ", ".join(f'"{name}"' for name in VOICE)
    return [
        _kpi("service_level", queues=f"[{queues}]", channels='["voice"]', **level, target=0.80, material=MATERIAL,
             volume_band=0.10),
        _kpi("chat_service_level", measure="service_level", channels='["chat"]', answer_within_s=60,
             short_abandon_s=SHORT_S, abandons="exclude-short", target=0.85, material=MATERIAL),
        _kpi("sla_attainment", queues='["tickets"]', target=0.90, material=SLA_MATERIAL),
        _kpi("abandonment", channels='["voice"]', short_abandon_s=SHORT_S, target=0.06, material=0.005),
        _kpi("wait_mean", channels='["voice"]', target=20, material=2),
        _kpi("handle_time", channels='["voice"]', target=320, material=6),
        _kpi("repeat_contact", within_days=7, target=0.15, material=0.01),
        _kpi("backlog", channels='["ticket"]', material=10),
        _kpi("reopen", channels='["ticket"]', target=0.06, material=0.01),
        _kpi("csat", instrument="csat", formula="top2", target=0.60, material=0.02),
        _kpi("forecast_wape", channels='["voice"]', target=0.20, material=0.01),
        _kpi("forecast_bias", channels='["voice"]', target=0.05, material=0.01),
        _kpi("occupancy", channels='["voice"]', target=0.60, material=0.02),
        _kpi("attrition", target=0.36, material=0.03),
    ]  # fmt: skip


def _kpi(kpi_id: str, **keys: str | float) -> str:
    lines = [f'[[kpi]]\nid = "{kpi_id}"']
    for key, value in keys.items():
        written = value if not isinstance(value, str) or value.startswith("[") else f'"{value}"'
        lines.append(f"{key} = {written}")
    return "\n".join([*lines, 'agreed_on = "2023-12-12"', ""])


def _sources() -> str:
    due = {
        "contacts": ("provider", "monday 09:00"),
        "intervals": ("provider", "monday 09:00"),
        "schedules": ("provider", "monday 09:00"),
        "forecasts": ("customer", "day 10 09:00"),
        "surveys": ("customer", "day 5 09:00"),
        "invoices": ("provider", "day 3 09:00"),
    }
    return "\n".join(f'[[source]]\ntable = "{table}"\nby = "{by}"\ndue = "{when}"' for table, (by, when) in due.items())
