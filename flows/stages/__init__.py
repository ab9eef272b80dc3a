"""The stages of the graph, one verb a file; each runs in its own process."""
