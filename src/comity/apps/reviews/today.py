"""Panel and navigation entries of reviews: periods that the other side has confirmed and the viewer's has not."""

from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import NavEntry, Panel, PanelArea, PanelContext, add_nav_entry, add_panel
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.apps.replies.queries import reply_due
from comity.review.i18n.words import Words


def register() -> None:
    """Show them, and the review and its causes in the navigation."""
    add_panel(Panel("reviews/_to_confirm.html", PanelArea.MAIN, 20, _confirmation_panel))
    add_nav_entry(NavEntry("review", 20))
    add_nav_entry(NavEntry("attribution", 30))


def _confirmation_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    side = member.side
    if side is None or not member.may(Action.CONFIRM):
        return None
    consents = [one for one in record.unanswered_consents(member, ConsentSubject.PERIOD) if one.side != side]
    periods = [(one, reply_due(member.relationship, side, one.at, str(zone))) for one in consents]
    return {"periods": sorted(periods, key=lambda one: one[1]), "side": side.other} if periods else None
