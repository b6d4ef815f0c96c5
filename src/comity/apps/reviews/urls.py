"""URLs of the review within a relationship."""

from django.urls import path

from comity.apps.reviews import views

urlpatterns = [
    path("review/", views.review, name="review"),
    path("review/compare/", views.compare, name="compare"),
    path("review/compare/file.<str:form>", views.compare_file, name="compare_file"),
    path("review/figure/<path:kpi>/contacts.csv", views.figure_contacts, name="figure_contacts"),
    path("review/figure/<path:kpi>/", views.figure, name="figure"),
    path("review/reading/<path:reading>/", views.reading, name="reading"),
    path("review/file.<str:form>", views.review_file, name="review_file"),
    path("review/figures.<str:form>", views.figures_file, name="figures_file"),
    path("review/mail/", views.by_mail, name="by_mail"),
    path("review/logo/", views.logo, name="logo"),
    path("review/confirm/", views.confirm, name="confirm"),
    path("review/comment/", views.comment, name="comment_period"),
    path("review/restate/", views.restate, name="restate"),
    path("attribution/", views.attribution, name="attribution"),
]
