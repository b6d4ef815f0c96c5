"""Operations on the ledger: the few that are not the database's own. Nothing here posts; a step posts itself."""

from django.db import connection

from comity.apps.books.queries import readable_definition
from comity.apps.ledger import queries
from comity.apps.ledger.models import Recount
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Relationship

_KEPT_CACHE_KEY = "ledger_calendar"


def lock_for_posting(member: MemberContext) -> None:
    """Lock the relationship until this transaction ends, as the ledger does when it posts.

    Weaker than the lock of a consent, and excluded by it: rows that refer to the relationship are added meanwhile.
    """
    Relationship.objects.select_for_update(no_key=True).only("pk").get(pk=member.relationship.pk)


def keep_calendar(member: MemberContext) -> None:
    """Have the ledger count days as the book does; what was said first stands, also against this."""
    if _KEPT_CACHE_KEY in member.cache:
        return
    member.cache[_KEPT_CACHE_KEY] = True
    agreed = readable_definition(member)
    if agreed is None or member.side is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_keep_ledger_calendar(%s, %s)", [agreed.timezone, agreed.month_starts_on])


def record_recount(member: MemberContext, subjects: int, differences: list[str]) -> Recount:
    """Keep what a recount found."""
    return Recount.objects.create(
        relationship=member.relationship, person=member.membership.person, subjects=subjects, differences=differences
    )


def recount(member: MemberContext) -> Recount:
    """Hold the ledger against what is counted from the steps, and keep what was found."""
    counted, differences = queries.recount(member)
    return record_recount(member, counted, differences)
