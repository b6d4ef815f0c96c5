"""Every address of the room. Below /r/ stands one relationship, entered only by who has a place in it."""

from django.conf.urls.i18n import urlpatterns as languages
from django.urls import include, path

from comity.apps.books import urls as books
from comity.apps.parties import urls as parties
from comity.web.api import api

_WITHIN = [
    path("", include("comity.apps.today.urls")),
    path("", include("comity.apps.matters.urls")),
    path("", include("comity.apps.reviews.urls")),
    path("", include("comity.apps.books.urls")),
    path("", include("comity.apps.replies.urls")),
    path("", include("comity.apps.record.urls")),
    path("", include("comity.apps.outbox.urls")),
    path("", include("comity.apps.audit.urls")),
    path("", include("comity.apps.parties.urls")),
]
urlpatterns = [
    path("", include(parties.outside)),
    path("", include(books.outside)),
    path("language/", include(languages)),
    path("sign-in/", include("comity.web.sign_in")),
    path("api/", api.urls),
    path("r/<uuid:relationship>/", include(_WITHIN)),
]
handler404 = "comity.web.errors.not_found"
handler403 = "comity.web.errors.forbidden"
handler500 = "comity.web.errors.broken"
