"""The stages of the graph, one verb a file; each runs in a process of its own."""
