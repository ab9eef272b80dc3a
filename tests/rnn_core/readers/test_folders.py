"""Files that systems leave in folders are ignored by every reader."""

import pytest

from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_files
from rnn_core.readers.pair_files import pair_files
from rnn_core.readers.sound.recording_files import find_files
from rnn_core.readers.tables import table_files
from rnn_core.readers.text_files import text_files
from rnn_core.readers.text_folders import find_class_folders, texts_of_classes
from rnn_core.tasks.sentiment.files import only_table

LEFT = ("Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX/._{}", "._{}")


def folder_with(folder, *names):
    """A folder of files as they lie there after they were unpacked on several systems."""
    for name in names:
        for left in ("{}", *LEFT):
            file = (folder / name).parent / left.format((folder / name).name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("a text, of three words\n")
    return folder


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.csv"], table_files),
        (["a.csv"], only_table),
        (["a.de", "a.en"], lambda raw: [*pair_files(raw, "a.de", None)]),
        (["a.txt", "b/c.txt"], lambda raw: text_files(raw, "it")),
        (["a.wav", "b/c.wav"], lambda raw: find_files(raw).recordings),
    ],
)
def test_readers_pass_over_what_systems_leave(tmp_path, names, found):
    raw = folder_with(tmp_path, *names)
    assert found(raw) == [raw / name for name in names]


def test_texts_in_folders_are_found_in_any_capitals(tmp_path):
    names = ["Train/neg/1.TXT", "Train/pos/1.Text", "test/neg/1.txt", "test/pos/2.txt"]
    raw = folder_with(tmp_path, *names)
    table = texts_of_classes(find_class_folders(raw), raw, Faults(), None)
    assert list(table.index) == names
    assert list(table["split"]) == [0, 0, 2, 2]


def test_links_to_folders_are_followed_once(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("a")
    (tmp_path / "data/again").symlink_to(tmp_path / "data")
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    (tmp_path / "nothing").symlink_to(tmp_path / "gone")
    names = [path.relative_to(tmp_path).as_posix() for path in visible_files(tmp_path)]
    assert names == ["data/a.txt", "linked/a.txt", "nothing"]
