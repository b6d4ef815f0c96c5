"""What the ledger holds of the matters of the cast, as anybody of the relationship reads it."""

from django.db import transaction

from comity.apps.ledger import operations, queries
from comity.apps.ledger.models import Line, Promise, Recount, Transaction
from comity.core.calendars import named
from comity.core.values import Side
from tests.room import superuser

C, P = Side.CUSTOMER, Side.PROVIDER


def lines(them, matter=None):
    """Step, side, way, kind and amount of each line, in order: what a step posts, due before owes."""
    with transaction.atomic():
        them.at("auditor")
        rows = Line.objects.select_related("transaction", "promise")
        if matter is not None:
            rows = rows.filter(transaction__subject_id=matter.pk)
        rows = sorted(rows, key=lambda one: (one.transaction.number, one.amount > 0 and one.way == "owes", one.pk))
        return [(row.transaction.step, row.side, row.way, row.kind, int(row.amount)) for row in rows]


def posted(them, matter):
    """What each step of a matter posted, as a set of (side, way/kind, amount), by the step's number."""
    by_step = {}
    for step, side, way, kind, amount in lines(them, matter):
        by_step.setdefault(step, set()).add((side, f"{way}/{kind}", amount))
    return by_step


def promises(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return list(Promise.objects.filter(subject_id=matter.pk).order_by("opened_on", "key"))


def transactions(them):
    with transaction.atomic():
        them.at("auditor")
        return list(Transaction.objects.order_by("number"))


def statement(them, period, who="customer_lead"):
    """The statement of a period as somebody reads it, whose rows agree with the accounts."""
    with transaction.atomic():
        member = them.at(who)
        span = named(period)[1]
        made = queries.statement_of(member, span)
        assert queries.agrees(made, queries.balances(member, span.end))
        return made


def recounted(them, who="customer_lead"):
    """What the recount says that differs."""
    with transaction.atomic():
        return operations.recount(them.at(who)).differences


def recounts(them):
    with transaction.atomic():
        them.at("auditor")
        return list(Recount.objects.all())


def dated(matter, *days):
    """Have the steps of a matter, and what they posted, happen on these days, at noon in Madrid.

    No side may: the database lets nobody make a step at another time than now.
    """
    with superuser() as everybody:
        for number, day in enumerate(days, 1):
            everybody.execute(
                "UPDATE matters_step SET at = (%s::date + time '12:00') AT TIME ZONE 'Europe/Madrid' "
                "WHERE matter_id = %s AND number = %s",
                [day, matter.pk, number],
            )


def filled(them):
    """Post everything of a relationship again, as the migration does for matters of before the ledger."""
    with superuser() as everybody, everybody.transaction():
        emptied(everybody, them)
        return everybody.execute("SELECT comity_fill_matters()").fetchone()[0]


def emptied(everybody, them):
    """Take the ledger of a relationship away, with its entries of the record, which come last there."""
    for table in ("ledger_line", "ledger_transaction", "ledger_promise"):
        everybody.execute(f"DELETE FROM {table} WHERE relationship_id = %s", [them.relationship])
    everybody.execute(
        "DELETE FROM record_entry WHERE subject_type = 'ledger' AND relationship_id = %s", [them.relationship]
    )
