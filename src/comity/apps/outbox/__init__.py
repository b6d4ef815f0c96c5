"""The transactional outbox: jobs and mails that run after commit, retried, and shown where they keep failing."""
