"""The URL of the record."""

from django.urls import path

from comity.apps.record import views

urlpatterns = [path("record/", views.record_file, name="record")]
