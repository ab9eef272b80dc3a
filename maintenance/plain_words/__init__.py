"""A check for plain words in all texts of the repository."""
