"""What the outbox puts on the page of today: what keeps failing, to those whom it concerns."""

from zoneinfo import ZoneInfo

from comity.apps.outbox.queries import failing
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words


def register() -> None:
    """Show it."""
    add_panel(Panel("outbox/_failing.html", PanelArea.TOP, 20, _failing))


def _failing(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    found = failing(member)
    return {"jobs": [(job, _said(job.task, words)) for job in found], "zone": zone} if found else None


def _said(task: str, words: Words) -> str:
    """What a task does, in words."""
    key = f"outbox.{task.replace('.', '_')}"
    return words(key if words.has(key) else "outbox.other")
