"""MLflow: show the content of run folders there, and register the best models."""
