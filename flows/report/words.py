"""A comparison in words: sentences and tables without markup, for every form of the report."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Result: TypeAlias = dict[str, Any]
"""The content of `comparisons/<dataset>.json`."""

SIDES = ["train", "validation", "test"]
ADVICE = {
    "decided": "Of the candidates, use",
    "provisional": "It is not decided; for now use",
}
POLICIES = {
    "gatewise": "all candidates, by the rule",
    "gru_first": "gru first, lstm if it is not good enough",
    "always_lstm": "always lstm",
    "always_best": "all candidates, the best on the test side by hindsight",
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of words.

    Attributes:
        titles: Of the columns.
        rows: Each with a word for each title.
    """

    titles: list[str]
    rows: list[list[str]]


def score(value: float | None) -> str:
    """A score to four significant digits; empty if there is none."""
    return "" if value is None else f"{value:.4g}"


def difference(value: float | None) -> str:
    """A difference of scores to two significant digits; empty if there is none."""
    return "" if value is None else f"{value:.2g}"


def count(value: int | None) -> str:
    """A number of things, with commas between thousands; empty if there is none."""
    return "" if value is None else f"{value:,}"


def loss(metric: dict[str, str], value: float) -> float:
    """A score as something that should be small."""
    return value if metric["direction"] == "lower" else -value


def sentence(result: Result) -> str:
    """The decision in one sentence, for who reads no further."""
    champion, reason = result["champion"], result["reason"]
    if champion is None:
        return f"No cell can be recommended: {reason}."
    advice = "Use" if result["decision"] == "decided" else "Not decided; for now use"
    found = result["candidates"][champion]["test"]["mean"]
    need = f"; {needed(result['need'])}" if result["need"] is not None else ""
    metric = result["metric"]["name"].replace("_", " ")
    better = beating(result, found)
    beaten = f"; the simple baseline {better} beats every cell" if better else ""
    return f"{advice} {champion} (test {metric} {score(found)}): {reason}{need}{beaten}."


def beating(result: Result, found: float) -> str | None:
    """The best simple baseline, if it is better than a score."""
    best = best_baseline(result)
    if best is None:
        return None
    value = result["baselines"][best]
    return best if loss(result["metric"], value) < loss(result["metric"], found) else None


def verdict(result: Result, emphasise: Callable[[str], str] = str) -> str:
    """What to do, in a sentence or two.

    Args:
        result: The comparison.
        emphasise: Marks the name of the champion.
    """
    metric, champion = result["metric"], result["champion"]
    if champion is None:
        return f"No cell can be recommended: {result['reason']}."
    found = result["candidates"][champion]["test"]["mean"]
    text = (
        f"{ADVICE[result['decision']]} {emphasise(champion)}: {score(found)} {metric['unit']} "
        f"({metric['direction']} is better)"
    )
    if result["runner_up"]:
        text += f", {ahead(result['ahead'])} {result['runner_up']}"
    if result["optimum"] is not None:
        text += f"; the best that is possible is {score(result['optimum'])}"
    if better := beating(result, found):
        value = score(result["baselines"][better])
        return f"The simple baseline {better} beats every cell, with {value}. {text}."
    return f"{text}."


def ahead(by: float) -> str:
    """How a score compares with another that it is so much better than."""
    if by == 0:
        return "the same as"
    return f"{difference(abs(by))} {'better' if by > 0 else 'worse'} than"


def best_baseline(result: Result) -> str | None:
    """The best of the simple baselines; None if there is none."""
    names = result["baselines"]
    return min(names, key=lambda name: loss(result["metric"], names[name]), default=None)


def evidence(result: Result, emphasise: Callable[[str], str] = str) -> str:
    """What the decision rests on, and what would change it."""
    decided = emphasise(result["decision"])
    parts = [f"{decided}, with a margin of {result['margin']:g}: {result['reason']}"]
    if result["spread"] is not None:
        spread = difference(result["spread"])
        parts.append(f"a difference spreads over seeds by {spread} margins")
    if (need := result["need"]) is not None:
        parts.append(needed(need))
    half, twice = result["half_margin"], result["twice_margin"]
    if result["champion"] is not None and result["runner_up"] is not None:
        parts.append(f"half the margin: {half or 'abstains'}; twice: {twice or 'abstains'}")
    return "; ".join(parts) + "."


