"""The night's recount, and the statement as a PDF."""

from collections.abc import Mapping

from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.ledger import exports, operations
from comity.apps.parties.member_context import MemberContext, for_each_relationship


@app.periodic(cron="40 2 * * *")
@app.task(queue="clock", name="ledger.recount", queueing_lock="ledger.recount", pass_context=False)
def recount(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Recount every ledger from the steps; what differs is told to both leads on Today."""
    for_each_relationship(_recount)


def _recount(member: MemberContext) -> None:
    operations.recount(member)


@results.computes(exports.COMPUTE_FILE)
def make_statement_file(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make the statement of a span as a PDF."""
    exports.make_statement_file(member, terms)
