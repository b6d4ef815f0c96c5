"""Who acts in a relationship: set for one transaction, for a request or a job, and in the database itself.

This is the only module that sets the viewer. Row-level security reads it from two settings of the transaction.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from comity.apps.i18n import language, words_for
from comity.apps.parties.identity_providers import has_sign_in_lapsed, sign_in_lapsed
from comity.apps.parties.models import Membership, Organisation, Person, Relationship, Role
from comity.apps.parties.rights import Action, membership_may
from comity.apps.refusal import Refused, return_address
from comity.core.values import Side, Viewer
from comity.review.i18n.words import Words

API_PREFIX = "/api/"
READS_ONLY = "reads only"  # kept there too where nothing is changed, as by pages over many relationships
IN_REQUEST = "in request"  # kept in `MemberContext.cache` for requests: they compute nothing that takes long
M = TypeVar("M", bound=Model)
T = TypeVar("T")
_SET_VIEWER = "SELECT set_config('comity.person', %s, true), set_config('comity.viewer', %s, true)"


# Tables that take a right of their own, even on the own side.
_TABLES_BY_RIGHT: dict[Action, frozenset[str]] = {
    Action.READ_MONEY: frozenset({"costs"}),
    Action.READ_PEOPLE: frozenset({"staff"}),
}


@dataclass(frozen=True, slots=True)
class MemberContext:
    """A membership with what follows from it: side, rights, and what the person may see.

    :ivar shared_only: whether the joint view is asked for, of what both sides share
    :ivar cache: results that one request or job asks for more than once
    """

    membership: Membership
    shared_only: bool = False
    cache: dict[str, Any] = field(default_factory=dict, compare=False)

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return what `make` gives; within a request it is made once. For what no request changes, as a book's files.

        :param key: the same for the same answer, whichever view of the member asks
        """
        if not self.cache.get(IN_REQUEST):
            return make()
        if key not in self.cache:
            self.cache[key] = make()
        found: T = self.cache[key]
        return found

    @property
    def relationship(self) -> Relationship:
        """The relationship."""
        return self.membership.relationship

    @property
    def side(self) -> Side | None:
        """The side; None for members on neither."""
        return Side(self.membership.side) if self.membership.side else None

    def may(self, action: Action) -> bool:
        """Whether the person may do it, by their own role or as somebody's deputy."""
        return membership_may(self.membership, action, timezone.now().date())

    def party(self, words: Words) -> Callable[[Side | str | None], str]:
        """A function that gives the organisation's name for a side."""
        names = {side: self.relationship.organisation(side).name for side in Side}
        return lambda side: words.side(side, names)

    @property
    def closed_tables(self) -> frozenset[str]:
        """Tables of the own side that the role may not read: money and people take a right each."""
        return frozenset().union(*(tables for right, tables in _TABLES_BY_RIGHT.items() if not self.may(right)))

    def joint(self) -> "MemberContext":
        """The same member with the joint view: reads what both sides share, and nothing of the own side."""
        return replace(self, shared_only=True)

    @property
    def viewer(self) -> Viewer:
        """The viewer for the book: with a side only for roles that may read what the side keeps private."""
        side = None if self.shared_only or not self.may(Action.READ_OWN) else self.side
        return Viewer(str(self.membership.person_id), str(self.relationship.pk), side)


def set_viewer(person: UUID | None, membership: UUID | None = None) -> None:
    """Set who acts, for the rest of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SET_VIEWER, [str(person or ""), str(membership or "")])


@contextmanager
def viewing_as(person: UUID) -> Iterator[None]:
    """Act as a person without a membership, then as before: for what concerns no relationship."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('comity.person', true), current_setting('comity.viewer', true)")
        before = cursor.fetchone()
        set_viewer(person)
        yield
        cursor.execute(_SET_VIEWER, [value or "" for value in before])


