"""Inputs of a finished model, compared with those that it was trained on."""
