"""What must happen after commit: rows into a book, mails; retried, and told where it keeps failing."""
