"""Who is where: the portfolio, the people of a relationship, invitations, the log."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.paging import paged
from comity.apps.parties import operations, queries
from comity.apps.parties.forms import Begin, Deputy, Invite, Join, MakeToken, Place
from comity.apps.parties.models import Invitation, Membership, OrganisationKind, Person, Role, Token
from comity.apps.parties.rights import MAY, Action
from comity.apps.parties.signing_in import INVITED, organisation_of
from comity.apps.parties.telling import told
from comity.apps.parties.viewing import Standing, place
from comity.apps.sheet import csv_file
from comity.apps.wording import language, words_for
from comity.core.values import Side

_LINES = 100
_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"


@require_safe
@login_required
def portfolio(request: HttpRequest) -> HttpResponse:
    """Where somebody has a place; with only one, straight there."""
    places = paged(request, queries.portfolio(request.user))  # type: ignore[arg-type]
    return render(request, "parties/portfolio.html", {"places": places, "form": Begin(initial={"side": "customer"})})


@require_POST
@login_required
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a relationship on one side."""
    form = Begin(request.POST)
    if not form.is_valid():
        places = paged(request, queries.portfolio(request.user))  # type: ignore[arg-type]
        return render(request, "parties/portfolio.html", {"places": places, "form": form}, status=422)
    said = form.cleaned_data
    kinds = {name: said[name] or OrganisationKind.EXTERNAL for name in ("own_kind", "other_kind")}
    made = operations.found(request.user, Side(said["side"]), said["own"], said["other"], **kinds)  # type: ignore[arg-type]
    return redirect("people", relationship=made.relationship.pk)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Who is in the relationship, what each may do, and who is asked to come."""
    standing = place(request)
    shown = {
        "members": paged(request, queries.people(standing)),
        "invitations": queries.invitations(standing),
        "form": Invite() if standing.may(Action.INVITE) else None,
        "reviewed": queries.last_review(standing),
        "rights": {role: [action for action in Action if action in MAY[role]] for role in Role},
        "actions": list(Action),
    }
    return render(request, "parties/people.html", shown)


@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Ask somebody to join, by mail."""
    standing = place(request, Action.INVITE)
    form, words = Invite(request.POST), words_for(language())
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("people", relationship=standing.relationship.pk)
    role = Role(form.cleaned_data["role"])
    side = standing.side.other if request.POST.get("across") and standing.side else standing.side
    try:
        made = operations.invite_by_mail(standing, form.cleaned_data["email"], role, side)
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"not_done.{error}"))
        return redirect("people", relationship=standing.relationship.pk)
    messages.success(request, words("invite.sent", email=made.email))
    return redirect("people", relationship=standing.relationship.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, word: str) -> HttpResponse:
    """Take up an invitation: as who one is, or, the first time, by saying who one is."""
    if request.user.is_authenticated:
        return _join_as_known(request, request.user, word)
    email = queries.invited(word)
    if email is None:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    if Person.objects.filter(email__iexact=email).exists():
        messages.info(request, words_for(language())("join.known"))
        return redirect(f"{reverse('account_login')}?next={request.path}")
    form = Join(request.POST or None)
    own = organisation_of(email)
    request.session[INVITED] = word  # by which somebody new comes in from their organisation's own sign-in
    if request.method == "POST" and own is not None and own.only:
        raise Http404
    if request.method == "POST" and form.is_valid():
        person = Person.objects.create_user(
            email, form.cleaned_data["password"], name=form.cleaned_data["name"], language=language()
        )
        standing = operations.join(person, word)
        login(request, person, backend=_PASSWORDS)
        return redirect("today", relationship=standing.relationship.pk)
    return render(request, "parties/join.html", {"form": form, "own": own}, status=422 if form.errors else 200)


def _join_as_known(request: HttpRequest, person: Person, word: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "parties/join.html", {"form": None, "own": None})
    try:
        standing = operations.join(person, word)
    except operations.NotAllowedError:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    return redirect("today", relationship=standing.relationship.pk)


