"""Invoices, prices and costs as the columns of their tables."""

import numpy as np
import pyarrow as pa

from comity.simulate import money
from comity.simulate.partnership import Days, Partnership
from comity.simulate.service_rows import Columns
from comity.simulate.waiting import Floats
from comity.simulate.writing import constant, pick, texts

_SERVICES = [*money.SERVICES, "credit note", "malus on service level"]
_UNITS = [*money.UNITS, "fixed", "fixed"]
_KINDS = ["service"] * len(money.SERVICES) + ["credit", "malus"]
_CREDIT, _MALUS = 4, 5  # positions in these


def invoices(told: Partnership, plan: money.Bought, months: Days) -> Columns:
    """One invoice a payer and month; a line for each service, the credit note and the malus."""
    quantity = np.round(money.invoiced(told, plan), 3)
    month, payer, service = np.nonzero(quantity > 0)
    price = np.round(plan.price[month, service], 4)
    amount = np.round(quantity[month, payer, service] * price, 2)
    total = np.zeros(quantity.shape[:2])
    np.add.at(total, (month, payer), amount)
    lines = np.concatenate(
        [
            np.stack([month, payer, service, quantity[month, payer, service], price, amount], axis=1),
            _deducted(total, np.full(len(months), money.CREDIT), _CREDIT),
            _deducted(total, plan.malus, _MALUS),
        ],
    )
    lines = lines[np.lexsort((lines[:, 2], lines[:, 1], lines[:, 0]))]
    month, payer, service = (lines[:, column].astype(np.int64) for column in range(3))
    return {
        "month": months[month],
        "account_id": texts("p", payer, 3),
        "service": pick(_SERVICES, service),
        "quantity": lines[:, 3],
        "unit_price": lines[:, 4],
        "amount": lines[:, 5],
        "unit": pick(_UNITS, service),
        "kind": pick(_KINDS, service),
        "currency": constant("EUR", len(lines)),
        "invoice_id": texts("i", month * 1000 + payer, 6),
        "line": texts("", service + 1),
    }


def prices(plan: money.Bought, months: Days) -> Columns:
    """The agreed index."""
    return {"month": months, "index": np.round(plan.index, 3)}


def costs(told: Partnership, plan: money.Bought, months: Days) -> Columns:
    """What the service cost the provider."""
    quantity, unit_cost = money.costs(told, plan)
    month, driver = (part.ravel() for part in np.indices(quantity.shape))
    return {
        "month": months[month],
        "driver": pick(list(money.DRIVERS), driver),
        "quantity": np.round(quantity.ravel(), 2),
        "unit_cost": unit_cost.ravel(),
        "behaviour": pa.array([money.variable(int(at)) for at in driver]),
    }


def reported(told: Partnership, counts: Floats, side: str) -> Columns:
    """A side's own service level by month, to a hundredth of a percent: the customer's V1, the provider's V3.

    V1: answered in time, of all who waited; V3: of all who were answered. Neither takes anything out: what an agreed
    exclusion covers is counted by both, as it is where each makes its figure of its own system's report.

    :param counts: [months, (good, waiting, answered)]
    """
    good, whole = counts[:, 0], counts[:, 1 if side == "customer" else 2]
    months = len(told.months)
    return {
        "period": pa.array([f"{month:%Y-%m}" for month in told.months]),
        "kpi": constant("service_level", months),
        "value": np.round(good / np.maximum(whole, 1), 4),
        "num": good,
        "den": whole,
        "reported_by": constant(side, months),
        "brought_by": constant(side, months),
    }


def _deducted(total: Floats, share: Floats, service: int) -> Floats:
    """Lines that take a share off each invoice: [lines, (month, payer, service, quantity, price, amount)]."""
    month, payer = np.nonzero((total > 0) & (share[:, None] > 0))
    off = np.round(total[month, payer] * share[month], 2)
    return np.stack([month, payer, np.full(month.size, float(service)), np.ones(month.size), -off, -off], axis=1)
