"""MLflow: what run folders say is shown there, and the best models are registered."""
