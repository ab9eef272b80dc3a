"""What DVC knows of a study: asked and told by its public command line."""
