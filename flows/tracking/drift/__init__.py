"""What MLflow keeps for the comparison of inputs with the training set of a model."""
