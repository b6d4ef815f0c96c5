"""The URL configuration of the room; URLs below /r/ need a membership in the relationship."""

from django.conf.urls.i18n import urlpatterns as languages
from django.urls import include, path

from comity.apps.books import urls as books
from comity.apps.first_run import urls as first_run
from comity.apps.help import urls as help_pages
from comity.apps.notifications import urls as notifications
from comity.apps.parties import urls as parties
from comity.apps.personal import urls as personal
from comity.apps.today import urls as today
from comity.web.api import api
from comity.web.appearance import style

_WITHIN = [
    path("", include("comity.apps.today.urls")),
    path("", include("comity.apps.matters.urls")),
    path("", include("comity.apps.ledger.urls")),
    path("", include("comity.apps.reviews.urls")),
    path("", include("comity.apps.first_run.urls")),
    path("", include("comity.apps.kpis.urls")),
    path("", include("comity.apps.agreements.urls")),
    path("", include("comity.apps.priorities.urls")),
    path("", include("comity.apps.books.urls")),
    path("", include("comity.apps.replies.urls")),
    path("", include("comity.apps.record.urls")),
    path("", include("comity.apps.outbox.urls")),
    path("", include("comity.apps.audit.urls")),
    path("", include("comity.apps.parties.urls")),
    path("", include("comity.apps.personal.urls")),
]
urlpatterns = [
    path("", include(parties.outside)),
    path("", include(today.outside)),
    path("", include(notifications.outside)),
    path("", include(books.outside)),
    path("", include(first_run.outside)),
    path("", include(personal.outside)),
    path("", include(help_pages.outside)),
    path("style/<str:appearance>/<str:name>", style, name="style"),
    path("language/", include(languages)),
    path("sign-in/", include("comity.web.sign_in_urls")),
    path("api/", api.urls),
    path("r/<uuid:relationship>/", include(_WITHIN)),
]
handler404 = "comity.web.errors.page_not_found"
handler403 = "comity.web.errors.permission_denied"
handler500 = "comity.web.errors.server_error"
