"""Addresses of reply times."""

from django.urls import path

from comity.apps.replies import views

urlpatterns = [
    path("replies/", views.replies, name="replies"),
    path("replies/calendar/", views.propose, name="propose_calendar"),
    path("replies/calendar/agree/", views.agree, name="agree_calendar"),
    path("replies/silence/", views.silence, name="silence"),
]
