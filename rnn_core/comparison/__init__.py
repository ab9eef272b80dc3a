"""Choice of a candidate: paired evidence, and a rule that says when there is not enough."""
