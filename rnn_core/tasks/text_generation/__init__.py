"""Text generation: predict the next character or word, and write on from a prompt."""
