"""The app."""

from django.apps import AppConfig


class Agreements(AppConfig):
    """The agreement and its changes."""

    name = "comity.apps.agreements"
    label = "agreements"

    def ready(self) -> None:
        """Register what waits on Today, and that no set of KPIs is agreed to while a change waits."""
        from comity.apps.agreements import queries, search, today  # noqa: PLC0415 - once the models are there
        from comity.apps.kpis.queries import waiting_changes  # noqa: PLC0415 - as above

        today.register()
        search.register()
        if queries.has_waiting_change not in waiting_changes:
            waiting_changes.append(queries.has_waiting_change)
