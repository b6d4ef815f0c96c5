"""Rules and mathematics as functions of plain values; knows no clock, file, engine or log."""
