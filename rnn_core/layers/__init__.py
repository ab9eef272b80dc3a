"""Recurrent layers around any cell, and what they run on."""
