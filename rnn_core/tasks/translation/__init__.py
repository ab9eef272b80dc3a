"""Translation: write in one language what a sentence says in another."""
