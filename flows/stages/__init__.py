"""The stages of the graph, one verb a file; each runs in its own process."""

DATASET_VERBS = ("ingest", "prepare", "train", "evaluate", "compare")
"""The stages of a dataset, in their order."""
