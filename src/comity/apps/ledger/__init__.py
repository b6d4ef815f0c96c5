"""The ledger: what each side owes the other, as double entry, posted by the database and read by both sides."""