def find_member(person: UUID, relationship: UUID) -> MemberContext | None:
    """Set the viewer to a person's membership in a relationship, and return it; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM comity_stand(%s, %s)", [person, relationship])
        row = cursor.fetchone()
        names = [column.name.split(".") for column in cursor.description]
    if row is None:
        return None
    parts: dict[str, dict[str, Any]] = {}
    for (part, name), value in zip(names, row, strict=True):
        parts.setdefault(part, {})[name] = value

    def instance(model: type[M], part: str) -> M:
        return model.from_db(connection.alias, list(parts[part]), list(parts[part].values()))

    membership = instance(Membership, "membership")
    membership.person = instance(Person, "person")
    membership.relationship = instance(Relationship, "relationship")
    membership.relationship.customer = instance(Organisation, "customer")
    membership.relationship.provider = instance(Organisation, "provider")
    return MemberContext(membership)


@contextmanager
def acting_as(person: UUID, relationship: UUID) -> Iterator[MemberContext]:
    """Open a transaction of a job, acting as a member.

    :raises PermissionError: where the person is no longer a member
    """
    with transaction.atomic():
        member = find_member(person, relationship)
        if member is None:
            raise PermissionError("no longer a member")
        yield member


def each_membership(person: Person, limit: int) -> Iterator[MemberContext]:
    """Read in each relationship of a person in turn, in a request that names none, and then in none again.

    Nothing is changed meanwhile, so that what a relationship is asked for by several parts of a page is read once.

    :param limit: of relationships, the newest
    """
    current = Membership.objects.filter(person=person, left_at=None).order_by("-joined_at", "pk")
    for relationship in list(current.values_list("relationship", flat=True)[:limit]):
        member = find_member(person.pk, relationship)
        if member is not None:
            member.cache.update({IN_REQUEST: True, READS_ONLY: True})
            yield member
    set_viewer(person.pk)


LEADS = "comity_leads"


def find_lead(relationship: UUID, of: Callable[[MemberContext], bool]) -> UUID:
    """Find a lead for work that a side has decided and whose person has left since.

    :param of: whether a lead is of the side
    :raises PermissionError: where the side has no lead
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT person FROM comity_leads() WHERE relationship = %s", [relationship])
        first = cursor.fetchone()
    if first is not None:
        with acting_as(first[0], relationship):
            leads = Membership.objects.filter(relationship=relationship, role=Role.LEAD, left_at=None)
            people = list(leads.order_by("joined_at").values_list("person", flat=True))
        for person in people:
            with acting_as(person, relationship) as member:
                if of(member):
                    return person
    raise PermissionError("the side has no lead")


