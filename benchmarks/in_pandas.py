"""The same statistics as an analyst would write them in pandas, with the needed columns in memory."""

from pathlib import Path

import pandas as pd

P1 = pd.Timestamp("2026-04-01")


def _read(book: Path, table: str, *columns: str) -> pd.DataFrame:
    return pd.read_parquet(book / f"{table}.parquet", columns=list(columns))


def service_level(book: Path) -> object:
    """By queue and week: offered, answered in time, short abandons."""
    rows = _read(book, "contacts", "queue", "opened_on", "opened_at", "answered_at", "abandoned_at")
    day = pd.to_datetime(rows["opened_on"])
    answered = rows["answered_at"].notna()
    gave_up = rows["abandoned_at"].notna() & ~answered
    return (
        pd.DataFrame(
            {
                "queue": rows["queue"],
                "week": day.dt.to_period("W").dt.start_time,
                "later": day >= P1,
                "offered": 1,
                "answered": answered,
                "good": rows["answered_at"] <= rows["opened_at"] + pd.Timedelta(seconds=20),
                "short": gave_up & (rows["abandoned_at"] <= rows["opened_at"] + pd.Timedelta(seconds=5)),
            },
        )
        .groupby(["queue", "week", "later"], observed=True)
        .sum()
    )


def sla_attainment(book: Path) -> object:
    """By queue and week of the due day: due, and resolved in time."""
    rows = _read(book, "contacts", "queue", "due_on", "due_at", "resolved_at")
    day = pd.to_datetime(rows["due_on"])
    good = rows["resolved_at"] <= rows["due_at"]
    week = day.dt.to_period("W").dt.start_time
    return good.groupby([rows["queue"], week, day >= P1]).agg(["size", "sum"])


def satisfaction(book: Path) -> object:
    """Respondents' means in both quarters, who stayed, who left, and the contributions of their accounts."""
    rows = _read(book, "surveys", "response_id", "respondent_id", "account_id", "answered_on", "score", "asked_on")
    asked = rows.loc[pd.to_datetime(rows["asked_on"]) >= P1, "respondent_id"].unique()
    rows = rows.dropna(subset=["score", "answered_on"]).sort_values(["answered_on", "response_id"])
    later = pd.to_datetime(rows["answered_on"]) >= P1
    before, after = rows[~later].groupby("respondent_id")["score"], rows[later].groupby("respondent_id")["score"]
    people = pd.DataFrame({"y0": before.mean(), "y1": after.mean(), "s0": before.sum(), "s1": after.sum()})
    people["a0"], people["a1"] = before.size(), after.size()
    people["account_id"] = rows.groupby("respondent_id")["account_id"].last()
    people = people.reset_index().merge(_read(book, "accounts", "account_id", "left_on"), how="left")
    people["asked"] = people["respondent_id"].isin(asked)
    both = people["y0"].notna() & people["y1"].notna()
    people["h"] = (people["y1"] - people["y0"] - (people["y1"] - people["y0"])[both].mean()).where(both, 0)
    sums = people.groupby("account_id")[["s0", "s1", "a0", "a1", "h"]].sum()
    return (sums**2).sum(), people.groupby([both, people["left_on"].notna(), "asked"])[["y0", "y1"]].agg(
        ["size", "mean"]
    )


def revenue(book: Path) -> object:
    """Cells of account and service, in both quarters, and the sums over them."""
    rows = _read(book, "invoices", "account_id", "service", "unit", "kind", "month", "quantity", "amount")
    rows[["quantity", "amount"]] = rows[["quantity", "amount"]].astype(float)
    rows["later"] = pd.to_datetime(rows["month"]) >= P1
    cells = rows.groupby(["account_id", "service", "unit", "kind", "later"])[["quantity", "amount"]].sum().unstack()  # noqa: PD010 - one level of five, not a pivot
    price = cells["amount"] / cells["quantity"]
    change = (cells["quantity"][True] - cells["quantity"][False]) * (price[True] + price[False]) / 2
    return change.groupby([price[False].notna(), price[True].notna()]).agg(["size", "sum"])


def levels(book: Path) -> object:
    """The levels' own: half hours in target, the survey's top boxes."""
    rows = _read(book, "contacts", "queue", "opened_on", "opened_slot", "opened_at", "answered_at")
    good = rows["answered_at"] <= rows["opened_at"] + pd.Timedelta(seconds=20)
    slots = good.groupby([rows["queue"], rows["opened_on"], rows["opened_slot"]]).agg(["size", "sum"])
    answers = _read(book, "surveys", "answered_on", "account_id", "score").dropna()
    week = pd.to_datetime(answers["answered_on"]).dt.to_period("W").dt.start_time
    top = (answers["score"] >= 4).groupby([week, answers["account_id"]]).agg(["size", "sum"])
    return (slots["sum"] / slots["size"]).mean(), top


def paid(book: Path) -> object:
    """Contacts in target, late, and repeated within seven days."""
    rows = _read(book, "contacts", "account_id", "queue", "opened_at", "answered_at", "handle_s", "opened_on")
    rows = rows[pd.to_datetime(rows["opened_on"]) >= pd.Timestamp("2026-03-25")]
    rows = rows.sort_values(["account_id", "queue", "opened_at"])
    last = rows.groupby(["account_id", "queue"])["opened_at"].shift()
    again = rows["opened_at"] <= last + pd.Timedelta(days=7)
    good = rows["answered_at"] <= rows["opened_at"] + pd.Timedelta(seconds=20)
    inside = pd.to_datetime(rows["opened_on"]) >= P1
    return rows["handle_s"][inside].groupby([again[inside], good[inside]]).agg(["size", "sum"])


EVERY = (service_level, sla_attainment, satisfaction, revenue, levels, paid)