def needed(need: dict[str, Any]) -> str:
    """What is missing for a decision, in words."""
    if need["seeds"] is not None:
        return f"{need['seeds']} seeds would decide it if means and spreads stay as they are"
    if need["items"] is not None:
        return f"more seeds would decide it only with {need['items']:.2g} times the items as well"
    return "neither more seeds nor more items would decide it"


def ranked(result: Result) -> list[tuple[str, dict[str, Any]]]:
    """Candidates by their mean validation score, those with a seed that diverged last."""

    def place(item: tuple[str, dict[str, Any]]) -> tuple[bool, bool, float]:
        mean = item[1]["validation"]["mean"]
        score = 0.0 if mean is None else loss(result["metric"], mean)
        return bool(item[1]["outcome"]), mean is None, score

    return sorted(result["candidates"].items(), key=place)


def best_sizes(result: Result) -> list[str]:
    """Of each cell the size that is best on validation; the best cell first."""
    first: dict[str, str] = {}
    for name, candidate in ranked(result):
        first.setdefault(candidate["cell"], name)
    return list(first.values())


def outcome(candidate: dict[str, Any]) -> str:
    """How many of its seeds finished, and how the others ended."""
    seeds = len(candidate["seeds"])
    return candidate["outcome"] or f"{seeds} of {seeds} seeds"


def spread(side: dict[str, float | None]) -> str:
    """Mean and standard deviation, as far as there are any."""
    if side["mean"] is None:
        return "diverged"
    return score(side["mean"]) + ("" if side["std"] is None else f" ± {difference(side['std'])}")


def behind(side: dict[str, Any]) -> str:
    """By how much a candidate is worse than the best of the others on a side, with limits."""
    if side.get("worse_by") is None:
        return ""
    text = difference(side["worse_by"])
    if side["at_least"] is not None and side["at_most"] is not None:
        text += f" [{difference(side['at_least'])}, {difference(side['at_most'])}]"
    return text + (" worse" if side["inferior"] else "")


def further_metrics(result: Result) -> list[str]:
    """Names of the metrics beside the one that decides."""
    return sorted({name for cell in result["candidates"].values() for name in cell["others"]})


def candidates(result: Result) -> Grid:
    """Candidates from best to worst on the validation side, then the baselines."""
    others = further_metrics(result)
    titles = [
        "candidate",
        f"test {result['metric']['name']}",
        "validation",
        "behind",
        *(f"test {name}" for name in others),
        "parameters",
        "MACs",
        "size",
        "epochs",
        "seeds",
    ]
    rows = [candidate_row(name, found, others) for name, found in ranked(result)]
    for name, value in result["baselines"].items():
        rows.append([name, score(value), *[""] * (len(titles) - 2)])
    return Grid(titles=titles, rows=rows)


def candidate_row(name: str, found: dict[str, Any], others: list[str]) -> list[str]:
    """One candidate as a row of `candidates`."""
    return [
        name,
        *(spread(found[side]) for side in ("test", "validation")),
        behind(found["validation"]),
        *(score(found["others"].get(other)) for other in others),
        *(count(found["cost"][what]) for what in ("parameters", "multiply_accumulates")),
        size(found),
        ", ".join(str(seed["epochs"]) for seed in found["seeds"]),
        outcome(found),
    ]


def size(found: dict[str, Any]) -> str:
    """What of the ladder a candidate is, and how far its weights are from the budget."""
    apart = found["deviations"]
    return ", ".join(f"{s} ({apart[s]:+.1%})" if s in apart else s for s in found["sizes"])


def policies(result: Result) -> Grid:
    """What one would have come to by following simple advice."""
    titles = ["policy", "leads to", "trains", "MACs trained", "MACs of a step", "regret"]
    rows = [
        [
            POLICIES[name],
            policy["chosen"] or "nothing",
            str(len(policy["tried"])),
            f"{policy['training_cost']:.3g}",
            count(policy["step_cost"]),
            difference(policy["regret"]),
        ]
        for name, policy in result["policies"].items()
    ]
    return Grid(titles=titles, rows=rows)


