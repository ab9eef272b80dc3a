"""The statistics that a comparison rests on: of seeds, of items, and of both together."""
