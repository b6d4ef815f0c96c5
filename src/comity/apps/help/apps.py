"""The app."""

from django.apps import AppConfig


class Help(AppConfig):
    """Glossary and concepts."""

    name = "comity.apps.help"
    label = "help"
