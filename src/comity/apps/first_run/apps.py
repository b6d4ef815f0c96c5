"""The app."""

from django.apps import AppConfig


class FirstRun(AppConfig):
    """The first run."""

    name = "comity.apps.first_run"
    label = "first_run"

    def ready(self) -> None:
        """Register the panel of the Today page."""
        from comity.apps.first_run import today  # noqa: PLC0415 - once the models are there

        today.register()
