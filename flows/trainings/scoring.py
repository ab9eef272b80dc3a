"""The evaluation of one training: scores of every item, diagnostics, and an illustration."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path

import torch

from flows.trainings.entries import RESULT, Evaluation
from rnn_core.comparison.candidates import SeedResult
from rnn_core.comparison.ensembles import ITEMS, EnsembleScores, write_ensemble
from rnn_core.diagnostics.passage import MOST_STEPS
from rnn_core.diagnostics.seed import diagnose
from rnn_core.metric import ScoredSplit
from rnn_core.records import write_record
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.scores import Scores
from rnn_core.training import evaluation
from rnn_core.training.evaluation import SeedScores, item_scores
from rnn_core.training.item_scores import write_items
from rnn_core.training.models import task_of
from rnn_core.training.run_folder import MODEL, read_config, read_summary

ILLUSTRATED: ScoredSplit = "test"
"""The split that illustrations are taken from."""


def score(run: Path, data: Data, meta: Meta, device: torch.device, folder: Path) -> None:
    """Fill a folder with the evaluation of a training.

    If the scores are not finite numbers, the training counts as diverged.

    Args:
        run: The run folder of the training.
        data: The prepared data that it was trained on, on the CPU.
        meta: Its meta.
        device: Where to compute.
        folder: An empty folder.
    """
    scores = evaluation.evaluate(run, data, meta, device)
    if scores and not all(isfinite(s.overall) for s in (scores.validation, scores.test)):
        scores = None
    shown = None
    if scores is not None:
        write_items(folder / ITEMS, scores.items())
        shown = asdict(evaluation.illustrate(run, data, meta, ILLUSTRATED))
    found = Evaluation(
        metric=task_of(read_config(run)[0], meta).metric,
        scores=result_of(run, scores),
        validation_loss=scores.validation.loss if scores else None,
        most_steps=MOST_STEPS,
        findings=diagnose(run, data, meta, device),
        illustration=shown,
    )
    write_record(folder / RESULT, found)


def score_together(
    runs: Sequence[Path], data: Data, meta: Meta, device: torch.device, folder: Path
) -> None:
    """Fill a folder with the scores of an ensemble, or of a single training.

    Args:
        runs: Run folders of the trainings; none of them diverged, unless it is the only one.
        data: The prepared data, on the CPU.
        meta: Its meta.
        device: Where to compute.
        folder: An empty folder.
    """
    configs = [read_config(run)[0] for run in runs]
    scores: dict[ScoredSplit, Scores] = {}
    if (runs[0] / MODEL).exists():
        scores = evaluation.evaluate_together(runs, data, meta, device)
        write_items(folder / ITEMS, {s: item_scores(one) for s, one in scores.items()})
    write_ensemble(
        folder,
        EnsembleScores(
            cell=configs[0].cell,
            hidden_size=configs[0].model["hidden_size"],
            num_layers=configs[0].model["num_layers"],
            seeds=tuple(config.seed for config in configs),
            validation=number(scores.get("validation")),
            test=number(scores.get("test")),
            others=dict(scores["test"].others) if "test" in scores else {},
        ),
    )


def number(scores: Scores | None) -> float | None:
    """The overall score; None if there are no scores, or it is not finite."""
    return scores.overall if scores is not None and isfinite(scores.overall) else None


def result_of(run: Path, scores: SeedScores | None) -> SeedResult:
    """The scores of a training, with its epochs and steps."""
    summary = read_summary(run)
    return SeedResult(
        seed=read_config(run)[0].seed,
        epochs=summary.epochs,
        steps=summary.steps,
        validation=scores.validation.overall if scores else None,
        test=scores.test.overall if scores else None,
        others=dict(scores.test.others) if scores else {},
        recalls=dict(scores.test.recalls) if scores else {},
    )
