"""Pages of the site that are made when it is built, and the output of commands in pages.

MkDocs calls the functions whose names begin with `on_`.
"""

import re
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from textwrap import dedent, indent

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click
from typer.testing import CliRunner

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from flows.commands import cells  # noqa: E402 - it is found only now
from flows.commands.main import app  # noqa: E402 - as above
from rnn_core.tasks import REGISTRY, get_task  # noqa: E402 - as above

COPIED = {"contributing.md": "CONTRIBUTING.md", "images/cells.svg": "reports/cells.svg"}
"""Files of the site that lie elsewhere in the repository."""

OUTPUT = re.compile(
    r"^( *)<!-- output of `gatewise ([^`]+)`(?:, the block at `([^`]+)`)? -->$", re.MULTILINE
)
"""A line of a page in whose place a command and what it prints are shown."""

SOURCE = re.compile(r"^<!-- source of `(.+)` -->$", re.MULTILINE)
"""A line of a page in whose place a file of Python is shown."""

KINDS = ("DataParameters", "ModelParameters", "AnswerParameters")
"""Classes that a task declares: the keys of `data:` and `model:`, and those of `predict --set`."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from code, and files from elsewhere in the repository."""
    for name, source in COPIED.items():
        files.append(File.generated(config, name, abs_src_path=str(REPOSITORY / source)))
    made = {"cells.md": cells.page, "cli.md": command_line, "parameters.md": parameters}
    for name, page in made.items():
        files.append(File.generated(config, name, content=page()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put files and the output of commands where a page asks for them."""
    source = page.file.src_uri
    markdown = SOURCE.sub(lambda found: file_shown(found[1]), markdown)
    return OUTPUT.sub(lambda found: indent(shown(found[2], found[3], source), found[1]), markdown)


def command_line() -> str:
    """The page of all commands, from the parser."""
    command = typer.main.get_command(app)
    with typer.Context(command, info_name="gatewise") as context:
        return get_docs_for_click(obj=command, ctx=context, name="gatewise", title="Command line")


def parameters() -> str:
    """The page of all keys of params.yaml, from the classes that read them."""
    head = (REPOSITORY / "docs/hooks/parameters.md").read_text(encoding="utf-8")
    return head + "".join(parameters_of(task) for task in REGISTRY)


def parameters_of(task: str) -> str:
    """The section of one task."""
    declared = [getattr(get_task(task), kind) for kind in KINDS]
    names = [f"{kind.__module__}.{kind.__name__}" for kind in declared if fields(kind)]
    return f"\n## {task}\n" + "".join(f"\n::: {name}\n" for name in names)


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
    if start is None:
        return f"```console\n$ gatewise {arguments}\n{done.stdout.rstrip()}\n```"
    return f"```c\n{block_at(done.stdout, start)}\n```"


def block_at(code: str, start: str) -> str:
    """The block of C that begins at the first line with some text."""
    found = re.search(rf"^( *).*{re.escape(start)}.*\n(?:.*\n)*?\1}}", code, re.MULTILINE)
    if not found:
        raise PluginError(f"no block of the code begins with {start!r}")
    return dedent(found[0])
