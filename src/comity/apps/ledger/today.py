"""The ledger on Today: that the night's recount found a difference, for the leads of both sides."""

from zoneinfo import ZoneInfo

from comity.apps.ledger.queries import told_differences
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.apps.parties.rights import Action
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel."""
    add_panel(Panel("ledger/_differs.html", PanelArea.TOP, 18, _differs))


def _differs(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if not member.may(Action.AGREE):
        return None
    differences = told_differences(member)
    return {"differences": differences, "link": True} if differences else None
