"""The project as an app: its base pages and styles."""

from django.apps import AppConfig


class Web(AppConfig):
    """The shared room."""

    name = "comity.web"
    label = "web"
