"""Texts in folders that are called after their classes, a file each.

Such as pos/1.txt, or with a folder for each split above: train/pos/1.txt. So is the Large
Movie Review Dataset of Maas et al. (2011), P11-1015, which calls texts without a label
`unsup`. Folders around them are passed over.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import check_link, visible_files, visible_in
from rnn_core.readers.formats.encodings import first_that_is_not
from rnn_core.readers.formats.packed import unpacked
from rnn_core.readers.plain_text import as_seen, read_plain_text
from rnn_core.readers.splits import NO_SPLIT, SPLIT_NAMES, split_word, splits_named
from rnn_core.readers.text_files import is_plain

if TYPE_CHECKING:
    import pandas as pd

WITHOUT_LABEL = ("unsup", "unsupervised", "unlabeled", "unlabelled")


class ClassFolder(NamedTuple):
    """A folder of texts of one class.

    Attributes:
        folder: The folder, which is called as the class.
        split: The index of its split, or `NO_SPLIT`.
    """

    folder: Path
    split: int


def is_text(file: Path) -> bool:
    """Return whether a file in a folder of a class is a text: by its ending, or a number.

    So is a link to nothing, which is refused when it is read.
    """
    return (is_plain(file) or file.name.isdecimal()) and not file.is_dir()


def split_folders(raw: Path) -> dict[Path, Split]:
    """The folders that are called after splits, as far as there are any.

    Where none is called so alone, a word in their names counts, as in news-train.
    """
    folders = {folder.name: folder for folder in visible_in(raw) if folder.is_dir()}
    if exact := splits_named(folders):
        return {folders[name]: split for name, split in exact.items()}
    words = {one: word for name, one in folders.items() if (word := split_word(name))}
    named = splits_named(words.values())
    several = "train" in named.values() and len(named) > 1
    return {one: named[word] for one, word in words.items()} if several else {}


def class_folders(folder: Path) -> list[Path]:
    """The folders of classes in one; those of splits, or of texts without a label, are none."""
    there = [one for one in visible_in(folder) if one.is_dir()]
    if any(one.name.lower() in SPLIT_NAMES for one in there):
        there = [one for one in there if one.name.lower() not in SPLIT_NAMES]
    labelled = [one for one in there if one.name.lower() not in WITHOUT_LABEL]
    return [one for one in labelled if any(map(is_text, visible_in(one)))]


def find_class_folders(raw: Path) -> list[ClassFolder]:
    """Find the folders of classes, below any number of folders around them; none if there are none.

    Raises:
        DataError: If some splits are folders, and the training set is none, or several folders
            hold folders of classes.
    """
    splits = {
        folder: split for folder, split in split_folders(raw).items() if class_folders(folder)
    }
    if splits and "train" not in splits.values():
        raise DataError(f"there is a folder {min(splits).name}, and none called train")
    places = {folder: SPLITS.index(split) for folder, split in splits.items()} or {raw: NO_SPLIT}
    found = [
        ClassFolder(folder, index)
        for above, index in places.items()
        for folder in class_folders(above)
    ]
    if len({one.folder.name for one in found}) > 1:
        return found
    below = [one for one in visible_in(raw) if one.is_dir() and not one.is_symlink()]
    inside = {one.name: there for one in below if (there := find_class_folders(one))}
    inside = {name: there for name, there in inside.items() if len(there) > 1}
    if len(inside) > 1:
        raise DataError(
            f"there are folders of classes in each of {some([*inside], 5)}; give one of these "
            "folders, or put the texts of a class into one folder"
        )
    return next(iter(inside.values()), found)


def texts_of_classes(
    classes: Sequence[ClassFolder], raw: Path, faults: Faults, encoding: str | None
) -> "pd.DataFrame | None":
    """Read the texts in folders of classes; None if there are none.

    Args:
        classes: The folders.
        raw: The folder that they are in.
        faults: Where files are noted that are no text.
        encoding: Of texts that are not in UTF-8.

    Returns:
        Columns `text`, `label` and `split`, the index of a split or `NO_SPLIT`, with the file of
        each as the index, `row`.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    rows = [
        (file, text, as_seen(folder.name), split)
        for folder, split in classes
        for file, text in texts_in(folder, raw, faults, encoding)
    ]
    if not rows:
        return None
    names, texts, labels, splits = zip(*rows, strict=True)
    columns = {"text": texts, "label": labels, "split": splits}
    return pd.DataFrame(columns, index=pd.Index(names, name="row"))


def texts_in(
    folder: Path, raw: Path, faults: Faults, encoding: str | None = None
) -> Iterator[tuple[str, str]]:
    """The names and texts of the files of a folder that are text."""
    for file in filter(is_text, visible_files(folder)):
        name = file.relative_to(raw).as_posix()
        with faults.noted():
            check_link(file, name)
            own = encoding and ("utf-8" if is_utf_8(file, name) else encoding)
            yield name, read_plain_text(file, own, name).strip()


def is_utf_8(file: Path, name: str) -> bool:
    """Return whether a file, unpacked, is in UTF-8; `name` is what errors call it."""
    return first_that_is_not(unpacked(file, Faults(), called=name)[0], "utf-8") is None
