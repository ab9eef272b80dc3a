"""Pages of the documentation that are written from code, and kept in `docs/`.

They are kept there so that they can be read and linked to where the site is not built. A test
compares them with the code.
"""

from collections.abc import Callable

from generated_pages import cells, command_line, parameters

PAGES: dict[str, Callable[[], str]] = {
    "cells.md": cells.page,
    "cli.md": command_line.page,
    "parameters.md": parameters.page,
}
"""A function that writes each page."""
