"""Forms of the agreement: clauses and changes by the declaration of their fields, and what each step asks for."""
