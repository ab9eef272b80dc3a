"""A server that answers over HTTP with registered models, and a page to try them."""
