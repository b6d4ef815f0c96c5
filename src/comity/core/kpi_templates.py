"""KPIs to begin with, for three kinds of service.

ISO 18295 binds both sides of a contact centre: what its second part asks of the client, a forecast that staffing can
rest on, is measured as the centre's own service is. Targets are common ones to start a talk from, and nobody's norm.
"""

from collections.abc import Mapping

from comity.core.agreements.kpi import LOWER, Kpi

_FORECAST_ERROR = Kpi("forecast_wape", "forecast_wape", target=0.20, better=LOWER)
_FORECAST_BIAS = Kpi("forecast_bias", "forecast_bias", target=0.05, better=LOWER)
_SATISFACTION = Kpi("csat", "csat", target=0.70, material=0.02)
_OPEN = Kpi("backlog", "backlog", target=200.0, material=10.0, better=LOWER)
_REOPENED = Kpi("reopen", "reopen", target=0.05, better=LOWER)

TEMPLATES: Mapping[str, tuple[Kpi, ...]] = {
    "contact_centre": (
        Kpi("service_level", "service_level", short_abandon_s=5.0, target=0.80),
        Kpi("abandonment", "abandonment", short_abandon_s=5.0, target=0.05, material=0.005, better=LOWER),
        Kpi("repeat_contact", "repeat_contact", target=0.15, better=LOWER),
        _SATISFACTION,
        _FORECAST_ERROR,
        _FORECAST_BIAS,
    ),
    "service_desk": (
        Kpi("sla_attainment", "sla_attainment", target=0.90),
        Kpi("service_level", "service_level", answer_within_s=60.0, short_abandon_s=5.0, target=0.80),
        _REOPENED,
        _OPEN,
        _SATISFACTION,
        _FORECAST_ERROR,
    ),
    "field_service": (
        Kpi("sla_attainment", "sla_attainment", target=0.85),
        Kpi("repeat_contact", "repeat_contact", within_days=30, target=0.10, better=LOWER),
        _REOPENED,
        _OPEN,
        _SATISFACTION,
        _FORECAST_ERROR,
    ),
}
CUSTOMERS = frozenset({"forecast_wape", "forecast_bias"})  # measures of what the customer owes
# The pin of a measure that people set beside its target.
THRESHOLDS: Mapping[str, str] = {
    "service_level": "answer_within_s",
    "repeat_contact": "within_days",
    "reopen": "within_days",
}
CHANNELS = ("voice", "chat", "mail", "ticket", "visit")  # those that are offered; records may name others
