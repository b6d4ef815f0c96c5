"""The app."""

from django.apps import AppConfig


class Kpis(AppConfig):
    """KPIs."""

    name = "comity.apps.kpis"
    label = "kpis"

    def ready(self) -> None:
        """Register the panel of the Today page and the entry of the navigation."""
        from comity.apps.kpis import today  # noqa: PLC0415 - once the models are there

        today.register()
