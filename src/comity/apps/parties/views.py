"""Who is where: the portfolio, the people of a relationship, invitations, the log."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.parties import operations, queries
from comity.apps.parties.forms import Begin, Invite, Join, MakeToken
from comity.apps.parties.models import NEUTRAL, Invitation, Membership, Person, Role, Token
from comity.apps.parties.rights import MAY, Action
from comity.apps.parties.signing_in import INVITED, organisation_of
from comity.apps.parties.viewing import place
from comity.apps.wording import language, words_for
from comity.core.values import Side

_LINES = 200
_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"


@require_safe
@login_required
def portfolio(request: HttpRequest) -> HttpResponse:
    """Where somebody has a place; with only one, straight there."""
    places = queries.portfolio(request.user)  # type: ignore[arg-type]
    return render(request, "parties/portfolio.html", {"places": places, "form": Begin(initial={"side": "customer"})})


@require_POST
@login_required
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a relationship on one side."""
    form = Begin(request.POST)
    if not form.is_valid():
        places = queries.portfolio(request.user)  # type: ignore[arg-type]
        return render(request, "parties/portfolio.html", {"places": places, "form": form}, status=422)
    side = Side(form.cleaned_data["side"])
    made = operations.found(request.user, side, form.cleaned_data["own"], form.cleaned_data["other"])  # type: ignore[arg-type]
    return redirect("people", relationship=made.relationship.pk)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Who is in the relationship, what each may do, and who is asked to come."""
    standing = place(request)
    shown = {
        "members": queries.people(),
        "invitations": queries.invitations(),
        "form": Invite() if standing.may(Action.INVITE) else None,
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
    side = None if role in NEUTRAL else standing.side
    if request.POST.get("across") and standing.side is not None:
        side = standing.side.other
    try:
        made, word = operations.invite(standing, form.cleaned_data["email"], role, side)
    except operations.NotAllowedError as error:
        messages.error(request, str(error))
        return redirect("people", relationship=standing.relationship.pk)
    address = request.build_absolute_uri(reverse("join", args=[word]))
    send_mail(
        words("invite.subject", person=request.user.name, relationship=str(standing.relationship)),  # type: ignore[union-attr]
        words("invite.mail", person=request.user.name, relationship=str(standing.relationship), address=address),  # type: ignore[union-attr]
        None,
        [made.email],
    )
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


@require_POST
def let_go(request: HttpRequest, membership: UUID) -> HttpResponse:
    """End somebody's place."""
    standing = place(request, Action.INVITE)
    other = Membership.objects.select_related("person").filter(pk=membership, left_at=None).first()
    if other is None:
        raise Http404
    try:
        operations.let_go(standing, other)
    except operations.NotAllowedError as error:
        messages.error(request, str(error))
    return redirect("people", relationship=standing.relationship.pk)


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """What was done, and by whom: what crossed the line, and what the own side did."""
    place(request, Action.AUDIT)
    return render(request, "parties/log.html", {"lines": queries.log(_LINES)})


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """One's own name, language, ways to sign in, and open sessions."""
    return render(request, "parties/account.html", {"tokens": queries.tokens(), "form": MakeToken(), "word": None})


@require_POST
@login_required
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token, and show its word this once."""
    form, word = MakeToken(request.POST), None
    if form.is_valid():
        said = form.cleaned_data
        _, word = operations.make_token(request.user, said["name"], said["days"], writes=said["writes"])  # type: ignore[arg-type]
        form = MakeToken()
    shown = {"tokens": queries.tokens(), "form": form, "word": word}
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
