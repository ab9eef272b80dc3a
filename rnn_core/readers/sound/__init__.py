"""Recordings in the user's files: names, splits and transcripts."""
