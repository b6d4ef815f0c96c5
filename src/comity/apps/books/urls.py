"""Addresses of the records."""

from django.urls import path

from comity.apps.books import views

urlpatterns = [path("records/", views.records, name="records")]
