"""The review's pages."""

import json
from datetime import timedelta
from typing import NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.books import results
from comity.apps.books.queries import NoBookError, definition, unusable_reason
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import language, words_for
from comity.apps.matters.models import Matter
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent, Entry, VoidReason
from comity.apps.refusal import form_page
from comity.apps.reviews import operations, queries
from comity.apps.reviews.figures import Figures, moved
from comity.apps.reviews.forms import Restate, Wish
from comity.apps.reviews.models import View
from comity.apps.reviews.period_list import ListedPeriod, period_list
from comity.apps.reviews.sentences import moved_rows
from comity.apps.reviews.supposing import Tried
from comity.book.definition import UnusableBookError
from comity.core import chain
from comity.core.agreements import Kpi
from comity.core.calendars import Against, Calendar, Cut, UnknownPeriodError
from comity.core.matters.kinds import Kind
from comity.core.readings.reading import Reading
from comity.core.values import Period, Side
from comity.review.attribution import MEASURE, Attribution, NoAttributionError
from comity.review.build import NoReviewError
from comity.review.i18n.words import DASH, Words, clean
from comity.review.model import Review
from comity.review.render import render as render_as
from comity.review.render.attribution import html as attribution_html
from comity.review.render.html import RoomLinks, find_reading, reading_key
from comity.review.views import attribution as attribution_view
from comity.review.views.level import level_row
from comity.review.views.sentences import definition_of, level_title, subtitle, title

_FIRST = 20  # of what is disputed or claimed; the rest stands among the matters


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """The joint review, or the own side's, of a period."""
    return _review(request, member_of(request), request.GET, None)


def _review(
    request: HttpRequest, member: MemberContext, asked_for: QueryDict, restating: Restate | None
) -> HttpResponse:
    words = words_for(language())
    try:
        made, shown_to, pending = _asked_for(asked_for, member)
    except (NoBookError, NoReviewError, UnusableBookError) as error:
        return render(
            request, "reviews/nothing.html", {"why": unusable_reason(member, error), "periods": _periods(member)}
        )
    calendar = definition(member).calendar(made.cut)
    name = calendar.name(made.period)
    audit_read(member, Event.REVIEW_READ, SubjectType.PERIOD, {"period": name})
    about = queries.about(member, made.period, name)
    body, tail = queries.review_body(shown_to, made, _room_links(shown_to, made, name, about))
    asked = [one for those in about.values() for one in those]
    closing = queries.closing(member, made.period, name, on_page=shown_to.viewer.side is None)
    shown = {
        "review": made,
        "pending": pending,
        "body": body,
        "tail": tail,
        "period": words.period(made.period, calendar.cut),
        "periods": _periods(member),
        "around": [
            (calendar.name(one), words.period(one, calendar.cut)) for one in queries.neighbours(calendar, made.period)
        ],
        "titles": [(one.kpi, level_title(one, words)) for one in made.levels],
        "name": name,
        "against": made.against,
        "ways": list(Against),
        "joint": shown_to.viewer.side is None,
        "closing": closing,
        "confirmations": closing.words,
        "to_confirm": None if closing.figures is None else _rows(closing.figures, words),
        "shown": "" if closing.figures is None else chain.canonical(closing.figures),
        "moved": moved_rows(closing.moved, words, member.party(words)),
        "void": [_voided(one, member, words) for one in closing.void],
        "entries": [_entry(entry, words) for entry in queries.entries(member, name)],
        "asked": asked[:_FIRST],
        "more": len(asked) > _FIRST,
        "files": list(queries.FILES),
        "restate": restating or Restate(),
    }
    wrong = restating is not None and restating.errors
    return render(request, "reviews/review.html", shown, status=422 if wrong else 200)


def _periods(member: MemberContext) -> dict[Cut, list[ListedPeriod]]:
    """The periods to choose from; none where there is no book of use."""
    try:
        return period_list(member)
    except (NoBookError, UnusableBookError):
        return {}


