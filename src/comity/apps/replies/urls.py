"""URLs of reply times."""

from django.urls import path

from comity.apps.replies import views

urlpatterns = [
    path("replies/", views.replies, name="replies"),
    path("replies/calendar/", views.propose_calendar, name="propose_calendar"),
    path("replies/calendar/agree/", views.agree_to_calendar, name="agree_calendar"),
    path("replies/silence/", views.set_silence, name="silence"),
]
