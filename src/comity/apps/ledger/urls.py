"""URLs of the ledger within a relationship."""

from django.urls import path

from comity.apps.ledger import views

urlpatterns = [
    path("ledger/", views.ledger, name="ledger"),
    path("ledger/agreed/", views.agreed, name="ledger_agreed"),
    path("ledger/agreed/opening/", views.propose_opening, name="propose_opening"),
    path("ledger/agreed/reversal/", views.propose_reversal, name="propose_reversal"),
    path("ledger/agreed/calendar/", views.propose_calendar, name="propose_ledger_calendar"),
    path("ledger/agreed/agree/", views.agree, name="agree_ledger"),
    path("ledger/agreed/drop/", views.drop, name="drop_ledger"),
    path("ledger/agreed/settle/", views.settle, name="settle_opened"),
    path("ledger/entries.<str:form>", views.entries_file, name="ledger_entries"),
    path("ledger/statement.pdf", views.statement_pdf, name="ledger_statement"),
]
