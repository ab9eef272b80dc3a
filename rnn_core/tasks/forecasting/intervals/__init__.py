"""Prediction intervals: quantiles, and how wide they have to be."""
