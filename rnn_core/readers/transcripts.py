"""Recordings with a text: as a table lists them, or joined from recordings of single words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.audio import Samples
from rnn_core.readers.recording_sides import (
    SIDES,
    SplitParameters,
    check_groups,
    of_side,
    share_sides,
    split_recordings,
)
from rnn_core.readers.recordings import Recording, check_stray, list_words, read_all, visible_files

if TYPE_CHECKING:
    import pandas as pd

TABLE_NAMES = ("transcripts.tsv", "transcripts.csv")


@dataclass(frozen=True, kw_only=True)
class JoinParameters:
    """How strings are joined from recordings of single words; without `strings`, none are.

    Attributes:
        strings: Strings of the train, validation and test sides; empty: the raw folder has
            recordings with transcripts.
        string_words: Fewest and most words of a string.
        pause_seconds: Shortest and longest pause before, between and after words.
        snr_db: Lowest and highest ratio of a string's speech to the noise that is added.
        strings_seed: Seed of all that is drawn.
    """

    strings: tuple[int, ...] = ()
    string_words: tuple[int, int] = (3, 5)
    pause_seconds: tuple[float, float] = (0.0, 0.2)
    snr_db: tuple[float, float] = (15.0, 40.0)
    strings_seed: int = 0

    def check_joining(self) -> None:
        """Refuse what is out of range.

        Raises:
            ValueError: If something is.
        """
        if self.strings and (len(self.strings) != len(SIDES) or min(self.strings) < 1):
            raise ValueError("strings must be three numbers above 0: train, validation and test")
        if not 1 <= self.string_words[0] <= self.string_words[1]:
            raise ValueError("string_words must be a fewest, at least 1, and a most")
        if not 0 <= self.pause_seconds[0] <= self.pause_seconds[1]:
            raise ValueError("pause_seconds must be a shortest, at least 0, and a longest")
        if self.snr_db[0] > self.snr_db[1]:
            raise ValueError("snr_db must be a lowest and a highest")


class Utterance(NamedTuple):
    """A recording and what is said in it.

    Attributes:
        name: What to call it in errors.
        samples: (N,).
        symbols: Words or characters.
        side: Its place in `SIDES`.
        speaker: Who says it; None if nothing tells.
    """

    name: str
    samples: Samples
    symbols: list[str]
    side: int
    speaker: str | None = None


def joined_utterances(
    raw: Path, split: SplitParameters, join: JoinParameters
) -> tuple[int, list[Utterance]]:
    """Strings of words by one speaker each, joined from recordings of their side alone.

    Returns:
        The sample rate in Hz, and the strings, side by side.

    Raises:
        DataError: If a recording cannot be used.
        ParameterError: If the split names what does not exist.
    """
    recordings = list_words(raw)
    sides = split_recordings(recordings, split)
    rate, samples = read_all([r.path for r in recordings], [r.name for r in recordings])
    utterances = []
    for side, (name, count) in enumerate(zip(SIDES, join.strings, strict=True)):
        draw = np.random.default_rng([join.strings_seed, side])
        by_speaker = speakers_words(of_side(recordings, sides, name), of_side(samples, sides, name))
        for index in range(count):
            speaker = list(by_speaker)[draw.integers(len(by_speaker))]
            length = draw.integers(join.string_words[0], join.string_words[1] + 1)
            pool = by_speaker[speaker]
            chosen = [pool[place] for place in draw.integers(len(pool), size=length)]
            whole = join_samples([sound for _, sound in chosen], rate, join, draw)
            symbols = [word for word, _ in chosen]
            title = f"{name} string {index + 1}"
            utterances.append(Utterance(title, whole, symbols, side, speaker))
    return rate, utterances


def speakers_words(
    recordings: Sequence[Recording], samples: Sequence[Samples]
) -> dict[str | None, list[tuple[str, Samples]]]:
    """Words and samples of each speaker; those whose speaker is unknown count as one."""
    by_speaker: dict[str | None, list[tuple[str, Samples]]] = defaultdict(list)
    for recording, sound in zip(recordings, samples, strict=True):
        by_speaker[recording.speaker].append((recording.word, sound))
    return by_speaker


def join_samples(
    pieces: list[Samples], rate_hz: int, join: JoinParameters, draw: np.random.Generator
) -> Samples:
    """Recordings one after the other, with pauses of random length and noise over all."""
    bounds = [round(seconds * rate_hz) for seconds in join.pause_seconds]
    pauses = draw.integers(bounds[0], bounds[1] + 1, size=len(pieces) + 1)
    whole = np.zeros(sum(map(len, pieces)) + pauses.sum())
    place = 0
    for pause, piece in zip(pauses, pieces, strict=False):
        whole[place + pause : place + pause + len(piece)] = piece
        place += pause + len(piece)
    loudness = np.sqrt(np.mean(np.concatenate(pieces).astype(np.float64) ** 2))
    noise = loudness * 10 ** (-draw.uniform(*join.snr_db) / 20)
    noisy: Samples = (whole + noise * draw.standard_normal(len(whole))).astype(np.float32)
    return noisy


def listed_utterances(
    raw: Path, split: SplitParameters, tokens: Literal["char", "word"]
) -> tuple[int, list[Utterance]]:
    """Recordings with the text that transcripts.tsv or .csv gives them.

    Returns:
        The sample rate in Hz, and the recordings in the order of the table.

    Raises:
        DataError: If a file or row cannot be used.
        ParameterError: If the split names what does not exist.
    """
    file, table = transcript_table(raw)
    check_listed(raw, file, table)
    names = list(table["file"])
    texts = [symbols_of(text, tokens) for text in table["text"]]
    sides = listed_sides(table, file, split)
    rate, samples = read_all([raw / name for name in names], names)
    known = "speaker" in table.columns
    speakers = [name or None for name in table["speaker"]] if known else [None] * len(table)
    rows = zip(names, samples, texts, sides, speakers, strict=True)
    return rate, [Utterance(*row) for row in rows]


def symbols_of(text: str, tokens: Literal["char", "word"]) -> list[str]:
    """Words of a text, or its characters with single spaces between words."""
    return text.split() if tokens == "word" else list(" ".join(text.split()))


def transcript_table(raw: Path) -> tuple[Path, "pd.DataFrame"]:
    """The table of transcripts of a raw folder, all of it text.

    Raises:
        DataError: If there is not exactly one, or it cannot be read.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    files = [raw / name for name in TABLE_NAMES if (raw / name).exists()]
    if not files:
        raise DataError(
            f"{raw} holds no transcripts.tsv with the columns file and text; write one, or set "
            "data.strings to join recordings of single words"
        )
    if len(files) > 1:
        raise DataError(f"{raw} holds transcripts.tsv and transcripts.csv; remove one of them")
    (file,) = files
    separator = "\t" if file.suffix == ".tsv" else ","
    try:
        table = pd.read_csv(
            file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(f"{file.name}, line {line} is not UTF-8; save it as UTF-8") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{file.name} is not a readable table: {error}".strip()) from None
    for column in ("file", "text"):
        if column not in table.columns:
            raise DataError(
                f"{file.name} has no column {column!r}, only {list(table.columns)}; its columns "
                f"are separated by {'tabs' if file.suffix == '.tsv' else 'commas'}"
            )
    if table.empty:
        raise DataError(f"{file.name} has no rows; write one for each recording")
    return file, table.fillna("")


def check_listed(raw: Path, file: Path, table: "pd.DataFrame") -> None:
    """Refuse a table and a folder that do not fit together.

    Raises:
        DataError: If they do not.
    """
    rows: dict[str, int] = {}
    for row, (name, text) in enumerate(zip(table["file"], table["text"], strict=True), 2):
        if name in rows:
            raise DataError(
                f"{file.name}, row {row}: {name} is in row {rows[name]} already; keep one"
            )
        if not (raw / name).is_file():
            raise DataError(f"{file.name}, row {row}: there is no file {name!r} in the folder")
        if not text.strip():
            raise DataError(f"{file.name}, row {row}: {name} has no text; write it or drop the row")
        rows[name] = row
    for path in visible_files(raw):
        if path != file:
            check_stray(path, raw)
            if (name := path.relative_to(raw).as_posix()) not in rows:
                raise DataError(f"{name} is not in {file.name}; add a row or remove the file")


def listed_sides(table: "pd.DataFrame", file: Path, split: SplitParameters) -> list[int]:
    """The side of each row, by shares or by the column `speaker`.

    Raises:
        DataError: If there is no such column, or too few rows.
        ParameterError: If the split names what does not exist.
    """
    if split.split_by == "share":
        shares = split.validation_share, split.test_share
        return share_sides([file.name] * len(table), *shares, split.split_seed)
    if split.split_by not in table.columns:
        raise DataError(
            f"{file.name} has no column {split.split_by!r}; add it, or set data.split_by to share"
        )
    groups = list(table[split.split_by])
    validation, test = set(map(str, split.validation)), set(map(str, split.test))
    check_groups(groups, validation | test, split.split_by)
    sides = [2 if group in test else int(group in validation) for group in groups]
    for side, name in enumerate(SIDES):
        if side not in sides:
            raise ParameterError(
                f"the split leaves no recording for the {name} side; change data.validation "
                "or data.test"
            )
    return sides
