"""URLs of a person's own choices: those outside relationships, and those within one."""

from django.urls import path

from comity.apps.personal import views

outside = [path("account/display/", views.display, name="display")]
urlpatterns = [
    path("views/<str:page>/", views.save_view, name="save_view"),
    path("views/<str:page>/<uuid:view>/delete/", views.delete_view, name="delete_view"),
]
