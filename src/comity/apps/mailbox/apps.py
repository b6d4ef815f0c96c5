"""The app."""

from django.apps import AppConfig


class Mailbox(AppConfig):
    """Mails that came in."""

    name = "comity.apps.mailbox"
    label = "mailbox"

    def ready(self) -> None:
        """Register what mails say about replies, whether all was heard, and the panel of the Today page."""
        from comity.apps.mailbox import queries, today  # noqa: PLC0415 - once the models are there
        from comity.apps.matters.exports import mail_sources  # noqa: PLC0415 - as above
        from comity.apps.parties.mailing import reply_offers  # noqa: PLC0415 - as above
        from comity.apps.replies.queries import hearing  # noqa: PLC0415 - as above

        if queries.reply_offer not in reply_offers:
            reply_offers.append(queries.reply_offer)
            hearing.append(queries.was_heard)
        if queries.mails_of not in mail_sources:
            mail_sources.append(queries.mails_of)
        today.register()
