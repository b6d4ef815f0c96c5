"""URLs of notifications, outside relationships."""

from django.urls import path

from comity.apps.notifications import views

outside = [path("account/notifications/", views.set_preferences, name="set_notifications")]
