"""The rules that rows keep, and what is done with rows that do not."""
