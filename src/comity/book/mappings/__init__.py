"""How somebody else's spreadsheet becomes rows of a table: the language, its compiler, what ships with it."""
