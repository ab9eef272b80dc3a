"""Parameters to start from, for aligned texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.translation.pairs import read_sides
from rnn_core.tasks.translation.parameters import TranslationData


@dataclass(frozen=True)
class Size:
    """What suits a training side of so many pairs."""

    most_pairs: float
    vocabulary: int
    embedding: int
    hidden: int
    dropout: float
    epochs: int
    batch: int


SIZES = (
    Size(3_000, 500, 64, 96, 0.3, 30, 32),
    Size(15_000, 2000, 96, 128, 0.3, 15, 64),
    Size(60_000, 4000, 128, 192, 0.2, 10, 64),
    Size(float("inf"), 8000, 192, 256, 0.1, 4, 128),
)


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """More pairs carry a larger vocabulary and model, and need fewer epochs."""
    sides = read_sides(raw, parameters_of(TranslationData, wanted))
    num_pairs = len(sides["train"])
    size = next(size for size in SIZES if num_pairs <= size.most_pairs)
    return {
        "data": {"max_vocabulary": size.vocabulary, **wanted},
        "model": {
            "embedding_size": size.embedding,
            "hidden_size": size.hidden,
            "dropout": size.dropout,
        },
        "training": {
            "epochs": size.epochs,
            "batch_size": size.batch,
            "learning_rate": 0.003,
            "schedule": "cosine",
            "warmup_steps": 100,
        },
    }
