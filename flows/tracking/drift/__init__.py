"""Data in MLflow for comparing inputs with the training set of a model."""
