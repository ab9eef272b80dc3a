"""Sentiment: which class a sentence belongs to, such as praise or blame."""
