"""URLs within a relationship."""

from django.urls import path

from comity.apps.outbox import views

urlpatterns = [path("jobs/<int:job>/again/", views.retry, name="try_again")]
