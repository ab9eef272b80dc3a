"""First things a user sees: the welcome, the help, and the completion of words in a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.commands.main import app
from rnn_core.tasks import REGISTRY as TASKS

REPOSITORY = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent


def test_without_a_command_it_shows_the_three_things_one_does():
    told = CliRunner().invoke(app, [])
    assert told.exit_code == 0
    steps = [line for line in told.output.splitlines() if line.strip()[:2] in {"1.", "2.", "3."}]
    assert [" ".join(step.partition("gatewise")[0].split()[1:]) for step in steps] == [
        "Bring your data",
        "Find the cell",
        "Use the model",
    ]
    assert all(name in told.output for name in TASKS)
    assert max(map(len, told.output.splitlines())) <= 80


def test_commands_that_the_welcome_names_are_taken():
    lines = CliRunner().invoke(app, []).output.splitlines()
    steps = lines[lines.index("") + 1 : lines.index("", lines.index("") + 1)]
    typed = [["gatewise", *line.partition("gatewise ")[2].split()] for line in steps]
    assert [words[1] for words in typed] == ["new", "run", "status", "predict", "serve"]
    for words in typed:
        assert CliRunner().invoke(app, [words[1], "--help"]).exit_code == 0, words


def test_help_has_every_command_in_a_group_with_what_it_does():
    """The first group is what one begins with; nothing is left to a group without a name."""
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    titles = [line.strip("╭╮─ ") for line in told.splitlines() if line.startswith("╭")]
    assert titles[:3] == ["Options", "From data to a recommendation", "Use a model"]
    assert "Commands" not in titles
    assert "--install-completion" in told


COMPLETE = """
source <(gatewise --show-completion bash)
COMP_WORDS=({words} '{last}')
COMP_CWORD={place}
_gatewise_completion gatewise
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

WORDS = [
    ("gatewise sta", {"status"}),
    ("gatewise new d --task fo", {"forecasting"}),
    ("gatewise new d --cells lstm,mingru", {"lstm,mingru", "lstm,mingru_block"}),
    ("gatewise new d --cells gru,gru", {"gru,gru_reset_after"}),
    ("gatewise predict shop.", {"shop.tea", "shop.salt"}),
    ("gatewise champion history shop.t", {"shop.tea"}),
    ("gatewise train t", {"tea"}),
    ("gatewise run --only compare", {"compare@tea", "compare@salt"}),
    ("gatewise run --dry", {"--dry-run"}),
    ("gatewise cells show mingru_", {"mingru_block"}),
]


@pytest.mark.parametrize(("line", "expected"), WORDS)
def test_bash_completes(line, expected, tmp_path):
    (tmp_path / "params.yaml").write_text("study: shop\ndatasets: {tea: {}, salt: {}}\n")
    *words, last = line.split()
    script = COMPLETE.format(words=" ".join(words), last=last, place=len(words))
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == expected, done.stderr


def test_words_are_completed_where_parameters_cannot_be_read(tmp_path, monkeypatch):
    """An error in a prompt would be in the way."""
    from flows.commands.front import completion

    monkeypatch.chdir(tmp_path)
    assert completion.models("") == completion.datasets("") == []
    for content in ("study: [", "- 1", "study: a\n", "\xff"):
        (tmp_path / "params.yaml").write_text(content, encoding="latin-1")
        assert completion.models("") == completion.datasets("") == []


NEEDLESS = {
    *("torch", "numpy", "pandas", "jinja2", "yaml", "httpx", "filelock"),
    *("mlflow", "prefect", "dvc"),
}


@pytest.mark.parametrize("variables", [{}, {"_GATEWISE_COMPLETE": "complete_bash"}])
def test_welcome_and_completion_import_little(variables):
    """Heavy modules would make the user wait after each TAB."""
    program = (
        "import sys\nfrom flows.commands.entry import main\nsys.argv = ['gatewise']\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    given = {"COMP_WORDS": "gatewise ru", "COMP_CWORD": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **given, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.split() == ["run"] if variables else "Find the cell" in done.stdout
    assert not {module.split(".")[0] for module in done.stderr.split()} & NEEDLESS
