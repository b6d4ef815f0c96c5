"""Columns of the tables of invoices, prices, costs and reported figures."""

import numpy as np
import pyarrow as pa

from comity.simulate import money
from comity.simulate.partnership import Days, Partnership
from comity.simulate.service_rows import Columns
from comity.simulate.table_writer import constant, id_texts, names_at
from comity.simulate.waiting_times import Floats

_SERVICES = [*money.SERVICES, "credit note", "malus on service level"]
_UNITS = [*money.UNITS, "fixed", "fixed"]
_KINDS = ["service"] * len(money.SERVICES) + ["credit", "malus"]
_CREDIT, _MALUS = 4, 5  # positions in these


def invoice_rows(partnership: Partnership, plan: money.Purchases, months: Days) -> Columns:
    """Return one invoice a payer and month, with a line for each service, the credit note and the malus."""
    quantity = money.invoiced_quantities(partnership, plan)
    month, payer, service = np.nonzero(quantity > 0)
    price = np.round(plan.price[month, service], 4)
    amount = np.round(quantity[month, payer, service] * price, 2)
    total = np.zeros(quantity.shape[:2])
    np.add.at(total, (month, payer), amount)
    lines = np.concatenate(
        [
            np.stack([month, payer, service, quantity[month, payer, service], price, amount], axis=1),
            _deduction_lines(total, np.full(len(months), money.CREDIT), _CREDIT),
            _deduction_lines(total, plan.malus, _MALUS),
        ],
    )
    lines = lines[np.lexsort((lines[:, 2], lines[:, 1], lines[:, 0]))]
    month, payer, service = (lines[:, column].astype(np.int64) for column in range(3))
    return {
        "month": months[month],
        "account_id": id_texts("p", payer, 3),
        "service": names_at(_SERVICES, service),
        "quantity": lines[:, 3],
        "unit_price": lines[:, 4],
        "amount": lines[:, 5],
        "unit": names_at(_UNITS, service),
        "kind": names_at(_KINDS, service),
        "currency": constant("EUR", len(lines)),
        "invoice_id": id_texts("i", month * 1000 + payer, 6),
        "line": id_texts("", service + 1),
    }


def price_rows(plan: money.Purchases, months: Days) -> Columns:
    """Return the agreed index."""
    return {"month": months, "index": np.round(plan.index, 3)}


def cost_rows(partnership: Partnership, plan: money.Purchases, months: Days) -> Columns:
    """Return the provider's costs of the service."""
    quantity, unit_cost = money.provider_costs(partnership, plan)
    month, driver = (part.ravel() for part in np.indices(quantity.shape))
    return {
        "month": months[month],
        "driver": names_at(list(money.DRIVERS), driver),
        "quantity": np.round(quantity.ravel(), 2),
        "unit_cost": unit_cost.ravel(),
        "behaviour": pa.array([money.cost_behaviour(int(at)) for at in driver]),
    }


def reported_rows(partnership: Partnership, counts: Floats, side: str) -> Columns:
    """A side's own service level by month, to a hundredth of a percent: the customer's V1, the provider's V3.

    V1: answered in time, of all who waited; V3: of all who were answered. Neither takes anything out: what an agreed
    exclusion covers is counted by both, as it is where each makes its figure of its own system's report.

    :param counts: [months, (good, waiting, answered)]
    """
    good, whole = counts[:, 0], counts[:, 1 if side == "customer" else 2]
    months = len(partnership.months)
    return {
        "period": pa.array([f"{month:%Y-%m}" for month in partnership.months]),
        "kpi": constant("service_level", months),
        "value": np.round(good / np.maximum(whole, 1), 4),
        "num": good,
        "den": whole,
        "reported_by": constant(side, months),
        "brought_by": constant(side, months),
    }


def _deduction_lines(total: Floats, share: Floats, service: int) -> Floats:
    """Return lines that deduct a share of each invoice: [lines, (month, payer, service, quantity, price, amount)]."""
    month, payer = np.nonzero((total > 0) & (share[:, None] > 0))
    deduction = np.round(total[month, payer] * share[month], 2)
    return np.stack(
        [month, payer, np.full(month.size, float(service)), np.ones(month.size), -deduction, -deduction], axis=1
    )
