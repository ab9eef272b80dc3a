"""The report of a study: page, Markdown, figures, and cards of models."""
