"""`python -m random_cells`, with `tests/fuzzing` on the path."""

import sys

from random_cells.fuzz import main

if __name__ == "__main__":  # and not where a process that it started looks for its function
    sys.exit(main())
