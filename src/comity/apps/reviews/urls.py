"""Addresses of the review."""

from django.urls import path

from comity.apps.reviews import views

urlpatterns = [
    path("review/", views.review, name="review"),
    path("attribution/", views.attribution, name="attribution"),
]
