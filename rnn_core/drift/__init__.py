"""Compare inputs of a finished model with those that it was trained on."""
