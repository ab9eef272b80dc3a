"""Write the pages of the documentation that are made from code: `python -m generated_pages`."""

from pathlib import Path

from generated_pages import PAGES

DOCS = Path(__file__).parents[2] / "docs"

for name, page in PAGES.items():
    (DOCS / name).write_text(page(), encoding="utf-8")