def _asked_for(query: QueryDict, member: MemberContext) -> tuple[Review, MemberContext, NotComputedYet | None]:
    """The review that an address names, the member with the view it asks for, and whether a later one is on its way.

    :raises Http404: for a period that cannot be read
    :raises NotComputedYet: where it has never been computed
    """
    asked = query.get("against")
    against = Against(asked) if asked in set(Against) else None
    shown_to = _view(query, member)
    period = query.get("period") or None
    try:
        return queries.review(shown_to, period, against), shown_to, None
    except NotComputedYet as error:
        known = results.earlier_result(shown_to, queries.review_question(period, against))
        if known is None:
            raise
        return known, shown_to, error
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None


def _view(query: QueryDict, member: MemberContext) -> MemberContext:
    """The member with the view that an address asks for."""
    return member.joint() if query.get("view") == View.JOINT else member


def _room_links(member: MemberContext, made: Review, period: str, about: dict[str, list[Matter]]) -> RoomLinks:
    """Where each level and each reading is opened, and by whom a level is disputed or claimed about."""
    words, at = words_for(language()), member.relationship
    asked = urlencode({"period": period} | ({"view": "joint"} if member.shared_only and member.side else {}))
    held = urlencode({"against": made.against})

    def said(one: Matter) -> str:
        key = "figure.disputed" if one.kind == Kind.DISPUTE else "figure.claimed"
        return words(key, party=at.organisation(Side(one.asks)).name)

    marks = {kpi: tuple(dict.fromkeys(said(one) for one in those)) for kpi, those in about.items() if kpi}

    def reading_url(reading: Reading, review: Review) -> str:
        return f"{reverse('reading', args=[at.pk, reading_key(reading, review)])}?{asked}&{held}"

    return RoomLinks(lambda kpi: f"{reverse('figure', args=[at.pk, kpi])}?{asked}", marks, reading_url)


class _Opened(NamedTuple):
    """What the page of one figure, or one reading, is made from; `member` with its own or joint view."""

    member: MemberContext
    made: Review
    period: str  # in words
    name: str  # as addresses have it
    about: dict[str, list[Matter]]
    links: RoomLinks
    pending: NotComputedYet | None


