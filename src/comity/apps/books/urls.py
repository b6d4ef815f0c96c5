"""URLs of the records: `outside` of a relationship, and `urlpatterns` within one."""

from django.urls import path

from comity.apps.books import views

outside = [
    path("routes/", views.routes, name="routes"),
    path("routes/export/", views.upload_export, name="sort"),
    path("routes/<uuid:export>/", views.move_export, name="move_export"),
]
urlpatterns = [
    path("records/private/", views.mark_private, name="mark"),
    path("records/private/disclose/", views.disclose, name="disclose"),
    path("records/terms/", views.change_terms, name="change_terms"),
    path("records/terms/answer/", views.answer_terms, name="answer_terms"),
    path("records/complete/", views.say_complete, name="say_complete"),
    path("records/", views.records, name="records"),
    path("records/formats/", views.change_format, name="change_format"),
    path("records/copy/", views.make_copy, name="make_copy"),
    path("records/copy/<uuid:key>.zip", views.copy_archive, name="copy_archive"),
    path("records/begin/", views.begin_book, name="begin_book"),
    path("records/upload/", views.upload_file, name="upload"),
    path("records/<uuid:delivery>/", views.delivery, name="delivery"),
    path("records/<uuid:delivery>/columns/", views.match_columns, name="match_columns"),
    path("records/<uuid:delivery>/move/", views.move_delivery, name="move_delivery"),
    path("records/<uuid:delivery>/rejects.csv", views.rejects, name="rejects"),
    path("records/<uuid:delivery>/rejected-rows.<slug:form>", views.rejected_rows, name="rejected_rows"),
]
