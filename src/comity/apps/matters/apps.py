"""Configuration of the app."""

from django.apps import AppConfig


class Matters(AppConfig):
    """What one side asks and the other answers."""

    name = "comity.apps.matters"
    label = "matters"

    def ready(self) -> None:
        """Register the panels, and the functions that keep corrections and claims in step with the book."""
        from comity.apps.books import operations as books  # noqa: PLC0415 - once the models are there
        from comity.apps.books.queries import work_links  # noqa: PLC0415 - as above
        from comity.apps.matters import posted, search, today  # noqa: PLC0415 - as above
        from comity.apps.matters.corrections import open_correction, withdraw_correction  # noqa: PLC0415 - as above
        from comity.apps.matters.operations import write_claims  # noqa: PLC0415 - as above

        posted.register()
        today.register()
        search.register()
        if today.records_work not in work_links:
            work_links.append(today.records_work)
        if open_correction not in books.on_proposed:
            books.on_proposed.append(open_correction)
            books.on_undone.append(withdraw_correction)
            books.on_begun.append(write_claims)
