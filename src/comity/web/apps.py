"""The project as a Django app: base templates and styles."""

from django.apps import AppConfig


class Web(AppConfig):
    """Configuration of the project's own app."""

    name = "comity.web"
    label = "web"
