"""Addresses of the records: those of nobody in particular, and those within a relationship."""

from django.urls import path

from comity.apps.books import views

outside = [
    path("routes/", views.routes, name="routes"),
    path("routes/export/", views.sort, name="sort"),
    path("routes/<uuid:export>/", views.move_export, name="move_export"),
]
urlpatterns = [
    path("records/private/", views.mark, name="mark"),
    path("records/private/disclose/", views.disclose, name="disclose"),
    path("records/", views.records, name="records"),
    path("records/begin/", views.begin, name="begin_book"),
    path("records/upload/", views.upload, name="upload"),
    path("records/<uuid:delivery>/", views.delivery, name="delivery"),
    path("records/<uuid:delivery>/move/", views.move, name="move_delivery"),
    path("records/<uuid:delivery>/rejects.csv", views.rejects, name="rejects"),
]
