"""Training of one seed: its loop, its folder, its size and its tuned values."""
