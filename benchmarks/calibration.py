"""Error rates of the race on studies whose truth is known.

    python benchmarks/calibration.py [--studies 2000] [--candidates 8] [--kinds easy typical]
                                     [--processes 2] [--json FILE]

A study is a set of candidates whose true means are drawn, with losses of trainings and of items on
a validation and a test set. `race` says which of them are trained, and `decide` what is made of
them, as in `gatewise run`. Beside them stands the earlier rule, which the race replaced: on the
same studies it asked for as many random seeds of all candidates as it thought would decide.

A recommendation is wrong if the candidate is worse than the best by more than the margin. Printed
is a table, and at last which promises are broken; the exit status is 1 if one is.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from calibration_kinds import KINDS, NUM_ITEMS, Chance, Floats, Kind
from scipy.stats import binomtest

from rnn_core.comparison.candidates import Candidate, SeedResult
from rnn_core.comparison.race import Runner, Trained, race, trained
from rnn_core.comparison.statistics.differences import (
    Differences,
    compare_with_best,
    paired_differences,
)
from rnn_core.comparison.statistics.items import Items
from rnn_core.comparison.verdict import Entry, decide
from rnn_core.files import write_json
from rnn_core.metric import SCORED, Metric, ScoredSplit
from rnn_core.study import Seeds
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.run_folder import Cost

MARGIN = 0.02
"""Of the metric of generated studies; all else here is in margins."""

METRIC = Metric("loss", "", "lower")
SEEDS = Seeds(first=3, most=10)
SHARED = 1.0
"""Standard deviation of what a seed does to all candidates alike, and an item."""

MOST_WRONG, MOST_WRONG_DECISIONS = 0.02, 0.05
ENOUGH_DECIDED = 0.2
"""Where fewer studies are decided, the share of wrong decisions is not known."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A study; C candidates from the cheapest to the dearest.

    Attributes:
        behind: By how many margins each is truly worse than the best, (C,).
        trained: Of each candidate, every training that there may be, on both splits.
        items: What items contribute to losses, (C, N), on both splits.
        clusters: Of items, (N,).
    """

    behind: Floats
    trained: list[dict[ScoredSplit, list[Trained]]]
    items: dict[ScoredSplit, Floats]
    clusters: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of one study.

    Attributes:
        trainings: How many were done.
        decided: Whether it was decided.
        regret: By how many margins the recommended candidate is truly worse than the best.
        cheaper: Whether a cheaper candidate is within the margin of the best too.
        inferior: Whether a candidate is called worse on the validation set that is not.
    """

    trainings: int
    decided: bool
    regret: float
    cheaper: bool
    inferior: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """Results of the studies of a kind, as shares and means over all unless stated.

    Attributes:
        kind: Which kind.
        studies: How many there were.
        trainings: Mean number.
        decided: Those that were decided.
        wrong: Those that were decided for a candidate that is worse by more than the margin.
        wrong_at_most: The upper 95 % limit of that.
        wrong_decisions: The same as a share of those that were decided; with its limits.
        regret: Mean of all recommendations, decided or not.
        cheaper: Of those that were decided, those in which a cheaper candidate would have done.
        inferior: Those in which a candidate is called worse that is not; None if one truly is.
    """

    kind: str
    studies: int
    trainings: float
    decided: float
    wrong: float
    wrong_at_most: float
    wrong_decisions: tuple[float, float, float]
    regret: float
    cheaper: float
    inferior: float | None


def main() -> None:
    """Simulate, print a table, and say which promises are broken."""
    arguments = parsed()
    kinds = [kind for kind in KINDS if not arguments.kinds or kind.name in arguments.kinds]
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    print_line("kind", *COLUMNS)
    print_line(*["---"] * (len(COLUMNS) + 1))
    with ProcessPoolExecutor(arguments.processes) as pool:
        for kind in kinds:
            one = partial(simulate, kind, arguments.candidates)
            both = list(pool.map(one, range(arguments.studies), chunksize=10))
            now, before = (summary(kind, outcomes) for outcomes in zip(*both, strict=True))
            print_line(kind.name, *cells_of(now))
            print_line("- earlier rule", *cells_of(before))
            rows.append({"race": asdict(now), "earlier rule": asdict(before)})
            broken += broken_promises(kind, now)
    if arguments.json:
        write_json(arguments.json, rows)
    sys.exit("\n".join(broken) if broken else 0)


def parsed() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--kinds", nargs="*", choices=[kind.name for kind in KINDS])
    parser.add_argument("--processes", type=int)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


COLUMNS = (
    "trainings",
    "decided",
    "wrong, of all",
    "at most",
    "wrong, of decisions",
    "mean regret",
    "a cheaper one would do",
    "called worse, and is not",
)


