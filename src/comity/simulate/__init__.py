"""Lifelike partnerships whose truth is known, so that a reading can be held against what it should have said."""
