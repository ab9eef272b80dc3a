"""Parameters to start from, for labelled texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.metric import SPLITS
from rnn_core.readers.labelled_texts import ENDINGS, guess_columns, guess_separator, read_rows
from rnn_core.tasks.base.prepares import Suggestion
from rnn_core.tasks.sentiment.files import only_table, usual_file


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Files and columns by their usual names, and a model by the number of rows."""
    names = {side: wanted.get(side) or usual_file(raw, side) for side in SPLITS}
    by_files = all(names.values())
    file = raw / str(names["train"]) if by_files else only_table(raw)
    separator = wanted.get("separator") or guess_separator(file)
    rows = read_rows(file, separator)
    text, label = guess_columns(file, rows, wanted.get("text"), wanted.get("label"))
    found = {"text": text, "label": label} | (names if by_files else {})
    if separator != ENDINGS[file.suffix]:
        found["separator"] = separator
    return {"data": found | dict(wanted), **suggested_training(len(rows))}


def suggested_training(num_rows: int) -> Suggestion:
    """Model and training to start from; the fewer the rows, the smaller and the slower."""
    few = num_rows < 3000
    return {
        "model": {
            "embedding_size": 32 if few else 100,
            "hidden_size": 32 if few else 64,
            "dropout": 0.5,
            "word_dropout": 0.2,
            "word_evidence": True,
        },
        "training": {
            "epochs": 20 if few else 8,
            "batch_size": 16 if few else 64,
            "learning_rate": 0.003,
            "schedule": "cosine",
            "warmup_steps": 30,
        },
    }
