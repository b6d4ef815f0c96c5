"""How records come in: read as they are, mapped by data, checked row by row, stored in one step, remembered."""
