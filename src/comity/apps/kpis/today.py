"""The panel of the Today page, KPIs that wait for the viewer's agreement, and the entry of the navigation."""

from zoneinfo import ZoneInfo

from comity.apps.kpis.queries import proposal
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import NavEntry, Panel, PanelArea, PanelContext, add_nav_entry, add_panel
from comity.apps.parties.rights import Action
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel and the entry."""
    add_panel(Panel("kpis/_proposed.html", PanelArea.MAIN, 25, _proposal_panel))
    add_nav_entry(NavEntry("kpis", 35))


def _proposal_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if member.side is None or not member.may(Action.AGREE):
        return None
    waiting = proposal(member)
    return None if waiting is None or waiting.side == member.side else {"proposal": waiting, "side": member.side.other}