def print_line(*cells: str) -> None:
    """Print a line of a table in Markdown."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def cells_of(row: Row) -> list[str]:
    """Cells of a row, in the order of the columns."""
    share, least, most = row.wrong_decisions
    of_decisions = f"{100 * share:.1f} % ({100 * least:.1f}-{100 * most:.1f})"
    return [
        f"{row.trainings:.1f}",
        f"{100 * row.decided:.1f} %",
        f"{100 * row.wrong:.2f} %",
        f"{100 * row.wrong_at_most:.2f} %",
        of_decisions if row.decided else "",
        f"{row.regret:.2f}",
        f"{100 * row.cheaper:.0f} %" if row.decided else "",
        "" if row.inferior is None else f"{100 * row.inferior:.1f} %",
    ]


def summary(kind: Kind, outcomes: Sequence[Outcome]) -> Row:
    """Counts over the studies of a kind."""
    decided = [one for one in outcomes if one.decided]
    wrong = sum(one.regret > 1 for one in decided)
    of_all = binomtest(wrong, len(outcomes), alternative="less")
    of_decisions = (0.0, 0.0, 1.0)
    if decided:
        limits = binomtest(wrong, len(decided)).proportion_ci(0.95)
        of_decisions = wrong / len(decided), float(limits.low), float(limits.high)
    return Row(
        kind=kind.name,
        studies=len(outcomes),
        trainings=float(np.mean([one.trainings for one in outcomes])),
        decided=len(decided) / len(outcomes),
        wrong=wrong / len(outcomes),
        wrong_at_most=float(of_all.proportion_ci(0.95).high),
        wrong_decisions=of_decisions,
        regret=float(np.mean([one.regret for one in outcomes])),
        cheaper=float(np.mean([one.cheaper for one in decided])) if decided else 0.0,
        inferior=None if kind.apart else float(np.mean([one.inferior for one in outcomes])),
    )


def broken_promises(kind: Kind, row: Row) -> list[str]:
    """Describe the promises that the studies of a kind break."""
    promises = {
        f"wrong in at most {MOST_WRONG:.0%} of studies": row.wrong_at_most <= MOST_WRONG,
        f"wrong in at most {MOST_WRONG_DECISIONS:.0%} of decisions": row.decided < ENOUGH_DECIDED
        or row.wrong_decisions[0] <= MOST_WRONG_DECISIONS,
        f"decided in at least {kind.decided:.0%} of studies": row.decided >= kind.decided,
        f"at most {kind.trainings:g} trainings": row.trainings <= kind.trainings,
    }
    return [f"{kind.name}: not {promise}" for promise, kept in promises.items() if not kept]


def simulate(kind: Kind, num_candidates: int, number: int) -> tuple[Outcome, Outcome]:
    """Run the race, and the earlier rule, on one study.

    Args:
        kind: What kind of study.
        num_candidates: Candidates that it compares.
        number: Which of the studies of its kind; they differ by chance.
    """
    generator = np.random.default_rng([KINDS.index(kind) if kind in KINDS else 0, number])
    study = generate(kind, num_candidates, generator)
    return by_race(study), by_earlier_rule(study)


def generate(kind: Kind, num_candidates: int, generator: np.random.Generator) -> Generated:
    """Make a study. What a seed does is the same on both splits, since it is the same model."""
    normal = generator.standard_normal
    means = kind.apart * np.abs(normal(num_candidates))
    deviations = kind.seeds * np.exp(kind.uneven * normal(num_candidates))
    models = means[:, None] + deviations[:, None] * chances(kind.chance, generator, num_candidates)
    models += SHARED * normal(SEEDS.most)
    clusters = np.arange(NUM_ITEMS) * kind.clusters // NUM_ITEMS
    own = {split: normal((num_candidates, kind.clusters))[:, clusters] for split in SCORED}
    items = {split: kind.items * kind.clusters**0.5 * each for split, each in own.items()}
    for split in SCORED:
        items[split] += SHARED * normal(NUM_ITEMS)
    each = [
        {split: endings(models[i], items[split][i], clusters) for split in SCORED}
        for i in range(num_candidates)
    ]
    behind = means - means.min()
    return Generated(behind=behind, trained=each, items=items, clusters=clusters)


def chances(chance: Chance, generator: np.random.Generator, num_candidates: int) -> Floats:
    """Effects of seeds on each candidate, (C, S), of mean 0 and standard deviation 1."""
    shape = (num_candidates, SEEDS.most)
    if chance == "t3":
        return np.asarray(generator.standard_t(3, shape) / 3**0.5)
    if chance == "exponential":
        return generator.exponential(size=shape) - 1
    found = generator.standard_normal(shape)
    if chance == "outlying":
        found *= np.where(generator.uniform(size=shape) < 0.05, 10.0, 1.0)
        found /= (0.95 + 0.05 * 10.0**2) ** 0.5
    return found


def endings(models: Floats, items: Floats, clusters: npt.NDArray[np.int64]) -> list[Trained]:
    """Ends of a candidate's trainings on a split, from its losses (S,) and those of items (N,)."""
    found = []
    for model in models:
        values = MARGIN * (model + items)
        scores = ItemScores(values=values, weights=np.ones(NUM_ITEMS), clusters=clusters)
        found.append(trained(float(values.mean()), scores, METRIC))
    return found


