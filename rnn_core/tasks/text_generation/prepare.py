"""A text becomes numbers of tokens and splits."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.subwords import ExactSubwords, train_exact_subwords
from rnn_core.features.words import UNKNOWN, most_frequent
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.text_generation.parameters import TextData, TextMeta
from rnn_core.tasks.text_generation.splits import read_splits
from rnn_core.tasks.text_generation.tokens import CODE_POINTS, Numbered

LEARNED_FROM = 10_000_000
"""Characters that subwords are learned from, more or less; a bound on time only."""

STRETCH = 1 << 16
"""Characters that are cut into subwords at once; a bound on memory only."""


def prepare(raw: Path, parameters: TextData) -> tuple[dict[str, Tensor], TextMeta]:
    """Number the tokens of a text by the vocabulary of its training set."""
    text = read_splits(raw, parameters)
    if parameters.tokens == "subword":
        return prepare_subwords(raw, text, parameters)
    counts = dict(zip(text.kinds, text.counts("train").tolist(), strict=True))
    trained = {token: count for token, count in counts.items() if count}
    vocabulary = most_frequent(trained, parameters.max_vocabulary)
    data = to_tensors(text, vocabulary)
    check_known(data, parameters.max_vocabulary)
    later = {split: later_counts(text, split) for split in SPLITS}
    known = set(vocabulary)
    unknown = np.array([token not in known for token in text.kinds])
    lengths = np.array([len(token) for token in text.kinds])
    meta = TextMeta(
        parameters=parameters,
        vocabulary=vocabulary,
        items={split: len(text.splits[split]) for split in SPLITS},
        characters={split: int(later[split] @ lengths) for split in SPLITS},
        unknown={split: int(later[split] @ unknown) for split in SPLITS},
        spelling_nats=spelling_nats(text, unknown),
        optimum=text_optimum(raw, text) if parameters.split == "order" else None,
    )
    return data, meta


def prepare_subwords(
    raw: Path, text: Numbered, parameters: TextData
) -> tuple[dict[str, Tensor], TextMeta]:
    """Cut splits, which were read by characters, into subwords of the training split."""
    model = train_exact_subwords(lines_to_learn_from(text), parameters.max_vocabulary)
    subwords = ExactSubwords(model)
    data: dict[str, Tensor] = {split: cut(text, split, subwords) for split in SPLITS}
    return data, TextMeta(
        parameters=parameters,
        vocabulary=[UNKNOWN, *map(str, subwords.spelled[1:])],
        subwords=model,
        items={split: len(data[split]) for split in SPLITS},
        characters={split: len(text.splits[split]) for split in SPLITS},
        unknown=dict.fromkeys(SPLITS, 0),
        spelling_nats=dict.fromkeys(SPLITS, 0.0),
        optimum=text_optimum(raw, text, first=0) if parameters.split == "order" else None,
    )


def lines_to_learn_from(text: Numbered) -> list[str]:
    """Lines of stretches of the training split, evenly over it; of a shorter one, all.

    Raises:
        DataError: If there is nothing to learn from.
    """
    step = STRETCH * -(-len(text.splits["train"]) // LEARNED_FROM)
    starts = range(0, len(text.splits["train"]), step)
    stretches = (text.written("train", start, start + STRETCH) for start in starts)
    lines = [line for stretch in stretches for line in stretch.split("\n") if line.strip()]
    if not lines:
        raise DataError("the training set is nothing but white space; is it the right file?")
    return lines


def cut(text: Numbered, split: Split, subwords: ExactSubwords) -> Tensor:
    """The subwords of a split, after a line break from which the first one is predicted."""
    kind = smallest_integer(len(subwords.spelled))
    parts = [np.array([subwords.line_break], kind)]
    start, end = 0, len(text.splits[split])
    while start < end:
        piece = text.written(split, start, start + STRETCH)
        if start + STRETCH < end:  # not within a line, where it can be helped
            piece = piece[: piece.rfind("\n") + 1] or piece
        parts.append(np.array(subwords.encode(piece), kind))
        start += len(piece)
    return torch.from_numpy(np.concatenate(parts))


def to_tensors(text: Numbered, vocabulary: Sequence[str]) -> dict[str, Tensor]:
    """The place of each token in the vocabulary, 0 for an unknown one; see `smallest_integer`."""
    place = {token: i for i, token in enumerate(vocabulary)}
    places = np.array([place.get(token, 0) for token in text.kinds])
    table = places.astype(smallest_integer(len(vocabulary)))
    return {split: torch.from_numpy(table[text.splits[split]]) for split in SPLITS}


def smallest_integer(number: int) -> type[np.uint8] | type[np.int16] | type[np.int32]:
    """The smallest type of tensors for the numbers from 0 to `number` - 1."""
    if number <= np.iinfo(np.uint8).max + 1:
        return np.uint8
    return np.int16 if number <= np.iinfo(np.int16).max + 1 else np.int32


def later_counts(text: Numbered, split: Split) -> npt.NDArray[np.int64]:
    """Number of occurrences of each token in a split after its first one, (kinds,)."""
    counts = text.counts(split)
    counts[text.splits[split][0]] -= 1
    return counts


def check_known(data: Data, max_vocabulary: int) -> None:
    """Refuse a text if the vocabulary covers less than half of it.

    Raises:
        ParameterError: If the training set is cut down too far.
        DataError: If another split is too different from the training set.
    """
    unknown = {s: 1 - int(data[s].count_nonzero()) / len(data[s]) for s in SPLITS}
    if unknown["train"] > 0.5:
        raise ParameterError(
            f"max_vocabulary {max_vocabulary} makes {unknown['train']:.0%} of the tokens "
            "unknown; raise it"
        )
    for split in SPLITS[1:]:
        if unknown[split] > 0.5:
            raise DataError(
                f"{unknown[split]:.0%} of the tokens of the {split} set are not in the "
                "vocabulary of the training set; is the text of one kind, and long enough?"
            )


def spelling_nats(text: Numbered, unknown: npt.NDArray[np.bool_]) -> dict[Split, float]:
    """Nats that it takes to spell the unknown tokens of each split after its first.

    Characters, and an end after each token, have their relative frequency in the training
    set, drawn to an equal one for all of Unicode as by one earlier observation.

    Args:
        text: The tokens of each split.
        unknown: Whether each kind of token is unknown, (kinds,).
    """
    counts: dict[str, int] = {}
    for token, count in zip(text.kinds, text.counts("train").tolist(), strict=True):
        for character in token:
            counts[character] = counts.get(character, 0) + count
    total = sum(counts.values()) + len(text.splits["train"]) + 1
    rare = 1 / (CODE_POINTS + 1)
    end = math.log(total / (len(text.splits["train"]) + rare))
    places = unknown.nonzero()[0]
    cost = [
        end + math.fsum(math.log(total / (counts.get(c, 0) + rare)) for c in text.kinds[place])
        for place in places
    ]
    return {split: float(later_counts(text, split)[places] @ np.array(cost)) for split in SPLITS}


def text_optimum(raw: Path, text: Numbered, first: int = 1) -> float | None:
    """Entropy of the test set, where the source knows it character by character.

    Args:
        raw: The raw folder.
        text: The splits.
        first: The first token that is predicted.
    """
    file = raw / "log_probability.npy"
    if not file.exists():
        return None
    return float(-np.load(file)[first - len(text.splits["test"]) :].mean())
