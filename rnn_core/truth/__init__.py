"""Answers that were given, matched with the truth that came in later."""
