"""Parameters to start from, for the user's own text."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.readers.text_files import by_split, usual_encoding
from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.splits import about_trained, raw_files

SIZES: tuple[tuple[float, tuple[int, int, int, int, int]], ...] = (
    (20_000, (64, 32, 32, 8, 40)),
    (200_000, (128, 64, 64, 16, 20)),
    (5_000_000, (320, 64, 128, 32, 10)),
    (math.inf, (512, 64, 128, 64, 4)),
)
"""For fewer training tokens: hidden and embedding size, sequence length, batch size, epochs."""

SUBWORDS: tuple[tuple[float, int], ...] = ((50_000, 600), (500_000, 2_000), (math.inf, 8_000))
"""For fewer training tokens: how many different subwords."""


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """A model as large as the text can train, and more epochs and dropout for less."""
    files = raw_files(raw)
    found = {"split": "files"} if by_split(files) else {}
    if "encoding" not in wanted:
        found |= usual_encoding(files)
    asked = {**found, **wanted}
    parameters = parameters_of(TextData, asked)
    model, training = parameters_for(about_trained(raw, parameters))
    if parameters.tokens != "char":
        model |= {"embedding_size": 2 * model["embedding_size"], "embedding_dropout": 0.2}
    data: dict[str, Any] = {"tokens": parameters.tokens}
    if parameters.tokens == "subword":
        data["max_vocabulary"] = subwords_for(about_trained(raw, parameters))
    data |= asked
    return {"data": data, "model": model, "training": training}


def subwords_for(num_tokens: int) -> int:
    """Number of subwords with which a training set of some tokens has enough of each."""
    return next(size for limit, size in SUBWORDS if num_tokens < limit)


def parameters_for(num_tokens: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of the model and of its training for a training set of some tokens."""
    size = next(size for limit, size in SIZES if num_tokens < limit)
    hidden_size, embedding_size, length, batch_size, epochs = size
    while batch_size * length * 4 > num_tokens and batch_size * length > 1:
        batch_size, length = max(1, batch_size // 2), max(1, length // (1 + (batch_size == 1)))
    model = {
        "hidden_size": hidden_size,
        "embedding_size": embedding_size,
        "sequence_length": length,
        "dropout": 0.3,
    }
    training = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": 0.004,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_steps": 100,
    }
    return model, training
