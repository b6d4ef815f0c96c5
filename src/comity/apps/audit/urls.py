"""URLs within a relationship."""

from django.urls import path

from comity.apps.audit import views

urlpatterns = [
    path("log/", views.log, name="log"),
    path("log.csv", views.log_file, name="log_file"),
]
