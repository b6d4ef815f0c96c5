"""Addresses below a relationship's."""

from django.urls import path

from comity.apps.outbox import views

urlpatterns = [path("jobs/<int:job>/again/", views.again, name="try_again")]
