"""Parameters to start from, for aligned texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from rnn_core.metric import SPLITS
from rnn_core.readers.folders import visible_in
from rnn_core.readers.parallel_text import Pair, is_other_table, is_table, usual_columns
from rnn_core.readers.text_files import by_split, usual_encoding
from rnn_core.readers.writing_systems import UNSPACED
from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.translation.pairs import files_of, read_sides
from rnn_core.tasks.translation.parameters import TranslationData

CHARACTER = regex.compile(rf"(?V1)[{UNSPACED}]")
"""A letter of a script without spaces between words."""

HAN = regex.compile(r"\p{Han}")
"""One of Chinese."""


@dataclass(frozen=True)
class Size:
    """Suggested sizes for a number of training pairs."""

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
    wanted = {**usual_data(raw, wanted), **wanted}
    sides = read_sides(raw, parameters_of(TranslationData, wanted))
    num_pairs = len(sides["train"])
    size = next(size for size in SIZES if num_pairs <= size.most_pairs)
    return {
        "data": {**usual_tokenizer(sides["train"]), "max_vocabulary": size.vocabulary, **wanted},
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


def usual_data(raw: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Files by their usual names, their encoding, and which columns of a table are texts."""
    found = {} if "target_file" in wanted else usual_tables(raw, wanted)
    files = files_of(raw, parameters_of(TranslationData, {**found, **wanted}))
    if "encoding" not in wanted:
        there = [file for each in files for file in each if file is not None]
        found |= usual_encoding(file for file in there if not is_other_table(file.name))
    if files[0].target is None and "columns" not in wanted:
        asked = parameters_of(TranslationData, {**found, **wanted})
        found["columns"] = list(usual_columns(files[0].source, asked.encoding))
    return found


def usual_tables(raw: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of pairs that are called after splits."""
    found: dict[str, Any] = {}
    tables = [file for file in visible_in(raw) if is_table(file.name)]
    of = by_split(tables) if "source_file" not in wanted else None
    if of and len(tables) == len(SPLITS):
        names = {split: files[0].name for split, files in of.items()}
        parts = {split: name.partition(".") for split, name in names.items()}
        if len({ending for _, _, ending in parts.values()}) == 1:
            found["source_file"] = f"*.{parts['train'][2]}"
            found["sides"] = [parts[split][0] for split in SPLITS]
    return found


def usual_tokenizer(pairs: Sequence[Pair]) -> dict[str, str]:
    """Tokenizer of BLEU for languages without spaces between words; nothing for others."""
    text = "".join(pair.target for pair in pairs)
    without_spaces = len(CHARACTER.findall(text))
    if 2 * without_spaces < len(text):
        return {}
    chinese = len(HAN.findall(text)) > 0.9 * without_spaces
    return {"tokenizer": "zh" if chinese else "char"}
