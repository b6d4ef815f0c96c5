"""The room says everything in each language, with the same places to fill."""

import string

from comity.apps.i18n import words_for

# What is the same in both: a pattern, and words that are.
ALIKE = {"mark.column_of", "people.role", "raise.dispute_of", "your_move.subject", "your_move.mail",
         "activity.subject", "activity.mail", "daily_digest.subject", "daily_digest.mail", "notifications.moment",
         "log.nobody"}  # fmt: skip


def places(sentence):
    """The places to fill; a choice between singular and plural is each language's own."""
    return sorted(name for _, name, choice, _ in string.Formatter().parse(sentence) if name and "|" not in choice)


def test_all_catalogues_have_the_same_keys_and_placeholders():
    english, spanish = words_for("en")._sentences, words_for("es")._sentences
    assert english.keys() == spanish.keys()
    assert [key for key in english if places(english[key]) != places(spanish[key])] == []


def test_no_sentence_is_left_in_english():
    english, spanish = words_for("en")._sentences, words_for("es")._sentences
    room = {key for key in english if key.split(".")[0] in {
        "room", "nav", "role", "right", "portfolio", "begin", "people", "invite", "join", "account", "log", "audit",
        "sign_in", "mfa", "error", "records", "stage", "upload", "book", "choose", "delivery", "count_of", "review",
        "closing", "today", "matters", "matter", "kind_of", "state", "move", "move_do", "not_allowed", "raise",
        "claim", "event", "shared_out", "correction", "correction_waits", "mark", "late", "reminder",
        "notifications", "timing", "your_move", "activity", "daily_digest",
    }}  # fmt: skip
    assert len(room) > 320
    assert {"your_move.due", "correction_waits.mail", "matter.reply_by", "mark.disclose_about"} <= room
    assert {key for key in room if english[key] == spanish[key]} <= ALIKE
