"""The page of whoever is in no relationship yet: the four steps, with the first one open."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from comity.apps.first_run import operations
from comity.apps.first_run.queries import StepName
from comity.apps.parties import operations as places
from comity.apps.parties import queries as parties
from comity.apps.parties.forms import RelationshipForm
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.apps.refusal import form_page
from comity.apps.replies.forms import FreeDaysForm
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


@require_POST
@form_page("people")
def end_relationship(request: HttpRequest) -> HttpResponse:
    """End a relationship that the other side never joined."""
    member = member_of(request, Action.INVITE)
    operations.end_unjoined(member)
    return redirect("portfolio")


@require_POST
def switch_sample(request: HttpRequest) -> HttpResponse:
    """Go on as the other side of a sample relationship."""
    member = member_of(request, Action.INVITE)
    if not member.relationship.is_sample or request.POST.get("side") not in set(Side):
        raise Http404
    places.switch_sample(member, Side(request.POST["side"]))
    return redirect("today", relationship=member.relationship.pk)


@require_POST
@form_page("today")
def propose_days_off(request: HttpRequest) -> HttpResponse:
    """Propose the public holidays of a country as the own side's days off; what cannot be drafted is shown in full."""
    member = member_of(request, Action.AGREE)
    form = FreeDaysForm(request.POST)
    if form.is_valid():
        operations.propose_days_off(member, form.free_days)
        return redirect("today", relationship=member.relationship.pk)
    asked = QueryDict(mutable=True)
    asked.update({name: request.POST.get(name, "") for name in ("country", "region")})
    address = reverse("replies", kwargs={"relationship": member.relationship.pk})
    return redirect(f"{address}?{asked.urlencode()}#h-propose")
