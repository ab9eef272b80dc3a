"""Compare two models on the current test set of the study.

A registered model may have been trained and tested with another division of the data: one more row
can change all splits. So both models prepare the raw files themselves, and items that either was
trained or chosen on are left out: a model looks better on items that it has seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from flows.tracking.registered import RUN, SEEN
from rnn_core.comparison.statistics.pair import Pair, compare_pair
from rnn_core.errors import GatewiseError
from rnn_core.files import write_bytes
from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, known_again
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.task import Task
from rnn_core.training.evaluation import item_scores
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.models import restore_registered
from rnn_core.training.run_folder import CONFIG, read_config

SEEN_SPLITS: tuple[Split, ...] = ("train", "validation")
"""The splits that a model is trained and chosen on."""

FEWEST_ITEMS = 2
"""Fewest items for a test."""


class NotComparableError(GatewiseError):
    """A registered model cannot be scored on the current test set of the study."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The comparison of a challenger with the champion.

    Attributes:
        metric: Name of the metric.
        pair: Result of the paired test.
        left_out: Number of items of the test set that one of them was trained or chosen on.
        champion_score: The champion's score on the other items.
    """

    metric: str
    pair: Pair
    left_out: int
    champion_score: float


@dataclass(frozen=True)
class Finished:
    """A finished model, with marks of the items that it has seen."""

    task: Task
    model: torch.nn.Module
    seen: Marks

    def scores(self, raw: Path, test: Task, other: Meta) -> Scores:
        """Score it on the test set of a task, from raw files; see `Rescores.rescore`."""
        with torch.inference_mode():
            return self.task.rescore(self.model, raw, test.asked, test.seed, other)


def note_seen(folder: Path, raw: Path) -> None:
    """Write marks of the items that a model has seen next to its folder.

    Args:
        folder: The folder that has the model as `RUN`.
        raw: The files that it was trained on.
    """
    task, _ = restore_registered(folder / RUN)
    configs = sorted((folder / RUN).rglob(CONFIG))  # one for each seed
    found = (task.marks(raw, task.asked, read_config(one.parent)[0].seed) for one in configs)
    marks = [each[split].ravel() for each in found for split in SEEN_SPLITS]
    seen = np.unique(np.concatenate(marks))
    write_bytes(folder / SEEN, save({"marks": seen[seen != 0]}))


def judge(challenger: Path, champion: Path, raw: Path) -> Judged:
    """Score two models on those items of the challenger's test set that are new to both.

    Args:
        challenger: Folder with its model as `RUN`, and marks of the items it has seen as `SEEN`.
        champion: The same for the champion.
        raw: The files that the challenger was trained on.

    Raises:
        NotComparableError: If the champion cannot answer for these files; gives the reason.
        DataError: If the files cannot be used.
    """
    first = restored(challenger)
    test = first.task
    with comparable():
        second = restored(champion)
        if type(second.task) is not type(test):
            names = (type(task).__name__ for task in (second.task, test))
            raise NotComparableError("it is for {}, and not for {}".format(*names))
    scores = first.scores(raw, test, second.task.meta)
    with comparable():
        other_scores = second.scores(raw, test, test.meta)
        check_same_items(scores, other_scores)
    tested = test.marks(raw, test.asked, test.seed)["test"]
    new = ~known_again(tested, np.union1d(first.seen, second.seen))
    if new.sum() < FEWEST_ITEMS:
        raise NotComparableError(
            f"one of the two was trained or chosen on {(~new).sum()} of the {len(new)} test items"
        )
    challengers, champions = among(scores, new), among(other_scores, new)
    return Judged(
        metric=test.metric.name,
        pair=compare_pair(challengers, champions, test.metric),
        left_out=int((~new).sum()),
        champion_score=other_scores.overall if new.all() else mean(champions),
    )


def check_same_items(first: Scores, second: Scores) -> None:
    """Check that two models were scored on the same items, and the second with finite numbers.

    Raises:
        NotComparableError: If not, for example because a longer lookback leaves fewer windows, or
            because the older model overflows on newer data.
    """
    if not torch.equal(first.weights, second.weights):
        raise NotComparableError(
            f"it can answer {len(second.values)} items of the test set, and the challenger "
            f"{len(first.values)}"
        )
    lost = int((~torch.isfinite(second.values)).sum())
    if lost:
        raise NotComparableError(f"its score on {lost} of {len(second.values)} items is no number")


def restored(folder: Path) -> Finished:
    """Read the model in a folder."""
    task, model = restore_registered(folder / RUN)
    return Finished(task, model, load_file(folder / SEEN)["marks"])


@contextmanager
def comparable() -> Iterator[None]:
    """Turn any error of an older model into the reason why it is not compared."""
    try:
        yield
    except NotComparableError:
        raise
    except GatewiseError as error:
        raise NotComparableError(str(error)) from error
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        cause = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise NotComparableError(
            f"this version of Gatewise cannot use it: {type(error).__name__}: {cause}"
        ) from error


def among(scores: Scores, kept: npt.NDArray[np.bool_]) -> ItemScores:
    """The scores of some of the items."""
    whole = item_scores(scores)
    return ItemScores(
        values=whole.values[kept],
        weights=whole.weights[kept],
        clusters=None if whole.clusters is None else whole.clusters[kept],
    )


def mean(items: ItemScores) -> float:
    """The score of some items."""
    return float(np.average(items.values, weights=items.weights))
