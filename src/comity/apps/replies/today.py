"""The reply times' panel on the Today page: a calendar that waits for the viewer's agreement."""

from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.apps.parties.rights import Action
from comity.apps.replies.queries import proposed_calendars
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel."""
    add_panel(Panel("replies/_proposed.html", PanelArea.MAIN, 30, _proposed_calendar))


def _proposed_calendar(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if member.side is None or not member.may(Action.AGREE):
        return None
    proposal = proposed_calendars(member).get(member.side.other)
    return None if proposal is None else {"proposal": proposal, "side": member.side.other}
