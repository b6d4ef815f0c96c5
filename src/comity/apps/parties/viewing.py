"""The one place in which a request, or a job, becomes a viewer: for one transaction, and in the database itself."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from comity.apps.parties.models import Membership, Organisation, Person, Relationship, Role
from comity.apps.parties.organisations import has_lapsed, lapsed
from comity.apps.parties.rights import Action, may_now
from comity.apps.refusal import Refused, return_address
from comity.core.values import Side, Viewer
from comity.review.i18n.words import Words

API = "/api/"
ASKED = "asked"  # remembered of a place that a request looks from; a job's own work is not limited as people's is
M = TypeVar("M", bound=Model)
_LOOK = "SELECT set_config('comity.person', %s, true), set_config('comity.viewer', %s, true)"


# What of a book takes a right of its own, even on the own side.
_APART: dict[Action, frozenset[str]] = {
    Action.READ_MONEY: frozenset({"costs"}),
    Action.READ_PEOPLE: frozenset({"staff"}),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in a relationship, and so what they see of it."""

    membership: Membership
    remembered: dict[str, Any] = field(default_factory=dict, compare=False)  # asked for more than once in an answer

    @property
    def relationship(self) -> Relationship:
        """The relationship."""
        return self.membership.relationship

    @property
    def side(self) -> Side | None:
        """The side; None for those who stand on neither."""
        return Side(self.membership.side) if self.membership.side else None

    def may(self, action: Action) -> bool:
        """Whether they may do it, of themselves or in the place of somebody for whom they stand in."""
        return may_now(self.membership, action, timezone.now().date())

    def party(self, words: Words) -> Callable[[Side | str | None], str]:
        """By a side, the name of who stands on it."""
        names = {side: self.relationship.organisation(side).name for side in Side}
        return lambda side: words.side(side, names)

    @property
    def closed_tables(self) -> frozenset[str]:
        """Tables of the own side that the role does not read: money and people, each its own right."""
        return frozenset().union(*(tables for right, tables in _APART.items() if not self.may(right)))

    @property
    def viewer(self) -> Viewer:
        """As the book knows viewers. What the own side keeps opens only to roles that may read it."""
        side = self.side if self.may(Action.READ_OWN) else None
        return Viewer(str(self.membership.person_id), str(self.relationship.pk), side)


def look(person: UUID | None, membership: UUID | None = None) -> None:
    """Say in this transaction, and no longer, who is looking."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [str(person or ""), str(membership or "")])


@contextmanager
def looking(person: UUID) -> Iterator[None]:
    """Look as somebody without a place, and afterwards as before: for what concerns a person and no relationship."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('comity.person', true), current_setting('comity.viewer', true)")
        before = cursor.fetchone()
        look(person)
        yield
        cursor.execute(_LOOK, [one or "" for one in before])


def stand(person: UUID, relationship: UUID) -> Standing | None:
    """Look from the place that somebody has in a relationship; None, and nothing more is seen, where they have none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM comity_stand(%s, %s)", [person, relationship])
        row = cursor.fetchone()
        names = [column.name.split(".") for column in cursor.description]
    if row is None:
        return None
    parts: dict[str, dict[str, Any]] = {}
    for (part, name), value in zip(names, row, strict=True):
        parts.setdefault(part, {})[name] = value

    def made(model: type[M], part: str) -> M:
        return model.from_db(connection.alias, list(parts[part]), list(parts[part].values()))

    membership, there = made(Membership, "membership"), made(Relationship, "relationship")
    there.customer, there.provider = made(Organisation, "customer"), made(Organisation, "provider")
    membership.person, membership.relationship = made(Person, "person"), there
    return Standing(membership)


@contextmanager
def standing(person: UUID, relationship: UUID) -> Iterator[Standing]:
    """A transaction of a job, looking from somebody's place.

    :raises PermissionError: where they have none any more
    """
    with transaction.atomic():
        found = stand(person, relationship)
        if found is None:
            raise PermissionError("no longer there")
        yield found


LEADS = "comity_leads"


def somebody_leading(relationship: UUID, of: Callable[[Standing], bool]) -> UUID:
    """Somebody who leads a side, for work that the side has decided and whose person has left since.

    :param of: whether it is the side of whoever stands there
    :raises PermissionError: where nobody leads it
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT person FROM comity_leads() WHERE relationship = %s", [relationship])
        first = cursor.fetchone()
    if first is not None:
        with standing(first[0], relationship):
            leads = Membership.objects.filter(relationship=relationship, role=Role.LEAD, left_at=None)
            people = list(leads.order_by("joined_at").values_list("person", flat=True))
        for person in people:
            with standing(person, relationship) as place:
                if of(place):
                    return person
    raise PermissionError("nobody leads the side")


