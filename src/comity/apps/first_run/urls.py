"""URLs of the first run: those outside relationships, and those within one."""

from django.urls import path

from comity.apps.first_run import views

outside = [
    path("first/", views.first_run, name="first_run"),
    path("first/sample/", views.begin_sample, name="begin_sample"),
]
urlpatterns = [
    path("sample/delete/", views.end_sample, name="end_sample"),
    path("people/end/", views.end_relationship, name="end_relationship"),
    path("sample/side/", views.switch_sample, name="switch_sample"),
    path("first/days-off/", views.propose_days_off, name="propose_days_off"),
]
