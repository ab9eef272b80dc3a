"""What a cell's step consists of: the code that it reaches, and all that this code reads."""
