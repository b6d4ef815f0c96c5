"""Fields of a price clause: units, bands, minimum, indexation, credits, payment.

Source: the specification of money, "The invoice that should be"; `core.economics` and the money page count by them.
"""

from decimal import Decimal

from comity.core.agreements.fields import (
    Field,
    FieldType,
    Many,
    amount_field,
    choice_field,
    days_field,
    months_field,
    share_field,
)

RATE_CLASSES = ("normal", "night", "sunday", "holiday")
ACTIVITIES = ("on_phones", "available", "training", "meeting", "ordered_off", "overtime")
ZERO = Decimal(0)
_LINE, _FLAG, _WHOLE, _NUMBER = FieldType.LINE, FieldType.FLAG, FieldType.WHOLE, FieldType.NUMBER
_MONTH, _RECORD, _SET = FieldType.MONTH, FieldType.RECORD, Many.SET

PRICE_FIELDS: tuple[Field, ...] = (
    Field("service", _LINE, "the service as invoices name it", "Voice, first line", required=True),
    choice_field(
        "unit",
        "what is billable",
        ("contact", "handled_minute", "staffed_hour", "paid_hour", "fte_month", "fixed"),
        required=True,
    ),
    Field("currency", _LINE, "its code of three letters", "EUR", required=True),
    amount_field("price", "the price of a unit", "4.2", required=True),
    Field(
        "queues",
        _LINE,
        "the queues whose contacts are billable; `*` is all",
        ["sales"],
        default=["*"],
        many=_SET,
    ),
    Field("activities", _LINE, "of hours: which activities", ["on_phones"], choices=ACTIVITIES, many=_SET),
    amount_field("fte_hours", "paid hours of a full-time month", "160"),
    choice_field(
        "rounded",
        "units are rounded for each contact, or at the end",
        ("at_the_end", "per_contact"),
        default="at_the_end",
    ),
    choice_field("rounding", "which way", ("half_even", "up", "down"), default="half_even"),
    Field("unit_decimals", _WHOLE, "to how many decimals", 2, default=2, lowest=ZERO, highest=Decimal(6)),
    Field(
        "uplifts",
        _RECORD,
        "factors by class of hour",
        [{"rate_class": "night", "factor": "1.25"}],
        many=_SET,
        fields=(
            choice_field("rate_class", "class of hour", RATE_CLASSES, required=True),
            amount_field("factor", "the factor", "1.25", required=True),
        ),
        unique="rate_class",
    ),
    Field(
        "bands",
        _RECORD,
        "above how many units a month another price holds; the edge is the last unit of the lower band",
        [{"above": "9000", "price": "3.9"}],
        many=_SET,
        fields=(
            amount_field("above", "above so many units", "9000", required=True),
            amount_field("price", "the price of a unit", "3.9", required=True),
        ),
        unique="above",
    ),
    choice_field(
        "banded",
        "the price of a band is for its own units, or for all",
        ("marginal", "all_units"),
        default="marginal",
    ),
    amount_field("baseline", "units a month that the base pays", "10000"),
    share_field("deadband", "how far units may stray from the baseline at no charge", "0.05"),
    amount_field("arc", "price of a unit more", "4"),
    amount_field("rrc", "credit of a unit less", "2.5"),
    choice_field(
        "around",
        "units are counted beyond the deadband, or from the baseline",
        ("beyond_band", "from_baseline"),
        default="beyond_band",
    ),
    amount_field("base", "paid a month beside the units", "50000"),
    amount_field("minimum", "the least a month", "30000"),
    choice_field(
        "minimum_compared",
        "the minimum is compared before or after indexation",
        ("after_indexation", "before_indexation"),
        default="after_indexation",
    ),
    Field("minimum_indexed", _FLAG, "whether the minimum is indexed", False, default=False),
    Field("index_series", _LINE, "the index by which it moves", "ES CPI, all items"),
    Field("index_base_month", _MONTH, "the month whose index is the base", "2024-05"),
    amount_field("index_base_value", "its value", "128.4"),
    months_field("index_lag_months", "months from an index to its effect", 2, default=0),
    Field(
        "indexed_from",
        _MONTH,
        "the month of each year from which a new index counts, as its first",
        "2025-07",
    ),
    share_field("index_share", "the share that is indexed", "0.7", default="1"),
    share_field("index_cap", "the most that it moves a year", "0.03"),
    share_field("index_collar", "the least that it moves a year", "0.01"),
    choice_field("capped", "the cap bounds growth of the index, or of the price", ("index", "price"), default="index"),
    choice_field("excess", "what the cap cuts is lost, or carried forward", ("lost", "carried"), default="lost"),
    Field("index_chained", _FLAG, "indexed from year to year, or always from the base", False, default=False),
    share_field("at_risk", "the share of charges at risk for missed KPIs", "0.1"),
    choice_field(
        "credit_base",
        "credits are taken of all charges, or of named services",
        ("all", "named"),
        default="all",
    ),
    Field("credit_services", _LINE, "those services", ["Voice, first line"], many=_SET),
    choice_field(
        "credit_by",
        "how a credit is worked out",
        ("allocation", "points", "steps", "linear"),
        default="allocation",
    ),
    Field(
        "credit_steps",
        _RECORD,
        "by steps: from which level on which share is taken off or added",
        [{"from": "0.7", "share": "-0.05"}],
        many=_SET,
        fields=(
            Field("from", _NUMBER, "from this level on", "0.7", required=True),
            Field("share", _NUMBER, "the share; below 0 is taken off", "-0.05", required=True),
        ),
        unique="from",
    ),
    months_field("credit_after_months", "months later in which it is given", 1, default=1),
    Field("credit_least", _WHOLE, "from how many contacts a KPI counts", 100, default=0, lowest=ZERO),
    choice_field(
        "not_measured",
        "a KPI not measured breaks a run of misses, or does not",
        ("breaks", "skipped"),
        default="breaks",
    ),
    choice_field(
        "same_incident",
        "of several credits for one incident: the highest, or the customer chooses",
        ("highest", "customer_chooses"),
        default="highest",
    ),
    choice_field("credit_is", "what a credit is", ("price_adjustment", "damages"), default="price_adjustment"),
    choice_field("credit_as", "how it is given", ("credit_note", "set_off"), default="credit_note"),
    share_field("bonus", "the most that is added for targets exceeded", "0.02"),
    Field("earn_back", _FLAG, "whether a credit can be earned back", False, default=False),
    days_field("due_days", "days from receipt until an invoice is due", 30),
    days_field("dispute_days", "working days from receipt in which it can be disputed", 5),
    choice_field(
        "due_on_free_day",
        "an invoice due on a free day is due then, or on the next working day",
        ("same_day", "next_working_day"),
        default="same_day",
    ),
    amount_field("tolerance", "differences up to this amount are listed, not disputed", "5"),
)
