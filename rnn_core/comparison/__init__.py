"""Which candidate to use: paired evidence, and a rule that says when there is not enough."""
