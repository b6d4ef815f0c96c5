"""Who is where: the portfolio, the people of a relationship, invitations."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.i18n import language, words_for
from comity.apps.paging import paged
from comity.apps.parties import operations, queries, setup
from comity.apps.parties.forms import Begin, Deputy, Invite, Join, MakeToken, Place, SetUp, UseOrganisation
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Invitation, Membership, Person, Role, Token
from comity.apps.parties.organisations import organisation_of
from comity.apps.parties.refusals import Code
from comity.apps.parties.rights import MAY, Action
from comity.apps.parties.signing_in import INVITED, fresh_sign_in
from comity.apps.refusal import Refused, form_page
from comity.apps.sheet import csv_file
from comity.core.values import OrganisationKind, Side

_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"


@require_safe
@login_required
def portfolio(request: HttpRequest) -> HttpResponse:
    """Where somebody has a place; with only one, straight there."""
    places = paged(request, queries.portfolio(request.user))  # type: ignore[arg-type]
    form = Begin(initial={"side": "customer"}, led=queries.led_organisations())
    return render(request, "parties/portfolio.html", {"places": places, "form": form})


@require_POST
@login_required
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a relationship on one side."""
    form = Begin(request.POST, led=queries.led_organisations())
    if not form.is_valid():
        places = paged(request, queries.portfolio(request.user))  # type: ignore[arg-type]
        return render(request, "parties/portfolio.html", {"places": places, "form": form}, status=422)
    said = form.cleaned_data
    kinds = {name: said[name] or OrganisationKind.EXTERNAL for name in ("own_kind", "other_kind")}
    led = UUID(said["organisation"]) if said.get("organisation") else None
    person: Person = request.user  # type: ignore[assignment]
    made = operations.found(person, Side(said["side"]), said["own"], said["other"], **kinds, organisation=led)
    return redirect("people", relationship=made.relationship.pk)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Who is in the relationship, what each may do, and who is asked to come."""
    return _people(request, member_of(request), None)


def _people(request: HttpRequest, member: MemberContext, inviting: Invite | None) -> HttpResponse:
    leads = member.may(Action.INVITE)
    shown = {
        "members": paged(request, queries.people(member)),
        "invitations": [(one, queries.awaits(one)) for one in queries.invitations(member)] if leads else [],
        "form": (inviting or Invite()) if leads else None,
        "across": leads and member.side is not None and not queries.has_lead(member, member.side.other),
        "across_ticked": bool(request.POST.get("across")),
        "same": UseOrganisation(led=led) if (led := queries.other_organisations(member)) else None,
        "reviewed": queries.access_reviews(member),
        "rights": {role: [action for action in Action if action in MAY[role]] for role in Role},
        "actions": list(Action),
    }
    wrong = inviting is not None and inviting.errors
    return render(request, "parties/people.html", shown, status=422 if wrong else 200)


@require_POST
@form_page("people")
def use_organisation(request: HttpRequest) -> HttpResponse:
    """Say that the own side is an organisation which one leads in another relationship."""
    member = member_of(request, Action.INVITE)
    form = UseOrganisation(request.POST, led=queries.other_organisations(member))
    if not form.is_valid():
        raise Refused(Code.NOT_LED)
    operations.use_organisation(member, UUID(form.cleaned_data["organisation"]))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Ask somebody to join, by mail."""
    member = member_of(request, Action.INVITE)
    form, words = Invite(request.POST), words_for(language())
    side = member.side.other if request.POST.get("across") and member.side else member.side
    if form.is_valid():
        with form.showing_refusals():
            role = Role(form.cleaned_data["role"])
            invitation, link = operations.invite_by_mail(member, form.cleaned_data["email"], role, side)
            done = "invite.proposed" if invitation.digest is None else "invite.link" if link else "invite.sent"
            messages.success(request, words(done, email=invitation.email, link=link))
            return redirect("people", relationship=member.relationship.pk)
    return _people(request, member, form)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, word: str) -> HttpResponse:
    """Take up an invitation: as who one is, or, the first time, by saying who one is."""
    if request.user.is_authenticated:
        return _join_as_known(request, request.user, word)
    email = queries.invited(word)
    if email is None:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    if Person.objects.filter(email__iexact=email).exists():
        return _known(request)
    form = Join(request.POST or None)
    own = organisation_of(email)
    request.session[INVITED] = word  # by which somebody new comes in from their organisation's own sign-in
    only = own is not None and own.only
    if request.method == "POST" and only:
        raise Http404
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                person = Person.objects.create_user(
                    email, form.cleaned_data["password"], name=form.cleaned_data["name"], language=language()
                )
        except IntegrityError:  # the same button, pressed twice: the first press has made the account
            return _known(request)
        member = operations.join(person, word)
        login(request, person, backend=_PASSWORDS)
        return redirect("today", relationship=member.relationship.pk)
    shown = {"form": form, "own": [] if own is None else [own], "only": only}
    return render(request, "parties/join.html", shown, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, word: str) -> HttpResponse:
    """Make the first account of a room, or that of an address which the administrator has printed a link for."""
    if request.user.is_authenticated:
        return redirect("portfolio")
    email = setup.read_setup_link(word)
    if email is None or setup.is_used(email):
        return render(request, "parties/set_up.html", {"form": None}, status=410)
    form = SetUp(request.POST or None, initial={"email": email})
    if email:
        form.fields["email"].disabled = True  # what a form sends in its place is not read
    if request.method == "POST" and form.is_valid():
        setup.wait_for_others()
        given = form.cleaned_data
        if setup.is_used(email):  # by somebody who was faster
            return render(request, "parties/set_up.html", {"form": None}, status=410)
        person = Person.objects.create_user(given["email"], given["password"], name=given["name"], language=language())
        login(request, person, backend=_PASSWORDS)
        return redirect("portfolio")
    return render(request, "parties/set_up.html", {"form": form}, status=422 if form.errors else 200)


