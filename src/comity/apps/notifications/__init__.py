"""Notifications: which event is mailed to whom, at once or in a daily digest, by preferences."""
