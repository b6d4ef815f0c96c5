"""Pages of relationships, their members and invitations, and of one's own account."""

from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.i18n import language, words_for
from comity.apps.paging import paged
from comity.apps.parties import operations, queries, setup
from comity.apps.parties.forms import (
    DeputyForm,
    FirmForm,
    InviteForm,
    JoinForm,
    OrganisationForm,
    RelationshipForm,
    RoleForm,
    SetUpForm,
    TokenForm,
)
from comity.apps.parties.identity_providers import identity_provider_for, only_provider
from comity.apps.parties.mailing import has_mail_server
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Invitation, Membership, Person, Role, Token
from comity.apps.parties.panels import account_sections
from comity.apps.parties.refusals import Code
from comity.apps.parties.rights import OFFERED_ROLES, ROLE_ACTIONS, Action, landing_page
from comity.apps.parties.sign_in import INVITATION_SESSION_KEY, SETUP_SESSION_KEY, recent_sign_in_required
from comity.apps.refusal import Refused, form_page
from comity.apps.sheet import csv_file
from comity.core.values import OrganisationKind, Side
from comity.review.i18n.words import Words

_LOGIN_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def begin(request: HttpRequest) -> HttpResponse:
    """Create a relationship from one side."""
    form = RelationshipForm(request.POST or None, initial={"side": "customer"}, led=queries.led_organisations())
    if request.method != "POST" or not form.is_valid():
        return render(request, "parties/begin.html", {"form": form}, status=422 if form.errors else 200)
    data = form.cleaned_data
    kinds = {name: data[name] or OrganisationKind.EXTERNAL for name in ("own_kind", "other_kind")}
    organisation = UUID(data["organisation"]) if data.get("organisation") else None
    person: Person = request.user  # type: ignore[assignment]
    member = operations.create_relationship(
        person, Side(data["side"]), data["own"], data["other"], **kinds, organisation=organisation
    )
    return redirect("today", relationship=member.relationship.pk)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show the members, what each may do, and open invitations."""
    return _render_people(request, member_of(request), None)


def _render_people(request: HttpRequest, member: MemberContext, form: InviteForm | None) -> HttpResponse:
    leads = member.may(Action.INVITE)
    context = {
        "members": paged(request, queries.members(member)),
        "firms": queries.firms_now(member),
        "invitations": [
            (invitation, queries.side_to_agree(invitation)) for invitation in queries.open_invitations(member)
        ]
        if leads
        else [],
        "form": (form or InviteForm()) if leads else None,
        "other_side_lacks_lead": leads and member.side is not None and not queries.has_lead(member, member.side.other),
        "across_checked": bool(request.POST.get("across")),
        "organisation_form": OrganisationForm(led=led) if (led := queries.organisation_candidates(member)) else None,
        "may_end": _what_ends() if queries.may_end_unjoined(member) else [],
        "access_reviews": queries.latest_access_reviews(member),
        "rights": {
            role: [action for action in Action if action in ROLE_ACTIONS[role]] for role in _listed_roles(member)
        },
        "actions": list(Action),
    }
    invalid = form is not None and form.errors
    return render(request, "parties/people.html", context, status=422 if invalid else 200)


def _what_ends() -> list[str]:
    """Say what goes with a relationship that is ended, and what stays."""
    words = words_for(language())
    return [words(f"end_relationship.{name}") for name in ("records", "work", "people", "stays")]


def _listed_roles(member: MemberContext) -> list[Role]:
    """Return the roles that are offered to newcomers, and those that somebody here has kept."""
    kept = set(queries.members(member).values_list("role", flat=True))
    return [role for role in Role if role in OFFERED_ROLES or role in kept]


@require_POST
@form_page("people")
def use_organisation(request: HttpRequest) -> HttpResponse:
    """Make the own side an organisation which the viewer leads in another relationship."""
    member = member_of(request, Action.INVITE)
    form = OrganisationForm(request.POST, led=queries.organisation_candidates(member))
    if not form.is_valid():
        raise Refused(Code.NOT_LED)
    operations.use_organisation(member, UUID(form.cleaned_data["organisation"]))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody by mail."""
    member = member_of(request, Action.INVITE)
    form, words = InviteForm(request.POST), words_for(language())
    side = member.side.other if request.POST.get("across") and member.side else member.side
    if form.is_valid():
        with form.showing_refusals():
            role = Role(form.cleaned_data["role"])
            invitation, link = operations.invite_by_mail(member, form.cleaned_data["email"], role, side)
            proposed = "invite.proposed" if has_mail_server() else "invite.proposed_no_server"
            key = proposed if invitation.digest is None else "invite.link" if link else "invite.sent"
            _tell_of_invitation(request, key, invitation, link, words)
            return redirect("people", relationship=member.relationship.pk)
    return _render_people(request, member, form)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation with the account that is signed in, or with a new one."""
    if request.user.is_authenticated:
        return _join_signed_in(request, request.user, token)
    email = queries.invited_email(token)
    if email is None:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    if Person.objects.filter(email__iexact=email).exists():
        return _redirect_to_sign_in(request)
    form = JoinForm(request.POST or None)
    provider = identity_provider_for(email)
    request.session[INVITATION_SESSION_KEY] = token  # admits a new person who signs in at their organisation
    only = only_provider(email) is not None
    if request.method == "POST" and only:
        raise Http404
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                person = Person.objects.create_user(
                    email, form.cleaned_data["password"], name=form.cleaned_data["name"], language=language()
                )
        except IntegrityError:  # the form was sent twice, and the first request created the account
            return _redirect_to_sign_in(request)
        member = operations.accept_invitation(person, token)
        _sign_in(request, person)
        return redirect(landing_page(member.membership.role), relationship=member.relationship.pk)
    invitation = queries.open_invitation(token)
    context = {
        "form": form,
        "providers": [] if provider is None else [provider],
        "only": only,
        "invitation": invitation,
    }
    return render(request, "parties/join.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first account of a room, or that of an address which the administrator has printed a link for."""
    if request.user.is_authenticated:
        return redirect("portfolio")
    email = setup.read_setup_link(token)
    if email is None or setup.is_used(email):
        return render(request, "parties/set_up.html", {"form": None}, status=410)
    request.session[SETUP_SESSION_KEY] = token  # admits a new person who signs in at their organisation
    form = SetUpForm(request.POST or None, initial={"email": email})
    if email:
        form.fields["email"].disabled = True  # what a form sends in its place is not read
    only = only_provider(email)
    if request.method == "POST" and only is not None:
        raise Http404
    if request.method == "POST" and form.is_valid():
        setup.wait_for_others()
        given = form.cleaned_data
        if setup.is_used(email):  # by somebody who was faster
            return render(request, "parties/set_up.html", {"form": None}, status=410)
        person = Person.objects.create_user(given["email"], given["password"], name=given["name"], language=language())
        _sign_in(request, person)
        return redirect("portfolio")
    provider = identity_provider_for(email or str(form["email"].value() or ""))
    context = {"form": form, "providers": [] if provider is None else [provider], "only": only is not None}
    return render(request, "parties/set_up.html", context, status=422 if form.errors else 200)