def _known(request: HttpRequest) -> HttpResponse:
    messages.info(request, words_for(language())("join.known"))
    return redirect(f"{reverse('account_login')}?next={request.path}")


def _join_as_known(request: HttpRequest, person: Person, word: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "parties/join.html", {"form": None, "own": [], "only": False})
    try:
        member = operations.join(person, word)
    except Refused:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    return redirect("today", relationship=member.relationship.pk)


@require_POST
@form_page("people")
def withdraw(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Take an invitation back."""
    member = member_of(request, Action.INVITE)
    operations.withdraw(member, _invitation(member, invitation))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
@form_page("people")
def agree(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Agree that somebody neutral is invited, whom the other side has proposed."""
    member = member_of(request, Action.INVITE)
    proposed = _invitation(member, invitation)
    link = operations.agree_by_mail(member, proposed)
    words = words_for(language())
    messages.success(request, words("invite.link" if link else "invite.sent", email=proposed.email, link=link))
    return redirect("people", relationship=member.relationship.pk)


def _invitation(member: MemberContext, number: UUID) -> Invitation:
    invitation = queries.invitations(member).filter(pk=number).first()
    if invitation is None:
        raise Http404
    return invitation


@require_safe
def their_place(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Somebody's place: their role, who stands in for them, its end; one's own, and for who leads, their side's."""
    member = member_of(request)
    other = _within_reach(member, membership)
    return _their_place(request, member, other, None, None)


def _their_place(
    request: HttpRequest, member: MemberContext, other: Membership, role: Place | None, deputy: Deputy | None
) -> HttpResponse:
    leads, neutral = member.may(Action.INVITE), other.side is None
    side = queries.people(member).filter(side=other.side).exclude(pk=other.pk)
    shown = {
        "other": other,
        "role": (role or Place(initial={"role": other.role})) if leads and not neutral else None,
        "deputy": None if neutral else deputy or Deputy(people=side),
        "deputies": side.filter(stands_in_for=other),
    }
    wrong = (role is not None and role.errors) or (deputy is not None and deputy.errors)
    return render(request, "parties/place.html", shown, status=422 if wrong else 200)


@require_POST
@form_page("their_place", "membership")
def change_role(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Give somebody another role."""
    member = member_of(request, Action.INVITE)
    other = _within_reach(member, membership)
    form = Place(request.POST)
    if not form.is_valid():
        return _their_place(request, member, other, form, None)
    operations.change_role(member, other, Role(form.cleaned_data["role"]))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
@form_page("their_place", "membership")
def stand_in(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Name who stands in for somebody, or end it."""
    member = member_of(request)
    other = _within_reach(member, membership)
    address = redirect("their_place", relationship=member.relationship.pk, membership=other.pk)
    if not request.POST.get("deputy"):
        operations.stand_in(member, other, None, None)
        return address
    form = Deputy(request.POST, people=queries.people(member).filter(side=other.side).exclude(pk=other.pk))
    if form.is_valid():
        with form.showing_refusals():
            operations.stand_in(member, other, form.cleaned_data["deputy"], form.cleaned_data["until"])
            return address
    return _their_place(request, member, other, None, form)


def _within_reach(member: MemberContext, membership: UUID) -> Membership:
    """One's own place, or, for who leads, a place of the own side or a neutral one.

    :raises Http404: for any other
    """
    found = queries.within_reach(member, membership)
    if found is None:
        raise Http404
    return found


@require_POST
def review_access(request: HttpRequest) -> HttpResponse:
    """Say that the own side's places stand."""
    member = member_of(request, Action.AUDIT)
    operations.review_access(member)
    messages.success(request, words_for(language())("access.done"))
    return redirect("people", relationship=member.relationship.pk)


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """Who may see what, and who could, as a file: what an access review is made from."""
    member = member_of(request, Action.AUDIT)
    return csv_file("access.csv", queries.ACCESS, queries.access(member))


@require_POST
@form_page("their_place", "membership")
def let_go(request: HttpRequest, membership: UUID) -> HttpResponse:
    """End somebody's place."""
    member = member_of(request)
    other = _within_reach(member, membership)
    operations.let_go(member, other)
    if other.pk == member.membership.pk:
        return redirect("portfolio")
    return redirect("people", relationship=member.relationship.pk)


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
@fresh_sign_in
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
