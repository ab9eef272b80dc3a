"""Notes in a study's folder on the datasets that MLflow shows. Imports no MLflow."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from flows.layout import Layout
from flows.recording.lock_file import read_lock
from flows.tracking.address import where
from flows.tracking.moved import champion_now, forget_moved
from flows.tracking.promoted import Promotion
from rnn_core.errors import DataError
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record

VERBS = ("train", "evaluate", "compare")
"""The stages whose outputs MLflow shows."""


@dataclass(frozen=True)
class Note:
    """A note that a dataset is shown, with the promotion of its champion.

    Attributes:
        digest: Digest of the outputs that are shown, and of MLflow's address.
        promotion: The promotion; None if champions are not promoted.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    digest: str
    promotion: Promotion | None


@dataclass(frozen=True)
class Notes:
    """The notes of a study, by dataset."""

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    datasets: dict[str, Note]


def note_shown(layout: Layout, promotions: Mapping[str, Promotion | None]) -> None:
    """Write notes on datasets that are shown, with the promotions of their champions."""
    notes, stages = dict(read_notes(layout)), read_lock(layout)
    for name, promotion in promotions.items():
        notes[name] = Note(digest_of_outputs(stages, name), promotion)
        if promotion is not None:
            forget_moved(promotion.model)
    write_record(layout.shown, Notes(notes))


def forget_others(layout: Layout, datasets: Collection[str]) -> None:
    """Remove the notes on all other datasets."""
    notes = read_notes(layout)
    kept = {name: note for name, note in notes.items() if name in datasets}
    if len(kept) < len(notes):
        write_record(layout.shown, Notes(kept))


def read_shown(layout: Layout) -> dict[str, Promotion]:
    """The promotions of datasets whose current outputs are shown."""
    found = current(layout)
    return {name: since(note.promotion) for name, note in found.items() if note.promotion}


def since(promotion: Promotion) -> Promotion:
    """A promotion, or what became of it: the alias may have been moved after it."""
    version = champion_now(promotion.model, promotion.version)
    if version == promotion.version:
        return promotion
    reason = "the alias was moved to it after the last run"
    return replace(promotion, version=version, action="kept", reason=reason, test_score=None)


def up_to_date(layout: Layout, *, promoted: bool) -> set[str]:
    """Datasets whose current outputs MLflow shows.

    Args:
        layout: Where the study keeps things.
        promoted: Whether their champions must have been promoted too.
    """
    return {name for name, note in current(layout).items() if note.promotion or not promoted}


def current(layout: Layout) -> dict[str, Note]:
    """The notes on datasets whose current outputs are shown."""
    notes = read_notes(layout)
    stages = read_lock(layout) if notes else {}
    return {
        name: note for name, note in notes.items() if note.digest == digest_of_outputs(stages, name)
    }


def read_notes(layout: Layout) -> Mapping[str, Note]:
    """All notes; none if they cannot be read."""
    try:
        return read_record(layout.shown, Notes).datasets
    except DataError:
        return {}


def digest_of_outputs(stages: Mapping[str, object], dataset: str) -> str:
    """Digest of a dataset's stages in dvc.lock and of MLflow's address."""
    content = [where(), [stages.get(f"{verb}@{dataset}") for verb in VERBS]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
