"""URLs of the ledger within a relationship."""

from django.urls import path

from comity.apps.ledger import views

urlpatterns = [
    path("ledger/", views.ledger, name="ledger"),
    path("ledger/entries.<str:form>", views.entries_file, name="ledger_entries"),
    path("ledger/statement.pdf", views.statement_pdf, name="ledger_statement"),
]
