"""The mailbox: mails that people answer with, read, proven to be theirs, and counted as their moves in matters."""
