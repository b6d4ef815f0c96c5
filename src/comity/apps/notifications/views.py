"""The section of the account page where somebody chooses which emails they get."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from comity.apps.i18n import language, words_for
from comity.apps.notifications import operations, queries
from comity.apps.notifications.forms import PreferencesForm
from comity.apps.parties.models import Person
from comity.apps.parties.panels import PanelContext
from comity.apps.refusal import form_page


def preferences_section(person: Person) -> PanelContext:
    """Return the context of the account page's section."""
    initial = {topic.value: timing.value for topic, timing in queries.own_timings(person).items()}
    return {"form": PreferencesForm(initial=initial)}


@require_POST
@login_required
@form_page("account")
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Set which emails somebody gets, and when."""
    form, words = PreferencesForm(request.POST), words_for(language())
    if form.is_valid():
        operations.set_preferences(request.user, form.timings)  # type: ignore[arg-type]
        messages.success(request, words("notifications.saved"))
    else:
        messages.error(request, words("notifications.invalid"))
    return redirect(f"{reverse('account')}#h-notifications")
