"""Known values of the rows to predict."""
