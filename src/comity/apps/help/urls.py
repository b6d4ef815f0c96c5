"""URLs of the glossary and of concepts."""

from django.urls import path

from comity.apps.help import views

outside = [
    path("help/", views.help_page, name="help"),
    path("help/glossary/", views.glossary, name="glossary"),
    path("help/<str:page>/", views.concept, name="concept"),
]
