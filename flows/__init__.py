"""The graph, the flow and everything else that is operational."""
