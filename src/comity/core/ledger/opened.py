"""What is open of opening lists, counted from what the record says of them: apart from the lines that were posted."""

from collections.abc import Iterable

from comity.core.ledger.recorded import Recorded
from comity.core.values import Side

OPENING = "opening"
REVERSAL = "reversal"
Subject = tuple[str, str]


def count_opened(records: Iterable[Recorded]) -> dict[Subject, list[tuple[Side, str]]]:
    """Return debtor and kind of each promise that is open of each opening list.

    A reversal undoes what the transaction said that it names: a list, or how one of its promises ended.
    """
    said: dict[int, Recorded] = {}
    listed: dict[Subject, dict[str, tuple[Side, str]]] = {}
    ended: dict[Subject, set[str]] = {}
    for one in records:
        subject, facts = one.transaction.subject, one.facts
        said[one.transaction.number] = one
        if subject[0] == OPENING and "opens" in facts:
            listed[subject] = {str(key): (Side(debtor), str(kind)) for key, debtor, kind in facts["opens"]}
        elif subject[0] == OPENING:
            ended.setdefault(subject, set()).add(str(facts["settles"]))
        elif subject[0] == REVERSAL:
            reversed_one = said.get(int(facts["reverses"]))
            if reversed_one is None or reversed_one.transaction.subject[0] != OPENING:
                continue
            of = reversed_one.transaction.subject
            if "opens" in reversed_one.facts:
                listed[of] = {}
            else:
                ended.get(of, set()).discard(str(reversed_one.facts["settles"]))
    return {
        subject: [one for key, one in promises.items() if key not in ended.get(subject, set())]
        for subject, promises in listed.items()
    }
