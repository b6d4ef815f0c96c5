"""The app."""

from django.apps import AppConfig


class Notifications(AppConfig):
    """Notifications."""

    name = "comity.apps.notifications"
    label = "notifications"

    def ready(self) -> None:
        """Listen to the log, and register the section of the account page."""
        from comity.apps.audit import operations as audit  # noqa: PLC0415 - once the models are there
        from comity.apps.notifications import operations, queries, views  # noqa: PLC0415 - as above
        from comity.apps.parties.mailing import mutes  # noqa: PLC0415 - as above
        from comity.apps.parties.panels import AccountSection, add_account_section  # noqa: PLC0415 - as above

        if operations.on_event not in audit.listeners:
            audit.listeners.append(operations.on_event)
            mutes.append(queries.is_muted)
        add_account_section(AccountSection("notifications/_preferences.html", 50, views.preferences_section))
