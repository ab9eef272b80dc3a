"""Random cells, held against the eager loop: as a property test, and by the thousand.

`expressions` says what a step may be made of, `generator` draws cells and how they are called,
`oracle` compares, and `python -m random_cells` with `tests/fuzzing` on the path runs many of them.
"""
