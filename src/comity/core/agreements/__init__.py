"""The agreement: clauses, changes, notice, signing, term, and the wordings of KPIs, as pure functions."""
