"""Every command in the docs is one that its program takes."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from dvc.cli.parser import get_main_parser
from typer.testing import CliRunner

from flows.commands.main import app
from rnn_core.study import read_study

REPOSITORY = Path(__file__).parents[1]
PARSER = REPOSITORY / "docs/cli.md"
"""It is written from the parser."""

PAGES = sorted({*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")} - {PARSER})
HISTORY = REPOSITORY / "CHANGELOG.md"
"""It names commands that are gone."""

BLOCK = re.compile(r"^```(?:sh|console|bash)?\n(.*?)^```$|((?:^ {4}\S.*\n)+)", re.M | re.S)
INLINE = re.compile(r"`((?:gatewise|make|dvc|pip) [^`\n]+)`")
ASSIGNED = re.compile(r"^[A-Z][A-Z_]*=\S+ ")

SHELL = {"cd", "cp", "curl", "dask", "export", "git", "ln", "mkdir", "prefect", "pytest", "source"}
"""Programs that are not ours, whose options these tests do not look at."""

TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


def commands_of(page):
    """The commands of a page, in its blocks and in its sentences."""
    text = page.read_text()
    blocks = "".join(a or b for a, b in BLOCK.findall(text))
    lines = [re.sub(r"^\s*(?:\$ )?", "", line) for line in blocks.splitlines()]
    told = [ASSIGNED.sub("", re.sub(r"\s{2,}#.*| # .*", "", one)) for one in lines]
    programs = {"gatewise", "make", "dvc", "pip", *SHELL}
    return [one for one in told if one.split(" ")[0] in programs] + INLINE.findall(text)


FOUND = [(page.name, command) for page in PAGES if page != HISTORY for command in commands_of(page)]


def commands_with(program):
    return [found for found in FOUND if found[1].split(" ")[0] == program]


@pytest.mark.parametrize(("page", "command"), commands_with("gatewise"))
def test_command_is_taken(page, command):
    """Options are looked at before help is shown, and what is missing is not asked for then.

    A sentence may name an option without its value.
    """
    said = [word for word in shlex.split(command)[1:] if word != "..."]
    told = [CliRunner().invoke(app, [*said, *value, "--help"]) for value in ([], ["x"])]
    assert 0 in {one.exit_code for one in told}, f"{page}: {told[0].output}"


@pytest.mark.parametrize(("page", "command"), commands_with("make"))
def test_target_is_there(page, command):
    names = [word for word in command.split()[1:] if "=" not in word]
    assert set(names) <= TARGETS, page


@pytest.mark.parametrize(("page", "command"), commands_with("dvc"))
def test_dvc_takes_it(page, command):
    """Its parser ends the process where a command is none."""
    assert get_main_parser().parse_args(shlex.split(command)[1:]).func


@pytest.mark.parametrize(("page", "command"), commands_with("pip"))
def test_extras_are_there(page, command):
    named = re.findall(r"\[([\w,]+)\]", command)
    assert {extra for names in named for extra in names.split(",")} <= EXTRAS.keys(), page


MADE = re.compile(r"gatewise new (studies/\w+) .*?--data (\S+)")
MODEL = re.compile(r"[a-z]\w*\.[a-z]\w*")
ENDINGS = {".csv", ".de", ".en", ".onnx", ".txt", ".wav"}
"""Of files, so that what has them is no model."""


MADE_AT = [found for _, command in commands_with("gatewise") if (found := MADE.match(command))]
STUDIES = {(made[1], f"{Path(made[1]).name}.{Path(made[2]).stem}") for made in MADE_AT}
"""The folders of the studies that the pages make, with the models that come from them."""

THERE = {"studies/benchmark", "studies/warnings"}
SAMPLE = {f"sample.{dataset}" for dataset in read_study(REPOSITORY).datasets}


def test_no_two_commands_make_different_studies_in_one_folder():
    folders = [folder for folder, _ in STUDIES]
    assert len(folders) > 5
    assert len(folders) == len(set(folders))


@pytest.mark.parametrize(("page", "command"), commands_with("gatewise"))
def test_studies_and_models_of_a_command_come_from_another_command(page, command):
    words = {word.partition("@")[0] for word in shlex.split(command)}
    studies = {word for word in words if word.startswith("studies/")}
    assert studies <= THERE | {folder for folder, _ in STUDIES}, page
    models = {word for word in words if MODEL.fullmatch(word)}
    models = {model for model in models if Path(model).suffix not in ENDINGS}
    assert models <= SAMPLE | {model for _, model in STUDIES}, page


def test_lines_of_blocks_begin_with_a_program():
    """So that no command is missed."""
    text = "".join((REPOSITORY / page).read_text() for page in PAGES if page != HISTORY)
    lines = "".join(re.findall(r"^```(?:sh|bash)\n(.*?)^```$", text, re.M | re.S)).splitlines()
    programs = {ASSIGNED.sub("", line).split(" ")[0] for line in lines if line.strip()}
    assert programs <= {"gatewise", "make", "dvc", "pip", "python", *SHELL}


def test_there_are_commands():
    assert len(FOUND) > 100
