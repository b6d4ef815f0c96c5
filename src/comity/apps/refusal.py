"""Refusals: what somebody asks for and does not get. One class for all apps, and one place a channel that answers it.

Pages are answered by `parties.member_context.ViewerMiddleware`, programs by the handler in `web.api.base`. The status
of a refusal follows one rule, which `docs/running.md` tells programs: 404 for what somebody may not know of, 403 where
they know of it and lack the right, 409 for what cannot be done now, 422 for wrong input, 429 for too often, 503 for
what is being computed.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from comity.review.i18n.words import Words

View = TypeVar("View", bound=Callable[..., HttpResponse])


class RefusalCode(StrEnum):
    """Why something is refused, with the HTTP status of it. Each app has its own in `refusals.py`."""

    status: HTTPStatus

    def __new__(cls, value: str, status: HTTPStatus = HTTPStatus.CONFLICT) -> Self:
        """Make a member of the code and its status."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.status = status
        return code

    @property
    def message(self) -> str:
        """The key of its sentence in the catalogues: refused.APP.CODE."""
        app = type(self).__module__.split(".")[2]
        return f"refused.{app}.{self.value}"


class Refused(Exception):  # noqa: N818 - it is an answer, and no error of the program
    """Something that somebody may not do, or that cannot be done.

    Whatever the request has changed is rolled back, unless `keeps_changes`.

    :ivar code: why
    :ivar place: the address that the person is sent back to; empty: the page that the form was on
    :ivar values: what fills the places of the sentence
    :ivar retry_after_s: after how many seconds it may be tried again; None where that is not known
    """

    keeps_changes: ClassVar[bool] = False

    def __init__(
        self, code: RefusalCode, *, place: str = "", retry_after_s: int | None = None, **values: object
    ) -> None:
        """Keep what the handlers answer."""
        super().__init__(": ".join([code.value, *map(str, values.values())]))
        self.code, self.place, self.retry_after_s, self.values = code, place, retry_after_s, values

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status."""
        return self.code.status

    @property
    def message(self) -> str:
        """The key of the sentence in the catalogues."""
        return self.code.message

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that go with it."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}

    def title(self, words: Words) -> str:
        """The sentence alone."""
        return words(self.message, **self.values)

    def sentence(self, words: Words) -> str:
        """The sentence, and what more a page says beside it."""
        return self.title(words)

    @property
    def details(self) -> Mapping[str, Any]:
        """What a program is told beside the sentence, as JSON."""
        return {}


def form_page(name: str, *parts: str, query: tuple[str, ...] = ()) -> Callable[[View], View]:
    """Mark a view that takes a form of another page: whoever is refused there is sent back to that page.

    :param name: of the page's address
    :param parts: which parts of the view's own address the page's address has too, beside the relationship
    :param query: which fields of the form the page's address has as its query
    """

    def mark(view: View) -> View:
        view.form_page = (name, parts, query)  # type: ignore[attr-defined]
        return view

    return mark


def return_address(request: HttpRequest, refused: Refused) -> str | None:
    """Where whoever is refused is sent back to; None where no page is known, or where they only read."""
    match, member = request.resolver_match, getattr(request, "member", None)
    if match is None or request.method in {"GET", "HEAD"}:
        return None
    if refused.place:
        return refused.place
    marked = getattr(match.func, "form_page", None)
    if marked is None:
        return None
    name, parts, query = marked
    kwargs = {part: match.kwargs[part] for part in parts}
    if member is not None:
        kwargs["relationship"] = member.relationship.pk
    asked = urlencode({field: request.POST.get(field, "") for field in query})
    return reverse(name, kwargs=kwargs) + (f"?{asked}" if asked else "")
