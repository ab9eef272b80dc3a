"""Parameters to start from, for aligned texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from rnn_core.metric import Split
from rnn_core.readers.pair_files import Files, is_lines
from rnn_core.readers.pair_layouts import find_layout
from rnn_core.readers.parallel_text import Pair, usual_columns
from rnn_core.readers.text_files import usual_encoding
from rnn_core.readers.writing_systems import UNSPACED
from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.translation.pairs import files_of, read_splits
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
    wanted = usual_data(raw, wanted)
    splits = read_splits(raw, parameters_of(TranslationData, wanted))
    num_pairs = len(splits["train"])
    size = next(size for size in SIZES if num_pairs <= size.most_pairs)
    return {
        "data": {**usual_tokenizer(splits["train"]), "max_vocabulary": size.vocabulary, **wanted},
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
    """The wanted parameters, with files by their usual names, encoding, and columns of texts."""
    found = {**wanted, **usual_files(raw, wanted)}
    asked = parameters_of(TranslationData, found)
    files = files_of(raw, asked)
    if "encoding" not in found:
        there = [file for each in files.values() for file in each if file is not None]
        found |= usual_encoding(file for file in there if is_lines(file))
    if files["train"].target is None:
        found |= columns_of(files, found)
    return found


def columns_of(files: Mapping[Split, Files], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of tables that are not given, and that of splits in the only one."""
    encoding = parameters_of(TranslationData, wanted).encoding
    usual = usual_columns(files["train"].source, encoding)
    texts = list(wanted.get("columns", usual.texts))
    found: dict[str, Any] = {"columns": texts}
    if "split_column" in wanted or len(files) > 1 or usual.split in texts:
        return found
    return found | ({"split_column": usual.split} if usual.split else {})


def usual_files(raw: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Files as their names tell; nothing where the user names both, or each set."""
    source, target = wanted.get("source_file"), wanted.get("target_file")
    both = source and target and "*" not in source + target
    if "splits" in wanted or both:
        return {}
    layout = find_layout(raw, source, target)
    if layout is None:
        return {}
    files = {"source_file": layout.source_file, "target_file": layout.target_file}
    return files | ({"splits": list(layout.splits)} if layout.splits else {})


def usual_tokenizer(pairs: Sequence[Pair]) -> dict[str, str]:
    """Tokenizer of BLEU for languages without spaces between words; nothing for others."""
    length = sum(len(pair.target) for pair in pairs)
    without_spaces = sum(len(CHARACTER.findall(pair.target)) for pair in pairs)
    if 2 * without_spaces < length:
        return {}
    chinese = sum(len(HAN.findall(pair.target)) for pair in pairs) > 0.9 * without_spaces
    return {"tokenizer": "zh" if chinese else "char"}
