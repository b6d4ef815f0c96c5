"""Pages of a person's own choices."""

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import member_of
from comity.apps.personal import operations, queries
from comity.apps.personal.forms import DisplayForm, SaveViewForm
from comity.apps.personal.models import Appearance
from comity.apps.refusal import form_page

LISTS = frozenset({"matters", "log", "records"})  # whose filters can be saved, by the names of their URLs


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def display(request: HttpRequest) -> HttpResponse:
    """Show and set the person's time zone, colours and shortcuts."""
    settings = queries.display_settings(request.user)  # type: ignore[arg-type]
    form = DisplayForm(
        request.POST or None,
        initial={name: getattr(settings, name) for name in ("time_zone", "appearance", "shortcuts")},
    )
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        operations.choose_display(
            request.user,  # type: ignore[arg-type]
            chosen["time_zone"],
            Appearance(chosen["appearance"]),
            shortcuts=chosen["shortcuts"],
        )
        messages.success(request, words_for(language())("display.saved"))
        return redirect("account")
    return render(request, "personal/display.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@form_page("today")
def save_view(request: HttpRequest, page: str) -> HttpResponse:
    """Save the filters of a list under a name."""
    member = member_of(request)
    if page not in LISTS:
        raise Http404
    form = SaveViewForm(request.POST)
    address = reverse(page, kwargs={"relationship": member.relationship.pk})
    if not form.is_valid():
        messages.error(request, words_for(language())("saved_view.unnamed"))
        return redirect(address)
    query = urlencode([pair for pair in parse_qsl(form.cleaned_data["query"]) if pair[0] != "page"])
    operations.save_view(member, page, form.cleaned_data["name"], query)
    return redirect(f"{address}?{query}")


@require_POST
def delete_view(request: HttpRequest, page: str, view: UUID) -> HttpResponse:
    """Delete a saved view."""
    member = member_of(request)
    saved = queries.saved_views(member, page).filter(pk=view).first()
    if saved is None or page not in LISTS:
        raise Http404
    saved.delete()
    return redirect(page, relationship=member.relationship.pk)
