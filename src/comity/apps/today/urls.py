"""URLs of the pages over everything: Today, search; outside relationships, the portfolio."""

from django.urls import path

from comity.apps.today import views

outside = [path("", views.portfolio, name="portfolio"), path("waiting/", views.waiting, name="waiting")]
urlpatterns = [
    path("", views.today, name="today"),
    path("search/", views.search, name="search"),
]
