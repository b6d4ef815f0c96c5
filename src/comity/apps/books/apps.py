"""Configuration of the app."""

from django.apps import AppConfig


class Books(AppConfig):
    """The records of a relationship."""

    name = "comity.apps.books"
    label = "books"

    def ready(self) -> None:
        """Register the panels, and the book's time zone for reply times until a calendar is agreed on."""
        from comity.apps.books import search, today  # noqa: PLC0415 - once the models are there
        from comity.apps.books.queries import zone  # noqa: PLC0415 - as above
        from comity.apps.replies import queries as replies  # noqa: PLC0415 - as above

        today.register()
        search.register()
        if zone not in replies.zone_providers:
            replies.zone_providers.append(zone)
