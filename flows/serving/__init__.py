"""Registered models answered over HTTP, and a page to try them."""
