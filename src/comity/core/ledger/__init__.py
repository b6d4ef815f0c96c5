"""What each side owes the other, as double entry: positions, postings, invariants and statements, as pure functions.

Nothing here adds two kinds of promises, or two currencies: an `Amount` knows its kind and refuses another.
"""
