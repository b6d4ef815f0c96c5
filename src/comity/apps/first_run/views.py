"""The page of whoever is in no relationship yet: the four steps, with the first one open."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.first_run import operations
from comity.apps.first_run.queries import StepName
from comity.apps.parties import queries as parties
from comity.apps.parties.forms import RelationshipForm
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.core.values import Side


@require_safe
@login_required
def first_run(request: HttpRequest) -> HttpResponse:
    """Show the four steps to whoever has no relationship."""
    if parties.memberships_of(request.user).exists():  # type: ignore[arg-type]
        return redirect("portfolio")
    form = RelationshipForm(initial={"side": "customer"}, led=parties.led_organisations())
    return render(request, "first_run/first_run.html", {"form": form, "later": list(StepName)[1:]})


@require_POST
@login_required
def begin_sample(request: HttpRequest) -> HttpResponse:
    """Create a sample relationship, and show it."""
    if request.POST.get("side") not in set(Side):
        raise Http404
    member = operations.begin_sample(request.user, Side(request.POST["side"]))  # type: ignore[arg-type]
    return redirect("today", relationship=member.relationship.pk)


@require_POST
def end_sample(request: HttpRequest) -> HttpResponse:
    """Delete a sample relationship."""
    member = member_of(request, Action.INVITE)
    if not member.relationship.is_sample:
        raise Http404
    operations.end_sample(member)
    return redirect("portfolio")