@require_POST
def withdraw(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Take an invitation back."""
    standing = place(request, Action.INVITE)
    found = Invitation.objects.filter(pk=invitation, accepted_by=None).first()
    if found is None:
        raise Http404
    operations.withdraw(standing, found)
    return redirect("people", relationship=standing.relationship.pk)


@require_safe
def their_place(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Somebody's place: their role, who stands in for them, its end; one's own, and for who leads, their side's."""
    standing = place(request)
    other = _of_own_side(standing, membership)
    return _their_place(request, standing, other, None, None)


def _their_place(
    request: HttpRequest, standing: Standing, other: Membership, role: Place | None, deputy: Deputy | None
) -> HttpResponse:
    leads, neutral = standing.may(Action.INVITE), other.side is None
    side = queries.people(standing).filter(side=other.side).exclude(pk=other.pk)
    shown = {
        "other": other,
        "role": (role or Place(neutral=neutral, initial={"role": other.role})) if leads else None,
        "deputy": deputy or Deputy(people=side),
        "deputies": side.filter(stands_in_for=other),
    }
    wrong = (role is not None and role.errors) or (deputy is not None and deputy.errors)
    return render(request, "parties/place.html", shown, status=422 if wrong else 200)


@require_POST
def change_role(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Give somebody another role."""
    standing = place(request, Action.INVITE)
    other = _of_own_side(standing, membership)
    form = Place(request.POST, neutral=other.side is None)
    if not form.is_valid():
        return _their_place(request, standing, other, form, None)
    try:
        operations.change_role(standing, other, Role(form.cleaned_data["role"]))
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"not_done.{error}"))
        return redirect("their_place", relationship=standing.relationship.pk, membership=other.pk)
    return redirect("people", relationship=standing.relationship.pk)


@require_POST
def stand_in(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Name who stands in for somebody, or end it."""
    standing = place(request)
    other = _of_own_side(standing, membership)
    deputy, until = None, None
    if request.POST.get("deputy"):
        form = Deputy(request.POST, people=queries.people(standing).filter(side=other.side).exclude(pk=other.pk))
        if not form.is_valid():
            return _their_place(request, standing, other, None, form)
        deputy, until = form.cleaned_data["deputy"], form.cleaned_data["until"]
    try:
        operations.stand_in(standing, other, deputy, until)
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"not_done.{error}"))
    return redirect("their_place", relationship=standing.relationship.pk, membership=other.pk)


def _of_own_side(standing: Standing, membership: UUID) -> Membership:
    """One's own place, or, for who leads, a place of the own side.

    :raises Http404: for any other
    """
    found = queries.of_own_side(standing, membership)
    if found is None:
        raise Http404
    return found


@require_POST
def review_access(request: HttpRequest) -> HttpResponse:
    """Say that the own side's places stand."""
    standing = place(request, Action.AUDIT)
    operations.reviewed_access(standing)
    messages.success(request, words_for(language())("access.done"))
    return redirect("people", relationship=standing.relationship.pk)


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """Who may see what, and who could, as a file: what an access review is made from."""
    standing = place(request, Action.AUDIT)
    return csv_file("access.csv", queries.ACCESS, queries.access(standing))


@require_POST
def let_go(request: HttpRequest, membership: UUID) -> HttpResponse:
    """End somebody's place."""
    standing = place(request)
    other = _of_own_side(standing, membership)
    try:
        operations.let_go(standing, other)
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"not_done.{error}"))
        return redirect("their_place", relationship=standing.relationship.pk, membership=other.pk)
    if other.pk == standing.membership.pk:
        return redirect("portfolio")
    return redirect("people", relationship=standing.relationship.pk)


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """What was done, or read, and by whom: what crossed the line, and what the own side did."""
    standing, words = place(request, Action.AUDIT), words_for(language())
    reads = request.GET.get("what") == "reads"
    page = paged(request, queries.log(standing, reads=reads), _LINES)
    lines = [(one, told(one, words, standing.party(words))) for one in page]
    return render(request, "parties/log.html", {"page": page, "reads": reads, "lines": lines})


@require_safe
def log_file(request: HttpRequest) -> HttpResponse:
    """The whole log that the viewer may read, as a file."""
    standing = place(request, Action.AUDIT)
    lines = [*queries.log(standing), *queries.log(standing, reads=True)]
    rows = ((one.at.isoformat(), one.person.name, one.side or "neutral", one.action, one.about) for one in lines)
    return csv_file("log.csv", ("at", "by", "side", "action", "about"), rows)


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """One's own name, language, ways to sign in, and open sessions."""
    return render(request, "parties/account.html", _account(request, MakeToken(), None))


def _account(request: HttpRequest, form: MakeToken, word: str | None) -> dict[str, object]:
    """What the page of an account shows."""
    return {"tokens": queries.tokens(), "ways": queries.ways_in(request.user), "form": form, "word": word}  # type: ignore[arg-type]


@require_POST
@login_required
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token, and show its word this once."""
    form, word = MakeToken(request.POST), None
    if form.is_valid():
        said = form.cleaned_data
        _, word = operations.make_token(request.user, said["name"], said["days"], writes=said["writes"])  # type: ignore[arg-type]
        form = MakeToken()
    shown = _account(request, form, word)
    return render(request, "parties/account.html", shown, status=422 if form.errors else 200)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token: UUID) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    """End a token."""
    found = Token.objects.filter(pk=token).first()
    if found is None:
        raise Http404
    operations.revoke_token(found)
    return redirect("account")