def _opened(request: HttpRequest) -> _Opened:
    """The review around one of its parts.

    :raises Http404: where there is none
    """
    member = member_of(request)
    try:
        made, shown_to, pending = _asked_for(request.GET, member)
    except (NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    calendar = definition(member).calendar(made.cut)
    name = calendar.name(made.period)
    about = queries.about(member, made.period, name)
    spoken = words_for(language()).period(made.period, calendar.cut)
    links = _room_links(shown_to, made, name, about)
    return _Opened(shown_to, made, spoken, name, about, links, pending)


@require_safe
def figure(request: HttpRequest, kpi: str) -> HttpResponse:
    """One figure opened: the level, each side's own and why they differ, its wording, its records, what is asked."""
    member, made, period, name, about, links, pending = _opened(request)
    body = queries.figure_body(member, made, kpi, links)
    if body is None:
        raise Http404
    audit_read(member, Event.FIGURE_READ, SubjectType.PERIOD, {"kpi": kpi, "period": name})
    level = next(one for one in made.levels if one.kpi == kpi)
    words, mine = words_for(language()), [*about.get(kpi, ()), *about.get("", ())]
    shown = {
        "level": level,
        "pending": pending,
        "row": level_row(level, made, words),
        "body": body,
        "period": period,
        "name": name,
        "joint": member.viewer.side is None,
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
    member, made, period, name, about, links, pending = _opened(request)
    words = words_for(language())
    body = queries.reading_body(member, made, reading, links)
    found = find_reading(made, reading)
    if body is None or found is None:
        raise Http404
    audit_read(member, Event.READING_READ, SubjectType.PERIOD, {"reading": found.id, "period": name})
    rests_on = definition_of(found, made)
    mine = [] if rests_on is None else [*about.get(rests_on.id, ()), *about.get("", ())]
    shown = {
        "title": title(found, words),
        "pending": pending,
        "subtitle": subtitle(found, made, words),
        "body": body,
        "period": period,
        "name": name,
        "against": made.against,
        "joint": member.viewer.side is None,
        "kpi": None if rests_on is None else rests_on.id,
        "mine": mine,
        "marks": _marks(mine),
    }
    return render(request, "reviews/reading.html", shown)


def _entry(entry: Entry, words: Words) -> dict[str, object]:
    """An entry of the record, its figures in the reader's format."""
    content = entry.content
    return {
        "entry": entry,
        "rows": _rows(content["figures"], words),
        "reason": content.get("reason", ""),
        "by": content.get("by"),
        "words": content.get("words", []),
    }


def _rows(figures: Figures, words: Words) -> list[tuple[object, ...]]:
    """Figures in the reader's format: value, target, each side's own, what is disputed."""
    rows = []
    for kpi, one in figures.items():
        shown = [
            DASH if value is None else words.figure(float(value), one["unit"])
            for value in (one["value"], one["target"], *(one["reported"][side.value] for side in Side))
        ]
        rows.append((words.named("measure", kpi), *shown, one["disputed"]))
    return rows


def _voided(word: Consent, member: MemberContext, words: Words) -> dict[str, object]:
    """A confirmation that counts no more: whose, since when, why, and what moved."""
    differs = moved(word.content, word.void_content) if word.void_reason == VoidReason.CHANGED else []
    return {
        "word": word,
        "why": words(f"closing.void_{word.void_reason}"),
        "moved": moved_rows(differs, words, member.party(words)),
    }


@require_safe
def review_file(request: HttpRequest, form: str) -> HttpResponse:
    """The review as a file, as the viewer may see it."""
    member = member_of(request)
    if form not in queries.FILES:
        raise Http404
    try:
        made = queries.review(_view(request.GET, member), request.GET.get("period") or None)
        written = render_as(made, form, language())
    except (UnknownPeriodError, NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    name = f"review-{definition(member).calendar(made.cut).name(made.period)}.{form}"
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": name})
    return HttpResponse(
        written, content_type=queries.FILES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def by_mail(request: HttpRequest) -> HttpResponse:
    """Have the review by mail, now and then, or no more."""
    member = member_of(request)
    wish = queries.wish(member)
    form = Wish(request.POST or None, own=member.viewer.side is not None, wish=wish)
    if request.method == "POST" and request.POST.get("do") == "stop":
        operations.no_mail(member)
        return redirect("by_mail", relationship=member.relationship.pk)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        operations.by_mail(member, said["due"], said["form"], joint=said["view"] == "joint")
        return redirect("by_mail", relationship=member.relationship.pk)
    return render(request, "reviews/by_mail.html", {"form": form, "wish": wish}, status=422 if form.errors else 200)


@require_POST
@form_page("review", query=("period",))
def confirm(request: HttpRequest) -> HttpResponse:
    """Confirm, for a side, the figures of a period as the page has shown them."""
    member = member_of(request, Action.CONFIRM)
    period, words = request.POST.get("period", ""), words_for(language())
    entry = operations.confirm(member, _joint(member, period), period, request.POST.get("figures", ""), _shown(request))
    messages.success(request, words("closing.frozen_now" if entry else "closing.confirmed_now", period=period))
    return redirect(f"{reverse('review', args=[member.relationship.pk])}?{urlencode({'period': period})}")


def _joint(member: MemberContext, period: str) -> Review:
    """The joint review of a period.

    :raises Http404: where there is none
    """
    try:
        return queries.review(member.joint(), period)
    except (UnknownPeriodError, NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None


def _shown(request: HttpRequest) -> dict[str, object] | None:
    """The figures that the page has shown, as it sends them back; None where they cannot be read."""
    try:
        shown = json.loads(request.POST.get("shown", ""))
    except (ValueError, RecursionError):
        return None
    return shown if isinstance(shown, dict) else None


@require_POST
def restate(request: HttpRequest) -> HttpResponse:
    """Set what the records say now beside what was frozen."""
    member = member_of(request, Action.CONFIRM)
    period = request.POST.get("period", "")
    made, form = _joint(member, period), Restate(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.restate(member, made, period, form.cleaned_data["reason"])
            return redirect(f"{reverse('review', args=[member.relationship.pk])}?{urlencode({'period': period})}")
    return _review(request, member, request.POST, form)


@require_safe
def attribution(request: HttpRequest) -> HttpResponse:
    """Whose doing a service level was."""
    member = member_of(request)
    words = words_for(language())
    try:
        agreed = definition(member)
        kpis = {one.id: one for one in agreed.kpis if one.measure == MEASURE and one.target is not None}
        kpi = request.GET.get("kpi") or next(iter(kpis), "")
        made, pending = _attribution(member, kpi, request.GET.get("period") or None)
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None
    except (NoBookError, NoAttributionError, UnusableBookError) as error:
        return render(
            request, "reviews/nothing.html", {"why": unusable_reason(member, error), "periods": _periods(member)}
        )
    audit_read(member, Event.ATTRIBUTION_READ, SubjectType.PERIOD, {"kpi": made.kpi.id, "period": made.name})
    calendar = Calendar(made.cut, agreed.month_starts_on)
    before, after = queries.neighbours(calendar, made.period)
    tried = Tried.of(request.GET, made) if made.shared is not None and made.shared.fit else None
    shown = {
        "body": queries.attribution_bodies(member, made),
        "pending": pending,
        "kpis": {one: _kpi_told(kpi_of, words, alone=len(kpis) == 1) for one, kpi_of in kpis.items()},
        "periods": _periods(member),
        "kpi": kpi,
        "name": made.name,
        "period": attribution_view.period_name(made, words),
        "before": _neighbour(calendar, before, words),
        "after": _neighbour(calendar, after, words),
        "title": attribution_view.attribution_title(made, words),
        "made": made,
        "tried": tried,
        "answer": _answer(made, tried, words),
        "halves": queries.halves(member, made),
        "about": queries.about_attribution(member, made),
        "first": made.period.start,
        "last": made.period.end - timedelta(days=1),
        "queues": [] if made.planned is None else list(made.planned.queues),
    }
    return render(request, "reviews/attribution.html", shown)


def _attribution(member: MemberContext, kpi: str, period: str | None) -> tuple[Attribution, NotComputedYet | None]:
    """The attribution of a level, and whether a later one is being computed.

    :raises NotComputedYet: where it has never been computed
    """
    try:
        return queries.attribution(member, kpi, period), None
    except NotComputedYet as error:
        known = results.earlier_result(member, queries.attribution_question(kpi, period))
        if known is None:
            raise
        return known, error


def _neighbour(calendar: Calendar, period: Period, words: Words) -> dict[str, str]:
    """A period before or after: as an address has it, and in words."""
    return {"name": calendar.name(period), "said": words.period(period, calendar.cut)}


def _kpi_told(kpi: Kpi, words: Words, *, alone: bool) -> str:
    """A KPI by its name; where there are several, with the queues or channels that it is about."""
    name = attribution_view.kpi_name(kpi, words)
    about = [] if alone else [one for one in kpi.queues if one != "*"] or [one for one in kpi.channels if one != "*"]
    return f"{name}: {', '.join(clean(one) for one in about)}" if about else name


def _answer(made: Attribution, tried: Tried | None, words: Words) -> dict[str, str] | None:
    """What one's own supposition comes to; None where nothing was supposed, or what was cannot be read."""
    if tried is None or not tried.asked or tried.wrong:
        return None
    level = tried.level(made)
    return None if level is None else dict(attribution_html.what_if_texts(made, words, level))
