"""Diagnostics of the known problems of recurrent networks, on a seed's own weights and data."""
