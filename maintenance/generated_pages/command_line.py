"""The page of all commands, from their parser."""

import re

import typer.main
from typer.cli import get_docs_for_click

from flows.commands.main import app

SHORTENED = re.compile(r"^(\* `[\w-]+`: )(.+)\.\.\.$", re.MULTILINE)
"""A line of a list of commands, in which typer cuts the description."""


def page() -> str:
    """The page, in Markdown."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="gatewise")
    with context:
        text = get_docs_for_click(obj=command, ctx=context, name="gatewise", title="Command line")
    return SHORTENED.sub(lambda found: found[1] + sentence(found[2], text), text).rstrip() + "\n"


def sentence(start: str, text: str) -> str:
    """The whole sentence that begins so at the start of a paragraph."""
    found = re.search(rf"^{re.escape(start)}.*(?:\n.+)*", text, re.MULTILINE)
    assert found, start
    return " ".join(found[0].split()).partition(". ")[0].removesuffix(".") + "."
