"""Every command of ours in the docs is one that the command line takes."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.commands.main import app

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted({*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")})
HISTORY = REPOSITORY / "CHANGELOG.md"
"""It names commands that are gone."""

BLOCK = re.compile(r"^```(?:sh|console|bash)?\n(.*?)^```$|((?:^ {4}\S.*\n)+)", re.M | re.S)
INLINE = re.compile(r"`((?:gatewise) [^`\n]+)`")


def commands_of(page):
    """The commands of a page, in its blocks and in its sentences."""
    text = page.read_text()
    blocks = "".join(a or b for a, b in BLOCK.findall(text))
    lines = [re.sub(r"^\s*(?:\$ )?", "", line) for line in blocks.splitlines()]
    found = [re.sub(r"\s{2,}#.*| # .*", "", one) for one in lines if one.startswith("gatewise ")]
    return found + INLINE.findall(text)


FOUND = [(page.name, command) for page in PAGES if page != HISTORY for command in commands_of(page)]


@pytest.mark.parametrize(("page", "command"), FOUND)
def test_command_is_taken(page, command):
    """Options are looked at before help is shown, and what is missing is not asked for then.

    A sentence may name an option without its value.
    """
    said = [word for word in shlex.split(command)[1:] if word != "..."]
    told = [CliRunner().invoke(app, [*said, *value, "--help"]) for value in ([], ["x"])]
    assert 0 in {one.exit_code for one in told}, f"{page}: {told[0].output}"


def test_there_are_commands():
    assert len(FOUND) > 50
