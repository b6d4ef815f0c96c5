"""Configuration of the app."""

from django.apps import AppConfig


class Reviews(AppConfig):
    """The joint review."""

    name = "comity.apps.reviews"
    label = "reviews"

    def ready(self) -> None:
        """Register the panels, and the tasks that follow a change of the records or of the agreement."""
        from comity.apps.agreements.operations import follow_change_by  # noqa: PLC0415 - once the models are there
        from comity.apps.books.results import recompute_by  # noqa: PLC0415 - as above
        from comity.apps.matters.queries import figure_sources, formed_sources  # noqa: PLC0415 - as above
        from comity.apps.reviews import queries, restatements, search, today  # noqa: PLC0415 - as above

        today.register()
        search.register()
        recompute_by(queries.RECOMPUTE)
        follow_change_by(restatements.RESTATE_TASK)
        if queries.computed_figure not in figure_sources:
            figure_sources.append(queries.computed_figure)
            formed_sources.append(queries.formed_figures)
