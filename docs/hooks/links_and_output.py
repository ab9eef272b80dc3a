"""Files of the site that lie elsewhere, links to them, and the output of commands in pages.

Pages are written so that they can be read outside the site too. MkDocs calls the functions whose
names begin with `on_`.
"""

import re
import shlex
import sys
from os.path import normpath
from pathlib import Path, PurePosixPath
from textwrap import dedent

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.testing import CliRunner

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from flows.commands.main import app  # noqa: E402 - it is found only now

COPIED = {"contributing.md": "CONTRIBUTING.md", "images/cells.svg": "reports/cells.svg"}
"""Files of the site that lie elsewhere in the repository."""

LINK = re.compile(r"(!?)\[([^\[\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
"""A link to a file: its sign for a picture, text, path and anchor."""

CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
"""Code in a page, which may look like a link."""

OUTSIDE = re.compile(r"^<!-- outside the site -->\n.*?^<!-- end -->\n", re.DOTALL | re.MULTILINE)
"""Lines for those who read a page outside the site."""

OUTPUT = re.compile(
    r"^```console\n\$ gatewise (.+)\n```\n<!-- with its output(?:, the block at `([^`]+)`)? -->$",
    re.MULTILINE,
)
"""A command in a page that is shown with what it prints."""

SOURCE = re.compile(r"^<!-- source of `(.+)` -->$", re.MULTILINE)
"""A line of a page in whose place a file of Python is shown."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files from elsewhere in the repository."""
    for name, source in COPIED.items():
        files.append(File.generated(config, name, abs_src_path=str(REPOSITORY / source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Change what is for those who read the page elsewhere into what the site has."""
    name = page.file.src_uri
    markdown = OUTSIDE.sub("", markdown)
    markdown = SOURCE.sub(lambda found: file_shown(found[1]), markdown)
    markdown = OUTPUT.sub(lambda found: shown(found[1], found[2], name), markdown)
    parts = CODE.split(markdown)  # every other one is code
    parts[::2] = [LINK.sub(lambda found: relinked(found, name), part) for part in parts[::2]]
    return "".join(parts)


def relinked(found: re.Match[str], name: str) -> str:
    """A link between files of the repository as one between pages; without one, its text alone.

    Args:
        found: The link.
        name: Name of the page on the site.
    """
    sign, text, path, anchor = found.groups(default="")
    here = PurePosixPath(COPIED.get(name, f"docs/{name}"))
    place = normpath(here.parent / path)
    ours = {source: copy for copy, source in COPIED.items()}.get(place)
    ours = ours or (place.removeprefix("docs/") if place.startswith("docs/") else None)
    if ours is None:
        return text
    back = "../" * name.count("/")
    return f"{sign}[{text}]({back}{ours}{anchor})"


def file_shown(name: str) -> str:
    """A file of the repository, as a block of Markdown."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return f"```python\n{text.rstrip()}\n```"


def shown(arguments: str, start: str | None, page: str) -> str:
    """A command and what it prints, as a block of Markdown.

    Args:
        arguments: Of `gatewise`.
        start: A part of the line at which the shown block of C begins; None: show all.
        page: For messages.

    Raises:
        PluginError: If the command fails.
    """
    done = CliRunner().invoke(app, shlex.split(arguments))
    if done.exit_code:
        raise PluginError(f"{page}: gatewise {arguments} failed: {done.output}")
    told = f"```console\n$ gatewise {arguments}\n"
    if start is None:
        return f"{told}{done.stdout.rstrip()}\n```"
    return f"{told}```\n\n```c\n{block_at(done.stdout, start)}\n```"


def block_at(code: str, start: str) -> str:
    """The block of C that begins at the first line with some text."""
    found = re.search(rf"^( *).*{re.escape(start)}.*\n(?:.*\n)*?\1}}", code, re.MULTILINE)
    if not found:
        raise PluginError(f"no block of the code begins with {start!r}")
    return dedent(found[0])
