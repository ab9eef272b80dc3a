"""A text becomes numbers of tokens and sides."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import build_vocabulary, encode
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.sides import cut_in_order
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.text_generation.parameters import TextData, TextMeta
from rnn_core.tasks.text_generation.tokens import read_text, tokenize

CODE_POINTS = 0x110000
"""Characters that Unicode has room for."""


def prepare(raw: Path, parameters: TextData) -> tuple[dict[str, Tensor], TextMeta]:
    """Number the tokens of a text by the vocabulary of its training side."""
    text = read_text(raw)
    sides = split_tokens(tokenize(text, parameters.tokens), parameters)
    vocabulary = build_vocabulary(sides["train"], parameters.max_vocabulary)
    index = {token: i for i, token in enumerate(vocabulary)}
    data: dict[str, Tensor] = {s: encode(side, index) for s, side in sides.items()}
    check_known(data, parameters.max_vocabulary)
    unknown = {s: [t for t in side[1:] if t not in index] for s, side in sides.items()}
    meta = TextMeta(
        parameters=parameters,
        vocabulary=vocabulary,
        items={s: len(side) for s, side in sides.items()},
        characters={s: sum(map(len, side[1:])) for s, side in sides.items()},
        unknown={s: len(tokens) for s, tokens in unknown.items()},
        spelling_nats=spelling_nats(unknown, sides["train"]),
        optimum=text_optimum(raw, len(sides["test"])),
    )
    return data, meta


def split_tokens(tokens: Sequence[str], parameters: TextData) -> dict[Split, Sequence[str]]:
    """Cut the text into its sides, in the order of the text."""
    parts = cut_in_order(tokens, parameters.validation_share, parameters.test_share)
    sides: dict[Split, Sequence[str]] = dict(zip(SPLITS, parts, strict=True))
    for split in SPLITS:
        if len(sides[split]) < 2:
            raise DataError(
                f"the text has {len(tokens)} tokens, which leaves the {split} side fewer than 2; "
                "it is too short"
            )
    if len(set(sides["train"])) == 1:
        raise DataError(
            f"the training side is {sides['train'][0]!r} over and over; there is nothing to learn"
        )
    return sides


def check_known(data: Data, max_vocabulary: int) -> None:
    """Refuse a text of which the vocabulary covers less than half.

    Raises:
        ParameterError: If the training side is cut down too far.
        DataError: If another side is too different from the training side.
    """
    unknown = {split: float((data[split] == 0).double().mean()) for split in SPLITS}
    if unknown["train"] > 0.5:
        raise ParameterError(
            f"max_vocabulary {max_vocabulary} makes {unknown['train']:.0%} of the tokens "
            "unknown; raise it"
        )
    for split in SPLITS[1:]:
        if unknown[split] > 0.5:
            raise DataError(
                f"{unknown[split]:.0%} of the tokens of the {split} side are not in the "
                "vocabulary of the training side; is the text of one kind, and long enough?"
            )


def spelling_nats(
    unknown: Mapping[Split, Sequence[str]], train: Sequence[str]
) -> dict[Split, float]:
    """Nats that it takes to spell the unknown tokens of each side.

    Characters, and an end after each token, have their relative frequency in the training
    side, drawn to an equal one for all of Unicode as by one earlier observation.
    """
    counts = Counter(character for token in train for character in token)
    total = counts.total() + len(train) + 1
    rare = 1 / (CODE_POINTS + 1)
    end = math.log(total / (len(train) + rare))
    cost = {token: end for side in unknown.values() for token in side}
    for token in cost:
        cost[token] += sum(math.log(total / (counts[c] + rare)) for c in token)
    return {split: math.fsum(map(cost.__getitem__, side)) for split, side in unknown.items()}


def text_optimum(raw: Path, num_test: int) -> float | None:
    """Entropy of the test side, where the source knows it character by character."""
    file = raw / "log_probability.npy"
    if not file.exists():
        return None
    return float(-np.load(file)[1 - num_test :].mean())
