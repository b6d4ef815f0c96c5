"""Changes of an agreement as a room writes them into a book."""

from datetime import timedelta

from comity.book.agreement import AgreedChange, Signature
from comity.core.agreements.changes import Proposal, proposal_digest
from comity.core.values import Side
from tests.builders.agreement import at

SAYS = {"title": "A change", "proposed_by": "provider", "person": "Ana", "carried_out_by": "both", "reason": "Why.",
        "expects_nothing": "Nothing."}  # fmt: skip
BOTH = tuple(Signature(side, "Ana", "lead", at(2, 1), sentences={"en": "0" * 64}) for side in Side)


def agreed(one, place, moment=None, *, signed=True, **more):
    """A change as a room writes it: signed by both, over the digest of the proposal."""
    proposal = Proposal(one, SAYS)
    document = {"schema": "comity.agreement/1", "revision": proposal_digest(proposal)} if signed else {}
    return AgreedChange(
        place, moment or at(1, 2) + timedelta(days=place), 1, proposal, document, BOTH if signed else (), **more
    )
