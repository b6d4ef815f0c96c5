"""What a clause is called for somebody: by its heading, or by its kind alone where it is kept from them."""

from comity.apps.agreements.queries import may_read
from comity.apps.agreements.sentences import clause_heading, numbered
from comity.apps.agreements.wording.values import kind_name
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements.text import Text
from comity.review.i18n.words import Words


def readable_titles(member: MemberContext, read: Text, words: Words) -> dict[str, str]:
    """Return the headings of a text's clauses by id; one that the member may not read is called by its kind."""
    titles = {
        one.id: clause_heading(one, words) if may_read(member, one) else kind_name(one.kind, words)
        for one in read.clauses
        if not one.removed
    }
    return numbered(titles, words)
