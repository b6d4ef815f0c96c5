"""Addresses of the records."""

from django.urls import path

from comity.apps.books import views

urlpatterns = [
    path("records/private/", views.mark, name="mark"),
    path("records/", views.records, name="records"),
    path("records/begin/", views.begin, name="begin_book"),
    path("records/upload/", views.upload, name="upload"),
    path("records/<uuid:delivery>/", views.delivery, name="delivery"),
    path("records/<uuid:delivery>/move/", views.move, name="move_delivery"),
    path("records/<uuid:delivery>/rejects.csv", views.rejects, name="rejects"),
]
