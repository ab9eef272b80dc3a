"""The numeric library of Gatewise: cells, models, tasks, training and comparison."""
