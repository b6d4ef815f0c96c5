"""The app."""

from django.apps import AppConfig


class Priorities(AppConfig):
    """Which KPIs matter most to each side."""

    name = "comity.apps.priorities"
    label = "priorities"

    def ready(self) -> None:
        """Register what waits on Today."""
        from comity.apps.priorities import today  # noqa: PLC0415 - once the models are there

        today.register()
