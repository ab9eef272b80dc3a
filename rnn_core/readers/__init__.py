"""Raw files as a person has them: read, and checked row by row."""
