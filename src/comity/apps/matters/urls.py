"""URLs of matters within a relationship."""

from django.urls import path

from comity.apps.matters import views

urlpatterns = [
    path("matters/", views.matters, name="matters"),
    path("matters/raise/", views.raise_what, name="raise_what"),
    path("matters/raise/<str:kind>/", views.raise_matter, name="raise"),
    path("matters/moves/", views.moves, name="moves"),
    path("matters/told/", views.told_days, name="told"),
    path("matters/told/<uuid:question>/", views.answer_told, name="answer_told"),
    path("matters/<uuid:matter>/", views.matter, name="matter"),
    path("matters/<uuid:matter>/move/<str:move>/", views.move, name="move"),
    path("matters/<uuid:matter>/pack.zip", views.pack, name="pack"),
    path("matters/<uuid:matter>/changes.csv", views.changes, name="changes"),
    path("matters/<uuid:matter>/evidence/<uuid:evidence>/", views.evidence, name="evidence"),
]
