"""A command that is shown can be copied into a shell."""

import shlex
from pathlib import Path

import pytest

from flows.system.command_line import command_line, study_command


@pytest.mark.parametrize(
    "name", ["shop", "my shop", "it's", 'a "b"', 'it\'s "x"', "?#%41&$HOME`id`", "-x", "a\nb", "~"]
)
def test_shell_reads_the_words_as_they_are(name):
    assert shlex.split(command_line("serve", name)) == ["gatewise", "serve", name]
    place = f"./{name}" if name == "-x" else name
    assert shlex.split(command_line("run", Path(name))) == ["gatewise", "run", place]


def test_current_folder_is_left_out():
    assert command_line("run", Path()) == "gatewise run"


def test_command_for_a_study_is_right_in_another_folder(tmp_path, monkeypatch):
    (tmp_path / "my shop").mkdir()
    monkeypatch.chdir(tmp_path / "my shop")
    for folder in (Path(), Path("../my shop")):
        command = shlex.split(study_command(folder, "doctor", "--fix"))
        assert command == ["gatewise", "doctor", "--fix", str(tmp_path / "my shop")]
