"""A comparison in tables of words, for page and Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flows.report import words
from rnn_core.comparison.outcome import CandidateResult, Comparison
from rnn_core.diagnostics.findings import Findings, LayerFindings, SeedFindings, When
from rnn_core.training.tuning import Tuned
from rnn_core.wording import in_words

Means: TypeAlias = dict[str, float]

RISKS = ("chance", "chance on test", "expected loss", "expected loss on test")


MOST_CLASSES = 20
MOST_BESIDE = 4
"""Most classes and candidates in the table of recalls."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of words.

    Attributes:
        titles: Titles of the columns.
        rows: Rows, with a text for each column.
    """

    titles: list[str]
    rows: list[list[str]]


def further_metrics(comparison: Comparison) -> list[str]:
    """Names of the metrics, without the one that decides."""
    return sorted({name for found in comparison.candidates.values() for name in found.others})


def candidates(comparison: Comparison) -> Grid:
    """Candidates from best to worst on the validation set, then the baselines."""
    others = further_metrics(comparison)
    titles = [
        "candidate",
        f"test {comparison.metric.in_words}",
        "validation",
        *RISKS,
        "behind",
        *(f"test {in_words(name)}" for name in others),
        "parameters",
        "MACs",
        "size",
        "epochs",
        "seeds",
    ]
    rows = [candidate_row(name, found, others) for name, found in words.ranked(comparison)]
    for name, value in comparison.baselines.items():
        rows.append([name, words.score(value), *[""] * (len(titles) - 2)])
    return Grid(titles=titles, rows=rows)


def candidate_row(name: str, found: CandidateResult, others: Sequence[str]) -> list[str]:
    """One candidate as a row of `candidates`."""
    return [
        name,
        words.mean_and_std(found.test),
        words.mean_and_std(found.validation),
        *risk_row(found),
        words.behind(found.validation),
        *(words.score(found.others.get(other)) for other in others),
        words.count(found.cost.parameters),
        words.count(found.cost.multiply_accumulates),
        words.size(found),
        ", ".join(str(seed.epochs) for seed in found.seeds),
        words.outcome(found),
    ]


def recalls(comparison: Comparison) -> Grid | None:
    """Recall of each class, for the best candidates; None if items have no classes.

    Classes with the recommended candidate's lowest recall come first; a long list is cut.
    """
    ranked, recommended = words.ranked(comparison), comparison.decision.recommended
    found = dict(sorted(ranked, key=lambda pair: pair[0] != recommended)[:MOST_BESIDE])
    classes = sorted({name for one in found.values() for name in one.recalls})
    worst = next(iter(found.values())).recalls if found else {}
    classes.sort(key=lambda name: worst.get(name, 1.0))
    rows = [
        [name, *(words.score(one.recalls.get(name)) for one in found.values())]
        for name in classes[:MOST_CLASSES]
    ]
    if (more := len(classes) - MOST_CLASSES) > 0:
        rows.append([f"and {words.count(more)} more", *[""] * len(found)])
    titles = ["class", *(f"recall of {name}" for name in found)]
    return Grid(titles=titles, rows=rows) if classes else None


def risks(comparison: Comparison) -> Grid:
    """The risk of each candidate, by validation and test set."""
    titles = ["candidate", *RISKS]
    rows = [[name, *risk_row(found)] for name, found in words.ranked(comparison)]
    return Grid(titles=titles, rows=rows)


def risk_row(found: CandidateResult) -> list[str]:
    """One candidate as a row of `risks`."""
    splits = (found.validation, found.test)
    return [*map(words.chance, splits), *map(words.expected_loss, splits)]


def policies(comparison: Comparison) -> Grid:
    """The results of simple policies, such as always using an LSTM."""
    titles = ["policy", "leads to", "trains", "MACs trained", "MACs of a step", "regret"]
    rows = [
        [
            words.POLICIES[name],
            policy.chosen or "nothing",
            str(len(policy.tried)),
            f"{policy.training_cost:.3g}",
            words.count(policy.step_cost),
            words.difference(policy.regret),
        ]
        for name, policy in comparison.policies.items()
    ]
    return Grid(titles=titles, rows=rows)


def seeds(comparison: Comparison) -> Grid:
    """Scores of every seed of every candidate."""
    metric = comparison.metric.in_words
    titles = ["candidate", "seed", f"test {metric}", f"validation {metric}", "epochs", "steps"]
    rows = [
        [
            name,
            str(seed.seed),
            words.score_of_seed(seed.test),
            words.score_of_seed(seed.validation),
            str(seed.epochs),
            words.count(seed.steps),
        ]
        for name, found in words.ranked(comparison)
        for seed in found.seeds
    ]
    return Grid(titles=titles, rows=rows)


def tuning(comparison: Comparison) -> Grid | None:
    """The search for hyperparameters of each candidate; None if none was tuned."""
    rows = [
        [
            name,
            rounds(found.tuning),
            finalists(found.tuning),
            words.count(found.tuning.trials),
            words.count(found.tuning.steps),
            words.settings(found.tuning.chosen),
        ]
        for name, found in words.ranked(comparison)
        if found.tuning is not None
    ]
    titles = ["candidate", "rounds", "finalists, the first has the values before"]
    titles += ["trainings", "optimiser steps", "chosen"]
    return Grid(titles=titles, rows=rows) if rows else None


def rounds(tuning: Tuned) -> str:
    """The number of values that each round of a search tried, and its share of epochs."""
    told = []
    for one in tuning.rounds:
        seeds = f" with {one.seeds} random seeds" if one.seeds > 1 else ""
        told.append(f"{one.values} for {100 * one.share:.0f} % of the epochs{seeds}")
    twice = "twice: " if tuning.searches > 1 else ""
    return twice + ", ".join(told)


def finalists(tuning: Tuned) -> str:
    """The mean of each finalist on the validation set."""
    return "; ".join(
        "diverged" if one.mean is None else f"{words.score(one.mean)} ± {words.difference(one.std)}"
        for one in tuning.finalists
    )


def diagnostics(comparison: Comparison, found: Mapping[str, Findings]) -> Grid:
    """Spectral radii, saturation and clipping of candidates, means over their seeds.

    Args:
        comparison: The comparison.
        found: The diagnostics, by candidate.
    """
    titles = ["candidate", "layer", "spectral radius, before → after", "saturated, before → after"]
    rows = [
        [name, *row, clipped(found[name])]
        for name, _ in words.ranked(comparison)
        if name in found
        for row in layer_rows(list(found[name].seeds.values()))
    ]
    return Grid(titles=[*titles, "steps clipped"], rows=rows)


def layer_rows(seeds: Sequence[SeedFindings]) -> Iterator[list[str]]:
    """Each recurrent layer, with spectral radii and saturation before and after training."""
    for layer in sorted({layer for seed in seeds for layer in seed.before}):
        before, after = (of_layer(seeds, when, layer) for when in ("before", "after"))
        radii = [mean_values([one.spectral_radius for one in found]) for found in (before, after)]
        shares = [
            mean_values([vars(one.saturated_share) for one in found]) for found in (before, after)
        ]
        yield [layer, changed(*radii), changed(*shares)]


def of_layer(seeds: Sequence[SeedFindings], when: When, layer: str) -> list[LayerFindings]:
    """Findings about a layer in the seeds that have it."""
    return [seed.at(when)[layer] for seed in seeds if layer in seed.at(when)]


def mean_values(found: Sequence[Mapping[str, float | None]]) -> Means:
    """Means by name, of values that are not None."""
    names = sorted({name for values in found for name in values})
    there = {
        name: [value for values in found if (value := values.get(name)) is not None]
        for name in names
    }
    return {name: sum(values) / len(values) for name, values in there.items() if values}


def changed(before: Means, after: Means) -> str:
    """Values by name, before and after training."""
    told = [
        f"{name} {words.difference(value)} → {words.difference(after.get(name)) or 'none'}"
        for name, value in before.items()
    ]
    return ", ".join(told) or "none"


def clipped(found: Findings) -> str:
    """The mean share of steps whose gradient was scaled down."""
    every = [share for seed in found.seeds.values() for share in seed.clipped_share]
    shares = [share for share in every if share is not None]
    return f"{sum(shares) / len(shares):.1%}" if shares else ""
