"""The welcome text, and the completion of words on the command line."""
