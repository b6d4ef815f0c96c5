"""The records' pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from comity.apps.books import queries
from comity.apps.parties.viewing import place


@require_safe
def records(request: HttpRequest) -> HttpResponse:
    """What is in the book, as the viewer may see it."""
    standing = place(request)
    tables = []
    if queries.has_book(standing):
        with queries.opened(standing) as book:
            owners = book.definition.private_owner
            tables = [
                {
                    "name": holding.table.name,
                    "rows": holding.rows,
                    "rejected": holding.rejected,
                    "files": len(holding.files),
                    "owner": owners(holding.table.name),
                }
                for holding in book
            ]
    return render(request, "books/records.html", {"tables": tables})
