"""The ledger as a journal of hledger (https://hledger.org/hledger.html#journal), which checks it by a program not ours.

Each kind is a commodity of its own, written with its name in quotes; an account is `side:way:kind`, and the promise
stands as a tag in the comment of its posting.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from comity.core.ledger.accounts import Account, Amount, Line, Transaction

_BREAKS = str.maketrans(dict.fromkeys("\r\n\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029;|", " "))


def journal(
    transactions: Iterable[Transaction],
    title: str,
    opening: Mapping[Account, Amount],
    opens_on: date,
) -> str:
    """Return the journal of transactions.

    :param title: of the file, as a comment
    :param opening: balance of each account before the first of them
    :param opens_on: the day of the entry that opens them
    """
    parts = [f"; {plain(title)}\n"]
    if opening:
        lines = (
            f"    {_account(account)}  {_amount(amount)}\n" for account, amount in sorted(opening.items(), key=_name)
        )
        parts.append(f"\n{opens_on.isoformat()} opening\n" + "".join(lines))
    return "".join([*parts, *(f"\n{_entry(one)}" for one in transactions)])


def _name(balance: tuple[Account, Amount]) -> str:
    return _account(balance[0])


def _entry(transaction: Transaction) -> str:
    subject = ":".join(transaction.subject)
    note = f"  ; step:{transaction.step}, subject:{plain(subject).replace(',', ' ')}"
    for_day = "" if transaction.for_day is None else f", for:{transaction.for_day.isoformat()}"
    head = f"{transaction.day.isoformat()} ({transaction.number}) {plain(transaction.cause)}{note}{for_day}\n"
    return head + "".join(f"    {_posting(line)}\n" for line in transaction.lines)


def _posting(line: Line) -> str:
    tag = plain(line.promise).replace(",", " ")
    return f"{_account(line.account)}  {_amount(line.amount)}  ; promise:{tag}"


def _account(account: Account) -> str:
    return f"{account.side.value}:{account.way.value}:{account.kind}"


def _amount(amount: Amount) -> str:
    return f'{_number(amount.number)} "{amount.kind}"'


def _number(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(text: str) -> str:
    """Return a text in which nothing ends the line or begins a comment, a note or a tag."""
    return " ".join(text.translate(_BREAKS).split())
