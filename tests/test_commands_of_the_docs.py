"""Every command of ours in the docs is one that the command line takes."""

import re
import shlex
from pathlib import Path

import click
import pytest
from typer.main import get_command

from flows.commands.main import app

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*(REPOSITORY / "docs").glob("*.md"), *REPOSITORY.glob("*.md")])
BLOCK = re.compile(r"^```(?:sh|console|bash)?\n(.*?)^```$|((?:^ {4}\S.*\n)+)", re.M | re.S)
INLINE = re.compile(r"`((?:gatewise) [^`\n]+)`")


def commands_of(page):
    """The commands of a page, in its blocks and in its sentences."""
    text = page.read_text()
    blocks = "".join(a or b for a, b in BLOCK.findall(text))
    lines = [re.sub(r"^\s*(?:\$ )?", "", line) for line in blocks.splitlines()]
    found = [re.sub(r"\s{2,}#.*| # .*", "", one) for one in lines if one.startswith("gatewise ")]
    return found + INLINE.findall(text)


FOUND = [(page.name, command) for page in PAGES for command in commands_of(page)]


def parsed(command, arguments):
    """Parse arguments as the command line does, and run nothing.

    A name in capitals stands for what a person puts there, and three points for whatever follows.
    """
    context = command.make_context(command.name, list(arguments), resilient_parsing=False)
    if isinstance(command, click.Group):
        _, below, rest = command.resolve_command(context, context.protected_args + context.args)
        return parsed(below, rest)
    return context


@pytest.mark.parametrize(("page", "command"), FOUND)
def test_command_is_taken(page, command):
    said = [word for word in shlex.split(command)[1:] if word != "..."]
    try:
        parsed(get_command(app), said)
    except click.exceptions.Exit:
        pass  # --help
    except click.MissingParameter:
        pass  # a sentence is about the command, and not about all that it takes
    except click.UsageError as error:
        pytest.fail(f"{page}: {command}: {error.format_message()}")


def test_there_are_commands():
    assert len(FOUND) > 50
