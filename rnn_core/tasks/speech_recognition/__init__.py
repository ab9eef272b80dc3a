"""Speech recognition: which word was spoken in a recording."""
