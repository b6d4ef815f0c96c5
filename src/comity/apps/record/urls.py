"""The address of the record."""

from django.urls import path

from comity.apps.record import views

urlpatterns = [path("record/", views.record, name="record")]