def everywhere(work: Callable[[Standing], None], whose: str = LEADS, *, only: UUID | None = None) -> None:
    """The room's own clock: some work in each relationship, from the place of somebody who leads there.

    Each in a transaction of its own; what goes wrong in one is told to the log, and keeps no other waiting.

    :param whose: a function of the database that gives other places: a person and a relationship each
    :param only: one relationship alone
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT person, relationship FROM {connection.ops.quote_name(whose)}() "  # noqa: S608 - a name of ours
            "WHERE %(only)s::uuid IS NULL OR relationship = %(only)s",
            {"only": only},
        )
        places = cursor.fetchall()
    for person, relationship in places:
        try:
            with standing(person, relationship) as found:
                work(found)
        except Exception:
            logging.getLogger(__name__).exception("the clock of %s stood still", relationship)


class ViewerMiddleware:
    """Every request is one transaction, and every address below /r/ one relationship, seen from the person's place.

    Who has no place there gets the same answer as for a relationship that does not exist.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand around what comes after."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within a transaction that knows who is looking."""
        request.standing = None  # type: ignore[attr-defined]
        request.writes, request.failed = True, False  # type: ignore[attr-defined]
        with transaction.atomic():
            if request.path.startswith(API):
                # A program is let in by its token alone: a browser's session would let other sites' forms in.
                request.user, request.writes = _by_token(request)  # type: ignore[attr-defined]
            response = self.get_response(request)
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
        """Find the place in the relationship that the address names, or look as somebody without one."""
        if "relationship" not in kwargs:
            look(request.user.pk if request.user.is_authenticated else None)
            return None
        program = request.path.startswith(API)  # which is told its address's parts, and answers 401 of itself
        if program and not request.user.is_authenticated:
            return None
        if not request.user.is_authenticated:
            from django.contrib.auth.views import redirect_to_login  # noqa: PLC0415 - needs the apps

            return redirect_to_login(request.get_full_path())
        relationship = kwargs["relationship"] if program else kwargs.pop("relationship")
        request.standing = stand(request.user.pk, relationship)  # type: ignore[attr-defined]
        if request.standing is not None:  # type: ignore[attr-defined]
            request.standing.remembered[ASKED] = True  # type: ignore[attr-defined]
        if request.standing is None and not program:  # type: ignore[attr-defined]  # `place` tells a program
            raise Http404
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Keep nothing of a request that failed; where it was refused, say why."""
        request.failed = not (isinstance(exception, Refused) and exception.keeps_changes)  # type: ignore[attr-defined]
        return _refused(request, exception) if isinstance(exception, Refused) else None


_TITLES = {HTTPStatus.TOO_MANY_REQUESTS: "too_often", HTTPStatus.SERVICE_UNAVAILABLE: "not_yet"}


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Back to the page with the form on it, with a sentence; where there is none, a page that says the same.

    What somebody may not know of is not there: its page says nothing more.
    """
    if refused.status == HTTPStatus.NOT_FOUND:
        return render(request, "error.html", {"what": "not_found"}, status=refused.status)
    sentence, address = refused.sentence(words_for(language())), return_address(request, refused)
    what = _TITLES.get(refused.status, "forbidden")
    if address is not None and what != "too_often":
        messages.error(request, sentence)
        return redirect(address)
    later = refused.status == HTTPStatus.SERVICE_UNAVAILABLE and refused.retry_after_s is not None
    answer = render(
        request,
        "waiting.html" if later else "error.html",
        {"what": what, "sentence": sentence},
        status=HTTPStatus.ACCEPTED if later else refused.status,  # to a browser it is no error
    )
    for name, value in refused.headers.items():
        answer.headers[name] = value
    if later and request.method == "GET":
        answer.headers["Refresh"] = str(refused.retry_after_s)
    return answer


def _by_token(request: HttpRequest) -> tuple[Person | AnonymousUser, bool]:
    scheme, _, word = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not word:
        return AnonymousUser(), False
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, writes FROM comity_token(%s)", [hashlib.sha256(word.encode()).hexdigest()])
        found = cursor.fetchone()
    if found is None:
        return AnonymousUser(), False
    person = Person.objects.get(pk=found[0])
    if has_lapsed(person):
        lapsed.send(sender=Person, user=person)
        return AnonymousUser(), False
    return person, bool(found[1])


def place(request: HttpRequest, action: Action = Action.READ) -> Standing:
    """From where a view looks.

    :raises Http404: where the role may not: what one may not see is not there
    """
    found: Standing | None = request.standing  # type: ignore[attr-defined]
    if found is None or not found.may(action):
        raise Http404
    return found
