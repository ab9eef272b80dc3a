"""Common parts of all tasks."""