def _sign_in(request: HttpRequest, person: Person) -> None:
    """Sign a new person in; the session is listed among their open ones, as that of any other sign-in."""
    login(request, person, backend=_LOGIN_BACKEND)
    UserSession.objects.create_from_request(request)


def _redirect_to_sign_in(request: HttpRequest) -> HttpResponse:
    messages.info(request, words_for(language())("join.known"))
    return redirect(f"{reverse('account_login')}?next={request.path}")


def _join_signed_in(request: HttpRequest, person: Person, token: str) -> HttpResponse:
    if request.method != "POST":
        invitation = queries.open_invitation(token)
        context: dict[str, object] = {"form": None, "providers": [], "only": False, "invitation": invitation}
        return render(request, "parties/join.html", context)
    try:
        member = operations.accept_invitation(person, token)
    except Refused:
        return render(request, "parties/join.html", {"form": None, "ended": True}, status=410)
    return redirect(landing_page(member.membership.role), relationship=member.relationship.pk)


@require_POST
@form_page("people")
def withdraw(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    member = member_of(request, Action.INVITE)
    operations.withdraw_invitation(member, _open_invitation(member, invitation))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
@form_page("people")
def agree(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Agree to the invitation of a neutral person whom the other side proposed."""
    member = member_of(request, Action.INVITE)
    proposal = _open_invitation(member, invitation)
    link = operations.agree_to_invitation_by_mail(member, proposal)
    proposal.refresh_from_db()
    _tell_of_invitation(request, "invite.link" if link else "invite.sent", proposal, link, words_for(language()))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
@form_page("people")
def renew(request: HttpRequest, invitation: UUID) -> HttpResponse:
    """Give an open invitation another link; the old one stops working."""
    member = member_of(request, Action.INVITE)
    renewed = _open_invitation(member, invitation)
    link = operations.renew_invitation_by_mail(member, renewed)
    _tell_of_invitation(request, "invite.renewed_link" if link else "invite.sent", renewed, link, words_for(language()))
    return redirect("people", relationship=member.relationship.pk)


LINK_TAG = "link"  # of a message that is a link to copy


def _tell_of_invitation(request: HttpRequest, key: str, invitation: Invitation, link: str, words: Words) -> None:
    """Say what became of an invitation, with the link to copy where the room sends no mail."""
    day = words.day(timezone.localtime(invitation.expires_at).date())
    messages.success(request, words(key, email=invitation.email, day=day))
    if link:
        messages.info(request, link, extra_tags=LINK_TAG)


def _open_invitation(member: MemberContext, pk: UUID) -> Invitation:
    invitation = queries.open_invitations(member).filter(pk=pk).first()
    if invitation is None:
        raise Http404
    return invitation


@require_safe
def membership_page(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Show a membership: role, deputies, its end. For the member, and for leads of the side."""
    member = member_of(request)
    other = _manageable_membership(member, membership)
    return _render_membership(request, member, other, None, None)


def _render_membership(
    request: HttpRequest,
    member: MemberContext,
    other: Membership,
    role_form: RoleForm | None,
    deputy_form: DeputyForm | None,
) -> HttpResponse:
    leads, neutral = member.may(Action.INVITE), other.side is None
    colleagues = queries.members(member).filter(side=other.side).exclude(pk=other.pk)
    context = {
        "other": other,
        "role_form": (role_form or RoleForm(initial={"role": other.role})) if leads and not neutral else None,
        "deputy_form": None if neutral else deputy_form or DeputyForm(members=colleagues),
        "deputies": colleagues.filter(stands_in_for=other),
        "firm_form": FirmForm(initial={"name": queries.firm_of(member, other.person_id)})
        if leads and not neutral
        else None,
    }
    invalid = (role_form is not None and role_form.errors) or (deputy_form is not None and deputy_form.errors)
    return render(request, "parties/place.html", context, status=422 if invalid else 200)


@require_POST
@form_page("their_place", "membership")
def change_role(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Change a member's role."""
    member = member_of(request, Action.INVITE)
    other = _manageable_membership(member, membership)
    form = RoleForm(request.POST, initial={"role": other.role})
    if not form.is_valid():
        return _render_membership(request, member, other, form, None)
    operations.change_role(member, other, Role(form.cleaned_data["role"]))
    return redirect("people", relationship=member.relationship.pk)


@require_POST
@form_page("their_place", "membership")
def set_firm(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Say of which firm a member of the own side is, or that they are of the side itself."""
    member = member_of(request, Action.INVITE)
    other = _manageable_membership(member, membership)
    form = FirmForm(request.POST)
    if form.is_valid():
        operations.set_firm(member, other, form.cleaned_data["name"])
        return redirect("people", relationship=member.relationship.pk)
    return redirect("their_place", relationship=member.relationship.pk, membership=other.pk)


@require_POST
@form_page("their_place", "membership")
def stand_in(request: HttpRequest, membership: UUID) -> HttpResponse:
    """Set or end a member's deputy."""
    member = member_of(request)
    other = _manageable_membership(member, membership)
    response = redirect("their_place", relationship=member.relationship.pk, membership=other.pk)
    if not request.POST.get("deputy"):
        operations.set_deputy(member, other, None, None)
        return response
    form = DeputyForm(request.POST, members=queries.members(member).filter(side=other.side).exclude(pk=other.pk))
    if form.is_valid():
        with form.showing_refusals():
            operations.set_deputy(member, other, form.cleaned_data["deputy"], form.cleaned_data["until"])
            return response
    return _render_membership(request, member, other, None, form)


def _manageable_membership(member: MemberContext, membership: UUID) -> Membership:
    """Return a membership that the viewer may change.

    :raises Http404: for any other
    """
    manageable = queries.manageable_membership(member, membership)
    if manageable is None:
        raise Http404
    return manageable


@require_POST
def review_access(request: HttpRequest) -> HttpResponse:
    """Record that the own side's memberships were reviewed."""
    member = member_of(request, Action.AUDIT)
    operations.review_access(member)
    messages.success(request, words_for(language())("access.done"))
    return redirect("people", relationship=member.relationship.pk)


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """Return who may, and could, see what, as a CSV file for access reviews."""
    member = member_of(request, Action.AUDIT)
    return csv_file("access.csv", queries.ACCESS_COLUMNS, queries.access_rows(member))


@require_POST
@form_page("their_place", "membership")
def let_go(request: HttpRequest, membership: UUID) -> HttpResponse:
    """End a membership."""
    member = member_of(request)
    other = _manageable_membership(member, membership)
    operations.end_membership(member, other)
    if other.pk == member.membership.pk:
        return redirect("portfolio")
    return redirect("people", relationship=member.relationship.pk)


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show one's own account: ways to sign in, open sessions, API tokens."""
    return render(request, "parties/account.html", _account_context(request, TokenForm(), None))


def _account_context(request: HttpRequest, form: TokenForm, secret: str | None) -> dict[str, object]:
    """Return the template context of the account page."""
    methods = queries.sign_in_methods(request.user)  # type: ignore[arg-type]
    sections = [(section.template, section.context(request.user)) for section in account_sections()]  # type: ignore[arg-type]
    return {
        "tokens": queries.valid_tokens(),
        "sign_in_methods": methods,
        "form": form,
        "secret": secret,
        "sections": sections,
    }


@require_POST
@login_required
@recent_sign_in_required
def make_token(request: HttpRequest) -> HttpResponse:
    """Create an API token, and show its secret once."""
    form, secret = TokenForm(request.POST), None
    if form.is_valid():
        data = form.cleaned_data
        _, secret = operations.make_token(request.user, data["name"], data["days"], writes=data["writes"])  # type: ignore[arg-type]
        form = TokenForm()
    context = _account_context(request, form, secret)
    return render(request, "parties/account.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token: UUID) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    """Revoke an API token."""
    own_token = Token.objects.filter(pk=token).first()
    if own_token is None:
        raise Http404
    operations.revoke_token(own_token)
    return redirect("account")
