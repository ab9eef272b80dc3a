"""Parameters to start from, for labelled texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults
from rnn_core.readers.labelled_lines import read_any
from rnn_core.readers.labelled_texts import guess_columns, guess_split, refuse_prose
from rnn_core.tasks.base.prepares import Suggestion, parameters_of, weights_for
from rnn_core.tasks.sentiment.files import files_of, read_classes, usual_files
from rnn_core.tasks.sentiment.parameters import SentimentData

FORM = ("separator", "encoding", "header", "quoting")


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Files and columns by their usual names, and a model by the number of rows."""
    files = files_by_name(raw, wanted)
    form = {name: wanted[name] for name in FORM if name in wanted}
    asked = parameters_of(SentimentData, files | form)
    faults = Faults()
    if (of_classes := read_classes(raw, asked, faults)) is not None:
        return {"data": dict(wanted), **suggested_training(len(of_classes[0]), wanted)}
    file, *more = next(iter(files_of(raw, asked).values()))
    found, kind = read_any(file, asked.form, faults)
    if kind is None and asked.separator is None and "label" not in wanted:
        refuse_prose(file, found, faults)
    faults.check()
    text, label = guess_columns(file.name, found, wanted.get("text"), wanted.get("label"))
    data = {"text": text, "label": label} | files | dict(wanted)
    if not files and kind is None and "split_column" not in wanted:
        split = guess_split(found, (text, label))
        data |= {} if split is None else {"split_column": split}
    return {"data": data, **suggested_training(len(found.frame) * (1 + len(more)), wanted)}


def files_by_name(raw: Path, wanted: Mapping[str, Any]) -> dict[str, str]:
    """The files of the splits that are named so, or that are asked for; none if there is one."""
    asked: dict[str, str] = {
        split: str(wanted[split]) for split in SPLITS if wanted.get(split) is not None
    }
    if asked:
        return asked
    usual = usual_files(raw)
    there: dict[str, str] = {split: usual[split] for split in SPLITS if split in usual}
    return there if "train" in there and len(there) > 1 else {}


def suggested_training(num_rows: int, wanted: Mapping[str, Any]) -> Suggestion:
    """Model and training to start from; the fewer the rows, the smaller and the slower."""
    few = num_rows < 3000
    return {
        "model": {
            "embedding_size": 32 if few else 100,
            "hidden_size": 32 if few else 64,
            "dropout": 0.5,
            "word_dropout": 0.2,
            "word_evidence": True,
        }
        | weights_for(wanted),
        "training": {
            "epochs": 20 if few else 8,
            "batch_size": 16 if few else 64,
            "learning_rate": 0.003,
            "schedule": "cosine",
            "warmup_steps": 30,
        },
    }
