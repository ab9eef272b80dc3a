"""Texts in folders that are called after their classes, a file each.

Such as pos/1.txt, or with a folder for each split above: train/pos/1.txt. So is the Large
Movie Review Dataset of Maas et al. (2011), P11-1015, which calls texts without a label
`unsup`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_files, visible_in
from rnn_core.readers.labelled_texts import one_form
from rnn_core.readers.plain_text import read_plain_text
from rnn_core.readers.splits import splits_named
from rnn_core.readers.text_files import is_plain

if TYPE_CHECKING:
    import pandas as pd

WITHOUT_LABEL = ("unsup", "unlabeled", "unlabelled")


def split_folders(raw: Path) -> dict[Path, Split]:
    """The folders that are called after splits, as far as there are any."""
    folders = {folder.name: folder for folder in visible_in(raw) if folder.is_dir()}
    return {folders[name]: split for name, split in splits_named(folders).items()}


def class_folders(folder: Path) -> list[Path]:
    """The folders of classes in one; those of texts without a label are none."""
    there = [one for one in visible_in(folder) if one.is_dir()]
    labelled = [one for one in there if one.name.lower() not in WITHOUT_LABEL]
    return [one for one in labelled if any(map(is_plain, visible_in(one)))]


def read_text_folders(raw: Path, faults: Faults) -> "pd.DataFrame | None":
    """Read texts in folders of their classes; None if there are no such folders.

    Args:
        raw: The folder.
        faults: Where files are noted that are no text.

    Returns:
        Columns `text`, `label` and `side`, the index of a split or -1, with the file of each as
        the index, `row`.

    Raises:
        DataError: If some splits are folders, and the training set is none.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    splits = {
        folder: split for folder, split in split_folders(raw).items() if class_folders(folder)
    }
    if splits and "train" not in splits.values():
        raise DataError(f"there is a folder {min(splits).name}, and none called train")
    places = {folder: SPLITS.index(split) for folder, split in splits.items()}
    rows = [
        (file, text, one_form(folder.name), side)
        for above, side in (places or {raw: -1}).items()
        for folder in class_folders(above)
        for file, text in texts_in(folder, raw, faults)
    ]
    if not rows:
        return None
    names, texts, labels, sides = zip(*rows, strict=True)
    columns = {"text": texts, "label": labels, "side": sides}
    return pd.DataFrame(columns, index=pd.Index(names, name="row"))


def texts_in(folder: Path, raw: Path, faults: Faults) -> Iterator[tuple[str, str]]:
    """The names and texts of the files of a folder that are text."""
    for file in filter(is_plain, visible_files(folder)):
        with faults.noted():
            yield file.relative_to(raw).as_posix(), read_plain_text(file).strip()
