"""The URL of the Today page."""

from django.urls import path

from comity.apps.today import views

urlpatterns = [path("", views.today, name="today")]
