"""Processes, servers and settings of the system around a run."""
