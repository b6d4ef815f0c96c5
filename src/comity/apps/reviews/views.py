"""The review's pages."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from comity.apps.books.queries import NoBookError, definition
from comity.apps.parties.viewing import place
from comity.apps.reviews import queries
from comity.apps.wording import language, words_for
from comity.book.definition import UnusableBookError
from comity.core.calendars import Against, UnknownPeriodError
from comity.review.attributing import MEASURE, NoAttributionError
from comity.review.composing import NoReviewError
from comity.review.faces import attribution_page, attribution_rows, page


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """The joint review, or the own side's, of a period."""
    standing = place(request)
    asked = request.GET.get("against")
    against = Against(asked) if asked in set(Against) else None
    words = words_for(language())
    try:
        made = queries.review(standing, request.GET.get("period") or None, against)
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None
    except (NoBookError, NoReviewError, UnusableBookError) as error:
        return render(request, "reviews/nothing.html", {"why": str(error)})
    calendar = definition(standing).calendar(made.cut)
    before, after = queries.neighbours(calendar, made.period)
    shown = {
        "review": made,
        "body": page.body(made, words),
        "period": words.period(made.period, calendar.cut),
        "before": before,
        "after": after,
        "name": calendar.name(made.period),
        "against": made.against,
        "ways": list(Against),
    }
    return render(request, "reviews/review.html", shown)


@require_safe
def attribution(request: HttpRequest) -> HttpResponse:
    """Whose doing a service level was."""
    standing = place(request)
    words = words_for(language())
    try:
        kpis = [one.id for one in definition(standing).kpis if one.measure == MEASURE and one.target is not None]
        kpi = request.GET.get("kpi") or next(iter(kpis), "")
        made = queries.attribution(standing, kpi, request.GET.get("period") or None)
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None
    except (NoBookError, NoAttributionError, UnusableBookError) as error:
        return render(request, "reviews/nothing.html", {"why": str(error)})
    shown = {
        "body": attribution_page.body(made, words),
        "kpis": list(dict.fromkeys(kpis)),
        "kpi": kpi,
        "name": made.name,
        "title": attribution_rows.title(made, words),
    }
    return render(request, "reviews/attribution.html", shown)
