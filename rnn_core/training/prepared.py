"""A prepared dataset: tensors, and what `prepare` found out."""

from pathlib import Path

from safetensors.torch import load_file, save

from rnn_core.files import read_json, write_bytes, write_json
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.task import Task

META = "meta.json"


def write_prepared(folder: Path, data: Data, meta: Meta) -> None:
    """Write a prepared dataset."""
    write_bytes(folder / "data.safetensors", save(dict(data)))
    write_json(folder / META, meta.to_json())


def read_prepared(folder: Path, kind: type[Task]) -> tuple[Data, Meta]:
    """Read a prepared dataset.

    Args:
        folder: Where `write_prepared` put it.
        kind: The task that it was prepared for.
    """
    meta = read_meta(folder, kind)
    return load_file(folder / "data.safetensors"), meta


def read_meta(folder: Path, kind: type[Task]) -> Meta:
    """Read what was found out about a dataset; the folder may be a registered model's too."""
    return kind.Meta.from_json(read_json(folder / META))
