"""The trainings of a cell on a dataset."""