def seeds(result: Result) -> Grid:
    """Every seed of every candidate, so that means hide nothing."""
    metric = result["metric"]["name"]
    titles = ["candidate", "seed", f"test {metric}", f"validation {metric}", "epochs", "steps"]
    rows = [
        [
            name,
            str(seed["seed"]),
            spread({"mean": seed["test"], "std": None}),
            spread({"mean": seed["validation"], "std": None}),
            str(seed["epochs"]),
            count(seed["steps"]),
        ]
        for name, found in ranked(result)
        for seed in found["seeds"]
    ]
    return Grid(titles=titles, rows=rows)


def tuning(result: Result) -> Grid | None:
    """How the hyperparameters of each candidate were found; None if none was tuned."""
    tuned = {name: c["tuning"] for name, c in ranked(result) if c.get("tuning")}
    if not tuned:
        return None
    rows = [
        [name, count_or_length(t["trials"]), count(t["steps"]), settings(t["chosen"])]
        for name, t in tuned.items()
    ]
    return Grid(titles=["candidate", "trials", "optimiser steps", "chosen"], rows=rows)


def count_or_length(value: Any) -> str:
    """A number of things, or the number of those that are listed."""
    return count(value if isinstance(value, int) else len(value))


def settings(values: Any) -> str:
    """Parameters with their values, in a line."""
    if not isinstance(values, dict):
        return str(values)
    return ", ".join(f"{name} = {number(value)}" for name, value in sorted(values.items()))


def number(value: Any) -> str:
    """A value of a parameter, a float to four significant digits."""
    return score(value) if isinstance(value, float) else str(value)


def diagnostics(result: Result, found: dict[str, Any]) -> Grid:
    """Spectral radii, saturation and clipping of candidates, means over their seeds.

    Args:
        result: The comparison.
        found: The content of diagnostics.json, by candidate.
    """
    titles = ["candidate", "layer", "spectral radius, before → after", "saturated, before → after"]
    rows = [
        [name, layer, *(changed(*values) for values in columns), clipped(found[name])]
        for name, _ in ranked(result)
        if name in found
        for layer, columns in layers(found[name])
    ]
    return Grid(titles=[*titles, "steps clipped"], rows=rows)


def layers(found: dict[str, Any]) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Each recurrent layer with its means before and after training."""
    seeds = list(found["seeds"].values())
    names = sorted({layer for seed in seeds for layer in seed["before"]})
    for layer in names:
        columns = [
            (mean_values(seeds, "before", layer, what), mean_values(seeds, "after", layer, what))
            for what in ("spectral_radius", "saturated_share")
        ]
        yield layer, columns


def mean_values(seeds: list[Any], when: str, layer: str, what: str) -> dict[str, float]:
    """Means over the seeds, by name; without those that are not there."""
    found = [seed[when][layer][what] for seed in seeds if seed[when] and layer in seed[when]]
    names = sorted({name for values in found for name in values})
    there = {name: [v[name] for v in found if v.get(name) is not None] for name in names}
    return {name: sum(values) / len(values) for name, values in there.items() if values}


def changed(before: dict[str, float], after: dict[str, float]) -> str:
    """Values by name, before and after training."""
    told = [
        f"{name} {difference(value)} → {difference(after.get(name)) or 'none'}"
        for name, value in before.items()
    ]
    return ", ".join(told) or "none"


def clipped(found: dict[str, Any]) -> str:
    """The mean share of steps whose gradient was scaled down."""
    shares = [share for seed in found["seeds"].values() for share in seed["clipped_share"]]
    shares = [share for share in shares if share is not None]
    return f"{sum(shares) / len(shares):.1%}" if shares else ""


def facts(result: Result) -> list[tuple[str, str]]:
    """What the numbers of a comparison are about, by name."""
    metric = result["metric"]
    about = f"{metric['unit']}, {metric['direction']} is better"
    definition = f" ({metric['definition']})" if metric["definition"] else ""
    counts = result["items"]
    sides = sorted(counts, key=lambda side: (SIDES.index(side) if side in SIDES else 9, side))
    items = ", ".join(f"{side} {count(counts[side])}" for side in sides)
    baseline = best_baseline(result)
    shown = f"{baseline}, {score(result['baselines'][baseline])}" if baseline else "none"
    return [
        ("metric", f"{metric['name']}: {about}{definition}"),
        ("margin", f"{result['margin']:g}, the largest difference that does not matter"),
        ("items", items),
        ("best simple baseline on the test side", shown),
        ("trained on", str(result["device"])),
    ]
