"""Panels of the Today page: the steps that are left of the first run, and that a relationship is a sample."""

from zoneinfo import ZoneInfo

from comity.apps.books import queries as books
from comity.apps.books.forms import BeginBookForm, UploadForm
from comity.apps.first_run import queries
from comity.apps.first_run.queries import StepName, StepState
from comity.apps.kpis import queries as kpis
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.apps.parties.rights import Action
from comity.apps.replies.forms import FreeDaysForm
from comity.core.kpi_templates import TEMPLATES
from comity.review.i18n.words import Words

BEGIN_TASK = "books.begin"


def register() -> None:
    """Register the panels."""
    add_panel(Panel("first_run/_sample.html", PanelArea.TOP, 0, _sample_panel))
    add_panel(Panel("first_run/_steps.html", PanelArea.TOP, 1, _steps_panel))


def _sample_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    if not member.relationship.is_sample:
        return None
    return {"loading": not books.has_book(member), "other": None if member.side is None else member.side.other}


def _steps_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    steps = queries.steps_or_none(member)
    if steps is None or member.side is None:
        return None
    has_book = books.has_book(member)
    waiting = kpis.proposal(member)
    left = sum(one.state is not StepState.DONE for one in steps)
    return {
        "headline": words("first_run.left", count=left) if left else "",
        "steps": steps,
        "names": StepName,
        "has_book": has_book,
        "has_records": any(one.name is StepName.RECORDS and one.state is StepState.DONE for one in steps),
        "beginning": not has_book and has_pending(member, [BEGIN_TASK]),
        "zone": str(zone),
        "currency": books.definition(member).currency if has_book else "",
        "form": None if has_book else BeginBookForm(),
        "upload": UploadForm(),
        "days_off": FreeDaysForm(zone=queries.own_calendar(member).zone)
        if has_book and member.may(Action.AGREE) and not queries.has_days_off(member)
        else None,
        "templates": [
            (name, words.listed([words.named("measure", kpi.measure) for kpi in of])) for name, of in TEMPLATES.items()
        ],
        "first_text": queries.proposed_text(member),
        "both": kpis.has_people(member, member.side.other),
        "asked": waiting is not None and waiting.side != member.side,
        "opens": [
            (words(f"first_run.opens_{key}"), words.listed([words.named("table", one) for one in needs]), is_there)
            for key, needs, is_there in queries.opened_by_records(member)
        ],
    }
