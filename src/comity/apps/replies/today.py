"""What reply times put on the page of today: a calendar that waits for the viewer's agreement."""

from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.apps.parties.rights import Action
from comity.apps.replies.queries import proposed
from comity.review.i18n.words import Words


def register() -> None:
    """Show it."""
    add_panel(Panel("replies/_proposed.html", PanelArea.MAIN, 30, _proposed))


def _proposed(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if member.side is None or not member.may(Action.AGREE):
        return None
    word = proposed(member).get(member.side.other)
    return None if word is None else {"word": word, "side": member.side.other}
