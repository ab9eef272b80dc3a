"""Copies of the user's own files in a study, and refusals before that."""

import os

import pytest

from flows.own_data.copying import check_data, copy_data
from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.folders import visible_files


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_study_inside_of_its_data_is_refused(tmp_path, monkeypatch):
    fill(tmp_path, "words/yes/a.wav")
    monkeypatch.chdir(tmp_path / "words")
    for folder, data in (("study", "."), ("../words/deep/study", "../words"), ("study", "yes/..")):
        with pytest.raises(ParameterError, match="is inside its own data"):
            check_data(type(tmp_path)(folder), [type(tmp_path)(data)])
    check_data(tmp_path / "beside", [tmp_path / "words"])


def test_all_that_cannot_be_copied_is_told_at_once(tmp_path):
    fill(tmp_path, "words/yes/a.wav")
    (tmp_path / "words/yes/gone.wav").symlink_to("nowhere.wav")
    (tmp_path / "words/no").symlink_to("never")
    (tmp_path / os.fsdecode(b"words/caf\xe9.wav")).touch()
    os.mkfifo(tmp_path / "words/pipe.wav")
    with pytest.raises(DataError) as caught:
        check_data(tmp_path / "study", [tmp_path / "words"])
    told = str(caught.value)
    assert told.startswith("4 faults")
    for fault in (
        "no is a link to nothing",
        "yes/gone.wav is a link to nothing",
        "caf\\xe9.wav has a name that is not UTF-8",
        "pipe.wav is not a file",
    ):
        assert fault in told


def test_a_link_that_goes_round_is_told(tmp_path):
    fill(tmp_path, "words/yes/a.wav")
    (tmp_path / "words/yes/round").symlink_to(tmp_path / "words")
    with pytest.raises(DataError) as caught:
        check_data(tmp_path / "study", [tmp_path / "words"])
    assert str(caught.value) == "yes/round is a link to a folder above it; remove it"


def test_a_link_to_a_folder_of_the_data_is_told_and_one_to_another_is_not(tmp_path):
    fill(tmp_path, "words/yes/a.wav", "else/b.wav")
    (tmp_path / "words/no").symlink_to(tmp_path / "else")
    check_data(tmp_path / "study", [tmp_path / "words"])
    (tmp_path / "words/latest").symlink_to("yes")
    with pytest.raises(DataError) as caught:
        check_data(tmp_path / "study", [tmp_path / "words"])
    assert str(caught.value) == (
        "latest is a link to a folder that is in the data too; remove it, since its files would be "
        "there twice"
    )
    (tmp_path / "linked").symlink_to("words")
    (tmp_path / "words/latest").unlink()
    check_data(tmp_path / "study", [tmp_path / "linked"])


def test_links_and_folders_that_are_hidden_are_no_doubles(tmp_path):
    """As Kubernetes mounts files: each is a link to what a hidden link to a hidden folder holds."""
    fill(tmp_path, "words/..2024_05_01/yes/a.wav")
    (tmp_path / "words/..data").symlink_to("..2024_05_01")
    (tmp_path / "words/yes").symlink_to("..data/yes")
    check_data(tmp_path / "study", [tmp_path / "words"])
    (tmp_path / "words/no").symlink_to("yes")
    check_data(tmp_path / "study", [tmp_path / "words"])
    copy_data([tmp_path / "words"], tmp_path / "copy")
    assert [file.parent.name for file in visible_files(tmp_path / "copy")] == ["no", "yes"]


def test_what_systems_leave_is_not_checked(tmp_path):
    fill(
        tmp_path, "words/yes/a.wav", "words/Icon\r", "words/THUMBS.DB", "words/__MACOSX/yes/Icon\r"
    )
    (tmp_path / "words/__MACOSX/gone").symlink_to("nowhere")
    check_data(tmp_path / "study", [tmp_path / "words"])
    copy_data([tmp_path / "words"], tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["yes"]


@pytest.mark.parametrize("name", ["a\nb.wav", "a\x1b[1m.wav"])
def test_names_that_no_line_can_show_are_told(tmp_path, name):
    fill(tmp_path, f"words/yes/{name}")
    with pytest.raises(DataError) as caught:
        check_data(tmp_path / "study", [tmp_path / "words"])
    assert str(caught.value) == (
        f"{'yes/' + name!r} has a name with a line break or another control character; rename it"
    )


def test_links_are_followed_and_what_systems_leave_is_not_copied(tmp_path):
    fill(tmp_path, "else/b.wav", "words/yes/a.wav", "words/Thumbs.db", "words/yes/._a.wav")
    fill(tmp_path, "words/__MACOSX/a.wav", "words/desktop.ini", "words/yes/.DS_Store")
    (tmp_path / "words/no").symlink_to(tmp_path / "else")
    check_data(tmp_path / "study", [tmp_path / "words"])
    copy_data([tmp_path / "words"], tmp_path / "copy")
    copied = {
        path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.*")
    }
    assert copied == {"yes/a.wav", "no/b.wav"}
    assert not (tmp_path / "copy/no").is_symlink()
