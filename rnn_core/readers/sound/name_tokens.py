"""The names of recordings in parts: folders, splits, texts and numbers."""

import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from rnn_core.metric import Split
from rnn_core.readers.sound.name_roles import TAKE
from rnn_core.readers.sound.recording_files import Files, bare_name
from rnn_core.readers.splits import SPLIT_NAMES, splits_named
from rnn_core.wording import amount

LIST = re.compile(rf"({'|'.join(SPLIT_NAMES)})(_?list)?\.txt", re.IGNORECASE)

BACKGROUND = re.compile(r"_?background[ _-]?noise_?", re.IGNORECASE)
"""The folder of Speech Commands with minutes of noise, which is no word."""

FOLD = re.compile(r"fold[ _-]?\d+", re.IGNORECASE)
"""A folder of recordings that are kept together, which tells no word."""

COLLECTIONS = frozenset(
    {"recordings", "recording", "wav", "wavs", "audio", "clips", "data", "sounds", "samples"}
)
"""Usual names of a folder of all recordings."""

SEPARATORS = "_- ."
"""Separators in names, the most usual first."""

UNNUMBERED = re.compile(r"(?P<text>.*?\D)[ ]?\(?(?P<number>\d+)\)?")


class Recording(NamedTuple):
    """A recording, as the names of its file and folders describe it.

    Attributes:
        path: The file.
        name: Its path from the raw folder, for messages.
        word: What is said, or the class.
        speaker: Who says it; None if no name tells.
        take: Which try it is; None if no name tells.
        split: What it is for; None if nothing tells.
    """

    path: Path
    name: str
    word: str
    speaker: str | None
    take: str | None
    split: Split | None = None


class Tokens(NamedTuple):
    """The name of a file in parts.

    Attributes:
        texts: Parts before the number of the take.
        take: That number; None if there is none.
    """

    texts: tuple[str, ...]
    take: str | None


class Item(NamedTuple):
    """A recording whose name is not understood yet; names have one Unicode form (NFC).

    Attributes:
        path: The file.
        name: Its path from the raw folder, for messages.
        all_folders: The folders that it lies in.
        folders: Those among them that may tell something about it.
        bare: The file's name without its end.
        split: What it is for; None if nothing tells.
    """

    path: Path
    name: str
    all_folders: tuple[str, ...]
    folders: tuple[str, ...]
    bare: str
    split: Split | None

    def said(self, word: str, speaker: str | None, take: str | None) -> Recording:
        """The recording, now that it is understood."""
        return Recording(self.path, self.name, word, speaker, take, self.split)


def items_of(raw: Path, files: Files) -> tuple[list[Item], list[str]]:
    """The recordings of words in a folder, and messages about files that are left out."""
    items, noise = [], 0
    for path in files.recordings:
        name = path.relative_to(raw)
        parts = tuple(unicodedata.normalize("NFC", part) for part in name.parts[:-1])
        if any(BACKGROUND.fullmatch(part) for part in parts):
            noise += 1
            continue
        bare = unicodedata.normalize("NFC", bare_name(name))
        items.append(Item(path, name.as_posix(), parts, parts, bare, None))
    items = without_common_folders(items)
    lists = [path for path in files.others if LIST.fullmatch(path.name) and path.is_file()]
    splits = splits_by_list(lists)
    if splits.keys() & {item.path for item in items}:
        items = [item._replace(split=splits.get(item.path, "train")) for item in items]
    else:
        lists = []
    left = [p.relative_to(raw).as_posix() for p in files.others if p not in lists]
    return items, [f"background noise ({amount(noise, 'recording')})"] * bool(noise) + left


def is_no_word(name: str) -> bool:
    """Return whether a name has a digit or separator, and so is no word that may be said.

    A hyphen may be in one, as in well-known.
    """
    return any(letter.isdigit() or letter in set(SEPARATORS) - {"-"} for letter in name)


def splits_by_list(lists: list[Path]) -> dict[Path, Split]:
    """Split of each recording, from lists as Speech Commands has them.

    They are called testing_list.txt and validation_list.txt, and name recordings as seen from
    their own folder; what they do not name is trained on.
    """
    splits: dict[Path, Split] = {}
    called = {path: match[1] for path in lists if (match := LIST.fullmatch(path.name))}
    named = splits_named(called.values())
    for path, name in called.items():
        for line in path.read_text("utf-8-sig", "replace").splitlines():
            if line.strip():
                splits[path.parent / line.strip()] = named[name]
    return splits


def without_common_folders(items: list[Item]) -> list[Item]:
    """Without the folders that tell no word: those of splits, and those that all lie in."""
    depth = min((len(item.folders) for item in items), default=0)
    for level in range(depth):
        names = Counter(item.folders[level] for item in items)
        splits = splits_named(names)
        kinds = set(splits.values())
        if len(splits) == len(names) and "train" in kinds and len(kinds) > 1:
            return without_common_folders([of_split(item, level, splits) for item in items])
        if all(map(FOLD.fullmatch, names)):
            return without_common_folders([without_level(item, level) for item in items])
        (first, *more) = names
        if not more and (depth > 1 or holds_all(first, items)):
            return without_common_folders([without_level(item, level) for item in items])
    return items


def of_split(item: Item, level: int, splits: dict[str, Split]) -> Item:
    """An item whose folder of a level is that of a split."""
    return without_level(item._replace(split=splits[item.folders[level]]), level)


def without_level(item: Item, level: int) -> Item:
    """An item without the folder of a level."""
    return item._replace(folders=item.folders[:level] + item.folders[level + 1 :])


def holds_all(folder: str, items: list[Item]) -> bool:
    """Return whether the only folder holds all words, by its name or by names of three parts."""
    if folder.lower() in COLLECTIONS:
        return True
    separator = separator_of([item.bare for item in items])
    parts = [tokens_of(item.bare, separator) for item in items]
    long = [part.texts for part in parts if part.take is not None and len(part.texts) > 1]
    return len(long) > len(parts) / 2 and len({text[0] for text in long}) > 1


def separator_of(names: list[str]) -> str:
    """Separator in the names of most files; empty if there is none.

    That is what parts numbers of takes from the rest of most names, if anything does: a word may
    hold what else parts names.
    """
    takes = {
        separator: sum(tokens_of(name, separator).take is not None for name in names)
        for separator in SEPARATORS
        if any(separator in name for name in names)
    }
    best = max(takes, key=lambda separator: takes[separator], default="")
    if best and 2 * takes[best] >= len(names):
        return best
    for separator in SEPARATORS:
        if 2 * sum(separator in name for name in names) >= max(len(names), 1):
            return separator
    return ""


def tokens_of(name: str, separator: str) -> Tokens:
    """The parts of a name."""
    texts = tuple(text for text in name.split(separator) if text) if separator else (name,)
    if len(texts) > 1 or (texts and texts[0].isdigit()):
        if match := TAKE.fullmatch(texts[-1].strip("()")):
            return Tokens(without_nohash(texts[:-1]), match["number"])
    elif texts and (match := UNNUMBERED.fullmatch(texts[0])):
        return Tokens((match["text"],), match["number"])
    return Tokens(without_nohash(texts), None)


def without_nohash(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Without what Speech Commands has between speaker and take in every name."""
    return tuple(text for text in texts if text != "nohash")
