"""The moves of a champion's alias: when, by whom, why, and on what evidence.

They are tags of the registered model, not of its versions. So the history keeps versions that have
been deleted.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.system.process import user
from flows.tracking.descriptions import describe_model
from flows.tracking.moved import note_moved

PREFIX = "gatewise.move."
"""Beginning of the names of tags that each hold a move, as JSON."""

EVIDENCE = ("cell", "decision", "digest")
"""Tags of a version that are its evidence; its test score, named after its metric, is too."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move of the alias.

    Attributes:
        number: Number of the move of this model, from 1; it does not depend on clocks.
        version: The version that has the alias since then.
        before: The version that had it before; None if none had.
        time: Time of the move, in ISO 8601, UTC.
        by: Its author, as user@host.
        by_hand: Whether a user moved it, and not the rule of promotion.
        because: The reason.
        evidence: The evidence for the version then, by the names of tags without their prefix.
    """

    number: int
    version: str
    before: str | None
    time: str
    by: str
    by_hand: bool
    because: str
    evidence: Mapping[str, str]


def note_move(
    client: MlflowClient,
    version: ModelVersion,
    before: ModelVersion | None,
    because: str,
    *,
    by_hand: bool,
) -> None:
    """Record that the alias was moved to a version, and describe it on the page of the model."""
    moves = history_of(client, version.name)
    now = client.get_model_version(version.name, version.version)  # with all of its tags
    move = Move(
        number=moves[-1].number + 1 if moves else 1,
        version=str(version.version),
        before=str(before.version) if before else None,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        by=who(),
        by_hand=by_hand,
        because=because,
        evidence=evidence_of(now),
    )
    # another machine may record the same number: keep both
    tag = f"{PREFIX}{move.number:06}.{uuid4().hex[:8]}"
    client.set_registered_model_tag(version.name, tag, json.dumps(asdict(move)))
    note_moved(version.name, move.version)
    describe_model(client, now, because)


def describe_again(client: MlflowClient, version: ModelVersion) -> None:
    """Describe a model whose champion has other evidence now, such as of more seeds."""
    moves = history_of(client, version.name)
    if moves and moves[-1].version == str(version.version):
        now = client.get_model_version(version.name, version.version)
        describe_model(client, now, moves[-1].because)


def history_of(client: MlflowClient, name: str) -> list[Move]:
    """All recorded moves of a model's alias, from the first."""
    tags = client.get_registered_model(name).tags
    noted = (move_of(tags[tag]) for tag in sorted(tags) if tag.startswith(PREFIX))
    return sorted(filter(None, noted), key=lambda move: move.number)


def move_of(text: str) -> Move | None:
    """Read a move from its tag; None if a user has overwritten it with something else."""
    try:
        move = Move(**json.loads(text))
    except (ValueError, TypeError):
        return None
    return move if is_whole(move) else None


def is_whole(move: Move) -> bool:
    """Return whether all parts of a move have the kinds that Gatewise writes."""
    texts = (move.version, move.time, move.by, move.because)
    return (
        isinstance(move.number, int)
        and isinstance(move.before, str | None)
        and all(isinstance(text, str) for text in texts)
        and isinstance(move.evidence, dict)
    )


def evidence_of(version: ModelVersion) -> dict[str, str]:
    """The evidence for a version, in brief."""
    ours = {tag.removeprefix("gatewise."): value for tag, value in version.tags.items()}
    scores = {f"test_{metric}": score for metric, score in scores_on_test(version.tags).items()}
    return {name: ours[name] for name in EVIDENCE if name in ours} | scores


def scores_on_test(tags: Mapping[str, str]) -> dict[str, str]:
    """The test score of a version by the name of its metric, read from its tags.

    It is the tag that has a second one with the mean over seeds; other tags with this prefix do
    not.
    """
    return {
        name.removeprefix("gatewise.test_"): score
        for name, score in tags.items()
        if name.startswith("gatewise.test_") and f"{name}_mean" in tags
    }


def who() -> str:
    """The user and host of this process, as user@host."""
    return f"{user()}@{socket.gethostname()}"
