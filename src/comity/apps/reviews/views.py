"""The review's pages."""

import json
from datetime import timedelta
from typing import NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.books.queries import NoBookError, definition, why
from comity.apps.matters.models import Kind, Matter
from comity.apps.parties.operations import read
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, place
from comity.apps.reviews import operations, queries
from comity.apps.reviews.forms import Wish
from comity.apps.reviews.models import Entry
from comity.apps.reviews.supposing import Tried
from comity.apps.wording import language, words_for
from comity.book.definition import UnusableBookError
from comity.core.agreements import Kpi
from comity.core.calendars import Against, Calendar, UnknownPeriodError
from comity.core.readings.reading import Reading
from comity.core.values import Period, Side
from comity.review.attributing import MEASURE, Attribution, NoAttributionError
from comity.review.composing import NoReviewError
from comity.review.faces import attribution_page, attribution_rows
from comity.review.faces import render as render_as
from comity.review.faces.level_rows import level_row
from comity.review.faces.page import Beside, known_by, named
from comity.review.faces.sentences import definition_of, level_title, subtitle, title
from comity.review.faces.words import DASH, Words, clean
from comity.review.review import Review

_FIRST = 20  # of what is disputed or claimed; the rest stands among the matters


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """The joint review, or the own side's, of a period."""
    standing = place(request)
    words = words_for(language())
    try:
        made, joint = _asked_for(request, standing)
    except (NoBookError, NoReviewError, UnusableBookError) as error:
        return render(request, "reviews/nothing.html", {"why": why(standing, error)})
    calendar = definition(standing).calendar(made.cut)
    name = calendar.name(made.period)
    read(standing, "review", name)
    about = queries.about(standing, made.period, name)
    body, tail = queries.review_body(standing, made, _beside(standing, made, name, about, joint=joint), joint=joint)
    asked = [one for those in about.values() for one in those]
    shown = {
        "review": made,
        "body": body,
        "tail": tail,
        "period": words.period(made.period, calendar.cut),
        "around": [
            (calendar.name(one), words.period(one, calendar.cut)) for one in queries.neighbours(calendar, made.period)
        ],
        "titles": [(one.kpi, level_title(one, words)) for one in made.levels],
        "name": name,
        "against": made.against,
        "ways": list(Against),
        "joint": joint,
        "confirmations": queries.confirmations(standing, name),
        "entries": [_entry(entry, words) for entry in queries.record(standing, name)],
        "asked": asked[:_FIRST],
        "more": len(asked) > _FIRST,
        "files": list(queries.FILES),
    }
    return render(request, "reviews/review.html", shown)


def _asked_for(request: HttpRequest, standing: Standing) -> tuple[Review, bool]:
    """The review that an address names, and whether it is the joint one.

    :raises Http404: for a period that cannot be read
    """
    asked = request.GET.get("against")
    against = Against(asked) if asked in set(Against) else None
    joint = request.GET.get("eyes") == "joint" or standing.viewer.side is None
    try:
        return queries.review(standing, request.GET.get("period") or None, against, joint=joint), joint
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None


def _beside(standing: Standing, made: Review, period: str, about: dict[str, list[Matter]], *, joint: bool) -> Beside:
    """Where each level and each reading is opened, and by whom a level is disputed or claimed about."""
    words, at = words_for(language()), standing.relationship
    asked = urlencode({"period": period} | ({"eyes": "joint"} if joint and standing.side else {}))
    held = urlencode({"against": made.against})

    def said(one: Matter) -> str:
        key = "figure.disputed" if one.kind == Kind.DISPUTE else "figure.claimed"
        return words(key, party=at.organisation(Side(one.asks)).name)

    marks = {kpi: tuple(dict.fromkeys(said(one) for one in those)) for kpi, those in about.items() if kpi}

    def opened(reading: Reading, review: Review) -> str:
        return f"{reverse('reading', args=[at.pk, known_by(reading, review)])}?{asked}&{held}"

    return Beside(lambda kpi: f"{reverse('figure', args=[at.pk, kpi])}?{asked}", marks, opened)


class _Opened(NamedTuple):
    """What the page of one figure, or one reading, is made from."""

    standing: Standing
    made: Review
    joint: bool
    period: str  # in words
    name: str  # as addresses have it
    about: dict[str, list[Matter]]
    beside: Beside


