"""The outbox's panel on the Today page: failing jobs, for those whom they concern."""

from zoneinfo import ZoneInfo

from comity.apps.outbox.queries import failing_jobs
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel."""
    add_panel(Panel("outbox/_failing.html", PanelArea.TOP, 20, _failing))


def _failing(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    jobs = failing_jobs(member)
    return {"jobs": [(job, _task_sentence(job.task, words)) for job in jobs], "zone": zone} if jobs else None


def _task_sentence(task: str, words: Words) -> str:
    """Return what a task does, in the reader's words."""
    key = f"outbox.{task.replace('.', '_')}"
    return words(key if words.has(key) else "outbox.other")
