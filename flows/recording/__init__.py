"""Exchange with DVC about a study, by its public command line."""
