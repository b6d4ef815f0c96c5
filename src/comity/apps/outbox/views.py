"""Retrying failing jobs."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from comity.apps.outbox import operations
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action


@require_POST
def retry(request: HttpRequest, job: int) -> HttpResponse:
    """Run a failing job now."""
    member = member_of(request, Action.ACT)
    if not operations.retry_job(member, job):
        raise Http404
    return redirect("today", relationship=member.relationship.pk)
