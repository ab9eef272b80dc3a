"""Tags for the origin of a version: commit, code, data and run of the flow."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path

from flows.layout import Layout
from flows.recording.lock_file import read_lock
from flows.stages import DATASET_VERBS
from flows.system.git import head, is_ignored, root_of, uncommitted
from flows.system.home import clone
from rnn_core.study import own_source, read_study

OUTPUTS = {"ingest": "raw", "prepare": "prepared", "train": "runs", "evaluate": "evaluations"}
"""Stages by the outputs that they make, for the names of tags."""

MOST_FILES = 20
"""Most uncommitted files that a tag names."""


def origin_of(layout: Layout, dataset: str, flow_run: str) -> dict[str, str]:
    """Tags for a version that is being registered; unknown ones are left out.

    Args:
        layout: Where the study keeps things.
        dataset: Name of the dataset.
        flow_run: Prefect's id of the run; empty if there is none.
    """
    ours = clone()
    tags = {
        "code": head(ours) if ours else f"gatewise {installed('gatewise')}",
        "flow_run": flow_run,
        **locked(layout, dataset),
        **committed(layout, dataset, ours),
    }
    return {f"gatewise.{name}": value for name, value in tags.items() if value}


def committed(layout: Layout, dataset: str, code: Path | None) -> dict[str, str]:
    """The commit of the study, its folder in the repository, and its uncommitted files."""
    folder = layout.folder.resolve()
    root = root_of(folder)
    if root is None:
        return {}
    section = read_study(folder).datasets[dataset]
    paths = [folder / "params.yaml", folder / "dvc.yaml"]
    if (own := own_source(folder, section.source)) is not None:
        paths.append(own)
    paths += [code / name for name in ("flows", "rnn_core")] if code else []
    there = root.resolve()
    within = [path.resolve() for path in paths if path.resolve().is_relative_to(there)]
    ignored = [path.relative_to(there).as_posix() for path in within if is_ignored(root, path)]
    changed = {*uncommitted(root, within), *ignored}
    return {
        "commit": head(root),
        "study": folder.relative_to(there).as_posix(),
        "uncommitted": ", ".join(sorted(changed)[:MOST_FILES]),
    }


def locked(layout: Layout, dataset: str) -> dict[str, str]:
    """Digests from dvc.lock: of the outputs of a dataset's stages, and of all its entries."""
    stages = read_lock(layout)
    entries = {verb: stages.get(f"{verb}@{dataset}") for verb in DATASET_VERBS}
    if not all(entries.values()):
        return {}
    found = {f"lock_{what}": digest_of_output(entries[verb]) for verb, what in OUTPUTS.items()}
    whole = json.dumps(entries, sort_keys=True).encode()
    return {**found, "lock": hashlib.sha256(whole).hexdigest()}


def digest_of_output(entry: Mapping[str, object] | None) -> str:
    """DVC's digest of the output of a stage; empty if there is none."""
    outs = entry.get("outs") if entry else None
    return str(outs[0]["md5"]) if isinstance(outs, list) and outs else ""
