"""Inspection of a cell's step: the code that it reaches, and all that this code reads."""