def for_each_relationship(
    work: Callable[[MemberContext], None], whose: str = LEADS, *, only: UUID | None = None
) -> None:
    """Run `work` in each relationship as one of its leads, for periodic jobs.

    Each runs in a transaction of its own. An error is logged and does not stop the others.

    :param whose: a database function that returns other members: rows of person and relationship
    :param only: the one relationship to run in; None for all
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT person, relationship FROM {connection.ops.quote_name(whose)}() "  # noqa: S608 - a name of ours
            "WHERE %(only)s::uuid IS NULL OR relationship = %(only)s",
            {"only": only},
        )
        members = cursor.fetchall()
    for person, relationship in members:
        try:
            with acting_as(person, relationship) as member:
                work(member)
        except Exception:
            logging.getLogger(__name__).exception("a periodic job failed in relationship %s", relationship)


class ViewerMiddleware:
    """Runs each request in one transaction, with the viewer set from the session or token and the URL.

    URLs below /r/ name a relationship. Who is no member of it gets the same answer as for one that does not exist.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within a transaction."""
        request.member = None  # type: ignore[attr-defined]
        request.writes, request.failed = True, False  # type: ignore[attr-defined]
        # Set by a page that shows something unfinished, and what it asks for then where that is not itself.
        request.refresh_after_s, request.refresh_to = None, ""  # type: ignore[attr-defined]
        with transaction.atomic():
            if request.path.startswith(API_PREFIX):
                # A program is let in by its token alone: a browser's session would let other sites' forms in.
                request.user, request.writes = _authenticate_token(request)  # type: ignore[attr-defined]
            response = self.get_response(request)
            if request.method == "GET" and request.refresh_after_s is not None:  # type: ignore[attr-defined]
                to = f"; url={request.refresh_to}" if request.refresh_to else ""  # type: ignore[attr-defined]
                response.headers["Refresh"] = f"{request.refresh_after_s}{to}"  # type: ignore[attr-defined]
            if request.failed:  # type: ignore[attr-defined]
                transaction.set_rollback(True)  # at the end: the page that says so may still ask who is looking
            return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],  # noqa: ARG002 - as Django calls it
        args: list[Any],  # noqa: ARG002 - as above
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Set the viewer: a member of the relationship that the URL names, or a person without one."""
        if "relationship" not in kwargs:
            set_viewer(request.user.pk if request.user.is_authenticated else None)
            return None
        program = request.path.startswith(API_PREFIX)  # which is told its address's parts, and answers 401 of itself
        if program and not request.user.is_authenticated:
            return None
        if not request.user.is_authenticated:
            from django.contrib.auth.views import redirect_to_login  # noqa: PLC0415 - needs the apps

            return redirect_to_login(request.get_full_path())
        relationship = kwargs["relationship"] if program else kwargs.pop("relationship")
        request.member = find_member(request.user.pk, relationship)  # type: ignore[attr-defined]
        if request.member is not None:  # type: ignore[attr-defined]
            request.member.cache[IN_REQUEST] = True  # type: ignore[attr-defined]
        if request.member is None and not program:  # type: ignore[attr-defined]  # `place` tells a program
            raise Http404
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Roll back a request that failed; answer one that was refused."""
        request.failed = not (isinstance(exception, Refused) and exception.keeps_changes)  # type: ignore[attr-defined]
        return _refusal_response(request, exception) if isinstance(exception, Refused) else None


_TITLES = {HTTPStatus.TOO_MANY_REQUESTS: "too_often", HTTPStatus.SERVICE_UNAVAILABLE: "not_yet"}


def _refusal_response(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a redirect to the page with the form, with a message; where there is none, a page with the message.

    What somebody may not know of does not exist: its page says nothing more.
    """
    if refused.status == HTTPStatus.NOT_FOUND:
        return render(request, "error.html", {"what": "not_found"}, status=refused.status)
    sentence, address = refused.sentence(words_for(language())), return_address(request, refused)
    title = _TITLES.get(refused.status, "forbidden")
    if address is not None and title != "too_often":
        messages.error(request, sentence)
        return redirect(address)
    retryable = refused.status == HTTPStatus.SERVICE_UNAVAILABLE and refused.retry_after_s is not None
    if retryable and _is_program(request):  # which would keep the page as if it were the file
        return HttpResponse(
            f"{sentence}\n", content_type="text/plain; charset=utf-8", status=refused.status, headers=refused.headers
        )
    response = render(
        request,
        "waiting.html" if retryable else "error.html",
        {"what": title, "sentence": sentence},
        status=HTTPStatus.ACCEPTED if retryable else refused.status,  # to a browser it is no error
    )
    for name, value in refused.headers.items():
        response.headers[name] = value
    if retryable and request.method == "GET":
        response.headers["Refresh"] = str(refused.retry_after_s)
    return response


def _is_program(request: HttpRequest) -> bool:
    """Whether a file is asked for by what takes no page for it: browsers name HTML in what they accept."""
    return "." in request.path.rpartition("/")[2] and "text/html" not in request.headers.get("Accept", "")


def _authenticate_token(request: HttpRequest) -> tuple[Person | AnonymousUser, bool]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return AnonymousUser(), False
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, writes FROM comity_token(%s)", [hashlib.sha256(token.encode()).hexdigest()])
        row = cursor.fetchone()
    if row is None:
        return AnonymousUser(), False
    person = Person.objects.get(pk=row[0])
    if has_sign_in_lapsed(person):
        sign_in_lapsed.send(sender=Person, user=person)
        return AnonymousUser(), False
    return person, bool(row[1])


def member_of(request: HttpRequest, action: Action = Action.READ) -> MemberContext:
    """Return the member that a request acts as.

    :raises Http404: without membership or right: what one may not see does not exist for them
    """
    member: MemberContext | None = request.member  # type: ignore[attr-defined]
    if member is None or not member.may(action):
        raise Http404
    return member


def member_of_a_side(request: HttpRequest, action: Action) -> MemberContext:
    """Return the member, who is of a side and has a right; for all others there is no such page.

    :raises Http404: for them
    """
    member = member_of(request, action)
    if member.side is None:
        raise Http404
    return member
