"""The moves of the alias of a champion: when, by whom, why, and on what evidence.

They are tags of the registered model, and not of its versions: of a version that is deleted it is
still known that it was the champion.
"""

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.tracking.descriptions import describe_model

PREFIX = "gatewise.move."
"""What the tags begin with that hold a move each, as JSON."""

EVIDENCE = ("cell", "decision", "digest")
"""What is noted of a version beside its test score, which is named after its metric."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """That the alias was moved.

    Attributes:
        number: Counts the moves of a model from 1 on, whatever clocks said.
        version: Where to.
        before: The version that had it; None if none had.
        time: When, in ISO 8601, UTC.
        by: Who, as user@host.
        by_hand: Whether a person moved it, and not the rule of promotion.
        because: Why.
        evidence: What spoke for the version then, by the names of tags without their prefix.
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
    """Note that the alias was moved to a version, and say so on the page of the model."""
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
    # another machine may note one of the same number: neither is lost
    tag = f"{PREFIX}{move.number:06}.{uuid4().hex[:8]}"
    client.set_registered_model_tag(version.name, tag, json.dumps(asdict(move)))
    describe_model(client, now, because)


def history_of(client: MlflowClient, name: str) -> list[Move]:
    """All moves of a model's alias that were noted, from the first on."""
    tags = client.get_registered_model(name).tags
    found = [Move(**json.loads(tags[tag])) for tag in sorted(tags) if tag.startswith(PREFIX)]
    return sorted(found, key=lambda move: move.number)


def evidence_of(version: ModelVersion) -> dict[str, str]:
    """What speaks for a version, in brief."""
    ours = {tag.removeprefix("gatewise."): value for tag, value in version.tags.items()}
    scores = {f"test_{metric}": score for metric, score in scores_on_test(version.tags).items()}
    return {name: ours[name] for name in EVIDENCE if name in ours} | scores


def scores_on_test(tags: Mapping[str, str]) -> dict[str, str]:
    """The test score of a version by the name of its metric, as its tags have it.

    Beside it stands the mean over seeds; what else begins alike has none.
    """
    return {
        name.removeprefix("gatewise.test_"): score
        for name, score in tags.items()
        if name.startswith("gatewise.test_") and f"{name}_mean" in tags
    }


def who() -> str:
    """Who runs this process, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
