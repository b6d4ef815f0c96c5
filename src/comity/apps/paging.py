"""Long lists, a page at a time: `?page=2`, and whether there is one more; the rest is neither read nor counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
_A_PAGE, _LAST = 50, 9999


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list.

    :ivar query: what else the address says, to be kept from page to page
    """

    rows: list[M]
    number: int
    more: bool
    query: str

    def __iter__(self) -> Iterator[M]:
        """Its rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many they are."""
        return len(self.rows)


def number_in(request: HttpRequest, name: str) -> int:
    """A number from an address; 0 where it has none that can be read."""
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdigit() else 0


def paged(request: HttpRequest, found: QuerySet[M], size: int = _A_PAGE) -> Page[M]:
    """The page that the address asks for; the first where it asks for none that can be.

    :param found: in an order in which no two rows are alike, or a row might stand on two pages and another on none
    """
    number = min(number_in(request, "page") or 1, _LAST)
    rows = list(found[(number - 1) * size : number * size + 1])
    others = request.GET.copy()
    others.pop("page", None)
    return Page(rows[:size], number, more=len(rows) > size, query=others.urlencode())
