"""The outbox's panel on the Today page: failing jobs, for those whom they concern."""

from zoneinfo import ZoneInfo

from comity.apps.i18n import spoken_period
from comity.apps.outbox.queries import FailingJob, failing_jobs
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel."""
    add_panel(Panel("outbox/_failing.html", PanelArea.TOP, 20, _failing))


def _failing(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    # One line for those that failed at the same, the first of them.
    jobs = {(job.task, job.period): job for job in reversed(failing_jobs(member))}
    listed = [(job, _sentence(job, words)) for job in reversed(jobs.values())]
    return {"jobs": listed, "zone": zone} if listed else None


def _sentence(job: FailingJob, words: Words) -> str:
    """Return what a job did not do, and of which period, in the reader's words."""
    key = f"outbox.{job.task.replace('.', '_')}"
    sentence = words(key if words.has(key) else "outbox.other")
    return f"{sentence} {words('outbox.period', period=spoken_period(job.period, words))}" if job.period else sentence