def by_race(study: Generated) -> Outcome:
    """Result of the race on a study."""
    each = {f"cell{i:02}-1": trained for i, trained in enumerate(study.trained)}
    runners = [Runner(name=name, trained=splits["validation"]) for name, splits in each.items()]
    asked = race(runners, SEEDS, MARGIN).asked
    entries = [entry_of(i, study.trained[i], asked[name]) for i, name in enumerate(each)]
    verdict = decide(entries, SEEDS, MARGIN)
    standings = verdict.judged["validation"].standings
    return outcome_of(
        study,
        list(each).index(verdict.decision.recommended or ""),
        trainings=sum(asked.values()),
        decided=verdict.decision.status == "decided",
        inferior=any(standing.inferior for standing in standings.values()),
    )


def entry_of(place: int, each: dict[ScoredSplit, list[Trained]], number: int) -> Entry:
    """A candidate with its first trainings; each is dearer than the one before."""
    weights = 1000 + place
    pairs = zip(*(each[split][:number] for split in SCORED), strict=True)
    candidate = Candidate(
        cell=f"cell{place:02}",
        hidden_size=1,
        sizes=("equal",),
        deviations={},
        device="cpu",
        data="generated",
        metric=METRIC,
        cost=Cost(parameters=1, recurrent_parameters=weights, multiply_accumulates=weights),
        seeds=tuple(
            SeedResult(seed=seed, epochs=1, steps=1, validation=one.loss, test=other.loss)
            for seed, (one, other) in enumerate(pairs)
        ),
    )
    return Entry(candidate=candidate, trained={split: each[split][:number] for split in SCORED})


def outcome_of(
    study: Generated, chosen: int, *, trainings: int, decided: bool, inferior: bool
) -> Outcome:
    """Compare a recommendation with the truth."""
    return Outcome(
        trainings=trainings,
        decided=decided,
        regret=float(study.behind[chosen]),
        cheaper=bool((study.behind[:chosen] <= 1).any()),
        inferior=inferior,
    )


def by_earlier_rule(study: Generated) -> Outcome:
    """Result of the earlier rule, which added seeds for all candidates while it abstained."""
    seeds: int | None = SEEDS.first
    while seeds is not None:
        last = seeds
        validation, test = (differences(study, split, seeds) for split in SCORED)
        chosen = earlier_rule(validation, test)
        seeds = None if chosen is not None else seeds_that_would_do(validation, test)
    best = int(validation.means[:, 0].argmin())
    return outcome_of(
        study,
        best if chosen is None else chosen,
        trainings=last * len(study.behind),
        decided=chosen is not None,
        inferior=bool(compare_with_best(validation).inferior.any()),
    )


def differences(study: Generated, split: ScoredSplit, num_seeds: int) -> Differences:
    """Differences between all candidates that have the same seeds, in margins."""
    losses = [[one.loss or 0.0 for one in each[split][:num_seeds]] for each in study.trained]
    items = Items(losses=study.items[split], weights=np.ones(NUM_ITEMS), clusters=study.clusters)
    return paired_differences(np.asarray(losses) / MARGIN, items)


def earlier_rule(validation: Differences, test: Differences) -> int | None:
    """The earlier rule: the candidate that it decides for; None where it abstains.

    The cheapest that is within the margin of the best with 95 % confidence on the validation set;
    every cheaper one must be worse than another beyond chance; and the test set must confirm, with
    the same confidence, that it is within the margin.
    """
    on_validation = compare_with_best(validation)
    fit = np.flatnonzero(on_validation.upper <= 1)
    if not len(fit) or not on_validation.inferior[: fit[0]].all():
        return None
    return int(fit[0]) if compare_with_best(test).upper[fit[0]] <= 1 else None


def seeds_that_would_do(validation: Differences, test: Differences) -> int | None:
    """The seeds that the earlier rule asked for next; None where it added none.

    As many as would let it decide if means and variances stayed what they are, at most `most`.
    """
    number = validation.num_seeds + 1
    while validation.num_seeds < SEEDS.most and number <= 1000:
        if earlier_rule(with_seeds(validation, number), with_seeds(test, number)) is not None:
            return min(number, SEEDS.most)
        number = max(number + 1, round(number * 1.1))
    return None


def with_seeds(found: Differences, number: int) -> Differences:
    """Differences with more seeds, should means and variances stay what they are."""
    return replace(
        found,
        seed_variances=found.seed_variances * found.num_seeds / number,
        seed_df=found.seed_df * (number - 1) / (found.num_seeds - 1),
        num_seeds=number,
    )


if __name__ == "__main__":
    main()
