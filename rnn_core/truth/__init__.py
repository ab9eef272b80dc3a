"""Match the answers of a model with the truth that came in later."""
