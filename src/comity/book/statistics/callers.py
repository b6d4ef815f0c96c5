"""Who made contact: by which column contacts of one caller are known, and how many would follow by chance alone."""

import math

import ibis

from comity.book.reading.open import Book

CALLER, ACCOUNT = "caller_id", "account_id"
_DAYS_A_WEEK = 7


def caller_column(book: Book) -> str | None:
    """The column that tells contacts of one caller; None where none does.

    An account stands in for the caller where no caller is told of, and accounts make at most one contact a week on
    average: a household does, a dealer or a department has many callers.
    """
    return book.once(("callers", "column"), lambda: _caller_column(book))


def _caller_column(book: Book) -> str | None:
    contacts = book.table("contacts")
    told = contacts.aggregate(
        callers=contacts[CALLER].count() if CALLER in contacts.columns else ibis.literal(0),
        known=contacts[ACCOUNT].count(),
        first=contacts.opened_on.min(where=contacts[ACCOUNT].notnull()),
        last=contacts.opened_on.max(where=contacts[ACCOUNT].notnull()),
    )
    row = told.to_pyarrow().to_pylist()[0]
    if row["callers"]:
        return CALLER
    if not row["known"]:
        return None
    weeks = max(((row["last"] - row["first"]).days + 1) / _DAYS_A_WEEK, 1.0)
    accounts = contacts[ACCOUNT].nunique().to_pyarrow().as_py()
    return ACCOUNT if row["known"] <= accounts * weeks else None


def chance_of_another(contacts: ibis.Value, window_days: float, span_days: float) -> ibis.Value:
    """The chance that a contact has another of its caller in the window before it, if all came at random moments.

    :param contacts: how many the caller made in the span, at independent and equally likely moments
    """
    none = max(1.0 - window_days / span_days, 1e-300)  # the chance that one other contact lies outside the window
    return 1.0 - ((contacts - 1) * math.log(none)).exp()
