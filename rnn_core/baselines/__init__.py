"""Simple predictors without a recurrent cell."""