def _opened(request: HttpRequest) -> _Opened:
    """The review around one of its parts.

    :raises Http404: where there is none
    """
    standing = place(request)
    try:
        made, joint = _asked_for(request, standing)
    except (NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    calendar = definition(standing).calendar(made.cut)
    name = calendar.name(made.period)
    about = queries.about(standing, made.period, name)
    spoken = words_for(language()).period(made.period, calendar.cut)
    return _Opened(standing, made, joint, spoken, name, about, _beside(standing, made, name, about, joint=joint))


@require_safe
def figure(request: HttpRequest, kpi: str) -> HttpResponse:
    """One figure opened: the level, each side's own and why they differ, its wording, its records, what is asked."""
    standing, made, joint, period, name, about, beside = _opened(request)
    body = queries.figure_body(standing, made, kpi, beside, joint=joint)
    if body is None:
        raise Http404
    read(standing, "figure", f"{kpi} {name}")
    level = next(one for one in made.levels if one.kpi == kpi)
    words, mine = words_for(language()), [*about.get(kpi, ()), *about.get("", ())]
    shown = {
        "level": level,
        "row": level_row(level, made, words),
        "body": body,
        "period": period,
        "name": name,
        "joint": joint,
        "mine": mine,
        "marks": _marks(mine),
        "first": made.period.start,
        "shared_out": level.measure == MEASURE and level.target is not None,
    }
    return render(request, "reviews/figure.html", shown)


def _marks(matters: list[Matter]) -> list[Matter]:
    """One of each kind and side: what two of them would say is said once."""
    return list({(one.kind, one.asks): one for one in reversed(matters)}.values())


@require_safe
def reading(request: HttpRequest, reading: str) -> HttpResponse:
    """One reading opened: what moved and what only seemed to, its wording, its records, what is asked about it."""
    standing, made, joint, period, name, about, beside = _opened(request)
    words = words_for(language())
    body = queries.reading_body(standing, made, reading, beside, joint=joint)
    found = named(made, reading)
    if body is None or found is None:
        raise Http404
    read(standing, "reading", f"{found.id} {name}")
    rests_on = definition_of(found, made)
    mine = [] if rests_on is None else [*about.get(rests_on.id, ()), *about.get("", ())]
    shown = {
        "title": title(found, words),
        "subtitle": subtitle(found, made, words),
        "body": body,
        "period": period,
        "name": name,
        "against": made.against,
        "joint": joint,
        "kpi": None if rests_on is None else rests_on.id,
        "mine": mine,
        "marks": _marks(mine),
    }
    return render(request, "reviews/reading.html", shown)


def _entry(entry: Entry, words: Words) -> dict[str, object]:
    """An entry of the record, its figures in the reader's format."""
    rows = []
    for kpi, one in entry.content["figures"].items():
        shown = [
            DASH if value is None else words.figure(float(value), one["unit"])
            for value in (one["value"], one["target"], *(one["reported"][side.value] for side in Side))
        ]
        rows.append((words.named("measure", kpi), *shown, one["disputed"]))
    return {"entry": entry, "rows": rows, "reason": entry.content.get("reason", ""), "by": entry.content.get("by")}


@require_safe
def review_file(request: HttpRequest, form: str) -> HttpResponse:
    """The review as a file, as the viewer may see it."""
    standing = place(request)
    if form not in queries.FILES:
        raise Http404
    joint = request.GET.get("eyes") == "joint" or standing.viewer.side is None
    try:
        made = queries.review(standing, request.GET.get("period") or None, joint=joint)
        written = render_as(made, form, language())
    except (UnknownPeriodError, NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    name = f"review-{definition(standing).calendar(made.cut).name(made.period)}.{form}"
    read(standing, "file", name)
    return HttpResponse(
        written, content_type=queries.FILES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def by_mail(request: HttpRequest) -> HttpResponse:
    """Have the review by mail, now and then, or no more."""
    standing = place(request)
    wish = queries.wish(standing)
    form = Wish(request.POST or None, own=standing.viewer.side is not None, wish=wish)
    if request.method == "POST" and request.POST.get("do") == "stop":
        operations.no_mail(standing)
        return redirect("by_mail", relationship=standing.relationship.pk)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        operations.by_mail(standing, said["due"], said["form"], joint=said["eyes"] == "joint")
        return redirect("by_mail", relationship=standing.relationship.pk)
    return render(request, "reviews/by_mail.html", {"form": form, "wish": wish}, status=422 if form.errors else 200)


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Give the side's word for a period."""
    standing = place(request, Action.CONFIRM)
    period, words = request.POST.get("period", ""), words_for(language())
    try:
        made = queries.review(standing, period, joint=True)
        entry = operations.confirm(standing, made, period)
        messages.success(request, words("closing.frozen_now" if entry else "closing.confirmed_now", period=period))
    except (UnknownPeriodError, NoBookError, NoReviewError):
        raise Http404 from None
    except operations.NotAllowedError as error:
        messages.error(request, words(f"closing.{error}"))
    return redirect(f"{reverse('review', args=[standing.relationship.pk])}?period={period}")


@require_POST
def restate(request: HttpRequest) -> HttpResponse:
    """Set what the records say now beside what was frozen."""
    standing = place(request, Action.CONFIRM)
    period, words = request.POST.get("period", ""), words_for(language())
    try:
        made = queries.review(standing, period, joint=True)
        operations.restate(standing, made, period, request.POST.get("reason", "")[:1000])
    except (UnknownPeriodError, NoBookError, NoReviewError):
        raise Http404 from None
    except operations.NotAllowedError as error:
        messages.error(request, words(f"closing.{error}"))
    return redirect(f"{reverse('review', args=[standing.relationship.pk])}?period={period}")


@require_safe
def record(request: HttpRequest) -> HttpResponse:
    """The whole record, to be kept and checked without this room: `comity verify`."""
    standing = place(request)
    read(standing, "record")
    text = json.dumps(queries.record_told(standing), ensure_ascii=False, indent=1)
    return HttpResponse(
        text, content_type="application/json", headers={"Content-Disposition": 'attachment; filename="record.json"'}
    )


@require_safe
def attribution(request: HttpRequest) -> HttpResponse:
    """Whose doing a service level was."""
    standing = place(request)
    words = words_for(language())
    try:
        agreed = definition(standing)
        kpis = {one.id: one for one in agreed.kpis if one.measure == MEASURE and one.target is not None}
        kpi = request.GET.get("kpi") or next(iter(kpis), "")
        made = queries.attribution(standing, kpi, request.GET.get("period") or None)
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None
    except (NoBookError, NoAttributionError, UnusableBookError) as error:
        return render(request, "reviews/nothing.html", {"why": why(standing, error)})
    read(standing, "attribution", f"{made.kpi.id} {made.name}")
    calendar = Calendar(made.cut, agreed.month_starts_on)
    before, after = queries.neighbours(calendar, made.period)
    tried = Tried.of(request.GET, made) if made.shared is not None and made.shared.fit else None
    shown = {
        "body": queries.attribution_bodies(standing, made),
        "kpis": {one: _kpi_told(kpi_of, words, alone=len(kpis) == 1) for one, kpi_of in kpis.items()},
        "kpi": kpi,
        "name": made.name,
        "period": attribution_rows.period_name(made, words),
        "before": _neighbour(calendar, before, words),
        "after": _neighbour(calendar, after, words),
        "title": attribution_rows.title(made, words),
        "made": made,
        "tried": tried,
        "answer": _answer(made, tried, words),
        "halves": queries.halves(standing, made),
        "about": queries.about_attribution(standing, made),
        "first": made.period.start,
        "last": made.period.end - timedelta(days=1),
        "queues": [] if made.planned is None else list(made.planned.queues),
    }
    return render(request, "reviews/attribution.html", shown)


def _neighbour(calendar: Calendar, period: Period, words: Words) -> dict[str, str]:
    """A period before or after: as an address has it, and in words."""
    return {"name": calendar.name(period), "said": words.period(period, calendar.cut)}


def _kpi_told(kpi: Kpi, words: Words, *, alone: bool) -> str:
    """A KPI by its name; where there are several, with the queues or channels that it is about."""
    name = attribution_rows.kpi_name(kpi, words)
    about = [] if alone else [one for one in kpi.queues if one != "*"] or [one for one in kpi.channels if one != "*"]
    return f"{name}: {', '.join(clean(one) for one in about)}" if about else name


def _answer(made: Attribution, tried: Tried | None, words: Words) -> dict[str, str] | None:
    """What one's own supposition comes to; None where nothing was supposed, or what was cannot be read."""
    if tried is None or not tried.asked or tried.wrong:
        return None
    level = tried.level(made)
    return None if level is None else dict(attribution_page.tried(made, words, level))
