"""Entries of a record that hold a ledger: a matter that was raised and became the provider's work."""

from comity.core import chain


def leg(side, way, kind, amount, promise, ended=""):
    return {"side": side, "way": way, "kind": kind, "amount": amount, "promise": promise, "ended": ended}


def posted():
    """What two steps posted: the customer asks, the provider promises."""
    return [
        _content(1, "raise", "customer", [
            leg("customer", "due", "answer", "1", "m/answer/1"), leg("provider", "owes", "answer", "-1", "m/answer/1"),
        ]),
        _content(2, "agree", "provider", [
            leg("customer", "due", "answer", "-1", "m/answer/1", "kept"),
            leg("provider", "owes", "answer", "1", "m/answer/1", "kept"),
            leg("customer", "due", "action", "1", "m/action/2"),
            leg("provider", "owes", "action", "-1", "m/action/2"),
        ]),
    ]  # fmt: skip


def _content(number, move, side, lines):
    held = {
        "number": number, "day": f"2026-09-0{number}", "for": None, "cause": move,
        "of": {"type": "matter", "id": "m", "step": number}, "ended": False, "lines": lines,
        "facts": {"kind": "action", "asks": "customer", "answers": "provider", "move": move, "side": side,
                  "debtor": "provider"},
    }  # fmt: skip
    return {
        "kind": "posted", "relationship": "r", "recorded_at": f"2026-09-0{number}T10:00:00.000000Z",
        "subject_type": "ledger", "subject": str(number), "content": held,
    }  # fmt: skip


def record(contents=None):
    """The chain over such contents, each with the digest of what it holds."""
    entries, before = [], chain.GENESIS_DIGEST
    for number, content in enumerate(posted() if contents is None else contents, 1):
        whole = content | {"content_digest": chain.digest_of(content["content"])}
        entries.append(chain.linked(number, whole, before))
        before = entries[-1].digest
    return entries
