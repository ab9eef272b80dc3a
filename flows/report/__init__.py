"""What is told of a study: the page, the markdown, the pictures and the cards of models."""
