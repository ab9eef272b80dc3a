"""Processes and servers around a run."""
