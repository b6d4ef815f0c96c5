"""What a clause is called for somebody: by its heading, or by its kind alone where it is kept from them."""

from collections.abc import Iterable

from comity.apps.agreements.queries import may_read
from comity.apps.agreements.sentences import clause_heading, numbered
from comity.apps.agreements.wording.values import kind_name
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements.text import Text
from comity.review.i18n.words import Words


def readable_titles(member: MemberContext, read: Text, words: Words, beside: Iterable[Text] = ()) -> dict[str, str]:
    """Return the headings of a text's clauses by id; one that the member may not read is called by its kind.

    :param beside: texts that are compared with it; what may not be read in one of them is told in none
    """
    closed = {one.id for text in (read, *beside) for one in text.clauses if not may_read(member, one)}
    titles = {
        one.id: kind_name(one.kind, words) if one.id in closed else clause_heading(one, words)
        for one in read.clauses
        if not one.removed
    }
    return numbered(titles, words)
