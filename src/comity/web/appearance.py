"""Stylesheets in the colours that a reader chose, whatever the device prefers."""

from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from comity.apps.personal.models import Appearance

_DARK = "(prefers-color-scheme: dark)"
# Media features that always and never hold: a browser then takes the dark rules, or leaves them.
_DECIDED = {Appearance.DARK: "(min-width: 0)", Appearance.LIGHT: "(max-width: 0)"}
_SHEETS = frozenset({"page.css", "room.css"})


def stylesheet(name: str, appearance: str) -> str:
    """Return the URL of a stylesheet in the reader's colours."""
    if appearance == Appearance.SYSTEM:
        return static(f"comity/{name}")
    return reverse("style", kwargs={"appearance": appearance, "name": name})


@require_safe
def style(request: HttpRequest, appearance: str, name: str) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    """Return a stylesheet with its dark rules always on, or off."""
    if appearance not in set(_DECIDED) or name not in _SHEETS:
        raise Http404
    response = HttpResponse(_decided(name, Appearance(appearance)), content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = "max-age=60, public"
    return response


@cache
def _decided(name: str, appearance: Appearance) -> str:
    folders = [folder for _, folder in settings.STATICFILES_DIRS]
    text = next(folder / name for folder in folders if (folder / name).is_file()).read_text(encoding="utf-8")
    return text.replace(_DARK, _DECIDED[appearance])
