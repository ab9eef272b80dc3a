"""Readers of the user's own files, which check them row by row."""
