"""The same statistics as an analyst would write them in Polars, lazily, for two quarters."""

from datetime import date
from pathlib import Path

import polars as pl

P0, P1 = date(2026, 1, 1), date(2026, 4, 1)
SECOND = pl.duration(seconds=1)


def service_level(book: Path) -> object:
    """By queue and week: offered, answered in time, short abandons."""
    answered = pl.col("answered_at").is_not_null()
    gave_up = pl.col("abandoned_at").is_not_null() & ~answered
    return (
        pl.scan_parquet(book / "contacts.parquet")
        .group_by("queue", pl.col("opened_on").dt.truncate("1w").alias("week"), (pl.col("opened_on") >= P1).alias("p"))
        .agg(
            pl.len().alias("offered"),
            answered.sum().alias("answered"),
            (answered & (pl.col("answered_at") <= pl.col("opened_at") + 20 * SECOND)).sum().alias("good"),
            (gave_up & (pl.col("abandoned_at") <= pl.col("opened_at") + 5 * SECOND)).sum().alias("short"),
            gave_up.sum().alias("abandoned"),
        )
        .collect(engine="streaming")
    )


def sla_attainment(book: Path) -> object:
    """By queue and week of the due day: due, and resolved in time."""
    return (
        pl.scan_parquet(book / "contacts.parquet")
        .group_by("queue", pl.col("due_on").dt.truncate("1w").alias("week"), (pl.col("due_on") >= P1).alias("p"))
        .agg(pl.len().alias("due"), (pl.col("resolved_at") <= pl.col("due_at")).sum().alias("good"))
        .collect(engine="streaming")
    )


def satisfaction(book: Path) -> object:
    """Respondents' means in both quarters, who stayed, who left, and the contributions of their accounts."""
    surveys = pl.scan_parquet(book / "surveys.parquet").filter(
        pl.col("audience") == "customer",
        pl.col("score").is_not_null(),
        pl.col("answered_on").is_not_null(),
    )
    by = ["instrument", "scale_min", "scale_max", "conducted_by", "respondent_id"]
    later = pl.col("answered_on") >= P1
    people = (
        surveys.sort("answered_on", "response_id")
        .group_by(by)
        .agg(
            pl.col("score").filter(~later).mean().alias("y0"),
            pl.col("score").filter(later).mean().alias("y1"),
            pl.col("score").filter(~later).sum().alias("s0"),
            pl.col("score").filter(later).sum().alias("s1"),
            (~later).sum().alias("a0"),
            later.sum().alias("a1"),
            pl.col("account_id").last(),
        )
        .join(
            pl.scan_parquet(book / "accounts.parquet").select("account_id", "joined_on", "left_on"),
            on="account_id",
            how="left",
        )
        .collect(engine="streaming")
    )
    asked = (
        pl.scan_parquet(book / "surveys.parquet")
        .filter(pl.col("asked_on") >= P1)
        .select("respondent_id")
        .unique()
        .collect(engine="streaming")
    )
    people = people.join(asked.with_columns(asked=True), on="respondent_id", how="left")
    both = pl.col("y0").is_not_null() & pl.col("y1").is_not_null()
    within = people.filter(both).select((pl.col("y1") - pl.col("y0")).mean()).item()
    before, after = people["s0"].sum() / people["a0"].sum(), people["s1"].sum() / people["a1"].sum()
    accounts = people.group_by("account_id").agg(
        (pl.col("s1").sum() - after * pl.col("a1").sum()).alias("n1"),
        (pl.col("s0").sum() - before * pl.col("a0").sum()).alias("n0"),
        (pl.col("y1") - pl.col("y0") - within).filter(both).sum().alias("h"),
    )
    return (
        within,
        accounts.select((pl.col("n1") ** 2).sum(), (pl.col("n0") ** 2).sum(), (pl.col("h") ** 2).sum()),
        people.group_by(both.alias("stayed"), pl.col("left_on").is_not_null(), pl.col("asked").is_null()).agg(
            pl.len(),
            pl.col("y0").mean(),
            pl.col("y1").mean(),
        ),
    )


def revenue(book: Path) -> object:
    """Cells of account and service, in both quarters, and the sums over them."""
    later = pl.col("month") >= P1
    cells = (
        pl.scan_parquet(book / "invoices.parquet")
        .with_columns(pl.col("quantity").cast(pl.Float64), pl.col("amount").cast(pl.Float64))
        .group_by("account_id", "service", "unit", "kind")
        .agg(
            pl.col("quantity").filter(~later).sum().alias("q0"),
            pl.col("quantity").filter(later).sum().alias("q1"),
            pl.col("amount").filter(~later).sum().alias("v0"),
            pl.col("amount").filter(later).sum().alias("v1"),
        )
        .collect(engine="streaming")
    )
    services = cells.filter(pl.col("kind") == "service").with_columns(
        p0=pl.col("v0") / pl.col("q0"),
        p1=pl.col("v1") / pl.col("q1"),
    )
    return services.group_by((pl.col("q0") > 0).alias("had"), (pl.col("q1") > 0).alias("has")).agg(
        ((pl.col("q1") - pl.col("q0")) * (pl.col("p0") + pl.col("p1")) / 2).sum().alias("volume"),
        ((pl.col("p1") - pl.col("p0")) * (pl.col("q0") + pl.col("q1")) / 2).sum().alias("price"),
        pl.len(),
    )


def levels(book: Path) -> object:
    """The levels' own: half hours in target, those who gave up, the survey's top boxes."""
    contacts = pl.scan_parquet(book / "contacts.parquet")
    good = pl.col("answered_at") <= pl.col("opened_at") + 20 * SECOND
    slots = (
        contacts.group_by("queue", "opened_on", "opened_slot").agg(pl.len().alias("offered"), good.sum().alias("good"))
    ).collect(engine="streaming")
    share = slots.group_by(pl.col("opened_on") >= P1).agg(
        (pl.col("good") / pl.col("offered")).mean().alias("mean"),
        (pl.col("good") >= 0.8 * pl.col("offered")).mean().alias("in_target"),
    )
    top = (
        pl.scan_parquet(book / "surveys.parquet")
        .filter(pl.col("score").is_not_null())
        .group_by(pl.col("answered_on").dt.truncate("1w"), "account_id")
        .agg((pl.col("score") >= 4).sum().alias("top"), pl.len())
        .collect(engine="streaming")
    )
    return share, top


def paid(book: Path) -> object:
    """Contacts in target, late, and repeated within seven days."""
    contacts = (
        pl.scan_parquet(book / "contacts.parquet")
        .filter(pl.col("opened_on") >= date(2026, 3, 25))
        .select("account_id", "queue", "opened_at", "answered_at", "handle_s", "opened_on")
        .sort("account_id", "queue", "opened_at")
        .with_columns(
            again=pl.col("opened_at") <= pl.col("opened_at").shift(1).over("account_id", "queue") + pl.duration(days=7)
        )
        .filter(pl.col("opened_on") >= P1)
        .group_by(
            pl.col("again").fill_null(value=False).alias("repeated"),
            (pl.col("answered_at") <= pl.col("opened_at") + 20 * SECOND).fill_null(value=False).alias("good"),
        )
        .agg(pl.len(), pl.col("handle_s").sum())
    )
    return contacts.collect(engine="streaming")


EVERY = (service_level, sla_attainment, satisfaction, revenue, levels, paid)
